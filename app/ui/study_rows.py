"""What the Study page knows of a study, and its numbers in words; plain functions of rows, without widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.core.rows import JobDetail, JobRow
from app.progress import duration
from app.ui.form_words import title_of, variant_of
from app.ui.run_facts import decimals, took_text
from app.ui.tiles import Figure
from engine.contract.results import Estimate, StudyCell, StudyResults, StudyRow

if TYPE_CHECKING:
    from app.workspace import Workspace

RUN_WORDS = {
    "waiting": "Waiting",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "refused": "Refused",
    "stopped": "Stopped",
}
RUN_SIGNS = {"waiting": "queued", "refused": "stopped"}
"""Where the sign of a study's run is not that of a job in the same state."""

MINUS = "\N{MINUS SIGN}"
RANKED_BY = {"probe_after": "Probe, macro AUROC", "validation_loss": "Held-out loss"}
MORE_IS_BETTER = ("probe_after",)
PLURALS = {
    "records": "data sizes",
    "corpus": "collections",
    "backbone.causal": "directions",
    "objective.fidelity": "fidelities",
}
AXIS_WORDS = {"records": "Recordings", "corpus": "Collection", "seed": "Seed"}


@dataclass(frozen=True)
class StudyLook:
    """All that a look at one study brings back."""

    detail: JobDetail
    rows: tuple[StudyRow, ...]
    summary: StudyResults

    @property
    def job(self) -> JobRow:
        """The study's row."""
        return self.detail.job

    @property
    def axes(self) -> list[str]:
        """What varies."""
        return list(self.detail.config.get("axes", {}))


def look(workspace: Workspace, job_id: str) -> StudyLook:
    """One study with its runs and what they say together so far; called off the window's thread."""
    rows = tuple(workspace.study_rows(job_id))
    return StudyLook(workspace.job_detail(job_id), rows, workspace.study_summary(job_id))


def axis_title(axis: str) -> str:
    """An axis for people: "backbone.width" is "Width"."""
    return AXIS_WORDS.get(axis) or title_of(axis.rpartition(".")[2])


def axis_text(row: StudyRow | StudyCell, axis: str) -> str:
    """Where a run stands on an axis."""
    value = row.values.get(axis, "")
    if axis == "records":
        return "all" if value == 0 else f"{int(value):,}"
    if isinstance(value, str):
        return variant_of(value) if axis in ("backbone", "objective") and value in value.lower() else value
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if axis != "seed" else str(value)


def number(row: StudyRow, metric: str, form: str = "", factor: float = 1.0) -> str:
    """A number of a run, a dash where there is none yet; without a form it is written as a loss."""
    value = row.metrics.get(metric)
    if value is None:
        return "–"
    return f"{factor * value:{form}}" if form else decimals(factor * value)


def figures(seen: StudyLook) -> list[Figure]:
    """The study in a few numbers."""
    count = {state: sum(row.state == state for row in seen.rows) for state in RUN_WORDS}
    total = len(seen.rows)
    told = [Figure("Runs done", f"{count['done']:,}", f"of {total:,}")]
    told += [Figure("Running", f"{count['running']:,}", "now")] if count["running"] else []
    told += [Figure("Waiting", f"{count['waiting']:,}", "runs")] if count["waiting"] else []
    told += _left(seen.job)
    told += [Figure("Failed", f"{count['failed']:,}", "see the reasons below", "bad")] if count["failed"] else []
    told += [Figure("Refused", f"{count['refused']:,}", "cannot work")] if count["refused"] else []
    fallen = sum(bool(row.metrics.get("collapsed")) for row in seen.rows)
    told += [Figure("Took", took_text(seen.job))] if seen.job.finished else []
    return told + ([Figure("Collapsed", f"{fallen:,}", "of the runs done", "warn")] if fallen else [])


def _left(job: JobRow) -> list[Figure]:
    left = job.progress.seconds_left
    return [Figure("Time left", duration(left), "at this speed")] if job.state == "running" and left is not None else []


def about(seen: StudyLook) -> str:
    """Axes, budget and data of a study in one line."""
    config = seen.detail.config
    grid = " × ".join(_counted(axis, len(values)) for axis, values in config.get("axes", {}).items())
    cohort = f"cohort {seen.job.cohort}" if seen.job.cohort else "all recordings"
    budget = f"{config.get('epochs', 0):g} epochs each" if config.get("budget") == "epochs" else "as many steps each"
    sizes = f", {config['layout']} data sizes" if "records" in config.get("axes", {}) else ""
    return f"{grid}; {budget}{sizes}; {cohort}"


def _counted(axis: str, count: int) -> str:
    if count == 1:
        return f"1 {axis_title(axis).lower()}"
    return f"{count} {PLURALS.get(axis) or axis_title(axis).lower() + 's'}"


def grid_text(axes: Mapping[str, Sequence[Any]]) -> str:
    """Axes with their values, one a line."""
    return "\n".join(f"{axis_title(axis)}: {', '.join(map(str, values))}" for axis, values in axes.items())


def count_text(rows: Sequence[StudyRow]) -> str:
    """How many runs a grid has, and how many of them cannot work."""
    refused = sum(row.state == "refused" for row in rows)
    runs = len(rows) - refused
    told = f"{runs:,} {'run' if runs == 1 else 'runs'}"
    return told if not refused else f"{told}; {refused:,} cannot work and will not be run"


def ranking(summary: StudyResults, metric: str) -> list[StudyCell]:
    """Cells with a rank by this number, best first; losses are ranked within their objective."""
    cells = [cell for cell in summary.cells if metric in cell.ranks and metric in cell.metrics]

    def order(cell: StudyCell) -> tuple[str, int, float]:
        """Group, rank, then the better value first among equals."""
        group = str(cell.values.get("objective", "")) if metric == "validation_loss" else ""
        value = cell.metrics[metric].value or 0.0
        return group, cell.ranks[metric], -value if metric in MORE_IS_BETTER else value

    return sorted(cells, key=order)


def ranked_by(summary: StudyResults) -> list[str]:
    """Numbers that cells are ranked by, as far as there are any."""
    return [metric for metric in RANKED_BY if any(metric in cell.ranks for cell in summary.cells)]


def mean_text(estimate: Estimate | None, metric: str, signed: bool = False) -> str:
    """A mean over seeds with its interval: "0.812 (0.790 to 0.834)"."""
    if estimate is None or estimate.value is None:
        return "–"

    def shown(value: float) -> str:
        """A value with as many decimals as its metric carries, signed where differences are told."""
        told = f"{value:.3f}" if metric.startswith("probe") else decimals(value)
        return f"{'+' if signed and value > 0 else ''}{told}".replace("-", MINUS)

    between = estimate.interval
    told = "" if between is None else f" ({shown(between.low)} to {shown(between.high)})"
    return f"{shown(estimate.value)}{told}"


def works_text(cell: StudyCell) -> str:
    """Whether a cell learns, in a word."""
    return {True: "learns", False: "does not", None: "not known yet"}[cell.works]
