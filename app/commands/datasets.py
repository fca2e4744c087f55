"""`datasets`: the public corpora that Isoline reads, their tasks, and how to get them."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, wants_json
from app.core.words import counted
from engine.contract.errors import EXIT_DONE, EXIT_WORLD, UsageError

if TYPE_CHECKING:
    from app.core.corpus_check import CorpusCheck
    from engine.datasets.dataset import Dataset
    from engine.datasets.tasks import Task

UNTOLD = "not told"


def add(verbs: Verbs) -> None:
    """Register the verb."""
    show = add_verb(
        verbs,
        "datasets",
        "list the public corpora that Isoline reads, with their tasks and how to get them",
        ["isoline datasets", "isoline datasets ptbxl", "isoline datasets ptbxl --check PTB-XL/"],
        _datasets,
    )
    show.add_argument("name", nargs="?", metavar="NAME", help="tell everything about one")
    show.add_argument("--check", type=Path, metavar="DIR", help="look whether a folder holds it whole; import nothing")
    add_json(show)


def _datasets(arguments: argparse.Namespace) -> int:
    from engine.datasets.registry import DATASETS, dataset

    if arguments.check is not None:
        return _check(arguments)
    chosen = [dataset(arguments.name)] if arguments.name else list(DATASETS.values())
    if wants_json(arguments):
        print(printing.as_json([as_told(each) for each in chosen]))
    elif arguments.name:
        print(_whole(chosen[0]))
    else:
        print(_listed(chosen))
    return EXIT_DONE


def _check(arguments: argparse.Namespace) -> int:
    from app.core.corpus_check import check
    from engine.datasets.registry import dataset

    if not arguments.name:
        raise UsageError("--check", "the corpus is not named", "Name it: isoline datasets ptbxl --check DIR")
    told = check(dataset(arguments.name), arguments.check)
    print(printing.as_json(asdict(told) | {"notes": told.notes}) if wants_json(arguments) else checked(told))
    return EXIT_WORLD if told.absent else EXIT_DONE


def checked(told: CorpusCheck) -> str:
    """What is there of a corpus, and what is not."""
    facts = [
        ("Recordings", f"{told.recordings:,} of {told.published:,} published"),
        ("Patients", f"{told.patients:,}" if told.patients else UNTOLD),
        ("Files", f"{told.looked_for - told.absent:,} of {told.looked_for:,} looked for are there"),
    ]
    rows = [(task.name, task.kind, task.labels, f"{task.recordings:,}") for task in told.tasks]
    table = printing.table(("Task", "Kind", "Labels", "Recordings"), rows, right=("Labels", "Recordings"))
    notes = "\n".join(printing.paragraph(note) for note in told.notes)
    return "\n\n".join(part for part in (printing.fields(facts), table if rows else "", notes) if part)


def as_told(corpus: Dataset) -> dict[str, Any]:
    """A dataset and its tasks as plain values, without its reader."""
    from engine.datasets.registry import tasks_of

    told = {name: value for name, value in asdict(corpus).items() if name != "read"}
    return told | {"tasks": [asdict(task) for task in tasks_of(corpus.name)]}


def _listed(corpora: list[Dataset]) -> str:
    from engine.datasets.registry import TASKS, tasks_of

    headers = ("Dataset", "Recordings", "Patients", "Tasks", "Used for", "Tried on", "Access")
    rows = [
        (
            each.name,
            f"{each.records:,}",
            UNTOLD if each.patients is None else f"{each.patients:,}",
            len(tasks_of(each.name)) or "",
            each.purpose,
            each.verified,
            each.access.partition(":")[0],
        )
        for each in corpora
    ]
    told = f"{counted(len(corpora), 'dataset')}, {counted(len(TASKS), 'task')}. Nothing is downloaded."
    table = printing.table(headers, rows, right=("Recordings", "Patients", "Tasks"))
    return f"{table}\n\n{told}\nMore of one: isoline datasets NAME"


def _whole(corpus: Dataset) -> str:
    from engine.datasets.registry import tasks_of

    facts = [
        ("Recordings", f"{corpus.records:,}"),
        ("Patients", UNTOLD if corpus.patients is None else f"{corpus.patients:,}"),
        ("Used in the study for", corpus.purpose),
        ("Licence", corpus.licence),
        ("Reader tried on", corpus.verified),
    ]
    parts = [corpus.title, printing.fields(facts)]
    parts += [printing.paragraph(f"{head}: {text}", "  ") for head, text in _texts(corpus) if text]
    tasks = tasks_of(corpus.name)
    if tasks:
        parts.append(_tasks(tasks))
    parts.append(f"Import it with: isoline import --dataset {corpus.name} FOLDER -w WORKSPACE")
    return "\n\n".join(parts)


def _texts(corpus: Dataset) -> list[tuple[str, str]]:
    return [("Access", corpus.access), ("Cite", corpus.citation), ("Caution", corpus.caution)]


def _tasks(tasks: list[Task]) -> str:
    rows = [(task.name, task.kind, UNTOLD if task.outputs is None else task.outputs, task.category) for task in tasks]
    notes = [printing.paragraph(f"{task.name}: {task.note}", "  ") for task in tasks if task.note]
    splits = dict.fromkeys(task.split for task in tasks)
    table = printing.table(("Task", "Kind", "Outputs", "Category"), rows, right=("Outputs",))
    return "\n".join([table, "", *(f"Split: {split}" for split in splits), *notes])
