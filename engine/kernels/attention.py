"""Attention on a CPU whose products go by oneDNN.

Fused attention multiplies block by block: of each head 32 queries with 512 keys. By oneDNN every such product pays for
finding its kernel; with few features a head that costs more than the product. Measured on one core of an AMD Zen 5,
forward and backward of 32 crops: 65 ms by oneDNN and 14 by torch's default at 4 heads of 16 features and 150 tokens,
185 and 92 at 8 heads of 16 and 300 tokens; at 64 features a head there is no difference. So narrow heads take torch's
default, while all else goes on by oneDNN.

Shapes: B batch, H heads, L tokens, E features of a head.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.kernels.products import goes_by_onednn, not_by_onednn

NARROW = 64
"""Heads of fewer features gain nothing by oneDNN."""


def attention(q_BHLE: Tensor, k_BHLE: Tensor, v_BHLE: Tensor, causal: bool) -> Tensor:
    """softmax(q k^T / sqrt(E)) v, [B, H, L, E]; a causal query reads no later keys."""
    if _narrow(q_BHLE) and goes_by_onednn():
        read_BHLE: Tensor = _Narrow.apply(q_BHLE, k_BHLE, v_BHLE, causal)  # type: ignore[no-untyped-call]
        return read_BHLE
    return F.scaled_dot_product_attention(q_BHLE, k_BHLE, v_BHLE, is_causal=causal)


def _narrow(q_BHLE: Tensor) -> bool:
    return q_BHLE.device.type == "cpu" and q_BHLE.dtype == torch.float32 and q_BHLE.shape[-1] < NARROW


class _Narrow(torch.autograd.Function):
    """Fused attention by torch's default products, forward and backward; the very operations that torch would choose.

    A function of its own, since the way back is taken long after the settings of the way there were put back.
    """

    @staticmethod
    def forward(ctx: Any, q_BHLE: Tensor, k_BHLE: Tensor, v_BHLE: Tensor, causal: bool) -> Tensor:
        """What was read; the sums of the softmax are kept for the way back."""
        with not_by_onednn():
            read_BHLE, sums_BHL = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
                q_BHLE, k_BHLE, v_BHLE, 0.0, causal
            )
        ctx.save_for_backward(q_BHLE, k_BHLE, v_BHLE, read_BHLE, sums_BHL)
        ctx.causal = causal
        return read_BHLE  # type: ignore[no-any-return]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BHLE: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Gradients of queries, keys and values."""
        with not_by_onednn():
            gradients = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
                grad_BHLE, *ctx.saved_tensors, 0.0, ctx.causal
            )
        return (*gradients, None)
