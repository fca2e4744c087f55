"""One recording drawn to scale: 25 mm/s, 10 mm/mV, on millimetre paper, as vectors.

All geometry is computed in millimetres on the paper; only `draw` turns it into points. Nothing is filtered, fitted or
moved: missing samples are gaps, and what leaves the paper is cut there and said so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from reportlab.pdfgen.canvas import Canvas

from app.core.rows import SignalView
from app.governance.dossier import ExampleECG
from app.report import style
from app.report.drawn import Drawn, draw_text
from app.report.style import MM

MM_PER_S = 25.0
MM_PER_MV = 10.0
COLUMN_S = 2.5
SHOWN_S = 10.0
PULSE_S, PULSE_MV = 0.2, 1.0
LAYOUT = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
RHYTHM = "II"

PAPER_MM = (265.0, 150.0)
TRACE_X_MM = 12.0
BASELINES_MM = (130.0, 93.0, 56.0, 19.0)
_PULSE_X_MM = 3.0


@dataclass(frozen=True)
class Segment:
    """One lead's stretch of one row.

    Attributes:
        lead: lead name.
        x_mm: left edge on the paper.
        baseline_mm: height of 0 mV on the paper.
        start_s: time of the recording at the left edge.
        seconds: how long it is.
    """

    lead: str
    x_mm: float
    baseline_mm: float
    start_s: float
    seconds: float


def segments() -> tuple[Segment, ...]:
    """The 3 x 4 layout with a rhythm strip: each column shows the next 2.5 s of simultaneously recorded leads."""
    places = [
        Segment(lead, TRACE_X_MM + column * COLUMN_S * MM_PER_S, BASELINES_MM[row], column * COLUMN_S, COLUMN_S)
        for row, leads in enumerate(LAYOUT)
        for column, lead in enumerate(leads)
    ]
    return (*places, Segment(RHYTHM, TRACE_X_MM, BASELINES_MM[3], 0.0, SHOWN_S))


def trace_mm(signal_T: NDArray[np.float32], rate_hz: float, segment: Segment) -> list[NDArray[np.float64]]:
    """Polylines of one segment in millimetres on the paper, one for each stretch without missing samples.

    Args:
        signal_T: samples of the lead in millivolts, NaN where missing.
        rate_hz: sampling rate.
        segment: where and from when on it is drawn.

    Returns:
        Arrays [points, 2] of x and y.
    """
    first = math.ceil(segment.start_s * rate_hz - 1e-9)
    last = min(math.floor((segment.start_s + segment.seconds) * rate_hz + 1e-9), len(signal_T) - 1)
    index = np.arange(first, last + 1)
    if index.size == 0:
        return []
    y = segment.baseline_mm + MM_PER_MV * signal_T[index].astype(np.float64)
    x = segment.x_mm + MM_PER_S * (index / rate_hz - segment.start_s)
    points = np.stack([x, y], axis=1)
    present = np.isfinite(y)
    cuts = np.flatnonzero(np.diff(present.astype(np.int8))) + 1
    return [piece for piece in np.split(points, cuts) if np.isfinite(piece[0, 1])]


def pulse_mm(baseline_mm: float) -> NDArray[np.float64]:
    """The calibration pulse, 1 mV for 200 ms: a rectangle of 10 mm by 5 mm with a foot on both sides."""
    left, right = _PULSE_X_MM, _PULSE_X_MM + PULSE_S * MM_PER_S
    top = baseline_mm + PULSE_MV * MM_PER_MV
    foot = 1.5
    corners = [(left - foot, baseline_mm), (left, baseline_mm), (left, top), (right, top), (right, baseline_mm)]
    return np.array([*corners, (right + foot, baseline_mm)])


def leaves_paper(signal: SignalView) -> bool:
    """Whether part of the trace lies above or below the drawn paper and is cut off there."""
    for segment in segments():
        if segment.lead in signal.leads:
            for line in trace_mm(signal.signal_CT[signal.leads.index(segment.lead)], signal.rate_hz, segment):
                if line[:, 1].max() > PAPER_MM[1] or line[:, 1].min() < 0:
                    return True
    return False


class ECGPaper(Drawn):
    """Millimetre paper with the traces of one recording."""

    def __init__(self, signal: SignalView) -> None:
        super().__init__()
        self.signal = signal
        self.width, self.height = PAPER_MM[0] * MM, PAPER_MM[1] * MM

    def draw(self) -> None:
        """Draw grid, calibration pulses, traces and lead names."""
        canvas = self.canv
        canvas.saveState()
        _clip(canvas)
        _grid(canvas)
        canvas.setStrokeColor(style.TRACE)
        canvas.setLineWidth(0.22 * MM)
        canvas.setLineJoin(1)
        for baseline in BASELINES_MM:
            _polyline(canvas, pulse_mm(baseline))
        for segment in segments():
            self._trace(canvas, segment)
        canvas.restoreState()
        for segment in segments():
            self._name(canvas, segment)
        canvas.setStrokeColor(style.GRID_BOLD)
        canvas.setLineWidth(0.2 * MM)
        canvas.rect(0, 0, self.width, self.height)

    def _trace(self, canvas: Canvas, segment: Segment) -> None:
        if segment.lead not in self.signal.leads:
            return
        samples_T = self.signal.signal_CT[self.signal.leads.index(segment.lead)]
        for line in trace_mm(samples_T, self.signal.rate_hz, segment):
            _polyline(canvas, line)

    def _name(self, canvas: Canvas, segment: Segment) -> None:
        """Lead name on paper-white, with a tick where a column begins."""
        name = segment.lead + self._remark(segment.lead)
        x, y = (segment.x_mm + 1.2) * MM, (segment.baseline_mm + 14.2) * MM
        wide = style.text_width(name, style.BOLD, 9)
        canvas.setFillColorRGB(1, 1, 1)
        canvas.rect(x - 1.5, y - 2.4, wide + 3, 11, stroke=0, fill=1)
        draw_text(canvas, x, y, name, style.BOLD, 9, style.TRACE)
        canvas.setStrokeColor(style.TRACE)
        canvas.setLineWidth(0.3 * MM)
        if segment.start_s > 0:
            for low, high in ((-6.0, -4.0), (4.0, 6.0)):
                x_tick = segment.x_mm * MM
                canvas.line(x_tick, (segment.baseline_mm + low) * MM, x_tick, (segment.baseline_mm + high) * MM)

    def _remark(self, lead: str) -> str:
        if lead not in self.signal.leads or not np.isfinite(self.signal.signal_CT[self.signal.leads.index(lead)]).any():
            return " (not recorded)"
        return " (derived)" if lead in self.signal.derived_leads else ""


def strip(example: ExampleECG) -> list[tuple[str, str]]:
    """The metadata strip: name and value of each entry. Never a name, a date of birth or a file name."""
    signal = example.signal
    seconds = signal.signal_CT.shape[1] / signal.rate_hz
    length = f"{seconds:.1f} s" if seconds <= SHOWN_S + 1e-9 else f"first {SHOWN_S:.1f} s of {seconds:.1f} s"
    return [
        ("Record", example.record_id),
        ("Collection", example.dataset),
        ("Age", example.age_text or "unknown"),
        ("Sex", example.sex or "unknown"),
        ("Sampling rate", f"{signal.rate_hz:g} Hz"),
        ("Length", length),
        ("Quality", example.quality),
        ("Labels", ", ".join(example.labels) or "none"),
        ("Filters", "none"),
        ("Scale", f"{MM_PER_S:g} mm/s, {MM_PER_MV:g} mm/mV"),
    ]


def legend(example: ExampleECG) -> str:
    """What the page shows, in words for the line below the paper."""
    told = (
        f"Simultaneous leads, {COLUMN_S:g} s per column; each column goes on in time where the one before ends. "
        f"Rhythm strip {RHYTHM}, {SHOWN_S:g} s. Fine lines 1 mm (40 ms, 0.1 mV), bold lines 5 mm (200 ms, 0.5 mV); "
        "calibration pulse 1 mV, 200 ms at the start of each row. Printed at 100 % the scale is true: 1 mV = 10.0 mm."
    )
    if np.isnan(example.signal.signal_CT).any():
        told += " Missing samples are gaps."
    if leaves_paper(example.signal):
        told += " Part of the trace lies outside the paper and is cut off at its edge."
    return told


def _clip(canvas: Canvas) -> None:
    path = canvas.beginPath()
    path.rect(0, 0, PAPER_MM[0] * MM, PAPER_MM[1] * MM)
    canvas.clipPath(path, stroke=0, fill=0)


def _grid(canvas: Canvas) -> None:
    for step, width, color in ((1, 0.07, style.GRID_FINE), (5, 0.14, style.GRID_BOLD)):
        path = canvas.beginPath()
        for x in range(0, int(PAPER_MM[0]) + 1, step):
            path.moveTo(x * MM, 0)
            path.lineTo(x * MM, PAPER_MM[1] * MM)
        for y in range(0, int(PAPER_MM[1]) + 1, step):
            path.moveTo(0, y * MM)
            path.lineTo(PAPER_MM[0] * MM, y * MM)
        canvas.setStrokeColor(color)
        canvas.setLineWidth(width * MM)
        canvas.drawPath(path, stroke=1, fill=0)


def _polyline(canvas: Canvas, points_mm: NDArray[np.float64]) -> None:
    """A polyline through points [n, 2] in millimetres; a single sample is drawn as a dot."""
    points = points_mm * MM
    path = canvas.beginPath()
    path.moveTo(*points[0])
    for x, y in points[1:] if len(points) > 1 else points:
        path.lineTo(x, y)
    canvas.setLineCap(1)
    canvas.drawPath(path, stroke=1, fill=0)
