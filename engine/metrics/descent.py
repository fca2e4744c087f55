"""L-BFGS on many smooth convex functions at once: one column each, evaluated together, each with its own memory.

Limited-memory BFGS by the two-loop recursion (Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.4) with
backtracking by Armijo's rule. Columns share the passes over the data, which a matrix product makes cheap, and nothing
else: a column that has converged leaves, and no column's step waits for another's.

Legend: K coordinates, L functions (columns).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]
Functions = Callable[[Floats, Columns], tuple[Floats, Floats]]
"""Points [K, n] and which columns they are of -> values [n] and gradients [K, n]."""

MEMORY = 10
"""Steps that are remembered."""

MOST_STEPS = 2000
MOST_HALVINGS = 40
SUFFICIENT = 1e-4
ROUNDING = 1e-13
"""Relative: an increase of the value below it is rounding, no ascent."""


def descend(functions: Functions, point_KL: Floats, tolerance: float) -> Floats:
    """Minimise every column from where it stands, [K, L].

    Args:
        functions: values and gradients; smooth and convex.
        point_KL: where to begin.
        tolerance: a column ends once no coordinate of its gradient is larger.
    """
    found_KL = point_KL.copy()
    every_L = np.arange(point_KL.shape[1])
    state = _State(every_L, found_KL.copy(), *functions(found_KL, every_L))
    for _ in range(MOST_STEPS):
        going_L = np.abs(state.gradient_KL).max(axis=0, initial=0.0) > tolerance
        found_KL[:, state.columns_L] = state.point_KL
        if not going_L.any():
            break
        if not going_L.all():
            state.keep(going_L)
        moved_L = state.step(functions)
        if not moved_L.all():  # no step lowers the value any more: its precision is used up
            found_KL[:, state.columns_L] = state.point_KL
            state.keep(moved_L)
    return found_KL


@dataclass
class _State:
    """Columns that still go, with where they stand and the steps they remember: (step, change of gradient, 1 / s.y)."""

    columns_L: Columns
    point_KL: Floats
    value_L: Floats
    gradient_KL: Floats
    memory: deque[tuple[Floats, Floats, Floats]] = field(default_factory=lambda: deque(maxlen=MEMORY))

    def keep(self, going_L: NDArray[np.bool_]) -> None:
        """Let the other columns go."""
        self.columns_L, self.value_L = self.columns_L[going_L], self.value_L[going_L]
        self.point_KL, self.gradient_KL = self.point_KL[:, going_L], self.gradient_KL[:, going_L]
        kept = [(s_KL[:, going_L], y_KL[:, going_L], rho_L[going_L]) for s_KL, y_KL, rho_L in self.memory]
        self.memory = deque(kept, maxlen=MEMORY)

    def step(self, functions: Functions) -> NDArray[np.bool_]:
        """One step of every column; which of them found a lower value."""
        direction_KL = self._direction()
        fall_L = (direction_KL * self.gradient_KL).sum(axis=0)
        uphill_L = fall_L >= 0
        direction_KL[:, uphill_L] = -self.gradient_KL[:, uphill_L]
        fall_L[uphill_L] = -(self.gradient_KL[:, uphill_L] ** 2).sum(axis=0)
        point_KL, value_L, gradient_KL = self.point_KL.copy(), self.value_L.copy(), self.gradient_KL.copy()
        allowed_L = self.value_L + ROUNDING * np.abs(self.value_L)
        length, left_L = 1.0, np.arange(len(self.columns_L))
        for _ in range(MOST_HALVINGS):
            trial_KL = self.point_KL[:, left_L] + length * direction_KL[:, left_L]
            tried_L, slope_KL = functions(trial_KL, self.columns_L[left_L])
            good_L = tried_L <= allowed_L[left_L] + SUFFICIENT * length * fall_L[left_L]
            taken_L = left_L[good_L]
            point_KL[:, taken_L], value_L[taken_L] = trial_KL[:, good_L], tried_L[good_L]
            gradient_KL[:, taken_L] = slope_KL[:, good_L]
            left_L, length = left_L[~good_L], length / 2
            if not len(left_L):
                break
        self._remember(point_KL - self.point_KL, gradient_KL - self.gradient_KL)
        self.point_KL, self.value_L, self.gradient_KL = point_KL, value_L, gradient_KL
        moved_L = np.ones(len(self.columns_L), dtype=np.bool_)
        moved_L[left_L] = False
        return moved_L

    def _remember(self, s_KL: Floats, y_KL: Floats) -> None:
        """A step without curvature that can be told from rounding is remembered as none (weight 0)."""
        curvature_L = (s_KL * y_KL).sum(axis=0)
        told_L = curvature_L > 1e-14 * (y_KL**2).sum(axis=0)
        self.memory.append((s_KL, y_KL, np.where(told_L, 1.0 / np.where(told_L, curvature_L, 1.0), 0.0)))

    def _direction(self) -> Floats:
        """Minus the approximate inverse Hessian times the gradient, by the two-loop recursion."""
        q_KL, shares = self.gradient_KL.copy(), []
        for s_KL, y_KL, rho_L in reversed(self.memory):
            alpha_L = rho_L * np.einsum("kl,kl->l", s_KL, q_KL)
            q_KL -= alpha_L * y_KL
            shares.append(alpha_L)
        if self.memory:
            _, y_KL, rho_L = self.memory[-1]
            scale_L = rho_L * np.einsum("kl,kl->l", y_KL, y_KL)
            q_KL /= np.where(scale_L > 0, scale_L, 1.0)
        for (s_KL, y_KL, rho_L), alpha_L in zip(self.memory, reversed(shares), strict=True):
            q_KL += (alpha_L - rho_L * np.einsum("kl,kl->l", y_KL, q_KL)) * s_KL
        return -q_KL
