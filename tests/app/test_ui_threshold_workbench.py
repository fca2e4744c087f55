"""The threshold workbench: counts and predictive values follow the slider, intervals come when it rests."""

import pytest
from evaluation_cases import full_label
from fake_workspace import FakeWorkspace
from window_cases import settle

from app.ui.threshold_workbench import AtThreshold, ThresholdWorkbench
from engine.contract.results import Estimate, LabelResult


@pytest.fixture
def workbench(qtbot, background) -> ThresholdWorkbench:
    made = ThresholdWorkbench(FakeWorkspace(), background)
    qtbot.addWidget(made)
    made.resize(900, 500)
    made.show()
    made.show_label("J0004", full_label())
    return made


def tiles(workbench):
    return {tile.caption.text(): tile.value.text() for tile in workbench.tiles._tiles if tile.isVisibleTo(workbench)}


def test_it_starts_at_the_threshold_chosen_on_training_patients(workbench):
    assert workbench.threshold.text() == "Positive from score 0.4"
    assert workbench.prevalence.text() == "2"  # as the evaluation was asked


def test_at_the_tested_prevalence_the_counts_are_those_of_the_table():
    at = AtThreshold(full_label().curve, 1, 27 / 200)
    assert at.sensitivity == 20 / 27
    assert at.specificity == pytest.approx(143 / 173)
    assert at.ppv == pytest.approx(20 / 50)
    assert at.npv == pytest.approx(143 / 150)
    assert 100 * at.alerts == pytest.approx(25)
    assert at.missed_per_1000 == pytest.approx(1000 * 7 / 200)


def test_a_rarer_label_has_fewer_right_alerts_as_bayes_says():
    at = AtThreshold(full_label().curve, 1, 0.02)
    right, wrong = 0.02 * 20 / 27, 0.98 * 30 / 173
    assert at.ppv == pytest.approx(right / (right + wrong))
    assert AtThreshold(full_label().curve, 2, 0.02).npv is None


def test_figures_follow_slider_and_prevalence_at_once(workbench):
    workbench.slider.setValue(0)
    assert tiles(workbench)["Sensitivity"] == "0.370"
    before = tiles(workbench)["PPV"]
    workbench.prevalence.setText("5")
    workbench.prevalence.textEdited.emit("5")
    assert tiles(workbench)["PPV"] != before
    workbench.prevalence.setText("200")
    workbench.prevalence.textEdited.emit("200")
    assert "less than 100" in workbench.threshold.text()


def test_intervals_come_when_the_slider_rests(qtbot, workbench, background):
    workbench.slider.setValue(2)
    assert workbench.measures.rows.rows == []
    workbench._rest.timeout.emit()
    settle(qtbot, background)
    told, _ = workbench.measures.rows.rows
    assert (told.name, told.value) == ("Sensitivity", "0.890 (0.850 to 0.926)")


def test_the_presets_give_up_as_little_as_they_can(workbench):
    workbench.presets[0].click()
    assert workbench.slider.value() == 2
    workbench.presets[1].click()
    assert workbench.slider.value() == 0
    workbench.chosen_button.click()
    assert workbench.slider.value() == 1


def test_it_says_that_a_threshold_picked_on_tested_recordings_is_optimistic(workbench):
    assert workbench._told.text() == ("The evaluation's own: 0.4, largest Youden index, chosen on training patients.")
    workbench.slider.setValue(0)
    assert "looks better than it will be" in workbench._told.text()
    assert "The evaluation took 0.4." in workbench._told.text()


def test_a_label_without_thresholds_says_so(workbench):
    workbench.show_label("J0004", LabelResult(label="HYP", auroc=Estimate(not_estimable="no positives")))
    assert not workbench.isEnabled()
    assert "keeps no thresholds" in workbench._told.text()


def test_the_prevalence_starts_as_the_evaluation_was_asked_and_goes_back_to_the_tested_share(workbench):
    assert workbench._whence.text() == "as told when the evaluation was asked"
    workbench.tested_button.click()
    assert (workbench.prevalence.text(), workbench._whence.text()) == ("13.5", "as in the tested recordings")
    assert workbench.at.prevalence == 27 / 200
    workbench.prevalence.textEdited.emit("4")
    assert workbench._whence.text() == "as set here"


def test_the_table_takes_the_prevalence_that_is_set(qtbot, workbench, background):
    def ppv():
        workbench._rest.timeout.emit()
        settle(qtbot, background)
        return {fact.name: fact.value for fact in workbench.measures.rows.rows}["PPV"].partition(" ")[0]

    assert ppv() == "0.020"
    assert "At a prevalence of 2 %" in workbench._below.text()
    workbench.tested_button.click()
    assert ppv() == "0.400"
    assert "On the tested recordings, with" in workbench._below.text()


def strip_of(qtbot, workbench, background):
    workbench._rest.timeout.emit()
    settle(qtbot, background)
    return workbench.strip


def test_line_and_slider_move_each_other(qtbot, workbench, background):
    strip = strip_of(qtbot, workbench, background)
    workbench.slider.setValue(0)
    assert strip.threshold == 0.9
    strip.dragged.emit(0.15)
    assert (workbench.slider.value(), strip.threshold) == (2, 0.1)


def test_mistakes_next_to_the_threshold_are_listed_and_open_their_traces(qtbot, workbench, background):
    strip_of(qtbot, workbench, background)
    near = workbench.neighbours
    assert near.rows.rows[0].one.record == "n001"  # it scores the threshold itself
    first_missed = next(row for row in near.rows.rows if row.mistake == "missed")
    assert first_missed.one.score == pytest.approx(0.39)
    near.choose(near.rows.identity(first_missed))
    with qtbot.waitSignal(workbench.trace_wanted) as told:
        near.activated.emit(near.currentIndex())
    assert told.args == [first_missed.one.record]


def test_an_evaluation_that_kept_no_scores_says_so_where_they_would_stand(qtbot, workbench, background):
    workbench.workspace.scoreless.add("J0004")
    strip = strip_of(qtbot, workbench, background)
    assert (strip.scored, strip.words) == (None, "Its scores are missing or damaged: Evaluate again.")
    assert tiles(workbench)["Sensitivity"] == "0.741"


def test_an_answer_about_another_label_comes_too_late(qtbot, workbench, background):
    late = workbench._about, strip_of(qtbot, workbench, background).scored
    workbench.show_label("J0005", full_label())
    workbench._take_scored(*late)
    assert workbench.strip.scored is None
    assert workbench.strip.words.startswith("Reading the scores")


def test_a_threshold_that_was_given_is_not_said_to_be_chosen(workbench):
    given = full_label().operating.model_copy(update={"rule": "given with the evaluation", "chosen_on": ""})
    workbench.show_label("J0004", full_label().model_copy(update={"operating": given}))
    assert workbench._told.text() == "The evaluation's own: 0.4, given with the evaluation."
