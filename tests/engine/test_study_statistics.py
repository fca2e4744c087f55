"""Means over seeds, ranks, and when a pair works."""

import math

import numpy as np
import pytest
from scipy import stats

from engine.contract.results import StudyRow
from engine.study.differences import differences
from engine.study.learning import works
from engine.study.seeds import by_place, means, ranks, seed_mean


def row(number, values, **metrics):
    return StudyRow(number=number, name="run", values=values, state="done", metrics=metrics)


CHANCE = math.log(129)


def cell(losses, trivial=CHANCE, accuracy=None, share=0.3, **more):
    rows = []
    for seed, loss in enumerate(losses):
        metrics = {"validation_loss": loss, "validation_trivial_loss": trivial, "effective_rank_share": share, **more}
        if accuracy is not None:
            metrics |= {"validation_accuracy": accuracy[seed], "chance": 1 / 129}
        rows.append(row(seed + 1, {"seed": seed}, **metrics))
    return rows


def test_the_interval_over_seeds_is_students():
    values = [0.71, 0.74, 0.70]
    told = seed_mean(values)
    low, high = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert told.value == pytest.approx(np.mean(values))
    assert (told.interval.low, told.interval.high) == pytest.approx((low, high))


@pytest.mark.parametrize("values", [[0.99, 0.995, 0.94], [0.02, 0.001, 0.09]])
def test_the_interval_of_an_auroc_stays_between_0_and_1_and_holds_the_mean(values):
    low, high = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert high > 1 or low < 0  # what the plain interval says
    told = seed_mean(values, share=True)
    assert 0 < told.interval.low < told.value < told.interval.high < 1
    assert told.interval.method == "Student's t over 3 seeds, logit scale"


def test_near_the_middle_and_with_close_seeds_both_intervals_are_alike():
    plain, shared = (seed_mean([0.700, 0.702, 0.701], share=share).interval for share in (False, True))
    assert (shared.low, shared.high) == pytest.approx((plain.low, plain.high), abs=1e-5)


def test_seeds_that_all_score_1_have_an_interval_of_that_point():
    interval = seed_mean([1.0, 1.0], share=True).interval
    assert (interval.low, interval.high) == (1.0, 1.0)


def test_aurocs_and_accuracies_are_shares_and_gains_and_losses_are_not():
    named = means(cell([4.0, 4.2], accuracy=[0.5, 0.99], probe_after=0.9, probe_gain=0.1, **{"probe_before.MI": 0.8}))
    on_logits = {name for name, told in named.items() if told.interval.method.endswith("logit scale")}
    assert on_logits == {"validation_accuracy", "probe_after", "probe_before.MI", "effective_rank_share", "chance"}


def test_one_seed_has_no_interval():
    assert seed_mean([0.7]).interval is None
    assert seed_mean([0.7]).not_estimable


def test_runs_that_are_not_done_count_in_no_mean():
    rows = [row(1, {"backbone": "s4", "seed": 0}), row(2, {"backbone": "s4", "seed": 1})]
    rows[1] = rows[1].model_copy(update={"state": "failed"})
    assert [len(group) for group in by_place(rows).values()] == [1]


def test_whoever_may_equal_the_leader_shares_its_rank():
    groups = {
        "best": [row(n, {"seed": n}, m=v) for n, v in enumerate([0.80, 0.82, 0.81])],
        "near": [row(n, {"seed": n}, m=v) for n, v in enumerate([0.79, 0.83, 0.79])],
        "last": [row(n, {"seed": n}, m=v) for n, v in enumerate([0.60, 0.61, 0.62])],
    }
    assert ranks(groups, "m", higher_is_better=True) == {"best": 1, "near": 1, "last": 3}
    assert ranks(groups, "m", higher_is_better=False) == {"last": 1, "near": 2, "best": 2}


def test_a_pair_works_when_its_interval_lies_below_the_trivial_level():
    assert works(cell([4.0, 4.1, 4.05], accuracy=[0.10, 0.11, 0.105])) == (True, "")


def test_a_mean_below_the_trivial_level_is_not_enough():
    verdict, lacks = works(cell([4.0, 5.2, 4.3], accuracy=[0.10, 0.10, 0.11]))
    assert verdict is False
    assert "minus its trivial level is -0.3598" in lacks


def test_cpc_must_guess_right_five_times_as_often_as_chance():
    verdict, lacks = works(cell([4.0, 4.1, 4.05], accuracy=[0.037, 0.036, 0.038]))
    assert verdict is False
    assert "needed 3.88%" in lacks


def test_features_that_span_less_than_a_tenth_of_their_width_do_not_work():
    verdict, lacks = works(cell([0.1, 0.11, 0.1], trivial=0.3, share=0.09))
    assert verdict is False
    assert lacks == "effective rank is 9.0 % of the width"


def test_one_seed_cannot_tell_whether_a_pair_works():
    assert works(cell([4.0], accuracy=[0.5]))[0] is None


def test_differences_are_paired_by_seed_against_the_first_value_of_an_axis():
    probe = {("intended", 0): 0.80, ("intended", 1): 0.70, ("as_released", 0): 0.78, ("as_released", 1): 0.69}
    rows = [
        row(n, {"objective": "jepa", "objective.fidelity": f, "seed": s}, probe_after=v, validation_loss=v)
        for n, ((f, s), v) in enumerate(probe.items())
    ]
    axes = {"objective": ("jepa",), "objective.fidelity": ("intended", "as_released"), "seed": (0, 1)}
    told = differences(axes, rows)
    assert [(d.examined, d.reference, d.among, d.metric) for d in told] == [
        ("as_released", "intended", "jepa", "probe_after")  # losses of other masks are not compared
    ]
    assert told[0].estimate.value == pytest.approx(-0.015)
    assert told[0].estimate.interval.method == "Student's t over 2 seeds"


def test_losses_are_compared_where_they_mean_the_same():
    rows = [row(n, {"learning_rate": rate}, validation_loss=4.0 + rate) for n, rate in enumerate((0.1, 0.2))]
    told = differences({"learning_rate": (0.1, 0.2)}, rows)
    assert [(d.metric, d.estimate.interval) for d in told] == [("validation_loss", None)]
