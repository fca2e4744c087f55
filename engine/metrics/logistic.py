"""L2-penalised logistic regression in float64, solved by L-BFGS in whitened coordinates, all labels at once.

minimise  sum over N of log(1 + exp(-(2y - 1)(w.x + b)))  +  |w|^2 / (2 C),   b free of penalty

which is scikit-learn's `LogisticRegression(C=C)`. The features' principal directions are found once for a training
set; in them every penalty C and every label is a well-conditioned problem, and no more coordinates are left than
there are recordings.

Legend: N recordings, D features, R principal directions (R <= min(N, D)), L labels, K = R + 1 coordinates of a model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.metrics.descent import descend

Floats = NDArray[np.float64]

LABELS_AT_ONCE = 128
"""Labels that are fitted side by side; more would take more memory and no less time."""

LEAST_VARIANCE = 1e-8
"""Relative to the largest: below it a covariance no longer tells a direction's spread from rounding."""

TOLERANCE = 1e-6
"""Largest coordinate of a gradient at the end, in coordinates of curvature at most 1."""


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
        standard_ND = (x_ND - mean_D) / scale_D
        if (quick := _by_covariance(standard_ND)) is not None:
            return cls(mean_D, scale_D, *quick)
        left_NR, singular_R, right_RD = np.linalg.svd(standard_ND, full_matrices=False)
        keep = singular_R > 1e-10 * max(1.0, float(singular_R.max(initial=0.0)))
        root = np.sqrt(len(x_ND))
        return cls(mean_D, scale_D, singular_R[keep] / root, right_RD[keep].T, left_NR[:, keep] * root)

    def predictor(self, x_ND: Floats, slope_R: Floats) -> Floats:
        """Linear predictor of any recordings, without the intercept; a column a label for slopes [R, L]."""
        weight_D = self.turn_DR @ (slope_R.T / self.stretch_R).T
        return np.asarray(((x_ND - self.mean_D) / self.scale_D) @ weight_D, dtype=np.float64)


def _by_covariance(standard_ND: Floats) -> tuple[Floats, Floats, Floats] | None:
    """Stretch, turn and whitened recordings from the covariance; None where a direction may have to be dropped.

    A third of the time of a decomposition of the recordings. The directions are orthogonal to rounding, which is all
    that the penalty asks for, and no direction is lost: what the covariance's squared condition costs is that whitened
    recordings are white to fewer digits, which the solver does not need.
    """
    records, features = standard_ND.shape
    if records < 2 * features:
        return None
    variance_D, turn_DD = np.linalg.eigh(standard_ND.T @ standard_ND / records)
    if not len(variance_D) or variance_D[0] <= LEAST_VARIANCE * variance_D[-1]:
        return None
    stretch_D = np.sqrt(variance_D)
    return stretch_D, turn_DD, standard_ND @ (turn_DD / stretch_D)


@dataclass(frozen=True)
class Line:
    """A fitted model in a basis: slopes along its whitened directions, and the intercept."""

    slope_R: Floats
    intercept: float


@dataclass(frozen=True)
class Lines:
    """Fitted models of several labels in one basis: slopes along its whitened directions, and intercepts."""

    slope_RL: Floats
    intercept_L: Floats

    def line(self, label: int) -> Line:
        """One label's model."""
        return Line(np.ascontiguousarray(self.slope_RL[:, label]), float(self.intercept_L[label]))


def fit(white_NR: Floats, stretch_R: Floats, y_N: Floats, strength: float, start: Line | None = None) -> Line:
    """Fit one label.

    Args:
        white_NR: rows of `Basis.white_NR` whose label is known.
        stretch_R: `Basis.stretch_R`.
        y_N: 1 or 0, both present.
        strength: C, the inverse of the penalty's weight.
        start: an earlier fit to begin from (of a neighbouring C).
    """
    first = None if start is None else Lines(start.slope_R[:, None], np.array([start.intercept]))
    return fit_all(white_NR, stretch_R, y_N[:, None], np.array([strength]), first).line(0)


def fit_all(white_NR: Floats, stretch_R: Floats, y_NL: Floats, strength_L: Floats, start: Lines | None = None) -> Lines:
    """Fit many labels in the same passes over the recordings, `LABELS_AT_ONCE` of them at a time.

    Args:
        white_NR: `Basis.white_NR`, or rows of it.
        stretch_R: `Basis.stretch_R`.
        y_NL: 1 or 0, both present for each label; NaN where unknown, which takes no part in that label's fit.
        strength_L: C of each label.
        start: earlier fits to begin from (of a neighbouring C).
    """
    slope_RL, intercept_L = np.empty((white_NR.shape[1], y_NL.shape[1])), np.empty(y_NL.shape[1])
    for first in range(0, y_NL.shape[1], LABELS_AT_ONCE):
        block = slice(first, first + LABELS_AT_ONCE)
        problem = _Problem.of(white_NR, stretch_R, y_NL[:, block], strength_L[block])
        begin = None if start is None else Lines(start.slope_RL[:, block], start.intercept_L[block])
        found_KL = descend(problem.at, problem.first(y_NL[:, block], begin), TOLERANCE)
        slope_RL[:, block] = (found_KL / problem.pace_KL)[:-1]
        intercept_L[block] = (found_KL / problem.pace_KL)[-1]
    return Lines(slope_RL, intercept_L)


@dataclass(frozen=True)
class _Problem:
    """The objectives of some labels in coordinates in which each has a curvature of at most 1."""

    white_NR: Floats
    sign_NL: Floats
    penalty_RL: Floats
    pace_KL: Floats

    @classmethod
    def of(cls, white_NR: Floats, stretch_R: Floats, y_NL: Floats, strength_L: Floats) -> _Problem:
        """Divided by the curvature's upper bound, every coordinate has curvature near 1: few steps are needed."""
        known_L = np.isfinite(y_NL).sum(axis=0)
        penalty_RL = 1.0 / (strength_L * stretch_R[:, None] ** 2)
        bound_KL = np.vstack([penalty_RL, np.zeros(len(strength_L))]) + known_L / 4
        # A recording whose label is unknown has the sign 0: it pulls nowhere and adds a constant.
        return cls(white_NR, np.nan_to_num(2 * y_NL - 1), penalty_RL, np.sqrt(bound_KL))

    def first(self, y_NL: Floats, start: Lines | None) -> Floats:
        """Where to begin: an earlier fit, or no slope and the label's share."""
        if start is not None:
            return np.vstack([start.slope_RL, start.intercept_L]) * self.pace_KL
        share_L = np.nanmean(y_NL, axis=0)
        point_KL = np.zeros(self.pace_KL.shape)
        point_KL[-1] = np.log(share_L / (1 - share_L)) * self.pace_KL[-1]
        return point_KL

    def at(self, point_KL: Floats, labels_L: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Values and gradients of the objectives of some labels."""
        pace_KL, penalty_RL = self.pace_KL[:, labels_L], self.penalty_RL[:, labels_L]
        sign_NL = self.sign_NL[:, labels_L]
        line_KL = point_KL / pace_KL
        margin_NL = self.white_NR @ line_KL[:-1]
        margin_NL += line_KL[-1]
        margin_NL *= sign_NL
        # exp(-|m|) serves the loss, log(1 + exp(-m)), as well as its slope, and never overflows.
        small_NL = np.exp(-np.abs(margin_NL))
        value_L = np.log1p(small_NL).sum(axis=0) - np.minimum(margin_NL, 0).sum(axis=0)
        pull_NL = np.where(margin_NL > 0, small_NL, 1.0) / (1.0 + small_NL)
        pull_NL *= -sign_NL
        value_L += 0.5 * (penalty_RL * line_KL[:-1] ** 2).sum(axis=0)
        gradient_KL = np.vstack([self.white_NR.T @ pull_NL + penalty_RL * line_KL[:-1], pull_NL.sum(axis=0)])
        return value_L, gradient_KL / pace_KL
