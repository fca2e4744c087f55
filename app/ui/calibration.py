"""Measuring the screen: what the operating system says about millimetres is often wrong, a ruler is not."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QScreen
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QDoubleSpinBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from app.ui import theme as themes

BAR_PX = 400


def screen_key(screen: QScreen) -> str:
    """Tells screens apart: maker, model, serial number and size in pixels."""
    size = screen.size()
    parts = (screen.manufacturer(), screen.model(), screen.serialNumber(), f"{size.width()}x{size.height()}")
    return " ".join(part for part in parts if part)


class Bar(QWidget):
    """A bar of a known number of pixels with an end mark on both sides."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(BAR_PX + 40, 60)
        self.setAccessibleName(f"Bar of {BAR_PX} pixels")

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar and its end marks; the distance between the outer edges is BAR_PX."""
        painter = QPainter(self)
        try:
            colours = themes.current()
            painter.fillRect(QRectF(20, 24, BAR_PX, 12), QColor(colours.accent))
            painter.setPen(QPen(QColor(colours.text), 1))
            for x in (20, 20 + BAR_PX):
                painter.drawLine(QLineF(x, 8, x, 52))
        finally:
            painter.end()


class CalibrationDialog(QDialog):
    """Asks how long the bar is on this screen."""

    measured = Signal(float)
    """Pixels per millimetre."""

    def __init__(self, px_per_mm: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Calibrate screen")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.length = QDoubleSpinBox()
        self.length.setRange(20, 800)
        self.length.setDecimals(1)
        self.length.setSingleStep(0.5)
        self.length.setSuffix(" mm")
        self.length.setValue(BAR_PX / px_per_mm)
        self.length.setAccessibleName("Length of the bar in millimetres")
        words = QLabel(
            "Hold a ruler to the screen and enter the distance between the two marks. It is kept for this screen only."
        )
        words.setWordWrap(True)
        form = QFormLayout()
        form.addRow("Distance", self.length)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton("Keep", QDialogButtonBox.ButtonRole.AcceptRole).setProperty("role", "primary")
        buttons.accepted.connect(self._take)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addWidget(words)
        column.addWidget(Bar(), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(form)
        column.addWidget(buttons)

    def _take(self) -> None:
        self.accept()
        self.measured.emit(BAR_PX / self.length.value())
