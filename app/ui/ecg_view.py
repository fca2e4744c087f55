"""The 12-lead trace on millimetre paper: our own painter, because a plot library pans twelve leads at 50 ms a frame.

What does not move (paper, grid, pulses, lead names, caption) is drawn once into a pixmap; a frame is that pixmap and
one polyline a strip. Geometry comes from `ecg_layout` in millimetres, points from `ecg_envelope`.

Shape legend: C leads, T samples.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.rows import SignalView
from app.ui import ecg_paper, theme
from app.ui.ecg_caliper import Caliper
from app.ui.ecg_layout import (
    DEFAULT_LAYOUT,
    GAINS_MM_MV,
    LAYOUTS,
    SPEEDS_MM_S,
    Scale,
    Sheet,
    arrange,
    caption,
    fit_px_per_mm,
)
from app.ui.ecg_strips import absent_leads, draw_strips

NOMINAL_PX_PER_MM = 96 / 25.4
"""What a screen is assumed to have until it is measured."""
SMALLEST_PX_PER_MM, LARGEST_PX_PER_MM = 1.0, 40.0
ZOOM_STEP = 1.2


class EcgView(QWidget):
    """Shows one recording; keyboard: arrows move in time, up and down change the gain, + and - zoom, 0 fits.

    Nothing is scaled per lead and nothing is filtered: what is drawn is what the file holds.
    """

    changed = Signal()
    """Scale, layout, zoom or time have changed; the controls around the view read them again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.signal: SignalView | None = None
        self.layout_name = DEFAULT_LAYOUT
        self.scale = Scale()
        self.start_s = 0.0
        self.px_per_mm = NOMINAL_PX_PER_MM
        self.fitted = True
        self.true_px_per_mm = NOMINAL_PX_PER_MM
        self.calibrated = False
        self.caliper = Caliper()
        self.placeholder = "Select a recording"
        self._absent: frozenset[str] = frozenset()
        self._paper: QPixmap | None = None
        self._sheet: Sheet | None = None
        self._drag: tuple[QPointF, float] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(320, 220)
        self.setAccessibleName("12-lead ECG")

    # What is shown.

    def show_signal(self, signal: SignalView | None) -> None:
        """Show another recording from its first second, at the scale that is set."""
        self.signal, self.start_s = signal, 0.0
        self._absent = absent_leads(signal)
        self.caliper.clear()
        self._redraw()

    def set_layout(self, name: str) -> None:
        """Choose one of `LAYOUTS`."""
        self.layout_name = name
        self.caliper.clear()
        self._redraw()

    def set_scale(self, speed: float | None = None, gain: float | None = None) -> None:
        """Choose paper speed (mm/s) and gain (mm/mV)."""
        self.scale = Scale(speed or self.scale.speed, gain or self.scale.gain)
        self.caliper.clear()
        self._redraw()

    def set_calibration(self, px_per_mm: float | None) -> None:
        """Take over how many pixels a real millimetre has on this screen; None when nobody has measured."""
        self.calibrated = px_per_mm is not None
        self.true_px_per_mm = px_per_mm or NOMINAL_PX_PER_MM
        self._redraw()

    def fit(self) -> None:
        """Let ten seconds at 25 mm/s fill the width."""
        self.fitted = True
        self._redraw()

    def true_size(self) -> None:
        """One millimetre of paper is one millimetre of this screen, as far as the screen was measured."""
        self.zoom_to(self.true_px_per_mm)

    def zoom_to(self, px_per_mm: float) -> None:
        """Choose how many pixels one millimetre of paper takes."""
        self.fitted = False
        self.px_per_mm = min(max(px_per_mm, SMALLEST_PX_PER_MM), LARGEST_PX_PER_MM)
        self._redraw()

    def pan_to(self, start_s: float) -> None:
        """Show the recording from this second on, within its ends."""
        before = self.sheet().start_s
        self.start_s = start_s
        self._sheet = None
        self.start_s = self.sheet().start_s
        if self.start_s != before:
            self.caliper.clear()
            self._tell()

    def set_measuring(self, on: bool) -> None:
        """Whether dragging measures time and amplitude instead of moving the paper."""
        self.caliper.on = on
        self.caliper.clear()
        self.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)
        self._tell()

    # Geometry.

    @property
    def recording_s(self) -> float:
        """Length of the recording in seconds."""
        return self.signal.signal_CT.shape[1] / self.signal.rate_hz if self.signal is not None else 10.0

    @property
    def paper_px(self) -> QRectF:
        """The part of the widget that is millimetre paper; the caption stands below it."""
        return QRectF(0, 0, self.width(), max(self.height() - ecg_paper.CAPTION_PX, 1))

    def sheet(self) -> Sheet:
        """The paper as it is laid out now."""
        if self._sheet is None:
            if self.fitted:
                self.px_per_mm = fit_px_per_mm(self.width(), LAYOUTS[self.layout_name])
            paper, scale = self.paper_px, self.px_per_mm
            self._sheet = arrange(
                LAYOUTS[self.layout_name],
                self.scale,
                paper.width() / scale,
                paper.height() / scale,
                self.start_s,
                self.recording_s,
            )
        return self._sheet

    @property
    def caption(self) -> str:
        """The line under the trace."""
        text = caption(
            self.scale,
            len(LAYOUTS[self.layout_name].columns),
            self.calibrated,
            self.px_per_mm,
            self.true_px_per_mm,
        )
        derived = self.signal.derived_leads if self.signal is not None else ()
        return text + (f"  ·  * derived: {', '.join(derived)}" if derived else "")

    def sizeHint(self) -> QSize:
        """Room for ten seconds at 25 mm/s."""
        return QSize(980, 620)

    # Painting.

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paper from the cache, then the traces, then the caliper."""
        painter = QPainter(self)
        try:
            self._paint(painter, self.sheet())
        finally:
            painter.end()

    def _paint(self, painter: QPainter, sheet: Sheet) -> None:
        if self._paper is None:
            self._paper = self._draw_paper(sheet)
        painter.drawPixmap(0, 0, self._paper)
        if self.signal is None:
            return
        painter.save()
        painter.setClipRect(self.paper_px)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(0.5, 0.5)  # Onto the middle of the pixels that the grid lines fill.
        self._paint_traces(painter, sheet, self.signal)
        painter.restore()
        self.caliper.paint(painter, sheet, self.px_per_mm)
        ecg_paper.draw_caption(painter, self.rect(), self.caption, self._span(sheet), theme.current())

    def _paint_traces(self, painter: QPainter, sheet: Sheet, signal: SignalView) -> None:
        self._paint_trace(painter, sheet, signal, theme.current().trace)

    def _paint_trace(self, painter: QPainter, sheet: Sheet, signal: SignalView, ink: str, later_s: float = 0.0) -> None:
        """Draw a recording whose first sample is so much later than the paper's zero."""
        draw_strips(painter, sheet, signal, self.px_per_mm, self.devicePixelRatioF(), ink, later_s)

    def _draw_paper(self, sheet: Sheet) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        painter = QPainter(pixmap)
        try:
            self._paint_paper(painter, sheet)
        finally:
            painter.end()
        return pixmap

    def _paint_paper(self, painter: QPainter, sheet: Sheet) -> None:
        colours = theme.current()
        ecg_paper.draw_grid(painter, self.rect(), self.paper_px, self.px_per_mm, colours)
        if self.signal is None:
            ecg_paper.draw_placeholder(painter, self.paper_px, self.placeholder, colours)
        else:
            ecg_paper.draw_pulses(painter, sheet, self.px_per_mm, colours)
            ecg_paper.draw_names(painter, sheet, self.px_per_mm, self.signal, self._absent, colours)

    def _span(self, sheet: Sheet) -> str:
        if sheet.seconds >= self.recording_s:
            return f"{self.recording_s:.3g} s"
        return f"{sheet.start_s:.2f} to {sheet.start_s + sheet.seconds:.2f} s of {self.recording_s:.3g} s"

    # Input.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, page keys, + and -, 0, C and Escape; everything else goes on to the window."""
        key, whole = Qt.Key(event.key()), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if self.caliper.on and self.caliper.nudge(key, whole, self.sheet()):
            self.update()
            return
        act = self._key_act(key)
        if act is None:
            super().keyPressEvent(event)
        else:
            act()

    def _key_act(self, key: Qt.Key) -> Callable[[], None] | None:
        sheet, zoom = self.sheet(), self.px_per_mm
        step = max(sheet.seconds / 10, 0.1)
        return {
            Qt.Key.Key_Left: lambda: self.pan_to(self.start_s - step),
            Qt.Key.Key_Right: lambda: self.pan_to(self.start_s + step),
            Qt.Key.Key_PageUp: lambda: self.pan_to(self.start_s - sheet.seconds),
            Qt.Key.Key_PageDown: lambda: self.pan_to(self.start_s + sheet.seconds),
            Qt.Key.Key_Home: lambda: self.pan_to(0.0),
            Qt.Key.Key_End: lambda: self.pan_to(self.recording_s),
            Qt.Key.Key_Up: lambda: self._step_gain(1),
            Qt.Key.Key_Down: lambda: self._step_gain(-1),
            Qt.Key.Key_Plus: lambda: self.zoom_to(zoom * ZOOM_STEP),
            Qt.Key.Key_Equal: lambda: self.zoom_to(zoom * ZOOM_STEP),
            Qt.Key.Key_Minus: lambda: self.zoom_to(zoom / ZOOM_STEP),
            Qt.Key.Key_0: self.fit,
            Qt.Key.Key_1: self.true_size,
            Qt.Key.Key_BracketLeft: lambda: self._step_speed(-1),
            Qt.Key.Key_BracketRight: lambda: self._step_speed(1),
            Qt.Key.Key_L: self._next_layout,
            Qt.Key.Key_C: lambda: self.set_measuring(not self.caliper.on),
            **({Qt.Key.Key_Escape: self._escape} if self.caliper.on else {}),
        }.get(key)

    def _escape(self) -> None:
        if self.caliper.span is not None:
            self.caliper.clear()
            self.update()
        else:
            self.set_measuring(False)

    def _step_gain(self, by: int) -> None:
        self.set_scale(gain=_neighbour(GAINS_MM_MV, self.scale.gain, by))

    def _step_speed(self, by: int) -> None:
        self.set_scale(speed=_neighbour(SPEEDS_MM_S, self.scale.speed, by))

    def _next_layout(self) -> None:
        names = list(LAYOUTS)
        self.set_layout(names[(names.index(self.layout_name) + 1) % len(names)])

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel zooms around the pointer; with Shift, or sideways, it moves in time."""
        turn = event.angleDelta()
        if turn.x() or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            notches = (turn.x() or turn.y()) / 120
            self.pan_to(self.start_s - notches * self.sheet().seconds / 10)
        elif turn.y():
            self._zoom_around(event.position().x(), ZOOM_STEP ** (turn.y() / 120))
        event.accept()

    def _zoom_around(self, x_px: float, factor: float) -> None:
        left_mm, columns = self.sheet().left_mm, len(LAYOUTS[self.layout_name].columns)
        at_s = max(x_px / self.px_per_mm - left_mm, 0.0) / self.scale.speed
        held = self.start_s + at_s if columns == 1 else self.start_s
        self.zoom_to(self.px_per_mm * factor)
        if columns == 1:
            self.pan_to(held - max(x_px / self.px_per_mm - left_mm, 0.0) / self.scale.speed)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to move the paper, or to measure."""
        if event.button() != Qt.MouseButton.LeftButton or self.signal is None:
            return
        self._drag = (event.position(), self.start_s)
        if self.caliper.on:
            self.caliper.begin(event.position(), self.sheet(), self.px_per_mm)
            self.update()
        else:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the paper with the pointer, or stretch the caliper."""
        if self._drag is None:
            return
        if self.caliper.on:
            self.caliper.stretch(event.position(), self.px_per_mm)
            self.update()
            return
        pressed, start_s = self._drag
        moved = (event.position().x() - pressed.x()) / (self.px_per_mm * self.scale.speed)
        self.pan_to(start_s - moved)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._drag = None
        if not self.caliper.on:
            self.setCursor(Qt.CursorShape.ArrowCursor)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """New room, new paper."""
        if self._paper is None or self._paper.deviceIndependentSize().toSize() != self.size():
            self._redraw()

    def changeEvent(self, event: QEvent) -> None:
        """Another theme, other paper."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.DevicePixelRatioChange):
            self._redraw()

    def _redraw(self) -> None:
        self._sheet = self._paper = None
        self._tell()

    def _tell(self) -> None:
        sheet = self.sheet()
        self.setAccessibleDescription(f"{self.layout_name}. {self.caption}. {self._span(sheet)}")
        self.update()
        self.changed.emit()


def _neighbour(steps: tuple[float, ...], value: float, by: int) -> float:
    place = min(range(len(steps)), key=lambda i: abs(steps[i] - value))
    return steps[min(max(place + by, 0), len(steps) - 1)]
