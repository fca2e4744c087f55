"""What the runs of a study say together: means over seeds, ranks, scaling fits, and what a reader must be told."""

from __future__ import annotations

from collections.abc import Sequence

from engine.contract.config import StudyConfig
from engine.contract.results import ScalingFit, StudyCell, StudyResults, StudyRow
from engine.contract.scaling import Association, DataBudget
from engine.study.differences import differences
from engine.study.grid import run_name
from engine.study.learning import works
from engine.study.seeds import SEED, Place, by_place, means, ranks, values_of

RANKED = {"probe_after": True, "validation_loss": False}
"""Numbers by which cells are ranked, and whether more is better."""

LOSS, ERROR = "validation_loss", "1 - probe AUROC"
"""Numbers that fall with the size of the data."""

OF_ONE_OBJECTIVE = ("validation_loss",)
"""Numbers that mean the same within one objective only."""


def summarise(config: StudyConfig, rows: Sequence[StudyRow], notes: Sequence[str], seconds: float) -> StudyResults:
    """The results of a study whose runs have ended."""
    places = by_place(rows)
    scaled = "records" in config.axes
    told, budgets = _scaling(places) if scaled else ([], [])
    return StudyResults(
        name=config.name,
        axes=list(config.axes),
        rows=list(rows),
        cells=_cells(places),
        differences=differences(config.axes, rows),
        fits=told,
        budgets=budgets,
        associations=_associations(places) if scaled else [],
        notes=[*notes, *_notes(rows)],
        seconds=seconds,
    )


def _cells(places: dict[Place, list[StudyRow]]) -> list[StudyCell]:
    ranked = {metric: _ranks(places, metric) for metric in RANKED}
    told = []
    for place, rows in places.items():
        verdict, shortfall = works(rows)
        name = run_name(dict(place))
        told.append(
            StudyCell(
                name=name,
                values=dict(place),
                seeds=len(rows),
                metrics=means(rows),
                ranks={metric: by_name[name] for metric, by_name in ranked.items() if name in by_name},
                works=verdict,
                shortfall=shortfall,
            )
        )
    return told


def _ranks(places: dict[Place, list[StudyRow]], metric: str) -> dict[str, int]:
    """Ranks over all cells, or within each objective where values of different objectives say different things."""
    groups: dict[str, dict[str, list[StudyRow]]] = {}
    for place, rows in places.items():
        group = str(dict(place).get("objective", "")) if metric in OF_ONE_OBJECTIVE else ""
        groups.setdefault(group, {})[run_name(dict(place))] = rows
    told: dict[str, int] = {}
    for members in groups.values():
        told |= ranks(members, metric, RANKED[metric])
    return told


def _series(places: dict[Place, list[StudyRow]]) -> dict[str, list[StudyRow]]:
    """Runs of all sizes of the data that are alike in all else, by name."""
    series: dict[str, list[StudyRow]] = {}
    for place, rows in places.items():
        rest = {axis: value for axis, value in place if axis != "records"}
        series.setdefault(run_name(rest) or "all runs", []).extend(rows)
    return series


def _scaling(places: dict[Place, list[StudyRow]]) -> tuple[list[ScalingFit], list[DataBudget]]:
    """Laws of held-out loss and of the probe's residual error 1 - AUROC, and what more data would buy by them."""
    # Not above: every command reads this file, and few need scipy.
    from engine.metrics.data_budget import data_budget
    from engine.metrics.scaling_law import Observations, fits

    told: list[ScalingFit] = []
    budgets: list[DataBudget] = []
    for name, rows in _series(places).items():
        for metric in (LOSS, ERROR):
            sizes, values = _by_size(rows, metric)
            told += fits(name, metric, sizes, values)
            budget = data_budget(name, metric, Observations.of(sizes, values))
            budgets += [budget] if budget else []
    return told, budgets


def budgets(rows: Sequence[StudyRow], worth: float, times: Sequence[float]) -> list[DataBudget]:
    """What so many times the data would buy by the runs of a study, and whether that is worth it.

    Args:
        rows: runs.
        worth: least fall of the number that is worth the data.
        times: over the largest size that was tried.
    """
    from engine.metrics.data_budget import data_budget
    from engine.metrics.scaling_law import Observations

    told = []
    for name, alike in _series(by_place(rows)).items():
        for metric in (LOSS, ERROR):
            told.append(data_budget(name, metric, Observations.of(*_by_size(alike, metric)), worth, times))
    return [budget for budget in told if budget is not None]


def _associations(places: dict[Place, list[StudyRow]]) -> list[Association]:
    """Held-out loss against the probe's residual error over the sizes of one series, seeds averaged."""
    from engine.metrics.association import association

    told = []
    for name, rows in _series(places).items():
        both = [row for row in rows if _value(row, LOSS) is not None and _value(row, ERROR) is not None]
        sizes = sorted({row.metrics["records"] or 0.0 for row in both})
        if len(sizes) < 2:
            continue
        means_of = {metric: [_mean(both, metric, size) for size in sizes] for metric in (LOSS, ERROR)}
        told.append(association(name, LOSS, ERROR, means_of[LOSS], means_of[ERROR]))
    return told


def _mean(rows: Sequence[StudyRow], metric: str, size: float) -> float:
    found = [_value(row, metric) for row in rows if row.metrics["records"] == size]
    values = [value for value in found if value is not None]
    return sum(values) / len(values)


def _by_size(rows: Sequence[StudyRow], metric: str) -> tuple[list[float], list[float]]:
    pairs = [(float(row.metrics["records"] or 0), _value(row, metric)) for row in rows]
    known = [(size, value) for size, value in pairs if value is not None]
    return [size for size, _ in known], [value for _, value in known]


def _value(row: StudyRow, metric: str) -> float | None:
    """A number that falls as a model gets better."""
    if metric == LOSS:
        return row.metrics.get(LOSS)
    auroc = row.metrics.get("probe_after")
    return None if auroc is None else 1 - auroc


def _notes(rows: Sequence[StudyRow]) -> list[str]:
    told = []
    for state, word in (("refused", "cannot work and were not run"), ("failed", "failed"), ("stopped", "were stopped")):
        count = sum(row.state == state for row in rows)
        if count:
            told.append(f"{count} of {len(rows)} runs {word}")
    fallen = sum(bool(value) for value in values_of(rows, "collapsed"))
    if fallen:
        told.append(f"{fallen} runs collapsed while they were pretrained")
    if len({row.values.get(SEED, 0) for row in rows}) < 2:
        told.append("One seed: intervals over seeds cannot be told, and small differences mean nothing")
    return told
