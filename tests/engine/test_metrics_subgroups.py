"""Subgroups: gaps against everybody else, named states; recalibration: chosen by rule, never on test patients."""

import numpy as np
import pytest
from scipy.special import expit, logit

from engine.contract.errors import UsageError
from engine.metrics.discrimination import auroc
from engine.metrics.multiplicity import holm
from engine.metrics.recalibration import recalibration_results
from engine.metrics.subgroups import auroc_measure, corrected_together, subgroup_results
from engine.metrics.uncertainty import draw_multiplicities


def scored(seed=0, patients=400, hurt=0.0):
    """Two recordings a patient; in group b the score is noise by a share."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), 2)
    group = np.where(rng.random(patients) < 0.4, "b", "a")[patient]
    y = (rng.random(patients) < 0.3).astype(float)[patient]
    signal = 1.5 * y + rng.normal(size=2 * patients)
    score = np.where(group == "b", signal * (1 - hurt) + hurt * rng.normal(size=2 * patients), signal)
    return y, score, patient, group


def grouped(y, score, patient, group, **asked):
    weight = draw_multiplicities(int(patient.max()) + 1, 300, 1)
    return subgroup_results("sex", group, auroc_measure(y, score, patient, weight), **asked)


def test_a_gap_is_the_difference_to_everybody_else():
    y, score, patient, group = scored(hurt=0.9)
    told = grouped(y, score, patient, group)
    b = next(one for one in told.groups if one.group == "b")
    inside = group == "b"
    naive = auroc(y[inside], score[inside]) - auroc(y[~inside], score[~inside])
    assert b.gap.value == pytest.approx(naive, abs=1e-12)
    assert (b.state, told.worst) == ("lower", "b")
    assert b.gap.interval.high < 0
    assert b.adjusted_p >= b.p_value
    assert told.interaction_p < 0.01


def test_of_two_groups_one_is_the_others_complement():
    told = grouped(*scored(3))
    a, b = told.groups
    assert a.gap.value == pytest.approx(-b.gap.value)
    assert a.p_value == pytest.approx(b.p_value)


def test_equal_groups_are_within_a_wide_margin_and_show_no_gap_without_one():
    assert {one.state for one in grouped(*scored(5)).groups} == {"no gap shown"}
    assert {one.state for one in grouped(*scored(5), margin=0.5).groups} == {"within margin"}


def test_three_patients_are_insufficient_evidence_and_no_number():
    y, score, patient, group = scored(2)
    group = np.where(patient < 3, "rare", group)
    told = grouped(y, score, patient, group)
    rare = next(one for one in told.groups if one.group == "rare")
    assert rare.state == "insufficient evidence"
    assert rare.estimate.value is None
    assert rare.gap.not_estimable.startswith("insufficient evidence: the group has")
    assert told.unestimable[0].startswith("rare: ")
    assert told.worst != "rare"


def test_recordings_of_unknown_group_count_in_no_complement():
    y, score, patient, group = scored(2)
    told = grouped(y, score, patient, [None if one == "b" else one for one in group])
    assert told.unknown_records == int((group == "b").sum())
    assert told.groups[0].state == "insufficient evidence"
    assert "everybody else" in told.unestimable[0]


def test_a_patient_in_both_groups_is_in_the_variance_of_the_gap_once():
    y, score, patient, _ = scored(4)
    group = np.tile(["first", "second"], 400)
    apart = grouped(y, score, np.arange(800), group).groups[0]
    paired = grouped(y, score, patient, group).groups[0]
    assert paired.gap.value == pytest.approx(apart.gap.value)
    assert paired.p_value != pytest.approx(apart.p_value, rel=1e-3)


def probabilities(seed, recordings, intercept, slope, prefix):
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 1.2, recordings)
    y = (rng.random(recordings) < expit(x)).astype(float)
    return y, expit((x - intercept) / slope), [f"{prefix}{number:05d}" for number in range(recordings)]


@pytest.mark.parametrize(
    ("intercept", "slope", "correction"),
    [(0.0, 1.0, "none"), (1.0, 1.0, "intercept"), (0.3, 0.5, "intercept and slope")],
)
def test_the_simplest_correction_that_suffices_is_taken_and_makes_it_right(intercept, slope, correction):
    held = probabilities(1, 900, intercept, slope, "h")
    test = probabilities(2, 700, intercept, slope, "t")
    told = recalibration_results(held, test, draw_multiplicities(700, 200, 0))
    assert told.correction == correction
    if correction != "none":
        assert told.brier_change.value < 0
        assert told.after.observed_expected.interval.low < 1 < told.after.observed_expected.interval.high
        assert told.intercept == pytest.approx(intercept, abs=0.25)


def test_a_bend_that_no_line_mends_is_stepped():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1.5, 6000)
    y = (rng.random(6000) < expit(np.where(x < 0, 0.2 * x - 1.5, 4 * x - 1.5))).astype(float)
    names = [f"{number:05d}" for number in range(6000)]
    held, test = ((y[rows], expit(x[rows]), names[rows]) for rows in (slice(0, 5000), slice(5000, 6000)))
    told = recalibration_results(held, test, draw_multiplicities(1000, 50, 0))
    assert told.correction == "isotonic"
    assert told.log_loss_change.interval.high < 0
    assert logit([value for _, value in told.steps]).tolist() == sorted(logit([value for _, value in told.steps]))


def test_a_tested_patient_cannot_help_to_recalibrate():
    held = probabilities(1, 50, 0, 1, "p")
    with pytest.raises(UsageError, match="both held out and tested"):
        recalibration_results(held, held, draw_multiplicities(50, 10, 0))


def test_few_held_out_patients_change_nothing():
    held, test = probabilities(1, 12, 2, 1, "h"), probabilities(2, 60, 2, 1, "t")
    told = recalibration_results(held, test, draw_multiplicities(60, 20, 0))
    assert (told.correction, told.after) == ("none", None)
    assert "fewer than 10" in told.reason


def test_an_area_s_interval_stays_between_0_and_1():
    rng = np.random.default_rng(0)
    y_N = np.repeat([1.0, 0.0], 12)
    score_N = y_N + 0.6 * rng.standard_normal(24)
    codes_N, weight_PB = np.arange(24), draw_multiplicities(24, 200, 0)
    told = subgroup_results("sex", ["female"] * 24, auroc_measure(y_N, score_N, codes_N, weight_PB)).overall
    assert 0 < told.interval.low < told.value < told.interval.high < 1
    assert "logit" in told.interval.method


def test_groups_of_several_labels_are_corrected_as_one_table():
    rng = np.random.default_rng(1)
    codes_N, weight_PB = np.arange(200), draw_multiplicities(200, 200, 0)
    group_N = ["a", "b"] * 100
    pages = []
    for _ in range(3):
        y_N = (rng.random(200) < 0.5).astype(float)
        score_N = y_N + 2 * rng.standard_normal(200)
        pages.append(subgroup_results("g", group_N, auroc_measure(y_N, score_N, codes_N, weight_PB)))
    told = corrected_together(pages, "Holm")
    p_M = [group.p_value for page in pages for group in page.groups]
    np.testing.assert_allclose([group.adjusted_p for page in told for group in page.groups], holm(p_M))
    assert [group.correction for page in told for group in page.groups] == ["Holm"] * 6
