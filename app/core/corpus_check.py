"""Whether a folder holds a public corpus as it was published: looked at before anything is imported."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.contract.errors import WorldError
from engine.datasets.dataset import Dataset, Entry
from engine.datasets.registry import tasks_of
from engine.datasets.tables import has_table
from engine.datasets.tasks import Task, frequent
from engine.signal.sources import Source

LOOKED_FOR = 20_000
"""Recordings whose files are looked for; of more, as many spread evenly."""
DEEP, FOLDERS_LOOKED_INTO = 3, 500
"""How deep below the folder, and into how many folders, the corpus is searched where it is not in the folder itself."""


@dataclass(frozen=True)
class TaskCheck:
    """What the corpus' tables say for one task: its labels, and recordings with any of them known."""

    name: str
    title: str
    kind: str
    labels: int
    outputs: int | None
    recordings: int


@dataclass(frozen=True)
class CorpusCheck:
    """What is there of a corpus.

    Attributes:
        dataset: which.
        folder: where it stands; below the folder that was asked for, when it was found there.
        recordings: that its tables or headers name.
        published: that its publication counts.
        patients: that they are of; 0 where the corpus does not tell patients.
        looked_for: recordings whose files were looked for.
        absent: of these, how many are not there.
        tasks: what is there for each.
    """

    dataset: str
    folder: Path
    recordings: int
    published: int
    patients: int
    looked_for: int
    absent: int
    tasks: tuple[TaskCheck, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before the import, in sentences."""
        said = []
        if self.recordings != self.published:
            said.append(f"Its tables name {self.recordings:,} recordings; the publication counts {self.published:,}.")
        if self.absent:
            of = "" if self.looked_for == self.recordings else f" of {self.looked_for:,} that were looked for"
            said.append(f"The files of {self.absent:,} recordings{of} are not in the folder; they will be refused.")
        if not self.patients:
            said.append("It does not tell patients: every recording counts as a patient of its own.")
        thin = [task for task in self.tasks if task.outputs and task.labels < task.outputs]
        if thin:
            few = ", ".join(f"{task.name} {task.labels:,} of {task.outputs:,}" for task in thin)
            said.append(f"Some tasks have fewer labels here than in the study: {few}.")
        return tuple(said)


def check(corpus: Dataset, folder: Path) -> CorpusCheck:
    """Read the tables of a corpus and look for its files; nothing is imported.

    Raises:
        WorldError: the folder does not hold the corpus, or a table of it cannot be used; with what is missing.
    """
    place = find_place(corpus, Path(os.path.abspath(folder.expanduser())))
    entries = list(corpus.read(place))
    if not entries:
        reason = "none of its recordings is in the folder"
        raise WorldError(f"dataset {corpus.name}", reason, "Name the folder it was unpacked to")
    looked_for = entries[:: -(-len(entries) // LOOKED_FOR)]
    return CorpusCheck(
        dataset=corpus.name,
        folder=place,
        recordings=len(entries),
        published=corpus.records,
        patients=len({entry.patient for entry in entries if entry.patient}),
        looked_for=len(looked_for),
        absent=_absent(place, looked_for),
        tasks=tuple(_task(task, entries) for task in tasks_of(corpus.name)),
    )


def find_place(corpus: Dataset, folder: Path) -> Path:
    """The folder, or the one below it that holds the corpus; the folder itself where that is not clear.

    Raises:
        WorldError: there is no such folder.
    """
    if not folder.is_dir():
        raise WorldError(f"dataset {corpus.name}", "there is no such folder", "Name the folder it was unpacked to")
    if _holds(corpus, folder):
        return folder
    found = [place for place in _below(folder) if _holds(corpus, place)]
    return found[0] if len(found) == 1 else folder


def _holds(corpus: Dataset, folder: Path) -> bool:
    return any(next(folder.glob(marker), None) is not None or has_table(folder, marker) for marker in corpus.marker)


def _below(folder: Path) -> Iterator[Path]:
    """Folders below, nearest first, a few hundred at most."""
    level, seen = [folder], 0
    for _ in range(DEEP):
        level = [Path(entry.path) for place in level for entry in _folders(place)]
        for place in level:
            seen += 1
            if seen > FOLDERS_LOOKED_INTO:
                return
            yield place


def _folders(place: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            return sorted((e for e in entries if e.is_dir(follow_symlinks=False)), key=lambda e: e.name)
    except OSError:
        return []


def _absent(place: Path, entries: Sequence[Entry]) -> int:
    """Recordings whose file is not there; files that hold many are looked for once."""
    files = [Source.parse(f"{place}{os.sep}{entry.source}").path for entry in entries]
    there = {file: file.is_file() for file in set(files)}
    return sum(not there[file] for file in files)


def _task(task: Task, entries: Sequence[Entry]) -> TaskCheck:
    """Counted entry by entry: a matrix of all labels of a large corpus would not fit."""
    if task.scheme:
        labels = len(frequent(task, entries))
        known = sum(task.scheme in entry.codes for entry in entries)
    else:
        labels = sum(any(name in entry.values for entry in entries) for name in task.targets)
        known = sum(any(name in entry.values for name in task.targets) for entry in entries)
    return TaskCheck(task.name, task.title, task.kind, labels, task.outputs, known)
