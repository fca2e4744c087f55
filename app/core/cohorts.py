"""Cohorts: a named, frozen set of recordings with one patient-wise split, and a counter of how often it was opened.

Splits must be the same in every workspace that holds the same recordings, so that a result can be repeated. Pseudonyms
differ from workspace to workspace (their key is random), therefore a patient is named to the engine by a stand-in: the
smallest record id among the patient's recordings in the set.

Shapes: n recordings, L labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app.core import audit, eligible, leak_state, records, twins
from app.core.clock import utc_now
from app.core.rows import CohortFlow, CohortRow, LeakVerdict
from app.core.schema import Cohort, CohortMember, Job, Record, RecordLabel
from engine.contract.errors import UsageError, WorldError
from engine.contract.run import ManifestRow, RunFolder
from engine.data.eligibility import Step
from engine.data.splits import Part, patient_folds, refuse_leak, split_digest
from engine.data.splits import holdout as hold_out


def create(
    session: Session,
    name: str,
    labels: Sequence[str],
    dataset: str | None,
    folds: int | None,
    holdout: float | None,
    seed: int,
    rules: Sequence[str] = (),
    official: bool = False,
) -> CohortRow:
    """Choose the recordings, divide their patients, and freeze both.

    Raises:
        UsageError: the name is taken or empty, an unknown label, no rule, or neither folds nor a held-out share
            nor the official split.
        WorldError: no recording is left, too few patients, or an official split that has a patient on two sides.
    """
    _refuse_bad_request(session, name, labels, official or folds is not None or holdout is not None)
    chosen = eligible.choose(session, labels, dataset, rules, official)
    if not chosen.record_ids:
        raise WorldError("cohort", "no recording is eligible", "Import recordings with labels, or widen the rules")
    people = stand_ins(list(zip(chosen.record_ids, chosen.patients, strict=True)))
    groups = twins.groups(session, chosen.record_ids, people)
    y_nL = label_matrix(session, chosen.record_ids, labels or all_labels(session))
    if official:
        parts, kind = chosen.official, f"official split of {dataset}" if dataset else "official splits"
    else:
        parts, kind = _divide(groups, y_nL, folds, holdout, seed)
    refuse_leak(chosen.patients, parts)
    digest, excluded = split_digest(chosen.record_ids, parts), eligible.excluded(chosen.flow)
    cohort = Cohort(
        name=name.strip(),
        created=utc_now(),
        seed=seed,
        labels=list(labels),
        dataset=dataset,
        split_id=f"S-{digest[:8]}",
        split_kind=kind,
        split_sha256=digest,
        records=len(chosen.record_ids),
        patients=len(set(people)),
        openings=_openings(session, digest),
        excluded=excluded,
        rules=list(rules),
        flow=asdict(chosen.flow),
    )
    session.add(cohort)
    session.flush()
    rows = zip(chosen.record_ids, chosen.patients, parts, strict=True)
    members = [
        {"cohort": cohort.number, "position": n, "record_id": record_id, "patient": patient, "split": part}
        for n, (record_id, patient, part) in enumerate(rows)
    ]
    session.execute(insert(CohortMember), members)
    told = {"split_id": cohort.split_id, "split_sha256": digest, "split": kind, "seed": seed}
    counts = {"records": cohort.records, "patients": cohort.patients, "rules": list(rules), "excluded": excluded}
    joined = {} if official or groups == people else {"patients_joined": len(set(people)) - len(set(groups))}
    audit.append(session, "cohort created", cohort.name, {**told, **counts, **joined})
    return as_row(cohort)


def get(session: Session, name: str) -> Cohort:
    """The cohort of this name. Raises UsageError when there is none."""
    found = session.scalar(select(Cohort).where(Cohort.name == name))
    if found is None:
        raise UsageError(f"cohort {name}", "the workspace has none of this name", "See: isoline cohort list")
    return found


def all_rows(session: Session) -> list[CohortRow]:
    """All cohorts in the order of their making, each with what is known of leaks into it."""
    found = session.scalars(select(Cohort).order_by(Cohort.number)).all()
    known = leak_state.states(session, [cohort.name for cohort in found])
    return [as_row(cohort, known[cohort.name].verdict) for cohort in found]


def row(session: Session, name: str) -> CohortRow:
    """One cohort, with what is known of leaks into it. Raises UsageError when there is none of this name."""
    return as_row(get(session, name), leak_state.state_of(session, name).verdict)


def manifest(session: Session, name: str) -> list[ManifestRow]:
    """The recordings of a cohort with stand-ins for their patients, in order.

    Raises:
        UsageError: there is none of this name.
        WorldError: a patient is in several parts of its split.
    """
    cohort = get(session, name)
    query = select(CohortMember).where(CohortMember.cohort == cohort.number).order_by(CohortMember.position)
    members = session.scalars(query).all()
    refuse_leak([m.patient for m in members], [m.split for m in members])
    people = stand_ins([(m.record_id, m.patient) for m in members])
    return [ManifestRow(m.record_id, person, m.split) for m, person in zip(members, people, strict=True)]


def table(session: Session, name: str) -> list[Part]:
    """What went into which part of a cohort's split: recordings, patients, and of every label who has it.

    Counted by the database: of a hospital's recordings no row leaves it. Labels that hold other numbers than yes and no
    are left out.

    Raises:
        UsageError: there is none of this name.
        WorldError: a patient is in several parts of its split.
    """
    group = get(session, name)
    member, own = CohortMember, CohortMember.cohort == group.number
    sizes = select(member.split, func.count(), func.count(member.patient.distinct())).where(own).group_by(member.split)
    parts = [(str(part), int(n), int(who)) for part, n, who in session.execute(sizes.order_by(member.split))]
    if sum(who for *_, who in parts) != session.scalar(select(func.count(member.patient.distinct())).where(own)):
        manifest(session, name)  # refuses, with how many patients are torn
    names = list(dict.fromkeys(group.labels or all_labels(session)))
    yes, no = (func.count().filter(RecordLabel.value == value) for value in (1, 0))
    counts = (
        select(member.split, RecordLabel.label, yes, no, func.count())
        .join(RecordLabel, RecordLabel.record_id == member.record_id)
        .where(own, RecordLabel.label.in_(names))
        .group_by(member.split, RecordLabel.label)
    )
    found = {(part, label): (int(y), int(n), int(known)) for part, label, y, n, known in session.execute(counts)}
    other = {label for (_, label), (y, n, known) in found.items() if y + n != known}
    told = [label for label in names if label not in other]
    positives, negatives = (
        {part: {label: found.get((part, label), (0, 0))[side] for label in told} for part, *_ in parts}
        for side in (0, 1)
    )
    return [Part(part, n, who, positives[part], negatives[part]) for part, n, who in parts]


def flow(session: Session, name: str) -> CohortFlow:
    """Who was left out of a cohort at which step, as it was when the cohort was made."""
    cohort = get(session, name)
    told = dict(cohort.flow)
    if not told:  # made by a version that kept the reasons alone
        records_then = cohort.records + sum(cohort.excluded.values())
        step = Step("as this version did not yet note", records_then, cohort.patients, dict(cohort.excluded))
        return CohortFlow(records_then, cohort.patients, (step,), cohort.records, cohort.patients)
    return CohortFlow(**told | {"steps": tuple(Step(**step) for step in told["steps"])})


def stand_ins(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """A name for each recording's patient that depends on the recordings alone. `pairs` are (record id, patient)."""
    smallest: dict[str, str] = {}
    for record_id, patient in pairs:
        smallest[patient] = min(record_id, smallest.get(patient, record_id))
    return ["p" + smallest[patient].removeprefix("r") for _, patient in pairs]


def all_labels(session: Session) -> tuple[str, ...]:
    """Names of all labels of the workspace."""
    return tuple(session.scalars(select(RecordLabel.label).distinct().order_by(RecordLabel.label)))


def label_matrix(session: Session, record_ids: Sequence[str], labels: Sequence[str]) -> NDArray[np.float64]:
    """[n, L] with 1 positive, 0 negative, NaN unknown."""
    y_nL = np.full((len(record_ids), len(labels)), np.nan)
    known = records.labels_of(session, record_ids)
    column = {label: n for n, label in enumerate(labels)}
    for row, record_id in enumerate(record_ids):
        for label, value in known.get(record_id, {}).items():
            if label in column:
                y_nL[row, column[label]] = value
    return y_nL


def open_split(session: Session, job: Job, name: str, times: int = 1) -> None:
    """Count that a job opens the labels of a cohort's split for so many models, in the transaction that starts it."""
    cohort = get(session, name)
    job.opened_split = True
    same = update(Cohort).where(Cohort.split_sha256 == cohort.split_sha256)
    session.execute(same.values(openings=Cohort.openings + times))
    session.refresh(cohort)
    told = {"split_id": cohort.split_id, "split_sha256": cohort.split_sha256, "count": cohort.openings}
    audit.append(session, "test split opened", cohort.name, {**told, "job": job.job_id, "model": job.model or ""})


GROUPS: dict[str, Callable[[Record], str]] = {
    "device": lambda record: " ".join(part for part in (record.maker, record.model) if part),
    "year": lambda record: "" if record.year is None else str(record.year),
    "dataset": lambda record: record.dataset,
}
"""Group of a recording by attribute, "" where it is not known; age and sex are told beside."""


def write_labels(session: Session, rows: Sequence[ManifestRow], labels: Sequence[str], folder: RunFolder) -> None:
    """Write the labels that a run may see, of these recordings, and the groups that they are told by.

    The engine deletes the file at its end.
    """
    ids = [row.record_id for row in rows]
    found = records.by_ids(session, ids)
    missing = np.nan
    arrays: dict[str, Any] = {
        "record_id": np.array(ids, dtype=np.str_),
        "patient": np.array([row.patient for row in rows], dtype=np.str_),
        "labels": np.array(labels, dtype=np.str_),
        "y": label_matrix(session, ids, labels),
        "age": np.array([missing if found[i].age is None else found[i].age for i in ids], dtype=np.float64),
        "sex": np.array([{"female": 1.0, "male": 0.0}.get(found[i].sex, missing) for i in ids], dtype=np.float64),
    }
    measured = sorted({name for i in ids for name in found[i].measurements})
    arrays["measured"] = np.array(measured, dtype=np.str_)
    arrays["measurements"] = np.array(
        [[found[i].measurements.get(name, missing) for name in measured] for i in ids], dtype=np.float64
    ).reshape(len(ids), len(measured))
    arrays |= {f"group_{name}": np.array([told(found[i]) for i in ids], dtype=np.str_) for name, told in GROUPS.items()}
    draft = folder.path / "labels.tmp.npz"
    np.savez(draft, **arrays)
    draft.replace(folder.labels_path)


def chosen_labels(
    session: Session, group: Cohort, members: Sequence[ManifestRow], names: Sequence[str]
) -> tuple[str, ...]:
    """The labels asked for; else the cohort's; else all that have both classes in it.

    Raises:
        UsageError: a label that no recording has.
        WorldError: no label has both classes.
    """
    unknown = sorted(set(names) - set(all_labels(session)))
    if unknown:
        known = ", ".join(all_labels(session)) or "none"
        raise UsageError(f"label {', '.join(unknown)}", "no recording has it", f"Known labels: {known}")
    numbers = set(session.scalars(select(RecordLabel.label).where(RecordLabel.kind == "number").distinct()))
    if wrong := sorted(numbers & set(names)):
        raise UsageError(f"label {', '.join(wrong)}", "it is a number, not a yes or no", "Choose labels of two classes")
    if names or group.labels:
        return tuple(dict.fromkeys(names or group.labels))
    every = tuple(label for label in all_labels(session) if label not in numbers)
    y_nL = label_matrix(session, [row.record_id for row in members], every)
    both = (y_nL == 1).any(axis=0) & (y_nL == 0).any(axis=0)
    chosen = tuple(label for label, fit in zip(every, both, strict=True) if fit)
    if not chosen:
        reason = "no label has recordings with it and recordings without it"
        raise WorldError(f"cohort {group.name}", reason, "Import labels for its recordings")
    return chosen


def refuse_short(session: Session, members: Sequence[ManifestRow], name: str, window_s: float) -> None:
    """A recording shorter than a model's window cannot be given to it; say so before anything starts."""
    found = records.by_ids(session, [row.record_id for row in members])
    short = sum(record.seconds < window_s for record in found.values())
    if short:
        reason = f"{short:,} of its recordings are shorter than the model's window of {window_s:g} s"
        raise WorldError(f"cohort {name}", reason, "Make a cohort without them, or choose another model")


def as_row(cohort: Cohort, leaks: LeakVerdict = "not searched") -> CohortRow:
    """The frozen row of a cohort."""
    return CohortRow(
        name=cohort.name,
        records=cohort.records,
        patients=cohort.patients,
        split_id=cohort.split_id,
        split_kind=cohort.split_kind,
        split_sha256=cohort.split_sha256,
        seed=cohort.seed,
        openings=cohort.openings,
        created=cohort.created,
        leaks=leaks,
        labels=tuple(cohort.labels),
        dataset=cohort.dataset,
        rules=tuple(cohort.rules),
    )


def _refuse_bad_request(session: Session, name: str, labels: Sequence[str], divided: bool) -> None:
    if not name.strip():
        raise UsageError("cohort", "it has no name", "Give it one")
    if session.scalar(select(func.count()).select_from(Cohort).where(Cohort.name == name.strip())):
        raise UsageError(f"cohort {name}", "there is one of this name", "Choose another name")
    if not divided:
        raise UsageError(f"cohort {name}", "it has neither folds nor a held-out share", "Ask for one of the two")
    unknown = sorted(set(labels) - set(all_labels(session)))
    if unknown:
        known = ", ".join(all_labels(session)) or "none"
        raise UsageError(f"label {', '.join(unknown)}", "no recording has it", f"Known labels: {known}")


def _divide(
    people: Sequence[str], y_nL: NDArray[np.float64], folds: int | None, holdout: float | None, seed: int
) -> tuple[list[str], str]:
    if holdout is not None:
        held = hold_out(people, holdout, seed, y_nL)
        return ["test" if out else "train" for out in held], f"{100 * holdout:.12g}% of the patients held out as test"
    folds = folds or 0
    return [f"fold-{fold}" for fold in patient_folds(people, y_nL, folds, seed)], f"{folds} patient folds"


def _openings(session: Session, digest: str) -> int:
    """The same split made again under another name goes on with its count."""
    return session.scalar(select(func.max(Cohort.openings)).where(Cohort.split_sha256 == digest)) or 0
