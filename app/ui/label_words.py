"""Labels of data, told: what columns mean, what a table would do, which rows it leaves out. Never a cell of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel

from app.core.words import counted

if TYPE_CHECKING:
    from app.core.label_columns import Meaning
    from app.core.label_import import LabelPreview
    from app.core.label_look import LabelLook

JOIN_WORDS: dict[Meaning, str] = {
    "record": "recording (its name or id)",
    "file": "file of the recording",
    "patient": "patient (all recordings)",
}
MEANING_WORDS: dict[Meaning, str] = {
    "ignore": "Leave out",
    "binary": "Label: yes or no",
    "number": "Label: number",
    "scp": "SCP-ECG statements",
    "snomed": "SNOMED CT codes",
    "icd10": "ICD-10 codes",
    "age": "Age in years",
    "sex": "Sex",
    "patient": "Patient id",
}
LINES_NAMED = 8
UNKNOWN_IS_NOT_NEGATIVE = "Unknown is not negative: an empty cell says nothing, and such a recording counts on no side."


def role_label(role: str, text: str = "") -> QLabel:
    """Words that wrap, in the colour of their role."""
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(True)
    return label


def tell(label: QLabel, text: str, role: str = "") -> None:
    """Say something, in another role if one is given; nothing to say hides it."""
    label.setText(text)
    label.setVisible(bool(text))
    if role and label.property("role") != role:
        label.setProperty("role", role)
        label.style().unpolish(label)
        label.style().polish(label)


def plain_words(look: LabelLook) -> str:
    """Whether a table goes along with an import of recordings, or is asked about afterwards."""
    rows = counted(len(look.table.rows), "row")
    if look.plain:
        return f"{rows}; joined on its column record while the recordings come in."
    return f"{rows}; you are asked what its columns mean once the recordings are in."


def rows_left_out(told: LabelPreview) -> list[str]:
    """Why rows are not used, each reason once, with the first lines it costs."""
    said = []
    if told.unmatched:
        empty = f", {told.empty_keys:,} of them with nothing in that column" if told.empty_keys else ""
        words = "name" if told.unmatched > 1 else "names"
        said.append(
            f"{counted(told.unmatched, 'row')} {words} no recording of the workspace{empty} "
            f"({_lines(told.unmatched_lines, told.unmatched)})."
        )
    reasons: dict[tuple[str, str], list[int]] = defaultdict(list)
    for line, reason, step in told.faults:
        # `line 4 names the same recording` is one reason, whichever line it is.
        reasons[
            "another line names the same recording" if reason.endswith("names the same recording") else reason, step
        ].append(line)
    for (reason, step), lines in sorted(reasons.items(), key=lambda one: -len(one[1])):
        said.append(f"{counted(len(lines), 'row')} left out: {reason} ({_lines(lines, len(lines))}). {step}.")
    return said


def _lines(lines: Sequence[int], count: int) -> str:
    named = ", ".join(f"{line:,}" for line in lines[:LINES_NAMED])
    more = count - min(len(lines), LINES_NAMED)
    return f"{'line' if count == 1 else 'lines'} {named}{f' and {more:,} more' if more > 0 else ''}"
