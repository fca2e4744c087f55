"""The traces of a sheet: samples of each lead as points in pixels, drawn in one ink. Viewer and gallery share it.

Shape legend: C leads, T samples, P points.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QColor, QPainter, QPen

from app.core.rows import SignalView
from app.ui import ecg_paper
from app.ui.ecg_envelope import Points, polyline, runs
from app.ui.ecg_layout import Sheet, Strip
from engine.signal.leads import CANONICAL


def draw_strips(
    painter: QPainter, sheet: Sheet, signal: SignalView, px: float, ratio: float, ink: str, later_s: float = 0.0
) -> None:
    """Draw a recording on a sheet.

    Args:
        painter: moved and clipped to the paper already.
        sheet: which lead stands where.
        signal: the recording.
        px: pixels that one millimetre takes.
        ratio: pixels of the device in one of the painter's.
        ink: colour of the trace.
        later_s: how much later than the paper's zero its first sample is, in seconds.
    """
    # Any pen wider than one device pixel leaves Qt's fast path: 3 ms a frame become 200. Dense screens draw twice.
    painter.setPen(QPen(QColor(ink), 0))
    runs_px = [run for strip in sheet.strips for run in runs_of(sheet, strip, signal, px, ratio, later_s)]
    for offset in range(max(round(ratio), 1)):
        shift = min(offset, 1) / ratio
        painter.translate(shift, shift)
        for run in runs_px:
            ecg_paper.draw_run(painter, run)


def runs_of(
    sheet: Sheet, strip: Strip, signal: SignalView, px: float, ratio: float, later_s: float = 0.0
) -> list[Points]:
    """Unbroken stretches of one strip, [P, 2] in pixels each; arguments as `draw_strips`."""
    if strip.lead not in signal.leads or strip.end_s <= later_s:
        return []
    lead_T = signal.signal_CT[signal.leads.index(strip.lead)]
    rate, start_s = signal.rate_hz, strip.start_s - later_s
    first, last = max(int(start_s * rate), 0), int(np.ceil((strip.end_s - later_s) * rate)) + 1
    px_per_sample = px * sheet.scale.speed / rate
    points = polyline(lead_T, first, last, 1.0 / (px_per_sample * ratio))
    # Computed in pixels of this strip: time from its left edge, millivolts upwards from its baseline.
    points[:, 0] = (strip.x_mm * px) + (points[:, 0] - start_s * rate) * px_per_sample
    points[:, 1] = (strip.y_mm * px) - points[:, 1] * (sheet.scale.gain * px)
    right = (strip.x_mm + strip.seconds * sheet.scale.speed) * px
    points = points[(points[:, 0] >= strip.x_mm * px - 0.5) & (points[:, 0] <= right + 0.5)]
    return runs(points)


def absent_leads(signal: SignalView | None) -> frozenset[str]:
    """Leads of which no sample is there."""
    if signal is None:
        return frozenset()
    held = {lead for lead, lead_T in zip(signal.leads, signal.signal_CT, strict=True) if np.isfinite(lead_T).any()}
    return frozenset(CANONICAL) - held
