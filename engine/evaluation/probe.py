"""The linear probe: how much of a label can be read off frozen features by a straight cut.

Every recording is scored by a model that has not seen its patient: over the manifest's folds, or fitted on "train"
and scored on "test". Standardisation and the penalty's strength come from the training patients alone.

What a score is: the log-odds of its fold's model *without that model's intercept*. The intercept of a fold follows the
share of positives in its training part, which is low exactly where many positives were held out; pooled over folds it
would push the scores of chance below an AUROC of one half (Parker et al., BMC Bioinformatics 8:326, 2007). Within a
fold the ranking is untouched. Probabilities, intercept included, are kept beside.

Legend: N recordings, D features, L labels, F parts that are scored (folds).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from engine.contract.errors import WorldError
from engine.data.splits import patient_folds
from engine.metrics.logistic import Basis, Floats, Lines, fit_all

STRENGTHS = tuple(10.0**power for power in range(-5, 2))
"""The values of C that inner cross-validation chooses from, strongest penalty first."""

INNER_FOLDS = 4
UNCHOSEN = 1e-2
"""C where a training part has too few patients of a class to choose by cross-validation."""

TIES = 6
"""Decimals to which losses of two penalties are told apart: what is left of a fit's tolerance is no difference."""

RISES, WORSE = 2, 1.05
"""A path of penalties has passed its best after so many rises of the loss running, at so many times its least."""

Rows = NDArray[np.bool_]
FeatureMaker = Callable[[Rows], Floats]


@dataclass(frozen=True)
class Part:
    """One model of the probe: who trains it, and whom it scores."""

    name: str
    train_N: Rows
    score_N: Rows


@dataclass(frozen=True)
class ProbeOutcome:
    """Scores of recordings by models that have not seen their patients.

    Attributes:
        score_NL: log-odds without intercept; NaN where there is none.
        probability_NL: the fold model's probability.
        strength_FL: the chosen C; NaN where no model could be fitted.
        problems: per label index, why no scores could be made.
    """

    score_NL: Floats
    probability_NL: Floats
    strength_FL: Floats
    problems: dict[int, str]


def parts_of(split: Sequence[str]) -> list[Part]:
    """The models that a manifest asks for: one a fold, or one from "train" to "test".

    Raises:
        WorldError: neither folds nor a train and a test part.
    """
    split_N = np.asarray(split, dtype=str)
    names = sorted(set(split_N.tolist()))
    folds = [name for name in names if name.startswith("fold-")]
    if len(folds) > 1 and len(folds) == len(names):
        return [Part(name, split_N != name, split_N == name) for name in folds]
    if "train" in names and "test" in names and not folds:
        return [Part("test", split_N == "train", split_N == "test")]
    raise WorldError("split", "it has neither folds nor a train and a test part", "Make the cohort again with a split")


def cross_validated(
    features: Floats | FeatureMaker,
    y_NL: Floats,
    patients: Sequence[str],
    split: Sequence[str],
    seed: int = 0,
    on_part: Callable[[int, int], None] | None = None,
) -> ProbeOutcome:
    """Fit the probe's models and score everybody once.

    Args:
        features: [N, D], or a function from the training rows to it (for features that are filled in from training
            data). Recordings with a non-finite feature are left out and get no score.
        y_NL: 1, 0, NaN where unknown.
        patients: pseudonym of each recording's patient.
        split: part of each recording, as in the manifest.
        seed: of the inner folds.
        on_part: told (parts done, parts) after each; may raise to stop.
    """
    parts, names = parts_of(split), np.asarray(patients, dtype=str)
    score_NL, probability_NL = np.full(y_NL.shape, np.nan), np.full(y_NL.shape, np.nan)
    strength_FL = np.full((len(parts), y_NL.shape[1]), np.nan)
    problems: dict[int, str] = {}
    for place, part in enumerate(parts):
        x_ND = features(part.train_N) if callable(features) else features
        whole_N = np.isfinite(x_ND).all(axis=1)
        train_N, target_N = part.train_N & whole_N, part.score_N & whole_N
        models = _Models(x_ND[train_N], y_NL[train_N], names[train_N], seed)
        told = {label: problem for label in range(y_NL.shape[1]) if (problem := models.problem(label))}
        for label, problem in told.items():
            problems.setdefault(label, f"{part.name}: {problem}")
        fitted = [label for label in range(y_NL.shape[1]) if label not in told]
        if fitted:
            lines, strength_FL[place, fitted] = models.fit(fitted)
            log_odds_ML = models.basis.predictor(x_ND[target_N], lines.slope_RL)
            score_NL[np.ix_(np.flatnonzero(target_N), np.array(fitted))] = log_odds_ML
            probability_NL[np.ix_(np.flatnonzero(target_N), np.array(fitted))] = expit(log_odds_ML + lines.intercept_L)
        if on_part is not None:
            on_part(place + 1, len(parts))
    for label in problems:
        # A label scored in some folds only would be judged on a chosen part of the patients.
        score_NL[:, label] = probability_NL[:, label] = np.nan
    return ProbeOutcome(score_NL, probability_NL, strength_FL, problems)


def training_outcome(
    features: Floats | FeatureMaker, y_NL: Floats, patients: Sequence[str], split: Sequence[str], seed: int = 0
) -> tuple[Floats, Floats]:
    """Scores and probabilities of the training patients of a test part by models that have not seen them, [N, L] each.

    What a threshold can be chosen on, and a correction of probabilities fitted, without the test part: scores of the
    very patients that a model was fitted on would place it too high. NaN outside the training part, and where an inner
    fold has nothing to train on.

    Args:
        features: as for `cross_validated`.
        y_NL: 1, 0, NaN where unknown.
        patients: pseudonym of each recording's patient.
        split: "train" or "test" for each recording; of folds there is nothing to add.
        seed: of the inner folds.
    """
    score_NL, probability_NL = np.full(y_NL.shape, np.nan), np.full(y_NL.shape, np.nan)
    parts = parts_of(split)
    rows_M = np.flatnonzero(parts[0].train_N)
    names = [patients[row] for row in rows_M.tolist()]
    folds = min(INNER_FOLDS, len(set(names)))
    if len(parts) > 1 or folds < 2:
        return score_NL, probability_NL
    inner = [f"fold-{fold}" for fold in patient_folds(names, y_NL[rows_M], folds, seed)]
    if len(set(inner)) < 2:
        return score_NL, probability_NL

    def made(train_M: Rows) -> Floats:
        train_N = np.zeros(len(split), dtype=bool)
        train_N[rows_M[train_M]] = True
        x_ND = features(train_N) if callable(features) else features
        return x_ND[rows_M]

    told = cross_validated(made, y_NL[rows_M], names, inner, seed)
    score_NL[rows_M], probability_NL[rows_M] = told.score_NL, told.probability_NL
    return score_NL, probability_NL


class _Models:
    """The models of one training part: one basis, and inner bases to choose the penalty by, shared by all labels."""

    def __init__(self, x_ND: Floats, y_NL: Floats, patients_N: NDArray[np.str_], seed: int) -> None:
        self._x_ND, self._y_NL, self._patients_N = x_ND, y_NL, patients_N
        folds = min(INNER_FOLDS, len(np.unique(patients_N)))
        self._inner: list[tuple[Rows, Basis]] = []
        if folds > 1:
            fold_N = patient_folds(patients_N.tolist(), y_NL, folds, seed)
            self._inner = [(fold_N != k, Basis.of(x_ND[fold_N != k])) for k in range(folds)]

    @cached_property
    def basis(self) -> Basis:
        """The basis of all training recordings."""
        return Basis.of(self._x_ND)

    def problem(self, label: int) -> str:
        """Why no model can be fitted, or nothing."""
        y_N = self._y_NL[:, label]
        if not (y_N == 1).any():
            return "no positive recording to train on"
        return "" if (y_N == 0).any() else "no negative recording to train on"

    def fit(self, labels: list[int]) -> tuple[Lines, Floats]:
        """Models of some labels, each with the penalty that predicts unseen training patients best."""
        y_NL = self._y_NL[:, labels]
        strength_L = self._choose(y_NL)
        return fit_all(self.basis.white_NR, self.basis.stretch_R, y_NL, strength_L), strength_L

    def _choose(self, y_NL: Floats) -> Floats:
        """C of each label with the least log loss over inner patient-wise folds; the stronger penalty on a tie.

        Log loss, not AUROC: it moves with every recording, so a dozen positives still tell penalties apart. From the
        strongest penalty on, a label goes no further once its loss has risen `RISES` times running and is `WORSE`: the
        weak penalties that lie beyond its best take the most steps to fit.
        """
        paths = [_Path.of(basis, y_NL, self._x_ND, train_N) for train_N, basis in self._inner]
        used_L = np.zeros(y_NL.shape[1], dtype=np.bool_)
        for path in paths:
            used_L |= path.told_L
        loss_CL = np.full((len(STRENGTHS), y_NL.shape[1]), np.inf)
        going_L, rises_L = used_L.copy(), np.zeros(y_NL.shape[1], dtype=np.intp)
        for place, strength in enumerate(STRENGTHS):
            losses = [path.losses(strength, going_L) for path in paths]
            loss_CL[place, going_L] = np.round(np.sum(losses, axis=0), TIES)[going_L] if losses else 0.0
            if place:
                rises_L = np.where(loss_CL[place] > loss_CL[place - 1], rises_L + 1, 0)
            going_L &= (rises_L < RISES) | (loss_CL[place] <= WORSE * loss_CL.min(axis=0))
            if not going_L.any():
                break
        return np.where(used_L, np.array(STRENGTHS)[np.argmin(loss_CL, axis=0)], UNCHOSEN)


@dataclass
class _Path:
    """Fits of one inner fold from strong to weak penalties, each beginning where the last one ended.

    Attributes:
        told_L: labels with both classes to train on and something known of the held-out recordings.
        lines: the last fits.
    """

    basis: Basis
    fitted_NL: Floats
    held_MD: Floats
    sign_ML: Floats
    told_L: Rows
    lines: Lines | None = None

    @classmethod
    def of(cls, basis: Basis, y_NL: Floats, x_ND: Floats, train_N: Rows) -> _Path:
        fitted_NL, held_NL = y_NL[train_N], y_NL[~train_N]
        both_L = (fitted_NL == 1).any(axis=0) & (fitted_NL == 0).any(axis=0)
        # A recording whose label is unknown has the sign 0, and no loss.
        sign_ML = np.where(np.isfinite(held_NL), 2 * held_NL - 1, 0.0)
        return cls(basis, fitted_NL, x_ND[~train_N], sign_ML, both_L & np.isfinite(held_NL).any(axis=0))

    def losses(self, strength: float, asked_L: Rows) -> Floats:
        """Log loss on held-out recordings of the labels asked for, 0 of others, [L]."""
        labels = np.flatnonzero(self.told_L & asked_L)
        loss_L = np.zeros(len(asked_L))
        if not len(labels):
            return loss_L
        if self.lines is None:
            rows = self.basis.white_NR.shape[1]
            self.lines = Lines(np.zeros((rows, len(asked_L))), np.zeros(len(asked_L)))
            start = None
        else:
            start = Lines(self.lines.slope_RL[:, labels], self.lines.intercept_L[labels])
        strength_L = np.full(len(labels), strength)
        told = fit_all(self.basis.white_NR, self.basis.stretch_R, self.fitted_NL[:, labels], strength_L, start)
        self.lines.slope_RL[:, labels], self.lines.intercept_L[labels] = told.slope_RL, told.intercept_L
        sign_ML = self.sign_ML[:, labels]
        margin_ML = sign_ML * (self.basis.predictor(self.held_MD, told.slope_RL) + told.intercept_L)
        loss_L[labels] = np.where(sign_ML != 0, np.logaddexp(0, -margin_ML), 0.0).sum(axis=0)
        return loss_L
