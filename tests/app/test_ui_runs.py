from dataclasses import replace

import pytest
from fake_workspace import FakeWorkspace, evaluation
from PySide6.QtCore import Qt
from window_cases import settle, shown

from app.core.changes import Changes
from app.ui.new_pretraining import NewPretraining
from app.ui.new_run import NewComparison
from app.ui.runs_page import PROGRESS, RunsPage
from app.ui.theme import load_theme
from engine.contract.errors import WorldError


@pytest.fixture
def workspace() -> FakeWorkspace:
    return FakeWorkspace()


@pytest.fixture
def page(qtbot, workspace, background) -> RunsPage:
    return shown(qtbot, RunsPage(workspace, background), background, 1200, 860)


def cells(page: RunsPage, row: int) -> list[str]:
    model = page.table.rows
    return [model.index(row, column).data() for column in range(model.columnCount())]


def open_dialog(qtbot, background, dialog):
    qtbot.addWidget(dialog)
    settle(qtbot, background)
    return dialog


def test_runs_are_listed_the_newest_first_with_their_state_in_words(page):
    assert cells(page, 0)[:4] == ["Waiting", "J0009", "Evaluation", "demo"]
    states = [cells(page, row)[0] for row in range(page.table.rows.rowCount())]
    assert set(states) == {"Waiting", "Failed", "Done", "Interrupted", "Running"}


def test_every_state_has_a_sign_beside_its_word(page):
    model = page.table.rows
    icons = [model.index(row, 0).data(Qt.ItemDataRole.DecorationRole) for row in range(model.rowCount())]
    assert all(not icon.isNull() for icon in icons)


def test_the_running_job_is_shown_at_once_with_its_curve_and_the_trivial_level(page):
    assert page.view.job_id == "J0002"
    assert page.view.curve.isVisible()
    names = [name for name, _value, _pen in page.view.curve.legend.entries]
    assert names == ["training", "held-out", "trivial level"]


def test_the_curve_spans_the_whole_run_and_not_only_what_is_known(page):
    (low, high), _ = page.view.curve.plot.viewRange()
    assert low <= 0
    assert high >= 800


def test_an_evaluation_shows_its_intervals_instead_of_a_curve(qtbot, page, background):
    page.table.choose("J0003")
    settle(qtbot, background)
    assert not page.view.curve.isVisible()
    assert page.view.intervals.isVisible()
    assert page.view.intervals.rows.rowCount() == 5


def test_stop_and_resume_are_offered_where_they_make_sense(page):
    offered = {}
    for job_id in ("J0002", "J0006", "J0004", "J0009", "J0008"):
        page.table.choose(job_id)
        offered[job_id] = (page.can("runs.stop"), page.can("runs.resume"))
    assert offered == {
        "J0002": (True, False),
        "J0006": (False, True),
        "J0004": (False, False),
        "J0009": (True, False),
        "J0008": (False, True),
    }


def test_stop_and_resume_reach_the_workspace_for_the_selected_run(qtbot, page, workspace, background):
    page.table.choose("J0002")
    qtbot.mouseClick(page.stop_button, Qt.MouseButton.LeftButton)
    settle(qtbot, background)
    page.table.choose("J0006")
    qtbot.mouseClick(page.resume_button, Qt.MouseButton.LeftButton)
    settle(qtbot, background)
    assert workspace.calls == [("stop", "J0002"), ("resume", "J0006")]


def test_a_refresh_keeps_the_selected_run_when_others_come(qtbot, page, workspace, background):
    page.table.choose("J0004")
    workspace.rows["J0010"] = replace(workspace.rows["J0009"], job_id="J0010")
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    assert page.table.current().job_id == "J0004"
    assert page.view.job_id == "J0004"


def test_the_log_grows_by_what_is_new_and_says_nothing_twice(qtbot, page, background):
    before = [line.seq for line in page.view.log.rows.rows]
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    assert [line.seq for line in page.view.log.rows.rows] == before == [0, 3, 4]


def test_config_and_console_come_from_the_database(page):
    config = {fact.name: fact.value for fact in page.view.config.rows.rows}
    assert config["backbone.width"] == "64"
    assert page.view.console.toPlainText().startswith("loading store")


def test_an_empty_workspace_says_what_to_do_next(qtbot, background):
    empty = RunsPage(FakeWorkspace(jobs=[]), background)
    qtbot.addWidget(empty)
    empty.refresh(Changes.ALL)
    settle(qtbot, background)
    assert empty.stack.currentIndex() == 1
    assert not empty.can("runs.stop")


def test_the_bar_is_painted_in_both_themes(qtbot, qapp, page):
    for name in ("light", "dark"):
        theme = load_theme(name)
        theme.apply(qapp)
        page.apply_theme(theme)
        image = page.table.grab().toImage()
        index = page.table.rows.index(7, PROGRESS)
        rect = page.table.visualRect(index).translated(page.table.viewport().pos())
        middle = image.pixelColor(rect.left() + 12, rect.center().y())
        assert middle.name().upper() == theme.accent.upper()
    load_theme("light").apply(qapp)


def test_the_recipe_demo_is_offered_first_and_fills_the_form(qtbot, page, background):
    dialog = open_dialog(qtbot, background, page.new_pretraining())
    assert isinstance(dialog, NewPretraining)
    assert tuple(dialog.begin.currentData()) == ("recipe", "demo")
    assert dialog.form.value()["backbone"]["width"] == 64
    assert dialog.start.isEnabled()


def test_a_pretraining_with_a_fault_cannot_be_started(qtbot, page, background):
    dialog = open_dialog(qtbot, background, page.new_pretraining())
    line = dialog.form.editor("steps").focusProxy()
    line.selectAll()
    qtbot.keyClicks(line, "0")
    assert not dialog.start.isEnabled()


def test_a_started_pretraining_closes_the_dialog_and_is_selected(qtbot, page, workspace, background):
    dialog = open_dialog(qtbot, background, page.new_pretraining())
    dialog.cohort.setCurrentIndex(1)
    with qtbot.waitSignal(dialog.launched):
        dialog.start.click()
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    verb, config, cohort = workspace.calls[0]
    assert (verb, config.steps, cohort) == ("pretrain", 400, "all")
    assert page.table.current().job_id == "J0010"


def test_what_the_workspace_refuses_is_told_in_the_dialog_and_it_stays_open(qtbot, page, workspace, background):
    dialog = open_dialog(qtbot, background, page.new_pretraining())
    workspace.refuse = WorldError("cohort all", "it has too few recordings", "Import more")
    dialog.launch()
    settle(qtbot, background)
    assert dialog.fault.text() == "Cohort all: it has too few recordings. Import more."
    assert dialog.isVisible()
    assert dialog.start.isEnabled()


def test_an_evaluation_without_a_cohort_says_where_to_make_one(qtbot, page, workspace, background, monkeypatch):
    monkeypatch.setattr(workspace, "cohorts", list)
    dialog = open_dialog(qtbot, background, page.new_evaluation())
    assert dialog.fault.text() == "There is no cohort yet. Make one on the page Cohorts."
    assert not dialog.start.isEnabled()


def test_a_comparison_names_the_model_examined_first(qtbot, page, workspace, background):
    dialog = open_dialog(qtbot, background, page.new_comparison())
    assert isinstance(dialog, NewComparison)
    dialog.examined.setCurrentIndex(dialog.examined.findText("random S4"))
    with qtbot.waitSignal(dialog.launched):
        dialog.start.click()
    assert workspace.calls == [("compare", ("J0003", "J0005", "J0004"), 0, 2000)]


def test_a_pretrained_model_is_the_one_usually_examined(qtbot, page, background):
    dialog = open_dialog(qtbot, background, page.new_comparison())
    assert dialog.examined.currentText() == "demo"
    assert dialog.start.isEnabled()


def test_one_model_may_be_compared_with_itself_in_another_mode(qtbot, page, workspace, background):
    workspace.answers["J0005"] = evaluation("demo").model_copy(update={"mode": "finetuned"})
    dialog = open_dialog(qtbot, background, page.new_comparison())
    dialog.ticks.put(["J0004", "J0005"])
    dialog.ticks.changed.emit()
    told = [dialog.examined.itemText(row) for row in range(dialog.examined.count())]
    assert set(told) == {"demo, linear probe", "demo, finetuned"}
    assert dialog.start.isEnabled()
    workspace.answers["J0005"] = evaluation("demo")
    dialog = open_dialog(qtbot, background, page.new_comparison())
    dialog.ticks.put(["J0004", "J0005"])
    dialog.ticks.changed.emit()
    assert not dialog.start.isEnabled()
    assert "twice in one mode" in dialog.fault.text()


def test_a_comparison_of_one_evaluation_cannot_be_started(qtbot, page, background):
    dialog = open_dialog(qtbot, background, page.new_comparison())
    dialog.ticks.put(["J0004"])
    assert not dialog.start.isEnabled()


def test_an_untrained_twin_is_made_of_the_chosen_models_own_architecture(qtbot, page, workspace, background):
    dialog = open_dialog(qtbot, background, page.new_evaluation())
    dialog.models.put(["demo"])
    dialog.add_model.untrained.trigger()
    settle(qtbot, background)
    verb, name, width, more = workspace.calls[0]
    assert (verb, name, width) == ("add_random_model", "demo untrained", 96)
    assert (more["rate_hz"], more["window_s"]) == (250.0, 5.0)
    assert dialog.models.get() == ["demo", "demo untrained"]


def test_a_twin_of_a_model_that_is_no_checkpoint_is_not_offered(qtbot, page, background):
    dialog = open_dialog(qtbot, background, page.new_evaluation())
    dialog.models.put(["age + sex"])
    assert not dialog.add_model.untrained.isEnabled()


def test_a_vendors_scores_become_a_model_that_can_be_evaluated(qtbot, page, workspace, background, tmp_path):
    dialog = open_dialog(qtbot, background, page.new_evaluation())
    asking = dialog.add_model.add_scores(str(tmp_path / "vendor.csv"))
    asking.go.click()
    settle(qtbot, background)
    assert workspace.calls == [("add_predictions", tmp_path / "vendor.csv")]
    assert "vendor" in dialog.models.get()


def test_scores_that_are_refused_are_told_in_the_dialog(qtbot, page, workspace, background, tmp_path):
    dialog = open_dialog(qtbot, background, page.new_evaluation())
    workspace.refuse = WorldError("scores file", "it lacks the column score", "Add it")
    asking = dialog.add_model.add_scores(str(tmp_path / "vendor.csv"))
    asking.go.click()
    settle(qtbot, background)
    assert asking.fault.text() == "Scores file: it lacks the column score. Add it."
    assert asking.go.isEnabled()
    asking.reject()
