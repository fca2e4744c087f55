"""Tables of public corpora: comma, bar or tab separated, gzipped or not, and Excel sheets; row by row, never whole.

An error names the table by its role, never by its path: folders of hospitals may carry names.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path

from engine.contract.errors import WorldError

Row = dict[str, str]
csv.field_size_limit(1 << 24)  # reports and lists of codes are longer than the default of 128 kB


def find_table(folder: Path, *names: str) -> Path:
    """The first of these files that is in the folder, whatever its case, gzipped or not.

    Raises:
        WorldError: none is there, or the folder cannot be looked into.
    """
    held = {path.name.lower(): path for path in below(folder)}
    for name in names:
        for form in (name.lower(), name.lower() + ".gz"):
            if form in held:
                return held[form]
    raise WorldError(f"table {names[0]}", "it is not in the folder", "Name the folder that the corpus was unpacked to")


def has_table(folder: Path, *names: str) -> bool:
    """Whether one of these files is in the folder. Raises WorldError when the folder cannot be looked into."""
    held = {path.name.lower() for path in below(folder)}
    return any(name.lower() + end in held for name in names for end in ("", ".gz"))


def below(folder: Path) -> list[Path]:
    """What lies in a folder, by name; nothing where there is none.

    Raises:
        WorldError: it cannot be looked into.
    """
    try:
        return sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise _closed(error) from None


def walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder from this one down with the names of its files, both in order.

    Raises:
        WorldError: one cannot be opened; passing it over would lose its recordings without a word.
    """

    def refuse(error: OSError) -> None:
        """Without this, `os.walk` goes on."""
        raise _closed(error) from None

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        yield Path(place), sorted(names)


def _closed(error: OSError) -> WorldError:
    reason = f"a folder in it cannot be opened ({type(error).__name__})"
    return WorldError("folder of the corpus", reason, "Check its permissions and the disk")


def read_table(path: Path, needed: Sequence[str], delimiter: str = ",") -> Iterator[Row]:
    """Rows as text, one at a time. Column names are stripped and matched without regard to case.

    Args:
        path: the table.
        needed: columns that must be there; keys of the rows are spelled as here, others as in the table.
        delimiter: between fields.

    Raises:
        WorldError: a column is missing, or the table cannot be read.
    """
    try:
        with _open(path) as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            names = _columns(path, reader.fieldnames or (), needed)
            for row in reader:
                yield {names[key]: (value or "").strip() for key, value in row.items() if key is not None}
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, type(error).__name__) from None


def read_columns(path: Path, needed: Sequence[str], delimiter: str = ",") -> Iterator[tuple[str, ...]]:
    """Some columns alone of a long table, a tuple a row in the order asked for; several times as fast as `read_table`.

    Args:
        path: the table.
        needed: at least two columns, matched without regard to case.
        delimiter: between fields.

    Raises:
        WorldError: a column is missing, a line is shorter than it must be, or the table cannot be read.
    """
    try:
        with _open(path) as file:
            rows = csv.reader(file, delimiter=delimiter)
            head = next(rows, [])
            spelled = _columns(path, head, needed)
            places = {spelled[name]: place for place, name in enumerate(head)}
            chosen = itemgetter(*(places[name] for name in needed))
            for row in rows:
                if row:
                    yield chosen(row)
    except IndexError:
        raise _unreadable(path, "a line is too short") from None
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, type(error).__name__) from None


def read_sheet(path: Path, needed: Sequence[str]) -> Iterator[Row]:
    """Rows of the first sheet of an Excel file, as text.

    Raises:
        WorldError: a column is missing, or the file cannot be read.
    """
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    book = None
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(values_only=True)
        head = ["" if cell is None else str(cell) for cell in next(rows, ())]
        names = _columns(path, head, needed)
        for cells in rows:
            texts = ["" if cell is None else str(cell).strip() for cell in cells]
            yield {names[key]: text for key, text in zip(head, texts, strict=False)}
    except (OSError, KeyError, IndexError, zipfile.BadZipFile, InvalidFileException) as error:
        raise _unreadable(path, type(error).__name__) from None
    finally:
        if book is not None:
            book.close()


def number(text: str) -> float | None:
    """A finite number, or None where the cell is empty or says that nothing is known."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _open(path: Path) -> io.TextIOBase:
    if path.suffix.lower() == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _columns(path: Path, found: Sequence[str], needed: Sequence[str]) -> dict[str, str]:
    """How each column of the table is to be called."""
    spelled = {name.lower(): name for name in needed}
    names = {name: spelled.get(name.strip().lower(), name.strip()) for name in found}
    missing = [name for name in needed if name not in names.values()]
    if missing:
        raise WorldError(
            f"table {_role(path)}", f"it has no column {', '.join(missing)}", "Use the table as it was published"
        )
    return names


def _unreadable(path: Path, why: str) -> WorldError:
    return WorldError(f"table {_role(path)}", f"it cannot be read ({why})", "Download it again")


def _role(path: Path) -> str:
    # Names of tables are the distributor's, so they say nothing about a person.
    return path.name
