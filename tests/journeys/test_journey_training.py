"""Training through the window's own pages with a real engine: closing the window never stops a run."""

import shutil

import pytest

from app.core.changes import Changes
from app.ui.messages import Message, Messages
from app.ui.window import MainWindow
from app.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PATIENCE_MS = 300_000
TINY = {
    "name": "ward model",
    "steps": "120",
    "batch_size": "8",
    "checkpoint_every": "40",
    "evaluate_every": "40",
    "threads": "1",
    "backbone.width": "16",
    "backbone.depth": "1",
    "objective.negatives": "16",
}
STUDY = """
name = "two sizes"
[axes]
records = [16, 0]
[base]
steps = 6
batch_size = 4
threads = 1
evaluate_every = 3
checkpoint_every = 6
backbone = { name = "s4", width = 16, depth = 1 }
objective = { name = "cpc", negatives = 8 }
"""


class Heard(Messages):
    """Takes messages down instead of showing them."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Message] = []

    def show(self, message: Message) -> None:
        self.told.append(message)


@pytest.fixture
def ward(tmp_path, samples):
    """A workspace with 60 of the shipped recordings."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for header in sorted(samples.rglob("*.hea"))[:60]:
        shutil.copy(header, folder)
        shutil.copy(header.with_suffix(".dat"), folder)
    path = tmp_path / "ward"
    with Workspace.create(path) as workspace:
        workspace.wait(workspace.import_files([folder], labels=samples / "labels.csv"), timeout_s=120)
        workspace.create_cohort("main", folds=3)
    return path


@pytest.fixture
def windows(qtbot):
    """Opens windows on a workspace, and closes what a test has left open."""
    made: list[MainWindow] = []

    def open_on(path) -> MainWindow:
        window = MainWindow(Workspace.open(path), messages=Heard())
        qtbot.addWidget(window)
        window.show()
        made.append(window)
        return window

    yield open_on
    for window in made:
        window.close()


def wait(qtbot, condition) -> None:
    qtbot.waitUntil(condition, timeout=PATIENCE_MS)


def launch(qtbot, dialog) -> str:
    wait(qtbot, dialog.start.isEnabled)
    with qtbot.waitSignal(dialog.launched, timeout=PATIENCE_MS) as told:
        dialog.start.click()
    return str(told.args[0])


def fill(qtbot, dialog) -> None:
    wait(qtbot, lambda: dialog.begin.count() > 0 and not dialog.background.busy)
    for path, text in TINY.items():
        line = dialog.form.editor(path).focusProxy()
        line.selectAll()
        qtbot.keyClicks(line, text)
    assert dialog.form.errors == {}


def state_of(page, job_id: str) -> str:
    return next((row.job.state for row in page.table.rows.rows if row.job.job_id == job_id), "")


def test_a_pretraining_started_from_its_page_outlives_the_window_and_is_found_finished(qtbot, windows, ward):
    window = windows(ward)
    page = window.show_page("Pretrain")
    dialog = page.new_pretraining()
    fill(qtbot, dialog)
    dialog.form.part("probe").setChecked(True)
    job_id = launch(qtbot, dialog)

    wait(qtbot, lambda: page.view.job_id == job_id and page.view.wall is not None and page.view.wall.isVisible())
    wait(qtbot, lambda: "Held-out loss" in page.view.figures.texts())
    assert state_of(page, job_id) == "running"
    window.close()

    again = windows(ward)
    page = again.show_page("Pretrain")
    wait(qtbot, lambda: state_of(page, job_id) == "done")
    page.show_item(job_id)
    wait(qtbot, lambda: page.view.job_id == job_id and "Below trivial" in page.view.figures.texts())
    assert {"rank", "speed", "rate", "probe"} <= set(page.view.wall.shown())
    assert again.messages.told == []

    follower = page.new_pretraining()
    wait(qtbot, lambda: follower.origin.findData(TINY["name"]) > 0 and not follower.background.busy)
    follower.origin.setCurrentIndex(follower.origin.findData(TINY["name"]))
    follower.origin.activated.emit(follower.origin.currentIndex())
    wait(qtbot, lambda: follower.form.value()["backbone"]["width"] == 16)
    assert follower.start.isEnabled()
    follower.reject()


def test_the_cost_of_a_pretraining_is_told_in_its_dialog_before_it_is_started(qtbot, windows, ward):
    window = windows(ward)
    page = window.show_page("Pretrain")
    dialog = page.new_pretraining()
    fill(qtbot, dialog)
    dialog.estimate.click()
    wait(qtbot, lambda: dialog.strip.results is not None)
    assert dialog.strip.results.fits
    assert {"Time", "Memory", "Disk", "Energy"} <= set(dialog.strip.figures.texts())
    assert dialog.start.isEnabled()
    dialog.reject()


def test_a_study_started_from_its_page_fills_its_grid_and_is_exported(qtbot, windows, ward, tmp_path):
    file = tmp_path / "two.toml"
    file.write_text(STUDY)
    window = windows(ward)
    page = window.show_page("Study")
    dialog = page.new_study()
    wait(qtbot, lambda: dialog.recipe.count() > 0 and not dialog.background.busy)
    dialog.take_file(str(file))
    wait(qtbot, lambda: dialog.count.text() == "2 runs.")
    job_id = launch(qtbot, dialog)

    wait(qtbot, lambda: page.view.grid.rows.rowCount() == 2)
    window.close()

    again = windows(ward)
    page = again.show_page("Study")
    wait(qtbot, lambda: state_of(page, job_id) == "done")
    page.refresh(Changes.ALL)
    wait(qtbot, lambda: [row.state for row in page.view.grid.rows.rows] == ["done", "done"])
    assert page.view.ranking.rows.rowCount() == 2
    assert page.view.scaling is not None
    with qtbot.waitSignal(page.told, timeout=PATIENCE_MS):
        page.export_to(tmp_path / "out")
    assert (tmp_path / "out" / "study.csv").is_file()
    assert again.messages.told == []
