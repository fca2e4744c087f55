"""Tasks of the study on public corpora: which targets, of which kind, on which split.

Every label gets one name in a workspace, made of its scheme and its statement ("ptbxl: AFIB", "ptbxl-super: MI"), so
that corpora and schemes do not run into each other. A task is a set of such names.

Shapes: N entries, L labels.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.datasets.dataset import Entry

Kind = Literal["multi-label", "binary", "regression"]
Category = Literal[
    "adult ECG interpretation",
    "pediatric ECG interpretation",
    "cardiac structure and function",
    "cardiac outcomes",
    "non-cardiac outcomes",
    "acute care",
    "patient characteristics",
]


@dataclass(frozen=True)
class Task:
    """One task of the study.

    Attributes:
        name: what commands call it.
        dataset: the corpus.
        title: for people.
        category: one of the seven of the study.
        kind: what its targets are.
        outputs: how many targets the study counts on the whole corpus; None where it is not known.
        scheme: of `Entry.codes`, for statements; else empty, and `targets` names entries of `Entry.values`.
        targets: names of values, in order.
        only: of a scheme, keep these statements (a task that is a part of another one); empty keeps all.
        least: a statement with fewer recordings than this in the corpus is dropped.
        split: how the study divides the recordings.
        standardised: whether targets are scaled by mean and SD of the training folds.
        note: what differs from the study, or is not known.
    """

    name: str
    dataset: str
    title: str
    category: Category
    kind: Kind
    outputs: int | None
    split: str
    scheme: str = ""
    targets: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    least: int = 10
    standardised: bool = False
    note: str = ""


@dataclass(frozen=True, eq=False)
class Targets:
    """The targets of a task on some entries.

    Attributes:
        labels: [L] names as a workspace has them.
        y_NL: [N, L] float64: 1, 0 or a number; NaN where it is not known.
    """

    labels: tuple[str, ...]
    y_NL: NDArray[np.float64]


class Known(Mapping[str, float]):
    """Known labels of one entry. Of a scheme with a thousand statements only those that are made take memory.

    Args:
        values: numbers by label.
        stated: of each scheme, all its labels, which others share, and the places of those that are 1.
    """

    __slots__ = ("_stated", "_values")

    def __init__(
        self, values: Mapping[str, float], stated: Sequence[tuple[Mapping[str, int], frozenset[int]]] = ()
    ) -> None:
        self._values, self._stated = values, tuple(stated)

    def __getitem__(self, label: str) -> float:
        for labels, made in self._stated:
            place = labels.get(label)
            if place is not None:
                return 1.0 if place in made else 0.0
        return self._values[label]

    def __iter__(self) -> Iterator[str]:
        for labels, _ in self._stated:
            yield from labels
        yield from self._values

    def __len__(self) -> int:
        return len(self._values) + sum(len(labels) for labels, _ in self._stated)


def known_labels(tasks: Sequence[Task], entries: Sequence[Entry]) -> list[Known]:
    """Of each entry the labels of some tasks that are known; the same as `targets` of each, without its NaN.

    Give the whole corpus: how often a statement is made decides whether it counts.
    """
    schemes = _places(tasks, entries)
    numbers = [(name, label_name(task.dataset, name)) for task in tasks if not task.scheme for name in task.targets]
    return [_known(schemes, numbers, entry) for entry in entries]


def _places(tasks: Sequence[Task], entries: Sequence[Entry]) -> dict[str, dict[str, int]]:
    """Labels of each scheme with their places; tasks may be parts of one scheme."""
    names: dict[str, set[str]] = {}
    for task in tasks:
        if task.scheme:
            names.setdefault(task.scheme, set()).update(frequent(task, entries))
    return {
        scheme: {label_name(scheme, name): place for place, name in enumerate(sorted(found))}
        for scheme, found in names.items()
    }


def _known(schemes: Mapping[str, Mapping[str, int]], numbers: Sequence[tuple[str, str]], entry: Entry) -> Known:
    found = {label: entry.values[name] for name, label in numbers if name in entry.values}
    stated = []
    for scheme, labels in schemes.items():
        if scheme in entry.codes:
            made = (labels.get(label_name(scheme, name)) for name in entry.codes[scheme])
            stated.append((labels, frozenset(place for place in made if place is not None)))
    return Known({label: value for label, value in found.items() if not math.isnan(value)}, stated)


def label_name(scheme: str, statement: str) -> str:
    """Name of a label in a workspace."""
    return f"{scheme}: {statement}"


def targets(task: Task, entries: Sequence[Entry]) -> Targets:
    """Targets of a task. Which statements are frequent enough is counted on the entries given: give the whole corpus.

    Statements are sorted by name. An entry that lacks the scheme is NaN throughout.
    """
    if not task.scheme:
        return _of_values(task, entries)
    names = frequent(task, entries)
    column = {name: n for n, name in enumerate(names)}
    y_NL = np.zeros((len(entries), len(names)))
    for row, entry in enumerate(entries):
        stated = entry.codes.get(task.scheme)
        if stated is None:
            y_NL[row] = np.nan
        else:
            y_NL[row, [column[name] for name in set(stated) if name in column]] = 1
    return Targets(tuple(label_name(task.scheme, name) for name in names), y_NL)


def frequent(task: Task, entries: Sequence[Entry]) -> list[str]:
    """Statements of the task's scheme that at least `task.least` entries make, by name."""
    count: Counter[str] = Counter()
    for entry in entries:
        count.update(set(entry.codes.get(task.scheme, ())))
    allowed = set(task.only) or set(count)
    return sorted(name for name, times in count.items() if times >= task.least and name in allowed)


def _of_values(task: Task, entries: Sequence[Entry]) -> Targets:
    y_NL = np.array([[entry.values.get(name, np.nan) for name in task.targets] for entry in entries], dtype=np.float64)
    labels = tuple(label_name(task.dataset, name) for name in task.targets)
    return Targets(labels, y_NL.reshape(len(entries), len(labels)))
