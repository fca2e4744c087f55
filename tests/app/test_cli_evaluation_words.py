"""An evaluation at a terminal: every number with its interval or the reason why there is none, each table if filled."""

import pytest
from evaluation_cases import FULL, UNDEFINED, by_sex, full_evaluation, full_label, net_benefit

from app.commands.evaluation_words import cost_words, evaluation_words
from app.core.evaluation_cost import EvaluationCost
from app.useful_risks import useful_risks
from engine.contract.results import EvaluateResults, LabelResult
from engine.contract.utility import UtilityResults


@pytest.fixture(scope="module")
def text():
    """What a terminal shows of it."""
    return evaluation_words(full_evaluation())


def words(text):
    """Text with single spaces, for tables."""
    return " ".join(text.split())


def test_an_evaluation_names_model_data_split_method_and_counts(text):
    for part in (
        *("m (finetuned)", "ptbxl-super", "1,155 recordings of 150 patients, held-out test patients"),
        *("0.842 (0.782 to 0.902)", "27", "not estimable: no positive recording", "8 recordings have no score."),
    ):
        assert part in text


def test_precision_stands_beside_its_chance_and_thresholds_say_what_they_find(text):
    for part in (
        *("0.174 (no interval: one seed)", "1,234", "At a threshold (largest Youden index, chosen on training"),
        *("no threshold: no positives", "PPV there", "0.02", "Sensitivity", "Alerts per 100"),
    ):
        assert part in text


def test_calibration_correction_and_worth_are_told(text):
    assert "MI 1.070 (1.020 to 1.120) 1.070" in words(text)
    assert "MI intercept -0.010 (-0.014 to -0.006) the slope's interval holds 1" in words(text)
    assert "MI 0.10 to 0.20" in words(text)


def test_subgroups_say_their_state_and_correction(text):
    assert "Subgroups: 1 lower, 1 insufficient evidence. p values corrected by Holm." in text
    assert "MI sex female lower AUROC 0.790 (0.740 to 0.840) -0.080 (-0.110 to -0.050) 0.008" in words(text)
    assert "insufficient evidence AUROC 3 patients with the label" in words(text)


def test_of_very_many_groups_only_those_with_a_gap_are_listed():
    label = full_label().model_copy(update={"subgroups": [by_sex()] * 20})
    told = evaluation_words(full_evaluation().model_copy(update={"labels": [label]}))
    assert "20 lower, 20 insufficient evidence" in told
    assert told.count("sex female") == 20
    assert "sex unknown" not in told


def test_measured_numbers_stand_in_their_unit(text):
    assert "heart rate (1/min) 4.200 (4.150 to 4.250) 0.830" in words(text)
    assert "-11 to 10.2" in text


def test_fewer_labels_tell_their_law_and_what_a_target_needs(text):
    assert "25 % 38 289 0.830" in words(text)
    assert "0.6 n^-0.210 + 0.05" in text
    assert "Labelled patients for a macro AUROC of 0.9: not estimable: more than ten times" in words(text)


def test_training_tells_the_kept_epoch_and_where_the_model_stands(text):
    assert "test 2 3 0.810" in words(text)
    assert "checkpoints/test" in text


def test_scores_without_probabilities_show_no_empty_tables():
    bare = full_evaluation().model_copy(
        update={"labels": [LabelResult(label="MI", auroc=FULL)], "targets": [], "few_labels": None, "training": []}
    )
    told = evaluation_words(EvaluateResults.model_validate(bare.model_dump()))
    assert "Calibration" not in told
    assert "Subgroups" not in told
    assert "Decision curve" not in told


def test_risks_at_which_a_model_is_worth_it_are_told_as_stretches():
    gains = [(0.1, 0.02), (0.2, -0.02), (0.3, 0.02), (0.4, 0.02)]
    useful = UtilityResults(points=[net_benefit(risk, gain) for risk, gain in gains])
    assert useful_risks(useful) == "0.10, 0.30 to 0.40"
    assert useful_risks(UtilityResults(points=[net_benefit(0.1, 0.0)])) == "none for certain"
    assert useful_risks(UtilityResults(not_estimable=UNDEFINED.not_estimable)) == (
        "not estimable: no positive recording"
    )


@pytest.mark.parametrize(("seconds", "told"), [(None, "not known yet"), (125.0, "about 2 min 05 s")])
def test_a_cost_tells_what_is_kept_what_is_trained_and_what_its_time_rests_on(seconds, told):
    cost = EvaluationCost("m", "main", "finetuned", 5, 1, 2000, 500, 5, 100, 720_000, seconds, ("As in run J0003.",))
    text = cost_words(cost)
    for part in ("2,000, of which 500 are to be embedded", "5 times 100 epochs, 720,000 crops", told, "As in run J0"):
        assert part in text
