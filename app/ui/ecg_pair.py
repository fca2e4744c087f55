"""Two recordings on one paper, set to the same moment: whether one is a copy of the other is seen, not believed.

A copy may be scaled or normalised lead by lead, so it is fitted to the recording lead by lead; the caption says so.

Shapes: C leads, T samples of the one, U samples of the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.core.rows import SignalView
from app.ui import theme
from app.ui.ecg_layout import Sheet
from app.ui.ecg_view import EcgView

FEWEST = 50
"""Samples in common below which a lead is drawn as it is."""
STEEPEST = 50.0
"""A lead that would have to be blown up or shrunk more than this is drawn as it is."""


@dataclass(frozen=True)
class Pair:
    """Two recordings: `under` is drawn first; `over` begins `later_s` seconds after it.

    `turned`: the one below is the copy, since it is longer.
    """

    under: SignalView
    over: SignalView
    later_s: float
    turned: bool = False


def pair_of(record: SignalView, other: SignalView, shift_s: float) -> Pair:
    """The longer recording below, the other one fitted to it; `shift_s` as a search for leaks tells it."""
    if _seconds(other) > _seconds(record):
        return Pair(other, fitted(record, other, -shift_s), -shift_s, turned=True)
    return Pair(record, fitted(other, record, shift_s), shift_s)


def fitted(signal: SignalView, to: SignalView, later_s: float) -> SignalView:
    """The first signal [C, U] with each lead scaled and moved to lie on the second [C, T], by least squares."""
    times_U = np.arange(signal.signal_CT.shape[1]) / signal.rate_hz + later_s
    times_T = np.arange(to.signal_CT.shape[1]) / to.rate_hz
    fitted_CU = signal.signal_CT.copy()
    for place, lead in enumerate(signal.leads):
        if lead in to.leads:
            goal_U = np.interp(times_U, times_T, to.signal_CT[to.leads.index(lead)], np.nan, np.nan)
            scale, offset = _line(fitted_CU[place].astype(np.float64), goal_U)
            fitted_CU[place] = fitted_CU[place] * scale + offset
    return replace(signal, signal_CT=fitted_CU)


def _line(own_U: np.ndarray, goal_U: np.ndarray) -> tuple[float, float]:
    """Scale and offset that bring one lead onto another; 1 and 0 where that cannot be told."""
    both_U = np.isfinite(own_U) & np.isfinite(goal_U)
    if both_U.sum() < FEWEST or own_U[both_U].std() == 0:
        return 1.0, 0.0
    own, goal = own_U[both_U], goal_U[both_U]
    scale = float(np.cov(own, goal)[0, 1] / own.var(ddof=1))
    if not 1 / STEEPEST < abs(scale) < STEEPEST:
        return 1.0, 0.0
    return scale, float(goal.mean() - scale * own.mean())


class EcgPair(EcgView):
    """The paper of the records page with a second trace on it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pair: Pair | None = None
        self.placeholder = "Select a pair"
        self.setAccessibleName("Both recordings")

    def show_pair(self, pair: Pair | None) -> None:
        """Show two recordings from the moment at which both are there."""
        self.pair = pair
        self.show_signal(None if pair is None else pair.under)
        if pair is not None:
            self.pan_to(max(pair.later_s, 0.0))

    @property
    def caption(self) -> str:
        """The line under the traces."""
        if self.pair is None:
            return super().caption
        return f"{self.scale.speed:g} mm/s  ·  {self.scale.gain:g} mm/mV  ·  the copy is fitted lead by lead"

    def _paint_traces(self, painter: QPainter, sheet: Sheet, signal: SignalView) -> None:
        super()._paint_traces(painter, sheet, signal)
        if self.pair is not None:
            self._paint_trace(painter, sheet, self.pair.over, theme.current().accent, self.pair.later_s)


def _seconds(signal: SignalView) -> float:
    return float(signal.signal_CT.shape[1] / signal.rate_hz)
