"""Long convolutions by fast Fourier transforms: any device, any kernel, L log L instead of L^2.

Shapes: B batch, L tokens, H channels, R directions (1 forwards, 2 with the reverse one), F frequencies.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def circle_length(tokens: int) -> int:
    """Smallest even 2^a 3^b 5^c that holds twice the tokens: transforms of other lengths are up to twice as slow."""
    length = 2 * tokens
    while not _is_smooth(length):
        length += 2
    return length


def _is_smooth(number: int) -> bool:
    for prime in (2, 3, 5):
        while number % prime == 0:
            number //= prime
    return number == 1


def convolve(u_BLH: Tensor, kernel_RHL: Tensor) -> Tensor:
    """y_t = sum over i <= t of k0[t-i] u_i, plus sum over i > t of k1[i-t-1] u_i with a reverse kernel; y_BLH."""
    L = u_BLH.shape[1]
    n = circle_length(L)
    # On a circle of 2L or more the forward kernel takes the start and the reversed one the end: no overlap.
    circle_HN = F.pad(kernel_RHL[0], (0, n - L))
    if kernel_RHL.shape[0] == 2:
        circle_HN = circle_HN + F.pad(kernel_RHL[1].flip(-1), (n - L, 0))
    y_BHL: Tensor = CircularConvolution.apply(u_BLH.transpose(1, 2), circle_HN)  # type: ignore[no-untyped-call]
    return y_BHL.transpose(1, 2)


class CircularConvolution(torch.autograd.Function):
    """Convolution of u_BHL, padded by zeros, with kernels circle_HN on a circle of N >= 2L; gives y_BHL.

    Its own backward pass keeps to transforms of real signals; autograd's derivative of rfft is a full complex one and
    twice as slow. Transforms run along contiguous time: a transposed copy costs less than strided ones (width 512).
    """

    @staticmethod
    def forward(ctx: Any, u_BHL: Tensor, circle_HN: Tensor) -> Tensor:
        """Product of spectra, start of the result."""
        n = circle_HN.shape[-1]
        u_BHF, k_HF = torch.fft.rfft(u_BHL, n=n), torch.fft.rfft(circle_HN)
        ctx.save_for_backward(u_BHF, k_HF)
        ctx.n = n
        y_BHL: Tensor = torch.fft.irfft(u_BHF * k_HF, n=n)[..., : u_BHL.shape[-1]]
        return y_BHL

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BHL: Tensor) -> tuple[Tensor, Tensor]:
        """Correlations with the kernel and with the input."""
        u_BHF, k_HF = ctx.saved_tensors
        grad_BHF = torch.fft.rfft(grad_BHL, n=ctx.n)
        grad_u_BHL = torch.fft.irfft(grad_BHF * k_HF.conj(), n=ctx.n)[..., : grad_BHL.shape[-1]]
        return grad_u_BHL, torch.fft.irfft((grad_BHF * u_BHF.conj()).sum(0), n=ctx.n)
