"""Scaling laws against scipy's bounded fits, their draws, the largest size left out, and what more data would buy."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from engine.metrics.data_budget import data_budget, labels_needed
from engine.metrics.scaling_law import Fitted, Observations, draw, fit_with_floor, fits

SIZES = np.array([18e3, 45e3, 106e3, 753e3, 11e6])


def noisy(a, b, c, seeds=3, spread=0.002, sizes=SIZES, seed=0):
    size_N = np.repeat(sizes, seeds)
    return size_N, a * size_N**-b + c + np.random.default_rng(seed).normal(0, spread, len(size_N))


@pytest.mark.parametrize(("a", "b", "c"), [(3.0, 0.189, 0.0), (5.0, 0.4, 0.2), (1.2, 0.062, 0.0)])
def test_a_power_law_is_found_again(a, b, c):
    sizes = np.array([18e3, 45e3, 106e3, 753e3, 11e6])
    floor, line = fits("s", "validation_loss", sizes, a * sizes**-b + c)
    assert floor.r_squared == pytest.approx(1, abs=1e-6)
    assert (floor.a, floor.b, floor.c) == pytest.approx((a, b, c), rel=2e-2, abs=2e-2)
    assert line.c == 0
    if c == 0:
        assert (line.a, line.b) == pytest.approx((a, b), rel=1e-9)


def test_a_curve_that_rises_gets_no_negative_exponent():
    floor, line = fits("s", "m", [10, 100, 1000, 10_000], [0.1, 0.2, 0.3, 0.4])
    assert min(floor.a, floor.b, floor.c) >= 0
    assert line.b < 0


def test_a_fit_needs_one_size_more_than_it_has_parameters():
    assert fits("s", "m", [10, 100], [0.2, 0.1]) == []
    assert [one.c for one in fits("s", "m", [10, 100, 1000], [0.2, 0.1, 0.07])] == [0.0]
    assert len(fits("s", "m", [10, 100, 1000, 10_000], [0.2, 0.1, 0.07, 0.05])) == 2


def by_scipy(size_N, value_N):
    """The published way: `curve_fit` with bounds, from several starts, the best of them."""
    middle = np.exp(np.log(size_N).mean())
    found = []
    for b in (0.05, 0.2, 0.5, 1.0):
        for share in (0.0, 0.5, 0.9):
            start = (value_N.mean(), b, share * value_N.min())
            (a, b_, c), _ = curve_fit(
                lambda n, a, b, c: a * n**-b + c,
                size_N / middle,
                value_N,
                p0=start,
                bounds=(0, np.inf),
                xtol=1e-14,
                ftol=1e-14,
                gtol=1e-14,
            )
            found.append((((a * (size_N / middle) ** -b_ + c - value_N) ** 2).sum(), a, b_, c))
    return min(found)


@pytest.mark.parametrize("law", [(5.0, 0.4, 0.2), (3.0, 0.189, 0.0), (40.0, 0.9, 0.1)])
def test_the_fit_is_the_one_that_bounded_least_squares_finds_from_many_starts(law):
    size_N, value_N = noisy(*law, spread=0.003)
    ours = fit_with_floor(size_N, value_N[:, None])
    error, a, b, c = by_scipy(size_N, value_N)
    assert (ours.a_D[0], ours.b_D[0], ours.c_D[0]) == pytest.approx((a, b, c), rel=1e-5, abs=1e-7)
    assert sum((ours.at(n)[0] - e) ** 2 for n, e in zip(size_N, value_N, strict=True)) <= error * (1 + 1e-9)


def test_many_columns_are_fitted_as_each_alone():
    size_N = np.repeat(SIZES, 2)
    rng = np.random.default_rng(3)
    value_ND = np.stack([noisy(5, 0.4, 0.2, 2, 0.02, seed=k)[1] for k in range(6)], 1) * rng.uniform(0.5, 2, 6)
    together = fit_with_floor(size_N, value_ND)
    for column in range(6):
        alone = fit_with_floor(size_N, value_ND[:, [column]])
        assert together.at(1e6)[column] == pytest.approx(alone.at(1e6)[0], rel=1e-6)


def coverage(seeds, runs):
    held = 0
    for seed in range(runs):
        observed = Observations.of(*noisy(5, 0.4, 0.2, seeds=seeds, spread=0.004, seed=seed), draws=400)
        fitted = Fitted.of(observed, floor=True)
        told = fitted.interval(fitted.drawn.b_D, 0.95)
        held += told.low <= 0.4 <= told.high
    return held / runs


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "least"), [(2, 0.91), (4, 0.93)])
def test_intervals_hold_the_true_exponent_as_often_as_they_say(seeds, least):
    assert coverage(seeds, runs=600) > least


def test_draws_of_seeds_have_the_variance_of_a_mean_of_as_many_runs():
    value_N = np.array([1.0, 1.2, 1.1, 1.5])
    drawn_ND = draw(np.full(4, 10.0), value_N, None, 20_000, seed=0)
    assert drawn_ND.mean(0).std() == pytest.approx(value_N.std(ddof=1) / 2, rel=0.03)
    assert drawn_ND.mean() == pytest.approx(value_N.mean(), rel=1e-3)


def test_the_chance_of_the_test_patients_is_one_column_for_all_sizes():
    resampled_NB = np.array([[0.3, 0.4], [0.2, 0.3], [0.1, 0.2]])
    drawn_ND = draw(np.array([1.0, 10.0, 100.0]), resampled_NB.mean(1), resampled_NB, 50, seed=0)
    steps = {tuple(np.round(column, 9)) for column in drawn_ND.T}
    assert steps == {(0.3, 0.2, 0.1), (0.4, 0.3, 0.2)}


def test_one_run_a_size_without_resamples_has_no_interval_and_says_so():
    told = fits("s", "m", SIZES, 5 * SIZES**-0.4 + 0.2)[0]
    assert told.b_interval is None
    assert told.no_interval == "no interval: too few seeds, and no resamples of the test patients"
    assert told.check is not None
    assert told.check.holds is None


def test_the_largest_size_is_foretold_without_it_where_the_law_is_true():
    told = fits("s", "m", *noisy(5, 0.4, 0.2))
    assert told[0].check.size == 11e6
    assert told[0].check.foretold.value == pytest.approx(told[0].check.observed, abs=0.005)
    assert told[0].check.holds is True
    assert told[1].check.holds is False  # without a floor the law falls on for ever


def test_values_that_are_missing_or_not_above_0_are_left_out():
    told = fits("s", "m", [10, 100, 1000, 10_000, 5], [0.2, 0.1, 0.07, float("nan"), 0.0])
    assert [one.points for one in told] == [3]
    assert fits("s", "m", [], []) == []


def budget(worth, law=(1.5, 0.2, 0.0), spread=0.0005, **more):
    return data_budget("s", "m", Observations.of(*noisy(*law, spread=spread)), worth, **more)


def test_what_more_data_buys_is_the_fall_along_the_law():
    told = budget(None)
    assert [one.times for one in told.forecasts] == [2, 5, 10]
    twice = told.forecasts[0]
    assert twice.gain.value == pytest.approx(1.5 * (11e6**-0.2 - 22e6**-0.2), rel=0.05)
    assert twice.gain.interval.low < twice.gain.value < twice.gain.interval.high
    assert twice.verdict == "not asked"


def test_a_gain_above_or_below_what_was_asked_for_gets_a_verdict_and_one_across_it_does_not():
    gain = budget(None).forecasts[0].gain.value
    assert budget(gain / 10).forecasts[0].verdict == "worth it"
    assert budget(gain * 10).forecasts[0].verdict == "not worth it"
    assert budget(gain).forecasts[0].verdict == "cannot be told"


def test_a_law_that_does_not_foretell_its_own_largest_size_gives_no_verdict():
    size_N, value_N = noisy(1.5, 0.2, 0.0, spread=0.0005)
    value_N[size_N == SIZES[-1]] += 0.05
    told = data_budget("s", "m", Observations.of(size_N, value_N), worth=1e-6)
    assert {one.verdict for one in told.forecasts} == {"cannot be told"}
    assert "does not foretell" in told.forecasts[0].reason


def test_nothing_is_said_beyond_ten_times_the_largest_size():
    told = budget(0.001, times=(10.0, 10.5)).forecasts
    assert told[0].error.value is not None
    assert told[1].error.value is None
    assert told[1].verdict == "cannot be told"
    assert "nothing is said beyond 10 times" in told[1].gain.not_estimable


def test_too_few_sizes_have_no_budget():
    assert data_budget("s", "m", Observations.of([1, 2], [0.2, 0.1])) is None


def few_labels(target, law=(1.0, 0.5, 0.05), spread=0.001):
    observed = Observations.of(*noisy(*law, seeds=5, spread=spread, sizes=np.array([50.0, 100, 200, 400, 800])))
    return labels_needed("probe", "1 - AUROC", observed, target).labels


def test_labels_needed_are_those_where_the_law_meets_the_target():
    told = few_labels(0.07)
    assert told.value == pytest.approx((1 / 0.02) ** 2, rel=0.2)
    assert told.interval.low < told.value < told.interval.high


def test_labels_beyond_ten_times_the_largest_number_or_below_the_floor_are_not_told():
    assert "more than 10 times" in few_labels(0.06).not_estimable
    assert "never falls so low" in few_labels(0.01).not_estimable


def test_labels_whose_upper_limit_is_out_of_reach_have_no_interval_but_the_share_of_draws():
    told = few_labels(0.07, spread=0.005)
    assert told.value is not None
    assert told.interval is None
    assert "of the draws it takes more than 10 times" in told.not_estimable


def test_two_sizes_are_too_few_for_labels_needed():
    told = labels_needed("probe", "m", Observations.of([10, 20], [0.2, 0.1]), 0.05)
    assert told.labels.not_estimable == "2 numbers of labels are too few for a law"


def test_the_target_met_at_the_fitted_law_gives_back_its_size():
    fitted = Fitted.of(Observations.of(SIZES, 5 * SIZES**-0.4 + 0.2), floor=True)
    assert fitted.law.size_for(float(fitted.law.at(5e5)[0]))[0] == pytest.approx(5e5, rel=1e-6)
