"""The linear probe of measured numbers: ridge regression, every patient predicted by a model that has not seen him.

minimise  sum over N of (y - w.x - b)^2  +  penalty |w|^2,   b free of penalty

on features standardised on the training recordings, in closed form along their principal directions: all penalties at
the price of one. The penalty is chosen by squared error over inner patient-wise folds of the training part, for each
target by itself. Targets whose values are missing for the same recordings share one decomposition.

Legend: N recordings, D features, K targets, R principal directions, C penalties.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.data.splits import patient_folds
from engine.evaluation.probe import INNER_FOLDS, FeatureMaker, parts_of
from engine.metrics.logistic import Basis

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]

PENALTIES = tuple(10.0**power for power in range(6, -3, -1))
"""What is chosen from, the strongest first."""

LEAST = 3
"""Training recordings with a value below which nothing is fitted."""


@dataclass(frozen=True)
class Numbers:
    """Predictions of measured numbers.

    Attributes:
        prediction_NK: in the target's own unit; NaN where there is none.
        problems: per target index, why there are none.
    """

    prediction_NK: Floats
    problems: dict[int, str]


def cross_validated_numbers(
    features: Floats | FeatureMaker,
    target_NK: Floats,
    patients: Sequence[str],
    split: Sequence[str],
    seed: int = 0,
    on_part: Callable[[int, int], None] | None = None,
) -> Numbers:
    """Fit the probe's models and predict everybody once; arguments as of `probe.cross_validated`."""
    parts, names = parts_of(split), np.asarray(patients, dtype=str)
    prediction_NK = np.full(target_NK.shape, np.nan)
    problems: dict[int, str] = {}
    for place, part in enumerate(parts):
        x_ND = features(part.train_N) if callable(features) else features
        whole_N = np.isfinite(x_ND).all(axis=1)
        scored_N = part.score_N & whole_N
        for targets in _alike(target_NK[part.train_N & whole_N]):
            known_N = part.train_N & whole_N & np.isfinite(target_NK[:, targets[0]])
            if known_N.sum() < LEAST:
                told = f"{part.name}: {int(known_N.sum())} recordings with a value to train on, {LEAST} are needed"
                problems |= {target: told for target in targets.tolist() if target not in problems}
                continue
            y_MK = target_NK[np.ix_(known_N, targets)]
            lines = _fitted(x_ND[known_N], y_MK, names[known_N], seed)
            prediction_NK[np.ix_(scored_N, targets)] = lines.at(x_ND[scored_N])
        if on_part is not None:
            on_part(place + 1, len(parts))
    for target in problems:
        # A number predicted in some folds only would be judged on a chosen part of the patients.
        prediction_NK[:, target] = np.nan
    return Numbers(prediction_NK, problems)


def _alike(target_MK: Floats) -> list[NDArray[np.intp]]:
    """Targets that are known of the same recordings, together."""
    groups: dict[bytes, list[int]] = {}
    for target in range(target_MK.shape[1]):
        groups.setdefault(np.isfinite(target_MK[:, target]).tobytes(), []).append(target)
    return [np.array(targets, dtype=np.intp) for targets in groups.values()]


@dataclass(frozen=True)
class _Lines:
    """Fitted lines in a basis, for every penalty: slopes [C, R, K], means of the targets [K]."""

    basis: Basis
    slope_CRK: Floats
    mean_K: Floats
    chosen_K: NDArray[np.intp]

    @classmethod
    def of(cls, x_MD: Floats, y_MK: Floats) -> _Lines:
        basis, mean_K = Basis.of(x_MD), y_MK.mean(axis=0)
        pull_RK = basis.white_NR.T @ (y_MK - mean_K)
        penalty_CR = np.array(PENALTIES)[:, None] / basis.stretch_R**2
        slope_CRK = pull_RK / (len(x_MD) + penalty_CR)[:, :, None]
        return cls(basis, slope_CRK, mean_K, np.zeros(y_MK.shape[1], dtype=np.intp))

    def at(self, x_ND: Floats) -> Floats:
        """Predictions with the chosen penalties, [N, K]."""
        slope_RK = self.slope_CRK[self.chosen_K, :, np.arange(len(self.chosen_K))].T
        return self.basis.predictor(x_ND, slope_RK) + self.mean_K

    def losses(self, x_ND: Floats, y_NK: Floats) -> Floats:
        """Sum of squared errors for every penalty, [C, K]."""
        told = [self.basis.predictor(x_ND, slope_RK) + self.mean_K - y_NK for slope_RK in self.slope_CRK]
        return np.array([(off_NK**2).sum(axis=0) for off_NK in told])


def _fitted(x_MD: Floats, y_MK: Floats, patients_M: NDArray[np.str_], seed: int) -> _Lines:
    """Lines with the penalty that predicts unseen training patients best; the stronger one on a tie."""
    lines = _Lines.of(x_MD, y_MK)
    folds = min(INNER_FOLDS, len(np.unique(patients_M)))
    if folds < 2:
        return lines
    fold_M = np.asarray(patient_folds(patients_M.tolist(), np.zeros((len(y_MK), 1)), folds, seed))
    loss_CK = np.zeros((len(PENALTIES), y_MK.shape[1]))
    for fold in range(folds):
        rest_M = fold_M != fold
        if rest_M.sum() >= LEAST and not rest_M.all():
            loss_CK += _Lines.of(x_MD[rest_M], y_MK[rest_M]).losses(x_MD[~rest_M], y_MK[~rest_M])
    return _Lines(lines.basis, lines.slope_CRK, lines.mean_K, np.argmin(loss_CK, axis=0))
