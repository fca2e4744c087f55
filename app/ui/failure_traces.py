"""Small traces for a list of recordings: read off the window's thread, only for rows in sight, and kept.

Shape legend: C leads, T samples.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.core.rows import RecordRow, SignalView
from app.ui.background import Background
from app.ui.records_columns import labels_text
from engine.contract.errors import UsageError, WorldError

if TYPE_CHECKING:
    from app.workspace import Workspace

SHOWN_S = 10.0
"""Seconds of a recording that are kept for its small trace."""
LEADS = ("II", "V1", "V5")
"""Leads that a small trace may show: rhythm, then the right side and the atria, then the left side."""
KEPT = 240
"""Recordings that are kept, 60 kB each at 500 Hz."""
GONE = "Its signal is gone"


@dataclass(frozen=True)
class Glimpse:
    """What a small trace shows of one recording.

    Attributes:
        signal: its first seconds; None where it cannot be read.
        gone: why not, empty where it can.
        person: age, sex and, unless it is good, the verdict on the signal.
        labels: those that it carries.
    """

    signal: SignalView | None
    gone: str = ""
    person: str = ""
    labels: str = ""


class Traces(QObject):
    """Glimpses by record id. Ask with `want`, take with `get`; `arrived` tells when there is more."""

    arrived = Signal()

    def __init__(self, workspace: Workspace, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.workspace, self.background = workspace, background
        self._kept: OrderedDict[str, Glimpse] = OrderedDict()
        self._asked: tuple[str, ...] = ()

    def get(self, record: str) -> Glimpse | None:
        """The glimpse of a recording; None while it is not read."""
        return self._kept.get(record)

    def want(self, records: Sequence[str]) -> None:
        """Have these read, the newest wish first: what an older one had not begun is passed over."""
        for record in records:
            if record in self._kept:
                self._kept.move_to_end(record)
        missing = tuple(record for record in dict.fromkeys(records) if record not in self._kept)
        if not missing or missing == self._asked:
            return
        self._asked = missing
        read = partial(read_glimpses, self.workspace, missing)
        self.background.read(read, self._take, key=f"failures.traces.{id(self)}", failed=self._fail)

    def forget_gone(self) -> None:
        """What could not be read is asked for again: it may be there now."""
        self._kept = OrderedDict((record, one) for record, one in self._kept.items() if one.signal is not None)

    def _take(self, read: dict[str, Glimpse]) -> None:
        self._asked = ()
        self._kept.update(read)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.arrived.emit()

    def _fail(self, error: Exception) -> None:
        self._asked = ()
        self.background.failed.emit(error)


def read_glimpses(workspace: Workspace, records: Sequence[str]) -> dict[str, Glimpse]:
    """What small traces show of recordings; called off the window's thread."""
    return {record: _glimpse(workspace, record) for record in records}


def _glimpse(workspace: Workspace, record: str) -> Glimpse:
    try:
        row = workspace.record(record)
        about = Glimpse(None, person=person_text(row), labels=labels_text(row))
    except (UsageError, WorldError):
        about = Glimpse(None)
    try:
        return replace(about, signal=_beginning(workspace.signal(record)))
    except (UsageError, WorldError) as error:
        return replace(about, gone=f"{GONE}: {error.reason}")


def _beginning(signal: SignalView) -> SignalView:
    """The first seconds of some leads, as a copy: a view would keep the whole recording in memory."""
    leads = tuple(lead for lead in LEADS if lead in signal.leads)
    rows = [signal.leads.index(lead) for lead in leads]
    return replace(signal, signal_CT=signal.signal_CT[rows, : round(SHOWN_S * signal.rate_hz)], leads=leads)


def person_text(row: RecordRow) -> str:
    """Age, sex and what speaks against the signal: "64 y, female, limited signal"."""
    age = f"{row.age_text} y" if row.age is not None else "age unknown"
    sex = row.sex if row.sex != "unknown" else "sex unknown"
    return f"{age}, {sex}" + (f", {row.quality} signal" if row.quality in ("limited", "unusable") else "")
