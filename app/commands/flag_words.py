"""What verbs print of answers that are one point, and of answers that were not given."""

from __future__ import annotations

from collections.abc import Sequence

from app import printing
from engine.contract.evaluation import LabelResult
from engine.contract.output_types import OutputType

FLAGS: tuple[OutputType, ...] = ("flag", "category")
"""Answers that are one point: nothing of them can be ranked."""


def flag_words(labels: Sequence[LabelResult]) -> list[str]:
    """Agreement of flags, and what acting on them is worth at one risk."""
    rows = [_flag(item) for item in labels if item.judged_as in FLAGS and item.operating is not None]
    heads = ("Flag", "Cohen's kappa", "Net benefit", "When one acts at a risk of", "Gain on all and none")
    return [printing.table(heads, rows)] if rows else []


def silent_words(labels: Sequence[LabelResult]) -> list[str]:
    """Where answers are missing: rates that hold each of them against the model (intention to diagnose)."""
    rows = []
    for item in labels:
        point = item.operating
        if (
            point is None
            or point.not_estimable
            or not (point.positives_without_output or point.negatives_without_output)
        ):
            continue
        rows.append(
            (
                item.label,
                f"{point.positives_without_output:,}",
                f"{point.negatives_without_output:,}",
                printing.estimate(point.measures["sensitivity_intended"]),
                printing.estimate(point.measures["specificity_intended"]),
            )
        )
    heads = ("No output counts as wrong", "Positives without", "Negatives without", "Sensitivity", "Specificity")
    return [printing.table(heads, rows, right=heads[1:3])] if rows else []


def _flag(item: LabelResult) -> tuple[str, ...]:
    point, worth = item.operating, item.utility
    if point is None or point.not_estimable:
        return item.label, f"not estimable: {point.not_estimable if point else ''}", "", "", ""
    kappa = printing.estimate(point.measures["kappa"])
    if worth is None or not worth.points:
        return item.label, kappa, f"not estimable: {worth.not_estimable if worth else ''}", "", ""
    only = worth.points[0]
    return item.label, kappa, printing.estimate(only.model), f"{only.threshold:.3g}", printing.estimate(only.gain, True)
