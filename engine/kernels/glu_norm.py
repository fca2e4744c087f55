"""Gated linear unit, residual and layer norm in one pass over the tokens, on a CPU by compiled code.

Shapes: B batch, L tokens, D width; a gate of 2D holds the two halves a, b of a linear layer's output.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.kernels.library import kernels, shared
from engine.kernels.scan import address, threads_for

WIDEST = 4096
"""Width up to which a token's values have room in the compiled code."""


def glu_norm(
    gate_BLE: Tensor, x_BLD: Tensor, scale_BD: Tensor | None, weight_D: Tensor, bias_D: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """LayerNorm(x + scale * update) and update = a * sigmoid(b), all float32, E = 2D.

    The scale, a dropout mask that is tied over time, gets no gradient.
    """
    out_BLD, update_BLD = _GluNorm.apply(gate_BLE, x_BLD, weight_D, bias_D, scale_BD, eps)  # type: ignore[no-untyped-call]
    return out_BLD, update_BLD


def glu_norm_into(
    out_BLD: Tensor, gate_BLE: Tensor, x_BLD: Tensor, weight_D: Tensor, bias_D: Tensor, eps: float
) -> Tensor:
    """LayerNorm(x + a * sigmoid(b)) and nothing else, written where it is wanted; for inference."""
    B, L, D = x_BLD.shape
    arrays = [*_inputs(gate_BLE, x_BLD, None, weight_D), address(bias_D, torch.float32, D)]
    out = address(out_BLD, torch.float32, B, L, D)
    library = kernels().library
    assert library is not None

    def part(first: int, last: int) -> None:
        library.isoline_glu_norm(*arrays, eps, None, out, None, None, L, D, first, last)

    shared(part, B * L, threads_for(x_BLD.numel()))
    return out_BLD


class _GluNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, gate_BLE: Tensor, x_BLD: Tensor, weight_D: Tensor, bias_D: Tensor, scale_BD: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor]:
        """Gate, add and normalise in one walk; keeps each token's mean and spread for the way back."""
        ctx.set_materialize_grads(False)
        gate_BLE, x_BLD = gate_BLE.contiguous(), x_BLD.contiguous()
        B, L, D = x_BLD.shape
        out_BLD, update_BLD = torch.empty_like(x_BLD), torch.empty_like(x_BLD)
        mean_BL, spread_BL = x_BLD.new_empty(B, L), x_BLD.new_empty(B, L)
        arrays = [*_inputs(gate_BLE, x_BLD, scale_BD, weight_D), address(bias_D, torch.float32, D)]
        results = [address(t, torch.float32, B, L, D) for t in (update_BLD, out_BLD)]
        results += [address(t, torch.float32, B, L) for t in (mean_BL, spread_BL)]
        library = kernels().library
        assert library is not None

        def part(first: int, last: int) -> None:
            library.isoline_glu_norm(*arrays, eps, *results, L, D, first, last)

        shared(part, B * L, threads_for(x_BLD.numel()))
        ctx.save_for_backward(gate_BLE, x_BLD, scale_BD, weight_D, mean_BL, spread_BL)
        return out_BLD, update_BLD

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout_BLD: Tensor | None, dupdate_BLD: Tensor | None) -> tuple[Tensor | None, ...]:
        """Gradients of gate, input, weight and bias, in one walk, too."""
        gate_BLE, x_BLD, scale_BD, weight_D, mean_BL, spread_BL = ctx.saved_tensors
        B, L, D = x_BLD.shape
        dout_BLD = torch.zeros_like(x_BLD) if dout_BLD is None else dout_BLD.contiguous()
        dupdate_BLD = None if dupdate_BLD is None else dupdate_BLD.contiguous()
        dgate_BLE, dx_BLD = torch.empty_like(gate_BLE), torch.empty_like(x_BLD)
        arrays = _inputs(gate_BLE, x_BLD, scale_BD, weight_D)
        arrays += [address(t, torch.float32, B, L) for t in (mean_BL, spread_BL)]
        arrays += [address(t, torch.float32, B, L, D) for t in (dout_BLD, dupdate_BLD)]
        arrays += [address(dgate_BLE, torch.float32, B, L, 2 * D), address(dx_BLD, torch.float32, B, L, D)]
        library = kernels().library
        assert library is not None
        sums: list[tuple[int, Tensor]] = []

        def part(first: int, last: int) -> None:
            sums_2D = torch.zeros(2, D, dtype=torch.float64)
            weight, bias = (address(row_D, torch.float64, D) for row_D in sums_2D)
            library.isoline_glu_norm_adjoint(*arrays, weight, bias, L, D, first, last)
            sums.append((first, sums_2D))

        shared(part, B * L, threads_for(x_BLD.numel()))
        # In the order of the tokens, so that a run with as many threads gives the same last digit again.
        dweight_D, dbias_D = torch.stack([part_2D for _, part_2D in sorted(sums, key=lambda s: s[0])]).sum(0).float()
        return dgate_BLE, dx_BLD, dweight_D, dbias_D, None, None


def _inputs(gate_BLE: Tensor, x_BLD: Tensor, scale_BD: Tensor | None, weight_D: Tensor) -> list[int | None]:
    B, L, D = x_BLD.shape
    if D > WIDEST:
        raise TypeError(f"compiled code takes widths up to {WIDEST}")
    return [
        address(gate_BLE, torch.float32, B, L, 2 * D),
        address(x_BLD, torch.float32, B, L, D),
        address(scale_BD, torch.float32, B, D),
        address(weight_D, torch.float32, D),
    ]
