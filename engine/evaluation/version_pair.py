"""One label of two versions: scores, thresholds and calls side by side, and how a difference becomes a `Change`.

Legend: N recordings of the test part, P patients, B resamples. Arrays [2, N] hold the old version's row first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.contract.config import VersionConfig
from engine.contract.estimate import Estimate
from engine.contract.evaluation import LabelResult
from engine.contract.version_change import Change, Direction, OutputKind, Policy, Verdict
from engine.evaluation.comparison import Evaluation
from engine.evaluation.operating import FLAG
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.paired import non_inferiority

Rows = NDArray[np.bool_]

FEW = 500
"""Resamples behind intervals of thresholds, ranks and quantiles, and beside those of rates."""


@dataclass(frozen=True)
class Sample:
    """What all labels share: the test part's recordings, their patients and the common resamples."""

    record_ids: list[str]
    patients: list[str]
    patient_N: Ints = field(repr=False)
    weight_PB: Counts = field(repr=False)
    config: VersionConfig

    @cached_property
    def few_PB(self) -> Counts:
        """The first of the common resamples, enough for what is described and not decided by."""
        return np.ascontiguousarray(self.weight_PB[:, :FEW])


@dataclass(frozen=True)
class Pair:
    """Both versions on one label.

    Attributes:
        y_N: 1, 0, or NaN where unknown.
        score_2N: NaN where a version put nothing out.
        threshold_2N: each version's own, NaN where there is none.
        probability_2N: NaN where a score is no probability.
        outputs: what each version puts out.
        problems: why a version has no threshold; empty where it has one.
    """

    label: str
    y_N: Floats = field(repr=False)
    score_2N: Floats = field(repr=False)
    threshold_2N: Floats = field(repr=False)
    probability_2N: Floats = field(repr=False)
    outputs: tuple[OutputKind, OutputKind]
    problems: tuple[str, str]
    sample: Sample

    @classmethod
    def of(cls, label: str, y_N: Floats, versions: Sequence[Evaluation], sample: Sample) -> Pair:
        """Lay two evaluations side by side."""
        stacked = [
            np.stack([one.told(sample.record_ids, array, label) for one in versions])
            for array in ("scores", "thresholds", "probabilities")
        ]
        score_2N = np.where(np.isfinite(stacked[0]), stacked[0], np.nan)
        pages = [_page(one, label) for one in versions]
        kinds = [
            _kind(page, score_N, likely_N) for page, score_N, likely_N in zip(pages, score_2N, stacked[2], strict=True)
        ]
        old, new = (_problem(page, kind) for page, kind in zip(pages, kinds, strict=True))
        return cls(label, y_N, score_2N, stacked[1], stacked[2], (kinds[0], kinds[1]), (old, new), sample)

    @cached_property
    def spoken_2N(self) -> Rows:
        """Whether a version put something out."""
        return np.isfinite(self.score_2N)

    @cached_property
    def both_N(self) -> Rows:
        """Whether both did."""
        return np.asarray(self.spoken_2N.all(axis=0))

    @cached_property
    def identical(self) -> bool:
        """Whether both say exactly the same of every recording, no output included."""
        return bool(np.array_equal(self.score_2N[0], self.score_2N[1], equal_nan=True))

    def threshold_of(self, policy: Policy) -> Floats:
        """Thresholds [2, N] under a policy."""
        return self.threshold_2N if policy == "own" else np.stack([self.threshold_2N[0], self.threshold_2N[0]])

    def calls(self, policy: Policy) -> Rows:
        """Calls [2, N] under a policy; no output is no call."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.score_2N >= self.threshold_of(policy))

    def policy_problem(self, policy: Policy) -> str:
        """Why there are no calls under a policy; empty where there are."""
        if policy == "own":
            return self.problems[0] or self.problems[1]
        if self.problems[0]:
            return self.problems[0]
        if "none" in self.outputs:
            return "one version puts nothing out"
        if self.outputs[0] != self.outputs[1]:
            told = f"the old version gives {_PLURALS[self.outputs[0]]}, the new one {_PLURALS[self.outputs[1]]}"
            return f"{told}: there is no threshold that could be kept"
        return "both versions give flags: there is no threshold to keep" if self.outputs[0] == "flag" else ""

    def change(
        self,
        name: str,
        sides: tuple[Estimate, Estimate],
        difference: Estimate,
        p_value: float | None,
        *,
        less_is_better: bool = False,
        same: bool | None = None,
    ) -> Change:
        """A measured number of both versions as it is told.

        Args:
            name: of the measure.
            sides: of the old and of the new version.
            difference: new minus old.
            p_value: that it is 0.
            less_is_better: as of the Brier score, which has a margin of its own.
            same: whether nothing at all changed; by default whether all scores are equal.
        """
        config = self.sample.config
        margin = config.brier_margin if less_is_better else config.margin
        return as_change(
            name, sides, difference, p_value, margin, less_is_better, self.identical if same is None else same
        )


def as_change(
    name: str,
    sides: tuple[Estimate, Estimate],
    difference: Estimate,
    p_value: float | None,
    margin: float,
    less_is_better: bool,
    same: bool,
) -> Change:
    """Judge a difference against its margin and against 0."""
    gain = negated(difference) if less_is_better else difference
    same = same and difference.value == 0
    verdict: Verdict = "unchanged" if same else non_inferiority(gain, margin).verdict
    return Change(
        name=name,
        old=sides[0],
        new=sides[1],
        difference=difference,
        p_value=p_value,
        margin=margin,
        verdict=verdict,
        direction="unchanged" if same else direction_of(gain),
    )


def direction_of(gain: Estimate) -> Direction:
    """By the interval of a number of which more is better."""
    if gain.value is None or gain.interval is None:
        return "insufficient evidence"
    if gain.interval.low > 0:
        return "better"
    return "worse" if gain.interval.high < 0 else "no change shown"


def negated(told: Estimate) -> Estimate:
    """The same statement of minus the number."""

    def turned(name: str) -> object:
        span = getattr(told, name)
        return None if span is None else span.model_copy(update={"low": -span.high, "high": -span.low})

    value = None if told.value is None else -told.value
    return told.model_copy(update={"value": value, "interval": turned("interval"), "beside": turned("beside")})


_PLURALS: dict[OutputKind, str] = {
    "probability": "probabilities",
    "score": "scores that are no probabilities",
    "flag": "flags",
    "none": "nothing",
}


def _page(version: Evaluation, label: str) -> LabelResult | None:
    return next((one for one in version.results.labels if one.label == label), None)


def _kind(page: LabelResult | None, score_N: Floats, probability_N: Floats) -> OutputKind:
    if not np.isfinite(score_N).any():
        return "none"
    if page is not None and page.operating is not None and page.operating.rule == FLAG:
        return "flag"
    return "probability" if np.isfinite(probability_N).any() else "score"


def _problem(page: LabelResult | None, kind: OutputKind) -> str:
    if kind == "none":
        return "a version puts nothing out for any recording tested"
    if page is None or page.operating is None:
        return "it was evaluated without thresholds"
    return page.operating.not_estimable
