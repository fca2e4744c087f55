"""A vendor's model through the window's own widgets and a real engine process: dropped, carded, vetted, tried."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from test_journey_window import bring_in, state_of, wait

from app.ui.model_adding import AddExternal
from engine.signal.condition import model_input
from engine.zoo.architectures.ecgresnet import ECGResNet

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CLASSES = "NORM, MI, STTC, CD, HYP"


@pytest.fixture
def weights(tmp_path):
    """A network of the published shape with weights that nobody trained."""
    torch.manual_seed(0)
    path = tmp_path / "vendor.safetensors"
    save_file(ECGResNet().eval().state_dict(), str(path))
    return path


@pytest.fixture
def few_samples(tmp_path, samples):
    """Six of the shipped recordings with their labels."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for header in sorted(samples.rglob("*.hea"))[:6]:
        (folder / header.name).write_bytes(header.read_bytes())
        (folder / f"{header.stem}.dat").write_bytes(header.with_suffix(".dat").read_bytes())
    (folder / "labels.csv").write_bytes((samples / "labels.csv").read_bytes())
    return folder


def type_into(qtbot, form, path, text):
    line = form.rows[path].editor.focusProxy()
    line.selectAll()
    qtbot.keyClicks(line, text)


def add(qtbot, window, models, weights):
    """Drop the weights, say what the maker told, and add the model."""
    models.accept_files([weights])
    dialog = window.findChildren(AddExternal)[-1]
    wait(qtbot, lambda: dialog.look is not None)
    dialog.architecture.setCurrentIndex(dialog.architecture.findData("ecgresnet"))
    form = dialog.form
    for path, text in (
        ("version", "1"),
        ("licence", "Apache-2.0"),
        ("preprocessing.rate_hz", "100"),
        ("preprocessing.window_s", "3"),
    ):
        type_into(qtbot, form, path, text)
    outputs = form.rows["outputs"].editor
    outputs.add.click()
    output = outputs.panels[-1].form
    for name, text in (("name", "logits"), ("classes", CLASSES)):
        qtbot.keyClicks(output.editor(name).focusProxy(), text)
    output.editor("activation").combo.setCurrentIndex(1)
    assert dialog.add.isEnabled(), dialog.state.text()
    with qtbot.waitSignal(dialog.added, timeout=60_000):
        dialog.add.click()
    wait(qtbot, lambda: models.list.current() is not None and models.list.current().name == "vendor")


def test_a_vendors_model_is_dropped_carded_vetted_and_tried(qtbot, window, few_samples, weights):
    bring_in(qtbot, window, few_samples)
    models = window.show_page("Models")
    add(qtbot, window, models, weights)
    wait(qtbot, lambda: models.view.seen is not None)
    states = models.list.current().states
    assert (states["licence"], states["population"], states["preprocessing.units"]) == ("known", "missing", "assumed")

    dialog = models.view.ask_vetting()
    wait(qtbot, dialog.start.isEnabled)
    with qtbot.waitSignal(dialog.launched, timeout=60_000) as told:
        dialog.start.click()
    runs = window.show_page("Runs")
    wait(qtbot, lambda: state_of(runs, told.args[0]) in ("done", "failed"))
    assert state_of(runs, told.args[0]) == "done"
    window.show_page("Models")
    wait(qtbot, lambda: models.view.seen.vetted is not None)
    assert models.view.lint.tiles.texts()["Parity"] == "no reference supplied"
    assert models.view.sensitivity.table.rows.rows

    models.try_selected()
    trial = models.view.trial
    wait(qtbot, trial.go.isEnabled)
    trial.go.click()
    wait(qtbot, lambda: trial.tried is not None and trial.original.signal is not None)
    signal = trial.original.signal
    seen = model_input(signal.signal_CT, signal.rate_hz, models.list.current().card.preprocessing)
    np.testing.assert_array_equal(trial.seen.x_NCL, seen)
    numbers = [row.whole for row in trial.table.rows.rows]
    assert [row.name for row in trial.table.rows.rows] == CLASSES.split(", ")
    assert all(0 < number < 1 for number in numbers)
    assert window.messages.told == []
