"""A public corpus brought in whole: its recordings, its labels by task, its patients, its official split.

What the corpus' tables say takes the way of a labels file: the rows wait in the database and meet their recordings when
these are in, so that an import that is killed and resumed still applies them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from app.core.label_sheet import Sheet, SheetRow
from app.core.records import coarse_age
from engine.contract.errors import UsageError, WorldError
from engine.datasets.dataset import Dataset, Entry
from engine.datasets.registry import TASKS, tasks_of
from engine.datasets.tasks import Known, Task, known_labels
from engine.signal.pseudonyms import pseudonym
from engine.signal.sources import Source

MOST_LABELS = 20_000_000
"""Labels times recordings that are brought in at once; a row each stands in the database."""
_TOO_MANY = "None of its tasks fits: import the folder without --dataset, and the labels that you need from a table"


@dataclass(frozen=True)
class CorpusRead:
    """A corpus whose tables were read: which, its recordings, and what is said of them."""

    name: str
    sources: Sequence[Source]
    sheet: Sheet


def read_corpus(corpus: Dataset, folder: Path, tasks: Sequence[str], key: bytes) -> tuple[list[Source], Sheet]:
    """The recordings of a corpus and what its tables say of them.

    Args:
        corpus: which.
        folder: where it was unpacked to.
        tasks: names of tasks whose labels are wanted; empty takes all of the corpus.
        key: the workspace's, for pseudonyms.

    Raises:
        UsageError: a task that is not of this corpus.
        WorldError: the folder does not hold the corpus, or there are more labels than can be brought in at once.
    """
    wanted = _tasks(corpus, tasks)
    place = Path(os.path.abspath(folder.expanduser()))
    if not place.is_dir():
        raise WorldError(f"dataset {corpus.name}", "there is no such folder", "Name the folder it was unpacked to")
    entries = list(corpus.read(place))
    if not entries:
        reason = "none of its recordings is in the folder"
        raise WorldError(f"dataset {corpus.name}", reason, "Name the folder it was unpacked to")
    sources = [Source.parse(f"{place}{os.sep}{entry.source}") for entry in entries]
    return sources, _sheet(corpus, entries, sources, wanted, key)


def _tasks(corpus: Dataset, names: Sequence[str]) -> list[Task]:
    own = tasks_of(corpus.name)
    strange = [name for name in names if name not in {task.name for task in own}]
    if strange:
        known = ", ".join(task.name for task in own) or "it has none"
        whose = f"it is of dataset {TASKS[strange[0]].dataset}" if strange[0] in TASKS else "there is none of this name"
        raise UsageError(f"task {strange[0]}", whose, f"Tasks of {corpus.name}: {known}")
    return [task for task in own if not names or task.name in names]


def _sheet(
    corpus: Dataset, entries: Sequence[Entry], sources: Sequence[Source], tasks: Sequence[Task], key: bytes
) -> Sheet:
    told = _values(corpus, entries, tasks)
    rows = tuple(
        SheetRow(
            line=number,
            record=source.name,
            # Ids of two corpora may be the same number; they are two people all the same.
            patient=pseudonym(key, f"{corpus.name} {entry.patient}") if entry.patient else None,
            age=coarse_age(entry.age)[0],
            sex=entry.sex if entry.sex != "unknown" else None,
            fold=entry.fold,
            part=entry.part or corpus.part_of(entry.fold),
            values=values,
        )
        for number, (entry, source, values) in enumerate(zip(entries, sources, told, strict=True), start=1)
    )
    labels = tuple(dict.fromkeys(chain.from_iterable(told)))
    return Sheet(f"dataset {corpus.name}", digest(entries), labels, rows)


def _values(corpus: Dataset, entries: Sequence[Entry], tasks: Sequence[Task]) -> list[Known]:
    """Known labels of each entry."""
    told = known_labels(tasks, entries)
    count = sum(map(len, told))
    if count > MOST_LABELS:
        fits = [task for task in tasks if 0 < sum(map(len, known_labels([task], entries))) <= MOST_LABELS]
        reason = f"its labels would be {count:,} rows, more than the {MOST_LABELS:,} that are brought in at once"
        some = " ".join(f"--task {task.name}" for task in fits[:2])
        raise WorldError(f"dataset {corpus.name}", reason, f"Choose tasks, for instance {some}" if fits else _TOO_MANY)
    return told


def digest(entries: Sequence[Entry]) -> str:
    """SHA-256 over all that a corpus' tables said, for the trail: the tables themselves may be many and large."""
    told = hashlib.sha256()
    for entry in entries:
        told.update(json.dumps(vars(entry), sort_keys=True).encode() + b"\n")
    return told.hexdigest()
