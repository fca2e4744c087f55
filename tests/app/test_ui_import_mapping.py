"""The import dialog with tables: what is missing is asked beside its field, and what was told is imported."""

import csv

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from app.core.rows import FileOutcome
from app.ui.background import Background
from app.ui.import_dialog import ImportDialog
from app.ui.import_outcomes import OutcomesDialog
from app.workspace import Workspace
from engine.contract.mapping import SignalTable


@pytest.fixture
def table(tmp_path):
    """A text of twelve nameless columns that obey Einthoven and Goldberger, in microvolts."""
    rng = np.random.default_rng(3)
    i_T, ii_T = np.cumsum(rng.normal(0, 20, (2, 900)), axis=1)
    limb = [i_T, ii_T, ii_T - i_T, -(i_T + ii_T) / 2, i_T - ii_T / 2, ii_T - i_T / 2]
    rows = np.array([*limb, *np.cumsum(rng.normal(0, 20, (6, 900)), axis=1)]).T
    path = tmp_path / "ward.csv"
    np.savetxt(path, rows, delimiter=",", fmt="%.3f")
    return path


@pytest.fixture
def dialog(qtbot, tmp_path, table):
    window = QWidget()
    qtbot.addWidget(window)
    background = Background()
    with Workspace.create(tmp_path / "ws") as workspace:
        made = ImportDialog(workspace, background, [table], window)
        made.show()
        qtbot.waitUntil(lambda: made.mapping.found is not None)
        yield made
        background.close()


def test_import_waits_until_rate_and_unit_were_told(dialog, qtbot):
    pane = dialog.mapping
    assert not dialog.start.isEnabled()
    assert pane.notes["rate_hz"].text().startswith("Needed")
    assert pane.notes["unit"].text().startswith("Needed")
    assert "Goldberger" in pane.notes["leads"].text()
    qtbot.keyClicks(pane.rate, "fast")
    assert pane.notes["rate_hz"].text() == "A number of Hz between 1 and 100,000 is needed"
    pane.rate.clear()
    qtbot.keyClicks(pane.rate, "300")
    pane.unit.setCurrentIndex(pane.unit.findData("uV"))
    qtbot.waitUntil(dialog.start.isEnabled)
    assert pane.mapping() == SignalTable(rate_hz=300, unit="uV")


def test_a_lead_that_is_chosen_for_a_column_goes_into_the_mapping(dialog, qtbot):
    pane = dialog.mapping
    box = pane.box(11)
    assert box.currentData() == "V6"
    box.setCurrentIndex(box.findData("-"))
    box.activated.emit(box.currentIndex())
    assert pane.leads[-1] == "-"
    qtbot.waitUntil(lambda: "V6" in pane.fault.text() or pane.found.missing != ())


def test_the_keyboard_goes_from_the_unit_to_the_leads(dialog, qtbot):
    pane = dialog.mapping
    pane.unit.setFocus()
    qtbot.keyClick(pane.unit, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is pane.box(0)
    for _ in range(11):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is pane.box(11)
    qtbot.keyClick(pane.box(11), Qt.Key.Key_Up)
    assert pane.leads[-1] == "V5"


def test_a_csv_of_labels_stays_the_labels_and_hides_no_pane(dialog, qtbot, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("record,MI\nward,1\n")
    dialog.add([labels])
    qtbot.waitUntil(lambda: dialog.labels.text() == str(labels))
    assert dialog.paths.count() == 1


def test_outcomes_are_saved_as_a_csv_without_formulas(qtbot, background, tmp_path):
    rows = [FileOutcome("=1+1.hea", "WFDB", "refused", "its header is empty", "Copy it again", None, "/scans")]
    made = OutcomesDialog(rows, background)
    qtbot.addWidget(made)
    made.show()
    made.save(tmp_path / "files.csv")
    qtbot.waitUntil(made.fault.isVisible)
    written = list(csv.reader((tmp_path / "files.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert written[1] == ["refused", "'=1+1.hea", "WFDB", "", "its header is empty", "Copy it again", "/scans"]
    made.save(tmp_path / "nowhere" / "files.csv")
    qtbot.waitUntil(lambda: "cannot be written" in made.fault.text())
