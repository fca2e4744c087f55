"""At a threshold: counts by hand, intervals that agree with resamples and simulations, and states that have a name."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score, f1_score

from engine.contract.errors import UsageError
from engine.contract.operating import NAMES, ThresholdRule
from engine.metrics.confusion import Confusion, operating_measures, prevalence_estimate
from engine.metrics.prevalence import at_prevalence
from engine.metrics.proportions import Ratio, proportion_estimate, wilson
from engine.metrics.thresholds import ThresholdTable, choose_threshold
from engine.metrics.uncertainty import draw_multiplicities


def confusion(tp, fp, fn, tn, resamples=200):
    """One recording a patient."""
    y_N = np.repeat([1.0, 0, 1, 0], [tp, fp, fn, tn])
    called_N = np.repeat([True, True, False, False], [tp, fp, fn, tn])
    weight_PB = draw_multiplicities(len(y_N), resamples, seed=0)
    return Confusion.of(y_N, called_N, np.arange(len(y_N)), weight_PB)


def clustered(seed, patients=120, records=400, tilt=1.0):
    rng = np.random.default_rng(seed)
    patient_N, sick_P = rng.integers(patients, size=records), rng.random(patients) < 0.4
    y_N = sick_P[patient_N].astype(float)
    score_N = rng.normal(size=records) + tilt * y_N + rng.normal(size=patients)[patient_N]
    return y_N, score_N, patient_N, draw_multiplicities(patients, 1000, seed=seed)


def test_all_measures_of_a_table_counted_by_hand():
    told = operating_measures(confusion(90, 30, 10, 170))
    by_hand = {
        "sensitivity": 0.9,
        "specificity": 0.85,
        "ppv": 0.75,
        "npv": 170 / 180,
        "accuracy": 260 / 300,
        "f1": 180 / 220,
        "kappa": (260 / 300 - (120 * 100 + 180 * 200) / 300**2) / (1 - (120 * 100 + 180 * 200) / 300**2),
        "lr_positive": 6.0,
        "lr_negative": 0.1 / 0.85,
        "alerts_per_100": 40.0,
        "screened_per_finding": 300 / 90,
        "alerts_per_finding": 4 / 3,
        "sensitivity_intended": 0.9,
        "specificity_intended": 0.85,
    }
    assert {name: one.value for name, one in told.items()} == pytest.approx(by_hand)
    assert set(told) == set(NAMES)
    for one in told.values():
        assert one.interval.low < one.value < one.interval.high
        assert one.interval.method


def test_kappa_and_f1_are_those_of_scikit_learn():
    y_N, score_N, patient_N, weight_PB = clustered(3)
    told = operating_measures(Confusion.of(y_N, score_N > 0.3, patient_N, weight_PB))
    assert told["kappa"].value == pytest.approx(cohen_kappa_score(y_N, score_N > 0.3), abs=1e-12)
    assert told["f1"].value == pytest.approx(f1_score(y_N, score_N > 0.3), abs=1e-12)


@pytest.mark.parametrize("name", sorted(set(NAMES)))
def test_analytic_and_resampled_intervals_of_clustered_data_agree(name):
    y_N, score_N, patient_N, weight_PB = clustered(1, patients=300, records=1200)
    told = operating_measures(Confusion.of(y_N, score_N > 0.5, patient_N, weight_PB))[name]
    width, beside = told.interval.high - told.interval.low, told.beside.high - told.beside.low
    assert width == pytest.approx(beside, rel=0.15)
    assert "patient-clustered bootstrap" in told.beside.method


def test_records_of_one_patient_that_agree_make_the_interval_as_wide_as_patients_alone_do():
    event_P = np.repeat([1.0, 0.0], [40, 60])
    weight_PB = draw_multiplicities(100, 100, seed=0)
    once = proportion_estimate(Ratio.of(event_P, np.ones(100), weight_PB), "none")
    five = proportion_estimate(Ratio.of(5 * event_P, np.full(100, 5.0), weight_PB), "none")
    assert once.interval.method == "Wilson score"
    assert five.interval.method.startswith("Wilson score, design effect 5.0")
    worth = 99 * (stats.t.ppf(0.975, 499) / stats.t.ppf(0.975, 99)) ** 2  # Korn and Graubard 1998
    assert (five.interval.low, five.interval.high) == pytest.approx(wilson(0.4 * worth, worth, 0.95), abs=1e-9)


@pytest.mark.parametrize(
    ("patients", "each", "share", "method"),
    [(30, 1, 0.9, "Clopper-Pearson"), (30, 3, 0.8, "Korn and Graubard"), (60, 3, 0.8, "design effect")],
)
def test_intervals_of_shares_hold_what_they_promise(patients, each, share, method):
    """Coverage over simulations of patients who differ (beta-binomial, correlation 0.3)."""
    rng, held, told = np.random.default_rng(7), 0, ""
    weight_PB = draw_multiplicities(patients, 2, seed=0)
    for _ in range(400):
        own_P = rng.beta(share * 7 / 3, (1 - share) * 7 / 3, size=patients) if each > 1 else np.full(patients, share)
        event_P = rng.binomial(each, own_P).astype(float)
        one = proportion_estimate(Ratio.of(event_P, np.full(patients, float(each)), weight_PB), "none")
        held += one.interval.low <= share <= one.interval.high
        told = one.interval.method if 0 < one.value < 1 else told
    assert method in told
    assert held / 400 >= 0.93


def test_nothing_found_is_bounded_by_the_rule_of_three():
    told = operating_measures(confusion(0, 0, 20, 80))
    assert told["sensitivity"].value == 0
    assert told["sensitivity"].beside.high == pytest.approx(3 / 20, rel=0.002)
    assert told["sensitivity"].interval.high == pytest.approx(0.1684, abs=1e-4)
    assert told["ppv"].not_estimable == "no recording is called positive"
    assert told["screened_per_finding"].not_estimable == "nothing is found: no true positive"
    assert told["lr_positive"].not_estimable == "a class is missing, or no false positive"
    assert told["f1"].value == 0
    assert told["f1"].not_estimable == "no interval: a count is 0"


def test_recordings_without_an_output_count_as_wrong_where_that_is_intended():
    y_N, silent_N = np.repeat([1.0, 0.0], [50, 50]), np.tile([True] + [False] * 4, 20)
    called_N = (y_N == 1) & ~silent_N
    weight_PB = draw_multiplicities(100, 100, seed=0)
    told = operating_measures(Confusion.of(y_N, called_N, np.arange(100), weight_PB, silent_N))
    assert (told["sensitivity"].value, told["sensitivity"].records) == (1.0, 40)
    assert (told["sensitivity_intended"].value, told["sensitivity_intended"].records) == (0.8, 50)
    assert told["specificity_intended"].value == 0.8


def test_at_its_own_prevalence_nothing_moves_and_elsewhere_bayes_holds():
    counts = confusion(90, 30, 10, 170)
    here, there = at_prevalence(counts, 1 / 3), at_prevalence(counts, 0.02)
    assert (here.ppv.value, here.npv.value) == pytest.approx((0.75, 170 / 180))
    assert here.alerts_per_100.value == pytest.approx(40)
    assert there.ppv.value == pytest.approx(0.9 * 0.02 / (0.9 * 0.02 + 0.15 * 0.98))
    assert there.alerts_per_100.value == pytest.approx(100 * (0.9 * 0.02 + 0.15 * 0.98))
    assert there.screened_per_finding.value == pytest.approx(1 / (0.9 * 0.02))
    counted = at_prevalence(counts, 0.02, counted=300)
    assert counted.ppv.interval.high > there.ppv.interval.high
    assert counted.ppv.value == there.ppv.value


def test_no_false_alarm_leaves_a_predictive_value_with_an_interval_and_no_prevalence_is_refused():
    told = at_prevalence(confusion(40, 0, 10, 50), 0.05)
    assert told.ppv.value == 1
    assert 0.2 < told.ppv.interval.low < 0.6
    assert told.ppv.interval.high == 1
    with pytest.raises(UsageError, match="prevalence"):
        at_prevalence(confusion(4, 1, 1, 5), 1.0)


def test_rules_choose_the_threshold_that_they_promise():
    score_N, y_N = np.arange(10.0), np.array([0, 0, 0, 1, 0, 1, 1, 0, 1, 1.0])

    def chosen(kind, target=None):
        return choose_threshold(y_N, score_N, ThresholdRule(kind=kind, target=target))

    assert chosen("sensitivity", 0.8) == (5.0, "")
    assert chosen("sensitivity", 0.81) == (3.0, "")
    assert chosen("specificity", 0.8) == (5.0, "")
    assert chosen("specificity", 0.99) == (8.0, "")
    assert chosen("youden") == (3.0, ""), "of equal ones the one that finds more"
    assert choose_threshold(y_N, -score_N, ThresholdRule(kind="specificity", target=0.9))[1] == (
        "no threshold keeps a specificity of 0.90"
    )


def test_the_table_of_thresholds_recounts_and_its_curve_keeps_ends_and_shape():
    y_N, score_N, _, _ = clustered(5, records=2000)
    table = ThresholdTable.of(y_N, np.round(score_N, 2))
    for place in (0, 7, len(table.threshold_K) - 1):
        called = np.round(score_N, 2) >= table.threshold_K[place]
        assert (table.true_positives_K[place], table.false_positives_K[place]) == (
            (called & (y_N == 1)).sum(),
            (called & (y_N == 0)).sum(),
        )
    curve = table.curve(kept=65)
    assert len(curve.thresholds) <= 65 < curve.distinct
    assert (curve.true_positives[-1], curve.false_positives[-1]) == (table.positives, table.negatives)
    rates = np.array(curve.false_positives) / curve.negatives, np.array(curve.true_positives) / curve.positives
    area = float(np.trapezoid(np.r_[0, rates[1]], np.r_[0, rates[0]])) if hasattr(np, "trapezoid") else None
    whole = np.trapezoid(np.r_[0, table.sensitivity_K], np.r_[0, 1 - table.specificity_K]) if area else None
    assert area is None or area == pytest.approx(whole, abs=0.003)


VALUES = st.sampled_from([0.0, 0.3, 0.3, 1.0, -1e300, float("nan"), float("inf"), float("-inf")])
LABELS = st.sampled_from([0.0, 1.0, float("nan")])


@settings(max_examples=60)
@example(rows=[(0.0, 0.0, 0), (0.0, 0.0, 0), (0.0, 0.3, 1), (1.0, 0.0, 0), (1.0, 0.0, 1)], threshold=0.3)
@given(rows=st.lists(st.tuples(LABELS, VALUES, st.integers(0, 4)), max_size=14), threshold=st.sampled_from([0.3, 2.0]))
def test_whatever_comes_in_every_number_has_a_value_an_interval_or_a_reason(rows, threshold):
    y_N, score_N, patient_N = (np.array([row[place] for row in rows], dtype=float) for place in range(3))
    weight_PB, silent_N = draw_multiplicities(5, 20, seed=0), ~np.isfinite(score_N)
    called_N, patient_N = np.where(silent_N, -1, score_N) >= threshold, patient_N.astype(np.intp)
    counts = Confusion.of(y_N, called_N, patient_N, weight_PB, silent_N)
    there = at_prevalence(counts, 0.1)
    told = [*operating_measures(counts).values(), prevalence_estimate(y_N, patient_N, weight_PB)]
    for one in [*told, there.ppv, there.npv, there.alerts_per_100, there.screened_per_finding]:
        assert one.value is not None or one.not_estimable
        assert one.interval is not None or one.not_estimable
        if one.interval is not None:
            assert one.interval.low <= one.value + 1e-9
            assert one.value <= one.interval.high + 1e-9
    chosen, why = choose_threshold(y_N, score_N, ThresholdRule())
    assert np.isfinite(chosen) == (why == "")
