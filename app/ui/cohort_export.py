"""The flow diagram and the split table of a cohort, written to files of the user's choice.

For the writing worker: nothing here touches a widget. As with all that leaves the workspace, a text that names somebody
seen at import is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.core.split_csv import split_csv, texts_of
from app.core.whole_file import write_file
from app.ui.cohort_view import FINAL, CohortSeen
from app.ui.cohort_words import flow_words
from app.ui.flow_diagram import flow_file

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
    return write_file("the flow diagram", path, content)


def write_split(workspace: Workspace, path: Path, seen: CohortSeen) -> Path:
    """Write the split table as CSV, whole or not at all.

    Raises:
        WorldError: it would name somebody, or the file cannot be written.
    """
    workspace.refuse_identifiers("the split table", path, texts_of(seen.parts))
    return write_file("the split table", path, split_csv(seen.parts).encode())
