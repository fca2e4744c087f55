"""What the runs of a study say together: means over seeds, ranks, scaling fits, and what a reader must be told."""

from __future__ import annotations

from collections.abc import Sequence

from engine.contract.config import StudyConfig
from engine.contract.results import ScalingFit, StudyCell, StudyResults, StudyRow
from engine.study.differences import differences
from engine.study.grid import run_name
from engine.study.learning import works
from engine.study.scaling import fits
from engine.study.seeds import SEED, Place, by_place, means, ranks, values_of

RANKED = {"probe_after": True, "validation_loss": False}
"""Numbers by which cells are ranked, and whether more is better."""

OF_ONE_OBJECTIVE = ("validation_loss",)
"""Numbers that mean the same within one objective only."""


def summarise(config: StudyConfig, rows: Sequence[StudyRow], notes: Sequence[str], seconds: float) -> StudyResults:
    """The results of a study whose runs have ended."""
    places = by_place(rows)
    return StudyResults(
        name=config.name,
        axes=list(config.axes),
        rows=list(rows),
        cells=_cells(places),
        differences=differences(config.axes, rows),
        fits=_fits(places) if "records" in config.axes else [],
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


def _fits(places: dict[Place, list[StudyRow]]) -> list[ScalingFit]:
    """Scaling fits of held-out loss and of the probe's residual error 1 - AUROC, one series for all else alike."""
    series: dict[str, list[StudyRow]] = {}
    for place, rows in places.items():
        rest = {axis: value for axis, value in place if axis != "records"}
        series.setdefault(run_name(rest) or "all runs", []).extend(rows)
    told: list[ScalingFit] = []
    for name, rows in series.items():
        for metric in ("validation_loss", "probe_after"):
            pairs = [(r.metrics["records"], r.metrics[metric]) for r in rows if r.metrics.get(metric) is not None]
            sizes = [float(size or 0) for size, _ in pairs]
            values = [float(value or 0) for _, value in pairs]
            if metric == "probe_after":
                told += fits(name, "1 - probe AUROC", sizes, [1 - value for value in values])
            else:
                told += fits(name, metric, sizes, values)
    return told


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
