"""Reading a curve of thresholds: which threshold lies at a place of an ROC or precision-recall curve, what it means.

What is read off a curve of tested recordings is optimistic as a choice of threshold; the words say so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.contract.operating import ThresholdCurve
from engine.contract.results import EvaluateResults

Way = Literal["roc", "precision"]
Place = tuple[float, float]
NEAR = 14.0
"""How far from a curve a press may be, in points of the drawing."""


@dataclass(frozen=True)
class Reading:
    """One threshold of one model's curve."""

    model: str
    curve: ThresholdCurve
    row: int

    @property
    def threshold(self) -> float:
        """A recording is called positive when its score is not below it."""
        return self.curve.thresholds[self.row]

    def at(self, way: Way) -> Place:
        """Where it lies in the plane."""
        return place_of(self.curve, self.row, way) or (0.0, 0.0)

    def moved(self, step: int) -> Reading:
        """The threshold beside it, or itself at an end."""
        return Reading(self.model, self.curve, min(max(self.row + step, 0), len(self.curve.thresholds) - 1))

    @property
    def words(self) -> str:
        """What the threshold means for the tested recordings."""
        found, alarms = self.curve.true_positives[self.row], self.curve.false_positives[self.row]
        positives, negatives = self.curve.positives, self.curve.negatives
        rest = positives + negatives - found - alarms
        shares = (
            ("sensitivity", found, positives),
            ("specificity", negatives - alarms, negatives),
            ("PPV", found, found + alarms),
            ("NPV", negatives - alarms, rest),
        )
        told = ", ".join(f"{name} {part / whole:.3f}" for name, part, whole in shares if whole)
        alerts = 100 * (found + alarms) / (positives + negatives)
        return (
            f"{self.model} at threshold {self.threshold:.4g}: {told}; {alerts:.1f} alerts per 100 recordings. "
            "A threshold picked here, on tested recordings, looks better than it is."
        )


def place_of(curve: ThresholdCurve, row: int, way: Way) -> Place | None:
    """A threshold in the plane of a curve; None where precision is undefined, nobody being called positive."""
    found, alarms = curve.true_positives[row], curve.false_positives[row]
    if not curve.positives or not curve.negatives:
        return None
    if way == "roc":
        return alarms / curve.negatives, found / curve.positives
    return (found / curve.positives, found / (found + alarms)) if found + alarms else None


def nearest(
    evaluations: Sequence[EvaluateResults], label: str, way: Way, at: Callable[[float, float], Place], spot: Place
) -> Reading | None:
    """The threshold whose point is drawn nearest to a place, if one is near.

    Args:
        evaluations: of the models drawn.
        label: whose curves are drawn.
        way: which curves.
        at: gives the place in the drawing of a point of the plane.
        spot: a place in the drawing, in points.
    """
    best, least = None, NEAR
    for one in evaluations:
        for curve in (told.curve for told in one.labels if told.label == label and told.curve is not None):
            for row in range(len(curve.thresholds)):
                place = place_of(curve, row, way)
                far = math.inf if place is None else math.dist(at(*place), spot)
                if far < least:
                    best, least = Reading(one.model, curve, row), far
    return best


def first(evaluations: Sequence[EvaluateResults], label: str) -> Reading | None:
    """The threshold in the middle of the first model's curve: where the arrow keys begin."""
    for one in evaluations:
        for told in one.labels:
            if told.label == label and told.curve is not None and told.curve.thresholds:
                return Reading(one.model, told.curve, len(told.curve.thresholds) // 2)
    return None
