"""What an import keeps of dates and words: two choices that widen de-identification, and what is never kept."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel

from app.ui.label_words import role_label
from app.ui.quiet_combo import QuietCombo
from engine.contract.deidentification import Deidentification

NEVER = (
    "Names, patient ids and serial numbers of devices are never kept: they become pseudonyms. Ages above 89 are 90+."
)


class PrivacyRows:
    """The rows of a form that ask for it."""

    def __init__(self) -> None:
        self.dates, self.words = QuietCombo(), QCheckBox("&Keep the wording of statements")
        self.dates.setAccessibleName("Dates of recordings")
        self.dates.addItem("Keep the year only", "year")
        self.dates.addItem("Keep dates, shifted by the same days for all of a patient", "shift")
        self.words.setToolTip("Codes stay in any case. Wording in which an identifier of the file stands is dropped")

    def told(self) -> Deidentification:
        """What was chosen."""
        return Deidentification(dates=self.dates.currentData(), keep_free_text=self.words.isChecked())

    def lay_out(self, grid: QGridLayout, line: int) -> None:
        """Put the rows into a form of three columns, from this line on."""
        title = QLabel("Da&tes")
        title.setBuddy(self.dates)
        grid.addWidget(title, line, 0)
        both = QHBoxLayout()
        both.setSpacing(12)
        both.addWidget(self.dates, 1)
        both.addWidget(self.words)
        grid.addLayout(both, line, 1, 1, 2)
        grid.addWidget(role_label("muted", NEVER), line + 1, 1, 1, 2)
