from dataclasses import replace
from typing import Any

import pytest
import shiboken6
from fake_workspace import FakeWorkspace
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from window_cases import settle

from app.ui.new_examination import Examination, MeasureEfficiency, NewDrift, NewStress
from app.ui.runs_page import RunsPage
from engine.signal.perturbations import PERTURBATIONS, chosen


class Examined(FakeWorkspace):
    """A workspace with two cohorts that writes down which examinations it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Any, ...]] = []

    def cohorts(self):
        (first,) = super().cohorts()
        return [first, replace(first, name="elsewhere")]

    def faults(self):
        return PERTURBATIONS

    def stress(self, *args: Any, **asked: Any) -> str:
        return self._note("stress", args, asked)

    def drift(self, *args: Any, **asked: Any) -> str:
        return self._note("drift", args, asked)

    def efficiency(self, *args: Any, **asked: Any) -> str:
        return self._note("efficiency", args, asked)

    def _note(self, kind: str, args: tuple[Any, ...], asked: dict[str, Any]) -> str:
        self.asked.append((kind, *args, asked))
        return "J0099"


@pytest.fixture
def workspace() -> Examined:
    return Examined()


@pytest.fixture
def opened(qtbot, background, workspace):
    def make(kind):
        dialog = kind(workspace, background)
        qtbot.addWidget(dialog)
        settle(qtbot, background)
        return dialog

    return make


def test_only_networks_are_offered(opened, workspace):
    dialog = opened(MeasureEfficiency)
    offered = {dialog.model.itemText(row) for row in range(dialog.model.count())}
    sources = {model.name: model.source for model in workspace.models()}
    assert offered == {name for name, source in sources.items() if source in ("native", "random")}
    assert offered != set(sources)


def test_a_stress_bench_takes_every_label_and_every_fault_unless_told_otherwise(qtbot, background, opened, workspace):
    dialog = opened(NewStress)
    dialog.faults.put(["low_pass"])
    with qtbot.waitSignal(dialog.launched):
        dialog.launch()
    kind, model, cohort, labels, faults, asked = workspace.asked[0]
    assert (kind, model, cohort, faults) == ("stress", dialog_model(workspace), "all", ["low_pass"])
    assert labels == [one.label for one in workspace.labels()]
    assert asked == {"margin": 0.05, "resamples": 2000, "seed": 0}


def test_a_stress_bench_without_a_fault_cannot_start_and_says_so(opened):
    dialog = opened(NewStress)
    assert dialog.start.isEnabled()
    dialog.faults.put([])
    assert not dialog.start.isEnabled()
    assert "No fault is ticked" in dialog.fault.text()
    dialog.faults.put(["emg"])
    assert dialog.start.isEnabled()
    assert not dialog.fault.text()


def test_groups_faults_and_severities_are_ticked_one_by_one(opened):
    dialog = opened(NewStress)
    tree = dialog.faults.tree
    assert dialog.faults.get() == [fault.name for fault in PERTURBATIONS]
    for place in range(tree.topLevelItemCount()):
        if tree.topLevelItem(place).text(0) != "Filters":
            tree.topLevelItem(place).setCheckState(0, Qt.CheckState.Unchecked)
    assert dialog.faults.get() == ["low_pass", "high_pass"]
    assert "scored 13 times" in dialog.cost.text()
    low_pass = next(one for one in dialog.faults._faults() if one.text(0) == "Low-pass filter")
    for place in range(low_pass.childCount()):
        if low_pass.child(place).text(0) not in ("40 Hz", "25 Hz"):
            low_pass.child(place).setCheckState(0, Qt.CheckState.Unchecked)
    assert dialog.faults.get() == ["low_pass=40,25", "high_pass"]
    assert next(one.severities for one in chosen(dialog.faults.get())) == (40, 25)
    dialog.faults.put(["emg=0.1", "off_I"])
    assert dialog.faults.get() == ["off_I", "emg=0.1"]
    assert dialog.faults.copies == 2


def test_every_fault_and_group_says_what_it_does(opened):
    dialog = opened(NewStress)
    tree = dialog.faults.tree
    groups = [tree.topLevelItem(place) for place in range(tree.topLevelItemCount())]
    faults = [group.child(place) for group in groups for place in range(group.childCount())]
    assert all(one.text(1) for one in (*groups, *faults))
    assert len({one.text(1) for one in faults}) == len(PERTURBATIONS)


def test_a_cohort_is_not_held_against_itself_and_the_dialog_says_so(qtbot, opened, workspace):
    dialog = opened(NewDrift)
    dialog.reference.setCurrentIndex(0)
    assert not dialog.start.isEnabled()
    assert dialog.fault.text().startswith("'all' is chosen on both sides")
    dialog.reference.setCurrentIndex(1)
    assert dialog.start.isEnabled()
    assert not dialog.fault.text()
    with qtbot.waitSignal(dialog.launched):
        dialog.launch()
    assert workspace.asked == [
        ("drift", dialog_model(workspace), "all", "elsewhere", [], {"by": ["device", "year"], "seed": 0})
    ]


def test_efficiency_needs_nothing_but_a_model(qtbot, opened, workspace):
    dialog = opened(MeasureEfficiency)
    with qtbot.waitSignal(dialog.launched):
        dialog.launch()
    assert workspace.asked == [("efficiency", dialog_model(workspace), [], [1, 64], 5.0, {})]


def test_batch_sizes_and_devices_are_chosen(qtbot, opened, workspace):
    dialog = opened(MeasureEfficiency)
    dialog.devices.put([])
    assert not dialog.start.isEnabled()
    assert "No device is ticked" in dialog.fault.text()
    dialog.devices.put(["cpu"])
    dialog.batches.put(["8", "256"])
    with qtbot.waitSignal(dialog.launched):
        dialog.launch()
    assert workspace.asked == [("efficiency", dialog_model(workspace), ["cpu"], [8, 256], 5.0, {})]


def test_the_page_of_runs_opens_each_examination_from_one_button(qtbot, background, workspace):
    page = RunsPage(workspace, background)
    qtbot.addWidget(page)
    (menu,) = [one.menu() for one in page.findChildren(QPushButton) if one.text() == "Examine…"]
    opened = []
    for entry in menu.actions():
        entry.trigger()
        settle(qtbot, background)
        (dialog,) = page.findChildren(Examination)
        opened.append(type(dialog))
        dialog.reject()
        shiboken6.delete(dialog)
    assert opened == [NewStress, NewDrift, MeasureEfficiency]


def dialog_model(workspace: Examined) -> str:
    """The network that stands first."""
    return next(model.name for model in workspace.models() if model.source in ("native", "random"))


def test_a_vendors_model_is_put_under_stress_by_its_own_outputs(qtbot, background, opened, workspace, monkeypatch):
    outputs = [{"name": "logits", "kind": "logits", "classes": ["MI", "afib"]}]
    own = replace(workspace.models()[0], name="vendor", source="external", card={"outputs": outputs})
    monkeypatch.setattr(workspace, "models", lambda: [own])
    dialog = opened(NewStress)
    assert [dialog.mode.itemData(row) for row in range(dialog.mode.count())] == ["own"]
    assert dialog.classes.isVisibleTo(dialog)
    dialog.labels.put(["MI", "NORM"])
    with qtbot.waitSignal(dialog.launched):
        dialog.launch()
    labels, asked = workspace.asked[0][3], workspace.asked[0][-1]
    assert labels == ["MI"]
    assert (asked["mode"], asked["classes"]) == ("own", {})
    dialog.labels.put(["NORM"])
    assert not dialog.start.isEnabled()
    assert "None of the ticked labels is answered" in dialog.fault.text()
    assert opened(MeasureEfficiency).model.count() == 1
