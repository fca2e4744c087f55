"""The linear system within S4: HiPPO-LegS, in the coordinates that C reads, in discrete time.

HiPPO-LegS (Gu et al. 2020, arXiv:2008.07669) makes a system of N states remember its input as coefficients of Legendre
polynomials. Its matrix A is not normal, but A + P P^T is: in the basis where that is diagonal A is "normal plus low
rank" (NPLR; Gu et al. 2022, arXiv:2111.00396), A = diag(poles) - p p*. The diagonal form drops the correction and
halves b; with growing N its responses tend to those of LegS (S4D-LegS; Gu et al. 2022, arXiv:2206.11893, theorem 3).

States come in conjugate pairs, so of N complex ones J = N/2 are kept, and the output is 2 Re(C z). As real numbers,

    x = (2 Re z_1, -2 Im z_1, ..., 2 Re z_J, -2 Im z_J),    y = (Re C_1, Im C_1, ..., Re C_J, Im C_J) . x,

and all that follows is a real system of M = N coordinates. Everything is float64: the powers of A that make a kernel
are where single precision would be lost.

Shapes: B batch, L tokens, H channels (or 1 that all share), N states, J = N/2 conjugate halves, M = 2J coordinates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Dynamics(NamedTuple):
    """HiPPO-LegS in the basis where its normal part is diagonal: A = diag(poles) - p p*, conjugate halves only."""

    poles_J: NDArray[np.complex128]
    p_J: NDArray[np.complex128]
    b_J: NDArray[np.complex128]
    basis_NJ: NDArray[np.complex128]


class System(NamedTuple):
    """A linear system in discrete time and real coordinates: x_t = A x_{t-1} + b u_t, read by y_t = C x_t."""

    A_HMM: Tensor
    b_HM: Tensor


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


def discrete_system(poles_HJ: Tensor, p_HJ: Tensor | None, b_HJ: Tensor, dt_H: Tensor) -> System:
    """The bilinear (Tustin) discretisation of z' = (diag(poles) - p p*) z + b u with steps dt.

    Args:
        poles_HJ: diagonal, complex128 [H or 1, J], real parts negative. Then the system is stable whatever p is, since
            the Hermitian part of diag(poles) - p p* is negative (Goel et al. 2022, arXiv:2202.09729).
        p_HJ: rank-1 correction, likewise; none for the diagonal form.
        b_HJ: input vector, likewise.
        dt_H: float64 step sizes.
    """
    # z' = P z + Q conj(z): the correction also couples a state to the conjugates that are not kept.
    P_HJJ = torch.diag_embed(poles_HJ)
    Q_HJJ = torch.zeros_like(P_HJJ)
    if p_HJ is not None:
        P_HJJ = P_HJJ - p_HJ.unsqueeze(-1) * p_HJ.conj().unsqueeze(-2)
        Q_HJJ = Q_HJJ - p_HJ.unsqueeze(-1) * p_HJ.unsqueeze(-2)
    plus, minus = P_HJJ + Q_HJJ, P_HJJ - Q_HJJ
    rows = torch.stack([plus.real, minus.imag], -1), torch.stack([-plus.imag, minus.real], -1)
    J = poles_HJ.shape[-1]
    half_A_HMM = torch.stack(rows, -3).reshape(-1, 2 * J, 2 * J) * (dt_H / 2).view(-1, 1, 1)
    b_HM = torch.stack([2 * b_HJ.real, -2 * b_HJ.imag], -1).flatten(-2) * dt_H.unsqueeze(-1)
    eye_MM = torch.eye(2 * J, dtype=half_A_HMM.dtype, device=half_A_HMM.device)
    right_HMX = torch.cat([eye_MM + half_A_HMM, b_HM.unsqueeze(-1)], -1)
    solved_HMX = torch.linalg.solve(eye_MM - half_A_HMM, right_HMX)
    return System(solved_HMX[..., :-1], solved_HMX[..., -1])


def response(A_HMM: Tensor, start_HM: Tensor, length: int) -> Tensor:
    """How a state moves when left alone: start, A start, A^2 start, ...; [..., H, M, length].

    By doubling: knowing the first m states, A^m gives the next m. It is computed up to a power of two, so that a value
    never depends on `length`.

    Args:
        A_HMM: one step.
        start_HM: first state, [..., H, M].
        length: how many states.
    """
    x_HML, power_HMM = start_HM.unsqueeze(-1), A_HMM
    while x_HML.shape[-1] < length:
        x_HML = torch.cat([x_HML, power_HMM @ x_HML], -1)
        power_HMM = power_HMM @ power_HMM
    return x_HML[..., :length]
