"""Where the boxes, arrows and words of a flow diagram stand, in the manner of STARD and CONSORT.

Those considered stand above, those left below; at the line between them a box for each step tells on the right whom it
leaves out and why, and beside the line stands who goes on. Pure geometry: what paints it (window, SVG, picture) takes
the same drawing.

Units are pixels of the painter, which for a file means units of its view box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFont, QFontMetricsF

from app.core.rows import CohortFlow
from app.core.words import counted
from app.ui.cohort_words import patients_gone, reason_words, step_words
from app.ui.theme import FONT_FAMILY
from engine.data.eligibility import Step
from engine.data.splits import Part

Kind = Literal["start", "out", "nobody", "end", "part"]
Voice = Literal["strong", "plain", "muted"]

MARGIN, PAD, BETWEEN = 12.0, 10.0, 34.0
MAIN_SHARE, MAIN_MIN, MAIN_MAX = 0.38, 150.0, 300.0
ASIDE, NARROWEST = 26.0, 400.0
MOST_REASONS = 6
"""Reasons of one step that are told one by one; the rest is summed up."""
MOST_PARTS = 6
"""Parts of a split that get a box each."""


@dataclass(frozen=True)
class Words:
    """One line of text; `backed` where it covers the line that it stands on."""

    text: str
    room: QRectF
    voice: Voice = "plain"
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft
    backed: bool = False


@dataclass(frozen=True)
class Arrow:
    """A straight line; with a head at its end unless it is a mere connection."""

    start: QPointF
    end: QPointF
    head: bool = True


@dataclass
class Drawing:
    """All that is to be painted."""

    size: QSizeF = field(default_factory=lambda: QSizeF(0, 0))
    boxes: list[tuple[QRectF, Kind]] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)


def font_of(voice: Voice, size_px: int) -> QFont:
    """The font of a voice."""
    font = QFont(FONT_FAMILY)
    font.setPixelSize(size_px)
    font.setBold(voice == "strong")
    return font


class FlowLayout:
    """Lays one flow out.

    Args:
        width: of the drawing in pixels.
        size_px: of the letters.
        final: what those are called who are left.
    """

    def __init__(self, width: float, size_px: int, final: str = "Eligible") -> None:
        self.final = final
        self.drawing = Drawing()
        self._size_px, self._width = size_px, max(width, NARROWEST)
        self._metrics = {voice: QFontMetricsF(font_of(voice, size_px)) for voice in ("strong", "plain", "muted")}
        self._line = self._metrics["strong"].height() * 1.12
        room = self._width - 2 * MARGIN
        self._main = min(max(room * MAIN_SHARE, MAIN_MIN), MAIN_MAX)
        self._side_x = MARGIN + self._main + ASIDE
        self._side = room - self._main - ASIDE
        self._axis = MARGIN + self._main / 2

    def lay_out(self, flow: CohortFlow, parts: Sequence[Part] = ()) -> Drawing:
        """The drawing of a flow; with the parts of its split below where these are given."""
        y = self._main_box("start", "Considered", flow.considered, flow.considered_patients, MARGIN)
        start = y
        for place, step in enumerate(flow.steps):
            y = self._step(flow, place, step, y + (self._gap(flow.steps[place - 1]) if place else BETWEEN * 0.6))
        end = y + BETWEEN * (0.8 if flow.steps else 1.2)
        self.drawing.arrows.insert(0, Arrow(QPointF(self._axis, start), QPointF(self._axis, end)))
        y = self._main_box("end", self.final, flow.records, flow.patients, end)
        if parts:
            y = self._parts(parts, y)
        self.drawing.size = QSizeF(self._width, y + MARGIN)
        return self.drawing

    def _main_box(self, kind: Kind, title: str, records: int, patients: int, y: float) -> float:
        box = QRectF(MARGIN, y, self._main, 3 * self._line + 2 * PAD)
        self.drawing.boxes.append((box, kind))
        told: list[tuple[str, Voice]] = [
            (title, "muted"),
            (counted(records, "recording"), "strong"),
            (counted(patients, "patient"), "plain"),
        ]
        for line, (text, voice) in enumerate(told):
            room = QRectF(box.left() + PAD, y + PAD + line * self._line, box.width() - 2 * PAD, self._line)
            self._say(text, room, voice, Qt.AlignmentFlag.AlignHCenter)
        return box.bottom()

    def _step(self, flow: CohortFlow, place: int, step: Step, y: float) -> float:
        """The side box of a step with its arrow, and below it who goes on; gives back where the box ends."""
        gone = sum(step.excluded.values())
        lines = self._lines_of(step, patients_gone(flow, place)) if gone else []
        number = f"{gone:,} left out" if gone else "nobody left out"
        count = self._width_of(number, "strong" if gone else "muted")
        heading = self._wrapped(step_words(step), self._side - 2 * PAD - count - 12)
        box = QRectF(self._side_x, y, self._side, (len(heading) + len(lines)) * self._line + 2 * PAD)
        self.drawing.boxes.append((box, "out" if gone else "nobody"))
        middle = y + PAD + self._line / 2
        self.drawing.arrows.append(Arrow(QPointF(self._axis, middle), QPointF(self._side_x, middle)))
        for line, text in enumerate(heading):
            self._say(text, self._row(box, line), "strong" if gone else "muted")
        voice: Voice = "strong" if gone else "muted"
        self._say(number, self._row(box, 0), voice, Qt.AlignmentFlag.AlignRight)
        for line, (text, amount, manner) in enumerate(lines, start=len(heading)):
            self._pair(text, amount, self._row(box, line), manner)
        if gone and place + 1 < len(flow.steps):
            self._goes_on(step.left, box.bottom() + BETWEEN / 2)
        return box.bottom()

    @staticmethod
    def _gap(above: Step) -> float:
        """Below a step: room for the number of those who go on, where it has changed."""
        return BETWEEN if above.excluded else BETWEEN * 0.35

    def _lines_of(self, step: Step, patients: int) -> list[tuple[str, str, Voice]]:
        """Reasons with their counts, the most frequent first, and how many patients are gone with them."""
        told = sorted(step.excluded.items(), key=lambda pair: -pair[1])
        shown, rest = (told, []) if len(told) <= MOST_REASONS else (told[: MOST_REASONS - 1], told[MOST_REASONS - 1 :])
        lines: list[tuple[str, str, Voice]] = [(reason_words(step, why), f"{count:,}", "plain") for why, count in shown]
        if rest:
            total = sum(count for _, count in rest)
            lines.append((f"{len(rest):,} other reasons", f"{total:,}", "plain"))
        if patients:
            lines.append(("patients with none left", f"{patients:,}", "muted"))
        return lines

    def _goes_on(self, records: int, y: float) -> None:
        """Who goes on, on the line."""
        text = f"{records:,} left"
        wide = self._width_of(text, "muted") + 12
        room = QRectF(self._axis - wide / 2, y - self._line / 2, wide, self._line)
        self.drawing.words.append(Words(text, room, "muted", Qt.AlignmentFlag.AlignHCenter, backed=True))

    def _parts(self, parts: Sequence[Part], y: float) -> float:
        """The parts of the split below those who are left; as many as there is room for, else one box for all."""
        gap, room = 10.0, self._width - 2 * MARGIN
        told = [(part.name, f"{part.records:,}", counted(part.patients, "patient")) for part in parts]
        if len(parts) > MOST_PARTS or room / len(parts) < 92:
            fewest, most = (pick(part.records for part in parts) for pick in (min, max))
            told = [(f"{len(parts)} parts", f"{fewest:,} to {most:,}", "recordings each")]
        wide = min((room - gap * (len(told) - 1)) / len(told), MAIN_MAX)
        top, stem = y + BETWEEN, y + BETWEEN / 2
        middles = []
        for place, lines in enumerate(told):
            box = QRectF(MARGIN + place * (wide + gap), top, wide, 3 * self._line + 2 * PAD)
            self.drawing.boxes.append((box, "part"))
            middles.append(box.center().x())
            self.drawing.arrows.append(Arrow(QPointF(middles[-1], stem), QPointF(middles[-1], top)))
            for line, text in enumerate(lines):
                voice: Voice = "strong" if line == 1 else "muted"
                self._say(text, self._row(box, line), voice, Qt.AlignmentFlag.AlignHCenter)
        ends = [*middles, self._axis]
        self.drawing.arrows += [
            Arrow(QPointF(self._axis, y), QPointF(self._axis, stem), head=False),
            Arrow(QPointF(min(ends), stem), QPointF(max(ends), stem), head=False),
        ]
        return top + 3 * self._line + 2 * PAD

    # Words.

    def _row(self, box: QRectF, line: int) -> QRectF:
        return QRectF(box.left() + PAD, box.top() + PAD + line * self._line, box.width() - 2 * PAD, self._line)

    def _pair(self, text: str, amount: str, room: QRectF, voice: Voice) -> None:
        """Words to the left, their number to the right."""
        number = self._width_of(amount, voice)
        self._say(text, room.adjusted(0, 0, -number - 12, 0), voice)
        self._say(amount, room, voice, Qt.AlignmentFlag.AlignRight)

    def _say(self, text: str, room: QRectF, voice: Voice, align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft) -> None:
        cut = self._metrics[voice].elidedText(text, Qt.TextElideMode.ElideRight, room.width() + 0.5)
        self.drawing.words.append(Words(cut, room, voice, align))

    def _width_of(self, text: str, voice: Voice) -> float:
        return self._metrics[voice].horizontalAdvance(text)

    def _wrapped(self, text: str, width: float, most: int = 2) -> list[str]:
        """Words in lines of strong letters, at most so many; what is left over stays in the last line."""
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self._width_of(longer, "strong") > width and len(lines) < most:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines
