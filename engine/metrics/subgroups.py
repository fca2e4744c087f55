"""Subgroups: any measure in each group against everybody else, on the common resamples; what cannot be told is told so.

A measure is any function from the rows of a sample to a `Sampled`: the patients' shares in the errors of two groups add
up whether or not a patient is in both, so the gap's variance needs no independence of the groups.

Legend: N recordings, P patients, G groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc, stdtr

from engine.contract.estimate import Estimate
from engine.contract.subgroups import GroupResult, GroupState, SubgroupResults
from engine.metrics.discrimination import Counts, Floats, Ints, Ranked
from engine.metrics.multiplicity import benjamini_hochberg, holm
from engine.metrics.patient_sums import PatientSums, Sampled, SampleSize, Scale, estimate
from engine.metrics.uncertainty import Influence

LEAST_PATIENTS = 10
"""Patients of each class that a group and its complement need."""

Rows = NDArray[np.bool_]
Measure = Callable[[Rows], Sampled]


@dataclass(frozen=True)
class Asked:
    """What is measured, on whom.

    Attributes:
        name: of the measure, as printed.
        measure: from rows to the statistic; called only for rows with enough patients of each class.
        patient_N: patient code of each recording.
        y_N: labels of the recordings that are known, or None where the target is a number.
        known_N: recordings with a label and a score.
        scale: of the measure's own analytic interval.
        higher_is_better: which group counts as the worst.
    """

    name: str
    measure: Measure
    patient_N: Ints
    known_N: Rows
    y_N: Floats | None = None
    scale: Scale = "plain"
    higher_is_better: bool = True

    def size(self, rows_N: Rows) -> SampleSize:
        """Counts of some rows."""
        return SampleSize.of(self.patient_N[rows_N], None if self.y_N is None else self.y_N[rows_N])


def auroc_measure(y_N: Floats, score_N: Floats, patient_N: Ints, weight_PB: Counts) -> Asked:
    """AUROC as a measure of subgroups."""

    def measure(rows_N: Rows) -> Sampled:
        y, score, patient = y_N[rows_N], score_N[rows_N], patient_N[rows_N]
        ranked = Ranked.of(y, score, patient)
        value = float(ranked.resampled(np.ones((len(weight_PB), 1)))[0])
        error_P = Influence.of(y, score, patient, len(weight_PB)).total_P()
        return Sampled(value, error_P, ranked.resampled(weight_PB))

    return Asked("AUROC", measure, patient_N, np.isfinite(y_N) & np.isfinite(score_N), y_N, scale="logit")


def rate_measure(name: str, y_N: Floats, called_N: Floats, patient_N: Ints, weight_PB: Counts) -> Asked:
    """Share of right calls within one class as a measure of subgroups; patients of that class alone count.

    Args:
        name: "Sensitivity" or "Specificity".
        y_N: 1, 0, or NaN where unknown.
        called_N: 1 where called positive, 0 where negative, NaN where there is no output.
        patient_N: patient code of each recording.
        weight_PB: the multiplicities that all statistics of the test part share.
    """
    wanted = 1.0 if name == "Sensitivity" else 0.0
    right_N = (called_N == wanted).astype(np.float64)

    def measure(rows_N: Rows) -> Sampled:
        rows = np.array([right_N[rows_N], np.ones(int(rows_N.sum()))])
        return PatientSums.of(rows, patient_N[rows_N], weight_PB).sampled(lambda sum_M: sum_M[0] / sum_M[1])

    known_N = (y_N == wanted) & np.isfinite(called_N)
    return Asked(name, measure, patient_N, known_N, scale="logit")


def subgroup_results(
    attribute: str,
    group_N: Sequence[str | None],
    asked: Asked,
    confidence: float = 0.95,
    *,
    least_patients: int = LEAST_PATIENTS,
    margin: float | None = None,
    confirmatory: bool = False,
) -> SubgroupResults:
    """One measure over the groups of one attribute.

    Args:
        attribute: its name, as printed.
        group_N: group of each recording; None or "" where it is not known.
        asked: the measure and its recordings.
        confidence: of the intervals.
        least_patients: of each class, in a group and in its complement.
        margin: a gap that would not matter; None leaves equivalence out.
        confirmatory: Holm's correction over groups instead of Benjamini's and Hochberg's.
    """
    label_N = np.array([group or "" for group in group_N], dtype=str)
    known_N = asked.known_N & (label_N != "")
    names = sorted(set(label_N[label_N != ""].tolist()))
    parts = [_Part.of(name, known_N & (label_N == name), known_N, asked, max(2, least_patients)) for name in names]
    results = [part.result(asked, confidence, margin) for part in parts]
    results = _corrected(results, "Holm" if confirmatory else "Benjamini-Hochberg")
    whole = asked.size(asked.known_N)
    problem = _problem(whole, 2, "the test")
    overall = whole.undefined(problem) if problem else _told(asked.measure(asked.known_N), whole, asked, confidence)
    usable = [part for part in parts if part.inside is not None]
    return SubgroupResults(
        attribute=attribute,
        measure=asked.name,
        overall=overall,
        groups=results,
        interaction_p=interaction(
            [part.inside for part in usable if part.inside is not None], min((p.size.fewest for p in usable), default=0)
        ),
        worst=_worst(usable, asked.higher_is_better),
        unestimable=[f"{part.name}: {part.problem}" for part in parts if part.problem],
        unknown_records=int((asked.known_N & (label_N == "")).sum()),
        least_patients=least_patients,
    )


@dataclass(frozen=True)
class _Part:
    """A group and everybody else, measured where that can be."""

    name: str
    size: SampleSize
    others: SampleSize
    problem: str
    inside: Sampled | None
    outside: Sampled | None

    @classmethod
    def of(cls, name: str, rows_N: Rows, known_N: Rows, asked: Asked, least: int) -> _Part:
        size, others = asked.size(rows_N), asked.size(known_N & ~rows_N)
        problem = _problem(size, least, "the group") or _problem(others, least, "everybody else")
        if problem:
            return cls(name, size, others, problem, None, None)
        inside, outside = asked.measure(rows_N), asked.measure(known_N & ~rows_N)
        if not np.isfinite(inside.value - outside.value):
            return cls(name, size, others, f"{asked.name} is undefined", None, None)
        return cls(name, size, others, "", inside, outside)

    def result(self, asked: Asked, confidence: float, margin: float | None) -> GroupResult:
        if self.inside is None or self.outside is None:
            reason = f"insufficient evidence: {self.problem}"
            none = self.size.undefined(reason)
            return GroupResult(
                group=self.name,
                state="insufficient evidence",
                estimate=none,
                complement=self.others.undefined(reason),
                gap=none,
            )
        smaller = self.size if self.size.fewest <= self.others.fewest else self.others
        difference = self.inside.minus(self.outside)
        gap = estimate(difference, smaller, confidence)
        return GroupResult(
            group=self.name,
            state=_state(gap, margin),
            estimate=_told(self.inside, self.size, asked, confidence),
            complement=_told(self.outside, self.others, asked, confidence),
            gap=gap.model_copy(update=self.size.counts()),
            p_value=_p_value(difference, smaller.fewest - 1),
        )


def _problem(size: SampleSize, least: int, who: str) -> str:
    """Why nothing can be said, or nothing."""
    if size.positive_patients is None or size.negative_patients is None:
        some = f"{size.patients} patient{'s' * (size.patients != 1)}"
        return f"{who} has {some}, {least} are needed" if size.patients < least else ""
    if size.fewest >= least:
        return ""
    have = f"{size.positive_patients} positive and {size.negative_patients} negative patients"
    return f"{who} has {have}, {least} of each are needed"


def _told(sampled: Sampled, size: SampleSize, asked: Asked, confidence: float) -> Estimate:
    return estimate(sampled, size, confidence, asked.scale)


def _state(gap: Estimate, margin: float | None) -> GroupState:
    if gap.interval is None:
        return "insufficient evidence"
    low, high = gap.interval.low, gap.interval.high
    if margin is not None and -margin < low and high < margin:
        return "within margin"
    if low > 0 or high < 0:
        return "higher" if low > 0 else "lower"
    return "no gap shown"


def _p_value(difference: Sampled, freedom: int) -> float | None:
    variance = difference.variance
    if freedom < 1 or not variance > 0:
        return None
    return float(2 * stdtr(freedom, -abs(difference.value) / np.sqrt(variance)))


def interaction(groups: Sequence[Sampled], fewest: int) -> float | None:
    """P-value that all groups are equal: a Wald test on the clustered covariance, by the F distribution.

    Args:
        groups: statistics of the groups, patients common to all.
        fewest: patients of the smallest class of any group.
    """
    contrasts = len(groups) - 1
    freedom = fewest - contrasts
    if contrasts < 1 or freedom < 1:
        return None
    gap_G = np.array([one.value - groups[0].value for one in groups[1:]])
    error_GP = np.array([one.error_P - groups[0].error_P for one in groups[1:]])
    covariance = error_GP @ error_GP.T
    if not np.isfinite(covariance).all() or np.linalg.matrix_rank(covariance) < contrasts:
        return None
    # Hotelling's form: the covariance is itself estimated from few patients.
    wald = float(gap_G @ np.linalg.solve(covariance, gap_G))
    return float(fdtrc(contrasts, freedom, wald * freedom / (contrasts * (fewest - 1))))


def _worst(parts: Sequence[_Part], higher_is_better: bool) -> str | None:
    values = {part.name: part.inside.value for part in parts if part.inside is not None}
    if len(values) < 2:
        return None
    return (min if higher_is_better else max)(values, key=lambda name: values[name])


def corrected_together(pages: Sequence[SubgroupResults], correction: str) -> list[SubgroupResults]:
    """The same pages with p values of groups corrected over all of them: what is told together is corrected together.

    Args:
        pages: of several labels and attributes.
        correction: "Holm" or "Benjamini-Hochberg".
    """
    flat = _corrected([group for page in pages for group in page.groups], correction)
    ends = np.cumsum([0, *(len(page.groups) for page in pages)]).tolist()
    return [
        page.model_copy(update={"groups": flat[first:last]})
        for page, first, last in zip(pages, ends[:-1], ends[1:], strict=True)
    ]


def _corrected(results: list[GroupResult], correction: str) -> list[GroupResult]:
    p_M = [result.p_value for result in results if result.p_value is not None]
    adjusted = iter(holm(p_M) if correction == "Holm" else benjamini_hochberg(p_M))
    return [
        result
        if result.p_value is None
        else result.model_copy(update={"adjusted_p": float(next(adjusted)), "correction": correction})
        for result in results
    ]
