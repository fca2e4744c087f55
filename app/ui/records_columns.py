"""The columns of the table of recordings: what they show, by what they sort, which of them stand at first."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.device_labels import PREFIX as OF_DEVICE
from app.core.record_query import SORTABLE, device_name
from app.core.rows import RecordRow
from app.ui.quality_badge import verdict_icon
from app.ui.quality_words import findings_of, plain_tip
from app.ui.rows_table import Column

SEX_SIGNS = {"female": "F", "male": "M", "unknown": ""}


@dataclass(frozen=True)
class RecordColumn:
    """One column.

    Attributes:
        key: its stable name; what to sort by, where it is one of `SORTABLE`.
        column: what it shows.
        standard: whether it stands in the table before the user chose any.
        words: in menus, where the title is a sign or short.
    """

    key: str
    column: Column
    standard: bool = False
    words: str = ""

    @property
    def name(self) -> str:
        """In menus."""
        return self.words or self.column.title

    @property
    def sortable(self) -> bool:
        """Whether recordings can be sorted by it."""
        return self.key in SORTABLE


def record_columns() -> tuple[RecordColumn, ...]:
    """All columns, from left to right; the last one takes what is left of the width."""
    return (
        RecordColumn(
            "quality",
            Column(
                "Quality",
                lambda r: "",
                36,
                icon=verdict_icon,
                tip=plain_tip,
                raw=lambda r: r.quality,
                header_tip="Signal quality",
                header_sign="pulse",
            ),
            True,
        ),
        RecordColumn(
            "name",
            Column("Recording", lambda r: r.source_name, 108, tip=lambda r: f"{r.source_name}\nid {r.record_id}"),
            True,
        ),
        RecordColumn("patient", Column("Patient", lambda r: r.patient, 124, tip=_patient_tip)),
        RecordColumn("age", Column("Age", lambda r: r.age_text, 56, numeric=True, header_tip="Age in years"), True),
        RecordColumn("sex", Column("Sex", lambda r: SEX_SIGNS[r.sex], 52, tip=lambda r: f"Sex {r.sex}"), True),
        RecordColumn("year", Column("Year", _year, 60, numeric=True, header_tip="Year of the recording")),
        RecordColumn("device", Column("Device", lambda r: device_name(r.maker, r.model), 124)),
        RecordColumn(
            "rate",
            Column("Hz", lambda r: f"{r.rate_hz:g}", 60, numeric=True, header_tip="Samples a second as recorded"),
            words="Sampling rate",
        ),
        RecordColumn(
            "seconds",
            Column("Seconds", lambda r: f"{r.seconds:.3g}", 76, numeric=True, header_tip="Length in seconds"),
            words="Length",
        ),
        RecordColumn("format", Column("Format", lambda r: r.format, 130)),
        RecordColumn("dataset", Column("Dataset", lambda r: r.dataset, 100)),
        RecordColumn("findings", Column("Findings", _findings, 170, tip=plain_tip)),
        RecordColumn("labels", Column("Labels", labels_text, 0, tip=labels_tip), True),
    )


def _year(row: RecordRow) -> str:
    return "" if row.year is None else str(row.year)


def _patient_tip(row: RecordRow) -> str:
    return row.patient if row.patient_known else f"{row.patient}\nNot named by the file: counts as a patient of its own"


def _findings(row: RecordRow) -> str:
    return "; ".join(view.words for view in findings_of(row))


def labels_text(row: RecordRow) -> str:
    """The statements that are positive, once each; which scheme they are of ("ptbxl-super: MI") stands in the tip.

    What the cart itself stated keeps its mark: it is no ground truth.
    """
    positive = [name for name, value in row.labels.items() if value == 1]
    return ", ".join(dict.fromkeys(n if n.startswith(OF_DEVICE) else n.rpartition(": ")[2] for n in positive))


def labels_tip(row: RecordRow) -> str:
    """Every known label with its value."""
    if not row.labels:
        return "No label is known"
    return "\n".join(f"{name}: {_told(value)}" for name, value in row.labels.items())


def _told(value: float) -> str:
    return {1.0: "yes", 0.0: "no"}.get(value, f"{value:g}")
