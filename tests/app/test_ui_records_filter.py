"""The filters of the Records page: what is set is seen, said in words, and what the table shows."""

from dataclasses import replace

import pytest
from made_records import MANY, take_in, told
from PySide6.QtCore import Qt
from window_cases import shown_table

from app.core.record_query import RecordQuery
from app.ui.records_filter_words import FIELDS, chips, choices, label_choices


@pytest.fixture
def workspace(many):
    return many


@pytest.fixture
def table(qtbot, workspace, background):
    return shown_table(qtbot, workspace, background)


def settle(qtbot, table):
    qtbot.waitUntil(
        lambda: not table.bar.pause.isActive() and not table.model._background.busy,
        timeout=20_000,
    )


def choose(combo, value):
    combo.setCurrentIndex(combo.findData(value))
    combo.activated.emit(combo.currentIndex())


def test_every_choice_has_the_number_of_recordings_that_it_leaves(table, qtbot, workspace):
    facets = workspace.record_facets()
    for field in FIELDS:
        offered = choices(field, facets, facets)
        assert offered, field.name
        for value, words in offered:
            left = workspace.found_count(RecordQuery(**{field.name: value}))
            assert words == f"{field.words(value)}  ({left:,})"
    for label_is in ("positive", "negative", "known", "unknown"):
        left = workspace.found_count(RecordQuery(label="AF", label_is=label_is))
        assert label_choices(facets, facets, label_is) == [("AF", f"AF  ({left:,})")]


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)", extend=True)
def test_the_numbers_in_the_open_popover_are_of_what_the_other_filters_leave(table, qtbot, workspace):
    table.bar.open_panel()
    settle(qtbot, table)
    panel, asked = table.bar.panel, RecordQuery(sex="female", age_from=40)
    table.narrow(asked)
    settle(qtbot, table)
    for field in FIELDS:
        combo = panel.fields[field.name]
        there = [combo.itemData(place) for place in range(1, combo.count())]
        assert there == [value for value, _ in field.counts(workspace.record_facets())], field.name
        for place, value in enumerate(there, start=1):
            left = workspace.found_count(replace(asked, **{field.name: value}))
            assert combo.itemText(place) == f"{field.words(value)}  ({left:,})"
    for label_is in ("positive", "negative", "known", "unknown"):
        choose(panel.label_is, label_is)
        settle(qtbot, table)
        left = workspace.found_count(replace(asked, label="AF", label_is=label_is))
        assert panel.label.itemText(1) == f"AF  ({left:,})"


def test_no_number_stands_in_the_popover_while_its_own_is_counted(table, qtbot):
    panel = table.bar.panel
    panel.number(table.workspace.record_facets())
    assert panel.fields["sex"].itemText(1).endswith(")")
    table.narrow(RecordQuery(quality="good"))
    assert panel.fields["sex"].itemText(1) in ("Female", "Male")


def test_a_choice_narrows_the_table_at_once_and_becomes_a_chip(table, qtbot, workspace):
    panel = table.bar.panel
    choose(panel.fields["finding"], "flat")
    choose(panel.label, "AF")
    choose(panel.label_is, "unknown")
    panel.age.first.setText("30")
    panel._take_age()
    settle(qtbot, table)
    asked = RecordQuery(label="AF", label_is="unknown", finding="flat", age_from=30.0)
    assert table.query() == asked
    assert table.model.rowCount() == workspace.found_count(asked) > 0
    words = [chip.text() for chip in table.bar.chips.held]
    assert words == ["AF is unknown", "Flat line", "Age 30 or more", "Clear all"]
    assert table.count.text() == panel.matching.text() == f"{table.model.rowCount():,} of {MANY} recordings"


def test_each_chip_takes_its_own_filter_away_and_hands_the_focus_on(table, qtbot):
    table.narrow(RecordQuery(quality="limited", sex="female", year_from=2003))
    settle(qtbot, table)
    first, *_ = table.bar.chips.held
    qtbot.mouseClick(first, Qt.MouseButton.LeftButton)
    assert table.query() == RecordQuery(sex="female", year_from=2003)
    assert table.bar.chips.held[0].text() == "Sex: Female"
    table.bar.chips.held[-1].click()
    assert table.query() == RecordQuery()
    assert not table.bar.chips.held
    assert table.bar.chips.isHidden()


def test_clearing_the_filters_keeps_the_order(table, qtbot):
    table.narrow(RecordQuery(text="r0", sex="male", sort="age", descending=True))
    table.bar.panel.clear.click()
    assert table.query() == RecordQuery(sort="age", descending=True)
    assert table.bar.search.text() == ""


def test_filters_stay_while_an_import_adds_recordings(table, qtbot, workspace):
    table.narrow(RecordQuery(sex="female", text="r"))
    settle(qtbot, table)
    before = table.model.rowCount()
    take_in(workspace, [told(n, sex="female") for n in range(MANY, MANY + 4)])
    table.offer(workspace.record_facets())
    table.reload()
    settle(qtbot, table)
    assert table.query() == RecordQuery(sex="female", text="r")
    assert table.bar.panel.fields["sex"].currentData() == "female"
    assert table.model.rowCount() == before + 4


def test_what_no_recording_has_any_more_stays_chosen_until_it_is_taken_away(table, qtbot):
    table.narrow(RecordQuery(device="Schiller AT-102"))
    settle(qtbot, table)
    assert table.bar.panel.fields["device"].currentText() == "Schiller AT-102  (0)"
    assert table.model.rowCount() == 0
    table.bar.chips.held[0].click()
    settle(qtbot, table)
    assert table.model.rowCount() == MANY


def test_a_range_that_ends_before_it_begins_is_marked_and_not_asked_for(table, qtbot):
    year = table.bar.panel.year
    year.last.setText("2000")
    qtbot.keyClicks(year.first, "2010")
    assert year.first.property("wrong") is True
    assert not year._pause.isActive()
    assert table.query() == RecordQuery()
    year.last.clear()
    qtbot.keyClicks(year.last, "2012")
    qtbot.waitUntil(lambda: table.query() == RecordQuery(year_from=2010, year_to=2012))
    assert year.first.property("wrong") is False


def test_ages_above_89_stand_for_all_of_them(table):
    age = table.bar.panel.age
    age.first.setText("95")
    table.bar.panel._take_age()
    assert table.query().age_from == 90


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)", extend=True)
def test_the_popover_opens_beside_the_table_and_closes_with_escape(table, qtbot):
    table.bar.open_panel()
    qtbot.waitUntil(table.bar.panel.isVisible)
    assert table.bar.panel.x() >= table.mapToGlobal(table.rect().topRight()).x()
    assert table.bar.panel.label.hasFocus()
    qtbot.keyClick(table.bar.panel, Qt.Key.Key_Escape)
    assert not table.bar.panel.isVisible()


def test_every_filter_is_said_in_words():
    asked = RecordQuery(
        label="AF",
        label_is="negative",
        dataset="ward",
        quality="good",
        finding="limb_swap",
        device="GE",
        format="DICOM",
        sex="male",
        age_from=40,
        age_to=60,
        year_to=2004,
    )
    told = chips(asked)
    assert [chip.words for chip in told] == [
        "AF is negative",
        "Quality: Good",
        "Limb electrodes perhaps swapped",
        "Sex: Male",
        "Device: GE",
        "Dataset: ward",
        "Format: DICOM",
        "Age 40 to 60",
        "Year up to 2004",
    ]
    assert all(len(chips(chip.without)) == len(told) - 1 for chip in told)
