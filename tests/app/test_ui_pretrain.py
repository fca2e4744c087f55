import math
from dataclasses import replace

import pytest
from fake_training import GPU, estimate_results, training_curves
from fake_workspace import FakeWorkspace, job
from PySide6.QtCore import QPoint, Qt
from window_cases import settle, shown

from app.core.changes import Changes
from app.core.rows import MetricSeries, ProgressRow
from app.ui.estimate_strip import ASK, STALE, energy, size
from app.ui.new_pretraining import NewPretraining
from app.ui.pretrain_page import ONE, SEVERAL, PretrainPage
from app.ui.run_facts import decimals
from app.ui.theme import load_theme
from app.ui.training_compare import MEASURES
from app.ui.training_list import TICK
from engine.contract.config import JEPAConfig, PretrainConfig, S4Config
from engine.contract.errors import WorldError


@pytest.fixture
def workspace() -> FakeWorkspace:
    return FakeWorkspace()


@pytest.fixture
def page(qtbot, workspace, background) -> PretrainPage:
    return page_of(qtbot, workspace, background)


def page_of(qtbot, workspace, background) -> PretrainPage:
    return shown(qtbot, PretrainPage(workspace, background), background, 1290, 800)


def dialog_of(qtbot, background, dialog) -> NewPretraining:
    qtbot.addWidget(dialog)
    settle(qtbot, background)
    return dialog


def tick(qtbot, page, *job_ids) -> None:
    for job_id in job_ids:
        row = [one.job.job_id for one in page.table.rows.rows].index(job_id)
        page.table.ticks.toggle(row)
    settle(qtbot, page.background)


def end_with(workspace, background, qtbot, job_id, results, state="done") -> None:
    """The queue says that a job has ended."""
    workspace.rows[job_id] = replace(workspace.rows[job_id], state=state, message="disk full" * (state == "failed"))
    workspace.answers[job_id] = results
    background.changed.emit(Changes.JOBS)
    settle(qtbot, background)


# The list.


def test_only_pretrainings_are_listed_the_newest_first_with_their_held_out_loss(page):
    assert [row.job.job_id for row in page.table.rows.rows] == ["J0006", "J0002"]
    assert page.table.rows.index(1, 2).data() == "2.314"


def test_a_row_tells_its_state_in_words_for_those_who_do_not_see_the_sign(page):
    assert page.table.rows.index(1, 1).data() == "demo, J0002  Running  50 %"
    assert page.table.rows.index(0, 1).data() == "wide, J0006  Interrupted  26 %"


def test_the_running_one_is_shown_at_once(page):
    assert page.view.job_id == "J0002"
    assert page.right.currentIndex() == ONE


def test_runs_that_have_ended_are_not_asked_again_at_every_beat(qtbot, page, workspace, background, monkeypatch):
    asked = []
    real = workspace.metrics
    monkeypatch.setattr(workspace, "metrics", lambda job_id: asked.append(job_id) or real(job_id))
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    assert "J0006" not in asked
    assert "J0002" in asked


def test_an_empty_workspace_says_what_to_do_next(qtbot, background):
    made = page_of(qtbot, FakeWorkspace(jobs=[]), background)
    assert made.stack.currentIndex() == 1
    assert not made.can("pretrain.stop")


# One run.


def test_the_figures_tell_loss_trivial_level_rank_speed_and_time_left(page):
    told = page.view.figures.texts()
    assert told["Held-out loss"] == "2.314"
    assert float(told["Below trivial"]) == pytest.approx(math.log(129) - 2.314, abs=0.001)
    assert told["Time left"] == "38 s"
    assert told["Throughput"] == "183"
    assert told["Effective rank"] == "49 %"


def test_the_wall_leaves_out_what_a_run_does_not_say(page):
    assert page.view.wall.shown() == ["rank", "variance", "speed", "rate"]


def test_memory_and_temperature_of_a_gpu_get_plots_of_their_own(qtbot, workspace, background):
    workspace.curves["J0002"] = training_curves(gpu=True)
    made = page_of(qtbot, workspace, background)
    assert {"memory", "heat"} <= set(made.view.wall.shown())


def test_the_loss_is_counted_in_what_its_objective_says(page):
    assert page.view.wall.loss.plot.getAxis("left").labelText == "loss (nats per prediction)"


def test_the_trivial_level_and_the_line_at_ten_percent_are_drawn_and_named(page):
    assert [name for name, _v, _p in page.view.wall.loss.legend.entries] == ["training", "held-out", "trivial level"]
    entries = page.view.wall.small["rank"].legend.entries
    assert [(name, value) for name, value, _pen in entries] == [("effective rank", "49 %"), ("10 % line", "")]
    assert page.view.wall.small["rank"]._points["limit"][1].tolist() == [10.0, 10.0]


def test_a_cursor_in_one_plot_shows_the_same_step_in_all(page):
    page.view.wall.loss.hovered.emit(50.0)
    value = {name: value for name, value, _pen in page.view.wall.small["rank"].legend.entries}["effective rank"]
    assert value == f"{100 * (0.12 + 0.4 * (1 - math.exp(-50 / 150))):.0f} %"


def test_a_collapsed_run_has_a_banner_with_the_reason(qtbot, workspace, background):
    workspace.collapsed["J0002"] = "the effective rank is 0.9 of 64 features"
    made = page_of(qtbot, workspace, background)
    assert made.view.collapse.isVisible()
    assert made.view.collapse.title.text() == "Collapsed: the effective rank is 0.9 of 64 features"
    assert "collapsed" in made.table.rows.index(1, 1).data()


def test_a_run_with_life_has_no_banner(page):
    assert not page.view.collapse.isVisible()


def test_an_interrupted_run_says_why_and_what_to_do(qtbot, page, background):
    page.show_item("J0006")
    settle(qtbot, background)
    assert page.view.trouble.title.text() == "Interrupted: The engine ended without saying why."
    assert page.view.trouble.text.text() == "Next step: resume it to go on from step 200."


def test_a_run_that_waits_shows_no_plot_of_another_run(qtbot, page, workspace, background):
    workspace.rows["J0010"] = job("J0010", "pretrain", "next", "queued", started="", progress=ProgressRow())
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    page.show_item("J0010")
    settle(qtbot, background)
    assert not page.view.wall.isVisible()
    assert not page.view.figures.isVisible()


def test_a_loss_that_is_no_better_than_trivial_says_not_yet(qtbot, workspace, background):
    workspace.curves["J0002"] = [
        MetricSeries("validation_loss", (50,), (4.9,)),
        MetricSeries("validation_trivial_loss", (50,), (4.86,)),
    ]
    assert page_of(qtbot, workspace, background).view.figures.texts()["Below trivial"] == "not yet"


def test_stop_resume_and_duplicate_are_offered_where_they_make_sense(page):
    offered = {}
    for job_id in ("J0002", "J0006"):
        page.show_item(job_id)
        offered[job_id] = tuple(page.can(f"pretrain.{verb}") for verb in ("stop", "resume", "duplicate"))
    assert offered == {"J0002": (True, False, True), "J0006": (False, True, True)}


def test_stop_and_resume_reach_the_workspace_for_the_selected_run(qtbot, page, workspace, background):
    qtbot.mouseClick(page.stop_button, Qt.MouseButton.LeftButton)
    settle(qtbot, background)
    page.show_item("J0006")
    qtbot.mouseClick(page.resume_button, Qt.MouseButton.LeftButton)
    settle(qtbot, background)
    assert workspace.calls == [("stop", "J0002"), ("resume", "J0006")]


def test_plots_take_over_the_theme(qapp, page):
    dark = load_theme("dark")
    page.apply_theme(dark)
    assert page.view.wall.loss.plot.backgroundBrush().color().name().upper() == dark.panel


def test_a_wild_start_does_not_flatten_the_rest_and_is_told_in_words(qtbot, workspace, background):
    steps = tuple(range(1, 101))
    falling = tuple(50.0 if step < 4 else 2.0 - 0.005 * step for step in steps)
    workspace.curves["J0002"] = [MetricSeries("loss", steps, falling)]
    made = page_of(qtbot, workspace, background)
    _x, (_low, high) = made.view.wall.loss.plot.viewRange()
    assert high < 2.1
    assert made.view.wall.loss.legend.entries[0][1] == "1.500, from 50.000"


@pytest.mark.parametrize(("value", "text"), [(4.86, "4.860"), (0.1, "0.100"), (0.0057, "0.00570"), (0.0, "0.000")])
def test_a_small_loss_keeps_three_figures(value, text):
    assert decimals(value) == text


# Several runs.


def test_two_ticks_bring_both_runs_into_one_plot_with_colours_and_dashes_of_their_own(qtbot, page):
    tick(qtbot, page, "J0002", "J0006")
    assert page.right.currentIndex() == SEVERAL
    pens = [pen for _name, _value, pen in page.compare.plot.legend.entries]
    assert len({(pen.color().name(), pen.style()) for pen in pens}) == 2
    assert pens[0].style() != pens[1].style()


def test_the_table_below_tells_the_last_values_and_trivial_levels(qtbot, page):
    tick(qtbot, page, "J0002", "J0006")
    model = page.compare.lines.rows
    lines = [[model.index(row, column).data() for column in (0, 4, 5)] for row in range(2)]
    assert lines == [["J0002", "2.314", "4.860"], ["J0006", "2.910", "4.860"]]


def test_one_tick_alone_compares_nothing(qtbot, page):
    tick(qtbot, page, "J0006")
    assert page.right.currentIndex() == ONE


def test_clearing_the_ticks_goes_back_to_one_run(qtbot, page, background):
    tick(qtbot, page, "J0002", "J0006")
    page.compare.clear.click()
    settle(qtbot, background)
    assert page.right.currentIndex() == ONE


def test_losses_of_different_objectives_are_compared_as_shares_of_their_trivial_levels(
    qtbot, page, workspace, monkeypatch
):
    real = workspace._config
    jepa = PretrainConfig(objective=JEPAConfig(), backbone=S4Config(width=64, causal=False)).model_dump(mode="json")
    monkeypatch.setattr(workspace, "_config", lambda row: jepa if row.job_id == "J0006" else real(row))
    tick(qtbot, page, "J0002", "J0006")
    assert MEASURES[page.compare.measure.currentIndex()].name == "Held-out loss, % of the trivial level"
    page.compare.measure.setCurrentIndex(0)
    assert page.compare.note.isVisible()


def test_every_measure_can_be_drawn(qtbot, page):
    tick(qtbot, page, "J0002", "J0006")
    for place in range(len(MEASURES)):
        page.compare.measure.setCurrentIndex(place)
        assert page.compare.plot.plot.getAxis("left").labelText == MEASURES[place].axis


def test_space_and_a_click_tick_the_row(qtbot, page, background):
    page.table.setFocus()
    page.table.choose("J0002")
    qtbot.keyClick(page.table, Qt.Key.Key_Space)
    cell = page.table.visualRect(page.table.rows.index(0, TICK))
    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=cell.center() + QPoint(0, 0))
    settle(qtbot, background)
    assert page.table.ticks.ticked == ["J0002", "J0006"]


# A new one.


def test_a_duplicate_begins_with_the_settings_of_the_selected_run(qtbot, page, background):
    page.show_item("J0006")
    dialog = dialog_of(qtbot, background, page.duplicate_selected())
    assert tuple(dialog.begin.currentData()) == ("job", "J0006")
    assert (dialog.form.value()["name"], dialog.form.value()["backbone"]["width"]) == ("wide again", 32)


def test_a_duplicate_of_a_run_that_went_on_from_a_model_goes_on_from_it_too(
    qtbot, page, workspace, background, monkeypatch
):
    real = workspace.duplicate
    monkeypatch.setattr(workspace, "duplicate", lambda job_id: {**real(job_id), "parent": "demo"})
    page.show_item("J0006")
    dialog = dialog_of(qtbot, background, page.duplicate_selected())
    assert dialog.origin.currentData() == "demo"
    assert dialog.form.value()["rate_hz"] == 250.0


def test_going_on_from_a_model_settles_backbone_and_signal(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page.new_pretraining())
    dialog.origin.setCurrentIndex(dialog.origin.findData("demo"))
    dialog.origin.activated.emit(dialog.origin.currentIndex())
    settle(qtbot, background)
    assert dialog.form.value()["rate_hz"] == 250.0
    assert not dialog.form.part("backbone").isEnabled()
    assert not dialog.form.editor("window_s").isEnabled()
    assert dialog.start.isEnabled()
    with qtbot.waitSignal(dialog.launched):
        dialog.start.click()
    verb, config, cohort, parent = workspace.calls[0]
    assert (verb, config.backbone.name, config.objective.name, cohort, parent) == (
        "pretrain",
        "transformer",
        "jepa",
        None,
        "demo",
    )


def test_starting_fresh_again_frees_what_the_model_had_settled(qtbot, page, background):
    dialog = dialog_of(qtbot, background, page.new_pretraining())
    for row in (1, 0):
        dialog.origin.setCurrentIndex(row)
        dialog.origin.activated.emit(row)
        settle(qtbot, background)
    assert dialog.form.part("backbone").isEnabled()


def test_a_gpu_is_offered_once_the_engine_has_named_it(qtbot, page, workspace, background):
    workspace.machine = [*workspace.machine, GPU]
    dialog = dialog_of(qtbot, background, page.new_pretraining())
    combo = dialog.form.editor("device").combo
    texts = [combo.itemText(row) for row in range(combo.count())]
    assert "GPU: NVIDIA H100 80GB HBM3" in texts


def test_the_probe_is_chosen_from_cohorts_and_labels_of_the_workspace(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page.new_pretraining())
    dialog.form.part("probe").setChecked(True)
    dialog.form.editor("probe.labels").put(["MI"])
    dialog.launch()
    settle(qtbot, background)
    probe = workspace.calls[0][1].probe
    assert (probe.cohort, probe.labels) == ("all", ("MI",))


def test_an_estimate_is_asked_for_and_told_when_the_queue_has_it(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page.new_pretraining())
    assert dialog.strip.verdict.text() == ASK
    dialog.estimate.click()
    settle(qtbot, background)
    assert dialog.strip.verdict.text().startswith("Waits in the queue")
    assert not dialog.estimate.isEnabled()
    end_with(workspace, background, qtbot, "J0010", estimate_results())
    assert dialog.strip.verdict.text() == "Fits this machine."
    told = dialog.strip.figures.texts()
    assert (told["Time"], told["Memory"], told["Energy"]) == ("23 min 40 s", "1.6 GB", "17 Wh")
    assert dialog.estimate.isEnabled()


def test_what_does_not_fit_cannot_be_started_until_it_is_changed(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page.new_pretraining())
    dialog.estimate.click()
    settle(qtbot, background)
    refused = estimate_results(
        fits=False, refusal="a step needs 94 GB", advice="a batch of 128 fits", largest_batch=128
    )
    end_with(workspace, background, qtbot, "J0010", refused)
    assert dialog.strip.verdict.text() == "Does not fit. A step needs 94 GB. A batch of 128 fits."
    assert not dialog.start.isEnabled()
    dialog.form.editor("batch_size").line.setText("8")
    dialog.form.editor("batch_size").changed.emit()
    assert dialog.strip.verdict.text() == STALE
    assert dialog.start.isEnabled()


def test_what_an_estimate_does_not_count_is_told_below_it(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page.new_pretraining())
    dialog.estimate.click()
    settle(qtbot, background)
    end_with(workspace, background, qtbot, "J0010", estimate_results(notes=["the probe is not counted"]))
    assert dialog.strip.notes.text() == "The probe is not counted."


def test_an_estimate_that_fails_says_so_and_can_be_asked_for_again(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page.new_pretraining())
    dialog.estimate.click()
    settle(qtbot, background)
    end_with(workspace, background, qtbot, "J0010", None, state="failed")
    assert dialog.strip.verdict.text() == "No estimate. disk full."
    assert dialog.estimate.isEnabled()


def test_an_estimate_nobody_waits_for_is_stopped(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page.new_pretraining())
    dialog.estimate.click()
    settle(qtbot, background)
    dialog.reject()
    settle(qtbot, background)
    assert workspace.calls[-1] == ("stop", "J0010")


def test_an_estimate_that_is_refused_is_told_in_the_dialog(qtbot, page, workspace, background):
    dialog = dialog_of(qtbot, background, page.new_pretraining())
    workspace.refuse = WorldError("cohort all", "it has too few recordings", "Import more")
    dialog.ask_estimate()
    settle(qtbot, background)
    assert dialog.fault.text() == "Cohort all: it has too few recordings. Import more."


@pytest.mark.parametrize(
    ("count", "text"), [(None, "unknown"), (812, "812 B"), (71_000_000, "71.0 MB"), (1.2e12, "1.2 TB")]
)
def test_sizes_are_told_in_powers_of_a_thousand(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("hours", "text"), [(None, "unknown"), (0.034, "0.034 Wh"), (17.4, "17 Wh"), (2300, "2.3 kWh")]
)
def test_energy_is_told_in_watt_hours(hours, text):
    assert energy(hours) == text


def test_a_leak_is_told_before_a_start(qtbot, page, background):
    dialog = dialog_of(qtbot, background, page.new_pretraining())
    assert not dialog.notes.isVisible()
    dialog.form.set_value({"objective": {"name": "cpc", "fidelity": "as_released"}, "backbone": {"causal": False}})
    dialog.form.changed.emit()
    settle(qtbot, background)
    assert dialog.notes.isVisible()
    assert dialog.notes.title.text() == "The model leaks the future."
    assert dialog.start.isEnabled()
