"""What an evaluation would take, told before it is started: what is embedded already, what is trained, how long.

Times are never guessed: they are reckoned from what runs of the same model took in this workspace, or from what an
efficiency run measured, and are not told where there is neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import models
from app.core.evaluations import EMBEDDERS, Asked
from app.core.home import Home
from app.core.schema import Cohort, CohortMember, Job, JobEvent, RegisteredModel
from engine.contract.card import Preprocessing
from engine.contract.config import EvaluateConfig, ExternalModel
from engine.contract.efficiency import EfficiencyResults
from engine.contract.evaluation import MODES, EvaluateResults
from engine.contract.events import Progress, parse_event
from engine.data.embedding_cache import EmbeddingCache, Names, cache_key
from engine.data.window_cache import WindowCache, window_key

LOOKED_AT = 20
"""Finished runs, the newest first, that are searched for a pace."""
_BACKWARD = ("finetune", "supervised")


@dataclass(frozen=True)
class EvaluationCost:
    """What an evaluation would compute.

    Attributes:
        mode: in words.
        labels: labels of two classes that it would predict.
        targets: measured numbers that it would predict.
        records: recordings of the cohort.
        to_embed: those of them that go through the model before anything is trained on them: of which nothing is kept
            that the mode could take, embeddings for a linear probe, tokens or their means for a head.
        trainings: heads or models that are trained, one for each tested part; 0 where none is trained by steps.
        epochs: of each.
        crops: that are trained on, over all epochs and trainings.
        seconds: about how long embedding and training take; None where nobody has measured it.
        basis: one sentence for each thing that the time rests on or leaves out.
    """

    model: str
    cohort: str
    mode: str
    labels: int
    targets: int
    records: int
    to_embed: int
    trainings: int
    epochs: int
    crops: int
    seconds: float | None
    basis: tuple[str, ...]


def evaluation_cost(session: Session, home: Home, asked: Asked, cohort: str) -> EvaluationCost:
    """The cost of an evaluation that `evaluations.asked` has let pass; reads the names of what is kept, no signal."""
    config, manifest = asked
    found = models.get(session, config.model.name)
    to_embed = _to_embed(session, home, found, config, [row.record_id for row in manifest])
    parts = [row.split for row in manifest]
    trained = _trainings(config, parts)
    crops = sum(trained) * config.training.epochs
    times = [_embedding(session, found, to_embed)] if to_embed else []
    times += [_training(session, found, config, crops)] if trained else []
    known = [seconds for seconds, _ in times]
    return EvaluationCost(
        model=found.name,
        cohort=cohort,
        mode=MODES[config.mode],
        labels=len(config.labels),
        targets=len(config.targets),
        records=len(manifest),
        to_embed=to_embed,
        trainings=len(trained),
        epochs=config.training.epochs if trained else 0,
        crops=crops,
        seconds=None if None in known else sum(second or 0.0 for second in known),
        basis=(*(told for _, told in times if told), _LEFT_OUT),
    )


_LEFT_OUT = "Solving linear probes and the bootstrap come on top, and whatever else the machine does meanwhile."


def _trainings(config: EvaluateConfig, parts: Sequence[str]) -> list[int]:
    """Recordings that each head or model is trained on by steps, one a tested part; their order is of no matter."""
    if config.mode in ("linear", "own"):
        return []
    folds = {part for part in parts if part.startswith("fold-")}
    trained = [sum(part != fold for part in parts) for fold in folds] or [parts.count("train")]
    kept = 1.0 if "validation" in parts else 1 - config.training.validation_share
    return [round(kept * rows) for rows in trained]


def _to_embed(
    session: Session, home: Home, found: RegisteredModel, config: EvaluateConfig, record_ids: Sequence[str]
) -> int:
    if found.source not in EMBEDDERS or config.mode in _BACKWARD:
        return 0
    return len(record_ids) - _cached(session, home, found, config, record_ids)


def _cached(
    session: Session, home: Home, found: RegisteredModel, config: EvaluateConfig, record_ids: Sequence[str]
) -> int:
    """Recordings of which the mode finds kept what it needs. Of random weights a run that drew them tells the hash."""
    source = config.model
    weights = found.sha256 if found.source == "native" else _weights_of_runs(session, found)
    weights = source.identity if isinstance(source, ExternalModel) else weights
    if not weights:
        return 0
    feed, names = Preprocessing.model_validate(found.card["preprocessing"]), Names(list(record_ids))
    if config.mode in ("linear", "own"):
        return int(EmbeddingCache(home.cache, cache_key(weights, feed)).holds(names).sum())
    kept_R = WindowCache(home.cache, window_key(weights, feed), "tokens").holds(names)
    if config.mode == "linear-adamw":
        kept_R |= WindowCache(home.cache, window_key(weights, feed), "means").holds(names)
    return int(kept_R.sum())


def _weights_of_runs(session: Session, found: RegisteredModel) -> str:
    for job in _finished(session, "evaluate", found.name):
        return EvaluateResults.model_validate_json(str(job.results)).model_sha256
    return ""


def _finished(session: Session, kind: str, *names: str) -> list[Job]:
    """Finished runs of models, the newest first."""
    query = select(Job).where(Job.kind == kind, Job.state == "done", Job.model.in_(names), Job.results.is_not(None))
    return list(session.scalars(query.order_by(Job.number.desc()).limit(LOOKED_AT)))


def _embedding(session: Session, found: RegisteredModel, left: int) -> tuple[float | None, str]:
    """Seconds that are needed to embed what is not kept, and what they rest on."""
    query = select(Job.job_id).where(Job.model == found.name, Job.state == "done")
    for job_id in session.scalars(query.order_by(Job.number.desc()).limit(LOOKED_AT)):
        pace = _pace(session, job_id)
        if pace is not None:
            return left / pace, f"Embedding: {pace:,.3g} recordings a second, as in run {job_id}."
    measured = _measured(session, found)
    if measured is None:
        return None, _unknown(found, "embedding")
    job_id, crops_per_s, results = measured
    windows = 10.0 / results.crop_s
    told = f"Embedding: {crops_per_s:,.3g} crops a second by run {job_id}, recordings taken as 10 s long."
    return left * windows / crops_per_s, told


def _pace(session: Session, job_id: str) -> float | None:
    """Recordings a second that a run embedded; None where it embedded too few to tell."""
    query = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.type == "progress").order_by(JobEvent.seq)
    told = [(row.time, parse_event(row.body)) for row in session.scalars(query)]
    points = [(time, event.done) for time, event in told if isinstance(event, Progress) and event.unit == "records"]
    if len(points) < 2:
        return None
    (began, first), (ended, last) = points[0], points[-1]
    seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()
    return (last - first) / seconds if seconds > 0 and last > first else None


def _training(session: Session, found: RegisteredModel, config: EvaluateConfig, crops: int) -> tuple[float | None, str]:
    """Seconds of all trainings, and what they rest on: a finished run in this mode, else an efficiency run."""
    for job in _finished(session, "evaluate", *_alike(session, found)):
        took = _seconds_a_crop(session, job, config.mode)
        if took is not None:
            return took * crops, f"Training: {1 / took:,.3g} crops a second, as run {job.job_id} took in this mode."
    if config.mode not in _BACKWARD:
        return None, "Nobody has trained such heads on a model of this form here."
    measured = _measured(session, found)
    if measured is None or measured[2].flops is None:
        return None, _unknown(found, "training")
    job_id, crops_per_s, results = measured
    assert results.flops is not None
    times = results.flops.forward_backward / results.flops.forward
    told = f"Training: {crops_per_s:,.3g} crops a second forward by run {job_id}, {times:.3g} times that work a step."
    return crops * times / crops_per_s, told


def _alike(session: Session, found: RegisteredModel) -> list[str]:
    """Models of the same backbone and input: they take the same time."""
    mine = _form(found)
    return [row.name for row in session.scalars(select(RegisteredModel)) if _form(row) == mine]


def _form(found: RegisteredModel) -> tuple[object, ...]:
    lineage, fed = found.card.get("lineage") or {}, found.card.get("preprocessing") or {}
    return lineage.get("backbone"), fed.get("rate_hz"), fed.get("window_s")


def _seconds_a_crop(session: Session, job: Job, mode: str) -> float | None:
    """What a crop took in a finished run of this mode, all in all; None where it was another mode."""
    results = EvaluateResults.model_validate_json(str(job.results))
    config = EvaluateConfig.model_validate_json(job.config)
    query = (
        select(CohortMember.split).join(Cohort, Cohort.number == CohortMember.cohort).where(Cohort.name == job.cohort)
    )
    trained = _trainings(config, list(session.scalars(query)))
    epochs = sum(len(one.epochs) for one in results.training)
    if config.mode != mode or not epochs or not sum(trained):
        return None
    return results.seconds / (sum(trained) / len(trained) * epochs)


def _measured(session: Session, found: RegisteredModel) -> tuple[str, float, EfficiencyResults] | None:
    """Run, crops a second of the largest batch, and all results of the newest efficiency run of the model."""
    for job in _finished(session, "efficiency", found.name):
        results = EfficiencyResults.model_validate_json(str(job.results))
        paces = [cost.crops_per_s for cost in results.costs if cost.crops_per_s]
        if paces:
            return job.job_id, max(paces), results
    return None


def _unknown(found: RegisteredModel, what: str) -> str:
    return f"Nobody has measured the {what} of this model here. See: isoline efficiency '{found.name}'."
