"""What the Pretrain page knows of each run, and its numbers in words; plain functions of rows, without widgets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from app.core.rows import JobDetail, JobRow, MetricSeries
from app.progress import duration
from app.ui.run_facts import decimals as loss_text
from app.ui.run_facts import progress_text
from app.ui.signs import STATE_WORDS
from app.ui.tiles import Figure
from engine.contract.card import DERIVED_STAMP
from engine.contract.config import PretrainConfig
from engine.contract.results import PretrainResults

if TYPE_CHECKING:
    from app.workspace import Workspace

LIVE_RANK = 0.1
"""Share of the width that the effective rank of a model that has not collapsed reaches (collapse watch)."""


@dataclass(frozen=True)
class TrainingRow:
    """One run of the list with its newest held-out loss and its trivial level."""

    job: JobRow
    held: float | None = None
    trivial: float | None = None
    collapsed: bool = False

    @property
    def text(self) -> str:
        """The second line in the list."""
        told = [self.job.job_id, STATE_WORDS[self.job.state]]
        if self.job.state in ("running", "stopped", "interrupted", "failed") and self.job.progress.total:
            told.append(f"{100 * self.job.progress.done // self.job.progress.total} %")
        return "  ".join([*told, *(["collapsed"] if self.collapsed else [])])


@dataclass(frozen=True)
class TrainingLook:
    """All that a look at one run brings back."""

    detail: JobDetail
    series: Mapping[str, MetricSeries]

    @property
    def job(self) -> JobRow:
        """The run's row."""
        return self.detail.job

    @property
    def config(self) -> PretrainConfig | None:
        """Its config; None when an older version wrote it."""
        try:
            return PretrainConfig.model_validate(self.detail.config)
        except ValidationError:
            return None

    @property
    def width(self) -> int:
        """Features per token, 0 when unknown."""
        return 0 if self.config is None else self.config.backbone.width

    @property
    def steps(self) -> int:
        """Steps asked for."""
        return int(self.detail.config.get("steps", 0) or 0)

    def last(self, *names: str) -> float | None:
        """The newest number of the first of these metrics that has one."""
        return next(
            (value for value in (last_value(self.series.get(name)) for name in names) if value is not None), None
        )


def overview(workspace: Workspace, known: Mapping[str, TrainingRow]) -> list[TrainingRow]:
    """Every pretraining, the newest first; of runs that have ended, what is known already is not asked again."""
    jobs = [job for job in workspace.jobs() if job.kind == "pretrain"]
    told = []
    for job in sorted(jobs, key=lambda one: one.job_id, reverse=True):
        before = known.get(job.job_id)
        told.append(before if before is not None and before.job == job and not job.active else _row(workspace, job))
    return told


def looks(workspace: Workspace, job_ids: Sequence[str], known: Mapping[str, TrainingLook]) -> list[TrainingLook]:
    """Runs with their curves; of those that have ended, what is known is not asked again. Off the window's thread."""
    return [_look(workspace, job_id, known.get(job_id)) for job_id in job_ids]


def _look(workspace: Workspace, job_id: str, known: TrainingLook | None) -> TrainingLook:
    if known is not None and not known.job.active and known.job == workspace.job(job_id):
        return known
    return TrainingLook(workspace.job_detail(job_id), {one.name: one for one in workspace.metrics(job_id)})


def _row(workspace: Workspace, job: JobRow) -> TrainingRow:
    results = workspace.results(job.job_id) if job.state == "done" else None
    if isinstance(results, PretrainResults):
        final = results.final
        trivial = final.get("validation_trivial_loss") or final.get("trivial_loss")
        return TrainingRow(job, final.get("validation_loss"), trivial, bool(results.collapsed))
    if not job.started:
        return TrainingRow(job)
    series = {one.name: one for one in workspace.metrics(job.job_id)}
    held, trivial = (last_value(series.get(name)) for name in ("validation_loss", "trivial_loss"))
    return TrainingRow(job, held, trivial, bool(workspace.job_detail(job.job_id).collapsed))


def last_value(series: MetricSeries | None) -> float | None:
    """The newest finite number of a curve."""
    if series is None:
        return None
    return next((v for v in reversed(series.values) if v is not None and math.isfinite(v)), None)


def scaled(series: MetricSeries | None, factor: float, name: str) -> list[MetricSeries]:
    """A curve with every number times a factor, under another name; none when there is no curve."""
    if series is None:
        return []
    return [MetricSeries(name, series.steps, tuple(None if v is None else v * factor for v in series.values))]


def level(name: str, value: float, steps: int) -> MetricSeries:
    """A straight line to compare with."""
    return MetricSeries(name, (0, max(steps, 1)), (value, value))


def figures(seen: TrainingLook) -> list[Figure]:
    """The newest numbers of a run, the most telling first."""
    held = seen.last("validation_loss", "loss")
    trivial = seen.last("validation_trivial_loss", "trivial_loss")
    told = [Figure("Held-out loss", decimals(held), "" if trivial is None else f"trivial {loss_text(trivial)}")]
    told += [_gain(held, trivial)] if held is not None and trivial else []
    told += _rank(seen) + _time(seen.job)
    probe = seen.last("probe_macro")
    told += [Figure("Probe", f"{probe:.3f}", "macro AUROC")] if probe is not None else []
    accuracy = seen.last("validation_accuracy", "accuracy")
    told += [Figure("Accuracy", f"{100 * accuracy:.1f} %", "rank 1")] if accuracy is not None else []
    speed = seen.last("crops_per_s")
    told += [Figure("Throughput", f"{speed:,.0f}", "crops/s")] if speed is not None else []
    return told + _device(seen)


def _gain(held: float, trivial: float) -> Figure:
    """How much of the trivial level is gone."""
    gain = trivial - held
    if gain <= 0:
        return Figure("Below trivial", "not yet", "no better than ignoring the input", "warn")
    return Figure("Below trivial", loss_text(gain), f"{100 * gain / trivial:.0f} % of it")


def _rank(seen: TrainingLook) -> list[Figure]:
    rank = seen.last("effective_rank")
    if rank is None:
        return []
    if not seen.width:
        return [Figure("Effective rank", f"{rank:.1f}")]
    share = rank / seen.width
    low = share < LIVE_RANK
    words = f"{rank:.1f} of {seen.width}" + (", below 10 %" if low else "")
    return [Figure("Effective rank", f"{100 * share:.0f} %", words, "bad" if low else "muted")]


def _device(seen: TrainingLook) -> list[Figure]:
    memory, heat = seen.last("memory_gb"), seen.last("temperature_c")
    told = [Figure("Device memory", f"{memory:.1f} GB", "in use")] if memory is not None else []
    return told + ([Figure("Temperature", f"{heat:.0f} °C", "device")] if heat is not None else [])


def _time(job: JobRow) -> list[Figure]:
    left = job.progress.seconds_left
    if job.state != "running":
        return []
    percent = 100 * job.progress.done // max(job.progress.total, 1)
    return [Figure("Time left", "not known yet" if left is None else duration(left), f"{percent} % done")]


def head_text(job: JobRow) -> str:
    """State and progress in one line."""
    return ", ".join(part for part in (STATE_WORDS[job.state], progress_text(job)) if part)


def about(seen: TrainingLook) -> str:
    """Objective, backbone, data and device of a run in one line."""
    config = seen.config
    if config is None:
        return "Written by another version of Isoline"
    cohort = f"cohort {seen.job.cohort}" if seen.job.cohort else "all recordings"
    origin = f", goes on from {seen.job.model}: {DERIVED_STAMP}" if seen.job.model else ""
    return f"{config.objective.summary}; {config.backbone.summary}; {cohort}{origin}"


def decimals(value: float | None) -> str:
    """A loss, a dash for none."""
    return "–" if value is None else loss_text(value)


def objectives(looks: Sequence[TrainingLook]) -> set[Any]:
    """What the losses of these runs are counted in; runs of more than one cannot share a scale."""
    return {None if seen.config is None else seen.config.objective.name for seen in looks}
