"""CPU time of one thread, two sides taking turns, and what the machine can do at best in the same run."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from engine.kernels.library import kernels
from engine.kernels.products import packed_linear

Call = Callable[[], object]
GEMM = (2400, 512, 1024)
"""Rows, inputs and outputs of the product that machines are compared by."""


@dataclass(frozen=True)
class Timed:
    """CPU milliseconds of a call: the median of its rounds, and their spread as a share of it."""

    milliseconds: float
    spread: float


def interleaved(calls: Sequence[Call], rounds: int) -> list[Timed]:
    """Time calls in turns, after one of each that does not count.

    Process time: waiting for a core that others hold does not count; their use of the caches and clocks still does,
    which is why the calls take turns.
    """
    for call in calls:
        call()
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, told in zip(calls, times, strict=True):
            told.append(_milliseconds(call))
    return [_summed(told) for told in times]


def _milliseconds(call: Call) -> float:
    begun = time.process_time()
    call()
    return 1e3 * (time.process_time() - begun)


def _summed(times: list[float]) -> Timed:
    middle = statistics.median(times)
    return Timed(middle, (max(times) - min(times)) / middle if middle else 0.0)


@dataclass(frozen=True)
class Machine:
    """GFLOP/s of one thread in float32.

    Attributes:
        gemm: a product by torch's default.
        packed: the same by oneDNN with packed weights.
        peak: multiply-adds in registers, nothing else; where it cannot be measured, the better product.
        peak_is: how the peak was found.
    """

    gemm: float
    packed: float
    peak: float
    peak_is: str


class Product:
    """The product that machines are compared by, made several times over by torch's default."""

    def __init__(self, times: int = 1, shape: tuple[int, int, int] = GEMM) -> None:
        rows, inputs, outputs = shape
        shapes = (rows, inputs), (outputs, inputs), (outputs,)
        self._x_NI, self._weight_OI, self._bias_O = (torch.randn(*shape) for shape in shapes)
        self._times, self._work = times, 2 * rows * inputs * outputs / 1e6

    def __call__(self) -> None:
        """Make it."""
        with torch.inference_mode():
            for _ in range(self._times):
                F.linear(self._x_NI, self._weight_OI, self._bias_O)

    def packed(self) -> Call:
        """The same by oneDNN with packed weights."""
        product = packed_linear(self._weight_OI, self._bias_O)

        def call() -> None:
            with torch.inference_mode():
                for _ in range(self._times):
                    product(self._x_NI)

        return call

    def rate(self, timed: Timed) -> float:
        """GFLOP/s of a call that was timed."""
        return self._times * self._work / timed.milliseconds


def measure_machine(rounds: int = 9) -> Machine:
    """What one thread of this machine can do."""
    product = Product()
    gemm, best = (product.rate(timed) for timed in interleaved([product, product.packed()], rounds))
    peak = register_peak()
    if peak:
        return Machine(gemm, best, max(peak, best), "multiply-adds in registers")
    return Machine(gemm, best, max(gemm, best), "the faster product")


def register_peak(multiply_adds: int = 10**9) -> float:
    """GFLOP/s of independent multiply-adds in registers; 0 without the compiled loops. The best of three."""
    library = kernels().library
    if library is None:
        return 0.0
    out = (ctypes.c_float * 1)(0.5)
    best = 0.0
    for _ in range(3):
        begun = time.process_time()
        done = library.isoline_chains(multiply_adds // 192, ctypes.addressof(out))
        best = max(best, 2e-9 * done / max(time.process_time() - begun, 1e-9))
    return best
