"""The scan of an S4 layer on a CPU by compiled code: modes in double precision, arrays in float32, GELU on the way out.

A pointer knows neither type nor shape, so every tensor is checked before its address is handed over: bfloat16 read as
float32 was heap corruption, not an error.

Shapes: B batch, L tokens, H channels, N modes, R directions (1 causal, 2 with the reverse one).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.kernels.library import LANES, kernels, shared

MOST_MODES = 64
PAID_BY = 2**17
"""Values from which a second thread pays."""


def address(tensor: Tensor | None, dtype: torch.dtype, *shape: int) -> int | None:
    """Where a tensor's values lie, once it is certain that they are what the compiled code takes them for.

    Raises:
        TypeError: another type, another device, another shape, or values that do not lie side by side.
    """
    if tensor is None:
        return None
    if tensor.dtype != dtype or tensor.device.type != "cpu" or tuple(tensor.shape) != shape:
        what = f"{tensor.dtype} {tuple(tensor.shape)} on {tensor.device}"
        raise TypeError(f"compiled code wants {dtype} {shape} on the CPU, not {what}")
    if not tensor.is_contiguous():
        raise TypeError("compiled code wants values side by side")
    return tensor.data_ptr()


def applies(x: Tensor) -> bool:
    """Whether compiled code can take over for this input; where values do not lie side by side they are copied."""
    return x.device.type == "cpu" and x.dtype == torch.float32 and x.numel() > 0 and kernels().library is not None


def threads_for(values: int) -> int:
    """Threads that a loop over so many values is worth."""
    return min(torch.get_num_threads(), 1 + values // PAID_BY)


def modal_scan(
    u_BLH: Tensor,
    pole_NH: Tensor,
    weight_RNH: Tensor,
    skip_H: Tensor,
    *,
    gelu: bool = False,
    scale_BH: Tensor | None = None,
) -> Tensor:
    """y_t = D u_t + sum of weight_n x_n,t with x_n,t = pole_n x_n,t-1 + u_t; with a second direction, also its mirror.

    The reverse direction is strict: token t takes what comes after it. The gradient reaches u, weights and D.

    Args:
        u_BLH: float32.
        pole_NH: float64.
        weight_RNH: float64.
        skip_H: D, float32.
        gelu: hand out scale * GELU(y) in place of y.
        scale_BH: float32, with `gelu` only; a dropout mask that is tied over time.
    """
    assert gelu or scale_BH is None
    y_BLH: Tensor = _ModalScan.apply(u_BLH, weight_RNH, skip_H, pole_NH, scale_BH, gelu)  # type: ignore[no-untyped-call]
    return y_BLH


def gelu_scan_into(out_BLH: Tensor, u_BLH: Tensor, pole_NH: Tensor, weight_RNH: Tensor, skip_H: Tensor) -> Tensor:
    """GELU of the scan and nothing else, written where it is wanted; for inference. Arguments as in `modal_scan`."""
    y_BLH = torch.empty_like(u_BLH) if len(weight_RNH) == 2 else None
    _scan(u_BLH, y_BLH, out_BLH, None, pole_NH, weight_RNH, skip_H)
    return out_BLH


def _scan(
    u_BLH: Tensor,
    y_BLH: Tensor | None,
    z_BLH: Tensor | None,
    scale_BH: Tensor | None,
    pole_NH: Tensor,
    weight_RNH: Tensor,
    skip_H: Tensor,
) -> None:
    """Fill y, z, or both."""
    B, L, H = u_BLH.shape
    R, N, _ = weight_RNH.shape
    arrays = [address(t, torch.float32, B, L, H) for t in (u_BLH, y_BLH, z_BLH)]
    arrays += _constants(scale_BH, pole_NH, weight_RNH, skip_H, B, H)
    library = kernels().library
    assert library is not None
    assert N <= MOST_MODES

    def part(first: int, last: int) -> None:
        library.isoline_scan(*arrays, B, L, H, N, R, first, last)

    shared(part, H, threads_for(u_BLH.numel()), LANES)


class _ModalScan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        u_BLH: Tensor,
        weight_RNH: Tensor,
        skip_H: Tensor,
        pole_NH: Tensor,
        scale_BH: Tensor | None,
        gelu: bool,
    ) -> Tensor:
        """Run the modes over all steps; keeps what the way back starts from."""
        u_BLH, weight_RNH = u_BLH.contiguous(), weight_RNH.contiguous()
        needed = any(ctx.needs_input_grad[:3])
        y_BLH = torch.empty_like(u_BLH) if needed or not gelu or len(weight_RNH) == 2 else None
        z_BLH = torch.empty_like(u_BLH) if gelu else None
        _scan(u_BLH, y_BLH, z_BLH, scale_BH, pole_NH, weight_RNH, skip_H)
        if needed:
            ctx.save_for_backward(u_BLH, y_BLH if gelu else None, weight_RNH, skip_H, pole_NH, scale_BH)
        out_BLH = z_BLH if gelu else y_BLH
        assert out_BLH is not None
        return out_BLH

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BLH: Tensor) -> tuple[Tensor | None, ...]:
        """Run the modes backwards in time."""
        u_BLH, y_BLH, weight_RNH, skip_H, pole_NH, scale_BH = ctx.saved_tensors
        grad_BLH = grad_BLH.contiguous()
        B, L, H = u_BLH.shape
        R, N, _ = weight_RNH.shape
        du_BLH, dweight_RNH = torch.empty_like(u_BLH), torch.zeros_like(weight_RNH)
        dskip_H = torch.zeros(H, dtype=torch.float64)
        arrays = [address(t, torch.float32, B, L, H) for t in (u_BLH, y_BLH, grad_BLH)]
        arrays += _constants(scale_BH, pole_NH, weight_RNH, skip_H, B, H)
        arrays.append(address(du_BLH, torch.float32, B, L, H))
        arrays += [address(dweight_RNH, torch.float64, R, N, H), address(dskip_H, torch.float64, H)]
        library = kernels().library
        assert library is not None

        def part(first: int, last: int) -> None:
            library.isoline_scan_adjoint(*arrays, B, L, H, N, R, first, last)

        shared(part, H, threads_for(u_BLH.numel()), LANES)
        return du_BLH, dweight_RNH, dskip_H.to(skip_H.dtype), None, None, None


def _constants(
    scale_BH: Tensor | None, pole_NH: Tensor, weight_RNH: Tensor, skip_H: Tensor, batch: int, channels: int
) -> list[int | None]:
    R, N, _ = weight_RNH.shape
    return [
        address(scale_BH, torch.float32, batch, channels),
        address(pole_NH, torch.float64, N, channels),
        address(weight_RNH, torch.float64, R, N, channels),
        address(skip_H, torch.float32, channels),
    ]
