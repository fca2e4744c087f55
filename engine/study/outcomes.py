"""What one run of a study has to show: its place, its state, and its numbers under names that all runs share.

While it works its events tell them, at the end its results do. Besides what the training reports there are
"records" (trained on), "parameters", "width", "effective_rank_share" (of the width), "chance" (rank-1 accuracy of
guessing, for CPC), "probe_before" and "probe_after" (macro AUROC), "probe_before.LABEL" and "probe_after.LABEL".
"""

from __future__ import annotations

from engine.contract.config import CPCConfig, PretrainConfig
from engine.contract.errors import WorldError
from engine.contract.events import AnyEvent, CollapseWatch, Metric, Probed, read_events
from engine.contract.results import PretrainResults, ProbePoint, StudyRow, parse_results
from engine.contract.run import RunFolder
from engine.study.grid import Cell

Metrics = dict[str, float | None]


class Listener:
    """Follows a run's events and keeps the last of each number."""

    def __init__(self, folder: RunFolder, config: PretrainConfig, records: int) -> None:
        self._folder, self._config, self._records = folder, config, records
        self._offset = 0
        self.metrics: Metrics = fixed_metrics(config, records)

    def listen(self) -> bool:
        """Read on; whether a number has changed."""
        events, self._offset = read_events(self._folder.events_path, self._offset)
        told: Metrics = {}
        for event in events:
            told |= _told(event, "probe_before" in self.metrics)
            self.metrics |= told
        self.metrics |= derived_metrics(self.metrics)
        return bool(told)


def finished_row(cell: Cell, folder: RunFolder, records: int) -> StudyRow | None:
    """The row of a run whose results stand; None when there are none.

    Raises:
        WorldError: the results are damaged.
    """
    assert cell.config is not None
    if not folder.results_path.exists():
        return None
    try:
        results = parse_results(folder.results_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise WorldError(
            f"run {cell.number} of the study", "its results are damaged", "Delete its results.json and resume"
        ) from None
    assert isinstance(results, PretrainResults)
    metrics = fixed_metrics(cell.config, records) | _of_results(results)
    return StudyRow(
        number=cell.number,
        name=cell.name,
        values=cell.values,
        state="done",
        metrics=metrics | derived_metrics(metrics),
        message=results.collapsed,
    )


def fixed_metrics(config: PretrainConfig, records: int) -> Metrics:
    """What is known before a run has begun."""
    told: Metrics = {"records": float(records), "width": float(config.backbone.width)}
    if isinstance(config.objective, CPCConfig):
        told["chance"] = 1 / (1 + config.objective.negatives)
    return told


def derived_metrics(metrics: Metrics) -> Metrics:
    """What follows from other numbers of the same run."""
    told: Metrics = {}
    rank, width = metrics.get("effective_rank"), metrics.get("width")
    if rank is not None and width:
        told["effective_rank_share"] = rank / width
    before, after = metrics.get("probe_before"), metrics.get("probe_after")
    if before is not None and after is not None:
        told["probe_gain"] = after - before
    return told


def _of_results(results: PretrainResults) -> Metrics:
    told: Metrics = {**results.final, **results.collapse}
    told |= {
        "steps": float(results.steps),
        "parameters": float(results.parameters),
        "seconds": results.seconds,
        "seconds_per_step": results.seconds / results.steps if results.steps else None,
        "collapsed": float(bool(results.collapsed)),
        "stopped_early": float(results.stopped_early),
    }
    if results.probes:
        told |= _of_probe("probe_before", results.probes[0]) | _of_probe("probe_after", results.probes[-1])
    return told | {f"forgetting.{change.label}": change.estimate.value for change in results.forgetting}


def _of_probe(name: str, point: ProbePoint) -> Metrics:
    return {name: point.macro.value} | {f"{name}.{one.label}": one.auroc.value for one in point.labels}


def _told(event: AnyEvent, probed_before: bool) -> Metrics:
    if isinstance(event, Metric):
        return {**event.values, "step": float(event.step)}
    if isinstance(event, CollapseWatch):
        return {**event.measures, "collapsed": float(event.collapsed)}
    if isinstance(event, Probed):
        return {"probe_after" if probed_before else "probe_before": event.macro}
    return {}
