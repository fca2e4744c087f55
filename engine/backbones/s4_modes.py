"""S4 with frozen dynamics as independent real modes, for CPUs (method specification, section 2.2).

LegS has the eigenvalues -1 ... -N, all real. The bilinear transform maps each to a pole between -1 and 1, so in the
basis of eigenvectors a channel is N recurrences of one number each,

    x_n <- pole_n x_n + u,    y = D u + sum over n of weight_n x_n,

with weights linear in C: some 17 multiply-adds a token and channel, no transform, no transposed copy. Eigenvectors of
LegS are ill-conditioned (8e4 at N = 8, worse with every state more), so all of it is in float64, and the modes are used
only where they reproduce the kernel's basis; other dynamics (diagonal, trained, many states) go by the convolution.

Shapes: H channels, N modes, M real coordinates of C (real and imaginary parts side by side), R directions.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.backbones.s4_dynamics import System, response

PROBED = 64
"""Samples of the basis that the modes must reproduce."""
TOLERANCE = 1e-7
"""Error allowed there, relative to the largest value of a channel's basis: about that of float32 itself."""
MOST_MODES = 16


class Modes(NamedTuple):
    """Frozen dynamics by modes, all float64.

    Attributes:
        pole_NH: what a mode keeps of itself from token to token.
        mix_MN: from coordinates of C to weights, before the channel's input gain.
        gain_NH: what of a token enters a mode of a channel.
    """

    pole_NH: Tensor
    mix_MN: Tensor
    gain_NH: Tensor

    def weights(self, C_RHM: Tensor) -> Tensor:
        """Weights [R, N, H] of the modes in the output, differentiable in C."""
        weight_RNH: Tensor = (C_RHM.double() @ self.mix_MN).transpose(1, 2) * self.gain_NH
        return weight_RNH

    def basis(self, length: int) -> Tensor:
        """The kernel's basis [H, M, length] that these modes make."""
        powers_NHL = self.pole_NH.unsqueeze(-1) ** torch.arange(length, dtype=torch.float64)
        return torch.einsum("mn,nh,nhl->hml", self.mix_MN, self.gain_NH, powers_NHL)


def find_modes(system: System, dt_H: Tensor) -> Modes | None:
    """The modes of a system that all channels share but for their step, or None where it has no real, accurate ones.

    Args:
        system: in discrete time, float64.
        dt_H: float64 step sizes.
    """
    M = system.b_HM.shape[-1]
    if M > MOST_MODES:
        return None
    # Back to continuous time from the channel with the longest step, whose poles lie furthest apart.
    longest = int(dt_H.argmax())
    eye_MM = torch.eye(M, dtype=torch.float64, device=dt_H.device)
    half_A_MM = torch.linalg.solve(system.A_HMM[longest] + eye_MM, system.A_HMM[longest] - eye_MM)
    b_M = (eye_MM - half_A_MM) @ system.b_HM[longest] / dt_H[longest]
    eigenvalues_N, vectors_MN = torch.linalg.eig(2 * half_A_MM / dt_H[longest])
    if bool((eigenvalues_N.imag.abs() > 1e-6 * eigenvalues_N.abs()).any()):
        return None
    # An eigenvector is free up to a factor, which its share of b divides out again.
    mix_MN = (vectors_MN * torch.linalg.solve(vectors_MN, b_M.to(vectors_MN.dtype))).real
    half_NH = eigenvalues_N.real.unsqueeze(1) * dt_H / 2
    modes = Modes((1 + half_NH) / (1 - half_NH), mix_MN, dt_H / (1 - half_NH))
    basis_HML = response(*system, PROBED)
    error_HML = (modes.basis(PROBED) - basis_HML).abs()
    scale_H11 = basis_HML.abs().amax((1, 2), keepdim=True)
    return modes if bool((error_HML <= TOLERANCE * scale_H11).all()) else None
