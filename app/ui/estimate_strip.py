"""What a pretraining would cost: asked for, measured on a few steps, and told in one strip above *Start*."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout

from app import printing
from app.core.rows import JobRow
from app.progress import duration
from app.ui import theme as themes
from app.ui.signs import check_icon, sign
from app.ui.tiles import Figure, Tiles
from engine.contract.results import EstimateResults

if TYPE_CHECKING:
    from app.workspace import Workspace

ASK = "Estimate runs a few steps on this machine and tells time, memory, disk and energy before anything is started."
STALE = "The settings have changed since this was measured."


class EstimateStrip(QFrame):
    """Verdict in words, figures below it."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.setAccessibleName("Estimate")
        self.results: EstimateResults | None = None
        self.stale = False
        self._sign, self.verdict, self.figures = QLabel(), QLabel(), Tiles("Cost of this pretraining")
        self.notes = QLabel()
        self._sign.setFixedSize(QSize(18, 18))
        self.notes.setProperty("role", "muted")
        for label in (self.verdict, self.notes):
            label.setWordWrap(True)
        self.figures.set_bare()
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self._sign)
        head.addWidget(self.verdict, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.figures)
        column.addWidget(self.notes)
        self.clear()

    @property
    def refuses(self) -> bool:
        """Whether what was measured, for settings that stand, does not fit."""
        return self.results is not None and not self.stale and not self.results.fits

    def clear(self) -> None:
        """Nothing was measured yet."""
        self.results, self.stale = None, False
        self._tell("", ASK)

    def waiting(self, job: JobRow) -> None:
        """It waits, or is being measured."""
        self.results, self.stale = None, False
        waits = f"Waits in the queue. {job.message}".rstrip()
        self._tell("running" if job.state == "running" else "queued", waits if job.state == "queued" else "Measuring…")

    def failed(self, job: JobRow) -> None:
        """It ended without an answer."""
        self.results, self.stale = None, False
        self._tell("failed", ". ".join(part for part in ("No estimate", job.message, job.next_step) if part) + ".")

    def show_results(self, results: EstimateResults) -> None:
        """Tell what came out."""
        self.results, self.stale = results, False
        parts = [results.refusal, results.advice]
        told = "Fits this machine." if results.fits else f"Does not fit. {' '.join(_sentence(p) for p in parts if p)}"
        note = f" {_sentence(results.advice)}" if results.fits and results.advice else ""
        self._tell("done" if results.fits else "failed", told + note, figures(results))

    def set_stale(self) -> None:
        """The settings have changed since."""
        if self.results is not None and not self.stale:
            self.stale = True
            self._tell("warning", STALE, figures(self.results))

    def _tell(self, mark: str, text: str, told: tuple[Figure, ...] = ()) -> None:
        theme = themes.current()
        tokens = {"queued": theme.muted, "running": theme.accent, "warning": theme.warn}
        shown = check_icon(mark == "done", theme) if mark in ("done", "failed") else None
        icon = shown or (sign(mark, tokens[mark]) if mark else None)
        self._sign.setVisible(icon is not None)
        if icon is not None:
            self._sign.setPixmap(icon.pixmap(16, 16))
        self.verdict.setText(text)
        self.figures.show_figures(told)
        self.figures.setVisible(bool(told))
        notes = "" if self.results is None else " ".join(map(_sentence, self.results.notes))
        self.notes.setText(notes)
        self.notes.setVisible(bool(notes))


def answer_of(workspace: Workspace, job_id: str) -> tuple[JobRow, EstimateResults | None]:
    """An estimate's job, and what came out of it if it has ended well; called off the window's thread."""
    job, results = workspace.job(job_id), workspace.results(job_id)
    return job, results if isinstance(results, EstimateResults) else None


def figures(results: EstimateResults) -> tuple[Figure, ...]:
    """Time, memory, disk and energy, each beside what there is."""
    speed = results.crops_per_s
    told = [
        Figure(
            "Time", _time(results.seconds), f"{results.steps:,} steps" + (f", {speed:,.0f} crops/s" if speed else "")
        ),
        Figure("Memory", size(results.memory_bytes), f"of {size(results.memory_free_bytes)} free"),
        Figure("Disk", size(results.disk_bytes), f"of {size(results.disk_free_bytes)} free"),
        Figure("Energy", energy(results.energy_wh), *_source(results.energy_source)),
        Figure(
            "Model",
            f"{results.parameters / 1e6:.1f} M" if results.parameters >= 1e5 else f"{results.parameters:,}",
            f"parameters, {results.tokens:,} tokens",
        ),
    ]
    if results.largest_batch is not None:
        told.append(Figure("Largest batch", f"{results.largest_batch:,}", "crops"))
    return tuple(told)


def _source(text: str) -> tuple[str, str, str]:
    """Where the energy comes from: a word for the line below, its role, and the whole story for the tooltip."""
    return "assumed" if text.startswith("assumed") else "measured" if text else "", "muted", text


def size(count: int | None) -> str:
    """Bytes for people, "unknown" for none."""
    return "unknown" if count is None else printing.size(count)


def energy(hours: float | None) -> str:
    """Watt hours for people."""
    if hours is None:
        return "unknown"
    return f"{hours / 1000:.1f} kWh" if hours >= 1000 else f"{hours:.2g} Wh" if hours < 10 else f"{hours:.0f} Wh"


def _time(seconds: float | None) -> str:
    return "unknown" if seconds is None else duration(seconds)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
