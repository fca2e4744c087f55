"""Numbers of several models with their intervals, row under row: AUROC, paired differences, subgroups, ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.report.figure import Figure
from app.report.figure_numbers import ESTIMATE_HEADS, cells, csv_text, slug
from app.report.forest import ForestAxis, ForestPlot, ForestRow
from engine.contract.ranking import CategoryRanks, Ranking
from engine.contract.results import LESS_IS_BETTER, CompareResults, Difference, Estimate, EvaluateResults
from engine.contract.subgroups import SubgroupResults

Order = Mapping[str, int]
MACRO = "Macro average"


def auroc_forest(evaluations: Sequence[EvaluateResults], order: Order) -> Figure | None:
    """AUROC of every model, the macro average first, then label by label."""
    groups: dict[str, list[tuple[str, Estimate]]] = {}
    for one in evaluations:
        groups.setdefault(MACRO, []).append((one.model, one.macro))
        for label in one.labels:
            groups.setdefault(label.label, []).append((one.model, label.auroc))
    told = "AUROC of every model with its interval, clustered by patient. The line at 0.5 is chance."
    axis = ForestAxis("AUROC", "AUROC", 0.5)
    return _forest("auroc", "AUROC", told, axis, _rows(groups, order), ("label", "model"))


def error_forest(evaluations: Sequence[EvaluateResults], order: Order) -> Figure | None:
    """Standardised mean absolute error of every model, the mean over targets first; None where none are predicted."""
    groups: dict[str, list[tuple[str, Estimate]]] = {}
    for one in evaluations:
        if one.macro_mae is not None:
            groups.setdefault("Mean over numbers", []).append((one.model, one.macro_mae))
        for target in one.targets:
            if target.standardised_mae is not None:
                name = f"{target.target} ({target.unit})" if target.unit else target.target
                groups.setdefault(name, []).append((one.model, target.standardised_mae))
    told = (
        "Mean absolute error of predicted numbers in standard deviations of the training patients, with its interval. "
        "0 is perfect; about 0.8 is what predicting the mean gives for a normal distribution."
    )
    axis = ForestAxis("Measured numbers", "mean absolute error, in SD", 0.0)
    return _forest("errors", "Errors of measured numbers", told, axis, _rows(groups, order), ("number", "model"))


def difference_forest(results: CompareResults, order: Order, measure: str = "AUROC") -> Figure | None:
    """Paired differences of one measure between the model examined and each of the others.

    Args:
        results: of the comparison.
        order: by model: its colour and marker.
        measure: "AUROC", or one of `results.further`.
    """
    groups: dict[str, list[Difference]] = {}
    for one in (*results.differences, *results.further):
        if one.measure == measure:
            groups.setdefault(MACRO if one.label == "macro" else one.label, []).append(one)
    if not groups:
        return None
    told = [(name, one) for name in sorted(groups, key=lambda name: name != MACRO) for one in groups[name]]
    rows = [ForestRow(one.reference, one.estimate, name, order.get(one.reference, 0)) for name, one in told]
    tests = [(one.p_value, one.adjusted_p, one.correction, one.verdict) for _, one in told]
    heads = ("label", "reference", *ESTIMATE_HEADS, "p_value", "adjusted_p", "correction", "verdict")
    numbers = [(row.group, row.name, *cells(row.estimate), *test) for row, test in zip(rows, tests, strict=True)]
    axis = ForestAxis(f"Paired differences of {measure}", f"difference of {measure}", 0.0, signed=True)
    better = " Less is better." if measure in LESS_IS_BETTER else ""
    words = (
        f"{measure} of '{results.examined}' minus that of the model in the row, on the same patients and resamples. "
        "An interval across the line at 0 leaves open whether there is any difference."
        f"{better}{_verdicts(results, measure)}"
    )
    name = "differences" if measure == "AUROC" else f"differences-{slug(measure)}"
    return Figure(name, f"Paired differences of {measure}", words, ForestPlot(axis, rows), csv_text(heads, numbers))


def _verdicts(results: CompareResults, measure: str) -> str:
    """Who is shown not to be worse by the margin that was set before."""
    if results.margin is None or measure != "AUROC":
        return ""
    held = [one for one in results.differences if one.label == "macro" and one.verdict]
    told = "; ".join(f"{one.verdict} to {one.reference}" for one in held)
    return f" Macro average, by a margin of {results.margin:g}: {told}." if told else ""


def subgroups_of_models(
    evaluations: Sequence[EvaluateResults], label: str, attribute: str, order: Order
) -> Figure | None:
    """AUROC of one label within each group of an attribute, for every model, everybody first.

    Args:
        evaluations: of the models.
        label: one of their labels.
        attribute: "sex", "age", "device".
        order: by model: its colour and marker.
    """
    groups: dict[str, list[tuple[str, Estimate]]] = {}
    gaps: list[str] = []
    for one in evaluations:
        found = _subgroups(one, label, attribute)
        if found is None:
            continue
        groups.setdefault("everybody", []).append((one.model, found.overall))
        for group in found.groups:
            groups.setdefault(group.group, []).append((one.model, group.estimate))
            if group.state in ("lower", "higher"):
                gaps.append(f"{one.model} does {_against(group.state)} in {group.group} than in everybody else")
    shown = f" By the interval of the gap: {'; '.join(gaps)}." if gaps else " No model shows a gap."
    told = (
        f"AUROC of '{label}' by {attribute}, with intervals. Where a group or everybody else has too few patients of a "
        f"class, nothing is said of it.{shown}"
    )
    title = f"{label} by {attribute}"
    axis = ForestAxis(title, "AUROC", 0.5)
    name = f"subgroups-{slug(label)}-{slug(attribute)}"
    return _forest(name, f"Subgroups: {title}", told, axis, _rows(groups, order), ("group", "model"))


def ranking_of_models(ranking: Ranking, order: Order) -> Figure | None:
    """Average rank of every model over tasks, with its interval, best first; category by category below all."""
    if ranking.overall is None:
        return None
    parts = [("All tasks", ranking.overall)]
    if len(ranking.categories) > 1:
        parts += [(f"{one.category} ({one.tasks:,} tasks)", one) for one in ranking.categories]
    groups = {title: _ranks(one) for title, one in parts}
    counted = sum(task.counted for task in ranking.tasks)
    told = (
        f"Average rank over {counted:,} tasks with its interval, 1 is best ({ranking.average} within a category). "
        f"On a task a model {ranking.rule}."
    )
    axis = ForestAxis("Ranking", "average rank, 1 is best", 1.0, places=2)
    return _forest("ranking", "Ranking", told, axis, _rows(groups, order), ("tasks", "model"))


def _ranks(category: CategoryRanks) -> list[tuple[str, Estimate]]:
    best = sorted(category.models, key=lambda one: (one.rank.value is None, one.rank.value or 0.0))
    return [(one.model, one.rank) for one in best]


def _against(state: str) -> str:
    return "worse" if state == "lower" else "better"


def _subgroups(one: EvaluateResults, label: str, attribute: str) -> SubgroupResults | None:
    told = (found for result in one.labels if result.label == label for found in result.subgroups)
    return next((found for found in told if found.attribute == attribute), None)


def _rows(groups: Mapping[str, Sequence[tuple[str, Estimate]]], order: Order) -> list[ForestRow]:
    return [
        ForestRow(model, estimate, group, order.get(model, 0))
        for group, members in groups.items()
        for model, estimate in members
    ]


def _forest(
    name: str, title: str, told: str, axis: ForestAxis, rows: Sequence[ForestRow], heads: tuple[str, str]
) -> Figure | None:
    if not rows:
        return None
    numbers = csv_text((*heads, *ESTIMATE_HEADS), [(row.group, row.name, *cells(row.estimate)) for row in rows])
    return Figure(name, title, told, ForestPlot(axis, rows), numbers)
