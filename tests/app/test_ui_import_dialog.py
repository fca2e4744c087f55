"""The import dialog: what is dropped is sorted, what is kept of persons is chosen, labels come along or afterwards."""

import shutil

import pytest
from core_cases import SAMPLES
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from window_cases import settle

from app.core.inputs import dropped
from app.core.rows import FileOutcome, JobRow, ProgressRow
from app.ui.import_dialog import ImportDialog
from app.ui.import_outcomes import OutcomesDialog
from app.ui.import_page import ImportingPage
from app.ui.labels_dialog import LabelsDialog
from app.workspace import Workspace
from engine.contract.deidentification import Deidentification


@pytest.fixture
def workspace(tmp_path):
    with Workspace.create(tmp_path / "ward7") as made:
        yield made


@pytest.fixture
def page(qtbot, workspace, background):
    made = ImportingPage(workspace, background)
    qtbot.addWidget(made)
    made.show()
    yield made
    settle(qtbot, background)


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    header = min(SAMPLES.glob("*.hea"))
    for file in (header, header.with_suffix(".dat")):
        shutil.copy(file, folder)
    return folder


def written(path, text="x"):
    path.write_text(text)
    return path


def opened(qtbot, page, paths):
    page.accept_files(paths)
    settle(qtbot, page.background)
    return page.findChild(ImportDialog)


def test_what_is_dropped_is_sorted_by_what_can_be_done_with_it(tmp_path, scans):
    labels = written(tmp_path / "labels.csv", "record,AF\nx,1\n")
    packed = written(tmp_path / "scans.zip", "PK")
    told = dropped([scans, labels, packed, scans / "missing.hea"])
    assert told.recordings == (scans, scans / "missing.hea")
    assert (told.tables, told.archives) == ((labels,), (packed,))


def test_a_packed_archive_is_told_and_kept_off_the_list(qtbot, page, tmp_path, scans):
    dialog = opened(qtbot, page, [scans, written(tmp_path / "more.zip")])
    assert dialog.chosen() == [scans]
    assert dialog.archives.text() == "A packed archive is not on the list: unpack first, then add the folder."
    dialog.reject()


def test_more_may_be_dropped_onto_the_dialog(qtbot, page, tmp_path, scans):
    dialog = opened(qtbot, page, [scans])
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "other")), QUrl.fromLocalFile(str(scans))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    dialog.dropEvent(QDropEvent(QPointF(20, 20), Qt.DropAction.CopyAction, data, buttons, keys))
    assert not dialog.start.isEnabled()  # not before it is known what was dropped
    settle(qtbot, page.background)
    assert dialog.chosen() == [scans, tmp_path / "other"]
    assert dialog.start.isEnabled()
    dialog.reject()


def test_dates_and_wording_go_into_the_import_as_chosen(qtbot, page, workspace, scans, monkeypatch):
    dialog = opened(qtbot, page, [scans])
    assert dialog.privacy.told() == Deidentification()
    dialog.privacy.dates.setCurrentIndex(dialog.privacy.dates.findData("shift"))
    dialog.privacy.words.setChecked(True)
    with qtbot.waitSignal(dialog.queued, timeout=20_000) as queued:
        dialog.start.click()
    config = workspace.job_detail(queued.args[0]).config
    assert config["deidentify"] == {"dates": "shift", "keep_free_text": True}


def test_a_plain_label_table_comes_along(qtbot, page, tmp_path, scans):
    dialog = opened(qtbot, page, [scans, written(tmp_path / "labels.csv", "record,AF\n00001_hr,1\n")])
    dialog._ask_about_labels()
    settle(qtbot, page.background)
    assert dialog.labels_note.text() == "1 row; joined on its column record while the recordings come in."
    with qtbot.waitSignal(dialog.queued, timeout=20_000):
        dialog.start.click()
    assert dialog.later is None


def test_a_table_whose_columns_must_be_explained_is_asked_about_after_the_import(qtbot, page, tmp_path, scans):
    table = written(tmp_path / "codes.csv", "ecg_id,icd\n00001_hr,I48\n")
    dialog = opened(qtbot, page, [scans, table])
    dialog._ask_about_labels()
    settle(qtbot, page.background)
    assert "you are asked what its columns mean once the recordings are in" in dialog.labels_note.text()
    with qtbot.waitSignal(dialog.queued, timeout=20_000) as queued:
        dialog.start.click()
    assert page._tables == {queued.args[0]: table}
    row = JobRow(queued.args[0], "import", "local", "done", "", "", "", ProgressRow(), "", "")
    page._tell_outcomes(row, [FileOutcome("00001_hr.hea", "WFDB", "imported", "", "", "r1")])
    settle(qtbot, page.background)
    assert page.findChild(LabelsDialog).look.table.name == "codes.csv"


def test_an_import_that_was_begun_elsewhere_is_told_without_a_dialog(qtbot, page, workspace):
    row = JobRow("J0009", "import", "local", "done", "", "", "", ProgressRow(), "", "")
    refused = [FileOutcome("a.dat", "", "refused", "its WFDB header is missing", "Put it beside it", None)]
    page._tell_outcomes(row, refused)
    assert page.strip.words.text() == "0 imported, 1 refused"
    assert page.findChild(OutcomesDialog) is None
    page._asked.add("J0009")
    page._tell_outcomes(row, refused)
    assert page.findChild(OutcomesDialog) is not None


def test_a_label_table_that_cannot_be_read_says_why_beside_its_field(qtbot, page, tmp_path, scans):
    dialog = opened(qtbot, page, [scans, written(tmp_path / "labels.csv", "")])
    dialog._ask_about_labels()
    settle(qtbot, page.background)
    assert dialog.labels_note.text() == "Label table: it is empty. Save it with one header line and its rows."
    dialog.reject()


def test_a_label_table_dropped_alone_is_asked_about_as_such(qtbot, page, tmp_path):
    page.accept_files([written(tmp_path / "labels.csv", "record,AF\nx,1\n")])
    settle(qtbot, page.background)
    assert page.findChild(ImportDialog) is None
    assert "names no recording" in page.findChild(LabelsDialog).banner.title.text()


def test_tables_that_do_not_tell_can_be_left_out(qtbot, page, tmp_path, scans):
    written(scans / "numbers.csv", "\n".join(",".join(str(n % 7) for n in range(12)) for _ in range(600)))
    dialog = opened(qtbot, page, [scans])
    assert dialog.mapping.title.text().startswith("numbers.csv: text")
    assert not dialog.start.isEnabled()
    dialog.mapping.without.setChecked(True)
    assert dialog.start.isEnabled()
    assert dialog.mapping.mapping() is None
    dialog.reject()
