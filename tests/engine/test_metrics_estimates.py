"""Which interval is reported, what is said when there is none, and whether the reported one covers."""

import numpy as np
import pytest
from scipy.stats import norm

from engine.metrics.estimates import auroc_estimate, difference_estimate, macro_difference, macro_estimate, measure
from engine.metrics.uncertainty import draw_multiplicities


def study(seed, patients, each=1, prevalence=0.4, shift=1.0, share=0.5, resamples=300):
    """Patients with `each` recordings on average, labels constant per patient, scores alike within a patient."""
    rng = np.random.default_rng(seed)
    counts = np.ones(patients, int) if each == 1 else 1 + rng.poisson(each - 1, patients)
    patient = np.repeat(np.arange(patients), counts)
    y = (rng.random(patients) < prevalence)[patient].astype(float)
    own = rng.standard_normal(patients)[patient]
    score = np.sqrt(share) * own + np.sqrt(1 - share) * rng.standard_normal(len(patient)) + shift * y
    return y, score, patient, draw_multiplicities(patients, resamples, seed)


def test_below_five_hundred_patients_in_a_class_the_analytic_interval_is_reported_and_the_bootstrap_stands_beside():
    small = auroc_estimate(measure(*study(0, 110, each=3)))
    assert small.positive_patients < 500
    assert small.interval.method == "Obuchowski 1997 patient-clustered variance, logit, t"
    assert small.beside.method == "patient-clustered bootstrap, 300 resamples, logit percentile"
    large = auroc_estimate(measure(*study(0, 1300, each=3)))
    assert large.positive_patients >= 500
    assert large.interval.method.startswith("patient-clustered bootstrap")
    assert large.beside.method.startswith("Obuchowski")


def test_with_one_recording_a_patient_the_analytic_interval_is_delongs():
    assert auroc_estimate(measure(*study(1, 60))).interval.method == "DeLong variance, logit, t"


def test_an_estimate_carries_its_counts():
    y = np.array([1, 1, 0, 0, 0, np.nan, 1.0])
    score = np.array([0.9, 0.2, 0.1, 0.3, np.inf, 0.5, 0.8])
    told = auroc_estimate(measure(y, score, np.array([0, 0, 0, 1, 2, 3, 4]), draw_multiplicities(5, 100, 0)))
    assert (told.records, told.patients) == (5, 3)
    assert (told.positive_records, told.positive_patients, told.negative_patients) == (3, 2, 2)


@pytest.mark.parametrize(
    ("y", "score", "reason"),
    [
        ([0, 0, 0], [0.1, 0.2, 0.3], "no positive recordings among 3"),
        ([1, 1, 1], [0.1, 0.2, 0.3], "no negative recordings among 3"),
        ([1, 0, 1], [0.5, 0.5, 0.5], "all scores are equal"),
        ([np.nan, 0, 1], [0.5, np.nan, np.inf], "no recording has both a known label and a score"),
    ],
)
def test_what_cannot_be_estimated_is_none_with_the_reason(y, score, reason):
    told = auroc_estimate(measure(np.array(y, float), np.array(score), np.arange(3), draw_multiplicities(3, 100, 0)))
    assert told.value is None
    assert told.interval is None
    assert told.not_estimable == reason


def test_one_positive_patient_gives_a_value_and_no_interval():
    y, score = np.array([1, 1, 0, 0, 0.0]), np.array([0.9, 0.2, 0.1, 0.3, 0.25])
    told = auroc_estimate(measure(y, score, np.array([0, 0, 1, 2, 3]), draw_multiplicities(4, 100, 0)))
    assert told.value == pytest.approx(4 / 6)
    assert told.interval is None
    assert told.not_estimable == "no interval: only one patient has positive recordings"


def test_perfect_separation_is_not_reported_as_certain():
    y, score = np.r_[np.ones(12), np.zeros(20)], np.r_[np.ones(12) + np.arange(12), np.zeros(20)]
    told = auroc_estimate(measure(y, score, np.arange(32), draw_multiplicities(32, 200, 0)))
    assert told.value == 1.0
    assert told.interval.low < 0.95
    assert "Newcombe" in told.interval.method
    assert told.beside is None


def test_resamples_without_a_class_are_counted_in_the_method():
    y, score = np.r_[np.ones(2), np.zeros(30)], np.random.default_rng(0).standard_normal(32)
    told = auroc_estimate(measure(y, score, np.arange(32), draw_multiplicities(32, 500, 0)))
    assert "without both classes left out" in told.beside.method


def test_the_macro_is_the_mean_over_labels_that_can_be_estimated():
    y, score, patient, weight = study(3, 80)
    good = [measure(y, score, patient, weight), measure(y, -score, patient, weight)]
    none = measure(np.zeros_like(y), score, patient, weight)
    told = macro_estimate([*good, none], records=80, patients=80)
    assert told.value == pytest.approx(0.5)
    assert told.interval.method == "DeLong variance summed over labels, logit, t"
    assert told.beside.method.startswith("patient-clustered bootstrap")
    assert macro_estimate([none], records=80, patients=80).value is None


def test_the_macro_of_large_classes_reports_the_bootstrap():
    y, score, patient, weight = study(4, 1300)
    measured = measure(y, score, patient, weight)
    told = macro_estimate([measured, measured], records=1300, patients=1300)
    assert told.interval.method.startswith("patient-clustered bootstrap")
    assert told.value == pytest.approx(auroc_estimate(measured).value)
    assert told.interval.low == pytest.approx(auroc_estimate(measured).interval.low, abs=1e-12)


def test_a_paired_difference_is_narrower_than_two_separate_intervals_and_names_its_method():
    y, score, patient, weight = study(5, 100, each=2)
    noisy = score + 0.3 * np.random.default_rng(5).standard_normal(len(score))
    a, b = measure(y, score, patient, weight), measure(y, noisy, patient, weight)
    told = difference_estimate(a, b)
    alone = auroc_estimate(a).interval
    assert told.value == pytest.approx(a.value - b.value)
    assert told.interval.high - told.interval.low < alone.high - alone.low
    assert told.interval.method == "Obuchowski 1997 clustered covariance of the paired difference, t"
    assert told.beside.method.startswith("patient-clustered bootstrap of the paired difference, 300 common resamples")
    assert told.interval.low == pytest.approx(told.beside.low, abs=0.02)


def test_scores_that_rank_alike_differ_by_zero_and_claim_no_interval():
    y, score, patient, weight = study(6, 60)
    told = difference_estimate(measure(y, score, patient, weight), measure(y, np.exp(score), patient, weight))
    assert told.value == 0.0
    assert told.interval is None
    assert "rank every recording alike" in told.not_estimable


def test_the_macro_difference_is_the_mean_of_the_differences_on_common_resamples():
    y, score, patient, weight = study(7, 300)
    rng = np.random.default_rng(7)
    pairs = [
        (
            measure(y, score + s * rng.standard_normal(len(y)), patient, weight),
            measure(y, score + rng.standard_normal(len(y)), patient, weight),
        )
        for s in (0.2, 0.5)
    ]
    told = macro_difference(pairs, records=300, patients=300)
    assert told.value == pytest.approx(np.mean([difference_estimate(a, b).value for a, b in pairs]))
    assert told.interval.low < told.value < told.interval.high
    assert told.interval.method == "DeLong variance summed over labels of the paired difference, t"
    assert told.beside.method.startswith("patient-clustered bootstrap of the paired difference")
    assert told.interval.low == pytest.approx(told.beside.low, abs=0.02)
    none = measure(np.zeros_like(y), score, patient, weight)
    assert macro_difference([(none, none)], records=300, patients=300).value is None


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("patients", "each", "prevalence", "floor"), [(120, 1, 0.2, 0.93), (120, 4, 0.3, 0.92), (300, 4, 0.3, 0.92)]
)
def test_the_reported_interval_covers_the_true_auroc_of_clustered_patients(patients, each, prevalence, floor):
    truth, studies = norm.cdf(1 / np.sqrt(2)), 1000
    inside = 0
    for seed in range(studies):
        told = auroc_estimate(measure(*study(seed, patients, each, prevalence, resamples=400)))
        inside += told.interval.low <= truth <= told.interval.high
    print(f"coverage of a nominal 95 % interval, {patients} patients x {each}: {inside / studies:.3f}")
    assert floor <= inside / studies <= 0.98
