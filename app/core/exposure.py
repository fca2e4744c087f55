"""Whether a model has seen the recordings that it is scored on: by what this workspace knows, by what cards declare.

Three ways to know: the runs that trained it are here, so its recordings are known one by one; its card names a corpus,
which is held against the collections of the cohort and against searches by fingerprint packs; or nobody knows, which is
said. Nothing is computed from samples here: that is the search's work, and where it has not been done, this says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from shlex import quote
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import cohorts, leak_state, models, off_label, studies
from app.core.corpus_names import Corpora, corpora_in, is_of, tells
from app.core.rows import Exposure, LeakSearch, LeakState
from app.core.schema import Cohort, CohortMember, Job, JobMember, Record, RegisteredModel
from app.core.words import counted
from engine.contract.results import KnownLeaks
from engine.contract.run import RunFolder, write_whole
from engine.data.splits import split_digest

UNTRAINED = ("random", "baseline")
"""Sources of models that no recording has shaped before the evaluation."""

NOT_TOLD = "whether it has seen these recordings cannot be told"
NOT_KNOWN = "not known"

BLOCK = 10_000

TAUGHT = ("train", "validation")
"""Parts of a cohort whose labels shape a model, or choose which of its states is kept."""


class Scored(NamedTuple):
    """One recording that an evaluation scores."""

    record_id: str
    patient: str
    dataset: str
    fold: int | None


@dataclass(frozen=True)
class Tested:
    """The recordings that a cohort's evaluation scores: all of its folds, or its test part."""

    cohort: str
    records: tuple[Scored, ...]
    state: LeakState

    @property
    def of_all(self) -> str:
        """As in "12 of the 353 scored recordings"."""
        return f"of the {counted(len(self.records), 'scored recording')}"


def known(session: Session, cohort: str, names: Sequence[str]) -> KnownLeaks:
    """What must be said of leaks when these models are scored on a cohort: never silent, whatever is known."""
    exposures = of_models(session, cohort, names)
    state = leak_state.state_of(session, cohort)
    own = next((one for one in state.searches if one.against == leak_state.PARTS), None)
    findings = [f"Cohort '{cohort}': {sentence}" for sentence in (own.findings if own else ())]
    unsearched = [f"Cohort '{cohort}': {state.sentence}. See: isoline leakage {quote(cohort)}"] if own is None else []
    return KnownLeaks(
        verdict=state.verdict,
        searched=own.finished if own else "",
        job=own.job_id if own else "",
        recordings=own.size if own else 0,
        findings=[*findings, *(told for one in exposures for told in one.findings)],
        unsearched=[*unsearched, *(told for one in exposures for told in one.unsearched)],
        off_label=[told for one in exposures for told in one.off_label],
    )


def of_models(session: Session, cohort: str, names: Sequence[str]) -> list[Exposure]:
    """What is known of each of these models, in their order.

    Raises:
        UsageError: an unknown cohort or model.
    """
    part = tested(session, cohort)
    return [_exposure(session, part, models.get(session, name)) for name in names]


def tested(session: Session, cohort: str) -> Tested:
    """The recordings that an evaluation on a cohort scores. Raises UsageError when there is no such cohort."""
    columns = (CohortMember.split, Record.record_id, Record.patient, Record.dataset, Record.fold)
    query = select(*columns).join(Record, Record.record_id == CohortMember.record_id)
    found = session.execute(query.where(CohortMember.cohort == cohorts.get(session, cohort).number)).all()
    held_out = any(row.split == "test" for row in found)
    kept = tuple(Scored(*row[1:]) for row in found if not held_out or row.split == "test")
    return Tested(cohort, kept, leak_state.state_of(session, cohort))


def trained_on(session: Session, found: RegisteredModel) -> set[str]:
    """The recordings of this workspace that a model, or one that it went on from, was trained on; empty: unknown."""
    seen: set[str] = set()
    for model in lineage(session, found):
        seen |= _known(session, model)
    return seen


def taught_on(session: Session, found: RegisteredModel) -> set[str]:
    """Those of them whose labels it, or one that it went on from, was finetuned on."""
    return set[str]().union(*(_of_evaluation(session, model) for model in lineage(session, found)))


def lineage(session: Session, found: RegisteredModel) -> list[RegisteredModel]:
    """A model and those that it went on from, as far as they are in this workspace."""
    line: list[RegisteredModel] = []
    model: RegisteredModel | None = found
    while model is not None and all(model.number != other.number for other in line):
        line.append(model)
        parent = (model.card.get("lineage") or {}).get("parent_sha256")
        model = session.scalar(select(RegisteredModel).where(RegisteredModel.sha256 == parent)) if parent else None
    return line


def write_known(session: Session, job: Job, folder: RunFolder) -> None:
    """Write what is known when an evaluation starts into its run folder: the run tells it and keeps it."""
    if job.kind == "evaluate":
        told = known(session, str(job.cohort), [str(job.model)])
        write_whole(folder.leaks_path, json.dumps(told.model_dump(mode="json"), indent=1) + "\n")


def _known(session: Session, model: RegisteredModel) -> set[str]:
    """What this one model was trained on, by the job that made it."""
    if model.job_id:
        return _members(session, model.job_id)
    return _of_study(session, model) or _of_evaluation(session, model)


def _of_evaluation(session: Session, model: RegisteredModel) -> set[str]:
    """What a model that was kept from an evaluation was finetuned on; the hash in its card tells that it was this one.

    Another workspace has jobs of the same names.
    """
    line = model.card.get("lineage") or {}
    query = (
        select(CohortMember.record_id, CohortMember.split)
        .join(Cohort, Cohort.number == CohortMember.cohort)
        .join(Job, Job.cohort == Cohort.name)
        .where(Job.job_id == str(line.get("run_id", "")), Job.kind == "evaluate", CohortMember.split.in_(TAUGHT))
    )
    rows = session.execute(query).all()
    ids, parts = [row.record_id for row in rows], [row.split for row in rows]
    return set(ids) if rows and split_digest(ids, parts) == line.get("corpus_sha256") else set()


def _of_study(session: Session, model: RegisteredModel) -> set[str]:
    """What a model that was kept from a study was given; all that the study read where that cannot be told."""
    line = model.card.get("lineage") or {}
    job_id = str(line.get("run_id", ""))
    if session.scalar(select(Job.job_id).where(Job.job_id == job_id, Job.kind == "study")) is None:
        return set()
    own = studies.read_by(session, job_id, str(line.get("corpus_sha256", "")))
    return own or _members(session, job_id)


def _members(session: Session, job_id: str) -> set[str]:
    return set(session.scalars(select(JobMember.record_id).where(JobMember.job_id == job_id)))


def _exposure(session: Session, part: Tested, model: RegisteredModel) -> Exposure:
    if model.source in UNTRAINED:
        return Exposure(model.name, "nothing before it is scored")
    seen = trained_on(session, model)
    declared = "; ".join(dict.fromkeys(_declared(session, model)))
    told = []
    if seen:
        taught = taught_on(session, model)
        others = seen - taught
        told += [_same_labels(session, part, model.name, taught)] if taught else []
        told += [_same_recordings(session, part, model.name, others)] if others else []
        told.append(_copies(part, model.name))
    if declared:
        told += [_same_corpus(part, model.name, declared), _in_packs(part, model.name, declared)]
    if not told or any(_untold(session, one) for one in lineage(session, model)):
        told.append(_nobody_knows(model))
    own = [f"{counted(len(seen), 'recording')} of this workspace"] if seen else []
    return Exposure(
        model.name,
        ", and ".join([*own, *([f"declared: {declared}"] if declared else [])]) or NOT_KNOWN,
        tuple(sentence for one in told for sentence in one.findings),
        tuple(sentence for one in told for sentence in one.unsearched),
        tuple(sentence for one in told for sentence in one.clear),
        off_label.against(session, model.name, model.card, [row.record_id for row in part.records]).sentences,
    )


def _declared(session: Session, model: RegisteredModel) -> Iterator[str]:
    """What the cards of a model and of those before it say of their corpora; what was made here is known better."""
    for one in lineage(session, model):
        line = one.card.get("lineage") or {}
        if not _known(session, one) and tells(str(line.get("corpus", ""))):
            yield str(line["corpus"])


def _untold(session: Session, model: RegisteredModel) -> bool:
    """Whether nobody says what this one of a line was trained on: what is known of its parents does not answer it."""
    told = tells(str((model.card.get("lineage") or {}).get("corpus", "")))
    return model.source not in UNTRAINED and not told and not _known(session, model)


@dataclass(frozen=True)
class _Told:
    """What one way of looking tells."""

    findings: tuple[str, ...] = ()
    unsearched: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()


def _same_labels(session: Session, part: Tested, name: str, taught: set[str]) -> _Told:
    both = sum(row.record_id in taught for row in part.records)
    if both:
        return _Told((f"'{name}' was finetuned on the labels of {both:,} {part.of_all}",))
    people = {row.patient for row in part.records}
    shared = len(people & _patients(session, taught))
    if shared:
        whole = counted(len(people), "scored patient")
        return _Told((f"'{name}' was finetuned on labels of other recordings of {shared:,} of the {whole}",))
    return _Told(clear=(f"the labels of none {part.of_all}, and of no other of their patients, finetuned it",))


def _same_recordings(session: Session, part: Tested, name: str, seen: set[str]) -> _Told:
    both = sum(row.record_id in seen for row in part.records)
    if both:
        return _Told((f"'{name}' was pretrained on {both:,} {part.of_all} (signals only, no labels)",))
    people = {row.patient for row in part.records}
    shared = len(people & _patients(session, seen))
    if shared:
        whole = counted(len(people), "scored patient")
        return _Told((f"'{name}' was pretrained on other recordings of {shared:,} of the {whole}",))
    return _Told(clear=(f"none {part.of_all}, and no other of their patients, was in its pretraining",))


def _patients(session: Session, record_ids: Iterable[str]) -> set[str]:
    found, waiting = set[str](), iter(record_ids)
    while block := list(islice(waiting, BLOCK)):
        found |= set(session.scalars(select(Record.patient).where(Record.record_id.in_(block))))
    return found


def _copies(part: Tested, name: str) -> _Told:
    """Copies of what a model was pretrained on, under whatever patient: only a search can tell."""
    search = next((one for one in part.state.searches if one.against == name), None)
    if search is None:
        how = f"isoline leakage {quote(part.cohort)} --against {quote(name)}"
        return _Told(unsearched=(f"Copies of what '{name}' was pretrained on were not searched for: {how}",))
    if search.copies:
        many = counted(search.copies, "recording")
        return _Told(
            (
                f"{many} of the cohort has a changed copy in what '{name}' was pretrained on"
                if search.copies == 1
                else f"{many} of the cohort have changed copies in what '{name}' was pretrained on",
            )
        )
    return _Told(clear=(f"no changed copy of what it was pretrained on ({_by(search)})",))


def _same_corpus(part: Tested, name: str, declared: str) -> _Told:
    """What the names of collections tell; with official folds, only what is of the declared ones counts."""
    corpora = corpora_in(declared)
    of_it = [row for row in part.records if is_of(row.dataset, corpora)]
    if not of_it:
        return _Told(clear=(f"no scored recording is of a collection that is named like {declared}",))
    whole = f"{len(of_it):,} {part.of_all} are of it"
    folds = _in_folds(of_it, corpora)
    if folds == 0:
        return _Told(clear=(f"{whole}, none of them of the folds that it is declared to be trained on",))
    which = "" if corpora.folds is None else ", of which folds is not known here"
    which = which if folds is None else f", {folds:,} of them of these folds"
    return _Told((f"'{name}' is declared to be trained on {declared}: {whole}{which}",))


def _in_folds(of_it: Sequence[Scored], corpora: Corpora) -> int | None:
    """How many are of the declared folds; None where that cannot be told."""
    if corpora.folds is None or any(row.fold is None for row in of_it):
        return None
    first, last = corpora.folds
    return sum(first <= row.fold <= last for row in of_it if row.fold is not None)


def _in_packs(part: Tested, name: str, declared: str) -> _Told:
    """What searches by fingerprints of a declared corpus found."""
    corpora = corpora_in(declared)
    packs = [one for one in part.state.searches if one.against and is_of(one.against, corpora)]
    if not packs:
        how = f"isoline leakage {quote(part.cohort)} --against FILE.isofp"
        return _Told(
            unsearched=(
                f"Copies of {declared}, which '{name}' is declared to be trained on, were not searched for: {how}",
            )
        )
    return _of_searches(name, packs)


def _nobody_knows(model: RegisteredModel) -> _Told:
    if "lineage.corpus" in (model.card.get("declined") or ()):
        return _Told(unsearched=(f"The maker of '{model.name}' declined to tell what it was trained on: {NOT_TOLD}",))
    return _Told(unsearched=(f"What '{model.name}' was trained on is not known: {NOT_TOLD}",))


def _of_searches(name: str, searches: Sequence[LeakSearch]) -> _Told:
    """What was found in declared corpora by their fingerprints, and in which nothing was."""
    how = "which it is declared to be trained on"
    found = tuple(f"'{name}', {one.against}, {how}: {told}" for one in searches for told in one.findings)
    clear = tuple(f"no copy in {one.against} ({_by(one)})" for one in searches if not one.findings)
    return _Told(found, (), clear)


def _by(search: LeakSearch) -> str:
    return f"{search.job_id}, {search.finished[:10]}"
