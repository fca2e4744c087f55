"""Asking for a search for leaks, and whether labels are the cart's own word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit, cohorts, exposure, jobs, leak_state, leaving, models, records
from app.core.digests import sha256_of
from app.core.home import Home
from app.core.schema import Cohort, CohortMember, Job, Record, RecordLabel, RegisteredModel
from engine.contract.errors import UsageError, WorldError
from engine.contract.leakage import AGAINST, LeakageConfig
from engine.contract.results import LeakageResults
from engine.contract.run import ManifestRow
from engine.data.circularity import Circularity, Spoken, circularity
from engine.data.fingerprint import Fingerprint, fingerprint
from engine.data.leakage import OnProgress
from engine.data.packs import SUFFIX, PackHead, open_pack, write_pack
from engine.data.prints import Prints
from engine.data.store import Store

REPORT_EVERY = 50
MOST_UNASKED = 100_000
"""Recordings of a pretraining that are looked at without being asked for: a minute or two on one core."""

Members = list[tuple[str, str, str]]
"""Record id, patient's pseudonym, part."""


def check(session: Session, home: Home, cohort: str, against: Sequence[str]) -> str:
    """Queue the search for leaks within a cohort and against other cohorts, packs and models.

    Raises:
        UsageError: unknown cohort, or a word that names nothing to check against.
        WorldError: a pack that cannot be used.
    """
    members = _members(session, cohort)
    packs: list[str] = []
    for word in against:
        if _is_pack(word):
            open_pack(Path(word))
            packs.append(str(Path(word).resolve()))
        else:
            members += [(record, patient, f"{AGAINST} {word}") for record, patient in _others(session, word, cohort)]
    people = cohorts.stand_ins([(record, patient) for record, patient, _ in members])
    rows = [ManifestRow(record, person, part) for (record, _, part), person in zip(members, people, strict=True)]
    config = LeakageConfig(store=str(home.store), cohort=cohort, packs=tuple(packs))
    return jobs.submit(session, home, config, _job_name(cohort, against), rows, cohort=cohort)


def check_seen(session: Session, home: Home, cohort: str, model: str) -> str | None:
    """Queue the search of a cohort for copies of what a model was pretrained on, where nobody has done so yet.

    Gives back the job; None where there is nothing to do, or nothing that may be done without being asked: the model
    was not pretrained here, the search is done or under way, or would look at more than `MOST_UNASKED` recordings.
    `exposure` says then what was not searched for, and how to.

    Raises:
        UsageError: unknown cohort or model.
    """
    seen = exposure.trained_on(session, models.get(session, model))
    done = any(one.against == model for one in leak_state.state_of(session, cohort).searches)
    if not seen or len(seen) > MOST_UNASKED or done or _is_under_way(session, _job_name(cohort, [model])):
        return None
    return check(session, home, cohort, [model])


def _is_under_way(session: Session, name: str) -> bool:
    query = select(Job.job_id).where(Job.kind == "leakage", Job.name == name, Job.state.in_(("queued", "running")))
    return session.scalar(query.limit(1)) is not None


def _job_name(cohort: str, against: Sequence[str]) -> str:
    return cohort + (f" against {', '.join(Path(word).name for word in against)}" if against else "")


def latest(session: Session, cohort: str) -> tuple[str, LeakageResults] | None:
    """The last finished search of a cohort, by its job; None when it was never searched.

    Raises:
        UsageError: unknown cohort.
    """
    cohorts.get(session, cohort)
    query = select(Job).where(Job.kind == "leakage", Job.cohort == cohort, Job.state == "done")
    job = session.scalar(query.order_by(Job.number.desc()).limit(1))
    if job is None or job.results is None:
        return None
    return job.job_id, LeakageResults.model_validate_json(job.results)


def labels(session: Session, cohort: str) -> list[Circularity]:
    """For each label of a cohort, how far it is the cart's own statement, the worst first."""
    group = cohorts.get(session, cohort)
    members = [record for record, _, _ in _members(session, cohort)]
    spoken = _spoken(session, members)
    values: dict[str, dict[str, bool]] = {}
    own: dict[str, set[str]] = {}
    for row in _label_rows(session, group):
        if row.value in (0, 1):
            values.setdefault(row.label, {})[row.record_id] = bool(row.value)
        if row.origin == "device":
            own.setdefault(row.label, set()).add(row.record_id)
    chosen = group.labels or sorted(values)
    found = [circularity(name, values.get(name, {}), own.get(name, set()), spoken) for name in chosen]
    order = ("circular", "leaning", "independent", "unknown")
    return sorted(found, key=lambda one: (order.index(one.verdict), -(one.kappa or 0), one.label))


def export(
    home: Home,
    cohort: str,
    path: Path,
    corpus: str,
    licence: str,
    note: str,
    on_progress: OnProgress | None = None,
) -> tuple[Path, PackHead]:
    """Write the fingerprints of a cohort as a pack, and note it in the trail.

    Raises:
        UsageError: unknown cohort.
        WorldError: the store lacks a recording, the file cannot be written, or it would hold an identifier seen at
            import.
    """
    texts = {"name of the corpus": corpus or cohort, "licence": licence, "note": note}
    leaving.refuse_file(home, "fingerprint pack", path, texts)
    with home.db.read() as session:
        ids = [record for record, _, _ in _members(session, cohort)]
    path, head = write_store_pack(Store.open(home.store), ids, path, corpus or cohort, licence, note, on_progress)
    told = {"corpus": head.corpus, "records": head.records, "sha256": sha256_of(path)}
    with home.db.write() as session:
        audit.append(session, "fingerprints exported", cohort, told)
    return path, head


def write_store_pack(
    store: Store,
    ids: Sequence[str] | None,
    path: Path,
    corpus: str,
    licence: str,
    note: str,
    on_progress: OnProgress | None = None,
) -> tuple[Path, PackHead]:
    """Write the fingerprints of a store's recordings (all, without ids) as a pack; gives back the file and its head.

    Raises:
        WorldError: the store lacks a recording, or the file cannot be written.
    """
    rows = list(range(len(store))) if ids is None else [_row(store, record_id) for record_id in ids]

    def taken() -> Iterator[tuple[str, Fingerprint]]:
        """One fingerprint after the other; a pack of millions is never whole in memory as objects."""
        for done, row in enumerate(rows, start=1):
            entry = store.entry(row)
            yield entry.record_id, fingerprint(store.signal(row), entry.rate_hz)
            if on_progress is not None and (done % REPORT_EVERY == 0 or done == len(rows)):
                on_progress(done, len(rows), "taking fingerprints")

    path = path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
    return path, write_pack(path, Prints.gather(taken()), corpus, licence, note)


def _row(store: Store, record_id: str) -> int:
    row = store.find(record_id)
    if row is None:
        raise WorldError("store", "it lacks recordings of the cohort", "Import them again")
    return row


def _is_pack(word: str) -> bool:
    return word.endswith(SUFFIX) or Path(word).is_file()


def _members(session: Session, cohort: str) -> Members:
    group = cohorts.get(session, cohort)
    query = select(CohortMember).where(CohortMember.cohort == group.number).order_by(CohortMember.position)
    return [(member.record_id, member.patient, member.split) for member in session.scalars(query)]


def _others(session: Session, word: str, cohort: str) -> list[tuple[str, str]]:
    """Recordings and patients of another cohort, or of what a model was pretrained on."""
    if word == cohort:
        raise UsageError(f"cohort {word}", "it is checked against itself in any case", "Name another cohort")
    if session.scalar(select(Cohort.number).where(Cohort.name == word)) is not None:
        return [(record, patient) for record, patient, _ in _members(session, word)]
    if session.scalar(select(RegisteredModel.number).where(RegisteredModel.name == word)) is None:
        reason = f"neither a cohort nor a model has this name, nor is it a file of fingerprints (*{SUFFIX})"
        raise UsageError(word, reason, "See: isoline cohort list, isoline model list")
    return _trained_on(session, word)


def _trained_on(session: Session, name: str) -> list[tuple[str, str]]:
    """The recordings that a model and those before it were pretrained on, with today's patients.

    Raises:
        UsageError: nobody wrote down what it was trained on.
    """
    seen = sorted(exposure.trained_on(session, models.get(session, name)))
    if not seen:
        reason = "this workspace does not know which recordings it was trained on"
        raise UsageError(f"model {name}", reason, f"Check against fingerprints of its corpus (*{SUFFIX})")
    found = records.by_ids(session, seen)
    return [(record_id, found[record_id].patient if record_id in found else record_id) for record_id in seen]


def _label_rows(session: Session, group: Cohort) -> Iterator[RecordLabel]:
    inside = select(CohortMember.record_id).where(CohortMember.cohort == group.number)
    query = select(RecordLabel).where(RecordLabel.record_id.in_(inside), RecordLabel.kind == "binary")
    yield from session.scalars(query.execution_options(yield_per=1000))


def _spoken(session: Session, members: Sequence[str]) -> dict[str, Spoken]:
    """What carts said, by recording: statements of people are left out."""
    wanted, spoken = set(members), {}
    for record_id, statements in session.execute(select(Record.record_id, Record.statements)):
        if record_id not in wanted:
            continue
        carts = [one for one in statements if one.get("source", "device") == "device"]
        words = {str(one.get("code") or one.get("text")) for one in carts if one.get("code") or one.get("text")}
        told = [one["confirmed"] for one in carts if "confirmed" in one]
        if words:
            spoken[record_id] = Spoken(frozenset(words), all(told) if told else None)
    return spoken
