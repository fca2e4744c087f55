"""Pages of a PDF one below the other, rendered off the window's thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial

import pypdfium2
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.ui.background import Background

POINTS_PER_INCH, SCREEN_DPI = 72.0, 96.0
MARGIN = 16
_one_at_a_time = threading.Lock()
"""PDFium is not safe to call from two threads at once."""


@dataclass(frozen=True)
class Pages:
    """Rendered pages and the text of each, for search, tests and screen readers."""

    images: tuple[QImage, ...]
    texts: tuple[str, ...]


def render_pages(content: bytes, width: int, pixel_ratio: float, zoom: float | None) -> Pages:
    """Render all pages; called off the window's thread.

    Args:
        content: the PDF.
        width: of a page in device-independent pixels, when it shall fit.
        pixel_ratio: device pixels per device-independent pixel.
        zoom: 1.0 for true size; None to fit `width`.
    """
    with _one_at_a_time:
        document = pypdfium2.PdfDocument(content)
        try:
            told = [_render(page, width, pixel_ratio, zoom) for page in document]
        finally:
            document.close()
    return Pages(tuple(image for image, _ in told), tuple(text for _, text in told))


def _render(page: pypdfium2.PdfPage, width: int, ratio: float, zoom: float | None) -> tuple[QImage, str]:
    scale = width / page.get_width() if zoom is None else zoom * SCREEN_DPI / POINTS_PER_INCH
    bitmap = page.render(scale=scale * ratio, rev_byteorder=True, prefer_bgrx=True)
    view = QImage(bitmap.buffer, bitmap.width, bitmap.height, bitmap.stride, QImage.Format.Format_RGBX8888)
    image = view.copy()
    image.setDevicePixelRatio(ratio)
    text = page.get_textpage()
    words = text.get_text_range()
    text.close()
    page.close()
    return image, words


class PdfView(QScrollArea):
    """Shows a PDF held in memory; fits the width unless a zoom is set."""

    page_changed = Signal(int, int)
    """Number of the page in view, from 1, and how many there are."""
    rendered = Signal()

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background, self._content, self._width = background, b"", 0
        self._zoom: float | None = None
        self.pages: Pages = Pages((), ())
        self._sheets: list[QLabel] = []
        self._later = QTimer(self, interval=120, singleShot=True)
        self._later.timeout.connect(self._render)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        self._column.setSpacing(MARGIN)
        self._inside = inside
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName("Pages of the dossier")
        self.verticalScrollBar().valueChanged.connect(self._tell_page)

    def show_pdf(self, content: bytes) -> None:
        """Show this PDF; the place in view stays when it only changed a little."""
        if content != self._content:
            self._content = content
            self._render()

    def set_zoom(self, zoom: float | None) -> None:
        """Zoom to a share of true size, None to fit the width."""
        self._zoom = zoom
        self._render()

    def go_to_page(self, number: int) -> None:
        """Bring a page, counted from 1, to the top."""
        if 0 < number <= len(self._sheets):
            self.verticalScrollBar().setValue(self._tops()[number - 1] - MARGIN)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Render anew once the window has come to rest."""
        super().resizeEvent(event)
        if self._zoom is None and self._content and self._fitting_width() != self._width:
            self._later.start()

    def _fitting_width(self) -> int:
        return max(self.viewport().width() - 2 * MARGIN, 200)

    def _render(self) -> None:
        if not self._content:
            return
        self._width = self._fitting_width()
        ask = partial(render_pages, self._content, self._width, self.devicePixelRatioF(), self._zoom)
        self._background.read(ask, self._show, key=f"pdf.{id(self)}", slow=True)

    def _show(self, pages: Pages) -> None:
        share = self.verticalScrollBar().value() / max(self.verticalScrollBar().maximum(), 1)
        self.pages = pages
        self._make_sheets(len(pages.images))
        for number, (sheet, image) in enumerate(zip(self._sheets, pages.images, strict=True), start=1):
            sheet.setPixmap(QPixmap.fromImage(image))
            sheet.setFixedSize(QSize(round(image.width() / image.devicePixelRatio()), self._height(image)))
            sheet.setAccessibleName(f"Page {number} of {len(pages.images)}")
            sheet.setAccessibleDescription(pages.texts[number - 1])
        self._column.activate()
        self._inside.adjustSize()
        self.verticalScrollBar().setValue(round(share * self.verticalScrollBar().maximum()))
        self._tell_page()
        self.rendered.emit()

    @staticmethod
    def _height(image: QImage) -> int:
        return round(image.height() / image.devicePixelRatio())

    def _make_sheets(self, count: int) -> None:
        while len(self._sheets) > count:
            sheet = self._sheets.pop()
            self._column.removeWidget(sheet)
            sheet.deleteLater()
        while len(self._sheets) < count:
            sheet = QLabel()
            self._sheets.append(sheet)
            self._column.addWidget(sheet, 0, Qt.AlignmentFlag.AlignHCenter)

    def _tell_page(self) -> None:
        middle = self.verticalScrollBar().value() + self.viewport().height() / 2
        passed = sum(1 for top in self._tops() if top <= middle)
        self.page_changed.emit(max(passed, 1), len(self._sheets))

    def _tops(self) -> list[int]:
        """Where each page begins; told by their heights, since the layout is done only when it is next shown."""
        tops = [MARGIN]
        for sheet in self._sheets:
            tops.append(tops[-1] + sheet.height() + MARGIN)
        return tops[:-1]
