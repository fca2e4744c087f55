"""The figures of a study: held-out loss within each objective, ranking by probe, and what happens along an axis.

Losses of different objectives count different things, so each objective has a panel and an axis of its own. The probe's
AUROC is the one number that all models share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from app.core.law_words import law_words
from app.report.figure import Figure
from app.report.figure_numbers import csv_text
from app.report.study_charts import Dot, DotPlot, Line, LinePlot, Panel, Point
from app.report.svg import svg_text
from engine.contract.config import AnyObjectiveConfig, CPCConfig, PretrainConfig, StudyConfig
from engine.contract.results import Estimate, ScalingFit, StudyCell, StudyResults, StudyRow
from engine.study.grid import run_name
from engine.study.seeds import by_place, values_of

LOSS, LEVEL, PROBE = "validation_loss", "validation_trivial_loss", "probe_after"
SIZE = "records"
DASHES: tuple[tuple[float, ...], ...] = ((), (3.0, 2.0))


def figures(results: StudyResults, config: StudyConfig) -> list[Figure]:
    """All figures that the study's numbers allow so far, the most telling first."""
    study = _Study(results, config)
    if not study.cells:
        return []
    return [*_losses(study), *_ranking(study), *_along(study)]


def scaling_figure(results: StudyResults, config: StudyConfig, metric: str, objective: str = "") -> Figure | None:
    """The figure of one number over the data size; None while fewer than two sizes are done.

    Args:
        results: of the study.
        config: of the study.
        metric: "validation_loss", or anything else for the residual error of the probe.
        objective: whose loss, where the study has several.
    """
    slug = _loss_name(objective, SIZE) if metric == LOSS else f"probe-by-{SIZE}"
    return next((one for one in figures(results, config) if one.name == slug), None)


def svg_figures(results: StudyResults, config: StudyConfig) -> dict[str, str]:
    """SVG text by figure name."""
    return {one.name: svg_text(one.drawing, one.title, one.told) for one in figures(results, config)}


class _Study:
    """Cells with the runs that they were made of."""

    def __init__(self, results: StudyResults, config: StudyConfig) -> None:
        self.results, self.config = results, config
        done = {run_name(dict(place)): rows for place, rows in by_place(results.rows).items()}
        self.rows: dict[str, list[StudyRow]] = done
        self.cells = [cell for cell in results.cells if done.get(cell.name)]
        self._backbones = list(dict.fromkeys(str(cell.values.get("backbone", "")) for cell in results.cells))

    def objective(self, cell: StudyCell) -> str:
        """Name of a cell's objective, empty where the study has only one."""
        return str(cell.values.get("objective", ""))

    def objective_config(self, name: str) -> AnyObjectiveConfig:
        """The objective itself."""
        if name in self.config.objectives:
            return self.config.objectives[name]
        told = {"objective": self.config.base.get("objective", {"name": "cpc"}), "backbone": {"name": "s4"}}
        found: AnyObjectiveConfig = CPCConfig()
        if isinstance(told["objective"], dict) and told["objective"].get("name") != "cpc":
            found = PretrainConfig.model_validate(told).objective
        return found

    def series(self, cell: StudyCell) -> int:
        """A colour and marker for each backbone."""
        return self._backbones.index(str(cell.values.get("backbone", "")))

    def name(self, cell: StudyCell, *without: str) -> str:
        """A cell for people, without the axes that are told elsewhere: "S4, width 64"."""
        values = {axis: value for axis, value in cell.values.items() if axis not in without}
        entries = {"objective": self.config.objectives, "backbone": self.config.backbones}
        told = []
        for axis, value in values.items():
            entry = entries.get(axis, {}).get(str(value))  # type: ignore[attr-defined]
            plain = entry is not None and entry.name == value
            told.append(entry.summary.split(",")[0] if plain else _place_name(axis, value))
        return ", ".join(told)

    def seeds(self, cell: StudyCell, metric: str) -> list[float]:
        """The number of each seed's run."""
        return values_of(self.rows[cell.name], metric)

    def by_objective(self) -> dict[str, list[StudyCell]]:
        """Cells of each objective, in the order of the study."""
        groups: dict[str, list[StudyCell]] = {}
        for cell in self.cells:
            groups.setdefault(self.objective(cell), []).append(cell)
        return groups


def _losses(study: _Study) -> Iterator[Figure]:
    """Held-out loss by objective, one row a backbone (and whatever else varies)."""
    panels = []
    for name, cells in study.by_objective().items():
        known = [cell for cell in cells if _value(cell, LOSS) is not None]
        if known:
            objective = study.objective_config(name)
            dots = [_loss_dot(study, cell) for cell in known]
            panels.append(Panel(_title(objective), objective.loss_unit, dots, objective.trivial_name))
    if panels:
        told = (
            "Held-out loss, mean and Student interval over seeds, beside the level of a model that ignores its input. "
            "A backbone makes the targets of its own loss: read each row against its own level, not against the others."
        )
        yield Figure("held-out-loss", "Held-out loss by objective", told, DotPlot(panels), _dot_numbers(panels))


def _loss_dot(study: _Study, cell: StudyCell) -> Dot:
    name = study.name(cell, "objective") or "all runs"
    return Dot(name, cell.metrics[LOSS], study.seeds(cell, LOSS), study.series(cell), _value(cell, LEVEL))


def _ranking(study: _Study) -> Iterator[Figure]:
    """All cells by the probe's AUROC, the best on top."""
    known = [cell for cell in study.cells if _value(cell, PROBE) is not None]
    if len(known) < 2:
        return
    order = sorted(known, key=lambda cell: -(_value(cell, PROBE) or 0.0))
    dots = [
        Dot(
            study.name(cell),
            cell.metrics[PROBE],
            study.seeds(cell, PROBE),
            study.series(cell),
            _value(cell, "probe_before"),
            f"{cell.ranks[PROBE]}." if PROBE in cell.ranks else "",
        )
        for cell in order
    ]
    panel = Panel("Rank", "macro AUROC of a linear probe", dots, "before pretraining")
    told = (
        "Models by the macro AUROC of a linear probe on their frozen features, mean and Student interval over seeds. "
        "Whoever may equal the leader of a group shares its rank."
    )
    yield Figure("ranking", "Ranking by linear probe", told, DotPlot([panel]), _dot_numbers([panel]))


def _dot_numbers(panels: Sequence[Panel]) -> str:
    """What the dots are drawn from: one row a dot, with the value of each seed and the level beside it."""
    rows = [
        (panel.title, dot.lead.rstrip("."), dot.name, *_ends(dot.mean), _each(dot.seeds), dot.level, panel.level_name)
        for panel in panels
        for dot in panel.dots
    ]
    return csv_text(("panel", "rank", "row", "mean", "low", "high", "method", "seeds", "level", "level_is"), rows)


def _along(study: _Study) -> Iterator[Figure]:
    """Loss and probe along each numeric axis that takes several values."""
    for axis in study.results.axes:
        values = {cell.values.get(axis) for cell in study.cells}
        numbers = [value for value in values if isinstance(value, int | float)]
        if axis != "seed" and len(numbers) >= 2 and len(numbers) == len(values):
            log = axis == SIZE or (min(numbers) > 0 and max(numbers) / min(numbers) >= 4)
            for name, cells in study.by_objective().items():
                yield from _loss_along(study, axis, name, cells, log)
            yield from _probe_along(study, axis, log)


def _loss_along(study: _Study, axis: str, name: str, cells: Sequence[StudyCell], log: bool) -> Iterator[Figure]:
    objective = study.objective_config(name)
    lines = _lines(study, axis, cells, LOSS, LOSS, lambda value: value, ("objective",))
    if lines:
        title = f"Held-out loss of {_title(objective)} by {_axis_name(axis)}"
        chart = LinePlot(title, lines, _axis_name(axis), objective.loss_unit, log, log and axis == SIZE)
        told = f"{title}, mean and Student interval over seeds.{_fit_text(lines)}"
        yield Figure(_loss_name(name, axis), title, told, chart, _numbers(lines, axis))


def _loss_name(objective: str, axis: str) -> str:
    return "-".join(part for part in ("loss", objective, "by", axis.replace(".", "-")) if part)


def _numbers(lines: Sequence[Line], axis: str) -> str:
    """What the lines are drawn from: one row a point, with the value of each seed."""
    rows = [
        (line.name, point.x, *_ends(point.mean), _each(point.seeds), "; ".join(fit[0] for fit in line.fits))
        for line in lines
        for point in line.points
    ]
    return csv_text(("series", axis, "mean", "low", "high", "method", "seeds", "fits"), rows)


def _ends(mean: Estimate) -> tuple[object, ...]:
    """A mean, its bounds and how they were made."""
    span = mean.interval
    return (mean.value, span.low, span.high, span.method) if span else (mean.value, "", "", "")


def _each(seeds: Sequence[float]) -> str:
    return " ".join(repr(value) for value in seeds)


def _probe_along(study: _Study, axis: str, log: bool) -> Iterator[Figure]:
    """The residual error falls with the data by a power law, so there it is drawn in place of the AUROC."""
    residual = axis == SIZE
    change: Callable[[float], float] = (lambda value: 1 - value) if residual else (lambda value: value)
    lines = _lines(study, axis, study.cells, PROBE, "1 - probe AUROC", change)
    if lines:
        what = "1 − macro AUROC" if residual else "macro AUROC"
        title = f"Linear probe by {_axis_name(axis)}"
        chart = LinePlot(title, lines, _axis_name(axis), f"{what} of a linear probe", log, log and residual)
        told = f"{title}, mean and Student interval over seeds.{_fit_text(lines)}"
        yield Figure(f"probe-by-{axis.replace('.', '-')}", title, told, chart, _numbers(lines, axis))


def _lines(
    study: _Study,
    axis: str,
    cells: Sequence[StudyCell],
    metric: str,
    fitted: str,
    change: Callable[[float], float],
    without: tuple[str, ...] = (),
) -> list[Line]:
    """One line for all cells that differ in this axis alone."""
    groups: dict[str, list[StudyCell]] = {}
    for cell in cells:
        if _value(cell, metric) is not None and (axis != SIZE or _number(cell, axis) > 0):
            groups.setdefault(_without(cell, axis), []).append(cell)
    kept = {name: members for name, members in groups.items() if len(members) >= 2}
    return [
        Line(
            study.name(members[0], axis, *without) or "all runs",
            [_point(study, cell, axis, metric, change) for cell in sorted(members, key=lambda c: _number(c, axis))],
            number,
            _curves(study.results.fits, name or "all runs", fitted) if axis == SIZE else [],
        )
        for number, (name, members) in enumerate(kept.items())
    ]


def _point(study: _Study, cell: StudyCell, axis: str, metric: str, change: Callable[[float], float]) -> Point:
    mean = cell.metrics[metric]
    span = mean.interval
    if span is not None:
        low, high = sorted((change(span.low), change(span.high)))
        span = span.model_copy(update={"low": low, "high": high})
    shown = Estimate(value=change(mean.value or 0.0), interval=span, not_estimable=mean.not_estimable)
    return Point(_number(cell, axis), shown, [change(value) for value in study.seeds(cell, metric)])


def _curves(
    fits: Sequence[ScalingFit], series: str, metric: str
) -> list[tuple[str, Callable[[float], float], tuple[float, ...]]]:
    chosen = [fit for fit in fits if (fit.series, fit.metric) == (series, metric)]
    return [(law_words(fit, minus="−"), _law(fit), DASHES[0 if fit.c else 1]) for fit in chosen]


def _law(fit: ScalingFit) -> Callable[[float], float]:
    return lambda n: fit.a * n**-fit.b + fit.c


def _fit_text(lines: Sequence[Line]) -> str:
    named = [f"{line.name}: {'; '.join(told for told, _, _ in line.fits)}" for line in lines if line.fits]
    return f" Fits (whole line with a floor, dashed without): {'. '.join(named)}." if named else ""


def _value(cell: StudyCell, metric: str) -> float | None:
    found = cell.metrics.get(metric)
    return None if found is None else found.value


def _number(cell: StudyCell, axis: str) -> float:
    """Where a cell stands on an axis; whole patients are taken, so data sizes are rarely just those asked for."""
    size = _value(cell, SIZE) if axis == SIZE else None
    return size or float(cell.values[axis])


def _without(cell: StudyCell, axis: str) -> str:
    return run_name({name: value for name, value in cell.values.items() if name != axis})


def _title(objective: AnyObjectiveConfig) -> str:
    return objective.summary.split(",")[0]


def _place_name(axis: str, value: str | int | float) -> str:
    if axis == SIZE:
        return f"{value:,} recordings" if value else "all recordings"
    return run_name({axis: value})


def _axis_name(axis: str) -> str:
    named = {SIZE: "training recordings", "window_s": "seconds of a crop", "learning_rate": "learning rate"}
    return named.get(axis, axis.rpartition(".")[2].replace("_", " "))
