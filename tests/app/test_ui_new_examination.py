from dataclasses import replace
from typing import Any

import pytest
from fake_workspace import FakeWorkspace
from window_cases import settle

from app.ui.new_examination import MeasureEfficiency, NewDrift, NewStress
from engine.signal.perturbations import PERTURBATIONS


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


def test_a_stress_bench_without_a_fault_cannot_start(opened):
    dialog = opened(NewStress)
    assert dialog.start.isEnabled()
    dialog.faults.put([])
    assert not dialog.start.isEnabled()


def test_a_cohort_is_not_held_against_itself(qtbot, opened, workspace):
    dialog = opened(NewDrift)
    dialog.reference.setCurrentIndex(0)
    assert not dialog.start.isEnabled()
    dialog.reference.setCurrentIndex(1)
    assert dialog.start.isEnabled()
    with qtbot.waitSignal(dialog.launched):
        dialog.launch()
    assert workspace.asked == [
        ("drift", dialog_model(workspace), "all", "elsewhere", [], {"by": ["device", "year"], "seed": 0})
    ]


def test_efficiency_needs_nothing_but_a_model(qtbot, opened, workspace):
    dialog = opened(MeasureEfficiency)
    with qtbot.waitSignal(dialog.launched):
        dialog.launch()
    assert workspace.asked == [("efficiency", dialog_model(workspace), {})]


def dialog_model(workspace: Examined) -> str:
    """The network that stands first."""
    return next(model.name for model in workspace.models() if model.source in ("native", "random"))
