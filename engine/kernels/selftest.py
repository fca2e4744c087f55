"""Is the compiled code right on this machine? Its loops against plain numpy in float64, on a small odd-sized case.

Shapes: B batch, L tokens, H channels (width D = H), N modes, R directions.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

Array = NDArray[Any]
TOLERANCE = 2e-5
"""Relative to the largest value: float32 arrays, sums of a few dozen terms."""

B, L, H, N, R = 2, 69, 19, 8, 2


def first_fault(library: ctypes.CDLL) -> str:
    """Name of the first loop that is wrong; empty when all are right."""
    rng = np.random.default_rng(0)
    for name, check in (("scan", _scan), ("glu_norm", _glu_norm)):
        for what, found, truth in check(library, rng):
            if not np.abs(found - truth).max() <= TOLERANCE * np.abs(truth).max():
                return f"{name}, {what}"
    return ""


def pointer(array: Array) -> int:
    """Address for ctypes."""
    return array.ctypes.data


def gelu_and_slope(y: Array) -> tuple[Array, Array]:
    """GELU in its exact form, and its derivative."""
    normal = (1 + erf(y / np.sqrt(2))) / 2
    return y * normal, normal + y * np.exp(-y * y / 2) / np.sqrt(2 * np.pi)


def toeplitz(pole_NH: Array, weight_RNH: Array, skip_H: Array, length: int) -> Array:
    """The scan as a matrix per channel [H, L, L]: what token i adds to token t."""
    lag = np.arange(length)[:, None] - np.arange(length)[None, :]
    powers = np.abs(lag)[None, None] - (lag < 0)[None, None]
    response = pole_NH[:, :, None, None] ** powers
    matrix = np.where(lag >= 0, np.einsum("nh,nhti->hti", weight_RNH[0], response), 0.0)
    if len(weight_RNH) == 2:
        matrix += np.where(lag < 0, np.einsum("nh,nhti->hti", weight_RNH[1], response), 0.0)
    return matrix + skip_H[:, None, None] * np.eye(length)


def _scan(library: ctypes.CDLL, rng: np.random.Generator) -> list[tuple[str, Array, Array]]:
    u, dz = (rng.normal(size=(B, L, H)).astype(np.float32) for _ in range(2))
    scale = rng.uniform(0.5, 2, size=(B, H)).astype(np.float32)
    pole, weight = rng.uniform(0.2, 0.99, size=(N, H)), rng.normal(size=(R, N, H))
    skip = rng.normal(size=H).astype(np.float32)
    y, z, du = (np.empty_like(u) for _ in range(3))
    dweight, dskip = np.zeros_like(weight), np.zeros(H)
    sizes = (B, L, H, N, R, 0, H)
    fixed = [pointer(scale), pointer(pole), pointer(weight), pointer(skip)]
    library.isoline_scan(pointer(u), pointer(y), pointer(z), *fixed, *sizes)
    library.isoline_scan_adjoint(
        pointer(u), pointer(y), pointer(dz), *fixed, pointer(du), pointer(dweight), pointer(dskip), *sizes
    )
    matrix = toeplitz(pole, weight, skip, L)
    y_true = np.einsum("hti,bih->bth", matrix, u)
    z_true, slope = gelu_and_slope(y_true)
    dy = dz * scale[:, None] * slope
    lag = np.arange(L)[:, None] - np.arange(L)[None, :]
    powers = pole[:, :, None, None] ** (np.abs(lag)[None, None] - (lag < 0)[None, None])
    pairs = np.einsum("bth,bih->hti", dy, u)
    dweight_true = np.stack([np.einsum("nhti,hti->nh", powers, pairs * side) for side in (lag >= 0, lag < 0)])
    return [
        ("convolution", y, y_true),
        ("GELU", z, z_true * scale[:, None]),
        ("gradient of the input", du, np.einsum("hti,bth->bih", matrix, dy)),
        ("gradient of the weights", dweight, dweight_true),
        ("gradient of the skip", dskip, np.einsum("bth,bth->h", dy, u)),
    ]


def _glu_norm(library: ctypes.CDLL, rng: np.random.Generator) -> list[tuple[str, Array, Array]]:
    rows, eps = B * L, 0.1
    gate = rng.normal(size=(rows, 2 * H)).astype(np.float32)
    x, dout, dupdate = (rng.normal(size=(rows, H)).astype(np.float32) for _ in range(3))
    scale = rng.uniform(0.5, 2, size=(B, H)).astype(np.float32)
    weight, bias = (rng.normal(size=H).astype(np.float32) for _ in range(2))
    update, out, dx, dgate = np.empty_like(x), np.empty_like(x), np.empty_like(x), np.empty_like(gate)
    mean, spread = np.empty(rows, np.float32), np.empty(rows, np.float32)
    dweight, dbias = np.zeros(H), np.zeros(H)
    start = [pointer(gate), pointer(x), pointer(scale), pointer(weight)]
    library.isoline_glu_norm(
        *start, pointer(bias), eps, *[pointer(array) for array in (update, out, mean, spread)], L, H, 0, rows
    )
    ends = [pointer(array) for array in (mean, spread, dout, dupdate, dgate, dx, dweight, dbias)]
    library.isoline_glu_norm_adjoint(*start, *ends, L, H, 0, rows)

    a, open_ = gate[:, :H].astype(np.float64), 1 / (1 + np.exp(-gate[:, H:].astype(np.float64)))
    factor = np.repeat(scale, L, axis=0)
    v = x + factor * a * open_
    rate = 1 / np.sqrt(v.var(axis=1, keepdims=True) + eps)
    n = (v - v.mean(axis=1, keepdims=True)) * rate
    dn = dout * weight
    dv = rate * (dn - dn.mean(axis=1, keepdims=True) - n * (dn * n).mean(axis=1, keepdims=True))
    flow = dv * factor + dupdate
    return [
        ("update", update, a * open_),
        ("output", out, n * weight + bias),
        ("gradient of the residual", dx, dv),
        ("gradient of the gate", dgate, np.concatenate([flow * open_, flow * a * open_ * (1 - open_)], axis=1)),
        ("gradient of the norm", np.stack([dweight, dbias]), np.stack([(dout * n).sum(0), dout.sum(0)])),
    ]
