"""Regression and net benefit: against naive sums, analysis of variance by hand, named states."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from engine.contract.errors import UsageError
from engine.metrics.regression import regression_results
from engine.metrics.uncertainty import draw_multiplicities
from engine.metrics.utility import utility_results


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(4)
    patient = rng.integers(60, size=200)
    measured = rng.normal(400, 30, 200)
    predicted = measured + 3 + (rng.normal(size=60) * 8)[patient] + rng.normal(size=200) * 5
    return measured, predicted, patient, draw_multiplicities(60, 300, 2)


def test_errors_equal_scikit_learns(numbers):
    measured, predicted, *_ = numbers
    told = regression_results(*numbers)
    assert told.mae.value == pytest.approx(mean_absolute_error(measured, predicted), rel=1e-12)
    assert told.rmse.value == pytest.approx(root_mean_squared_error(measured, predicted), rel=1e-12)
    assert told.r2.value == pytest.approx(r2_score(measured, predicted), rel=1e-10)
    assert told.slope.value == pytest.approx(np.polyfit(predicted, measured, 1)[0], rel=1e-10)


def test_limits_of_agreement_are_the_textbook_ones_with_one_recording_a_patient(numbers):
    measured, predicted, *_ = numbers
    told = regression_results(measured, predicted, np.arange(200), draw_multiplicities(200, 50, 0))
    off = predicted - measured
    reach = 1.959963984540054 * off.std(ddof=1)
    assert told.upper_limit.value == pytest.approx(off.mean() + reach, rel=1e-10)
    assert told.lower_limit.value == pytest.approx(off.mean() - reach, rel=1e-10)
    assert told.within_sd is None


def test_a_shift_moves_bias_and_limits_alone(numbers):
    measured, predicted, patient, weight = numbers
    once = regression_results(*numbers)
    moved = regression_results(measured, predicted + 1000, patient, weight)
    for name in ("bias", "lower_limit", "upper_limit"):
        assert getattr(moved, name).value == pytest.approx(getattr(once, name).value + 1000, abs=1e-7)
    assert moved.slope.value == pytest.approx(once.slope.value, rel=1e-9)
    assert moved.within_sd == pytest.approx(once.within_sd, rel=1e-6)


def test_a_resample_of_patients_is_the_statistic_of_their_repeated_rows(numbers):
    from engine.metrics.patient_sums import PatientSums
    from engine.metrics.regression import _STATISTICS, _rows

    measured, predicted, patient, weight = numbers
    sums = PatientSums.of(_rows(measured, predicted, patient), patient, weight)
    column, parts, names = 5, [], []
    for one in range(60):
        for time in range(weight[one, column]):
            rows = np.flatnonzero(patient == one)
            parts.append(rows)
            names += [100 * one + time] * len(rows)
    rows = np.concatenate(parts)
    again = np.unique(names, return_inverse=True)[1]
    count = again.max() + 1
    whole = PatientSums.of(_rows(measured[rows], predicted[rows], again), again, np.ones((count, 1), np.int16))
    for name, statistic in _STATISTICS.items():
        assert sums.sampled(statistic).resampled_B[column] == pytest.approx(whole.sampled(statistic).value), name


@pytest.mark.parametrize("constant", ["measured", "predicted"])
def test_constant_numbers_are_told(numbers, constant):
    measured, predicted, patient, weight = numbers
    flat = np.full(200, 400.1)
    told = regression_results(
        flat if constant == "measured" else measured, flat if constant == "predicted" else predicted, patient, weight
    )
    one = told.r2 if constant == "measured" else told.slope
    assert one.value is None
    assert constant[:4] in one.not_estimable


def test_nothing_measured_is_told():
    told = regression_results(np.array([np.nan]), np.array([1.0]), np.zeros(1, np.intp), np.ones((1, 5), np.int16))
    assert "no recording" in told.mae.not_estimable


def flagged(**asked):
    y, p = np.array([1.0, 1, 0, 0, 0, 1, 0, 0]), np.array([0.9, 0.4, 0.5, 0.1, 0.2, 0.8, 0.3, 0.05])
    return utility_results(y, p, np.arange(8), draw_multiplicities(8, 50, 0), **asked)


def test_net_benefit_by_hand():
    point = flagged(thresholds=[0.2]).points[0]
    assert point.model.value == pytest.approx(3 / 8 - 3 / 8 * 0.25)
    assert point.treat_all == pytest.approx(3 / 8 - 5 / 8 * 0.25)
    assert point.avoided.value == pytest.approx((point.model.value - point.treat_all) * 4)


def test_net_benefit_at_the_samples_own_prevalence_is_the_plain_one():
    given, plain = flagged(thresholds=[0.3, 0.5], prevalence=3 / 8), flagged(thresholds=[0.3, 0.5])
    assert [p.model.value for p in given.points] == pytest.approx([p.model.value for p in plain.points])
    assert (given.reweighted, plain.reweighted) == (True, False)


@pytest.mark.parametrize("asked", [{"thresholds": [0.0]}, {"thresholds": [1.0]}, {"prevalence": 0.0}])
def test_impossible_thresholds_are_refused(asked):
    with pytest.raises(UsageError):
        flagged(**asked)
