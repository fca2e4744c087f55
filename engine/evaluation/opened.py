"""What the app opened for a run: labels, age and sex of its recordings, and scores that somebody supplied.

Legend: N recordings of the manifest, L labels.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.contract.run import RunFolder
from engine.data.digests import sha256_of
from engine.data.manifest import Manifest
from engine.data.splits import split_digest

Floats = NDArray[np.float64]

GROUP = "group_"
"""Begins the names of the arrays that hold the groups of recordings."""

SEXES = {1.0: "female", 0.0: "male"}
AGE_BANDS = (
    ("under 18 years", 18.0),
    ("18 to 39 years", 40.0),
    ("40 to 64 years", 65.0),
    ("65 to 79 years", 80.0),
    ("80 years and over", np.inf),
)
"""Name, and the age that it ends below. 65 and 80 are where trials divide adults; ages of 90 and over are cut to 90."""


@dataclass(frozen=True)
class Opened:
    """The recordings of a run with what may be known of them, in the manifest's order.

    Attributes:
        y_NL: 1, 0, NaN where unknown, one column a label that the config names.
        age_N: years, NaN where unknown.
        sex_N: 1 female, 0 male, NaN where unknown.
        split: part of each recording.
        targets: measured numbers that the config names.
        target_NK: their values, NaN where unknown.
        measured: names of what the cart itself measured.
        measured_NM: its measurements, NaN where there is none.
        groups: by attribute ("sex", "age", "device", "year", "dataset") the group of each recording, "" unknown.
    """

    record_ids: list[str]
    patients: list[str]
    split: list[str]
    labels: list[str]
    y_NL: Floats
    age_N: Floats
    sex_N: Floats
    targets: list[str] = field(default_factory=list)
    target_NK: Floats = field(default_factory=lambda: np.empty((0, 0)))
    groups: dict[str, list[str]] = field(default_factory=dict)
    measured: list[str] = field(default_factory=list)
    measured_NM: Floats = field(default_factory=lambda: np.empty((0, 0)))


def open_labels(folder: RunFolder, labels: Sequence[str], targets: Sequence[str] = ()) -> Opened:
    """Read the run's manifest and labels.npz.

    Raises:
        WorldError: no labels were opened for this run, they are not those of its manifest, or one is missing.
    """
    again = "Start the run from Isoline, which opens its labels"
    manifest = Manifest.read(folder.manifest_path)
    arrays = read_arrays(folder.labels_path, "labels of the run", again)
    record_ids = [name.decode() for name in manifest.ids_N.tolist()]
    people = [person.decode() for person in manifest.people.tolist()]  # one text a patient, not one a row
    if arrays["record_id"].tolist() != record_ids or not record_ids:
        raise WorldError("labels of the run", "they are not those of its manifest", again)
    known = arrays["labels"].tolist()
    absent = [label for label in (*labels, *targets) if label not in known]
    if absent:
        raise WorldError("labels of the run", f"there is none called {', '.join(absent)}", "Choose other labels")
    value_NA = arrays["y"].astype(np.float64)
    age_N, sex_N = arrays["age"].astype(np.float64), arrays["sex"].astype(np.float64)
    told = {name.removeprefix(GROUP): array for name, array in arrays.items() if name.startswith(GROUP)}
    return Opened(
        record_ids,
        [people[number] for number in manifest.patients_N.tolist()],
        [manifest.sides[number] for number in manifest.sides_N.tolist()],
        list(labels),
        value_NA[:, [known.index(label) for label in labels]],
        age_N,
        sex_N,
        list(targets),
        value_NA[:, [known.index(target) for target in targets]],
        {
            "sex": [SEXES.get(sex, "") for sex in sex_N.tolist()],
            "age": [age_band(age) for age in age_N.tolist()],
            **{name: array.astype(str).tolist() for name, array in told.items()},
        },
        arrays["measured"].tolist() if "measured" in arrays else [],
        arrays["measurements"].astype(np.float64) if "measurements" in arrays else np.empty((len(record_ids), 0)),
    )


def age_band(years: float) -> str:
    """The age group that subgroups are told by; "" where the age is not known."""
    return next((name for name, below in AGE_BANDS if years < below), "")


def label_digests(opened: Opened, rows_N: NDArray[np.intp]) -> dict[str, str]:
    """By label, the hash of which of these recordings has which value: by it a later run knows the same labels."""
    record_ids = [opened.record_ids[row] for row in rows_N]
    return {label: split_digest(record_ids, opened.y_NL[rows_N, n].tolist()) for n, label in enumerate(opened.labels)}


@dataclass(frozen=True)
class Supplied:
    """Scores that somebody else computed, laid over the manifest.

    Attributes:
        score_NL: NaN where there is none, or none that is finite.
        foreign: scores that name no recording or no label of this run.
        sha256: of the file.
    """

    score_NL: Floats
    foreign: int
    sha256: str


def supplied_scores(path: Path, record_ids: Sequence[str], labels: Sequence[str]) -> Supplied:
    """Read a predictions.npz in long form (record_id, label, score), or in wide form (record_id, labels, scores).

    Raises:
        WorldError: the file is missing or damaged, or scores one recording and label twice.
    """
    again = "Register the scores again"
    arrays = read_arrays(path, "supplied scores", again)
    digest = sha256_of(path)
    row, column = ({name: place for place, name in enumerate(names)} for names in (record_ids, labels))
    if "labels" in arrays:
        return Supplied(*_wide(arrays, row, column), digest)
    score_NL, seen_NL, foreign = np.full((len(row), len(column)), np.nan), np.zeros((len(row), len(column)), bool), 0
    for record, label, score in zip(
        arrays["record_id"].tolist(), arrays["label"].tolist(), arrays["score"], strict=True
    ):
        if record not in row or label not in column:
            foreign += 1
            continue
        place = row[record], column[label]
        if seen_NL[place]:
            raise WorldError("supplied scores", f"record {record} has two scores for one label", "Supply one of them")
        seen_NL[place] = True
        score_NL[place] = score if np.isfinite(score) else np.nan
    return Supplied(score_NL, foreign, digest)


def _wide(arrays: dict[str, NDArray[np.generic]], row: dict[str, int], column: dict[str, int]) -> tuple[Floats, int]:
    """Scores of one row a recording laid over the manifest, and how many name none of it."""
    score_NL = np.full((len(row), len(column)), np.nan)
    told = [(row.get(record, -1), place) for place, record in enumerate(arrays["record_id"].tolist())]
    asked = [(column.get(label, -1), place) for place, label in enumerate(arrays["labels"].tolist())]
    rows, columns = ([pair for pair in pairs if pair[0] >= 0] for pairs in (told, asked))
    if rows and columns:
        (into_N, from_N), (into_L, from_L) = np.array(rows).T, np.array(columns).T
        score_NL[np.ix_(into_N, into_L)] = arrays["scores"].astype(np.float64)[np.ix_(from_N, from_L)]
    score_NL[~np.isfinite(score_NL)] = np.nan
    said = np.isfinite(arrays["scores"].astype(np.float64))
    here = said[np.ix_([place for _, place in rows], [place for _, place in columns])]
    return score_NL, int(said.sum() - here.sum())


def read_arrays(path: Path, thing: str, next_step: str) -> dict[str, NDArray[np.generic]]:
    """All arrays of an .npz file. Raises WorldError when it is missing or damaged."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise WorldError(thing, "they are not there", next_step) from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise WorldError(thing, f"they cannot be read ({type(error).__name__})", next_step) from None
