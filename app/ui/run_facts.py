"""What a run's page says in words and numbers; plain functions of rows, without widgets."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from app import printing
from app.core.rows import JobDetail, JobRow, MetricSeries
from app.progress import duration, percent
from app.ui.examination_facts import drift_facts, efficiency_facts, stress_facts, try_facts, vet_facts
from app.ui.run_fact import Fact as Fact
from app.ui.version_facts import version_facts
from engine.contract.card import DERIVED_STAMP
from engine.contract.config import PretrainConfig
from engine.contract.events import (
    AnyEvent,
    Checkpoint,
    CollapseWatch,
    FileRead,
    Finished,
    Metric,
    Probed,
    Progress,
    Started,
    StudyRun,
    Warned,
)
from engine.contract.results import EstimateResults

KIND_WORDS = {
    "import": "Import",
    "pretrain": "Pretraining",
    "estimate": "Estimate",
    "study": "Study",
    "verify": "Verification",
    "recheck": "Quality check",
    "embed": "Embedding",
    "evaluate": "Evaluation",
    "compare": "Comparison",
    "leakage": "Search for leaks",
    "stress": "Stress bench",
    "drift": "Drift",
    "version": "Version change",
    "efficiency": "Efficiency",
    "vet": "Vetting",
    "try": "Trial",
}
"""Kinds of run in the user's words."""

BROKEN = ("failed", "interrupted")
"""States in which the reason comes first."""

HASH = re.compile(r"\b[0-9a-f]{40,128}\b")


@dataclass(frozen=True)
class LogLine:
    """One event in words; `sign` names the painted sign before it."""

    seq: int
    time: str
    sign: str
    text: str


def progress_text(job: JobRow) -> str:
    """How far a job is: "400 of 800 steps (50 %)"."""
    p = job.progress
    if not p.total or (job.state == "done" and p.done >= p.total and not p.unit):
        return ""
    return f"{p.done:,} of {p.total:,} {p.unit} ({percent(p.done, p.total).strip()})".replace("  ", " ")


def left_text(job: JobRow) -> str:
    """Time left of a running job, empty when it cannot be told."""
    left = job.progress.seconds_left
    return duration(left) if job.state == "running" and left is not None else ""


def took_text(job: JobRow, now: datetime | None = None) -> str:
    """How long a job ran, or has been running."""
    begun = moment(job.started)
    ended = moment(job.finished) or ((now or datetime.now(UTC)) if job.state == "running" else None)
    return duration((ended - begun).total_seconds()) if begun and ended else ""


def local_time(stamp: str, today: datetime | None = None) -> str:
    """A UTC stamp in the user's time: "14:05:10" today, "21 Nov 14:05" before."""
    when = moment(stamp)
    if when is None:
        return ""
    when, today = when.astimezone(), (today or datetime.now(UTC)).astimezone()
    return f"{when:%H:%M:%S}" if when.date() == today.date() else f"{when.day} {when:%b %Y %H:%M}"


def moment(stamp: str) -> datetime | None:
    """A stamp of the database as a time, None when it is empty."""
    return datetime.fromisoformat(stamp) if stamp else None


def facts(detail: JobDetail, series: Sequence[MetricSeries]) -> list[Fact]:
    """The run in a few lines: what came out first, then the circumstances."""
    job, results = detail.job, detail.results or {}
    told = [Fact("Reason", _end(job.message)), Fact("Next step", _end(job.next_step))] if job.state in BROKEN else []
    if job.state in BROKEN:
        told.append(Fact("Fault", job.fault.replace("_", " ")))
    told += [Fact("Collapsed", _end(detail.collapsed))] if detail.collapsed else []
    told += _outcome(detail, results, {one.name: one for one in series})
    told += [Fact("Started", local_time(job.started)), Fact("Took", took_text(job))]
    told += [Fact("Warning", text) for text in detail.warnings]
    if detail.checkpoints:
        told.append(Fact("Newest checkpoint", detail.checkpoints[-1]))
    told += [Fact(f"{name.capitalize()} version", version) for name, version in detail.versions.items()]
    return [fact for fact in told if fact.value]


def config_lines(config: Mapping[str, Any], prefix: str = "") -> list[Fact]:
    """A config as dotted names and values, in its own order."""
    told: list[Fact] = []
    for name, value in config.items():
        if isinstance(value, Mapping):
            told += config_lines(value, f"{prefix}{name}.")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            told.append(Fact(f"{prefix}{name}", shown))
    return told


def log_line(event: AnyEvent) -> LogLine | None:
    """An event in words; None for those that a curve or a bar shows better."""
    if isinstance(event, Metric) or (isinstance(event, Progress) and not event.message):
        return None
    if isinstance(event, FileRead) and event.status == "imported":
        return None
    if isinstance(event, CollapseWatch) and not event.collapsed:
        return None
    sign, text = _words(event)
    return LogLine(event.seq, event.time, sign, text)


def log_lines(events: Sequence[AnyEvent], stage: str = "") -> tuple[list[LogLine], str]:
    """Events in words; of the progress of one stage only the first is told.

    Args:
        events: in order.
        stage: what the events before these were about.

    Returns:
        The lines, and the stage that the last of them was about.
    """
    told = []
    for event in events:
        if isinstance(event, Started):
            stage = ""
        if isinstance(event, Progress):
            same, stage = event.message == stage, event.message or stage
            if same:
                continue
        line = log_line(event)
        if line is not None:
            told.append(line)
    return told, stage


def _words(event: AnyEvent) -> tuple[str, str]:
    if isinstance(event, Started):
        return "running", f"Started on {event.host}"
    if isinstance(event, Progress):
        return (
            "running",
            f"{event.message[:1].upper()}{event.message[1:]}: {event.done:,} of {event.total:,} {event.unit}",
        )
    if isinstance(event, Checkpoint):
        return "done", f"Checkpoint {event.name}"
    if isinstance(event, Warned):
        return "warning", event.message
    if isinstance(event, FileRead):
        reason = f": {event.reason}" if event.reason else ""
        return (
            "stopped" if event.status == "duplicate" else "warning"
        ), f"File {event.index + 1} {event.status}{reason}"
    if isinstance(event, CollapseWatch):
        return "warning", f"Collapsed at step {event.step:,}: {event.reason}"
    if isinstance(event, Probed):
        told = "not estimable" if event.macro is None else f"{event.macro:.3f}"
        return "done", f"Probe at step {event.step:,}: macro AUROC {told}"
    if isinstance(event, StudyRun):
        return _run_of_study(event)
    assert isinstance(event, Finished)
    rest = ". ".join(part[:1].upper() + part[1:] for part in (event.message, event.next_step) if part)
    return event.outcome, f"Ended: {event.outcome}" + (f". {rest}" if rest else "")


def _run_of_study(event: StudyRun) -> tuple[str, str]:
    row = event.row
    sign = {"waiting": "queued", "refused": "stopped"}.get(row.state, row.state)
    return sign, f"Run {row.number}, {row.name}: {row.state}" + (f". {_end(row.message)}" if row.message else "")


def _outcome(detail: JobDetail, results: Mapping[str, Any], series: Mapping[str, MetricSeries]) -> list[Fact]:
    kind = detail.job.kind
    if kind == "pretrain":
        return _training(detail, results, series)
    if kind == "study" and results:
        return _study(results)
    if kind == "estimate" and results:
        return _cost(EstimateResults.model_validate(results))
    if kind == "evaluate" and results:
        return _evaluation(results)
    if kind == "compare" and results:
        return _comparison(results)
    if kind == "leakage" and results:
        return _leaks(results)
    if kind in _EXAMINATIONS and results:
        return _EXAMINATIONS[kind](results)
    return [Fact(name.replace("_", " ").capitalize(), _plain(v)) for name, v in results.items() if name != "kind"]


_EXAMINATIONS: dict[str, Callable[[Mapping[str, Any]], list[Fact]]] = {
    "stress": stress_facts,
    "drift": drift_facts,
    "version": version_facts,
    "efficiency": efficiency_facts,
    "vet": vet_facts,
    "try": try_facts,
}


def _leaks(results: Mapping[str, Any]) -> list[Fact]:
    told = [Fact("Leaks", "yes" if results["leaks"] else "none found")]
    told += [Fact("Leak", sentence) for sentence in results["findings"]]
    told += [Fact("Note", note) for note in results["notes"]]
    told.append(Fact("Looked at", f"{results['records']:,} recordings of {results['patients']:,} patients"))
    told.append(Fact("Parts", ", ".join(f"{name} {size:,}" for name, size in sorted(results["parts"].items()))))
    return [*told, Fact("Pairs of copies", f"{results['pairs_found']:,}"), Fact("Method", results["method"])]


def with_level(series: Sequence[MetricSeries]) -> tuple[MetricSeries, ...]:
    """Curves with the trivial level of the held-out recordings in place of the batches', as soon as it is known.

    The held-out loss is to be compared with it; that of single batches jumps where the targets move.
    """
    held = [one for one in series if one.name == "validation_trivial_loss" and one.steps]
    if not held:
        return tuple(series)
    return (*(one for one in series if one.name != "trivial_loss"), replace(held[0], name="trivial_loss"))


def loss_unit(config: Mapping[str, Any]) -> str:
    """What the loss of a pretraining is counted in: "nats per prediction"; empty for a config that is not whole."""
    try:
        return PretrainConfig.model_validate(config).objective.loss_unit
    except ValidationError:
        return ""


def _cost(results: EstimateResults) -> list[Fact]:
    time = "not measured" if results.seconds is None else f"{duration(results.seconds)} for {results.steps:,} steps"
    energy = "" if results.energy_wh is None else f"{results.energy_wh:,.1f} Wh ({results.energy_source})"
    return [
        Fact("Verdict", "it fits" if results.fits else f"it does not fit: {results.refusal}"),
        Fact("Instead", results.advice),
        Fact("Time", time),
        Fact("Memory", _of(results.memory_bytes, results.memory_free_bytes)),
        Fact("Disk", _of(results.disk_bytes, results.disk_free_bytes)),
        Fact("Energy", energy),
        *(Fact("Note", note) for note in results.notes),
    ]


def _of(needed: int | None, free: int | None) -> str:
    told = "not measured" if needed is None else printing.size(needed)
    return told if free is None else f"{told} of {printing.size(free)} free"


def _study(results: Mapping[str, Any]) -> list[Fact]:
    done = sum(row["state"] == "done" for row in results["rows"])
    told = [Fact("Runs done", f"{done:,} of {len(results['rows']):,}")]
    return told + [Fact("Note", note) for note in results.get("notes", [])]


def _training(detail: JobDetail, results: Mapping[str, Any], series: Mapping[str, MetricSeries]) -> list[Fact]:
    loss, held = _last(series, "loss"), _last(series, "validation_loss")
    trivial = _last({one.name: one for one in with_level(tuple(series.values()))}, "trivial_loss")
    told = [Fact("Loss, training", _decimals(loss)), Fact("Loss, held-out patients", _decimals(held))]
    told.append(Fact("Trivial level", _decimals(trivial)))
    lowest = held if held is not None else loss
    if lowest is not None and trivial is not None:
        gap, unit = trivial - lowest, loss_unit(detail.config)
        told.append(Fact("Better than trivial by", f"{decimals(gap)} {unit}".rstrip() if gap > 0 else "not yet"))
    accuracy, speed = _last(series, "accuracy"), _last(series, "crops_per_s")
    told.append(Fact("Accuracy", "" if accuracy is None else f"{100 * accuracy:.1f} %"))
    told.append(Fact("Throughput", "" if speed is None else f"{speed:,.0f} crops/s"))
    told += [*_probes(results), *_of_the_end(detail, results)]
    if results:
        told += [
            Fact("Parameters", f"{results['parameters']:,}"),
            Fact("Weights SHA-256", grouped(str(results["weights_sha256"]))),
        ]
    return told


def _probes(results: Mapping[str, Any]) -> list[Fact]:
    """The probe before and after, and for a model that goes on what it has forgotten."""
    points = results.get("probes", [])
    told = []
    if len(points) > 1:
        told += [Fact("Probe before", f"macro AUROC {estimate_words(points[0]['macro'])}")]
    if points:
        told += [Fact("Probe after", f"macro AUROC {estimate_words(points[-1]['macro'])}")]
    changes = [one for one in results.get("forgetting", []) if one["label"] == "macro"]
    return told + [Fact("After minus before", estimate_words(one["estimate"], signed=True)) for one in changes]


def _of_the_end(detail: JobDetail, results: Mapping[str, Any]) -> list[Fact]:
    rank = results.get("collapse", {}).get("effective_rank")
    told = [Fact("Effective rank", f"{rank:.1f} features")] if rank is not None else []
    if results.get("stopped_early"):
        told.append(Fact("Ended early", "the held-out loss did not get better any more"))
    if (kept := results.get("kept_step")) is not None:
        told.append(Fact("Weights kept", f"of step {kept:,}, the best held-out loss"))
    if detail.job.model:
        told.append(Fact("Goes on from", f"{detail.job.model}: {DERIVED_STAMP}"))
    return told


def _evaluation(results: Mapping[str, Any]) -> list[Fact]:
    told = [Fact("Model", f"{results['model']} ({results['mode']})")]
    told.append(Fact("Macro AUROC", estimate_words(results["macro"])))
    told += [Fact(f"AUROC {one['label']}", estimate_words(one["auroc"])) for one in results["labels"]]
    told.append(Fact("Split", f"{results['split_kind']} ({results['split_id']})"))
    told.append(Fact("Recordings", f"{results['records']:,} of {results['patients']:,} patients"))
    if results.get("missing_scores"):
        told.append(Fact("Without a score", f"{results['missing_scores']:,} recordings"))
    return told + [Fact("Note", note) for note in results.get("notes", [])]


def _comparison(results: Mapping[str, Any]) -> list[Fact]:
    told = [Fact("Examined", f"{results['examined']}: macro AUROC minus that of each other model")]
    for one in results["differences"]:
        if one["label"] == "macro":
            told.append(Fact(f"Minus {one['reference']}", estimate_words(one["estimate"], signed=True)))
    return told + [Fact("Note", note) for note in results.get("notes", [])]


def estimate_words(estimate: Mapping[str, Any], signed: bool = False) -> str:
    """An estimate as stored: "0.812 (0.750 to 0.861)"."""
    value, interval = estimate.get("value"), estimate.get("interval")
    if value is None:
        return f"not estimable: {estimate.get('not_estimable') or 'no reason given'}"
    form = "+.3f" if signed else ".3f"
    between = "" if interval is None else f" ({interval['low']:{form}} to {interval['high']:{form}})"
    return f"{value:{form}}{between}"


def grouped(text: str) -> str:
    """A text with its hashes in groups of eight, so that they wrap and can be compared by eye."""
    return HASH.sub(lambda found: " ".join(re.findall(".{1,8}", found[0])), text)


def _last(series: Mapping[str, MetricSeries], name: str) -> float | None:
    values = [v for v in series[name].values if v is not None and math.isfinite(v)] if name in series else []
    return values[-1] if values else None


def _end(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


def decimals(value: float) -> str:
    """A loss for people: three decimals, or three figures where these would be zeros."""
    return f"{value:.3f}" if abs(value) >= 0.0995 or not value else f"{value:#.3g}"


def _decimals(value: float | None) -> str:
    return "" if value is None else decimals(value)


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
