"""From scores to results: which recordings count, what is told of each label, the macro AUROC, and a reader's notes.

Legend: N recordings of the test part, L labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contract.output_types import OutputType
from engine.contract.results import Estimate, LabelResult
from engine.data.splits import split_digest
from engine.evaluation.flags import FLAGS, NO_RANKING, unranked
from engine.evaluation.label_page import Beyond
from engine.evaluation.opened import Opened
from engine.evaluation.operating import FLAG, Cuts, operating_point
from engine.metrics.confusion import prevalence_estimate
from engine.metrics.discrimination import Counts, Ints
from engine.metrics.estimates import Measured, auroc_estimate, effective_size, in_macro, macro_estimate, measure
from engine.metrics.precision_recall import precision_estimate
from engine.metrics.subgroups import corrected_together
from engine.metrics.thresholds import ThresholdTable
from engine.metrics.uncertainty import draw_multiplicities, patient_codes
from engine.metrics.utility import cautions

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
    cuts: Cuts | None = None,
    beyond: Beyond | None = None,
    on_label: Callable[[int], None] | None = None,
    kinds: Sequence[OutputType] = (),
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
        cuts: thresholds; without them AUROC alone is told, as a probe along a pretraining does.
        beyond: what calibration, utility, subgroups and failures are told from; without it they are not.
        on_label: told how many labels are done; may raise to stop.
        kinds: what the outputs of each label are; empty where they are what they seem.
    """
    codes_N, count = patient_codes(patients)
    weight_PB = draw_multiplicities(count, resamples, seed)
    told_problems, look = problems or {}, _Look(codes_N, weight_PB, confidence)
    measured: list[Measured] = []
    results: list[LabelResult] = []
    for column, label in enumerate(labels):
        y_N, score_N, problem = y_NL[:, column], score_NL[:, column], told_problems.get(column, "")
        flag = cuts is not None and cuts.rule[column] == FLAG
        found = measure(y_N, score_N, codes_N, weight_PB)
        measured.append(unranked(found) if flag else found)
        auroc = _explained(auroc_estimate(measured[-1], confidence), problem)
        result = LabelResult(label=label, auroc=auroc, judged_as=_judged_as(kinds[column] if kinds else None, flag))
        if cuts is not None:
            result = look.further(result, (column, label), (y_N, score_N), measured[-1], cuts, problem)
        if beyond is not None and not problem:
            pages = beyond.pages(column, label, score_N, codes_N, weight_PB, flag)
            result = result.model_copy(update=pages)
        results.append(result)
        if on_label is not None:
            on_label(column + 1)
    if beyond is not None:
        results = _corrected_together(results, beyond.settings.confirmatory)
    known_NL = np.isfinite(y_NL)
    scored_N = (known_NL & np.isfinite(score_NL)).any(axis=1)
    macro = macro_estimate(measured, int(scored_N.sum()), len(np.unique(codes_N[scored_N])), confidence)
    if results and all(result.judged_as in FLAGS for result in results):
        macro = macro.model_copy(update={"not_estimable": NO_RANKING})
    asked = [column for column in range(len(labels)) if column not in told_problems]
    missing = int((known_NL & ~np.isfinite(score_NL))[:, asked].any(axis=1).sum())
    notes = [*macro_notes(results, measured), *_flag_notes(labels, cuts), *_utility_notes(results)]
    return Judged(macro, results, notes, missing)


def _judged_as(told: OutputType | None, flag: bool) -> OutputType | None:
    """What the numbers of a label are: what is nothing but 0 and 1 is a flag, whatever it is called."""
    return "flag" if flag and told not in FLAGS else told


def _corrected_together(results: list[LabelResult], confirmatory: bool) -> list[LabelResult]:
    """Subgroups of all labels are one table, so their p values are corrected as one."""
    pages = [page for result in results for page in result.subgroups]
    told = iter(corrected_together(pages, "Holm" if confirmatory else "Benjamini-Hochberg"))
    return [
        result.model_copy(update={"subgroups": [next(told) for _ in result.subgroups]}) if result.subgroups else result
        for result in results
    ]


@dataclass(frozen=True)
class _Look:
    """What all statistics of a test part share."""

    codes_N: Ints
    weight_PB: Counts
    confidence: float

    def further(
        self,
        result: LabelResult,
        place: tuple[int, str],
        sides: tuple[Floats, Floats],
        measured: Measured,
        cuts: Cuts,
        problem: str,
    ) -> LabelResult:
        """The label's result with all that goes beyond its AUROC."""
        y_N, score_N = sides
        shared = self.codes_N, self.weight_PB
        problem = problem or measured.problem  # of a flag: that there is nothing to rank
        auprc = precision_estimate(y_N, score_N, *shared, problem, self.confidence)
        table = ThresholdTable.of(y_N, score_N)
        return result.model_copy(
            update={
                "auprc": auprc,
                "prevalence": prevalence_estimate(y_N, *shared, self.confidence),
                "effective": effective_size(measured, y_N, score_N),
                "operating": operating_point(cuts, place, y_N, score_N, *shared, self.confidence),
                "curve": None if table.one_class or problem else table.curve(),
            }
        )


def _flag_notes(labels: Sequence[str], cuts: Cuts | None) -> list[str]:
    """Flags have one point and no ranking, which a reader who looks for their AUROC must know."""
    flags = [label for label, rule in zip(labels, cuts.rule if cuts else [], strict=False) if rule == FLAG]
    if not flags:
        return []
    instead = "read sensitivity, specificity and the net benefit at one point"
    return [
        f"Flags, not scores: {', '.join(flags)}. Nothing can be ranked, so they have no AUROC and no curve; {instead}"
    ]


def _utility_notes(results: Sequence[LabelResult]) -> list[str]:
    """Labels whose decision curve is told with an interval that is known to be too narrow."""
    told = [one for one in results if one.utility is not None and one.utility.points]
    notes = [cautions(one.label, one.auroc.positive_patients, one.auroc.value) for one in told]
    return [note for note in notes if note]


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
