"""L2-penalised logistic regression in float64, solved by L-BFGS in whitened coordinates.

minimise  sum over N of log(1 + exp(-(2y - 1)(w.x + b)))  +  |w|^2 / (2 C),   b free of penalty

which is scikit-learn's `LogisticRegression(C=C)`. The features' principal directions are found once for a training
set; in them every penalty C and every label is a well-conditioned problem, and no more coordinates are left than
there are recordings.

Legend: N recordings, D features, R principal directions (R <= min(N, D)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Basis:
    """A training set's features: standardised on itself, turned to its principal directions, whitened.

    Attributes:
        mean_D: mean of the training recordings.
        scale_D: their standard deviation; 1 where a feature does not vary.
        stretch_R: singular value of each direction, divided by sqrt(N).
        turn_DR: the directions.
        white_NR: the training recordings in whitened coordinates.
    """

    mean_D: Floats
    scale_D: Floats
    stretch_R: Floats
    turn_DR: Floats
    white_NR: Floats

    @classmethod
    def of(cls, x_ND: Floats) -> Basis:
        """Standardise and turn. Directions without any spread are dropped: the penalty keeps them at 0 anyway."""
        mean_D, scale_D = x_ND.mean(axis=0), x_ND.std(axis=0)
        scale_D = np.where(scale_D > 1e-12 * np.maximum(1.0, np.abs(mean_D)), scale_D, 1.0)
        left_NR, singular_R, right_RD = np.linalg.svd((x_ND - mean_D) / scale_D, full_matrices=False)
        keep = singular_R > 1e-10 * max(1.0, float(singular_R.max(initial=0.0)))
        root = np.sqrt(len(x_ND))
        return cls(mean_D, scale_D, singular_R[keep] / root, right_RD[keep].T, left_NR[:, keep] * root)

    def predictor(self, x_ND: Floats, slope_R: Floats) -> Floats:
        """Linear predictor of any recordings, without the intercept."""
        weight_D = self.turn_DR @ (slope_R / self.stretch_R)
        return np.asarray(((x_ND - self.mean_D) / self.scale_D) @ weight_D, dtype=np.float64)


@dataclass(frozen=True)
class Line:
    """A fitted model in a basis: slopes along its whitened directions, and the intercept."""

    slope_R: Floats
    intercept: float


def fit(white_NR: Floats, stretch_R: Floats, y_N: Floats, strength: float, start: Line | None = None) -> Line:
    """Fit one label.

    Args:
        white_NR: rows of `Basis.white_NR` whose label is known.
        stretch_R: `Basis.stretch_R`.
        y_N: 1 or 0, both present.
        strength: C, the inverse of the penalty's weight.
        start: an earlier fit to begin from (of a neighbouring C).
    """
    n, directions = white_NR.shape
    penalty_R = 1.0 / (strength * stretch_R**2)
    # Divided by the curvature's upper bound, every coordinate has curvature near 1 and L-BFGS needs few steps.
    pace_R = np.sqrt(n / 4 + penalty_R)
    pace_0 = np.sqrt(n / 4)
    sign_N = 2 * y_N - 1

    def objective(point: Floats) -> tuple[float, Floats]:
        slope_R = point[:-1] / pace_R
        margin_N = sign_N * (white_NR @ slope_R + point[-1] / pace_0)
        pull_N = -sign_N * expit(-margin_N)
        value = np.logaddexp(0, -margin_N).sum() + 0.5 * np.sum(penalty_R * slope_R**2)
        gradient_R = (white_NR.T @ pull_N + penalty_R * slope_R) / pace_R
        return float(value), np.append(gradient_R, pull_N.sum() / pace_0)

    first = np.zeros(directions + 1)
    if start is None:
        share = y_N.mean()
        first[-1] = np.log(share / (1 - share)) * pace_0
    else:
        first[:-1], first[-1] = start.slope_R * pace_R, start.intercept * pace_0
    options = {"maxiter": 2000, "maxfun": 4000, "maxcor": 20, "ftol": 1e-15, "gtol": 1e-8}
    found = minimize(objective, first, jac=True, method="L-BFGS-B", options=options)
    return Line(np.asarray(found.x[:-1] / pace_R), float(found.x[-1] / pace_0))
