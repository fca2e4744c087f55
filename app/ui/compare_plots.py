"""The figures of the Compare page: what each is drawn from, and what to run where it cannot be drawn.

Each is a function of the report, so that window, export and dossier show the same drawing. They are imported when they
are called: they bring ReportLab, which the window starts without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.compare_loading import Comparison, efficiencies, stress_benches
from app.ui.plot_tab import Plot

if TYPE_CHECKING:
    from app.report.figure import Figure
    from app.workspace import Workspace

BETWEEN = " / "
"""Between the parts of a choice, as offered."""
SEPARATOR = "\0"
"""Between the parts of a choice, as handed on."""


def labels_of(comparison: Comparison) -> list[tuple[str, str]]:
    """The labels, as offered."""
    return [(label, label) for label in comparison.labels]


def groups_of(comparison: Comparison) -> list[tuple[str, str]]:
    """Each label with each attribute whose groups were told apart."""
    told: dict[tuple[str, str], None] = {}
    for one in comparison.evaluations:
        for label in one.labels:
            told |= dict.fromkeys((label.label, group.attribute) for group in label.subgroups)
    return [(BETWEEN.join(pair), SEPARATOR.join(pair)) for pair in told]


def pairs_of(comparison: Comparison) -> list[tuple[str, str]]:
    """Pairs of models whose layers were held against each other, those of two models first."""
    maps = sorted(enumerate(comparison.results.cka), key=lambda told: told[1].rows == told[1].columns)
    return [
        (f"{one.rows} with itself" if one.rows == one.columns else f"{one.rows} and {one.columns}", str(place))
        for place, one in maps
    ]


def measures_of(comparison: Comparison) -> list[tuple[str, str]]:
    """What differs between the models."""
    results = comparison.results
    told = dict.fromkeys(one.measure for one in (*results.differences, *results.further))
    return [(name[:1].upper() + name[1:], name) for name in told]


def costs_of(comparison: Comparison) -> list[tuple[str, str]]:
    """Ways to count what a model takes."""
    from app.report.compared_costs import COSTS

    return [(cost.title, cost.name) for cost in COSTS]


def _roc(workspace: Workspace, comparison: Comparison, label: str) -> Figure | None:
    from app.report.compared_curves import roc_of_models

    return roc_of_models(comparison.evaluations, label, comparison.order)


def _precision(workspace: Workspace, comparison: Comparison, label: str) -> Figure | None:
    from app.report.compared_curves import precision_of_models

    return precision_of_models(comparison.evaluations, label, comparison.order)


def _calibration(workspace: Workspace, comparison: Comparison, label: str) -> Figure | None:
    from app.report.compared_curves import calibration_of_models

    return calibration_of_models(comparison.evaluations, label, comparison.order)


def _net_benefit(workspace: Workspace, comparison: Comparison, label: str) -> Figure | None:
    from app.report.compared_curves import net_benefit_of_models

    return net_benefit_of_models(comparison.evaluations, label, comparison.order)


def _few_labels(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.compared_curves import few_labels_of_models

    return few_labels_of_models(comparison.evaluations, comparison.order)


def _auroc(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.compared_forests import auroc_forest

    return auroc_forest(comparison.evaluations, comparison.order)


def _differences(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.compared_forests import difference_forest

    return difference_forest(comparison.results, comparison.order, choice or "AUROC")


def _subgroups(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.compared_forests import subgroups_of_models

    label, _, attribute = choice.partition(SEPARATOR)
    return subgroups_of_models(comparison.evaluations, label, attribute, comparison.order)


def _ranking(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.compared_forests import ranking_of_models

    ranking = comparison.results.ranking
    return None if ranking is None else ranking_of_models(ranking, comparison.order)


def _by_task(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.rank_map import ranks_by_task

    ranking = comparison.results.ranking
    return None if ranking is None else ranks_by_task(ranking)


def _errors(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.compared_forests import error_forest

    return error_forest(comparison.evaluations, comparison.order)


def _map(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.compared_layers import cka_map

    return cka_map(comparison.results.cka[int(choice)]) if choice else None


def _profile(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.compared_layers import layer_profile

    return layer_profile(comparison.results.cka, comparison.order)


def _cost(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.compared_costs import cost_of_models

    return cost_of_models(comparison.evaluations, efficiencies(workspace, comparison), comparison.order, choice)


def _stress(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.compared_stress import stress_of_models

    return stress_of_models(stress_benches(workspace, comparison), comparison.order)


OLD = "These evaluations hold no {}: they are older than that. Evaluate the models again, then compare them."
NO_LAYERS = (
    "No layers to compare",
    "Similarity needs two models that are networks. Scores of others, and age and sex, have no layers.",
)

AUROC = (Plot("Forest plot", _auroc, ("No AUROC", "None of the evaluations scored a label.")),)
DIFFERENCES = (
    Plot(
        "Forest plot",
        _differences,
        ("No differences", "None of the labels is scored by two models."),
        measures_of,
        of="Measure",
    ),
)
CURVES = (
    Plot("ROC", _roc, ("No ROC curve of this label", OLD.format("curves")), labels_of, way="roc"),
    Plot(
        "Precision and recall",
        _precision,
        ("No precision-recall curve of this label", OLD.format("curves")),
        labels_of,
        way="precision",
    ),
    Plot(
        "Calibration",
        _calibration,
        (
            "No calibration curve of this label",
            (
                "A curve needs probabilities and enough patients of both classes. Scores of others count as "
                "probabilities only where their model says so."
            ),
        ),
        labels_of,
    ),
    Plot(
        "Decision curve",
        _net_benefit,
        (
            "No decision curve of this label",
            "Net benefit needs probabilities. Scores of others count as such only where their model says so.",
        ),
        labels_of,
    ),
)
SUBGROUPS = (
    Plot(
        "Subgroups",
        _subgroups,
        ("No subgroups", "Evaluate the models with subgroups (sex, age, device, year) that the records tell of."),
        groups_of,
        of="Label and attribute",
    ),
)
NO_RANKS = ("No ranking", "Ranks need a label that every model scores. Compare the models again.")
RANKING = (Plot("Average rank", _ranking, NO_RANKS), Plot("By task", _by_task, NO_RANKS))
NUMBERS = (
    Plot("Forest plot", _errors, ("No measured numbers", "Evaluate the models with measured numbers to predict.")),
)
LAYERS = (
    Plot("Map", _map, NO_LAYERS, pairs_of, of="Pair"),
    Plot("Profile", _profile, NO_LAYERS),
)
FEW_LABELS = (
    Plot(
        "Few labels",
        _few_labels,
        (
            "No few-label curve of these models yet",
            "Evaluate the models with few labels switched on: the probe is trained on ever fewer patients.",
        ),
    ),
)
STRESS = (
    Plot(
        "Growing faults",
        _stress,
        (
            "No stress bench of these models yet",
            (
                "Run a stress bench of each model on the cohort of this comparison: its test recordings are broken on "
                "purpose, more and more, until the model fails."
            ),
        ),
    ),
)
COST = (
    Plot(
        "Cost and AUROC",
        _cost,
        (
            "No measurement of cost yet",
            "Measure the efficiency of the models: parameters, FLOPs, time, memory, energy.",
        ),
        costs_of,
        of="Cost",
    ),
)
