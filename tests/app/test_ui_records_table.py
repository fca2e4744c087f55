"""A table over a hundred thousand rows that holds a few pages of them."""

from dataclasses import dataclass

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableView

from app.ui.background import Background
from app.ui.rows_table import Column
from app.ui.table import PAGE_ROWS, PAGES_HELD, PAGES_WAITING, PENDING, PagedModel


@dataclass(frozen=True)
class Line:
    number: int
    note: str = ""


class Source:
    """Rows as a database gives them, and what was asked."""

    def __init__(self, rows):
        self.rows, self.note, self.asked = rows, "", []

    def count(self):
        return self.rows

    def fetch(self, limit, offset):
        self.asked.append(offset)
        return [Line(i, self.note) for i in range(offset, min(offset + limit, self.rows))]


COLUMNS = [Column("Number", lambda r: str(r.number), 60, numeric=True), Column("Note", lambda r: r.note, 0)]


@pytest.fixture
def background(qtbot):
    made = Background()
    yield made
    made.close()


def table(qtbot, background, source):
    model = PagedModel(COLUMNS, background, source.count, source.fetch)
    view = QTableView()
    qtbot.addWidget(view)
    view.setModel(model)
    view.verticalHeader().setDefaultSectionSize(24)
    view.resize(400, 600)
    view.show()
    with qtbot.waitSignal(model.counted):
        model.reload(keep=False)
    return model, view


def settled(qtbot, background):
    qtbot.waitUntil(lambda: not background.busy, timeout=30_000)


def test_a_hundred_thousand_rows_cost_a_few_pages(qtbot, background):
    source = Source(100_000)
    model, view = table(qtbot, background, source)
    assert model.rowCount() == 100_000
    view.grab()
    settled(qtbot, background)
    view.scrollToBottom()
    view.grab()
    settled(qtbot, background)
    assert model.index(99_999, 0).data() == "99999"
    assert len(source.asked) <= 6


def test_scrolling_through_all_of_it_asks_for_what_is_seen_and_stays_small(qtbot, background):
    source = Source(100_000)
    model, view = table(qtbot, background, source)
    lines = range(0, 100_000, 1_700)
    for line in lines:
        view.scrollTo(model.index(line, 0), QTableView.ScrollHint.PositionAtTop)
        view.grab()
        settled(qtbot, background)
    assert len(model._pages) <= PAGES_HELD
    assert len(source.asked) <= 3 * len(lines)


def test_a_cell_shows_an_ellipsis_until_its_page_arrives(qtbot, background):
    model, _view = table(qtbot, background, Source(1000))
    cell = model.index(777, 0)
    assert cell.data() == PENDING
    with qtbot.waitSignal(model.arrived):
        pass
    assert cell.data() == "777"


def test_rows_added_at_the_end_leave_selection_and_place_alone(qtbot, background):
    source = Source(1000)
    model, view = table(qtbot, background, source)
    view.selectRow(420)
    settled(qtbot, background)
    source.rows = 5000
    with qtbot.waitSignal(model.counted):
        model.reload()
    assert model.rowCount() == 5000
    assert view.currentIndex().row() == 420


def test_a_reload_fetches_what_is_in_view_again(qtbot, background):
    source = Source(1000)
    model, view = table(qtbot, background, source)
    view.grab()
    settled(qtbot, background)
    source.note = "new"
    with qtbot.waitSignal(model.counted):
        model.reload()
    view.grab()
    settled(qtbot, background)
    assert model.index(0, 1).data() == "new"


def test_another_filter_starts_again_at_the_top(qtbot, background):
    source = Source(1000)
    model, view = table(qtbot, background, source)
    view.selectRow(900)
    source.rows = 10
    with qtbot.waitSignal(model.counted):
        model.reload(keep=False)
    assert model.rowCount() == 10
    assert view.currentIndex().row() <= 0


def test_an_answer_to_an_older_question_is_dropped(qtbot, background):
    source = Source(1000)
    model, _view = table(qtbot, background, source)
    model.ensure(PAGE_ROWS * 3)
    model.reload(keep=False)
    settled(qtbot, background)
    assert set(model._pages) <= {0}


def test_numbers_stand_on_the_right_under_their_title(qtbot, background):
    model, _view = table(qtbot, background, Source(10))
    side = Qt.ItemDataRole.TextAlignmentRole
    right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    assert model.index(0, 0).data(side) == right
    assert model.headerData(0, Qt.Orientation.Horizontal, side) == right


def test_who_drags_through_the_table_does_not_wait_for_the_pages_on_the_way(qtbot, background):
    source = Source(100_000)
    model, _view = table(qtbot, background, source)
    settled(qtbot, background)
    source.asked.clear()
    for line in range(10_000, 90_000, 1000):
        model.ensure(line)
    settled(qtbot, background)
    assert len(source.asked) == 1 + PAGES_WAITING
    assert model.row(89_000) == Line(89_000)


def test_a_page_that_cannot_be_read_is_told_of_and_asked_for_again(qtbot, background):
    source = Source(1000)
    model, _view = table(qtbot, background, source)
    settled(qtbot, background)
    whole, source.rows = source.rows, None
    with qtbot.waitSignal(background.failed):
        model.ensure(900)
    source.rows = whole
    model.ensure(900)
    settled(qtbot, background)
    assert model.row(900) == Line(900)


def test_another_order_comes_with_its_rows_and_without_a_flicker(qtbot, background):
    source = Source(1000)
    model, _view = table(qtbot, background, source)
    settled(qtbot, background)
    source.note = "sorted"
    seen = []
    model.modelReset.connect(lambda: seen.append(model.index(0, 1).data()))
    with qtbot.waitSignal(model.counted):
        model.reload(keep=False)
    assert seen == ["sorted"]
