"""What became of the files of an import: reasons first, then any file by status, reason, name, in any order."""

import csv

import pytest
from PySide6.QtCore import Qt

from app.core.rows import FileOutcome, JobRow, ProgressRow
from app.ui.import_outcomes import OutcomesDialog, reasons_of
from app.ui.import_strip import ImportStrip, going_words

EMPTY, HEADER = ("the file is empty", "Copy it again"), ("its WFDB header is missing", "Put the .hea file beside it")


def outcomes(many=30):
    rows = [FileOutcome(f"a{n:03d}.hea", "WFDB", "imported", "", "", f"r{n}", "/scans/a") for n in range(many)]
    rows += [FileOutcome(f"b{n:03d}.dat", "", "refused", *(EMPTY if n % 3 else HEADER), None, "/b") for n in range(9)]
    return [*rows, FileOutcome("c.xml", "aECG", "duplicate", "it is in the store", "Nothing to do", "r1", "/b")]


@pytest.fixture
def dialog(qtbot, background):
    made = OutcomesDialog(outcomes(), background)
    qtbot.addWidget(made)
    made.show()
    return made


def files(dialog):
    return [row.file for row in dialog.table.rows.rows]


def press(dialog, words):
    next(button for button in dialog.status.buttons() if button.text().startswith(words)).click()


def test_reasons_come_with_their_counts_and_next_steps_the_commonest_first():
    assert [(one.files, one.reason, one.next_step) for one in reasons_of(outcomes())] == [
        (6, *EMPTY),
        (3, *HEADER),
        (1, "it is in the store", "Nothing to do"),
    ]


def test_what_needs_a_hand_comes_first_and_status_narrows(dialog):
    assert files(dialog)[:2] == ["b000.dat", "b001.dat"]
    assert files(dialog)[-1] == "a029.hea"
    press(dialog, "Refused 9")
    assert len(files(dialog)) == 9
    assert dialog.shown.text() == "9 of 40 files"
    press(dialog, "All 40")
    assert dialog.shown.text() == "40 files"


def test_a_reason_narrows_to_its_files_and_the_search_further(qtbot, dialog):
    dialog.reasons.selectRow(1)
    assert files(dialog) == ["b000.dat", "b003.dat", "b006.dat"]
    qtbot.keyClicks(dialog.search, "B003")
    qtbot.waitUntil(lambda: files(dialog) == ["b003.dat"])
    dialog.search.clear()
    press(dialog, "All")
    qtbot.waitUntil(lambda: len(files(dialog)) == 40)


def test_a_click_on_a_header_sorts_and_a_second_one_turns_it_round(qtbot, dialog):
    dialog._sort(1)
    assert files(dialog)[0] == "a000.hea"
    dialog._sort(1)
    assert files(dialog)[0] == "c.xml"
    assert dialog.table.horizontalHeader().sortIndicatorOrder() == Qt.SortOrder.DescendingOrder


def test_what_is_shown_is_what_is_saved(qtbot, dialog, tmp_path):
    press(dialog, "Refused")
    dialog.save(tmp_path / "files.csv")
    qtbot.waitUntil(dialog.fault.isVisible)
    written = list(csv.reader((tmp_path / "files.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row[1] for row in written[1:]] == files(dialog)
    assert written[1][-1] == "/b"


def test_a_hundred_thousand_files_keep_their_order_and_counts(qtbot, background):
    made = OutcomesDialog(outcomes(many=99_990), background)
    qtbot.addWidget(made)
    assert made.table.rows.rowCount() == 100_000
    press(made, "Imported 99,990")
    assert made.table.rows.rowCount() == 99_990


def job(state, done=0, total=0, left=None):
    progress = ProgressRow(done, total, "files", "", left)
    return JobRow("J0004", "import", "local", state, "", "2026-11-22T09:00:00.000Z", "", progress, "", "")


def test_the_strip_tells_how_far_and_how_long_still(qtbot):
    strip = ImportStrip()
    qtbot.addWidget(strip)
    strip.show_jobs([job("running", 1200, 21799, 125.0), job("queued")])
    assert strip.words.text() == "Import J0004: 1,200 of 21,799 files, 2 min 05 s left, 1 more waiting"
    assert strip.bar.value() == 55
    with qtbot.waitSignal(strip.stop_asked) as asked:
        strip.stop.click()
    assert asked.args == ["J0004"]
    strip.show_jobs([])
    assert strip.isHidden()


def test_the_strip_keeps_what_came_of_an_import_until_it_is_closed(qtbot):
    strip = ImportStrip()
    qtbot.addWidget(strip)
    strip.tell("J0004", "9 imported, 1 refused")
    strip.show_jobs([])
    assert not strip.isHidden()
    with qtbot.waitSignal(strip.files_asked) as asked:
        strip.files.click()
    assert asked.args == ["J0004"]
    strip.close_button.click()
    assert strip.isHidden()
    assert going_words(job("queued"), 0) == "Import J0004: waits for its turn"
