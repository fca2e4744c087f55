"""A folder of every format that carts write, dropped on the window: each file gets its line, labels join afterwards."""

import csv

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from app.ui.import_dialog import ImportDialog
from app.ui.import_outcomes import OutcomesDialog
from app.ui.labels_dialog import LabelsDialog
from app.ui.window import MainWindow
from app.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PATIENCE_MS = 120_000


@pytest.fixture
def window(qtbot, tmp_path):
    shown = MainWindow(Workspace.create(tmp_path / "ward"))
    qtbot.addWidget(shown)
    shown.show()
    yield shown
    shown.close()


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(200, 200), Qt.DropAction.CopyAction, data, buttons, keys))


def child(qtbot, window, kind):
    qtbot.waitUntil(lambda: window.findChild(kind) is not None, timeout=PATIENCE_MS)
    return window.findChild(kind)


def test_a_dropped_folder_of_mixed_formats_comes_in_with_an_outcome_for_each_file(qtbot, window, shared, tmp_path):
    table = tmp_path / "visits.csv"
    table.write_text("file,AF,LVEF\nsmp/mortara_1000hz_waveform_ecg.dcm,1,55\ncontec_0000050.edf,0,\ngone.dcm,1,\n")
    drop(window, shared / "data" / "format-samples", table)
    dialog = child(qtbot, window, ImportDialog)
    qtbot.waitUntil(lambda: dialog.mapping.found is not None, timeout=PATIENCE_MS)
    assert not dialog.start.isEnabled()
    dialog.mapping.without.setChecked(True)
    qtbot.waitUntil(lambda: "asked what its columns mean" in dialog.labels_note.text(), timeout=PATIENCE_MS)
    dialog.start.click()
    outcomes = child(qtbot, window, OutcomesDialog)
    counts = {status: sum(row.status == status for row in outcomes.outcomes) for status in ("imported", "refused")}
    assert counts == {"imported": 22, "refused": 11}
    assert {row.format for row in outcomes.outcomes if row.status == "imported"} == {
        "DICOM", "EDF", "GE CardiologyXML", "GE MUSE XML", "HDF5, CODE-15 %", "HL7 aECG", "Philips Sierra XML"
    }  # fmt: skip
    assert all(row.reason and row.next_step for row in outcomes.outcomes if row.status == "refused")
    assert outcomes.reasons.rows.rows[0].files == 9
    outcomes.save(tmp_path / "files.csv")
    qtbot.waitUntil(outcomes.fault.isVisible, timeout=PATIENCE_MS)
    written = list(csv.reader((tmp_path / "files.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(written) == 1 + len(outcomes.outcomes)
    assert window.page("Records").strip.words.text() == "22 imported, 5 there already, 11 refused"
    labels = child(qtbot, window, LabelsDialog)
    qtbot.waitUntil(labels.bring.isEnabled, timeout=PATIENCE_MS)
    assert labels.preview.tiles.texts()["Joined"] == "2"
    labels.bring.click()
    qtbot.waitUntil(labels.written.isVisible, timeout=PATIENCE_MS)
    known = {row.source_name: row.labels for row in window.workspace.records() if row.labels}
    assert known["mortara_1000hz_waveform_ecg"] == {"AF": 1, "LVEF": 55}
    assert known["contec_0000050"] == {"AF": 0}
    assert set(known) == {"mortara_1000hz_waveform_ecg", "contec_0000050"}
