"""S4 as published: at every forward pass a Cauchy kernel, then fast Fourier transforms (Gu et al. 2022, algorithm 1).

The kernel's generating function is evaluated at the roots of unity. For A = diag(w) - p p* that is a sum of the form
sum over n of v_n / (z - w_n) for four pairs of vectors, put together by Woodbury's identity, and an inverse transform
gives the kernel. What is learned and stored is C (I - Abar^L): it is made of our C once, when weights are taken over.

The published code hands these sums to pykeops, which evaluates one formula for every pair of a node and a pole, for
each of the four sums anew, and keeps no pair in memory. So does this one; on a CPU it takes as long
(`tests/benchmarks/bench_cauchy.py` holds it against pykeops).

Shapes: B batch, L tokens, H channels (= D width), N states, J = N/2 conjugate halves, R directions, F frequencies.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.s4 import S4Backbone, S4Block, S4Convolution
from engine.backbones.stem import Stem
from engine.bench.reference.stem import TimeLastNorm, plain_stem

TILE = 64
"""Channels whose pairs of nodes and poles are in memory at a time."""


def cauchy(v_PQHJ: Tensor, z_F: Tensor, w_HJ: Tensor) -> Tensor:
    """Sums over n of v_n / (z - w_n) with the conjugate halves filled in, for P x Q vectors v; [P, Q, H, F].

    A pole and its conjugate together are 2 (z Re v - Re(v w*)) / ((z - w)(z - w*)), which is the published formula.
    """
    tiles = zip(torch.split(v_PQHJ, TILE, 2), torch.split(w_HJ, TILE), strict=True)
    return torch.cat([_pairs(v, z_F, w) for v, w in tiles], 2)


def _pairs(v_PQHJ: Tensor, z_F: Tensor, w_HJ: Tensor) -> Tensor:
    """The formula for every pair, summed over poles; [P, Q, H, F]."""
    shape = (*v_PQHJ.shape[:3], len(z_F), w_HJ.shape[-1])
    v, z, w = (x.expand(shape) for x in (v_PQHJ.unsqueeze(-2), z_F.unsqueeze(-1), w_HJ.unsqueeze(-2)))
    numerator = z * v.real - (v.real * w.real + v.imag * w.imag)
    sums_PQHF: Tensor = 2 * (numerator / ((z - w) * (z - w.conj()))).sum(-1)
    return sums_PQHF


class CauchyKernel(nn.Module):
    """The convolution kernel of one layer, anew at every pass."""

    w_J: Tensor
    p_J: Tensor
    b_J: Tensor
    log_dt_H: Tensor

    def __init__(self, ours: S4Convolution, length: int) -> None:
        super().__init__()
        for name, source in (("w_J", ours.poles), ("p_J", ours.p), ("b_J", ours.b)):
            self.register_buffer(name, torch.view_as_complex(source[0].contiguous()).to(torch.complex64))
        self.register_buffer("log_dt_H", ours.log_dt.float())
        self.C_RHJ2 = nn.Parameter(_truncated(ours, length))
        self.length = length

    def forward(self) -> Tensor:
        """kernel_RHL."""
        L = self.length
        dt_H1 = self.log_dt_H.exp().unsqueeze(-1)
        C_RHJ = torch.view_as_complex(self.C_RHJ2)
        w_HJ, p_HJ, b_HJ = self.w_J * dt_H1, self.p_J.expand(len(dt_H1), -1), self.b_J.expand(len(dt_H1), -1)
        omega_F = torch.exp(-2j * torch.pi * torch.arange(L // 2 + 1) / L)
        z_F = 2 * (1 - omega_F) / (1 + omega_F)
        left = torch.stack([b_HJ, p_HJ]).unsqueeze(1)
        right = torch.cat([C_RHJ, p_HJ.conj().unsqueeze(0)]).unsqueeze(0)
        r = cauchy(left * right, z_F, w_HJ) * dt_H1
        # Woodbury: (A + p p*)^-1 from the resolvent of its diagonal.
        k_RHF = r[0, :-1] - r[0, -1:] * r[1, :-1] / (1 + r[1, -1:])
        kernel_RHL: Tensor = torch.fft.irfft(k_RHF * 2 / (1 + omega_F), n=L)
        return kernel_RHL


def _truncated(ours: S4Convolution, length: int) -> Tensor:
    """C (I - Abar^L) in float64, as (re, im) pairs [R, H, J, 2]: a kernel of L samples from an endless one."""
    A_HMM, _ = ours.system()
    power_HMM = torch.linalg.matrix_power(A_HMM, length)
    C_RHM = ours.C.detach().double().flatten(2)
    cut_RHM = C_RHM - torch.einsum("rhm,hmk->rhk", C_RHM, power_HMM)
    return cut_RHM.float().reshape(ours.C.shape)


class PlainS4Block(nn.Module):
    """Convolution, GELU, gated linear unit, residual, norm, with time last."""

    def __init__(self, ours: S4Block, length: int, dropout: float) -> None:
        super().__init__()
        self.kernel = CauchyKernel(ours.convolution, length)
        self.D_H = nn.Parameter(ours.convolution.D.detach().clone())
        self.weight_GH = nn.Parameter(ours.output.weight.detach().clone())
        self.bias_G1 = nn.Parameter(ours.output.bias.detach().clone().unsqueeze(-1))
        self.norm = TimeLastNorm(ours.norm)
        self.inner_dropout, self.outer_dropout = nn.Dropout1d(dropout), nn.Dropout1d(dropout)

    def forward(self, x_BHL: Tensor) -> Tensor:
        """x_BHL -> x_BHL."""
        L = x_BHL.shape[-1]
        kernel_RHL = self.kernel()
        circle_HN = F.pad(kernel_RHL[0], (0, L))
        if len(kernel_RHL) == 2:
            circle_HN = circle_HN + F.pad(kernel_RHL[1].flip(-1), (L, 0))
        product_BHF = torch.einsum("bhf,hf->bhf", torch.fft.rfft(x_BHL, n=2 * L), torch.fft.rfft(circle_HN, n=2 * L))
        y_BHL = torch.fft.irfft(product_BHF, n=2 * L)[..., :L]
        y_BHL = y_BHL + torch.einsum("bhl,h->bhl", x_BHL, self.D_H)
        y_BHL = self.inner_dropout(F.gelu(y_BHL))
        gate_BGL = torch.einsum("bhl,gh->bgl", y_BHL, self.weight_GH) + self.bias_G1
        normed_BHL: Tensor = self.norm(x_BHL + self.outer_dropout(F.glu(gate_BGL, dim=1)))
        return normed_BHL


class PlainS4(nn.Module):
    """Stem and blocks, with the weights of ours; for crops that make `length` tokens."""

    def __init__(self, ours: S4Backbone, length: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.stem = plain_stem(cast(Stem, ours.stem))
        self.blocks = nn.ModuleList(PlainS4Block(cast(S4Block, block), length, dropout) for block in ours.blocks)

    def forward(self, x_BCT: Tensor) -> tuple[Tensor, Tensor]:
        """Latents and tokens, both [B, L, D]."""
        x_BHL = latents_BHL = self.stem(x_BCT)
        for block in self.blocks:
            x_BHL = block(x_BHL)
        return latents_BHL.transpose(1, 2), x_BHL.transpose(1, 2)
