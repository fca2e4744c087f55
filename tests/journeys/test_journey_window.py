"""The whole way through the window's own widgets with a real engine process: kill, resume, evaluate, export, verify."""

import json
import os
import shutil
import signal

import pytest
from pypdf import PdfReader
from PySide6.QtWidgets import QDialog

from app.ui.import_dialog import ImportDialog

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PATIENCE_MS = 240_000
TINY = {
    "name": "journey",
    "steps": "300",
    "batch_size": "8",
    "checkpoint_every": "20",
    "evaluate_every": "50",
    "threads": "1",
    "backbone.width": "16",
    "backbone.depth": "2",
    "objective.negatives": "16",
}


@pytest.fixture
def some_samples(tmp_path, samples):
    """60 of the shipped recordings with their labels: enough for five folds, quick to embed."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for header in sorted(samples.rglob("*.hea"))[:60]:
        shutil.copy(header, folder)
        shutil.copy(header.with_suffix(".dat"), folder)
    shutil.copy(samples / "labels.csv", folder)
    return folder


def wait(qtbot, condition) -> None:
    qtbot.waitUntil(condition, timeout=PATIENCE_MS)


def opened(page, kind: type[QDialog]):
    return page.findChildren(kind)[-1]


def launch(qtbot, dialog) -> str:
    wait(qtbot, dialog.start.isEnabled)
    with qtbot.waitSignal(dialog.launched, timeout=PATIENCE_MS) as told:
        dialog.start.click()
    return str(told.args[0])


def state_of(runs, job_id: str) -> str:
    return next((job.state for job in runs.table.rows.rows if job.job_id == job_id), "")


def bring_in(qtbot, window, folder) -> None:
    records = window.show_page("Records")
    records.accept_files([folder, folder / "labels.csv"])
    wait(qtbot, lambda: bool(records.findChildren(ImportDialog)))
    dialog = opened(records, ImportDialog)
    with qtbot.waitSignal(dialog.queued, timeout=PATIENCE_MS) as told:
        dialog.start.click()
    runs = window.show_page("Runs")
    wait(qtbot, lambda: state_of(runs, told.args[0]) == "done")


def make_cohort(qtbot, window) -> None:
    dialog = window.show_page("Cohorts").new_cohort()
    wait(qtbot, dialog.make.isEnabled)
    with qtbot.waitSignal(dialog.made, timeout=PATIENCE_MS):
        dialog.make.click()


def start_pretraining(qtbot, runs) -> str:
    dialog = runs.new_pretraining()
    wait(qtbot, lambda: dialog.begin.count() > 0 and not runs.background.busy)
    for path, text in TINY.items():
        line = dialog.form.editor(path).focusProxy()
        line.selectAll()
        qtbot.keyClicks(line, text)
    assert dialog.form.errors == {}
    return launch(qtbot, dialog)


def log_of(runs) -> list[str]:
    return [line.text for line in runs.view.log.rows.rows]


def kill_engine(window, job_id: str) -> None:
    lock = window.workspace.path / "runs" / job_id / "lock"
    os.kill(json.loads(lock.read_text())["pid"], signal.SIGKILL)


def evaluate(qtbot, runs, add: str = "", model: str = "") -> str:
    dialog = runs.new_evaluation()
    wait(qtbot, lambda: bool(dialog.models.get()))
    if add:
        dialog.models.put(["journey"])
        with qtbot.waitSignal(dialog.add_model.added, timeout=PATIENCE_MS):
            getattr(dialog.add_model, add).trigger()
        assert dialog.models.get()[-1] == model
    dialog.models.put([model])
    dialog.form.editor("resamples").put(200)
    return launch(qtbot, dialog)


def test_from_recordings_to_a_verified_dossier_with_a_killed_engine_on_the_way(qtbot, window, some_samples, tmp_path):
    bring_in(qtbot, window, some_samples)
    make_cohort(qtbot, window)

    runs = window.show_page("Runs")
    trained = start_pretraining(qtbot, runs)
    wait(qtbot, lambda: any(text.startswith("Checkpoint") for text in log_of(runs)))
    kill_engine(window, trained)
    wait(qtbot, lambda: state_of(runs, trained) == "interrupted")
    assert runs.table.current().job_id == trained
    assert runs.resume_button.isEnabled()

    runs.resume_button.click()
    wait(qtbot, lambda: state_of(runs, trained) == "done")
    wait(qtbot, lambda: log_of(runs)[-1] == "Ended: done")
    assert any(text.startswith("Going on from a checkpoint") for text in log_of(runs))
    assert not runs.view.curve.is_empty()

    jobs = [
        evaluate(qtbot, runs, model="journey"),
        evaluate(qtbot, runs, add="untrained", model="journey untrained"),
        evaluate(qtbot, runs, add="baseline", model="age + sex"),
    ]
    wait(qtbot, lambda: all(state_of(runs, job) == "done" for job in jobs))

    compare = window.show_page("Compare")
    dialog = compare.new_comparison()
    dialog.form.editor("resamples").put(200)
    compared = launch(qtbot, dialog)
    wait(qtbot, lambda: compare.shown is not None and compare.shown.job.job_id == compared)
    assert compare.shown.results.examined == "journey"
    assert {row.model for row in compare.differences.table.rows.rows} == {"journey untrained", "age + sex"}
    assert compare.similarity.pairs.count() == 2
    for tab in ("Curves", "Ranking"):
        compare.tabs.setCurrentWidget(compare.figures[tab])
        wait(qtbot, lambda tab=tab: compare.figures[tab].view.figure is not None)
    compare.figures["Curves"].view.files.write(tmp_path / "roc.png", ".png")
    wait(qtbot, lambda: (tmp_path / "roc.png").exists())

    dossier = window.show_page("Dossier")
    wait(qtbot, lambda: bool(dossier.pdf.pages.images))
    file = tmp_path / "dossier.pdf"
    dossier.export_to(str(file))
    wait(qtbot, lambda: bool(dossier.side.export.texts))
    assert len(PdfReader(file).pages) == len(dossier.pdf.pages.images)
    dossier.verify_file(str(file))
    wait(qtbot, lambda: bool(dossier.side.verification.texts))
    assert dossier.side.verification.heading.text() == "dossier.pdf matches this workspace"
    assert window.messages.told == []
