"""Planning: published figures, closed forms against simulation, and widths that are met."""

import numpy as np
import pytest

from engine.contract.errors import UsageError
from engine.contract.sample_size import Anticipated
from engine.metrics.sample_size import (
    continuous_needs,
    design_effect,
    planned_precision,
    risk_distribution,
    sample_size_results,
    simulated_slope_error,
    slope_information,
)

DVT = Anticipated(
    prevalence=0.22, auroc=0.82, lp_mean=-1.75, lp_sd=1.47, sensitivity=0.9, specificity=0.5, threshold=0.1
)


def test_the_smallest_number_is_as_precise_as_asked_and_one_less_is_not():
    told = sample_size_results(DVT)
    assert {need.measure for need in told.needs} > {"O/E", "AUROC", "PPV", "standardised net benefit"}
    for need in told.needs:
        width = {"O/E": 0.2, "calibration slope": 0.2, "standardised net benefit": 0.2}.get(need.measure, 0.1)
        assert need.high - need.low <= width
        less = next(one for one in planned_precision(DVT, need.records - 1).expected if one.measure == need.measure)
        assert less.high - less.low > width
    assert told.records == max(need.records for need in told.needs)


def test_a_calibrated_models_slope_is_as_uncertain_as_simulated_tests_say():
    spread, mean = simulated_slope_error(-1.75, 1.47, 2000, repeats=1500, seed=1)
    assert spread == pytest.approx(np.sqrt(slope_information(-1.75, 1.47) / 2000), rel=0.06)
    assert mean == pytest.approx(1, abs=0.01)


def test_logits_from_prevalence_and_auroc_have_both():
    mean, sd = risk_distribution(0.1, 0.75)
    x = np.random.default_rng(0).normal(mean, sd, 200_000)
    risk = 1 / (1 + np.exp(-x))
    order = np.argsort(x)
    below = np.cumsum((1 - risk)[order])
    assert risk.mean() == pytest.approx(0.1, abs=0.001)
    assert (risk[order] @ below) / (risk.sum() * (1 - risk).sum()) == pytest.approx(0.75, abs=0.003)


def test_a_design_effect_multiplies_what_is_needed():
    once = sample_size_results(DVT)
    twice = sample_size_results(DVT.model_copy(update={"design_effect": 2.0}))
    assert twice.records == 2 * once.records
    assert design_effect([1, 1, 1], 0.7) == 1
    assert design_effect([5, 5], 1.0) == 5
    assert design_effect([3, 1], 0.5) == pytest.approx(1 + (10 / 4 - 1) / 2)


def test_few_expected_positives_are_told():
    assert planned_precision(DVT, 100).notes
    assert not planned_precision(DVT, 1000).notes


def test_residual_spread_within_a_tenth_needs_the_papers_number():
    told = continuous_needs(0.9, 5.0, r2_width=0.1, difference_width=1.0, slope_width=0.2)
    assert told.records == max(told.r2, told.in_the_large, told.slope, told.spread)
    assert told.r2 == int(np.ceil(4 * 0.9 * 0.01 / (0.1 / 3.919927969080108) ** 2))


@pytest.mark.parametrize("asked", [{"r2": 1.0}, {"sd": 0.0}, {"factor": 1.0}])
def test_numbers_that_cannot_be_planned_with_are_refused(asked):
    numbers = {"r2": 0.5, "sd": 1.0, "r2_width": 0.1, "difference_width": 0.1, "slope_width": 0.1, "factor": 1.1}
    with pytest.raises(UsageError):
        continuous_needs(**(numbers | asked))


def test_a_width_of_nothing_and_an_impossible_auroc_are_refused():
    with pytest.raises(UsageError, match="not positive"):
        sample_size_results(DVT, {"O/E": 0.0})
    with pytest.raises(UsageError, match="AUROC"):
        risk_distribution(0.1, 0.99999)
    with pytest.raises(UsageError, match="recordings"):
        planned_precision(DVT, 1)
