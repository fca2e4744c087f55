"""Thresholds of an evaluation: chosen on others, read on the test part, and every bad input has a named state."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contract.config import EvaluateConfig, RandomModel, S4Config
from engine.contract.operating import ThresholdRule
from engine.contract.output_types import REPORTABLE, WHY_NOT, may_report
from engine.contract.results import LabelResult, parse_results
from engine.evaluation.judge import judge
from engine.evaluation.operating import FLAG, GIVEN, cuts_of
from engine.evaluation.probe import training_outcome
from engine.evaluation.runs import unused_thresholds
from engine.metrics.discrimination import auroc

FOLDS = ["fold-1", "fold-2", "fold-3"]


def made(records=300, patients=90, seed=0):
    rng = np.random.default_rng(seed)
    patient_N = rng.integers(patients, size=records)
    y_N = (rng.random(patients) < 0.4)[patient_N].astype(float)
    score_N = np.round(rng.normal(size=records) + 1.2 * y_N, 2)
    return y_N, score_N, patient_N, [FOLDS[patient % 3] for patient in patient_N]


def judged(y_N, score_N, patient_N, split, rows_N=None, **more):
    rows_N = np.arange(len(y_N)) if rows_N is None else rows_N
    rule, prevalences = more.pop("rule", ThresholdRule()), more.pop("prevalences", {})
    cuts = cuts_of(y_N[:, None], score_N[:, None], split, rows_N, rule, prevalences)
    names = [f"p{patient_N[row]}" for row in rows_N]
    fixed = {"resamples": 50, "confidence": 0.95, "seed": 0} | more
    return judge(["MI"], y_N[rows_N, None], score_N[rows_N, None], names, cuts=cuts, **fixed)


def test_labels_of_a_fold_do_not_move_its_own_threshold():
    y_N, score_N, _, split = made()
    rows_N, first_N = np.arange(len(y_N)), np.array(split) == "fold-1"
    turned = np.where(first_N, 1 - y_N, y_N)
    rule = ThresholdRule(kind="sensitivity", target=0.9)
    before, after = (
        cuts_of(y[:, None], score_N[:, None], split, rows_N, rule).threshold_NL[:, 0] for y in (y_N, turned)
    )
    assert before[first_N][0] == after[first_N][0]
    assert before[~first_N].tolist() != after[~first_N].tolist()
    outside = score_N[~first_N][y_N[~first_N] == 1]
    assert np.mean(outside >= before[first_N][0]) >= 0.9


def test_with_a_test_part_the_threshold_comes_from_training_patients_alone():
    y_N, score_N, patient_N, split = made()
    parts = np.array(["test" if part == "fold-1" else "train" for part in split])
    rows_N = np.flatnonzero(parts == "test")
    point = judged(y_N, score_N, patient_N, parts.tolist(), rows_N).labels[0].operating
    changed = np.where(parts == "test", 1 - y_N, y_N)
    again = judged(changed, score_N, patient_N, parts.tolist(), rows_N).labels[0].operating
    assert point.threshold == again.threshold
    assert point.chosen_on == "training patients"
    called = score_N[rows_N] >= point.threshold
    assert point.true_positives == int((called & (y_N[rows_N] == 1)).sum())
    unscored = np.where(parts == "test", score_N, np.nan)
    told = judged(y_N, unscored, patient_N, parts.tolist(), rows_N).labels[0]
    assert told.operating.not_estimable == ("on training patients: no recording has both a known label and a score")
    assert told.auroc.value is not None


def test_a_probe_scores_its_training_patients_by_models_that_have_not_seen_them():
    y_N, score_N, patient_N, split = made()
    parts = ["test" if part == "fold-1" else "train" for part in split]
    names, test_N = [f"p{patient}" for patient in patient_N], np.array(parts) == "test"
    noise_ND = np.random.default_rng(1).normal(size=(len(y_N), 200))
    told_N = training_outcome(np.c_[score_N, noise_ND], y_N[:, None], names, parts)[0][:, 0]
    assert np.isnan(told_N[test_N]).all()
    assert np.isfinite(told_N[~test_N]).all()
    # With nearly as many features as recordings, scores of patients that were fitted would separate them perfectly.
    assert auroc(y_N[~test_N], told_N[~test_N]) < 0.9
    by_maker = training_outcome(lambda train_N: np.c_[score_N, noise_ND], y_N[:, None], names, parts)[0][:, 0]
    np.testing.assert_array_equal(by_maker, told_N)
    assert np.isnan(training_outcome(noise_ND, y_N[:, None], names, split)).all(), "folds score everybody already"
    assert np.isnan(training_outcome(noise_ND, y_N[:, None], ["one"] * len(y_N), parts)).all()


def test_a_label_tells_all_of_it_and_elsewhere():
    told = judged(*made(), prevalences={"MI": (0.02, 0.2)}).labels[0]
    assert told.prevalence.value < told.auprc.value < 1
    assert 1 < told.effective.design_effect < 4
    assert told.effective.records < told.auroc.records
    assert [place.prevalence for place in told.operating.elsewhere] == [0.02, 0.2]
    assert told.operating.threshold is None
    assert len(told.operating.thresholds) > 1
    assert told.curve.positives == told.auroc.positive_records


def test_flags_are_read_as_they_are_and_say_that_they_are_no_ranking():
    y_N, score_N, patient_N, split = made()
    told = judged(y_N, (score_N > 0.5).astype(float), patient_N, split)
    point = told.labels[0].operating
    assert (point.rule, point.threshold) == (FLAG, 1.0)
    assert {"sensitivity", "specificity", "ppv", "npv", "kappa"} <= point.measures.keys()
    assert (told.labels[0].auroc.value, told.labels[0].auroc.not_estimable) == (None, WHY_NOT["flag"])
    assert (told.labels[0].judged_as, told.labels[0].curve, told.macro.not_estimable) == ("flag", None, WHY_NOT["flag"])
    assert "Flags, not scores: MI" in told.notes[-1]


def test_recordings_without_a_score_are_counted_as_wrong_where_that_is_intended():
    y_N, score_N, patient_N, split = made()
    score_N[::4] = np.nan
    point = judged(y_N, score_N, patient_N, split).labels[0].operating
    assert point.positives_without_output == int((y_N[::4] == 1).sum())
    assert point.measures["sensitivity_intended"].value < point.measures["sensitivity"].value


def test_results_from_before_thresholds_still_parse():
    text = '{"label": "MI", "auroc": {"value": 0.8}}'
    assert LabelResult.model_validate_json(text).operating is None
    told = judged(*made()).labels[0]
    assert LabelResult.model_validate_json(told.model_dump_json()) == told
    with pytest.raises(ValueError, match="kind"):
        parse_results(text)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda y, s: (np.zeros_like(y), s), "no positive recordings among 300"),
        (lambda y, s: (np.ones_like(y), s), "no negative recordings among 300"),
        (lambda y, s: (y, np.ones_like(s)), "all scores are equal"),
        (lambda y, s: (y, np.full_like(s, np.inf)), "no recording has both a known label and a score"),
        (lambda y, s: (np.full_like(y, np.nan), s), "no recording has both a known label and a score"),
        (lambda y, s: (np.where(y == 1, 2.0, y), s), "labels other than 0 and 1"),
    ],
)
def test_what_cannot_be_judged_has_the_same_named_state_everywhere(change, state):
    y_N, score_N, patient_N, split = made()
    y_N, score_N = change(y_N, score_N)
    told = judged(y_N, score_N, patient_N, split).labels[0]
    assert told.auroc.not_estimable == told.auprc.not_estimable == state
    assert told.effective.not_estimable == state
    assert told.curve is None
    assert told.operating.not_estimable


def test_one_patient_has_values_and_no_interval():
    y_N, score_N, _, _ = made(records=40)
    parts = ["train"] * 20 + ["test"] * 20
    told = judged(y_N, score_N, np.zeros(40, dtype=int), parts, np.arange(20, 40)).labels[0]
    assert told.auroc.interval is None
    assert told.auprc.not_estimable == "no interval: a class has only one patient"
    assert told.operating.measures["sensitivity"].not_estimable == "no interval: all recordings are of one patient"


SCORES = st.sampled_from([0.0, 0.5, 0.5, 1.0, -1e300, 1e300, float("nan"), float("inf"), float("-inf")])
LABELS = st.sampled_from([0.0, 1.0, float("nan"), 1.0, 0.0, 7.0])


@settings(max_examples=40)
@given(rows=st.lists(st.tuples(LABELS, SCORES, st.integers(0, 4)), min_size=2, max_size=16))
def test_whatever_is_supplied_is_judged_without_a_crash_and_without_a_bare_number(rows):
    y_N, score_N, patient_N = (np.array([row[place] for row in rows], dtype=float) for place in range(3))
    split = ["train" if patient < 2 else "test" for patient in patient_N]
    if len(set(split)) < 2:
        split[0] = {"train": "test", "test": "train"}[split[0]]
    rows_N = np.flatnonzero(np.array(split) == "test")
    told = judged(y_N, score_N, patient_N, split, rows_N, resamples=20).labels[0]
    if (rows_N.size and (y_N[rows_N] == 7).any()) or told.operating.not_estimable:
        assert not told.operating.measures
    for one in [told.auroc, told.auprc, told.prevalence, *told.operating.measures.values()]:
        assert one.not_estimable or (one.value is not None and one.interval is not None)
    assert told.operating.not_estimable or told.operating.measures


def test_what_may_be_reported_follows_from_the_output():
    assert may_report("probability", "calibration")
    assert not may_report("score", "calibration")
    assert not may_report("flag", "auroc")
    assert may_report("flag", "net benefit at one point")
    assert all(may_report(output, "intention to diagnose") for output in REPORTABLE)
    assert set(WHY_NOT) == set(REPORTABLE)


def test_a_given_threshold_is_taken_as_it_is_whatever_training_patients_would_choose():
    y_N, score_N, patient_N, split = made()
    rows_N = np.arange(len(y_N))
    both_NL, scores_NL = np.c_[y_N, y_N], np.c_[score_N, score_N]
    cuts = cuts_of(both_NL, scores_NL, split, rows_N, ThresholdRule(), given=[None, 1.37])
    assert np.unique(cuts.threshold_NL[:, 1]).tolist() == [1.37]
    assert cuts.rule == ["largest Youden index", GIVEN]
    names = [f"p{patient}" for patient in patient_N]
    fixed = {"resamples": 50, "confidence": 0.95, "seed": 0}
    chosen, told = (one.operating for one in judge(["a", "b"], both_NL, scores_NL, names, cuts=cuts, **fixed).labels)
    assert (told.how, told.chosen_on, told.threshold) == (GIVEN, "", 1.37)
    assert chosen.how == "largest Youden index, chosen on patients of the other folds"
    assert chosen.threshold != 1.37
    assert told.true_positives == int(((score_N >= 1.37) & (y_N == 1)).sum())
    assert told.false_positives == int(((score_N >= 1.37) & (y_N == 0)).sum())


def test_a_given_threshold_needs_no_scored_training_patient():
    y_N, score_N, _, split = made()
    parts = np.array(["test" if part == "fold-1" else "train" for part in split])
    rows_N = np.flatnonzero(parts == "test")
    unscored_N = np.where(parts == "test", score_N, np.nan)
    cuts = cuts_of(y_N[:, None], unscored_N[:, None], parts.tolist(), rows_N, ThresholdRule(), given=[0.5])
    assert cuts.problems == {}
    assert (cuts.threshold_NL == 0.5).all()


def test_a_threshold_given_for_a_flag_is_told_to_have_no_effect():
    rows_N = np.arange(4)
    y_NL, score_NL = np.tile([[0.0], [1.0]], (2, 2)), np.c_[[0.0, 1.0, 0.0, 1.0], [0.1, 0.7, 0.2, 0.9]]
    cuts = cuts_of(y_NL, score_NL, ["fold-1", "fold-1", "fold-2", "fold-2"], rows_N, ThresholdRule(), given=[0.5, 0.5])
    assert cuts.rule == [FLAG, GIVEN]
    model = RandomModel(name="any", backbone=S4Config(width=8, depth=1))
    config = EvaluateConfig(model=model, labels=("AF", "MI"), given_thresholds={"AF": 0.5, "MI": 0.5})
    told = unused_thresholds(config, config.labels, cuts)
    assert told == ["The threshold given for AF has no effect: what is a flag already has none"]
    assert unused_thresholds(config.model_copy(update={"given_thresholds": {"MI": 0.5}}), config.labels, cuts) == []
