"""Predictions that somebody else computed: a table of record, label, score, turned into one file by content hash."""

from __future__ import annotations

import hashlib
import math
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import models
from app.core.digests import sha256_of
from app.core.home import Home
from app.core.label_sheet import TOO_MANY, read_table, record_name
from app.core.rows import ModelRow
from app.core.schema import Record
from app.core.words import counted
from engine.contract.errors import UsageError, WorldError

_AMBIGUOUS = ""
PROBABILITY = "probability"
"""What a card says of scores that somebody calls probabilities."""


@dataclass(frozen=True)
class Scores:
    """Rows that could be used, and how many could not, by reason."""

    file_sha256: str
    rows: dict[tuple[str, str], float]
    left_out: dict[str, int]


def add(home: Home, csv: Path, name: str | None, trained_on: str = "", probabilities: bool = False) -> ModelRow:
    """Register a file of predictions as a model. It is read and kept before the database is asked to wait for anything.

    Raises:
        WorldError: it cannot be read, lacks a column, or no row names a recording of the workspace.
        UsageError: the name is taken, or scores that are said to be probabilities lie outside 0 to 1.
    """
    with home.db.read() as session:
        scores = read(session, csv)
    output = _output(scores, probabilities)
    sha256 = _keep(home, scores)
    covered = len({record for record, _ in scores.rows})
    notes = [f"Scores as supplied for {counted(covered, 'recording')}; file sha256 {scores.file_sha256}."]
    notes += [f"{counted(count, 'row')} left out: {reason}." for reason, count in sorted(scores.left_out.items())]
    chosen, fixed = name or csv.stem, name is not None
    with home.db.write() as session:
        return models.add_scores(session, chosen, sha256, output, tuple(notes), fixed, trained_on)


def read(session: Session, csv: Path) -> Scores:
    """Read a table of predictions and match it with the recordings of the workspace."""
    content, _, cells = read_table(csv, "predictions", ("record", "label", "score"))
    names = _names(session)
    rows: dict[tuple[str, str], float] = {}
    left_out: Counter[str] = Counter()
    for _, row in cells:
        record_id = names.get(record_name(row["record"]))
        fault = _fault(record_id, row, rows)
        if fault:
            left_out[fault] += 1
        else:
            rows[(str(record_id), row["label"])] = float(row["score"])
    if not rows:
        listed = (
            "; ".join(f"{counted(count, 'row')}: {reason}" for reason, count in left_out.items()) or "it has no row"
        )
        raise WorldError("predictions", f"no row can be used ({listed})", "Name recordings by file name or record id")
    return Scores(hashlib.sha256(content).hexdigest(), rows, dict(left_out))


def _names(session: Session) -> Mapping[str, str]:
    """By which names recordings are meant: their ids, and file names that only one has."""
    names: dict[str, str] = {}
    for record_id, source_name in session.execute(select(Record.record_id, Record.source_name)):
        names[source_name] = _AMBIGUOUS if source_name in names else record_id
    names |= {record_id: record_id for record_id in session.scalars(select(Record.record_id))}
    return names


def _fault(record_id: str | None, row: Mapping[str, str], rows: Mapping[tuple[str, str], float]) -> str:
    if TOO_MANY in row:
        return "more cells than columns"
    if record_id is None:
        return "no recording of this name"
    if record_id == _AMBIGUOUS:
        return "several recordings have this name"
    if not row["label"]:
        return "no label named"
    if (record_id, row["label"]) in rows:
        return "recording and label stand in an earlier row"
    try:
        finite = math.isfinite(float(row["score"]))
    except ValueError:
        finite = False
    return "" if finite else "the score is no finite number"


def _keep(home: Home, scores: Scores) -> str:
    """Write the scores once, under the hash of what is written; gives back the hash."""
    keys = sorted(scores.rows)
    draft = home.models / f"scores-{os.getpid()}.tmp.npz"
    try:
        np.savez(
            draft,
            record_id=np.array([record for record, _ in keys], dtype=np.str_),
            label=np.array([label for _, label in keys], dtype=np.str_),
            score=np.array([scores.rows[key] for key in keys], dtype=np.float64),
        )
        sha256 = sha256_of(draft)
        models.copy_in(home, sha256, {models.SCORES: draft})
    except OSError as error:
        reason = f"they cannot be kept ({error.strerror or type(error).__name__})"
        raise WorldError("predictions", reason, "Free some space and add them again") from None
    finally:
        draft.unlink(missing_ok=True)
    return sha256


def _output(scores: Scores, probabilities: bool) -> str:
    if probabilities:
        beyond = sum(not 0 <= value <= 1 for value in scores.rows.values())
        if beyond:
            reason = f"{counted(beyond, 'score')} lie outside 0 to 1: they are no probabilities"
            raise UsageError("predictions", reason, "Add them without saying that they are")
        return PROBABILITY
    return "binary flag" if set(scores.rows.values()) <= {0.0, 1.0} else "uncalibrated score"
