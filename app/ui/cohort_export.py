"""The flow diagram and the split table of a cohort, written to files of the user's choice.

For the writing worker: nothing here touches a widget. As with all that leaves the workspace, a text that names somebody
seen at import is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.ui.cohort_split import split_csv
from app.ui.cohort_view import FINAL, CohortSeen
from app.ui.cohort_words import flow_words
from app.ui.flow_diagram import flow_file
from engine.contract.errors import WorldError

if TYPE_CHECKING:
    from app.workspace import Workspace


def write_flow(workspace: Workspace, path: Path, seen: CohortSeen) -> Path:
    """Write the flow diagram, whole or not at all: as PNG where the name ends so, else as SVG.

    Raises:
        WorldError: it would name somebody, or the file cannot be written.
    """
    parts = "\n".join(part.name for part in seen.parts)
    words = {"name of the cohort": seen.row.name, "diagram": "\n".join(flow_words(seen.flow, FINAL)), "parts": parts}
    workspace.refuse_identifiers("the flow diagram", path, words)
    content = flow_file(path.suffix, seen.flow, seen.parts, f"Cohort {seen.row.name}", FINAL)
    return _write("the flow diagram", path, content)


def write_split(workspace: Workspace, path: Path, seen: CohortSeen) -> Path:
    """Write the split table as CSV, whole or not at all.

    Raises:
        WorldError: it would name somebody, or the file cannot be written.
    """
    told = {"parts": "\n".join(part.name for part in seen.parts)}
    told["labels"] = "\n".join(seen.parts[0].positives) if seen.parts else ""
    workspace.refuse_identifiers("the split table", path, told)
    return _write("the split table", path, split_csv(seen.parts).encode())


def _write(what: str, path: Path, content: bytes) -> Path:
    draft = path.with_name(f"{path.name}.tmp")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        raise WorldError(what, f"it cannot be written ({error.strerror})", "Choose another place") from None
    return path
