"""From a table of predictions to answers by recording and label, and to counts of what could not be used, and why.

Legend: N recordings, L labels.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.core.categories import CategoryMap, flags_of, refuse_unmapped
from app.core.label_sheet import record_name
from app.core.prediction_table import FLAGS, NO_OUTPUT, PredictionTable, ValueKind
from engine.contract.errors import UsageError

Floats = NDArray[np.float64]
Key = tuple[str, str]

_NUMBER_FAULTS: dict[ValueKind, str] = {
    "probability": "the probability is no finite number",
    "score": "the score is no finite number",
    "flag": "the flag is neither 1 nor 0",
}


@dataclass(frozen=True)
class Reading:
    """What somebody says of a table's answers.

    Attributes:
        kind: what all of them are; None leaves it to the column's name, else they are scores.
        kinds: by label, where they differ.
        categories: what words mean.
        no_output: further words for "no output".
    """

    kind: ValueKind | None = None
    kinds: Mapping[str, ValueKind] = field(default_factory=dict)
    categories: CategoryMap = field(default_factory=CategoryMap)
    no_output: tuple[str, ...] = ()

    @cached_property
    def silent(self) -> frozenset[str]:
        """All words for "no output", in lower case."""
        return NO_OUTPUT | {word.strip().casefold() for word in self.no_output}


@dataclass(frozen=True)
class Predictions:
    """Answers that could be used, and how many could not.

    Attributes:
        arrays: as they are kept: record_id, label, score one answer a row; or record_id [N], labels [L], scores [N, L].
        kinds: by label.
        left_out: what ("row", "answer"), why, how many; in the order of the reasons.
        answers: that were given.
        silent: answers that say "no output".
        recordings: with any answer, be it "no output".
        beyond: of what is said to be probabilities, those outside 0 to 1.
        unread: columns that are no answers.
    """

    file_sha256: str
    arrays: dict[str, NDArray[np.generic]]
    kinds: dict[str, ValueKind]
    left_out: tuple[tuple[str, str, int], ...]
    answers: int
    silent: int
    recordings: int
    beyond: int
    unread: int


def read_predictions(table: PredictionTable, names: Mapping[str, str], asked: Reading) -> Predictions:
    """Read a table and match it with the recordings of the workspace.

    Args:
        table: as opened.
        names: id by name of a recording; empty where several have the name.
        asked: what somebody says of the answers.

    Raises:
        WorldError: it cannot be read to its end.
        UsageError: what is said contradicts the column's name, or words are mapped to nothing.
    """
    _refuse_contradiction(table, asked)
    return _Wide(table, names, asked).read() if table.labels else _Long(table, names, asked).read()


def _refuse_contradiction(table: PredictionTable, asked: Reading) -> None:
    if asked.kind is not None and table.kind not in (None, "score", asked.kind):
        reason = f"its column says {table.kind}, and {asked.kind} was said"
        raise UsageError("predictions", reason, "Say what they are in one place")
    strange = [label for label in asked.kinds if table.labels and label not in table.labels]
    if strange:
        raise UsageError("predictions", f"it has no column '{strange[0]}'", f"It has: {', '.join(table.labels[:20])}")


class _Matching:
    """Rows to recordings, and the count of what is left out."""

    def __init__(self, table: PredictionTable, names: Mapping[str, str], asked: Reading) -> None:
        self.table, self.names, self.asked = table, names, asked
        self.rows: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def kind_of(self, label: str) -> ValueKind:
        """What the answers of a label are said to be."""
        return self.asked.kinds.get(label) or self.asked.kind or self.table.kind or "score"

    def record_of(self, cell: str) -> str:
        """The id of the recording that a cell names; empty, and counted, where it names none."""
        found = self.names.get(record_name(cell))
        if not found:
            self.rows["no recording of this name" if found is None else "several recordings have this name"] += 1
        return found or ""

    @property
    def left_out(self) -> tuple[tuple[str, str, int], ...]:
        """What was left out, why, and how often."""
        told = [("row", reason, count) for reason, count in self.rows.items()]
        told += [("answer", reason, count) for reason, count in self.answers.items()]
        return tuple(sorted(told, key=lambda one: (one[1], one[0])))

    def judged(self, label: str, values: Iterable[float]) -> ValueKind:
        """What the answers of a label are: what is nothing but 0 and 1, and nobody calls scores, are flags."""
        kind = self.kind_of(label)
        unsaid = kind == "score" and self.asked.kind is None and label not in self.asked.kinds
        return "flag" if unsaid and {*values} == {0.0, 1.0} else kind


class _Long(_Matching):
    """One row an answer."""

    def read(self) -> Predictions:
        values: dict[Key, float] = {}
        words: dict[Key, list[str]] = {}
        columns = [name for name in (self.table.label, self.table.value) if name]
        for row in self.table.answers(columns):
            if row is None:
                self.rows["more cells than columns"] += 1
                continue
            record, label, cell = row if len(row) == 3 else (row[0], self.table.value, row[1])
            found = self.record_of(record)
            if found and not label:
                self.rows["no label named"] += 1
            elif found and self.kind_of(label) == "category":
                self._word(words, (found, label), cell)
            elif found:
                self._number(values, (found, label), cell)
        flags = _mapped(words, self.asked.categories)
        kinds = self._kinds(values) | dict.fromkeys(sorted({label for _, label in flags}), "category")
        return self._told(values | flags, kinds)

    def _word(self, words: dict[Key, list[str]], key: Key, cell: str) -> None:
        said = cell.strip()
        told = words.setdefault(key, [])
        if said.casefold() in self.asked.silent:
            return
        if said in told:
            self.rows["recording and label stand in an earlier row"] += 1
        else:
            told.append(said)

    def _number(self, values: dict[Key, float], key: Key, cell: str) -> None:
        if key in values:
            self.rows["recording and label stand in an earlier row"] += 1
            return
        kind, said = self.kind_of(key[1]), cell.strip().casefold()
        if said in self.asked.silent:
            values[key] = math.nan
            return
        try:
            value = FLAGS.get(said, math.inf) if kind == "flag" else float(said)
        except ValueError:
            value = math.inf
        if math.isfinite(value):
            values[key] = value
        else:
            self.rows[_NUMBER_FAULTS[kind]] += 1

    def _kinds(self, values: Mapping[Key, float]) -> dict[str, ValueKind]:
        by_label: dict[str, set[float]] = {}
        for (_, label), value in values.items():
            by_label.setdefault(label, set()).update(() if math.isnan(value) else (value,))
        whole = set[float]().union(*by_label.values())
        kinds = {label: self.judged(label, told) for label, told in sorted(by_label.items())}
        if self.asked.kind is None and whole <= {0.0, 1.0}:  # a label that is never, or always, found is a flag too
            kinds = {label: "flag" if kind == "score" else kind for label, kind in kinds.items()}
        return kinds

    def _told(self, values: Mapping[Key, float], kinds: dict[str, ValueKind]) -> Predictions:
        keys = sorted(values)
        score = np.array([values[key] for key in keys], dtype=np.float64)
        said = np.isfinite(score)
        likely = np.array([kinds[label] == "probability" for _, label in keys], dtype=bool)
        return Predictions(
            self.table.sha256,
            {
                "record_id": np.array([record for record, _ in keys], dtype=np.str_),
                "label": np.array([label for _, label in keys], dtype=np.str_),
                "score": score,
            },
            kinds,
            self.left_out,
            int(said.sum()),
            int((~said).sum()),
            len({record for record, _ in keys}),
            int((likely & said & ((score < 0) | (score > 1))).sum()),
            len(self.table.left),
        )


class _Wide(_Matching):
    """One column a label."""

    def read(self) -> Predictions:
        by_kind: dict[bool, list[str]] = {True: [], False: []}
        words = [label for label in self.table.labels if self.kind_of(label) == "category"]
        for label in self.table.labels:
            if label not in words:
                by_kind[self.kind_of(label) == "flag"].append(label)
        parts: list[tuple[list[str], Floats]] = []
        records: list[str] = []
        for flags, labels in by_kind.items():
            if labels:
                records, value_NL, spoilt = self.table.matrix(labels, self.asked.silent, flags)
                self.rows["more cells than columns"] = spoilt
                parts.append((labels, value_NL))
        if words:
            records, labels, value_NL = self._words(words)
            parts.append((labels, value_NL))
        ids, kept = self._matched(records)
        labels = [label for names, _ in parts for label in names]
        value_NL = np.concatenate([value_NL[kept] for _, value_NL in parts], axis=1)
        self.rows += Counter()  # drops what was counted as none
        return self._told(ids, labels, value_NL, {label for label in labels if label not in self.table.labels})

    def _matched(self, records: Sequence[str]) -> tuple[list[str], list[int]]:
        """Ids of the recordings that are there, each once, in the order of the ids; and their rows."""
        place: dict[str, int] = {}
        for row, cell in enumerate(records):
            found = self.record_of(cell)
            if found in place:
                self.rows["the recording stands in an earlier row"] += 1
            elif found:
                place[found] = row
        ids = sorted(place)
        return ids, [place[record_id] for record_id in ids]

    def _words(self, columns: Sequence[str]) -> tuple[list[str], list[str], Floats]:
        """Records, labels and flags of the columns that hold words."""
        told: dict[Key, list[str]] = {}
        records: list[str] = []
        for row in self.table.answers(columns):
            if row is not None:
                for column, cell in zip(columns, row[1:], strict=True):
                    said = cell.strip()
                    told[(str(len(records)), column)] = [] if said.casefold() in self.asked.silent else [said]
                records.append(row[0])
        flags = _mapped(told, self.asked.categories)
        labels = sorted({label for _, label in flags})
        value_NL = np.full((len(records), len(labels)), np.nan)
        place = {label: column for column, label in enumerate(labels)}
        for (number, label), value in flags.items():
            value_NL[int(number), place[label]] = value
        return records, labels, value_NL

    def _told(self, ids: list[str], labels: list[str], value_NL: Floats, mapped: set[str]) -> Predictions:
        kinds: dict[str, ValueKind] = {}
        for column, label in enumerate(labels):
            told_N = value_NL[:, column]
            off_N = np.isinf(told_N)
            kind: ValueKind = "category" if label in mapped else self.judged(label, _distinct(told_N))
            if off_N.any():
                self.answers[_NUMBER_FAULTS[self.kind_of(label)]] += int(off_N.sum())
            kinds[label] = kind
        lost = int(np.isinf(value_NL).sum())
        value_NL = np.where(np.isinf(value_NL), np.nan, value_NL)
        said_NL = np.isfinite(value_NL)
        likely_L = np.array([kinds[label] == "probability" for label in labels], dtype=bool)
        with np.errstate(invalid="ignore"):
            beyond = int((said_NL & likely_L & ((value_NL < 0) | (value_NL > 1))).sum())
        return Predictions(
            self.table.sha256,
            {
                "record_id": np.array(ids, dtype=np.str_),
                "labels": np.array(labels, dtype=np.str_),
                "scores": value_NL,
            },
            kinds,
            self.left_out,
            int(said_NL.sum()),
            int((~said_NL).sum()) - lost,
            len(ids),
            beyond,
            len(self.table.left),
        )


def _distinct(told_N: Floats) -> set[float]:
    """The values, where there are few; enough to tell flags."""
    first = np.unique(told_N[np.isfinite(told_N)][:1000])
    return set(first.tolist()) if len(first) > 2 else set(np.unique(told_N[np.isfinite(told_N)]).tolist())


def _mapped(words: Mapping[Key, Sequence[str]], known: CategoryMap) -> dict[Key, float]:
    """Flags by recording and label.

    A label is answered by the columns in which its words stand anywhere. A recording that has none of its words there
    is 0, or NaN where one of these columns gave no output for it.
    """
    if not words:
        return {}
    refuse_unmapped(Counter(word for told in words.values() for word in told), known)
    records = dict.fromkeys(record for record, _ in words)
    flags: dict[Key, float] = {}
    for label, columns in _columns_of(words, known).items():
        for record in records:
            told = [words.get((record, column), ()) for column in columns]
            found = flags_of([word for some in told for word in some], label, known)
            flags[(record, label)] = found if found or all(told) else math.nan
    return flags


def _columns_of(words: Mapping[Key, Sequence[str]], known: CategoryMap) -> dict[str, list[str]]:
    """By label the columns that its words stand in; all of them where they stand in none."""
    found: dict[str, dict[str, None]] = {label: {} for label in known.labels}
    for (_, column), told in words.items():
        for word in told:
            for label in known.meanings[word.casefold()]:
                found[label][column] = None
    every = list(dict.fromkeys(column for _, column in words))
    return {label: list(columns) or every for label, columns in found.items()}
