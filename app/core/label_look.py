"""What a label table seems to be before anything is decided: its columns, its rows, and how it could be joined."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.core.label_columns import ColumnGuess, Meaning, guesses
from app.core.label_import import suggested_mapping
from app.core.label_sheet import OTHER_COLUMNS
from app.core.label_table import Table
from app.core.label_values import LabelMapping
from engine.contract.errors import UsageError, WorldError


@dataclass(frozen=True)
class LabelLook:
    """A label table at first sight.

    Attributes:
        table: as read; it can be handed to preview and import, which then need not read it again.
        columns: what each column seems to mean, and why.
        mapping: what is suggested; where no column names a recording, one that joins on the first column.
        fault: why no way of joining could be suggested; empty when one was.
        next_step: what to do about it.
        plain: whether an import of recordings can take it along as it is: a column `record`, and yes or no elsewhere.
    """

    table: Table
    columns: tuple[ColumnGuess, ...] = field(repr=False)
    mapping: LabelMapping
    fault: str = ""
    next_step: str = ""
    plain: bool = False


def look(session: Session, key: bytes, table: Table, join: Meaning | None = None, on: str | None = None) -> LabelLook:
    """Guess what the columns of a table mean. Raises UsageError for a column that it has not."""
    found = tuple(guesses(table))
    try:
        mapping, fault, step = suggested_mapping(session, key, table, join, on), "", ""
    except UsageError:
        raise
    except WorldError as error:
        mapping, fault, step = _unjoined(table, found), error.reason, error.next_step
    return LabelLook(table, found, mapping, fault, step, is_plain(table, found))


def is_plain(table: Table, found: tuple[ColumnGuess, ...]) -> bool:
    """Whether the way of `isoline import --labels` reads it whole, without being told what its columns mean."""
    names = [name.casefold() for name in table.columns]
    yes_no = all(
        guess.meaning == "binary" or not guess.known for guess in found if guess.column.casefold() not in OTHER_COLUMNS
    )
    return "record" in names and len(set(names)) == len(names) and yes_no


def _unjoined(table: Table, found: tuple[ColumnGuess, ...]) -> LabelMapping:
    left_out = ("ignore", "record", "file")
    columns = {guess.column: guess.meaning for guess in found[1:] if guess.meaning not in left_out}
    return LabelMapping("record", table.columns[0], columns)
