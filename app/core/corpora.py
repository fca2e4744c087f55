"""A public corpus brought in whole: its recordings, its labels by task, its patients, its official split.

What the corpus' tables say takes the way of a labels file: the rows wait in the database and meet their recordings when
these are in, so that an import that is killed and resumed still applies them.

Shapes: N entries, L labels.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from app.core.label_sheet import Sheet, SheetRow
from app.core.records import coarse_age
from engine.contract.errors import UsageError, WorldError
from engine.datasets.dataset import Dataset, Entry
from engine.datasets.registry import TASKS, tasks_of
from engine.datasets.tasks import Task, targets
from engine.signal.pseudonyms import pseudonym
from engine.signal.sources import Source

MOST_LABELS = 20_000_000
"""Labels times recordings that are brought in at once; a row each stands in the database."""


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
    labels = tuple(dict.fromkeys(label for values in told for label in values))
    return Sheet(f"dataset {corpus.name}", digest(entries), labels, rows)


def _values(corpus: Dataset, entries: Sequence[Entry], tasks: Sequence[Task]) -> list[dict[str, float]]:
    """Known labels of each entry."""
    told: list[dict[str, float]] = [{} for _ in entries]
    count = 0
    for task in tasks:
        made = targets(task, entries)
        count += made.y_NL.size
        if count > MOST_LABELS:
            reason = f"its labels would be more than {MOST_LABELS:,} rows"
            raise WorldError(f"dataset {corpus.name}", reason, f"Choose tasks, for instance --task {tasks[0].name}")
        for values, y_L in zip(told, made.y_NL, strict=True):
            known = np.flatnonzero(~np.isnan(y_L))
            values.update((made.labels[column], float(y_L[column])) for column in known)
    return told


def digest(entries: Sequence[Entry]) -> str:
    """SHA-256 over all that a corpus' tables said, for the trail: the tables themselves may be many and large."""
    told = hashlib.sha256()
    for entry in entries:
        told.update(json.dumps(asdict(entry), sort_keys=True).encode() + b"\n")
    return told.hexdigest()
