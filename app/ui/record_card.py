"""The right half of the Records page: who was recorded and how, the controls of the trace, the trace."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.core.record_words import acquisition_facts
from app.core.rows import RecordRow, SignalView
from app.ui.calibration import CalibrationDialog, screen_key
from app.ui.cut_label import CutLabel
from app.ui.ecg_layout import GAINS_MM_MV, LAYOUTS, SPEEDS_MM_S
from app.ui.ecg_view import EcgView
from app.ui.icons import toggled
from app.ui.quality_badge import Badge, badges
from app.ui.quiet_combo import QuietCombo
from app.ui.records_columns import labels_text, labels_tip
from app.ui.settings import Settings
from app.ui.theme import Theme
from app.ui.wrapped_row import WrappedRow

WORDS_FROM_PX = 640
"""Width from which the controls of the trace have words beside their signs."""
STALE_MS = 150
SIGN_ONLY_PX, ANY_PX = 27, 16_777_215


class RecordCard(QFrame):
    """Metadata strip, controls and the 12-lead trace of one recording."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.name, self.facts, self.acquisition, self.labels = CutLabel(), CutLabel(), CutLabel(), CutLabel()
        self.layout_choice, self.speed, self.gain = QuietCombo(), QComboBox(), QComboBox()
        self.quality = WrappedRow("Signal quality", self.layout_choice)
        self.fit, self.true_size = QToolButton(), QToolButton()
        self.caliper, self.calibrate = QToolButton(), QToolButton()
        self.view = EcgView()
        self.settings = Settings()
        self._record: RecordRow | None = None
        # Nobody is to read one recording's trace under another's name: it goes where the new one takes long to come.
        self._waiting = QTimer(self, singleShot=True, interval=STALE_MS)
        self._waiting.timeout.connect(lambda: self.show_fault("Reading the samples…"))
        self._dress()
        self._lay_out()
        self._connect()
        self.show_record(None)

    def show_record(self, row: RecordRow | None) -> None:
        """Show a recording's facts; its samples follow with `show_signal`."""
        self._record = row
        self.name.setText(row.source_name if row else "No recording selected")
        self.name.setToolTip(f"id {row.record_id}" if row else "")
        self.quality.show_widgets(badges(row) if row else [])
        self.facts.setText(facts_text(row) if row else "")
        self.acquisition.setText(acquisition_text(row) if row else "")
        self.acquisition.setToolTip(acquisition_tip(row) if row else "")
        self.labels.setText(f"Labels: {labels_text(row) or 'none'}" if row else "")
        self.labels.setToolTip(labels_tip(row) if row else "")
        self._waiting.start()
        if row is None:
            self.show_fault("Select a recording")

    def show_signal(self, signal: SignalView) -> None:
        """Show the samples, unless another recording was chosen meanwhile."""
        if self._record is not None and signal.record_id == self._record.record_id:
            self._waiting.stop()
            self.view.show_signal(signal)

    def show_fault(self, words: str) -> None:
        """Say in place of the trace why there is none."""
        self._waiting.stop()
        self.view.placeholder = words
        self.view.show_signal(None)

    def apply_settings(self, settings: Settings) -> None:
        """Take over layout, scale and the measure of this screen."""
        layout = settings.layout if settings.layout in LAYOUTS else self.view.layout_name
        speed = settings.speed_mm_s if settings.speed_mm_s in SPEEDS_MM_S else None
        gain = settings.gain_mm_mv if settings.gain_mm_mv in GAINS_MM_MV else None
        self.view.set_layout(layout)
        self.view.set_scale(speed, gain)
        # Only now: whatever the view changes from here on is written into them.
        self.settings = settings
        self._take_screen()

    def apply_theme(self, theme: Theme) -> None:
        """Draw the icons in the theme's colour."""
        for button, name in (
            (self.fit, "fit"),
            (self.true_size, "true-size"),
            (self.caliper, "caliper"),
            (self.calibrate, "calibrate"),
        ):
            button.setIcon(toggled(name, theme))
        for badge in self.quality.held:
            if isinstance(badge, Badge):
                badge.dress()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is no room for words the buttons show their signs alone."""
        super().resizeEvent(event)
        style = Qt.ToolButtonStyle
        wide = self.width() >= WORDS_FROM_PX
        self._controls.setSpacing(4 if wide else 2)
        for button in (self.fit, self.true_size, self.caliper, self.calibrate):
            button.setToolButtonStyle(style.ToolButtonTextBesideIcon if wide else style.ToolButtonIconOnly)
            button.setMaximumWidth(ANY_PX if wide else SIGN_ONLY_PX)

    def _take_screen(self) -> None:
        self.view.set_calibration(self.settings.px_per_mm.get(screen_key(self.screen())))

    def _measure_screen(self) -> None:
        dialog = CalibrationDialog(self.view.true_px_per_mm, self)
        dialog.measured.connect(self._keep_measure)
        dialog.open()

    def _keep_measure(self, px_per_mm: float) -> None:
        self.settings.px_per_mm = {**self.settings.px_per_mm, screen_key(self.screen()): px_per_mm}
        self._take_screen()

    def _follow(self) -> None:
        """Let the controls say what the view shows, however it was changed; remember it."""
        view = self.view
        for combo, value in (
            (self.layout_choice, view.layout_name),
            (self.speed, view.scale.speed),
            (self.gain, view.scale.gain),
        ):
            combo.setCurrentIndex(combo.findData(value))
        self.fit.setChecked(view.fitted)
        self.caliper.setChecked(view.caliper.on)
        self.settings.layout = view.layout_name
        self.settings.speed_mm_s, self.settings.gain_mm_mv = view.scale.speed, view.scale.gain

    def _dress(self) -> None:
        for name in LAYOUTS:
            self.layout_choice.addItem(name, name)
        for speed in SPEEDS_MM_S:
            self.speed.addItem(f"{speed:g} mm/s", speed)
        for gain in GAINS_MM_MV:
            self.gain.addItem(f"{gain:g} mm/mV", gain)
        for combo, name in ((self.layout_choice, "Layout"), (self.speed, "Speed"), (self.gain, "Gain")):
            combo.setAccessibleName(name)
            combo.setToolTip(name)
            combo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # Where it is narrow the layout's name gives way, not the numbers.
        self.layout_choice.setMinimumContentsLength(9)
        self.layout_choice.setMinimumWidth(84)
        for combo in (self.speed, self.gain):
            combo.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        _tool(self.fit, "Fit", "Ten seconds at 25 mm/s fill the width (0)", checkable=True)
        _tool(self.true_size, "True size", "One millimetre of paper is one of this screen (1)")
        _tool(self.caliper, "Caliper", "Measure time and amplitude by dragging (C)", checkable=True)
        _tool(self.calibrate, "Calibrate", "Hold a ruler to the screen, so that millimetres are true")
        self.name.setProperty("role", "heading")
        self.facts.setProperty("role", "muted")
        self.acquisition.setProperty("role", "muted")

    def _lay_out(self) -> None:
        headline = QHBoxLayout()
        headline.setSpacing(16)
        headline.addWidget(self.name, 2)
        headline.addWidget(self.labels, 3)
        self.labels.setAlignment(Qt.AlignmentFlag.AlignRight)
        controls = self._controls = _row(
            self.layout_choice, self.speed, self.gain, self.fit, self.true_size, None, self.caliper, self.calibrate
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 8, 1, 1)
        column.setSpacing(4)
        for layout in (headline, _row(self.facts), _row(self.acquisition), _row(self.quality), controls):
            layout.setContentsMargins(10, 0, 10, 0)
            column.addLayout(layout)
        column.addSpacing(2)
        column.addWidget(self.view, 1)

    def _connect(self) -> None:
        view = self.view
        _on_choice(self.layout_choice, view.set_layout)
        _on_choice(self.speed, lambda value: view.set_scale(speed=value))
        _on_choice(self.gain, lambda value: view.set_scale(gain=value))
        self.fit.clicked.connect(lambda: view.fit())
        self.true_size.clicked.connect(lambda: view.true_size())
        self.caliper.clicked.connect(view.set_measuring)
        self.calibrate.clicked.connect(lambda: self._measure_screen())
        view.changed.connect(self._follow)


def acquisition_text(row: RecordRow) -> str:
    """How it was recorded, as far as the file tells, in one line."""
    told = dict(acquisition_facts(row))
    parts = [told["Device"] or "device not told by the file", told["Filters"]]
    parts += [f"recorded {row.acquired or row.year}" if row.acquired or row.year else ""]
    parts += [{"yes": "pacemaker", "no": "no pacemaker", "": ""}[told["Pacemaker"]], told["Setting"]]
    return "  ·  ".join(part for part in parts if part)


def acquisition_tip(row: RecordRow) -> str:
    """All that the file tells of device and acquisition, a line each."""
    told = [("Recorded", row.acquired or str(row.year or "")), *acquisition_facts(row)]
    return "\n".join(f"{name}: {value or 'not told by the file'}" for name, value in told)


def facts_text(row: RecordRow) -> str:
    """Who and how, in one line; the patient by pseudonym."""
    sex = {"female": "female", "male": "male"}.get(row.sex, "sex unknown")
    age = f"{row.age_text} years" if row.age is not None else "age unknown"
    parts = [f"{age}, {sex}", f"{row.rate_hz:g} Hz", f"{row.seconds:.3g} s", f"{len(row.leads)} leads recorded"]
    if row.derived_leads:
        parts.append(f"{len(row.derived_leads)} derived")
    return "  ·  ".join([*parts, row.format, row.dataset])


def _tool(button: QToolButton, text: str, tip: str, checkable: bool = False) -> None:
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(text)
    button.setCheckable(checkable)
    button.setProperty("role", "toggle")
    button.setIconSize(QSize(16, 16))
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)


def _row(*widgets: QWidget | None) -> QHBoxLayout:
    """Widgets side by side; None is a stretch."""
    row = QHBoxLayout()
    row.setSpacing(10)
    for widget in widgets:
        if widget is None:
            row.addStretch(1)
        else:
            row.addWidget(widget)
    return row


def _on_choice(combo: QComboBox, then: Callable[..., object]) -> None:
    combo.activated.connect(lambda _place: then(combo.currentData()))
