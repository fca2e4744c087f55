"""The worker of a study: its runs one after the other, as many at a time as asked for, until all have ended.

Killed and started again it goes on with the runs that have no results yet; each of them goes on from its own
checkpoint. A run that fails does not end the study, a full disk does.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Mapping
from pathlib import Path

from engine.contract.config import StudyConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Progress, StudyRun, Warned
from engine.contract.results import StudyResults, StudyRow
from engine.contract.run import RunFolder, Stopped
from engine.data.manifest import Manifest
from engine.study.children import Child, child_folder, last_word, lend_labels, run_path, take_labels_back
from engine.study.grid import Cell, cells
from engine.study.outcomes import Listener, finished_row
from engine.study.subsets import Subsets, read_sizes
from engine.study.summary import summarise
from engine.study.table import write_table

CORPORA = "corpora.csv"
POLL_S, TELL_EVERY_S = 0.2, 10.0


def run(folder: RunFolder, config: StudyConfig, events: EventWriter) -> StudyResults:
    """Run a study, or go on with it.

    Raises:
        Stopped: somebody asked it, or one of its runs; every run that had begun has checkpointed.
        WorldError: axes that no pretraining has, no run that can work, missing labels, a full disk.
    """
    began = time.monotonic()
    study = Study(folder, config, events)
    study.work()
    rows = study.table()
    write_table(folder.path / "study.csv", list(config.axes), rows)
    return summarise(config, rows, study.notes, round(time.monotonic() - began, 3))


class Study:
    """The runs of a study and where each of them stands."""

    def __init__(self, folder: RunFolder, config: StudyConfig, events: EventWriter) -> None:
        self._folder, self._config, self._events = folder, config, events
        sizes = read_sizes(config.axes.get("records", ()), config.name)
        corpora = read_corpora(folder.path / CORPORA) if "corpus" in config.axes else {}
        self._subsets = Subsets(Manifest.read(folder.manifest_path), sizes, config.layout, config.subset_seed, corpora)
        self._cells = {cell.number: cell for cell in cells(config, self._subsets)}
        self._rows: dict[int, StudyRow] = {}
        self._working: dict[int, Working] = {}
        self._gpus = visible_gpus(config)
        self._at_once = config.parallel or max(1, len(self._gpus))
        self._seconds: list[float] = []
        for cell in self._cells.values():
            self._tell(self._standing(cell))

    @property
    def notes(self) -> list[str]:
        """What a reader must know about the data sizes."""
        return sorted({self._subsets.of(cell.values).note for cell in self._cells.values()} - {""})

    def table(self) -> list[StudyRow]:
        """One row a run, in order."""
        return [self._rows[number] for number in self._cells]

    def work(self) -> None:
        """Run what has no results yet, until all have ended or somebody asks to stop."""
        waiting = [number for number, row in self._rows.items() if row.state == "waiting"]
        self._progress()
        try:
            while waiting or self._working:
                stopping = self._folder.stop_asked()
                while waiting and not stopping and len(self._working) < self._at_once:
                    self._begin(waiting.pop(0))
                if stopping:
                    if not self._working:
                        raise Stopped
                    for working in self._working.values():
                        working.child.ask_stop()
                time.sleep(POLL_S)
                for number in list(self._working):
                    self._look(number)
            self._refuse_to_end_with_stopped_runs()
        finally:
            for working in self._working.values():
                take_labels_back(working.child.folder)

    def _refuse_to_end_with_stopped_runs(self) -> None:
        """Also a run that was stopped alone, not with the study: a study that counts as done could not be resumed."""
        stopped = [number for number, row in self._rows.items() if row.state == "stopped"]
        if stopped and not self._folder.stop_asked():
            told = f"run {', '.join(map(str, stopped))} was stopped on its own; resumed, the study goes on with it"
            self._events.emit(Warned(message=told))
        if stopped:
            raise Stopped

    def _standing(self, cell: Cell) -> StudyRow:
        """Where a run stands when the study is started: refused, done by an earlier start, or waiting."""
        if cell.config is None:
            return StudyRow(
                number=cell.number, name=cell.name, values=cell.values, state="refused", message=cell.refusal
            )
        done = finished_row(cell, RunFolder(run_path(self._folder, cell.number)), self._records(cell))
        return done or StudyRow(number=cell.number, name=cell.name, values=cell.values)

    def _begin(self, number: int) -> None:
        cell = self._cells[number]
        assert cell.config is not None
        child = Child(
            child_folder(self._folder, number, cell.config, self._subsets.manifest(cell.values)), self._free_gpu()
        )
        if cell.config.probe is not None:
            lend_labels(self._folder, child.folder)
        child.start()
        self._working[number] = Working(child, Listener(child.folder, cell.config, self._records(cell)))
        self._tell(self._rows[number].model_copy(update={"state": "running", "message": ""}))

    def _look(self, number: int) -> None:
        """Take note of what a run has said, and of its end."""
        working, row = self._working[number], self._rows[number]
        alive = working.child.alive()
        news = working.listener.listen()
        if alive:
            if news and working.may_tell():
                self._tell(row.model_copy(update={"metrics": dict(working.listener.metrics)}))
            return
        del self._working[number]
        take_labels_back(working.child.folder)
        self._seconds.append(time.monotonic() - working.began)
        self._tell(self._ended(self._cells[number], working))
        self._progress()

    def _ended(self, cell: Cell, working: Working) -> StudyRow:
        """The last row of a run: what came out, or why nothing did."""
        if (done := finished_row(cell, working.child.folder, self._records(cell))) is not None:
            return done
        word = last_word(working.child.folder)
        told = {"number": cell.number, "name": cell.name, "values": cell.values, "metrics": working.listener.metrics}
        if word is not None and word.outcome == "stopped":
            return StudyRow(**told, state="stopped", message=word.message)
        message = "its process ended without a word" if word is None else f"{word.message}. {word.next_step}"
        self._events.emit(Warned(message=f"run {cell.number} ({cell.name}) failed: {message}"))
        if word is not None and word.fault == "disk_full":
            raise WorldError("disk", word.message, "Free some space, then resume the study", fault="disk_full")
        return StudyRow(**told, state="failed", message=message)

    def _tell(self, row: StudyRow) -> None:
        self._rows[row.number] = row
        self._events.emit(StudyRun(row=row))

    def _progress(self) -> None:
        states = [row.state for row in self._rows.values()]
        left = sum(state in ("waiting", "running") for state in states)
        each = sum(self._seconds) / len(self._seconds) if self._seconds else None
        self._events.emit(
            Progress(
                done=len(states) - left,
                total=len(states),
                unit="runs",
                seconds_left=None if each is None else round(each * left / self._at_once, 1),
            )
        )

    def _records(self, cell: Cell) -> int:
        return len(self._subsets.of(cell.values).rows)

    def _free_gpu(self) -> str | None:
        """The GPU that fewest runs work on; None where there are not several."""
        if len(self._gpus) < 2:
            return None
        taken = [working.child.gpu for working in self._working.values()]
        return min(self._gpus, key=taken.count)


class Working:
    """A run that is being worked on."""

    def __init__(self, child: Child, listener: Listener) -> None:
        self.child, self.listener = child, listener
        self.began = self._told = time.monotonic()

    def may_tell(self) -> bool:
        """Whether enough time has passed since the last row; asking counts as telling."""
        if time.monotonic() - self._told < TELL_EVERY_S:
            return False
        self._told = time.monotonic()
        return True


def visible_gpus(config: StudyConfig) -> list[str]:
    """Names by which the GPUs here can be handed out to runs; none when the study is meant for the CPU."""
    if config.base.get("device") == "cpu":
        return []
    import torch  # late: a study needs it for nothing else

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return named.split(",")[:count] if named else [str(number) for number in range(count)]


def read_corpora(path: Path) -> Mapping[str, str]:
    """Collection of each recording. Raises WorldError when the file is missing or is none."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["record_id"]: row["corpus"] for row in csv.DictReader(file)}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError):
        raise WorldError(
            "collections of the study", "corpora.csv is missing or cannot be read", "Start the study from Isoline"
        ) from None
