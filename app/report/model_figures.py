"""All figures of an evaluation and of a comparison, in the order in which a reader wants them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from app.report import compared_curves, compared_forests, compared_layers
from app.report.figure import Figure
from app.report.rank_map import ranks_by_task
from engine.contract.results import CompareResults, EvaluateResults

OF_A_LABEL = (
    compared_curves.roc_of_models,
    compared_curves.precision_of_models,
    compared_curves.calibration_of_models,
    compared_curves.net_benefit_of_models,
)


def evaluation_figures(results: EvaluateResults) -> list[Figure]:
    """Every figure that one evaluation's numbers allow."""
    return list(_present(_of_models([results], {results.model: 0})))


def comparison_figures(results: CompareResults, evaluations: Sequence[EvaluateResults]) -> list[Figure]:
    """Every figure that a comparison and the evaluations below it allow.

    Args:
        results: of the comparison.
        evaluations: those that it rests on, the model examined first.
    """
    order = {name: place for place, name in enumerate(results.models)}
    measures = dict.fromkeys(one.measure for one in (*results.differences, *results.further))
    found: list[Figure | None] = [compared_forests.difference_forest(results, order, name) for name in measures]
    if results.ranking is not None:
        found += [compared_forests.ranking_of_models(results.ranking, order), ranks_by_task(results.ranking)]
    found += _of_models(evaluations, order)
    found += [compared_layers.cka_map(one) for one in results.cka]
    found.append(compared_layers.layer_profile(results.cka, order))
    return list(_present(found))


def _of_models(evaluations: Sequence[EvaluateResults], order: Mapping[str, int]) -> Iterator[Figure | None]:
    yield compared_forests.auroc_forest(evaluations, order)
    yield compared_forests.error_forest(evaluations, order)
    labels = dict.fromkeys(label.label for one in evaluations for label in one.labels)
    for label in labels:
        for draw in OF_A_LABEL:
            yield draw(evaluations, label, order)
        for attribute in _attributes(evaluations, label):
            yield compared_forests.subgroups_of_models(evaluations, label, attribute, order)
    yield compared_curves.few_labels_of_models(evaluations, order)


def _attributes(evaluations: Sequence[EvaluateResults], label: str) -> Iterable[str]:
    """Attributes whose groups are told apart on a label, each once."""
    told = (
        found for one in evaluations for result in one.labels if result.label == label for found in result.subgroups
    )
    return dict.fromkeys(found.attribute for found in told)


def _present(figures: Iterable[Figure | None]) -> Iterator[Figure]:
    """Those that could be drawn, each file's name once: labels may differ in signs that no file name shows."""
    taken: set[str] = set()
    for one in figures:
        if one is not None:
            name = next(name for name in _names(one.name) if name not in taken)
            taken.add(name)
            yield one if name == one.name else Figure(name, one.title, one.told, one.drawing, one.numbers)


def _names(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1
