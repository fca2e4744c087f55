"""The search of files that somebody wants to send away: text, tables, JSON and PDF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.core import leaving
from app.core.home import Home
from app.core.leaving import Found
from engine.contract.errors import WorldError

LARGEST = 200 * 2**20


def search_files(home: Home, paths: Sequence[Path]) -> dict[Path, list[Found]]:
    """Which kinds of identifiers seen at import stand in which files; an empty list where there is none.

    Raises:
        WorldError: a file cannot be read or is no text; it is named by its place among those asked for, since a name
            may identify.
    """
    found: dict[Path, list[Found]] = {}
    with home.db.read() as session:
        for number, path in enumerate(paths, start=1):
            try:
                found[path] = leaving.search(session, home.key, _texts(path))
            except WorldError as error:
                thing = error.thing if len(paths) == 1 else f"file {number} of {len(paths)}"
                raise WorldError(thing, error.reason, error.next_step, fault=error.fault) from None
    return found


def texts_of_pdf(path: Path) -> dict[str, str]:
    """The text of each page, and of what is attached."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(path)
        texts = {f"page {n}": page.extract_text() for n, page in enumerate(reader.pages, start=1)}
        for name, parts in reader.attachments.items():
            texts[f"attachment {name}"] = "\n".join(part.decode("utf-8", "replace") for part in parts)
        texts["properties"] = "\n".join(str(value) for value in (reader.metadata or {}).values())
    except (PyPdfError, OSError, ValueError, KeyError):
        raise WorldError("file", "it is no PDF that can be read", "Export it again") from None
    return texts


def _texts(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > LARGEST:
            raise WorldError("file", "it is larger than 200 MiB", "Search it in parts")
        content = path.read_bytes()
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or type(error).__name__})"
        raise WorldError("file", reason, "Check the path and your rights") from None
    if content.startswith(b"%PDF-"):
        return texts_of_pdf(path)
    if b"\0" in content[:4096]:
        raise WorldError("file", "it is no text", "Search text, CSV, JSON, SVG or PDF files")
    text = content.decode("utf-8", "replace")
    if path.suffix.lower() == ".svg":
        text = leaving.shown_of_svg(text)
    if path.suffix.lower() == ".csv":
        text = leaving.cells_of_csv(text)
    return {leaving.NAME_OF_FILE: path.stem} | {
        f"line {n}": line for n, line in enumerate(text.splitlines(), start=1) if line.strip()
    }
