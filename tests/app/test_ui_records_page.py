"""The Records page on a real workspace with real recordings."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.core.changes import Changes
from app.core.rows import FileOutcome
from app.ui.background import Background
from app.ui.calibration import BAR_PX, CalibrationDialog, screen_key
from app.ui.import_dialog import ImportDialog
from app.ui.import_outcomes import OutcomesDialog, outcome_words
from app.ui.records_columns import labels_text, labels_tip
from app.ui.records_page import RecordsPage
from app.ui.settings import Settings
from app.workspace import Workspace
from engine.contract.errors import WorldError

RECORDS = 12


@pytest.fixture(scope="module")
def filled(tmp_path_factory, samples):
    """A workspace with twelve of the shipped recordings, imported by the real engine."""
    folder = tmp_path_factory.mktemp("records")
    for header in sorted(samples.glob("*.hea"))[:RECORDS]:
        for file in samples.glob(f"{header.stem}.*"):
            shutil.copy(file, folder)
    with Workspace.create(folder / "ws") as workspace:
        job = workspace.import_files([folder], "sample", samples / "labels.csv")
        assert workspace.wait(job, timeout_s=120).state == "done"
    return folder / "ws"


@pytest.fixture
def page(qtbot, filled):
    workspace, background = Workspace.open(filled), Background()
    made = RecordsPage(workspace, background)
    qtbot.addWidget(made)
    made.resize(1200, 800)
    made.show()
    made.refresh(Changes.ALL)
    settled(qtbot, made)
    yield made
    background.close()
    workspace.close()


@pytest.fixture
def bare(qtbot, tmp_path):
    workspace, background = Workspace.create(tmp_path / "ws"), Background()
    made = RecordsPage(workspace, background)
    qtbot.addWidget(made)
    made.show()
    made.refresh(Changes.ALL)
    settled(qtbot, made)
    yield made
    background.close()
    workspace.close()


def settled(qtbot, page):
    qtbot.waitUntil(lambda: not page.background.busy and not page.table.bar.pause.isActive(), timeout=20_000)


def shown(page):
    return [page.table.model.row(line).source_name for line in range(page.table.model.rowCount())]


def test_the_first_recording_is_shown_at_once(page):
    row = page.workspace.records(limit=1)[0]
    assert page.table.current() == row
    assert page.card.name.text() == row.source_name
    assert page.card.view.signal.record_id == row.record_id
    np.testing.assert_array_equal(page.card.view.signal.signal_CT, page.workspace.signal(row.record_id).signal_CT)
    assert "500 Hz" in page.card.facts.text()


def test_walking_through_the_table_changes_the_trace(page, qtbot):
    page.table.view.setFocus()
    for _ in range(3):
        qtbot.keyClick(page.table.view, Qt.Key.Key_Down)
    settled(qtbot, page)
    row = page.workspace.records(limit=1, offset=3)[0]
    assert page.card.view.signal.record_id == row.record_id
    assert page.card.name.text() == row.source_name


def test_samples_that_the_store_cannot_give_are_told_in_place_of_the_trace(page, qtbot, monkeypatch):
    def gone(record_id):
        raise WorldError("store", "its samples are gone", "Import the file again")

    monkeypatch.setattr(page.workspace, "signal", gone)
    boxes = []
    page.background.failed.connect(boxes.append)
    page.table.view.selectRow(2)
    settled(qtbot, page)
    assert page.card.view.signal is None
    assert page.card.view.placeholder == "Its samples are gone. Import the file again."
    assert page.card.name.text() == shown(page)[2]
    assert not boxes


def test_searching_narrows_the_table(page, qtbot):
    wanted = page.workspace.records(limit=1, offset=5)[0]
    qtbot.keyClicks(page.table.bar.search, wanted.source_name[:5])
    settled(qtbot, page)
    assert shown(page) == [wanted.source_name]
    assert page.table.count.text() == f"1 of {RECORDS} recordings"
    page.table.bar.search.clear()
    settled(qtbot, page)
    assert len(shown(page)) == RECORDS


def choose(combo, value):
    combo.setCurrentIndex(combo.findData(value))
    combo.activated.emit(combo.currentIndex())


def test_label_and_quality_filters_agree_with_the_workspace(page, qtbot):
    label = next(one for one in page.workspace.labels() if 0 < one.positives < RECORDS)
    panel = page.table.bar.panel
    choose(panel.label, label.label)
    settled(qtbot, page)
    assert len(shown(page)) == label.positives
    choose(panel.label_is, "negative")
    settled(qtbot, page)
    assert len(shown(page)) == label.negatives
    panel.clear.click()
    verdict, count = next(iter(page.workspace.quality_summary().items()))
    choose(panel.fields["quality"], verdict)
    settled(qtbot, page)
    assert len(shown(page)) == count


def test_a_search_without_a_match_empties_the_trace_and_keeps_the_table(page, qtbot):
    page.table.bar.search.setText("no such recording")
    settled(qtbot, page)
    assert page.table.model.rowCount() == 0
    assert page.card.view.signal is None
    assert page._stack.currentIndex() == 1


def test_another_page_can_ask_for_one_recording(page, qtbot):
    wanted = page.workspace.records(limit=1, offset=7)[0]
    page.show_item(wanted.record_id)
    settled(qtbot, page)
    assert page.table.current() == wanted


def test_the_chosen_scale_is_remembered_in_the_settings(page, qtbot):
    settings = Settings(layout="6 × 2", speed_mm_s=50.0, gain_mm_mv=5.0)
    page.apply_settings(settings)
    view = page.card.view
    assert (view.layout_name, view.scale.speed, view.scale.gain) == ("6 × 2", 50.0, 5.0)
    assert page.card.speed.currentText() == "50 mm/s"
    qtbot.keyClick(view, Qt.Key.Key_L)
    assert settings.layout == "12 × 1"
    assert page.card.layout_choice.currentText() == "12 × 1"


def test_a_measured_screen_is_kept_and_told(page, qtbot):
    settings = Settings()
    page.apply_settings(settings)
    assert "screen not calibrated" in page.card.view.caption
    dialog = CalibrationDialog(3.78)
    qtbot.addWidget(dialog)
    dialog.measured.connect(page.card._keep_measure)
    dialog.length.setValue(100.0)
    dialog._take()
    assert settings.px_per_mm == {screen_key(page.screen()): BAR_PX / 100.0}
    assert "screen not calibrated" not in page.card.view.caption


def test_exported_samples_are_those_of_the_recording(page, qtbot, tmp_path):
    row = page.table.current()
    with qtbot.waitSignal(page.told):
        page._export(row.record_id, tmp_path / "one.npz")
    with np.load(tmp_path / "one.npz") as file:
        np.testing.assert_array_equal(file["signal"], page.workspace.signal(row.record_id).signal_CT)


def test_judging_again_asks_for_a_run_over_all_recordings(page, qtbot):
    assert page.can("records.recheck")
    with qtbot.waitSignal(page.told) as told:
        page.judge_again()
    job = page.workspace.jobs()[0]
    assert (job.kind, job.name) == ("recheck", f"{RECORDS} recordings")
    assert told.args[0] == f"{job.job_id} judges all again"
    page.workspace.stop(job.job_id)


# Import.


def test_an_empty_workspace_says_how_to_fill_it(bare):
    assert bare._stack.currentWidget() is bare.empty
    assert bare.can("records.import")
    assert not bare.can("records.recheck")


def test_files_that_are_imported_appear_and_what_was_refused_is_listed(bare, qtbot, samples, tmp_path):
    for file in sorted(samples.glob("*.hea"))[:2]:
        for part in samples.glob(f"{file.stem}.*"):
            shutil.copy(part, tmp_path)
    torn = sorted(tmp_path.glob("*.dat"))[0]
    torn.write_bytes(torn.read_bytes()[:500])
    bare.accept_files([tmp_path / f.name for f in sorted(tmp_path.glob("*.hea"))])
    qtbot.waitUntil(lambda: bare.findChild(ImportDialog) is not None)
    dialog = bare.findChild(ImportDialog)
    with qtbot.waitSignal(dialog.queued, timeout=20_000) as queued:
        dialog.launch()

    def over():
        bare.background.write(bare.workspace.pump, bare.refresh)
        return not bare.workspace.job(queued.args[0]).active

    qtbot.waitUntil(over, timeout=60_000)
    bare.refresh(Changes.ALL)
    qtbot.waitUntil(lambda: bare.findChild(OutcomesDialog) is not None, timeout=20_000)
    outcomes = bare.findChild(OutcomesDialog)
    assert [row.status for row in outcomes.table.rows.rows] == ["refused", "imported"]
    assert outcomes.table.rows.rows[0].file == f"{torn.stem}.hea"
    assert outcomes.table.rows.rows[0].next_step
    settled(qtbot, bare)
    assert bare.table.model.rowCount() == 1
    outcomes.reject()


def test_what_the_workspace_refuses_is_told_in_the_import_dialog(bare, qtbot, tmp_path):
    (tmp_path / "labels.csv").write_text("name,AF\nx,1\n")
    bare.accept_files([tmp_path, tmp_path / "labels.csv"])
    qtbot.waitUntil(lambda: bare.findChild(ImportDialog) is not None)
    dialog = bare.findChild(ImportDialog)
    dialog.launch()
    qtbot.waitUntil(dialog.fault.isVisible, timeout=20_000)
    assert "record" in dialog.fault.text()
    assert dialog.start.isEnabled()
    assert dialog.isVisible()
    dialog.reject()


def test_the_import_is_summed_up_in_one_line():
    rows = [FileOutcome("a", "", status, "", "", None) for status in ("imported", "imported", "duplicate", "refused")]
    assert outcome_words(rows) == "2 imported, 1 there already, 1 refused"


def test_labels_are_shown_without_their_scheme_but_the_carts_own_keep_their_mark():
    labels = {"ptbxl: NORM": 1.0, "ptbxl-super: NORM": 1.0, "MI": 0.0, "device: AFIB": 1.0, "mimic: age": 64.0}
    row = SimpleNamespace(labels=labels)
    assert labels_text(row) == "NORM, device: AFIB"
    assert labels_tip(row).splitlines()[-1] == "mimic: age: 64"
    assert "MI: no" in labels_tip(row)
