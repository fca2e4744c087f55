"""Effective rank, alignment and uniformity against their definitions written out."""

import math

import numpy as np
import pytest

from engine.metrics.embedding_spread import effective_rank, embedding_spread
from engine.metrics.uncertainty import draw_multiplicities


def told(x, code, resamples=300):
    code = np.asarray(code)
    return embedding_spread("m", "block4", x, code, draw_multiplicities(int(code.max()) + 1, resamples, 0))


def test_effective_rank_is_the_number_of_equal_directions():
    assert effective_rank(np.array([2.0, 2, 2, 0])) == pytest.approx(3)
    assert effective_rank(np.zeros(4)) == 0
    shares = np.array([4, 2, 1]) / 7
    assert effective_rank(np.array([4.0, 2, 1])) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()))


def test_effective_rank_of_features_is_that_of_their_centred_singular_values():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 12)) * np.arange(1, 13) + 40
    values = np.linalg.svd(x - x.mean(0), compute_uv=False)
    found = told(x, np.arange(200)).effective_rank
    assert found.value == pytest.approx(effective_rank(values), rel=1e-9)
    assert found.interval.low < found.value < found.interval.high
    assert "20 groups of patients" in found.interval.method


def test_the_interval_of_the_effective_rank_is_as_wide_as_other_samples_make_it():
    rng = np.random.default_rng(1)
    scale = 1 / np.arange(1, 9) ** 2
    drawn = [told(rng.standard_normal((300, 8)) * scale, np.arange(300)).effective_rank for _ in range(60)]
    widths = [found.interval.high - found.interval.low for found in drawn]
    assert np.median(widths) == pytest.approx(2 * 1.96 * np.std([found.value for found in drawn]), rel=0.35)


def test_alignment_and_uniformity_are_the_published_sums_over_pairs():
    rng = np.random.default_rng(2)
    x, code = rng.standard_normal((30, 5)), np.repeat(np.arange(12), [4, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 1])
    sphere = x / np.linalg.norm(x, axis=1, keepdims=True)
    square = ((sphere[:, None] - sphere) ** 2).sum(-1)
    upper = np.triu(np.ones((30, 30), bool), 1)
    same = code[:, None] == code
    found = told(x, code)
    assert found.alignment.value == pytest.approx(square[upper & same].mean(), rel=1e-10)
    assert found.uniformity.value == pytest.approx(math.log(np.exp(-2 * square[upper & ~same]).mean()), rel=1e-10)
    assert (found.alignment.patients, found.alignment.records) == (11, 29)
    assert found.effective_rank.interval is None


def test_the_band_of_uniformity_is_as_wide_as_whole_resamples_make_it():
    rng = np.random.default_rng(3)
    x, code = np.array([1, 0, 0]) + rng.standard_normal((80, 3)), np.repeat(np.arange(40), 2)
    found = told(x, code, resamples=500).uniformity
    sphere = x / np.linalg.norm(x, axis=1, keepdims=True)
    potential = np.exp(-2 * ((sphere[:, None] - sphere) ** 2).sum(-1)) * (code[:, None] != code)
    apart = (code[:, None] != code).astype(float)
    weight_NB = draw_multiplicities(40, 500, 0)[code].astype(float)
    drawn = np.log((weight_NB * (potential @ weight_NB)).sum(0) / (weight_NB * (apart @ weight_NB)).sum(0))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.interval.high - found.interval.low == pytest.approx(high - low, rel=0.15)


def test_points_spread_evenly_over_a_sphere_are_more_uniform_than_a_heap():
    rng = np.random.default_rng(4)
    even, heap = rng.standard_normal((200, 3)), rng.standard_normal((200, 3)) * 0.1 + [1, 0, 0]
    code = np.arange(200)
    assert told(even, code).uniformity.value < told(heap, code).uniformity.value - 0.5


def test_scaling_all_features_changes_nothing():
    rng = np.random.default_rng(5)
    x, code = rng.standard_normal((100, 6)), np.repeat(np.arange(50), 2)
    one, other = told(x, code), told(1e-3 * x, code)
    for name in ("effective_rank", "alignment", "uniformity"):
        assert getattr(one, name).value == pytest.approx(getattr(other, name).value, rel=1e-9)


def test_what_cannot_be_told_says_why():
    alone = told(np.eye(3), [0, 1, 2])
    assert alone.alignment.not_estimable == "no patient has two recordings"
    assert "effective rank is at most 2" in alone.warning
    assert told(np.ones((5, 2)), np.arange(5)).effective_rank.not_estimable == "the features do not vary"
    assert told(np.eye(3), [0, 0, 0]).uniformity.not_estimable == "1 patients"
    assert told(np.ones((1, 2)), [0]).effective_rank.not_estimable == "1 recordings"
