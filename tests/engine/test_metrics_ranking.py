"""Ranks over tasks: the rule of the study by hand, ties, what is undefined, and how often intervals hold."""

import numpy as np
import pytest

from engine.metrics.ranking import Task, rank_models, shared_ranks

B = 400


def task(scores, spread=0.01, name="task", category="adult", seed=0, **more):
    """Scores with independent noise of the same spread in every resample."""
    rng = np.random.default_rng(seed)
    score_M = np.array(scores, dtype=float)
    return Task(name, category, score_M, score_M[:, None] + spread * rng.standard_normal((len(scores), B)), **more)


def ranks(told, place=0):
    return [one.rank for one in told.tasks[place].models]


def test_whoever_may_equal_the_leader_shares_its_rank_and_the_next_group_starts_at_its_place():
    # Half width of a difference is 1.96 * 0.01 * sqrt(2) = 0.028.
    assert ranks(rank_models("abcd", [task([0.90, 0.88, 0.86, 0.80])])) == [1, 1, 3, 4]
    # c is within reach of b, not of the leader a: it starts a group.
    assert ranks(rank_models("abc", [task([0.90, 0.88, 0.865])])) == [1, 1, 3]
    assert ranks(rank_models("cab", [task([0.865, 0.90, 0.88])])) == [3, 1, 1]


def test_of_errors_less_is_better():
    assert ranks(rank_models("ab", [task([0.5, 0.3], higher_is_better=False)])) == [2, 1]


def test_the_study_and_the_tasks_walk_along_one_rule():
    scores = {"a": 0.9, "b": 0.88, "c": 0.865}
    told = shared_ranks(list(scores), lambda leader, other: scores[leader] - scores[other] < 0.028)
    assert list(told.values()) == ranks(rank_models("abc", [task(list(scores.values()))]))


def test_paired_differences_count_and_not_overlapping_intervals():
    rng = np.random.default_rng(1)
    shared_B = 0.05 * rng.standard_normal(B)
    score_M = np.array([0.90, 0.89])
    paired = Task("t", "c", score_M, score_M[:, None] + shared_B + 0.001 * rng.standard_normal((2, B)))
    assert ranks(rank_models("ab", [paired])) == [1, 2]
    assert ranks(rank_models("ab", [task([0.90, 0.89], spread=0.05)])) == [1, 1]


def three_tasks():
    return [
        task([0.9, 0.8, 0.7], name="one"),
        task([0.7, 0.9, 0.8], name="two"),
        task([0.9, 0.8, 0.7], name="three"),
        task([0.6, 0.9, 0.7], name="four", category="acute"),
    ]


def test_categories_are_averaged_over_tasks_and_the_whole_over_categories():
    told = rank_models("abc", three_tasks())
    assert [one.category for one in told.categories] == ["adult", "acute"]
    assert [one.rank.value for one in told.categories[0].models] == [1, 2, 3]
    assert [one.rank.value for one in told.overall.models] == [2, 1.5, 2.5]
    assert told.overall.tasks == 4
    means = rank_models("abc", three_tasks(), average="mean").categories[0].models
    assert [one.rank.value for one in means] == pytest.approx([5 / 3, 5 / 3, 8 / 3])


def test_ranks_that_never_change_have_an_interval_of_that_point():
    first = rank_models("abc", three_tasks()).categories[0].models[0]
    assert (first.rank.interval.low, first.rank.interval.high, first.first) == (1, 1, 1)


def test_close_models_have_ranks_that_move_from_resample_to_resample():
    told = rank_models("ab", [task([0.90, 0.865], seed=3)]).categories[0].models
    assert told[1].rank.interval.low == 1
    assert told[1].rank.interval.high == 2


def test_a_task_where_a_model_has_no_score_is_ranked_but_counts_in_no_average():
    missing = task([0.9, np.nan, 0.7], name="rare")
    told = rank_models("abc", [missing, *three_tasks()])
    assert ranks(told) == [1, None, 2]
    assert told.tasks[0].models[1].score is None
    assert told.categories[0].tasks == 3
    assert "rare" in told.notes[0]


def test_undefined_resamples_are_left_out_and_not_taken_for_a_score():
    whole = three_tasks()
    holes = whole[0].resampled_MB.copy()
    holes[:, :100] = np.nan
    told = rank_models("abc", [Task("one", "adult", whole[0].score_M, holes), *whole[1:]])
    assert [one.rank.value for one in told.overall.models] == [2, 1.5, 2.5]
    assert told.categories[0].models[0].rank.interval is not None


def test_without_resamples_there_is_an_order_and_no_interval():
    bare = Task("t", "c", np.array([0.9, 0.8, 0.8]), np.full((3, B), np.nan))
    told = rank_models("abc", [bare])
    assert ranks(told) == [1, 2, 2]
    assert "undefined in most resamples" in told.categories[0].models[0].rank.not_estimable


def test_no_task_that_counts_gives_no_overall_rank():
    assert rank_models("ab", []).overall is None
    assert rank_models("ab", [task([np.nan, np.nan])]).overall is None


def test_a_single_model_is_first():
    assert ranks(rank_models("a", [task([0.7])])) == [1]


def by_hand(good_M, low_MM, high_MM):
    """The rule as a plain walk for one column."""
    order = sorted(range(len(good_M)), key=lambda m: -good_M[m])

    def may_equal(a, b):
        gap = good_M[int(a)] - good_M[int(b)]
        return gap + low_MM[int(a), int(b)] <= 0 <= gap + high_MM[int(a), int(b)]

    told = shared_ranks([str(m) for m in order], may_equal)
    return [told[str(m)] for m in range(len(good_M))]


def test_every_resample_is_ranked_as_a_plain_walk_would():
    from engine.metrics.ranking import _grouped, _reaches

    one = task([0.90, 0.88, 0.87, 0.91, 0.80], spread=0.015, seed=5)
    low_MM, high_MM = _reaches(one.good_M, one.good_MB, 0.95)
    found_MB = _grouped(one.good_MB, low_MM, high_MM)
    for column in range(60):
        assert found_MB[:, column].tolist() == by_hand(one.good_MB[:, column], low_MM, high_MM)
