"""Tasks of the study by name: which labels and measured numbers of this workspace are theirs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.schema import CohortMember, RecordLabel
from engine.contract.errors import WorldError
from engine.datasets.registry import TASKS, task
from engine.datasets.tasks import Category, Kind, Task, label_name


@dataclass(frozen=True)
class TaskRow:
    """A task of the study, and what of it is here.

    Attributes:
        outputs: targets that the study counts on the whole corpus; None where it is not known.
        here: labels or numbers of it that recordings of the workspace have.
        records: recordings that have one.
        note: what differs from the study, or is not known.
    """

    name: str
    title: str
    dataset: str
    category: Category
    kind: Kind
    outputs: int | None
    split: str
    here: int
    records: int
    note: str


def task_rows(session: Session) -> list[TaskRow]:
    """All tasks of the study in its order."""
    known = _known(session)
    return [_row(one, known) for one in TASKS.values()]


def resolve(session: Session, name: str, cohort: int | None = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Labels and measured numbers of a task that recordings have.

    Args:
        session: of the workspace.
        name: of the task.
        cohort: number of the cohort whose recordings count; without it all of the workspace.

    Raises:
        UsageError: no such task.
        WorldError: no recording has any.
    """
    asked = task(name)
    known = _known(session)
    if not _of(asked, known):
        reason = f"no recording of the workspace has a label of '{asked.dataset}' for it"
        raise WorldError(f"task {name}", reason, f"Import the corpus: isoline import --dataset {asked.dataset} FOLDER")
    found = sorted(_of(asked, known if cohort is None else _known(session, cohort)))
    if not found:
        reason = "no recording of the cohort has a label of it"
        raise WorldError(f"task {name}", reason, f"Choose a cohort with recordings of '{asked.dataset}'")
    return ((), tuple(found)) if asked.kind == "regression" else (tuple(found), ())


def _known(session: Session, cohort: int | None = None) -> dict[str, int]:
    """Labels of the workspace, or of a cohort, with how many recordings have each."""
    query = select(RecordLabel.label, func.count()).group_by(RecordLabel.label)
    if cohort is not None:
        query = query.join(CohortMember, CohortMember.record_id == RecordLabel.record_id)
        query = query.where(CohortMember.cohort == cohort)
    return {label: int(count) for label, count in session.execute(query)}


def _of(asked: Task, known: dict[str, int]) -> dict[str, int]:
    if not asked.scheme:
        names = {label_name(asked.dataset, target) for target in asked.targets}
    elif asked.only:
        names = {label_name(asked.scheme, statement) for statement in asked.only}
    else:
        start = label_name(asked.scheme, "")
        names = {label for label in known if label.startswith(start)}
    return {label: known[label] for label in names if label in known}


def _row(one: Task, known: dict[str, int]) -> TaskRow:
    found = _of(one, known)
    return TaskRow(
        one.name,
        one.title,
        one.dataset,
        one.category,
        one.kind,
        one.outputs,
        one.split,
        len(found),
        max(found.values(), default=0),
        one.note,
    )
