"""The S4 backbone with frozen HiPPO dynamics (method specification, section 2.2; Gu et al. 2022, arXiv:2111.00396).

Each channel h is a linear system of N states driven by the tokens u,

    x' = A x + B u,    y = C x + D u,    step size dt_h,

with A, B the HiPPO-LegS matrices and dt frozen; only C and D learn. So the convolution kernel
K_l = 2 Re(C Abar^l Bbar) is linear in C over a basis that never changes, and that basis is computed once, in float64.

Shapes: B batch, L tokens, H channels (= width D), N states, J = N/2 conjugate halves, M = 2J real coordinates of C,
R directions (1 causal, 2 with the reverse pass).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from engine.backbones.base import Backbone, Features, Products
from engine.backbones.stem import Stem
from engine.contract.config import S4Config
from engine.ranks.dropout import Dropout

SHORTEST_STEP, LONGEST_STEP = 1e-3, 1e-1
"""Range of dt, drawn log-uniformly; in units of tokens."""


class Dynamics(NamedTuple):
    """HiPPO-LegS in the basis where its normal part is diagonal: A = diag(poles) - p p*, conjugate halves only."""

    poles_J: NDArray[np.complex128]
    p_J: NDArray[np.complex128]
    b_J: NDArray[np.complex128]
    basis_NJ: NDArray[np.complex128]


def hippo_legs(states: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """A [N, N], B [N] and the rank-1 vector P [N] with A + P P^T normal (Gu et al. 2020, 2022)."""
    n = np.arange(states)
    root = np.sqrt(2 * n + 1.0)
    A_NN = -np.tril(np.outer(root, root), -1) - np.diag(n + 1.0)
    return A_NN, root, np.sqrt(n + 0.5)


def diagonal_dynamics(states: int) -> Dynamics:
    """HiPPO-LegS diagonalised; of each conjugate pair the half with the positive imaginary part is kept.

    Eigenvectors are free up to a phase; it is fixed so that b is real and positive, hence the same on any LAPACK.
    """
    A_NN, B_N, P_N = hippo_legs(states)
    normal_NN = A_NN + np.outer(P_N, P_N)
    # The normal part is -1/2 I plus a skew-symmetric matrix: i times the latter is Hermitian, so eigh is exact.
    skew_NN = normal_NN + 0.5 * np.eye(states)
    frequencies_N, V_NN = np.linalg.eigh(-1j * skew_NN)
    keep = frequencies_N > 0
    frequencies_J, V_NJ = frequencies_N[keep][::-1], V_NN[:, keep][:, ::-1].astype(np.complex128)
    b_J = V_NJ.conj().T @ B_N
    V_NJ = V_NJ * (b_J / np.abs(b_J))
    poles_J = (-0.5 + 1j * frequencies_J).astype(np.complex128)
    return Dynamics(poles_J, V_NJ.conj().T @ P_N, V_NJ.conj().T @ B_N, V_NJ)


def kernel_basis(poles_HJ: Tensor, p_HJ: Tensor, b_HJ: Tensor, dt_H: Tensor, length: int) -> Tensor:
    """Basis over which the kernel is linear in C: K_HL = sum_M C_HM basis_HML, with C as (re, im) pairs.

    Bilinear discretisation, then the impulse response of the states by doubling: knowing the first m samples,
    Abar^m gives the next m. It is computed up to a power of two, so that a value never depends on `length`.

    Args:
        poles_HJ: diagonal of the normal part, complex128 [H or 1, J].
        p_HJ: its rank-1 correction, likewise.
        b_HJ: input vector, likewise.
        dt_H: float64 step sizes.
        length: how many samples of the kernel.

    Returns:
        float64 [H, 2J, length].
    """
    full = [torch.cat([half, half.conj()], -1) for half in (poles_HJ, p_HJ, b_HJ)]
    poles_HN, p_HN, b_HN = full
    A_HNN = torch.diag_embed(poles_HN) - p_HN.unsqueeze(-1) * p_HN.conj().unsqueeze(-2)
    half_A_HNN = A_HNN * (dt_H / 2).view(-1, 1, 1)
    eye_NN = torch.eye(poles_HN.shape[-1], dtype=half_A_HNN.dtype, device=half_A_HNN.device)
    power_HNN = torch.linalg.solve(eye_NN - half_A_HNN, eye_NN + half_A_HNN)
    x_HNL = torch.linalg.solve(eye_NN - half_A_HNN, (b_HN * dt_H.unsqueeze(-1)).unsqueeze(-1))
    while x_HNL.shape[-1] < length:
        x_HNL = torch.cat([x_HNL, power_HNN @ x_HNL], -1)
        power_HNN = power_HNN @ power_HNN
    x_HJL = x_HNL[:, : poles_HJ.shape[-1], :length]
    # 2 Re(C x) = 2 Re(C) Re(x) - 2 Im(C) Im(x), with real and imaginary parts of C side by side as view_as_real does.
    return torch.stack([2 * x_HJL.real, -2 * x_HJL.imag], 2).flatten(1, 2)


class CircularConvolution(torch.autograd.Function):
    """Convolution of u_BHL, padded by zeros, with kernels on a circle of twice its length; gives y_BHL.

    Its own backward pass keeps to transforms of real signals; autograd's derivative of rfft is a full complex one and
    twice as slow. Transforms run along contiguous time: a transposed copy costs less than strided ones (width 512).
    """

    @staticmethod
    def forward(ctx: Any, u_BHL: Tensor, circle_HL: Tensor) -> Tensor:
        """Product of spectra, first half of the result."""
        n = circle_HL.shape[-1]
        u_BHF, k_HF = torch.fft.rfft(u_BHL, n=n), torch.fft.rfft(circle_HL)
        ctx.save_for_backward(u_BHF, k_HF)
        y_BHL: Tensor = torch.fft.irfft(u_BHF * k_HF, n=n)[..., : n // 2]
        return y_BHL

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BHL: Tensor) -> tuple[Tensor, Tensor]:
        """Correlations with the kernel and with the input."""
        u_BHF, k_HF = ctx.saved_tensors
        n = 2 * grad_BHL.shape[-1]
        grad_BHF = torch.fft.rfft(grad_BHL, n=n)
        grad_u_BHL = torch.fft.irfft(grad_BHF * k_HF.conj(), n=n)[..., : n // 2]
        return grad_u_BHL, torch.fft.irfft((grad_BHF * u_BHF.conj()).sum(0), n=n)


class S4Convolution(nn.Module):
    """One S4 layer as a long convolution: y = K * u + D u, with K linear in C over a fixed basis.

    Trained: C and D. Frozen, as buffers in float64: step sizes and dynamics.
    """

    log_dt: Tensor
    poles: Tensor
    p: Tensor
    b: Tensor

    def __init__(self, width: int, state_size: int, causal: bool) -> None:
        super().__init__()
        directions, halves = (1 if causal else 2), state_size // 2
        dynamics = diagonal_dynamics(state_size)
        spread = math.log(LONGEST_STEP) - math.log(SHORTEST_STEP)
        self.register_buffer("log_dt", torch.rand(width, dtype=torch.float64) * spread + math.log(SHORTEST_STEP))
        for name, value_J in (("poles", dynamics.poles_J), ("p", dynamics.p_J), ("b", dynamics.b_J)):
            self.register_buffer(name, torch.view_as_real(torch.from_numpy(value_J.copy())).unsqueeze(0))
        self.C = nn.Parameter(torch.randn(directions, width, halves, 2) * math.sqrt(0.5))
        self.D = nn.Parameter(torch.randn(width))
        self._basis_HML: Tensor | None = None

    def _load_from_state_dict(self, *arguments: Any) -> None:
        """Other dynamics make another basis."""
        super()._load_from_state_dict(*arguments)
        self._basis_HML = None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Keep the dynamics in float64 when the module changes its precision; the basis follows at its next use."""
        frozen = dict(self.named_buffers(recurse=False))
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, value in frozen.items():
            setattr(self, name, value.to(getattr(self, name).device))
        self._basis_HML = None
        return self

    def basis(self, length: int) -> Tensor:
        """The kernel's basis [H, M, length] in the precision of C, computed at first use."""
        if self._basis_HML is None or self._basis_HML.shape[-1] < length:
            # Not in inference mode even when the caller is: what is kept here must serve a later training step too.
            with torch.inference_mode(False), torch.no_grad():
                poles_HJ, p_HJ, b_HJ = (torch.view_as_complex(v) for v in (self.poles, self.p, self.b))
                reach = 1 << (length - 1).bit_length()
                self._basis_HML = kernel_basis(poles_HJ, p_HJ, b_HJ, self.log_dt.exp(), reach).to(self.C.dtype)
        basis_HML: Tensor = self._basis_HML[..., :length]
        return basis_HML

    def kernel(self, length: int) -> Tensor:
        """Convolution kernel [R, H, length]."""
        kernel_HRL: Tensor = torch.bmm(self.C.flatten(2).transpose(0, 1), self.basis(length))
        return kernel_HRL.transpose(0, 1)

    def forward(self, u_BLH: Tensor) -> Tensor:
        """y_t = sum over i <= t of k0[t-i] u_i, plus sum over i > t of k1[i-t-1] u_i if bidirectional, plus D u_t."""
        L = u_BLH.shape[1]
        kernel_RHL = self.kernel(L)
        # On a circle of 2L the forward kernel takes the first half and the reversed one the second: no overlap.
        circle_HL = F.pad(kernel_RHL[0], (0, L))
        if kernel_RHL.shape[0] == 2:
            circle_HL = circle_HL + F.pad(kernel_RHL[1].flip(-1), (L, 0))
        y_BHL: Tensor = CircularConvolution.apply(u_BLH.transpose(1, 2), circle_HL)  # type: ignore[no-untyped-call]
        return torch.addcmul(y_BHL.transpose(1, 2).contiguous(), self.D, u_BLH)


class S4Block(nn.Module):
    """Convolution, GELU, gated linear unit, residual, layer norm (post-norm; no separate feed-forward part)."""

    def __init__(self, config: S4Config, place: str) -> None:
        super().__init__()
        self.convolution = S4Convolution(config.width, config.state_size, config.causal)
        self.output = nn.Linear(config.width, 2 * config.width)
        self.norm = nn.LayerNorm(config.width)
        self.inner_dropout = Dropout(config.dropout, f"{place}/convolution", tied=True)
        self.outer_dropout = Dropout(config.dropout, f"{place}/output", tied=True)

    def forward(self, x_BLD: Tensor) -> tuple[Tensor, Tensor]:
        """x_BLD -> x_BLD, and what was added to it before dropout and norm."""
        z_BLD = self.inner_dropout(F.gelu(self.convolution(x_BLD)))
        update_BLD = F.glu(self.output(z_BLD), dim=-1)
        return self.norm(x_BLD + self.outer_dropout(update_BLD)), update_BLD


class S4Backbone(Backbone):
    """Stem and S4 blocks."""

    def __init__(self, config: S4Config) -> None:
        super().__init__()
        self.stem = Stem(config.width, config.stem_kernels, config.stem_strides)
        self.blocks = nn.ModuleList(S4Block(config, f"block{i + 1}") for i in range(config.depth))
        self.width, self.causal, self.stride = config.width, config.causal, math.prod(config.stem_strides)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The stem, then each block after its norm."""
        return ("stem", *(f"block{i + 1}" for i in range(len(self.blocks))))

    def encode(self, latents_BLD: Tensor) -> Features:
        """Run the blocks."""
        layers, updates = [latents_BLD], []
        for block in self.blocks:
            x_BLD, update_BLD = block(layers[-1])
            layers.append(x_BLD)
            updates.append(update_BLD)
        return Features(latents_BLD, layers, layers[-1], updates)

    def products(self, samples: int) -> Products:
        """Matrix products of stem and output layers; the FFTs apart (2.5 n log2 n for a real one of n = 2L)."""
        assert isinstance(self.stem, Stem)
        stem, first, tokens = self.stem.multiply_adds(samples)
        depth, circle = len(self.blocks), 2 * tokens
        transforms = 2 * 2.5 * circle * math.log2(circle) + 6 * (tokens + 1)
        return Products(
            forward=2 * (stem + depth * tokens * 2 * self.width**2),
            first=2 * first,
            convolution=round(depth * self.width * transforms),
        )
