"""Nominal 95 % intervals cover: clustered patients, few and many events, against the truth of a large population."""

import numpy as np
import pytest
from scipy.special import expit

from engine.metrics.brier import brier
from engine.metrics.calibration import Probabilities, intercept, observed_expected, slope
from engine.metrics.patient_sums import PatientSums, estimate
from engine.metrics.regression import regression_results
from engine.metrics.uncertainty import draw_multiplicities
from engine.metrics.utility import net_benefit

REPEATS = 400
FLOOR = 0.91
"""Three standard errors below 95 % at so many repeats, and some for the percentiles of 400 resamples."""


def population(random, patients, base):
    """About two recordings a patient, risks that go with the patient, probabilities a little too extreme."""
    patient = np.repeat(np.arange(patients), random.integers(1, 4, patients))
    own = random.normal(0, 1, patients)[patient]
    x = base + own + random.normal(0, 0.7, len(patient))
    y = (random.random(len(patient)) < expit(x)).astype(float)
    return y, expit(0.2 + 1.2 * (base + 0.9 * (x - base))), patient


def benefit(told, weight):
    called = (told.p_N >= 0.2).astype(float)
    rows = np.array([np.ones_like(called), told.y_N, called * told.y_N, called * (1 - told.y_N)])
    return PatientSums.of(rows, told.patient_N, weight).sampled(lambda sums: net_benefit(sums, 0.2)[0])


MEASURES = {
    "observed over expected": (observed_expected, "log"),
    "intercept": (intercept, "plain"),
    "slope": (slope, "plain"),
    "brier": (lambda told, weight: brier(told, weight)[0], "log"),
    "scaled brier": (lambda told, weight: brier(told, weight)[1], "log of 1 -"),
    "net benefit": (benefit, "plain"),
}


def truth(base):
    once = np.ones((100_000, 1), np.int16)
    told = Probabilities.of(*population(np.random.default_rng(99), 100_000, base))
    return {name: measure(told, once).value for name, (measure, _) in MEASURES.items()}


def coverage(patients, base, repeats=REPEATS):
    right, covered, counted = truth(base), dict.fromkeys(MEASURES, 0), dict.fromkeys(MEASURES, 0)
    for repeat in range(repeats):
        told = Probabilities.of(*population(np.random.default_rng(repeat), patients, base))
        weight = draw_multiplicities(patients, 400, repeat)
        for name, (measure, scale) in MEASURES.items():
            one = estimate(measure(told, weight), told.size, 0.95, scale)
            if one.interval is not None:
                counted[name] += 1
                covered[name] += one.interval.low <= right[name] <= one.interval.high
    return {name: (covered[name] / max(1, counted[name]), counted[name]) for name in MEASURES}


@pytest.mark.slow
@pytest.mark.parametrize(("patients", "base"), [(60, -0.5), (150, -2.0), (500, -1.0)])
def test_intervals_of_probabilities_cover_about_as_often_as_they_say(patients, base):
    told = coverage(patients, base)
    for name, (share, counted) in told.items():
        assert counted > 0.9 * REPEATS, name
        assert share > FLOOR, (name, share)


def measured(random, patients):
    """About two recordings a patient; errors between and within patients."""
    patient = np.repeat(np.arange(patients), random.integers(1, 4, patients))
    y = random.normal(0, 1, patients)[patient] + random.normal(0, 0.5, len(patient))
    return y, y + 0.1 + random.normal(0, 0.5, patients)[patient] + random.normal(0, 0.4, len(patient)), patient


@pytest.mark.slow
@pytest.mark.parametrize("patients", [40, 200])
def test_intervals_of_regression_cover_about_as_often_as_they_say(patients):
    # By hand: differences have mean 0.1 and variance 0.5^2 + 0.4^2; measured values variance 1 + 0.5^2.
    spread = 0.41
    reach = 1.959963984540054 * spread**0.5
    right = {
        "rmse": (0.01 + spread) ** 0.5,
        "bias": 0.1,
        "lower_limit": 0.1 - reach,
        "upper_limit": 0.1 + reach,
        "r2": 1 - (0.01 + spread) / 1.25,
        "slope": 1.25 / (1.25 + spread),
    }
    covered = dict.fromkeys(right, 0)
    for repeat in range(REPEATS):
        sample = measured(np.random.default_rng(repeat), patients)
        told = regression_results(*sample, draw_multiplicities(patients, 400, repeat))
        for name, value in right.items():
            interval = getattr(told, name).interval
            covered[name] += interval.low <= value <= interval.high
    for name, times in covered.items():
        assert times / REPEATS > FLOOR, (name, times / REPEATS)
