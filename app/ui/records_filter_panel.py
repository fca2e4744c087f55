"""The popover with all filters of the Records page: one a line, applied as soon as it is changed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Literal, cast

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.core.record_query import Facets, RecordQuery
from app.ui.choosers import combo
from app.ui.quiet_combo import QuietCombo
from app.ui.records_filter_words import FIELDS, LABEL_IS, Choice, choices, label_choices, without_filters

WIDTH = 400
TYPING_PAUSE_MS = 250
OLDEST = 90
"""As an age of the filter it stands for all above 89, as the workspace keeps them."""

NO_FACETS = Facets((), (), (), (), (), (), ())


class SpanEdit(QWidget):
    """Two whole numbers, from and to; either may be left open."""

    changed = Signal()

    def __init__(self, name: str, highest: int) -> None:
        super().__init__()
        self.first, self.last = QLineEdit(), QLineEdit()
        self._pause = QTimer(self, singleShot=True, interval=TYPING_PAUSE_MS)
        self._pause.timeout.connect(self.changed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for line, end in ((self.first, "from"), (self.last, "to")):
            line.setAccessibleName(f"{name} {end}")
            line.setValidator(QIntValidator(0, highest, line))
            line.setAlignment(Qt.AlignmentFlag.AlignRight)
            line.textEdited.connect(self._typed)
            if end == "to":
                row.addWidget(QLabel("to"))
            row.addWidget(line, 1)
        self.setFocusProxy(self.first)

    def ends(self) -> tuple[int | None, int | None]:
        """What was typed."""
        first, last = (int(line.text()) if line.text().strip() else None for line in (self.first, self.last))
        return first, last

    def put(self, first: float | None, last: float | None) -> None:
        """Show a range; a field that is being typed in stays as it is."""
        for line, value in ((self.first, first), (self.last, last)):
            if not (line.hasFocus() and self._pause.isActive()):
                line.setText("" if value is None else f"{value:g}")
        self._judge()

    def hint(self, first: str, last: str) -> None:
        """What stands in the empty fields."""
        self.first.setPlaceholderText(first)
        self.last.setPlaceholderText(last)

    @property
    def turned(self) -> bool:
        """Whether it ends before it begins."""
        first, last = self.ends()
        return first is not None and last is not None and first > last

    def _typed(self) -> None:
        self._judge()
        if self.turned:
            self._pause.stop()
        else:
            self._pause.start()

    def _judge(self) -> None:
        for line in (self.first, self.last):
            line.setProperty("wrong", self.turned)
            line.setToolTip("It ends before it begins" if self.turned else "")
            line.style().polish(line)


class FilterPanel(QFrame):
    """All filters but the text. Gives a changed query on with every choice; Escape closes it."""

    changed = Signal(RecordQuery)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("role", "popover")
        self.setAccessibleName("Filters")
        self._query, self._facets = RecordQuery(), NO_FACETS
        self._left: Facets | None = None
        self.label, self.label_is = combo("Label"), combo("What the label is")
        self.fields = {field.name: combo(field.title.replace("&", "")) for field in FIELDS}
        self.age, self.year = SpanEdit("Age", 150), SpanEdit("Year", 9999)
        self.matching, self.clear, self.done = QLabel(), QPushButton("Clear all"), QPushButton("Close")
        self._dress()
        self._lay_out()
        self._connect()

    def show_query(self, query: RecordQuery) -> None:
        """Show what is set; the numbers of another query are gone until its own come."""
        if replace(query, sort="", descending=False) != replace(self._query, sort="", descending=False):
            self._left = None
        self._query = query
        self._fill()

    def offer(self, facets: Facets) -> None:
        """Take over what there is to choose from."""
        self._facets = facets
        if facets.years:
            self.year.hint(str(facets.years[0][0]), str(facets.years[-1][0]))
        self._fill()

    def number(self, left: Facets) -> None:
        """Take over the numbers, each filter's among the recordings that the others leave."""
        self._left = left
        self._fill()

    def tell(self, words: str) -> None:
        """Say how many recordings match."""
        self.matching.setText(words)

    def _fill(self) -> None:
        query, facets = self._query, self._facets
        _fill(self.label, label_choices(facets, self._left, query.label_is), query.label)
        self.label_is.setCurrentIndex(self.label_is.findData(query.label_is))
        self.label_is.setEnabled(query.label is not None)
        for field in FIELDS:
            offered = choices(field, facets, self._left)
            _fill(self.fields[field.name], offered, getattr(query, field.name), field.words)
        self.age.put(query.age_from, query.age_to)
        self.year.put(query.year_from, query.year_to)
        self.clear.setEnabled(without_filters(query) != query)

    # What the user chose.

    def _take_choice(self, name: str, _place: int) -> None:
        self._ask(**{name: self.fields[name].currentData()})

    def _take_label(self) -> None:
        self._ask(label=self.label.currentData())

    def _take_label_is(self) -> None:
        value = cast(Literal["positive", "negative", "known", "unknown"], self.label_is.currentData())
        self._ask(label_is=value)

    def _take_age(self) -> None:
        first, last = (None if end is None else float(min(end, OLDEST)) for end in self.age.ends())
        self._ask(age_from=first, age_to=last)

    def _take_year(self) -> None:
        first, last = self.year.ends()
        self._ask(year_from=first, year_to=last)

    def _ask(self, **changes: Any) -> None:
        self.changed.emit(replace(self._query, **changes))

    def _dress(self) -> None:
        self.setFixedWidth(WIDTH)
        for value, words in LABEL_IS:
            self.label_is.addItem(words, value)
        self.age.hint("0", "90+")
        self.age.setToolTip("Years; 90 stands for all above 89")
        self.matching.setProperty("role", "muted")
        self.label_is.setToolTip("A label that nobody gave is unknown, not negative")

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.label, 3)
        row.addWidget(self.label_is, 2)
        both.setFocusProxy(self.label)
        rows: list[tuple[str, QWidget]] = [("&Label", both)]
        rows += [(field.title, self.fields[field.name]) for field in FIELDS]
        rows[4:4] = [("&Age", self.age), ("&Year", self.year)]
        for line, (title, widget) in enumerate(rows):
            caption = QLabel(title)
            caption.setBuddy(widget)
            grid.addWidget(caption, line, 0)
            grid.addWidget(widget, line, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.matching, 1)
        foot.addWidget(self.clear)
        foot.addWidget(self.done)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(12)
        column.addLayout(grid)
        column.addLayout(foot)

    def _connect(self) -> None:
        self.label.activated.connect(lambda _place: self._take_label())
        self.label_is.activated.connect(lambda _place: self._take_label_is())
        for name, choice in self.fields.items():
            choice.activated.connect(partial(self._take_choice, name))
        self.age.changed.connect(self._take_age)
        self.year.changed.connect(self._take_year)
        self.clear.clicked.connect(lambda: self.changed.emit(without_filters(self._query)))
        self.done.clicked.connect(self.close)


def _fill(choice: QuietCombo, offered: list[Choice], chosen: str | None, words: Any = str) -> None:
    """Offer these; what is chosen stays chosen, also when no recording has it any more."""
    if chosen is not None and chosen not in dict(offered):
        offered = [*offered, (chosen, f"{words(chosen)}  (0)")]
    held = [choice.itemData(place) for place in range(1, choice.count())]
    if held == [value for value, _ in offered] and choice.count():
        for place, (_, text) in enumerate(offered, start=1):  # in place: the user may have the list open
            choice.setItemText(place, text)
    else:
        choice.clear()
        choice.addItem("Any", None)
        for value, text in offered:
            choice.addItem(text, value)
    choice.setCurrentIndex(0 if chosen is None else choice.findData(chosen))
    choice.setEnabled(bool(offered))
