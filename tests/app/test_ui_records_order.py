"""The table of recordings: order over all rows, the recording that stays current, columns that are remembered."""

from dataclasses import replace

import pytest
from made_records import MANY, take_in, told
from PySide6.QtCore import QPoint, Qt
from window_cases import shown_table

from app.core.record_query import SORTABLE, RecordQuery
from app.ui.records_columns import record_columns
from app.ui.records_table import RecordsTable
from app.ui.settings import Settings
from app.ui.table import PAGE_ROWS


@pytest.fixture
def workspace(many):
    return many


@pytest.fixture
def table(qtbot, workspace, background):
    return shown_table(qtbot, workspace, background)


def settle(qtbot, table):
    qtbot.waitUntil(lambda: not table.model._background.busy, timeout=20_000)


def click(qtbot, table, key):
    header = table.view.horizontalHeader()
    section = [column.key for column in table.view.columns].index(key)
    middle = QPoint(header.sectionViewportPosition(section) + header.sectionSize(section) // 2, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    settle(qtbot, table)


def everything(qtbot, table):
    """All rows of the table, scrolled through from the first page to the last."""
    for first in range(0, table.model.rowCount(), PAGE_ROWS):
        table.model.ensure(first)
        settle(qtbot, table)
    return [table.model.row(line) for line in range(table.model.rowCount())]


def test_a_header_sorts_all_rows_up_then_down_then_as_imported(table, qtbot, workspace):
    for order in (RecordQuery(sort="age"), RecordQuery(sort="age", descending=True), RecordQuery()):
        click(qtbot, table, "age")
        assert table.query() == order
        assert everything(qtbot, table) == workspace.find_records(order)
    assert len({row.age for row in workspace.find_records(RecordQuery(sort="age"))}) > 30


def test_a_column_that_is_no_order_leaves_the_rows_alone(table, qtbot):
    click(qtbot, table, "sex")
    click(qtbot, table, "labels")
    assert table.query() == RecordQuery(sort="sex")


def test_all_that_recordings_can_be_sorted_by_is_a_column():
    keys = {column.key for column in record_columns()}
    assert set(SORTABLE) - keys == {"imported", "record"}


def test_a_chosen_recording_stays_current_under_other_orders_and_filters(table, qtbot):
    table.view.selectRow(7)
    settle(qtbot, table)
    chosen = table.current()
    again = []
    table.selected.connect(again.append)
    click(qtbot, table, "age")
    table.narrow(RecordQuery(sex=chosen.sex, sort="year", descending=True))
    settle(qtbot, table)
    assert table.current() == chosen
    assert table.view.currentIndex().row() == table.workspace.found_place(table.query(), chosen.record_id)
    assert again == []


def test_a_chosen_recording_that_is_filtered_out_makes_way_for_the_first(table, qtbot):
    table.view.selectRow(7)
    settle(qtbot, table)
    other = {"female": "male", "male": "female"}[table.current().sex]
    table.narrow(RecordQuery(sex=other))
    settle(qtbot, table)
    assert table.view.currentIndex().row() == 0
    assert table.current().sex == other


def test_who_has_chosen_nothing_sees_the_first_of_the_new_order(table, qtbot, workspace):
    click(qtbot, table, "age")
    assert table.current() == workspace.find_records(RecordQuery(sort="age"), 1)[0]


def test_recordings_that_come_in_between_leave_the_current_one_where_it_is_seen(table, qtbot, workspace):
    click(qtbot, table, "age")
    table.view.selectRow(120)
    table.view.scrollTo(table.model.index(120, 0), table.view.ScrollHint.PositionAtCenter)
    settle(qtbot, table)
    chosen, seen = table.current(), table.view.visualRect(table.view.currentIndex()).y()
    take_in(workspace, [told(n, age=1.0) for n in range(MANY, MANY + 5)])
    table.reload()
    settle(qtbot, table)
    assert table.current() == chosen
    assert table.view.currentIndex().row() == 125
    assert table.view.visualRect(table.view.currentIndex()).y() == seen


def test_a_recording_that_another_page_asks_for_comes_into_view_without_the_filters(table, qtbot, workspace):
    wanted = workspace.find_records(RecordQuery(sex="male"))[60]
    table.narrow(RecordQuery(sex="female", sort="age"))
    table.look_for(wanted.record_id)
    settle(qtbot, table)
    assert table.current() == wanted
    assert table.query() == RecordQuery(sort="age")
    assert table.view.viewport().rect().contains(table.view.visualRect(table.view.currentIndex()).center())


def test_columns_are_chosen_and_remembered(table, qtbot, workspace, background):
    settings = Settings()
    table.apply_settings(settings)
    table.view.show_column("device", True)
    table.view.show_column("sex", False)
    table.view.setColumnWidth(1, 180)
    kept = Settings.model_validate_json(settings.model_dump_json())
    assert kept.record_columns == ["quality", "name", "age", "device", "labels"]
    again = RecordsTable(workspace, background)
    qtbot.addWidget(again)
    again.apply_settings(kept)
    assert again.view.shown() == kept.record_columns
    assert again.view.columnWidth(1) == 180
    again.view.standard_columns()
    assert again.view.shown() == ["quality", "name", "age", "sex", "labels"]


def test_an_order_always_has_its_column(table, qtbot):
    table.view.sort_by("year", True)
    assert "year" in table.view.shown()
    table.view.show_column("year", False)
    settle(qtbot, table)
    assert table.query() == RecordQuery()


def test_the_menu_offers_every_order_and_column_to_the_keyboard(table, qtbot):
    menu = table.view.menu(table)
    order = menu.actions()[0].menu()
    names = [action.text() for action in order.actions() if action.text()]
    assert names[0] == "As imported"
    assert {"Age", "Quality", "Sampling rate", "Smallest first", "Largest first"} <= set(names)
    next(action for action in order.actions() if action.text() == "Patient").trigger()
    next(action for action in order.actions() if action.text() == "Largest first").trigger()
    assert table.query() == RecordQuery(sort="patient", descending=True)
    menu.close()


def test_the_last_column_takes_what_is_left_and_never_vanishes(table, qtbot):
    view = table.view
    widths = [view.columnWidth(place) for place in range(len(view.columns)) if not view.isColumnHidden(place)]
    assert sum(widths) == view.viewport().width()
    table.resize(350, 600)
    assert view.horizontalScrollBar().maximum() == 0
    for key in ("patient", "year", "device"):
        view.show_column(key, True)
    assert view.columnWidth(len(view.columns) - 1) >= 80
    qtbot.waitUntil(lambda: view.horizontalScrollBar().maximum() > 0)


def test_a_verdict_is_told_to_a_screen_reader_though_it_is_a_sign(table):
    index = table.model.index(0, 0)
    assert index.data() == ""
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "limited"
    header = table.model.headerData(0, Qt.Orientation.Horizontal, Qt.ItemDataRole.AccessibleTextRole)
    assert header == "Quality"
    table.view.sort_by("rate", True)
    assert table.view.accessibleDescription() == "Sorted by sampling rate, largest first"


def test_every_line_of_every_order_is_found_again(workspace):
    asked = RecordQuery(finding="flat")
    for sort in SORTABLE:
        for descending in (False, True):
            query = replace(asked, sort=sort, descending=descending)
            found = workspace.find_records(query)
            assert [workspace.found_place(query, row.record_id) for row in found[::23]] == list(range(len(found)))[::23]
    assert workspace.found_place(asked, "r000000000002") is None


def test_from_a_recording_to_all_of_its_patient(table, qtbot, workspace):
    mine = [told(MANY + n, patient="p00000000abcd") for n in range(3)]
    take_in(workspace, mine)
    table.look_for(mine[1].record_id)
    settle(qtbot, table)
    menu = table.row_menu()
    menu.actions()[0].trigger()
    settle(qtbot, table)
    assert {row.record_id for row in everything(qtbot, table)} == {one.record_id for one in mine}
    assert table.current().record_id == mine[1].record_id
    menu.close()


def test_an_import_that_tells_of_rows_while_another_order_is_fetched_does_not_lose_it(table, qtbot, workspace):
    table.view.verticalScrollBar().setValue(100)
    settle(qtbot, table)
    table.view.sort_by("age", True)
    table.reload()
    settle(qtbot, table)
    assert table.current() == workspace.find_records(RecordQuery(sort="age", descending=True), 1)[0]
    assert table.view.rowAt(0) == 0
