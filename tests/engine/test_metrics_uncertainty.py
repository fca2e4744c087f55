"""Clustered variances and resamples against plain transcriptions of the published formulas, in float64."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from engine.metrics.discrimination import Ranked, auroc
from engine.metrics.uncertainty import (
    Influence,
    draw_multiplicities,
    draw_patients,
    logit_percentile_interval,
    logit_t_interval,
    macro_variance,
    newcombe_interval,
    patient_codes,
    percentile_interval,
    t_interval,
)


def psi(x, y):
    return 1.0 if x > y else 0.5 if x == y else 0.0


def obuchowski_1997(y, scores, patient):
    """Covariance matrix of the AUROCs of several tests, transcribed term by term from the 1997 paper."""
    clusters = sorted(set(patient))
    tests = range(len(scores))
    xs = {i: [k for k in range(len(y)) if patient[k] == i and y[k] == 1] for i in clusters}
    ys = {i: [k for k in range(len(y)) if patient[k] == i and y[k] == 0] for i in clusters}
    all_x = [k for i in clusters for k in xs[i]]
    all_y = [k for i in clusters for k in ys[i]]
    big_m, big_n, count = len(all_x), len(all_y), len(clusters)
    i10, i01 = sum(bool(xs[i]) for i in clusters), sum(bool(ys[i]) for i in clusters)
    area = [sum(psi(s[a], s[b]) for a in all_x for b in all_y) / (big_m * big_n) for s in scores]
    v10 = [{i: sum(sum(psi(s[a], s[b]) for b in all_y) / big_n for a in xs[i]) for i in clusters} for s in scores]
    v01 = [{i: sum(sum(psi(s[a], s[b]) for a in all_x) / big_m for b in ys[i]) for i in clusters} for s in scores]
    covariance = np.zeros((len(scores), len(scores)))
    for r in tests:
        for t in tests:
            ten = [[v10[q][i] - len(xs[i]) * area[q] for i in clusters if xs[i]] for q in (r, t)]
            one = [[v01[q][i] - len(ys[i]) * area[q] for i in clusters if ys[i]] for q in (r, t)]
            s10 = i10 / ((i10 - 1) * big_m) * sum(a * b for a, b in zip(*ten, strict=True))
            s01 = i01 / ((i01 - 1) * big_n) * sum(a * b for a, b in zip(*one, strict=True))
            s11 = [
                count
                / (count - 1)
                * sum((v10[p][i] - len(xs[i]) * area[p]) * (v01[q][i] - len(ys[i]) * area[q]) for i in clusters)
                for p, q in ((r, t), (t, r))
            ]
            covariance[r, t] = s10 / big_m + s01 / big_n + sum(s11) / (big_m * big_n)
    return np.array(area), covariance


def delong_1988(y, scores):
    """Covariance matrix of several AUROCs, O(mn), transcribed from the 1988 paper."""
    x, z = [s[y == 1] for s in scores], [s[y == 0] for s in scores]
    wins = [(a[:, None] > b) + 0.5 * (a[:, None] == b) for a, b in zip(x, z, strict=True)]
    s10, s01 = np.cov([w.mean(axis=1) for w in wins]), np.cov([w.mean(axis=0) for w in wins])
    return np.atleast_2d(s10) / len(x[0]) + np.atleast_2d(s01) / len(z[0])


def clustered(seed, patients=18, spread=4):
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), rng.integers(1, spread + 1, size=patients))
    y = (rng.random(len(patient)) < 0.4).astype(float)
    shared = rng.standard_normal(patients)[patient]
    first = np.round(shared + rng.standard_normal(len(patient)) + y, 1)
    second = np.round(shared + rng.standard_normal(len(patient)) + 0.5 * y, 1)
    return y, first, second, patient, patients


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_clustered_variance_equals_a_term_by_term_transcription_of_obuchowski_1997(seed):
    y, first, second, patient, patients = clustered(seed)
    area, covariance = obuchowski_1997(y, [first, second], patient)
    a, b = (Influence.of(y, s, patient, patients) for s in (first, second))
    assert auroc(y, first) == pytest.approx(area[0], abs=1e-14)
    assert a.variance() == pytest.approx(covariance[0, 0], rel=1e-12)
    paired = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert a.minus(b).variance() == pytest.approx(paired, rel=1e-12)


def test_clustered_variance_equals_delong_when_every_patient_has_one_recording():
    rng = np.random.default_rng(4)
    y = (rng.random(120) < 0.3).astype(float)
    scores = [np.round(rng.standard_normal(120) + y, 1), rng.standard_normal(120)]
    expected = delong_1988(y, scores)
    a, b = (Influence.of(y, s, np.arange(120), 120) for s in scores)
    assert a.one_each
    assert a.variance() == pytest.approx(expected[0, 0], rel=1e-12)
    assert a.minus(b).variance() == pytest.approx(expected[0, 0] + expected[1, 1] - 2 * expected[0, 1], rel=1e-12)


def test_macro_variance_of_one_label_is_delong_and_of_several_holds_their_covariance():
    rng = np.random.default_rng(5)
    y = (rng.random(200) < 0.4).astype(float)
    scores = [rng.standard_normal(200) + y, rng.standard_normal(200) + y]
    influences = [Influence.of(y, s, np.arange(200), 200) for s in scores]
    expected = delong_1988(y, scores)
    assert macro_variance(influences[:1]) == pytest.approx(expected[0, 0], rel=1e-12)
    assert macro_variance(influences) == pytest.approx(expected.sum() / 4, rel=1e-12)


def test_macro_variance_follows_the_spread_of_the_macro_over_repeated_studies():
    rng = np.random.default_rng(6)
    values, variances = [], []
    for _ in range(300):
        patient = np.repeat(np.arange(80), 2)
        y = (rng.random((80, 2)) < 0.4)[patient].astype(float)
        score = rng.standard_normal((80, 1))[patient] + 0.5 * rng.standard_normal((160, 2)) + y
        values.append(np.mean([auroc(y[:, k], score[:, k]) for k in range(2)]))
        variances.append(macro_variance([Influence.of(y[:, k], score[:, k], patient, 80) for k in range(2)]))
    assert np.mean(variances) == pytest.approx(np.var(values), rel=0.2)


def test_the_bootstrap_equals_a_literal_loop_that_copies_the_rows_of_the_drawn_patients():
    y, score, _, patient, patients = clustered(7)
    drawn = draw_patients(patients, 40, seed=11)
    fast = Ranked.of(y, score, patient).resampled(draw_multiplicities(patients, 40, seed=11))
    for b in range(40):
        rows = np.concatenate([np.flatnonzero(patient == p) for p in drawn[b]])
        expected = roc_auc_score(y[rows], score[rows]) if 0 < y[rows].sum() < len(rows) else np.nan
        assert fast[b] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_draws_depend_on_the_seed_and_not_on_the_order_of_the_rows():
    codes, count = patient_codes(["p3", "p1", "p3", "p2"])
    assert codes.tolist() == [2, 0, 2, 1]
    assert count == 3
    assert np.array_equal(draw_multiplicities(9, 50, 1), draw_multiplicities(9, 50, 1))
    assert not np.array_equal(draw_multiplicities(9, 50, 1), draw_multiplicities(9, 50, 2))
    assert (draw_multiplicities(9, 50, 1).sum(axis=0) == 9).all()


def test_percentiles_leave_undefined_resamples_out_and_the_logit_keeps_them_inside_the_unit_interval():
    resampled = np.r_[np.linspace(0.6, 1.0, 401), [np.nan] * 20]
    assert percentile_interval(resampled, 0.95) == pytest.approx((0.61, 0.99), abs=1e-9)
    low, high = logit_percentile_interval(resampled, 0.95)
    assert (low, high) == pytest.approx((0.61, 0.99), abs=1e-6)
    assert logit_percentile_interval(np.r_[np.full(50, 1.0), np.full(50, 0.7)], 0.95)[1] == 1.0


def test_the_student_interval_on_the_logit_is_the_hand_computed_one():
    low, high = logit_t_interval(0.8, 0.0025, 1e9, 0.95)
    reach = norm.ppf(0.975) * 0.05 / 0.16
    assert low == pytest.approx(1 / (1 + np.exp(-(np.log(4) - reach))), rel=1e-6)
    assert high == pytest.approx(1 / (1 + np.exp(-(np.log(4) + reach))), rel=1e-6)
    assert t_interval(0.9, 0.04, 1e9, 0.95)[1] == 1.0
    assert t_interval(0.1, 0.0025, 5.0, 0.95)[0] == pytest.approx(0.1 - 2.5705818 * 0.05, abs=1e-6)


def test_few_patients_widen_the_interval_through_fewer_degrees_of_freedom():
    rng = np.random.default_rng(12)
    y = np.r_[np.ones(5), np.zeros(200)]
    score = rng.standard_normal(205) + y
    assert Influence.of(y, score, np.arange(205), 205).degrees_of_freedom() < 6
    y = np.r_[np.ones(500), np.zeros(500)]
    many = Influence.of(y, rng.standard_normal(1000) + y, np.arange(1000), 1000)
    assert many.degrees_of_freedom() > 400


def test_perfect_separation_still_has_an_interval_and_it_solves_newcombes_equation():
    low, high = newcombe_interval(1.0, 20, 30, 0.95)
    assert high == 1.0
    assert 0.8 < low < 0.95
    half = (20 + 30) / 2 - 1
    variance = low * (1 - low) * (1 + half * (1 - low) / (2 - low) + half * low / (1 + low)) / (20 * 30)
    assert (1 - low) == pytest.approx(norm.ppf(0.975) * np.sqrt(variance), rel=1e-6)
    mirrored = newcombe_interval(0.0, 30, 20, 0.95)
    assert mirrored == pytest.approx((0.0, 1 - low), rel=1e-6)
