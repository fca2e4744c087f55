"""From scores to results: which recordings count, per-label and macro AUROC, and the notes a reader needs.

Legend: N recordings of the test part, L labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contract.results import Estimate, LabelResult
from engine.data.splits import split_digest
from engine.evaluation.opened import Opened
from engine.metrics.estimates import Measured, auroc_estimate, in_macro, macro_estimate, measure
from engine.metrics.uncertainty import draw_multiplicities, patient_codes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TestPart:
    """The recordings that are scored, of which every patient is unseen by the model that scores him.

    Attributes:
        rows_N: their places in the manifest.
        kind: "out-of-fold over 5 patient folds" or "held-out test patients".
        sha256: digest of recordings and parts.
    """

    __test__ = False

    rows_N: NDArray[np.intp]
    kind: str
    sha256: str


def tested(opened: Opened) -> TestPart:
    """All recordings when the split is into folds, else those of the part "test"."""
    folds = sorted({part for part in opened.split if part.startswith("fold-")})
    chosen = [row for row, part in enumerate(opened.split) if folds or part == "test"]
    kind = f"out-of-fold over {len(folds)} patient folds" if folds else "held-out test patients"
    digest = split_digest([opened.record_ids[row] for row in chosen], [opened.split[row] for row in chosen])
    return TestPart(np.array(chosen, dtype=np.intp), kind, digest)


@dataclass(frozen=True)
class Judged:
    """The statistics of one model on one test part."""

    macro: Estimate
    labels: list[LabelResult]
    notes: list[str]
    missing: int


def judge(
    labels: Sequence[str],
    y_NL: Floats,
    score_NL: Floats,
    patients: Sequence[str],
    *,
    resamples: int,
    confidence: float,
    seed: int,
    problems: dict[int, str] | None = None,
    on_label: Callable[[int], None] | None = None,
) -> Judged:
    """Measure every label on common patient resamples.

    Args:
        labels: names of the columns.
        y_NL: labels of the test part.
        score_NL: its scores, NaN where missing.
        patients: its patients.
        resamples: patient resamples, drawn once for all labels.
        confidence: of the intervals.
        seed: of the resamples.
        problems: per column, why the model could not score it.
        on_label: told how many labels are done; may raise to stop.
    """
    codes_N, count = patient_codes(patients)
    weight_PB = draw_multiplicities(count, resamples, seed)
    measured: list[Measured] = []
    for column in range(len(labels)):
        measured.append(measure(y_NL[:, column], score_NL[:, column], codes_N, weight_PB))
        if on_label is not None:
            on_label(column + 1)
    told_problems = problems or {}
    results = [
        LabelResult(label=label, auroc=_explained(auroc_estimate(one, confidence), told_problems.get(column, "")))
        for column, (label, one) in enumerate(zip(labels, measured, strict=True))
    ]
    known_NL = np.isfinite(y_NL)
    scored_N = (known_NL & np.isfinite(score_NL)).any(axis=1)
    macro = macro_estimate(measured, int(scored_N.sum()), len(np.unique(codes_N[scored_N])), confidence)
    asked = [column for column in range(len(labels)) if column not in told_problems]
    missing = int((known_NL & ~np.isfinite(score_NL))[:, asked].any(axis=1).sum())
    return Judged(macro, results, macro_notes(results, measured), missing)


def macro_notes(results: Sequence[LabelResult], measured: Sequence[Measured]) -> list[str]:
    """Which labels the macro leaves out, and why."""
    left_out = [
        f"{result.label} ({result.auroc.not_estimable or one.interval_problem})"
        for result, one in zip(results, measured, strict=True)
        if not in_macro(one)
    ]
    if not left_out or len(left_out) == len(results):
        return []
    kept = len(results) - len(left_out)
    return [f"Macro AUROC is the mean over {kept} of {len(results)} labels; left out: {'; '.join(left_out)}"]


def _explained(estimate: Estimate, problem: str) -> Estimate:
    """The reason behind missing scores says more than their absence."""
    return estimate.model_copy(update={"not_estimable": problem}) if problem else estimate
