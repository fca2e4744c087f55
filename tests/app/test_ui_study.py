import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from fake_training import STUDY, estimate_results, study_cells, study_results
from fake_workspace import FakeWorkspace, job
from window_cases import settle, shown

from app.core.changes import Changes
from app.core.rows import ProgressRow
from app.ui.new_study import NewStudy
from app.ui.scaling_plot import law, log_ticks, series_of
from app.ui.study_page import StudyPage
from app.ui.study_rows import axis_text, axis_title, count_text, mean_text, ranking
from app.ui.study_view import DIFFERENCES, SCALING
from app.ui.theme import load_theme
from engine.contract.errors import WorldError
from engine.contract.results import Estimate, Interval, ScalingFit, StudyRow


@pytest.fixture
def workspace() -> FakeWorkspace:
    made = FakeWorkspace()
    going = ProgressRow(7, 12, "runs", "", 412.0)
    made.rows["J0020"] = job("J0020", "study", "pairs, small", "running", finished="", progress=going)
    made.rows["J0019"] = job("J0019", "study", "scaling", "done", progress=ProgressRow(12, 12, "runs"))
    return made


@pytest.fixture
def page(qtbot, workspace, background) -> StudyPage:
    return shown(qtbot, StudyPage(workspace, background), background, 1290, 800)


def cells(table, row: int) -> list[str]:
    return [table.rows.index(row, column).data() for column in range(table.rows.columnCount())]


def titles(table) -> list[str]:
    return [column.title for column in table.rows.columns]


# The page.


def test_studies_are_listed_with_how_many_runs_are_done(page):
    assert [row.job.job_id for row in page.table.rows.rows] == ["J0020", "J0019"]
    assert page.table.rows.index(0, 1).data() == "7 / 12"


def test_the_grid_has_a_column_for_every_axis_and_a_row_for_every_run(page):
    assert titles(page.view.grid)[:5] == ["Run", "Backbone", "Objective", "Recordings", "State"]
    assert page.view.grid.rows.rowCount() == 12
    assert cells(page.view.grid, 0)[:8] == ["1", "S4", "CPC", "1,000", "Done", "3.208", "4.860", "21 %"]


def test_a_run_that_has_not_begun_has_dashes_and_a_refused_one_says_why(page):
    assert cells(page.view.grid, 8)[4:7] == ["Waiting", "–", "–"]
    refused = cells(page.view.grid, 10)
    assert (refused[4], refused[-1]) == ("Refused", "16000 records are more than the 12,480 of the cohort")


def test_the_grid_fills_as_runs_end_and_keeps_the_selected_run(qtbot, page, workspace, background, monkeypatch):
    page.view.grid.choose("9")
    monkeypatch.setattr(workspace, "study_rows", lambda _job: study_cells(9, 10))
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    assert cells(page.view.grid, 8)[4:6] == ["Done", "3.062"]
    assert page.view.grid.current().number == 9


def test_columns_of_the_probe_are_there_only_when_there_is_one(qtbot, page, workspace, background, monkeypatch):
    assert "AUROC before" in titles(page.view.grid)
    bare = [row.model_copy(update={"metrics": {}}) for row in study_cells()]
    monkeypatch.setattr(workspace, "study_rows", lambda _job: bare)
    monkeypatch.setattr(workspace, "study_summary", lambda _job: study_results().model_copy(update={"cells": []}))
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    assert "AUROC before" not in titles(page.view.grid)


def test_the_figures_count_runs_by_their_state(page):
    told = page.view.figures.texts()
    assert (told["Runs done"], told["Running"], told["Waiting"], told["Refused"]) == ("7", "1", "3", "1")
    assert told["Time left"] == "6 min 52 s"


def test_the_grid_is_told_in_one_line(page):
    assert page.view.about.text() == (
        "2 backbones × 2 objectives × 3 data sizes; as many steps each, nested data sizes; all recordings"
    )


def test_what_a_reader_must_know_stands_above_the_tables(qtbot, page, workspace, background, monkeypatch):
    assert not page.view.notes.isVisible()
    told = study_results().model_copy(update={"notes": ["one seed: small differences mean nothing"]})
    monkeypatch.setattr(workspace, "study_summary", lambda _job: told)
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    assert page.view.notes.text() == "One seed: small differences mean nothing."


def test_cells_are_ranked_with_the_best_first_and_their_intervals(page):
    page.view.tabs.setCurrentIndex(1)
    first = cells(page.view.ranking, 0)
    assert (first[0], first[1], first[2]) == ("1", "transformer cpc records 1000", "learns")
    assert first[4] == "0.780 (0.760 to 0.798)"


def test_losses_are_ranked_within_their_objective_and_the_page_says_so(page):
    page.view.rank_by.setCurrentIndex(1)
    assert "within their objective" in page.view.rank_note.text()
    objectives = [cell.values["objective"] for cell in page.view.ranking.rows.rows]
    assert objectives == sorted(objectives)


def test_without_runs_that_are_done_the_page_says_when_the_ranking_comes(qtbot, page, workspace, background):
    workspace.rows["J0021"] = job("J0021", "study", "new", "queued", started="", progress=ProgressRow())
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    page.show_item("J0021")
    settle(qtbot, background)
    assert page.view.rank_note.text() == "The ranking comes when the first runs are done."
    assert page.view.ranking.rows.rowCount() == 0


def test_scaling_is_drawn_by_objective_since_losses_are_not_on_one_scale(page):
    assert page.view.tabs.isTabVisible(SCALING)
    combo = page.view.scale_by
    assert [combo.itemText(row) for row in range(combo.count())] == [
        "Held-out loss, CPC",
        "Held-out loss, JEPA",
        "Probe, 1 - macro AUROC",
    ]
    combo.setCurrentIndex(1)
    assert [name for name, _value, _pen in page.view.scaling.legend.entries] == ["s4 jepa"]
    assert cells(page.view.fits, 0) == ["s4 jepa", "0.43 N^-0.250 + 0.24", "0.99"]


def test_the_scaling_plot_leaves_as_the_figure_of_the_report_with_the_numbers_behind_it(qtbot, page, background):
    settle(qtbot, background)
    assert page.view.files.figure.name == "loss-cpc-by-records"
    page.view.scale_by.setCurrentIndex(2)
    settle(qtbot, background)
    figure = page.view.files.figure
    assert figure.name == "probe-by-records"
    lines = list(csv.DictReader(io.StringIO(figure.numbers)))
    assert {line["series"] for line in lines} == {"S4, CPC", "S4, JEPA"}
    assert all(0 < float(line["mean"]) < 1 for line in lines)


def test_differences_are_paired_and_say_what_is_subtracted(page):
    assert page.view.tabs.isTabVisible(DIFFERENCES)
    assert cells(page.view.differences, 0) == [
        "Probe, macro AUROC",
        "transformer minus s4",
        "cpc records 1000",
        "−0.020 (−0.050 to +0.010)",
    ]


def test_a_study_without_data_sizes_has_no_scaling(qtbot, page, workspace, background, monkeypatch):
    config = {**STUDY, "axes": {"backbone": ["s4"], "seed": [0, 1]}}
    monkeypatch.setattr(workspace, "_config", lambda _row: config)
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    assert not page.view.tabs.isTabVisible(SCALING)


def test_stop_resume_and_export_are_offered_where_they_make_sense(qtbot, page, workspace, background):
    workspace.rows["J0018"] = job("J0018", "study", "cut", "interrupted")
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    offered = {}
    for job_id in ("J0020", "J0019", "J0018"):
        page.show_item(job_id)
        offered[job_id] = tuple(page.can(f"study.{verb}") for verb in ("stop", "resume", "export"))
    assert offered == {
        "J0020": (True, False, True),
        "J0019": (False, False, True),
        "J0018": (False, True, True),
    }


def test_an_export_writes_to_the_chosen_folder_and_says_how_many_files(qtbot, page, workspace, background, tmp_path):
    with qtbot.waitSignal(page.told) as said:
        page.export_to(tmp_path)
    assert workspace.calls == [("export_study", "J0020", tmp_path)]
    assert said.args[0] == f"Study written: 2 files in {tmp_path}"


def test_an_empty_workspace_says_what_a_study_is(qtbot, background):
    made = StudyPage(FakeWorkspace(), background)
    qtbot.addWidget(made)
    made.refresh(Changes.ALL)
    settle(qtbot, background)
    assert made.stack.currentIndex() == 1


def test_tables_and_plot_take_over_the_theme(qtbot, page):
    dark = load_theme("dark")
    page.apply_theme(dark)
    assert page.view.scaling.plot.backgroundBrush().color().name().upper() == dark.panel


# The dialog.


def dialog_of(qtbot, background, page) -> NewStudy:
    dialog = page.new_study()
    qtbot.addWidget(dialog)
    settle(qtbot, background)
    return dialog


def test_the_grid_is_shown_before_anything_starts_with_what_cannot_work(qtbot, page, background):
    dialog = dialog_of(qtbot, background, page)
    assert dialog.count.text() == "11 runs; 1 cannot work and will not be run."
    assert cells(dialog.preview, 0) == ["1", "s4 cpc records 1000", "600", "will run"]
    assert cells(dialog.preview, 10)[3] == "16000 records are more than the 12,480 of the cohort"
    assert dialog.axes.text().startswith("Backbone: s4, transformer\nObjective: cpc, jepa")


def test_the_cost_of_the_grid_is_measured_on_one_run_and_told_before_the_start(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page)
    assert not dialog.cost.isVisibleTo(dialog)
    dialog.estimate.click()
    settle(qtbot, background)
    verb, config, cohort = workspace.calls[0]
    assert (verb, config.name, cohort) == ("estimate_study", "pairs-small", None)
    assert dialog.cost.text() == "Measuring the largest run…"
    assert not dialog.estimate.isEnabled()
    queued = dialog._estimate_job
    workspace.rows[queued] = replace(workspace.rows[queued], state="done")
    workspace.answers[queued] = estimate_results(steps=600, seconds=60.0)
    background.changed.emit(Changes.RESULTS)
    settle(qtbot, background)
    assert dialog.cost.text().startswith("11 runs: at most 11 min 00 s one after the other")
    assert dialog.estimate.isEnabled()
    dialog.cohort.activated.emit(0)
    settle(qtbot, background)
    assert dialog.cost.text() == ""


def test_name_budget_and_probe_go_with_the_study(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page)
    dialog.form.editor("name").line.setText("mine")
    dialog.form.editor("budget").put("epochs")
    dialog.probe.setCurrentIndex(1)
    dialog.probe.activated.emit(1)
    settle(qtbot, background)
    with qtbot.waitSignal(dialog.launched):
        dialog.start.click()
    verb, config, cohort = workspace.calls[0]
    assert (verb, config.name, config.budget, cohort) == ("study", "mine", "epochs", None)
    assert config.base["probe"] == {"cohort": "all"}
    assert config.base["steps"] == 600


def test_a_duplicate_begins_with_the_settings_of_the_selected_study(qtbot, page, background):
    page.show_item("J0019")
    dialog = page.duplicate_selected()
    qtbot.addWidget(dialog)
    settle(qtbot, background)
    assert dialog.recipe.currentText() == "Settings of J0019"
    assert dialog.form.value()["name"] == "scaling again"
    assert dialog.start.isEnabled()


def test_a_study_goes_on_from_a_model_that_is_chosen(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page)
    dialog.origin.setCurrentIndex(dialog.origin.findData("demo"))
    dialog.origin.activated.emit(dialog.origin.currentIndex())
    settle(qtbot, background)
    assert workspace.previewed[-1][0].base["parent"] == "demo"


def test_another_cohort_makes_another_grid(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page)
    dialog.cohort.setCurrentIndex(1)
    dialog.cohort.activated.emit(1)
    settle(qtbot, background)
    assert workspace.previewed[-1][1] == "all"


def test_a_grid_that_cannot_be_is_told_and_cannot_be_started(qtbot, page, workspace, background):
    workspace.refuse = WorldError("study pairs", "no pretraining has a field depth", "Correct the axes")
    dialog = dialog_of(qtbot, background, page)
    assert dialog.fault.text() == "Study pairs: no pretraining has a field depth. Correct the axes."
    assert not dialog.start.isEnabled()


def test_a_study_of_ones_own_is_read_from_a_file(qtbot, page, workspace, background, tmp_path):
    dialog = dialog_of(qtbot, background, page)
    dialog.take_file(str(tmp_path / "mine.toml"))
    settle(qtbot, background)
    assert dialog.recipe.currentText() == "mine.toml"
    assert dialog.form.value()["name"] == "mine"
    assert dialog.start.isEnabled()


def test_a_file_that_is_no_study_says_what_is_wrong(qtbot, page, workspace, background, monkeypatch):
    monkeypatch.setattr(workspace, "study_recipe", lambda _name: {"name": "odd", "axes": {}})
    dialog = dialog_of(qtbot, background, page)
    assert dialog.fault.text().startswith("The study cannot be read: ")
    assert not dialog.start.isEnabled()


# Words and numbers.


def test_an_axis_is_named_for_people():
    assert [axis_title(axis) for axis in ("backbone.width", "records", "window_s")] == [
        "Width",
        "Recordings",
        "Crop length",
    ]


@pytest.mark.parametrize(
    ("axis", "value", "text"),
    [("records", 0, "all"), ("records", 16000, "16,000"), ("seed", 2, "2"), ("backbone", "net1d", "Net1D")],
)
def test_a_place_on_an_axis_is_told_for_people(axis, value, text):
    assert axis_text(StudyRow(number=1, name="", values={axis: value}), axis) == text


def test_one_run_is_one_run():
    assert count_text([StudyRow(number=1, name="", values={})]) == "1 run"


def test_a_mean_without_an_interval_stands_alone():
    assert mean_text(Estimate(value=0.5), "validation_loss") == "0.500"
    assert mean_text(None, "probe_after") == "–"
    between = Interval(low=0.4, high=0.6, method="t interval over 3 seeds")
    assert mean_text(Estimate(value=0.5, interval=between), "probe_after") == "0.500 (0.400 to 0.600)"


def test_a_ranking_holds_only_cells_with_a_rank():
    results = study_results()
    bare = results.cells[0].model_copy(update={"ranks": {}})
    told = ranking(results.model_copy(update={"cells": [bare, *results.cells[1:]]}), "probe_after")
    assert len(told) == len(results.cells) - 1
    assert told[0].ranks["probe_after"] == 1


def test_a_law_is_a_n_to_the_minus_b_plus_c():
    fit = ScalingFit(series="s", metric="m", a=4.0, b=0.5, c=1.0, points=3)
    sizes, values = law(fit, 100, 10_000)
    assert sizes[[0, -1]] == pytest.approx([100, 10_000])
    assert values[[0, -1]] == pytest.approx([4 / 10 + 1, 4 / 100 + 1])


@pytest.mark.parametrize(("low", "high"), [(1000, 16000), (3.0, 3.3), (2.8, 2.93), (0.2, 20.0), (1e3, 1.1e7)])
def test_a_logarithmic_axis_has_three_to_seven_ticks_within_its_range(low, high):
    ticks = log_ticks(np.log10(low), np.log10(high))
    assert 3 <= len(ticks) <= 7
    assert all(np.log10(low) <= place <= np.log10(high) for place, _text in ticks)


def test_series_are_runs_that_differ_in_data_size_and_seed_alone():
    rows = [row for row in study_cells(12) if row.state == "done"]
    fits = [ScalingFit(series="s4 cpc", metric="validation_loss", a=1, b=1, c=0, points=3)]
    told = {one.name: one for one in series_of(rows, fits, "validation_loss", "cpc")}
    assert told["s4 cpc"].sizes == (1000.0, 4000.0, 16000.0)
    assert told["s4 cpc"].fit is fits[0]
    assert set(told) == {"s4 cpc", "transformer cpc"}


def test_of_two_laws_the_one_with_a_floor_is_drawn():
    rows = [row for row in study_cells(12) if row.state == "done"]
    plain = ScalingFit(series="s4 cpc", metric="validation_loss", a=1, b=1, c=0, points=3)
    floored = plain.model_copy(update={"c": 0.3})
    assert series_of(rows, [floored, plain], "validation_loss", "cpc")[0].fit is floored


def test_a_stopped_study_can_go_on(qtbot, page, workspace, background):
    workspace.rows["J0020"] = replace(workspace.rows["J0020"], state="stopped")
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    page.resume_button.click()
    settle(qtbot, background)
    assert workspace.calls == [("resume", "J0020")]


def test_the_model_of_a_run_that_is_done_can_be_kept(qtbot, page, workspace, background):
    page.view.grid.choose("9")
    assert not page.keep_button.isEnabled()
    page.view.grid.choose("2")
    assert page.can("study.keep")
    with qtbot.waitSignal(page.told) as said:
        page.keep_button.click()
    assert workspace.calls == [("keep_study_model", "J0020", 2)]
    assert said.args[0] == "Model kept: s4 cpc"
