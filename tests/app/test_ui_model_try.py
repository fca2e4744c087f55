"""Trying a model on one recording: what is asked, what it saw beside the original, what it said of each window."""

from dataclasses import replace

import numpy as np
import pytest
from fake_models import FakeModels
from fake_workspace import job
from PySide6.QtCore import Qt
from window_cases import settle, shown

from app.core.changes import Changes
from app.core.rows import SignalView
from app.core.trying import Tried
from app.ui.models_page import ModelsPage
from engine.contract.errors import WorldError
from engine.contract.trying import TriedOutput, TryResults
from engine.signal.leads import CANONICAL

RECORD = "r0123456789ab"
SAID = TriedOutput(
    name="rhythm",
    kind="logits",
    judged_as="probability",
    classes=["sinus", "afib"],
    width=2,
    values=[0.75, None],
    windows=[[0.9, 0.1], [0.6, None], [0.75, 0.2]],
)
RESULTS = TryResults(
    model="codec v6",
    model_sha256="0" * 64,
    record_id=RECORD,
    leads=["II", "V1"],
    rate_hz=100,
    units="mV",
    window_s=4,
    starts_s=[0.0, 3.0, 6.0],
    outputs=[SAID],
    notes=["it is run one by one"],
    seconds=1.0,
)


class Trials(FakeModels):
    """A workspace with one recording, on which models are tried."""

    told: Tried | None = None

    def records(self, text="", *, limit):
        named = type("Row", (), {"source_name": "00003_hr", "record_id": RECORD, "age_text": "37", "sex": "female"})
        return [named] if text in "00003_hr" else []

    def try_model(self, model, record):
        self._said("try_model", model, record)
        self.rows["J0030"] = replace(job("J0030", "try", model, "queued"), model=model)
        return "J0030"

    def tried(self, job_id):
        return self.told

    def signal(self, record_id):
        return SignalView(record_id, np.zeros((12, 5000), np.float32), 500, CANONICAL, ())


@pytest.fixture
def workspace() -> Trials:
    return Trials()


@pytest.fixture
def page(qtbot, workspace, background) -> ModelsPage:
    made = shown(qtbot, ModelsPage(workspace, background), background)
    made.show_item("codec v6")
    made.try_selected()
    settle(qtbot, background)
    return made


def answered(qtbot, page, workspace, results=RESULTS, x_NCL=None):
    """The trial is asked for, and has ended."""
    page.view.trial.go.click()
    settle(qtbot, page.background)
    x_NCL = np.random.default_rng(0).normal(size=(3, 2, 400)).astype(np.float32) if x_NCL is None else x_NCL
    workspace.told = Tried("J0030", results, None if results.refused else x_NCL)
    workspace.rows["J0030"] = replace(workspace.rows["J0030"], state="done")
    page.refresh(Changes.JOBS)
    settle(qtbot, page.background)
    settle(qtbot, page.background)
    return page.view.trial


def test_a_recording_is_offered_and_asked_for(qtbot, page, workspace):
    trial = page.view.trial
    assert page.view.tabs.currentWidget() is trial
    assert trial.record.currentText() == "00003_hr  37 female"
    trial.go.click()
    assert not trial.go.isEnabled()
    settle(qtbot, page.background)
    assert workspace.calls[-1] == ("try_model", "codec v6", RECORD)


def test_words_narrow_what_is_offered(qtbot, page):
    trial = page.view.trial
    trial.words.setText("nothing like it")
    trial.pause.stop()
    trial._ask_records()
    settle(qtbot, page.background)
    assert trial.record.count() == 0
    assert not trial.go.isEnabled()


def test_what_it_saw_stands_beside_the_original_with_its_span_marked(qtbot, page, workspace):
    trial = answered(qtbot, page, workspace)
    assert trial.original.signal.record_id == RECORD
    assert trial.original.span_s == (0, 4)
    assert trial.seen.caption.startswith("Window 1 of 3: 0 to 4 s, 100 Hz")
    assert trial.state.text() == "It is run one by one."
    trial.original.grab()
    trial.seen.grab()


def test_every_window_is_reached_by_key_and_by_button_with_its_own_numbers(qtbot, page, workspace):
    trial = answered(qtbot, page, workspace)
    assert trial.table.rows.as_text("|").splitlines()[1:] == ["rhythm|sinus|0.750|0.900", "rhythm|afib|none|0.100"]
    qtbot.keyClick(trial.seen, Qt.Key.Key_Right)
    assert trial.original.span_s == (3, 7)
    assert trial.table.rows.as_text("|").splitlines()[2] == "rhythm|afib|none|none"
    trial.on.click()
    assert not trial.on.isEnabled()
    qtbot.keyClick(trial.seen, Qt.Key.Key_Right)
    assert trial.seen.number == 2
    trial.back.click()
    assert trial.seen.number == 1


def test_the_marked_span_covers_the_same_seconds_in_every_strip(qtbot, page, workspace):
    trial = answered(qtbot, page, workspace)
    sheet = trial.original.sheet()
    px_per_s = sheet.scale.speed * trial.original.px_per_mm
    rhythm = trial.original._shaded(sheet)[-1]
    assert rhythm.width() == pytest.approx(4 * px_per_s)
    # Columns of 2.5 s follow each other: four seconds cover the first and most of the second, in three rows.
    assert len(trial.original._shaded(sheet)) == 7


def test_a_recording_that_cannot_be_fed_says_why(qtbot, page, workspace):
    refused = RESULTS.model_copy(update={"refused": "it lasts 2.00 s", "outputs": [], "starts_s": []})
    trial = answered(qtbot, page, workspace, refused)
    assert trial.state.text() == "It cannot be fed: It lasts 2.00 s."
    assert trial.table.rows.rows == []
    assert trial.go.isEnabled()


def test_a_trial_that_fails_says_why_and_can_be_asked_again(qtbot, page, workspace):
    trial = page.view.trial
    trial.go.click()
    settle(qtbot, page.background)
    broken = {"state": "failed", "message": "the model hangs", "next_step": "Ask its maker"}
    workspace.rows["J0030"] = replace(workspace.rows["J0030"], **broken)
    page.refresh(Changes.JOBS)
    settle(qtbot, page.background)
    assert trial.state.text() == "The model hangs. Ask its maker."
    assert trial.go.isEnabled()


def test_what_the_workspace_refuses_is_told(qtbot, page, workspace):
    workspace.refuse = WorldError("model", "a file of it is missing", "Register it again")
    page.view.trial.go.click()
    settle(qtbot, page.background)
    assert "a file of it is missing" in page.view.trial.state.text()
    assert page.view.trial.go.isEnabled()


def test_the_trial_of_one_model_is_not_shown_for_another(qtbot, page, workspace):
    trial = answered(qtbot, page, workspace)
    page.show_item("codec v1")
    settle(qtbot, page.background)
    assert trial.tried is None
    assert trial.table.rows.rows == []
    assert trial.seen.caption == ""
