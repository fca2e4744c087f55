"""CPU time of one thread, two sides taking turns, and what the machine can do at best in the same run."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable
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


def interleaved(first: Call, second: Call, rounds: int) -> tuple[Timed, Timed]:
    """Time two calls in turns, after one of each that does not count.

    Process time: waiting for a core that others hold does not count; their use of the caches and clocks still does,
    which is why the sides take turns.
    """
    first(), second()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for call, told in zip((first, second), times, strict=True):
            told.append(_milliseconds(call))
    return _summed(times[0]), _summed(times[1])


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


def measure_machine(rounds: int = 9) -> Machine:
    """What one thread of this machine can do."""
    rows, inputs, outputs = GEMM
    x_NI, weight_OI, bias_O = torch.randn(rows, inputs), torch.randn(outputs, inputs), torch.randn(outputs)
    product = packed_linear(weight_OI, bias_O)
    with torch.inference_mode():
        default, packed = interleaved(lambda: F.linear(x_NI, weight_OI, bias_O), lambda: product(x_NI), rounds)
    work = 2 * rows * inputs * outputs / 1e6
    gemm, best = work / default.milliseconds, work / packed.milliseconds
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
