"""AUROC of many labels on resamples as scikit-learn has it: one call for all labels, anew in every resample."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def scikit_learn_is_here() -> bool:
    """Whether it is installed; Isoline itself does without it."""
    return find_spec("sklearn") is not None


def by_scikit_learn(
    y_NL: Floats, score_NL: Floats, patient_N: NDArray[np.intp], weight_PB: NDArray[np.int16], columns: Sequence[int]
) -> Floats:
    """AUROC of every label in some resamples, [L, resamples].

    Args:
        y_NL: labels.
        score_NL: scores.
        patient_N: patient code of each recording.
        weight_PB: multiplicities of the patients.
        columns: which resamples.
    """
    # By name: a test's dependency, not the program's.
    measured = import_module("sklearn.metrics").roc_auc_score
    found = [
        measured(y_NL, score_NL, average=None, sample_weight=weight_PB[patient_N, column].astype(np.float64))
        for column in columns
    ]
    return np.stack(found, axis=1)


def logistic_by_scikit_learn(x_ND: Floats, y_NL: Floats) -> tuple[Floats, Floats]:
    """Weights [D, L] and intercepts [L] of penalised logistic regression (C = 1), label by label."""
    regression = import_module("sklearn.linear_model").LogisticRegression
    found = [regression(C=1.0, max_iter=1000).fit(x_ND, y_N) for y_N in y_NL.T]
    return np.stack([model.coef_[0] for model in found], axis=1), np.array([model.intercept_[0] for model in found])
