"""`isoline bench evaluation`: the statistics that all else of an evaluation waits for, each beside a plain way.

CPU time of this process, both sides in turns, medians; what the two sides give is compared before anything is timed.

Legend: N recordings, P patients, B resamples, D features, L layers.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from app.bench import frozen_rows
from app.bench.gram import gram_cka
from app.bench.multilabel import by_scikit_learn, logistic_by_scikit_learn, scikit_learn_is_here
from app.bench.rows import Row, in_turns
from engine.metrics.cka import compare_layers
from engine.metrics.discrimination import Ranked
from engine.metrics.logistic import Basis, fit_all
from engine.metrics.uncertainty import draw_multiplicities

ROUNDS = 3


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    auroc_records: int = 22_000
    labels: int = 100
    labelled: int = 2_000
    resamples: int = 1_000
    cka_records: int = 4_000
    cka_layers: int = 5
    cka_features: int = 512
    probe_records: int = 20_000
    probe_features: int = 512
    targets: int = 1_622
    target_records: int = 4_000
    frozen: bool = True


def run(size: Size | None = None) -> dict[str, Any]:
    """Measure; a dict that is ready for JSON: machine, rows, whether all was equal and met."""
    asked = size or Size()
    rows = [measure(asked).told() for measure in (*(BESIDE_SCIKIT_LEARN if scikit_learn_is_here() else ()), *ROWS)]
    rows += frozen_rows() if asked.frozen else []
    return {
        "machine": {"processor": platform.processor() or platform.machine(), "numpy": np.__version__},
        "rows": rows,
        "equal": all(row["equal"] for row in rows),
        "met": all(row["met"] for row in rows),
    }


def resamples(size: Size) -> Row:
    """Patient-clustered resamples of one AUROC: scores sorted once, and ranked anew in every resample."""
    records = size.auroc_records
    patients, count, plainly = records // 5, 2000, 3
    rng = np.random.default_rng(0)
    patient_N = rng.integers(patients, size=records)
    y_N = (rng.random(records) < 0.2).astype(np.float64)
    score_N = np.round(rng.normal(size=records) + y_N, 2)
    weight_PB = draw_multiplicities(patients, count, seed=0)

    def ranked_anew(column: int) -> float:
        rows = np.repeat(np.arange(records), weight_PB[patient_N, column])
        positive = y_N[rows] > 0.5
        m, n = int(positive.sum()), int((~positive).sum())
        return float((rankdata(score_N[rows])[positive].sum() - m * (m + 1) / 2) / (m * n))

    def ours() -> NDArray[np.float64]:
        return Ranked.of(y_N, score_N, patient_N).resampled(weight_PB)

    def theirs() -> list[float]:
        return [ranked_anew(column) for column in range(plainly)]

    error = float(np.abs(ours()[:plainly] - theirs()).max())
    ours_ms, theirs_ms = in_turns([ours, theirs], ROUNDS)
    return Row(
        name="auroc-resamples",
        what=f"AUROC of {records:,} recordings, patients resampled",
        unit="resample",
        ours_ms=ours_ms / count,
        alternative="ranked in every resample (scipy)",
        alternative_ms=theirs_ms / plainly,
        goal_ratio=None,
        error=error,
        tolerance=1e-12,
    )


class _Labelled:
    """Many labels of the same recordings, and a number of patients who gave them."""

    def __init__(self, size: Size, patients: int) -> None:
        rng = np.random.default_rng(0)
        self.size, self.patients = size, patients
        one_each = patients == size.labelled
        self.patient_N = np.arange(patients) if one_each else rng.integers(patients, size=size.labelled)
        self.y_NL = (rng.random((size.labelled, size.labels)) < 0.2).astype(np.float64)
        self.score_NL = np.round(rng.normal(size=self.y_NL.shape) + self.y_NL, 2)
        self.columns = (0, size.resamples - 1)

    def ours(self) -> NDArray[np.float64]:
        """Patients drawn once, and every label's AUROC in every resample, [L, B]."""
        weight_PB = draw_multiplicities(self.patients, self.size.resamples, seed=0)
        sides = zip(self.y_NL.T, self.score_NL.T, strict=True)
        return np.stack([Ranked.of(y_N, score_N, self.patient_N).resampled(weight_PB) for y_N, score_N in sides])

    def theirs(self) -> NDArray[np.float64]:
        """Two of the resamples by scikit-learn, [L, 2]."""
        weight_PB = draw_multiplicities(self.patients, self.size.resamples, seed=0)
        return by_scikit_learn(self.y_NL, self.score_NL, self.patient_N, weight_PB, self.columns)

    def error(self) -> float:
        """Largest difference."""
        return float(np.abs(self.ours()[:, self.columns] - self.theirs()).max())

    @property
    def words(self) -> str:
        """What it is."""
        return f"AUROC of {self.size.labels} labels, {self.size.labelled:,} recordings"


def many_labels(size: Size) -> Row:
    """Resamples of many labels, one recording a patient, beside scikit-learn's call for all labels."""
    data = _Labelled(size, size.labelled)
    error = data.error()
    ours_ms, theirs_ms = in_turns([data.ours, data.theirs], ROUNDS)
    return Row(
        name="auroc-labels",
        what=data.words,
        unit="resample",
        ours_ms=ours_ms / size.resamples,
        alternative="scikit-learn, all labels in a call",
        alternative_ms=theirs_ms / len(data.columns),
        goal_ratio=200.0,
        error=error,
        tolerance=1e-12,
    )


def clusters(size: Size) -> Row:
    """The same with five recordings a patient, beside one: clusters are to cost no more than twice the time."""
    clustered, alone = _Labelled(size, size.labelled // 5), _Labelled(size, size.labelled)
    error = clustered.error()
    ours_ms, alone_ms = in_turns([clustered.ours, alone.ours], ROUNDS)
    return Row(
        name="auroc-clusters",
        what=f"{clustered.words} of {clustered.patients:,} patients",
        unit="resample",
        ours_ms=ours_ms / size.resamples,
        alternative="ours, one recording a patient",
        alternative_ms=alone_ms / size.resamples,
        goal_ratio=0.5,
        error=error,
        tolerance=1e-12,
    )


def similarity_of_layers(size: Size) -> Row:
    """Unbiased CKA of all layers with all layers, from float32 features as models give them."""
    rng = np.random.default_rng(0)
    base_ND = rng.standard_normal((size.cka_records, size.cka_features))
    layers = {
        f"block{place}": (base_ND + 0.5 * place * rng.standard_normal(base_ND.shape)).astype(np.float32)
        for place in range(size.cka_layers)
    }

    def ours() -> Any:
        return compare_layers(layers, layers)

    def theirs() -> NDArray[np.float64]:
        return gram_cka(list(layers.values()))

    error = float(np.abs(np.array(ours(), dtype=np.float64) - theirs()).max())
    ours_ms, theirs_ms = in_turns([ours, theirs], ROUNDS)
    return Row(
        name="cka",
        what=f"Unbiased CKA, {size.cka_records:,} recordings, {size.cka_layers} layers of {size.cka_features}",
        unit="matrix",
        ours_ms=ours_ms,
        alternative="Gram matrices (float64)",
        alternative_ms=theirs_ms,
        goal_ratio=7.0,
        error=error,
        tolerance=1e-6,
    )


@dataclass(frozen=True)
class _Probe:
    """Features and labels of a linear probe, and the objective that both sides minimise.

    Attributes:
        x_ND: features.
        y_NL: labels.
        plainly: labels that scikit-learn fits; its time is told a label.
    """

    x_ND: NDArray[np.float64]
    y_NL: NDArray[np.float64]
    plainly: int

    @classmethod
    def of(cls, records: int, features: int, labels: int, falling: bool) -> _Probe:
        """Features with a falling spectrum, as embeddings have, or white ones, which there is no need to whiten."""
        rng = np.random.default_rng(0)
        hidden_ND = rng.standard_normal((records, features))
        x_ND = hidden_ND
        if falling:
            turn_DD = np.linalg.qr(rng.standard_normal((features, features)))[0]
            x_ND = (hidden_ND * np.arange(1, features + 1) ** -0.5) @ turn_DD
        slope_DL = rng.standard_normal((features, labels)) * features**-0.5
        chance_NL = 1 / (1 + np.exp(1.5 - 1.5 * hidden_ND @ slope_DL))
        return cls(x_ND, (rng.random(chance_NL.shape) < chance_NL).astype(np.float64), min(4, labels))

    @cached_property
    def standard_ND(self) -> NDArray[np.float64]:
        """Standardised features, of which scikit-learn is given no other."""
        return np.asarray((self.x_ND - self.x_ND.mean(axis=0)) / self.x_ND.std(axis=0))

    def ours(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights [D, L] and intercepts [L] of all labels, standardising and whitening included."""
        basis = Basis.of(self.x_ND)
        lines = fit_all(basis.white_NR, basis.stretch_R, self.y_NL, np.ones(self.y_NL.shape[1]))
        return basis.turn_DR @ (lines.slope_RL / basis.stretch_R[:, None]), lines.intercept_L

    def theirs(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Those of the first labels by scikit-learn, label by label."""
        return logistic_by_scikit_learn(self.standard_ND, self.y_NL[:, : self.plainly])

    def row(self, name: str, what: str) -> Row:
        """Both sides' objectives held against each other, then timed.

        The error is how far ours lies above scikit-learn's, relative; below it counts as 0.
        """
        above_L = self._objective(*self.ours()) / self._objective(*self.theirs()) - 1
        ours_ms, theirs_ms = in_turns([self.ours, self.theirs], ROUNDS)
        labels = self.y_NL.shape[1]
        return Row(
            name=name,
            what=f"Logistic regression of {labels:,} labels, {what}{len(self.x_ND):,} x {self.x_ND.shape[1]}",
            unit="label",
            ours_ms=ours_ms / labels,
            alternative=f"scikit-learn, label by label ({self.plainly} of them)",
            alternative_ms=theirs_ms / self.plainly,
            goal_ratio=5.0,
            error=max(0.0, float(above_L.max())),
            tolerance=1e-9,
        )

    def _objective(self, weight_DL: NDArray[np.float64], intercept_L: NDArray[np.float64]) -> NDArray[np.float64]:
        weight_DL, intercept_L = weight_DL[:, : self.plainly], intercept_L[: self.plainly]
        margin_NL = (2 * self.y_NL[:, : self.plainly] - 1) * (self.standard_ND @ weight_DL + intercept_L)
        return np.asarray(np.logaddexp(0, -margin_NL).sum(axis=0) + 0.5 * (weight_DL**2).sum(axis=0))


def linear_probe(size: Size) -> Row:
    """Penalised logistic regression of many labels, beside scikit-learn; features have a falling spectrum."""
    return _Probe.of(size.probe_records, size.probe_features, size.labels, falling=True).row("linear-probe", "")


def white_probe(size: Size) -> Row:
    """The same on white features: whitening gains nothing there, and is paid for."""
    probe = _Probe.of(size.probe_records, size.probe_features, size.labels, falling=False)
    return probe.row("linear-probe-white", "white, ")


def all_targets(size: Size) -> Row:
    """As many targets as the study has, from one basis that is made once for all of them."""
    probe = _Probe.of(size.target_records, size.probe_features, size.targets, falling=True)
    return probe.row("linear-probe-targets", "one pass, ")


ROWS: Sequence[Callable[[Size], Row]] = (resamples, similarity_of_layers)
"""What is measured, in the order in which it is told."""

BESIDE_SCIKIT_LEARN: Sequence[Callable[[Size], Row]] = (
    many_labels,
    clusters,
    linear_probe,
    white_probe,
    all_targets,
)
"""Measured before them where scikit-learn is installed, which Isoline itself does without."""
