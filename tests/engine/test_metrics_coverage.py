"""Nominal 95 % intervals cover: clustered patients, few and many events, against the truth of a large population."""

import numpy as np
import pytest
from scipy.special import expit

from engine.metrics.brier import brier
from engine.metrics.calibration import Probabilities, intercept, observed_expected, slope
from engine.metrics.patient_sums import PatientSums, estimate
from engine.metrics.uncertainty import draw_multiplicities
from engine.metrics.utility import net_benefit

REPEATS = 400


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
        weight = draw_multiplicities(patients, 200, repeat)
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
        assert share > 0.92, (name, share)
