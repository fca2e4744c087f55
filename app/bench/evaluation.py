"""`isoline bench evaluation`: the statistics that all else of an evaluation waits for, each beside a plain way.

CPU time of this process, both sides in turns, medians; what the two sides give is compared before anything is timed.

Legend: N recordings, P patients, B resamples, D features, L layers.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from app.bench.gram import gram_cka
from app.bench.multilabel import by_scikit_learn, logistic_by_scikit_learn, scikit_learn_is_here
from engine.metrics.cka import compare_layers
from engine.metrics.discrimination import Ranked
from engine.metrics.logistic import Basis, fit_all
from engine.metrics.uncertainty import draw_multiplicities

ROUNDS = 3

Call = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One figure: CPU milliseconds of ours and of the alternative.

    Attributes:
        goal_ratio: how many times faster than the alternative it is to be; None where there is no goal.
        error: largest difference of the two results, measured in this run.
    """

    name: str
    what: str
    unit: str
    ours_ms: float
    alternative: str
    alternative_ms: float
    goal_ratio: float | None
    error: float
    tolerance: float

    @property
    def ratio(self) -> float:
        """Alternative / ours."""
        return self.alternative_ms / self.ours_ms

    @property
    def equal(self) -> bool:
        """Whether both gave the same."""
        return self.error <= self.tolerance

    @property
    def met(self) -> bool:
        """Whether it is equal and as fast as is wished for."""
        return self.equal and (self.goal_ratio is None or self.ratio >= self.goal_ratio)

    def told(self) -> dict[str, Any]:
        """All of it, for programs."""
        return asdict(self) | {"ratio": self.ratio, "equal": self.equal, "met": self.met}


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


def run(size: Size | None = None) -> dict[str, Any]:
    """Measure; a dict that is ready for JSON: machine, rows, whether all was equal and met."""
    rows = [measure(size or Size()) for measure in (*(BESIDE_SCIKIT_LEARN if scikit_learn_is_here() else ()), *ROWS)]
    return {
        "machine": {"processor": platform.processor() or platform.machine(), "numpy": np.__version__},
        "rows": [row.told() for row in rows],
        "equal": all(row.equal for row in rows),
        "met": all(row.met for row in rows),
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
    ours_ms, theirs_ms = _in_turns([ours, theirs])
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
    ours_ms, theirs_ms = _in_turns([data.ours, data.theirs])
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
    ours_ms, alone_ms = _in_turns([clustered.ours, alone.ours])
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
    ours_ms, theirs_ms = _in_turns([ours, theirs])
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


def linear_probe(size: Size) -> Row:
    """Penalised logistic regression of many labels, beside scikit-learn label by label; what is equal: the objective.

    Features have a falling spectrum, as embeddings have. The error is how far our objective lies above
    scikit-learn's, relative; below it counts as 0.
    """
    rng = np.random.default_rng(0)
    plainly = min(4, size.labels)
    turn_DD = np.linalg.qr(rng.standard_normal((size.probe_features, size.probe_features)))[0]
    hidden_ND = rng.standard_normal((size.probe_records, size.probe_features))
    x_ND = (hidden_ND * np.arange(1, size.probe_features + 1) ** -0.5) @ turn_DD
    slope_DL = rng.standard_normal((size.probe_features, size.labels)) * size.probe_features**-0.5
    chance_NL = 1 / (1 + np.exp(1.5 - 1.5 * hidden_ND @ slope_DL))
    y_NL = (rng.random(chance_NL.shape) < chance_NL).astype(np.float64)
    standard_ND = (x_ND - x_ND.mean(axis=0)) / x_ND.std(axis=0)

    def ours() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        basis = Basis.of(x_ND)
        lines = fit_all(basis.white_NR, basis.stretch_R, y_NL, np.ones(size.labels))
        return basis.turn_DR @ (lines.slope_RL / basis.stretch_R[:, None]), lines.intercept_L

    def theirs() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return logistic_by_scikit_learn(standard_ND, y_NL[:, :plainly])

    def objective(weight_DL: NDArray[np.float64], intercept_L: NDArray[np.float64]) -> NDArray[np.float64]:
        margin_NL = (2 * y_NL[:, :plainly] - 1) * (standard_ND @ weight_DL[:, :plainly] + intercept_L[:plainly])
        penalty_L = 0.5 * (weight_DL[:, :plainly] ** 2).sum(axis=0)
        return np.asarray(np.logaddexp(0, -margin_NL).sum(axis=0) + penalty_L)

    above_L = objective(*ours()) / objective(*theirs()) - 1
    ours_ms, theirs_ms = _in_turns([ours, theirs])
    return Row(
        name="linear-probe",
        what=f"Logistic regression of {size.labels} labels, {size.probe_records:,} x {size.probe_features}",
        unit="label",
        ours_ms=ours_ms / size.labels,
        alternative="scikit-learn, label by label",
        alternative_ms=theirs_ms / plainly,
        goal_ratio=5.0,
        error=max(0.0, float(above_L.max())),
        tolerance=1e-9,
    )


ROWS: Sequence[Callable[[Size], Row]] = (resamples, similarity_of_layers)
"""What is measured, in the order in which it is told."""

BESIDE_SCIKIT_LEARN: Sequence[Callable[[Size], Row]] = (many_labels, clusters, linear_probe)
"""Measured before them where scikit-learn is installed, which Isoline itself does without."""


def _in_turns(calls: Sequence[Call]) -> list[float]:
    """CPU milliseconds of each, the median of rounds in which they take turns."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, told in zip(calls, times, strict=True):
            begun = time.process_time()
            call()
            told.append(1e3 * (time.process_time() - begun))
    return [statistics.median(told) for told in times]
