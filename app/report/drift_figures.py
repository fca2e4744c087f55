"""The figures of a drift check: how well each group is told from the reference, and what shares its scores imply."""

from __future__ import annotations

from collections.abc import Iterator

from app.report.figure import Figure
from app.report.figure_numbers import ESTIMATE_HEADS, cells, csv_text
from app.report.forest import ForestAxis, ForestPlot, ForestRow
from engine.contract.drift import DriftResults, FeatureShift, KernelTest
from engine.contract.estimate import Estimate

ALL = "All local recordings"
SIDES = ("reference", "local, implied by scores", "local, by labels")

_Told = tuple[str, str, Estimate, KernelTest | None, float | None]
"""Attribute, group, AUROC, kernel test and its corrected p value."""


def figures(results: DriftResults) -> list[Figure]:
    """All figures that the check's results allow."""
    return [*_groups(results), *_features(results), *_priors(results)]


def _groups(results: DriftResults) -> Iterator[Figure]:
    """The two-sample classifier, of all and of every group."""
    told: list[_Told] = [("", ALL, results.classifier, results.kernel, None)]
    told += [(one.attribute, one.group, one.classifier, one.kernel, one.adjusted_p) for one in results.groups]
    rows = [ForestRow(_named(name, p), estimate, attribute.capitalize()) for attribute, name, estimate, _, p in told]
    axis = ForestAxis("Told from the reference", "AUROC of telling local from reference; 0.5 when alike", 0.5)
    words = (
        f"How well '{results.model}' tells local recordings from the reference: 0.5 when alike, 1 when every recording "
        "gives itself away. p: kernel test of the group, corrected for all groups."
    )
    lines = [
        (attribute, name, *cells(estimate), *((k.squared, k.p_value) if k else (None, None)), p)
        for attribute, name, estimate, k, p in told
    ]
    heads = ("attribute", "group", *ESTIMATE_HEADS, "mmd_squared", "p", "adjusted_p")
    yield Figure("drift-groups", "Told from the reference", words, ForestPlot(axis, rows), csv_text(heads, lines))


def _named(name: str, p: float | None) -> str:
    return name if p is None else f"{name}, p {p:.3f}"


def _features(results: DriftResults) -> Iterator[Figure]:
    """The distance of each plain fact; a distance has a test, no interval."""
    if not results.features:
        return
    rows = [
        ForestRow(_fact(one), Estimate(value=one.distance, not_estimable=one.not_estimable)) for one in results.features
    ]
    axis = ForestAxis("Distance of plain facts", "largest gap of the two distribution functions; 0 alike, 1 apart", 0.0)
    words = (
        "How far plain facts of the local recordings lie from those of the reference. p: by permutation, not corrected."
    )
    heads = ("feature", "reference", "local", "distance", "stability", "p", "not_estimable")
    lines = [
        (
            *(one.feature, one.reference_centre, one.local_centre),
            *(one.distance, one.stability, one.p_value, one.not_estimable),
        )
        for one in results.features
    ]
    yield Figure("drift-facts", "Distance of plain facts", words, ForestPlot(axis, rows), csv_text(heads, lines))


def _fact(one: FeatureShift) -> str:
    name = one.feature[:1].upper() + one.feature[1:]
    return name if one.p_value is None else f"{name}, p {one.p_value:.3f}"


def _priors(results: DriftResults) -> Iterator[Figure]:
    """The share of each label there, as scores imply it here, and as local labels give it."""
    told = [
        (prior.label, side, estimate)
        for prior in results.priors
        for side, estimate in zip(SIDES, (prior.reference, prior.local, prior.observed), strict=True)
        if estimate is not None
    ]
    if not told:
        return
    rows = [ForestRow(side, estimate, label, SIDES.index(side)) for label, side, estimate in told]
    axis = ForestAxis("Shares of labels", "share of the recordings", 0.0)
    words = (
        "How frequent each label is in the reference, and how frequent local scores say that it is here, if nothing "
        "but its share differs."
    )
    numbers = csv_text(("label", "side", *ESTIMATE_HEADS), [(label, side, *cells(one)) for label, side, one in told])
    yield Figure("drift-shares", "Shares of labels", words, ForestPlot(axis, rows), numbers)
