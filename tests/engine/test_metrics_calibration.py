"""Calibration, overall performance and isotonic regression: against naive fits, invariances, named states."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

from engine.contract.calibration import CalibrationResults
from engine.metrics.brier import corp_parts, overall_results
from engine.metrics.calibration import RISK_BINS, Probabilities, calibration_results, risk_distribution
from engine.metrics.isotonic import Steps
from engine.metrics.logistic_fits import fit, fit_resamples
from engine.metrics.uncertainty import draw_multiplicities


def sample(seed, recordings=300, patients=150, slope=1.0):
    rng = np.random.default_rng(seed)
    patient = rng.integers(patients, size=recordings)
    own = (rng.normal(size=patients) * 0.8)[patient]
    x = own + rng.normal(size=recordings) - 0.5
    y = (rng.random(recordings) < expit(x)).astype(float)
    return y, expit(slope * x), patient


@pytest.fixture(scope="module")
def drawn():
    y, p, patient = sample(1)
    return y, p, patient, draw_multiplicities(150, 200, 3)


def test_a_fit_on_a_resample_equals_the_fit_on_its_repeated_rows(drawn):
    y, p, patient, weight = drawn
    x = np.stack([logit(p), np.ones(len(p))], axis=1)
    fitted = fit_resamples(x, y, patient, weight, fit(x, y))
    for column in (0, 7, 199):
        rows = np.repeat(np.arange(len(y)), weight[patient, column])
        np.testing.assert_allclose(fitted[:, column], fit(x[rows], y[rows]), rtol=1e-9)


@pytest.mark.parametrize("logit_of_all", [-30.0, -9.5, 9.5, 30.0])
def test_an_intercept_is_found_however_far_all_probabilities_are_off(logit_of_all):
    rng = np.random.default_rng(0)
    y_N = (rng.random(150) < 0.08).astype(float)
    offset_N = logit_of_all + rng.normal(size=150)
    (intercept,) = fit(np.ones((150, 1)), y_N, offset_N)
    assert expit(intercept + offset_N).sum() == pytest.approx(y_N.sum(), rel=1e-9)


def test_probabilities_made_right_by_recalibration_have_slope_one_and_intercept_zero(drawn):
    y, p, patient, weight = drawn
    x = np.stack([logit(p), np.ones(len(p))], axis=1)
    told = calibration_results(y, expit(x @ fit(x, y)), patient, weight)
    assert told.slope.value == pytest.approx(1, abs=1e-8)
    assert told.intercept.value == pytest.approx(0, abs=1e-8)
    assert told.observed_expected.value == pytest.approx(1, abs=1e-9)


def test_doubled_logits_halve_the_slope_and_its_interval(drawn):
    y, p, patient, weight = drawn
    once = calibration_results(y, p, patient, weight).slope
    twice = calibration_results(y, expit(2 * logit(p)), patient, weight).slope
    assert twice.value == pytest.approx(once.value / 2, rel=1e-8)
    assert twice.interval.high == pytest.approx(once.interval.high / 2, rel=1e-6)


def test_every_estimate_of_calibration_has_its_interval_around_it(drawn):
    told = calibration_results(*drawn)
    for name in ("observed_expected", "intercept", "slope"):
        one = getattr(told, name)
        assert one.interval.low < one.value < one.interval.high
        assert one.beside.low < one.value < one.beside.high
    assert all(point.low <= point.observed <= point.high for point in told.curve)
    assert told.e50.value <= told.e90.value <= told.emax.value


def test_isotonic_steps_equal_scikit_learns_with_and_without_ties():
    for seed in range(20):
        y, p, _ = sample(seed, 80)
        for score in (p, p.round(1)):
            ours = Steps.of(y, score).at(score)
            np.testing.assert_allclose(ours, IsotonicRegression().fit(score, y).predict(score), atol=1e-12)


def test_corp_on_a_resample_equals_isotonic_regression_with_weights(drawn):
    y, p, patient, weight = drawn
    p = p.round(2)
    parts = corp_parts(Probabilities.of(y, p, patient), weight)
    for column in (0, 11):
        w = weight[patient, column].astype(float)
        in_it = w > 0
        q, z, w = p[in_it], y[in_it], w[in_it]
        score, best = (np.average((z - r) ** 2, weights=w) for r in (q, IsotonicRegression().fit(q, z, w).predict(q)))
        mean = np.average(z, weights=w)
        np.testing.assert_allclose(parts[:, column], [score - best, mean * (1 - mean) - best, mean * (1 - mean)])


def test_the_parts_of_the_brier_score_sum_to_it(drawn):
    y, p, patient, weight = drawn
    told = overall_results(y, p, patient, weight)
    assert told.brier.value == pytest.approx(brier_score_loss(y, p), abs=1e-14)
    assert told.log_loss.value == pytest.approx(log_loss(y, p), abs=1e-12)
    corp = told.corp
    sums = corp.miscalibration.value - corp.discrimination.value + corp.uncertainty.value
    assert sums == pytest.approx(told.brier.value, abs=1e-12)
    m = told.murphy
    assert m.reliability - m.resolution + m.uncertainty + m.within == pytest.approx(told.brier.value, abs=1e-12)


@pytest.mark.parametrize(
    ("y", "p", "told"),
    [
        ([0, 0, 0], [0.1, 0.2, 0.3], "no positive recordings among 3"),
        ([1, 1], [0.1, 0.2], "no negative recordings among 2"),
        ([np.nan, np.nan], [0.1, 0.2], "no recording has both"),
        ([0, 1], [np.nan, np.inf], "no recording has both"),
        ([0, 1], [-3.0, 2.0], "no probabilities"),
        ([0, 2], [0.5, 0.6], "labels other than 0 and 1"),
    ],
)
def test_what_cannot_be_judged_is_told_and_no_number(y, p, told):
    patient = np.arange(len(y))
    weight = draw_multiplicities(len(y), 20, 0)
    calibration = calibration_results(np.array(y, float), np.array(p, float), patient, weight)
    overall = overall_results(np.array(y, float), np.array(p, float), patient, weight)
    for one in (calibration.slope, calibration.ici, overall.brier):
        assert one.value is None
        assert told in one.not_estimable


def test_certain_probabilities_and_constant_ones_leave_what_can_be_said(drawn):
    y, p, patient, weight = drawn
    certain = calibration_results(y, np.where(p > 0.9, 1.0, p), patient, weight)
    assert "exactly 0 or 1" in certain.slope.not_estimable
    assert certain.observed_expected.value is not None
    constant = calibration_results(y, np.full(len(y), 0.4), patient, weight)
    assert constant.slope.not_estimable == "all probabilities are equal"
    assert constant.intercept.value == pytest.approx(logit(y.mean()) - logit(0.4), abs=1e-9)
    assert constant.curve == []


def test_separated_classes_and_one_patient_are_named_states():
    y, p = np.array([0.0, 0, 0, 1, 1, 1]), np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.8])
    weight = draw_multiplicities(6, 30, 0)
    assert "separate" in calibration_results(y, p, np.arange(6), weight).slope.not_estimable
    alone = calibration_results(y, p[::-1].copy(), np.zeros(6, np.intp), draw_multiplicities(1, 30, 0))
    assert alone.observed_expected.interval is None
    assert alone.observed_expected.value is not None


def test_risks_are_counted_as_a_histogram_over_0_to_1_counts_them():
    rng = np.random.default_rng(5)
    p = np.r_[rng.random(400), np.arange(RISK_BINS) / RISK_BINS, 1.0]
    y = (rng.random(len(p)) < p).astype(float)
    told = risk_distribution(y, p)
    edges = np.arange(RISK_BINS + 1) / RISK_BINS
    for value, counts in ((1, told.with_label), (0, told.without_label)):
        assert counts == np.histogram(p[y == value], edges)[0].tolist()


def test_constant_risks_lie_in_one_bin_without_a_curve_and_missing_ones_in_none():
    y, p = np.array([1.0, 0.0, 0.0, np.nan, 1.0]), np.array([0.3, 0.3, 0.3, 0.3, np.nan])
    told = calibration_results(y, p, np.arange(5), np.ones((5, 20), dtype=np.uint8))
    assert told.curve == []
    assert told.risks.with_label[15] == sum(told.risks.with_label) == 1
    assert told.risks.without_label[15] == sum(told.risks.without_label) == 2


@pytest.mark.parametrize(("y", "p"), [([1.0, 0.0], [0.2, 1.3]), ([2.0, 0.0], [0.2, 0.3]), ([], [])])
def test_scores_that_are_no_risks_have_no_distribution(y, p):
    assert risk_distribution(np.array(y), np.array(p)) is None


def test_results_of_before_the_distribution_are_still_read():
    told = calibration_results(
        np.array([1.0, 0.0]), np.array([0.6, 0.3]), np.arange(2), np.ones((2, 9), dtype=np.uint8)
    )
    before = told.model_dump(exclude={"risks"})
    assert CalibrationResults.model_validate(before).risks is None
