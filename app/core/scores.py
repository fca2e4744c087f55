"""Predictions that somebody else computed: a table of answers, turned into one file by content hash."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import models
from app.core.digests import sha256_of
from app.core.home import Home
from app.core.prediction_reading import Predictions, Reading, read_predictions
from app.core.prediction_table import ValueKind, open_predictions
from app.core.rows import ModelRow
from app.core.schema import Record
from app.core.words import counted
from engine.contract.errors import UsageError, WorldError

_AMBIGUOUS = ""
PROBABILITY = "probability"
"""What a card says of scores that somebody calls probabilities."""

OUTPUTS: dict[ValueKind, str] = {
    "probability": PROBABILITY,
    "score": "uncalibrated score",
    "flag": "binary flag",
    "category": "category, mapped to labels",
}
"""What a card says of answers."""

NAMED = 20
"""Words of a mapping that a card's notes list; the audit trail has all of them."""


def add(home: Home, path: Path, name: str | None, trained_on: str = "", reading: Reading | None = None) -> ModelRow:
    """Register a file of predictions as a model. It is read and kept before the database is asked to wait for anything.

    Args:
        home: the workspace.
        path: the table, CSV or Parquet.
        name: in this workspace; the file's when left out.
        trained_on: what the model's maker declares.
        reading: what somebody says of its answers.

    Raises:
        WorldError: it cannot be read, lacks a column, or no row names a recording of the workspace.
        UsageError: the name is taken, answers that are said to be probabilities lie outside 0 to 1, or words are mapped
            to nothing.
    """
    asked = reading or Reading()
    table = open_predictions(path)
    with home.db.read() as session:
        names = _names(session)
    told = read_predictions(table, names, asked)
    _refuse_empty(told)
    _refuse_no_probabilities(told)
    sha256 = _keep(home, told, asked)
    kinds = told.kinds
    same = len(set(kinds.values())) == 1
    output: ValueKind = next(iter(kinds.values())) if same else "score"
    others = {} if same else {label: kind for label, kind in kinds.items() if kind != output}
    said = ", ".join(dict.fromkeys(OUTPUTS[kind] for kind in kinds.values()))
    chosen, notes = name or path.stem, tuple(_notes(told, asked))
    with home.db.write() as session:
        return models.add_scores(
            session,
            chosen,
            sha256,
            (output, others, said),
            notes,
            fixed=name is not None,
            trained_on=trained_on,
            detail=_detail(asked),
        )


def _names(session: Session) -> Mapping[str, str]:
    """By which names recordings are meant: their ids, and file names that only one has."""
    names: dict[str, str] = {}
    for record_id, source_name in session.execute(select(Record.record_id, Record.source_name)):
        names[source_name] = _AMBIGUOUS if source_name in names else record_id
    names |= {record_id: record_id for record_id in session.scalars(select(Record.record_id))}
    return names


def _refuse_empty(told: Predictions) -> None:
    if told.answers:
        return
    silent = f"; {counted(told.silent, 'answer')}: no output" if told.silent else ""
    listed = "; ".join(f"{counted(count, noun)}: {reason}" for noun, reason, count in told.left_out)
    reason = f"no row can be used ({(listed or 'it has no row') + silent})"
    raise WorldError("predictions", reason, "Name recordings by file name or record id")


def _refuse_no_probabilities(told: Predictions) -> None:
    if told.beyond:
        reason = f"{counted(told.beyond, 'score')} lie outside 0 to 1: they are no probabilities"
        raise UsageError("predictions", reason, "Add them without saying that they are")


def _notes(told: Predictions, asked: Reading) -> list[str]:
    """What of the file counts, and what was left out; who says what its words mean."""
    notes = [f"Scores as supplied for {counted(told.recordings, 'recording')}; file sha256 {told.file_sha256}."]
    if told.silent:
        notes.append(
            f"No output in {counted(told.silent, 'answer')}: counted, and held against the model where nobody may be "
            "left out (intention to diagnose)."
        )
    notes += [f"{counted(count, noun)} left out: {reason}." for noun, reason, count in told.left_out]
    if told.unread:
        notes.append(f"{counted(told.unread, 'column')} not read: no answers.")
    if asked.categories.signed_by:
        lines = asked.categories.lines
        more = f"; and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
        notes.append(f"Words mapped to labels by {asked.categories.signed_by}: {'; '.join(lines[:NAMED])}{more}.")
    return notes


def _detail(asked: Reading) -> dict[str, object]:
    """For the audit trail: the mapping, whole, and whose word it is."""
    known = asked.categories
    return {"mapped_by": known.signed_by, "mapping": known.lines} if known.signed_by else {}


def _keep(home: Home, told: Predictions, asked: Reading) -> str:
    """Write the scores once, under the hash of what is written; gives back the hash."""
    draft = home.models / f"scores-{os.getpid()}.tmp.npz"
    arrays = told.arrays | _signed(asked)
    try:
        np.savez(draft, **arrays)
        sha256 = sha256_of(draft)
        models.copy_in(home, sha256, {models.SCORES: draft})
    except OSError as error:
        reason = f"they cannot be kept ({error.strerror or type(error).__name__})"
        raise WorldError("predictions", reason, "Free some space and add them again") from None
    finally:
        draft.unlink(missing_ok=True)
    return sha256


def _signed(asked: Reading) -> dict[str, np.ndarray]:
    """The mapping as it is kept with the answers that it made."""
    known = asked.categories
    if not known.signed_by:
        return {}
    lines: Sequence[str] = known.lines
    return {"mapping": np.array(lines, dtype=np.str_), "mapped_by": np.array([known.signed_by], dtype=np.str_)}
