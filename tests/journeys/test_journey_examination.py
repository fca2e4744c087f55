"""A stress bench and a drift check through the window with a real engine process: asked, ended, drawn, written out."""

import csv
import shutil
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtGui import QImage

from app.workspace import Workspace
from engine.contract.config import S4Config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_MS = 60_000
FAULTS = ["low_pass=40,25", "gain_down=0.5,0.1"]
BROKEN = [("Low-pass filter", 40), ("Low-pass filter", 25), ("Amplitude too small", 0.5), ("Amplitude too small", 0.1)]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def ward(tmp_path, samples):
    """60 of the shipped recordings as two collections, a cohort of each, and an untrained model."""
    with Workspace.create(tmp_path / "ward") as workspace:
        headers = sorted(samples.rglob("*.hea"))
        for name, few in (("here", headers[:40]), ("there", headers[40:60])):
            folder = tmp_path / name
            folder.mkdir()
            for header in few:
                shutil.copy(header, folder)
                shutil.copy(header.with_suffix(".dat"), folder)
            workspace.wait(workspace.import_files([folder], dataset=name, labels=samples / "labels.csv"))
            workspace.create_cohort(name, dataset=name, labels=["NORM"], folds=2)
        workspace.add_random_model("untrained", S4Config(width=8, depth=1))
    return tmp_path / "ward"


def wait(qtbot, condition) -> None:
    qtbot.waitUntil(condition, timeout=PATIENCE_MS)


def ended(qtbot, runs, dialog) -> str:
    """Press *Start*; the run's id once its state is told as done."""
    wait(qtbot, dialog.start.isEnabled)
    with qtbot.waitSignal(dialog.launched, timeout=PATIENCE_MS) as told:
        dialog.start.click()
    job = str(told.args[0])
    wait(qtbot, lambda: next((row.state for row in runs.table.rows.rows if row.job_id == job), "") == "done")
    return job


def drawn(qtbot, runs, job):
    """The figures of a run, once the first is on the screen."""
    runs.show_item(job)
    figures = runs.view.figures
    wait(qtbot, lambda: runs.view.tabs.isTabVisible(runs.view.tabs.indexOf(figures)))
    runs.view.tabs.setCurrentWidget(figures)
    wait(qtbot, lambda: figures.job_id == job and figures.view.figure is not None)
    return figures


def written(qtbot, view, folder, ending):
    """Export what is seen by the view's own buttons' way; the file once it is whole."""
    file = folder / f"{view.figure.name}{ending}"
    view.files.write(file, ending)
    wait(qtbot, file.exists)
    return file


def check_picture(file, figure) -> None:
    """An SVG in the report's words, as large as its drawing."""
    root = ElementTree.parse(file).getroot()
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title").text == figure.title
    assert float(root.get("width").removesuffix("pt")) == pytest.approx(figure.drawing.width + 20, abs=0.5)
    assert len(root.findall(f".//{SVG}text")) > 5


def check_pixels(file, figure) -> None:
    """A PNG at 300 pixels to the inch with ink on white."""
    image = QImage(str(file)).convertToFormat(QImage.Format.Format_Grayscale8)
    assert image.width() == pytest.approx((figure.drawing.width + 20) * 300 / 72, abs=2)
    grey = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    assert grey[0, 0] == 255
    assert 0.001 < (grey[:, : image.width()] < 128).mean() < 0.5


def test_a_stress_bench_and_a_drift_check_end_with_figures_that_can_be_kept(qtbot, window, tmp_path):
    runs = window.show_page("Runs")
    dialog = runs.new_stress()
    wait(qtbot, lambda: dialog.model.count() > 0)
    dialog.faults.put(FAULTS)
    dialog.labels.put(["NORM"])
    dialog.form.editor("resamples").put(100)
    bench = ended(qtbot, runs, dialog)

    figures = drawn(qtbot, runs, bench)
    figure = figures.view.figure
    check_picture(written(qtbot, figures.view, tmp_path, ".svg"), figure)
    check_pixels(written(qtbot, figures.view, tmp_path, ".png"), figure)
    with written(qtbot, figures.view, tmp_path, ".csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["fault"], float(row["severity"])) for row in rows[1:]] == BROKEN

    dialog = runs.new_drift()
    wait(qtbot, lambda: dialog.reference.count() == 2)
    drift = drawn(qtbot, runs, ended(qtbot, runs, dialog))
    check_picture(written(qtbot, drift.view, tmp_path, ".svg"), drift.view.figure)
    assert drift.view.figure.numbers.count("\n") > 1
    assert window.messages.told == []
