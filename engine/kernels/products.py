"""Matrix products in float32 on a CPU by oneDNN, where that is faster than torch's default and just as exact.

Measured on AMD Zen 4: 68-86 GFLOP/s by MKL, torch's default there, 95-105 by oneDNN (peak 116). torch takes oneDNN for
products of float32 only when it may round to bfloat16. Where the processor has no instructions for that it does not
round; where it has (AMX), it may. So both ways are probed against products in float64 before they are used.

Shapes: N rows, I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

Product = Callable[[Tensor], Tensor]

ROUNDING = 1e-5
"""Relative error up to which a product counts as float32; bfloat16 has 4e-3."""
ROUNDING_OF_BF16 = 2e-2
PROBE = (300, 512, 384)

_ROUNDED, _WHOLE = "bf16", "ieee"
"""What torch calls the precision that lets products go by oneDNN, and the one that does not."""


def route_products() -> str:
    """Let torch's products of float32 on the CPU go by oneDNN, if they stay exact; says which way they go.

    For the whole process, and only where it runs on the CPU: on a GPU nothing is changed.
    """
    if not onednn_is_exact():
        return "torch's default, since oneDNN rounds on this processor"
    _set_precision(_ROUNDED)
    return "oneDNN, exact to float32"


@cache
def onednn_is_exact() -> bool:
    """Whether products that may go by oneDNN stay float32 on this processor."""
    with by_onednn():
        return _error(lambda x_NI, weight_OI, bias_O: F.linear(x_NI, weight_OI, bias_O)) < ROUNDING


def goes_by_onednn() -> bool:
    """Whether products of float32 on the CPU go by oneDNN now."""
    return _precision() in {_ROUNDED, "medium"}


def by_onednn() -> AbstractContextManager[None]:
    """Within this, products of float32 on the CPU go by oneDNN, exact or not."""
    return _at(_ROUNDED)


def not_by_onednn() -> AbstractContextManager[None]:
    """Within this, products of float32 on the CPU go by torch's default."""
    return _at(_WHOLE)


@contextmanager
def _at(precision: str) -> Iterator[None]:
    before = _precision()
    _set_precision(precision)
    try:
        yield
    finally:
        _set_precision(before)


def packed_linear(weight_OI: Tensor, bias_O: Tensor | None, relu: bool = False) -> Product:
    """x_NI -> x_NI weight^T + bias, optionally through a ReLU, with weights packed once for oneDNN; for inference.

    Where torch has no such operation, or a wrong one, it is its plain linear layer. Inputs have the weights' precision.
    The ReLU turns what is not a number into 0 where oneDNN applies it.
    """
    if not packing_works(weight_OI.dtype):
        return _plain_linear(weight_OI, bias_O, relu)
    operations = torch.ops.mkldnn
    packed = operations._reorder_linear_weight(weight_OI.detach().contiguous())
    then = "relu" if relu else "none"

    def product(x_NI: Tensor) -> Tensor:
        y_NO: Tensor = operations._linear_pointwise(x_NI, packed, bias_O, then, [], "")
        return y_NO

    return product


@cache
def packing_works(dtype: torch.dtype = torch.float32) -> bool:
    """Whether this torch and this processor can pack weights for oneDNN, and float32 is not rounded on the way."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False

    def packed_once(x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor) -> Tensor:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight_OI.to(dtype))
        y_NO: Tensor = torch.ops.mkldnn._linear_pointwise(x_NI.to(dtype), packed, bias_O.to(dtype), "none", [], "")
        return y_NO

    try:
        return _error(packed_once) < (ROUNDING if dtype == torch.float32 else ROUNDING_OF_BF16)
    except (RuntimeError, AttributeError, NotImplementedError):
        return False


def _plain_linear(weight_OI: Tensor, bias_O: Tensor | None, relu: bool) -> Product:
    def product(x_NI: Tensor) -> Tensor:
        y_NO = F.linear(x_NI, weight_OI, bias_O)
        return y_NO.relu_() if relu else y_NO

    return product


def _error(product: Callable[[Tensor, Tensor, Tensor], Tensor]) -> float:
    """Largest error of a linear layer against float64, relative to its largest value."""
    rows, inputs, outputs = PROBE
    draws = torch.Generator().manual_seed(0)
    x_NI, weight_OI = (torch.randn(n, inputs, generator=draws) for n in (rows, outputs))
    bias_O = torch.randn(outputs, generator=draws)
    with torch.inference_mode():
        truth_NO = F.linear(x_NI.double(), weight_OI.double(), bias_O.double())
        return float((product(x_NI, weight_OI, bias_O) - truth_NO).abs().max() / truth_NO.abs().max())


def _precision() -> str:
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    return matmul.fp32_precision if matmul is not None else torch.get_float32_matmul_precision()


def _set_precision(value: str) -> None:
    """For oneDNN alone where torch has a setting of its own for it (2.9 and later), else for all of the CPU's."""
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    if matmul is not None:
        matmul.fp32_precision = value
    else:
        torch.set_float32_matmul_precision({_ROUNDED: "medium", _WHOLE: "highest"}.get(value, value))
