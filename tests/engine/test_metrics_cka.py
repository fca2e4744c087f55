"""Debiased CKA against the formula with its Gram matrices, its behaviour under rotation and chance, band and null."""

import numpy as np
import pytest

from engine.metrics.cka import Patients, compare_layers, debiased_cka, preview_layers, similarity
from engine.metrics.cka_chance import CARRIED, band, null, u_centred
from engine.metrics.hsic import median_distance, pairwise, view
from engine.metrics.uncertainty import draw_multiplicities


def naive_hsic(x, y, kernel=lambda x: x @ x.T):
    """HSIC_1 of the method specification, section 7, with explicit N x N kernels."""
    n = len(x)
    k, l = kernel(x), kernel(y)
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l, 0)
    one = np.ones(n)
    total = (
        np.trace(k @ l) + (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2)) - 2 * (one @ k @ l @ one) / (n - 2)
    )
    return total / (n * (n - 3))


def naive_cka(x, y, **kernel):
    return naive_hsic(x, y, **kernel) / np.sqrt(naive_hsic(x, x, **kernel) * naive_hsic(y, y, **kernel))


def hsic(x, y, **more):
    return pairwise([x], [y], **more).cross_RC[0][0]


def correlated(records, width, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((records, width))
    return x, x[:, : width // 2] + rng.standard_normal((records, width // 2))


@pytest.mark.parametrize(("records", "width"), [(40, 8), (30, 90)])
def test_hsic_equals_the_formula_with_gram_matrices_in_both_of_its_forms(records, width):
    rng = np.random.default_rng(records)
    x = rng.standard_normal((records, width)) + 2
    y = x[:, : width // 2] + rng.standard_normal((records, width // 2))
    assert hsic(x, y).value == pytest.approx(naive_hsic(x, y), rel=1e-10)
    assert debiased_cka(x, y) == pytest.approx(naive_cka(x, y), rel=1e-10)


def test_cka_is_one_under_rotation_scaling_and_shift():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 20))
    q, _ = np.linalg.qr(rng.standard_normal((20, 20)))
    assert debiased_cka(x, x @ q) == pytest.approx(1.0, abs=1e-12)
    assert debiased_cka(x, 7 * x @ q - 3) == pytest.approx(1.0, abs=1e-12)


def test_cka_of_independent_features_is_near_zero_even_when_features_outnumber_recordings():
    rng = np.random.default_rng(2)
    values = [debiased_cka(rng.standard_normal((50, 200)), rng.standard_normal((50, 200))) for _ in range(40)]
    assert abs(np.mean(values)) < 0.01
    assert max(abs(v) for v in values) < 0.15


def test_float32_features_far_from_zero_lose_no_digits():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((80, 10)), rng.standard_normal((80, 10))
    y[:, :4] += x[:, :4]
    assert debiased_cka(x + 1e4, y + 1e4) == pytest.approx(naive_cka(x, y), abs=1e-7)


def test_a_layer_that_does_not_vary_and_too_few_recordings_give_none():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((30, 5))
    assert debiased_cka(x, np.ones((30, 5))) is None
    assert debiased_cka(x[:3], x[:3]) is None


def test_the_matrix_of_a_model_with_itself_is_symmetric_with_ones_on_the_diagonal():
    rng = np.random.default_rng(5)
    layers = {f"block {i}": rng.standard_normal((50, 12)) for i in range(3)}
    values = np.array(compare_layers(layers, layers))
    assert np.allclose(np.diag(values), 1, atol=1e-12)
    assert np.allclose(values, values.T, atol=1e-12)


def test_fewer_recordings_than_features_raise_a_warning_in_the_result():
    rng = np.random.default_rng(6)
    layers = {"stem": rng.standard_normal((20, 64))}
    told = similarity(("a", "b"), layers, layers)
    assert told.records == 20
    assert "fewer recordings (20) than features (64)" in told.warning
    wide = {"stem": rng.standard_normal((80, 64))}
    assert similarity(("a", "b"), wide, wide).warning == ""


def test_many_layers_at_once_are_each_pair_alone_in_every_way_of_computing():
    rng = np.random.default_rng(7)
    few = {str(i): rng.standard_normal((150, 6 + i)) for i in range(4)}  # by features
    many = {str(i): rng.standard_normal((30, 40 + i)) for i in range(4)}  # by rows of the kernels
    for layers in (few, many):
        one = dict(list(layers.items())[:3])
        for left, right in ((layers, layers), (one, layers)):
            expected = [[naive_cka(x, y) for y in right.values()] for x in left.values()]
            np.testing.assert_allclose(compare_layers(left, right), expected, rtol=1e-9, atol=1e-12)


def test_float32_features_give_the_same_to_a_millionth():
    x, y = correlated(3000, 40)
    single = debiased_cka(x.astype(np.float32), y.astype(np.float32))
    assert single == pytest.approx(debiased_cka(x, y), abs=1e-6)


@pytest.mark.parametrize("width", [6, 60])
def test_a_recordings_share_foretells_the_statistic_without_it_exactly(width):
    x, y = correlated(25, width)
    whole = hsic(x, y, shares=True)
    assert whole.share_N.mean() == pytest.approx(whole.value, rel=1e-10)
    for left_out in (0, 11):
        kept = np.arange(25) != left_out
        foretold = (25 * whole.value - 4 * whole.share_N[left_out]) / 21
        assert hsic(x[kept], y[kept]).value == pytest.approx(foretold, rel=1e-8, abs=1e-10)


def test_a_gaussian_kernel_gives_what_its_matrices_give_and_needs_no_straight_line():
    rng = np.random.default_rng(8)
    x = rng.standard_normal((60, 1))
    y = np.column_stack([x[:, 0] ** 2, 0.1 * rng.standard_normal(60)])

    def kernel(x):
        square = ((x[:, None] - x) ** 2).sum(-1)
        return np.exp(-square / (2 * (0.5 * median_distance(x)) ** 2))

    told = compare_layers({"x": x}, {"y": y}, rbf_share=0.5)[0][0]
    assert told == pytest.approx(naive_cka(x, y, kernel=kernel), rel=1e-9)
    assert told > 3 * abs(debiased_cka(x, y))
    assert compare_layers({"x": x}, {"y": 5 * y}, rbf_share=0.5)[0][0] == pytest.approx(told, rel=1e-9)


def test_the_shares_of_a_gaussian_kernel_average_to_its_value():
    x, y = correlated(40, 6)
    told = hsic(view(x), view(y), rbf_share=0.8, shares=True)
    assert told.share_N.mean() == pytest.approx(told.value, rel=1e-10)


def test_minibatches_come_near_the_whole_and_a_single_batch_is_the_whole():
    rng = np.random.default_rng(9)
    base = rng.standard_normal((2048, 24))
    layers = {str(i): base + i * rng.standard_normal(base.shape) for i in range(3)}
    whole = np.array(compare_layers(layers, layers))
    np.testing.assert_allclose(preview_layers(layers, layers), whole, atol=0.02)
    np.testing.assert_allclose(preview_layers(layers, layers, batch=2048), whole, rtol=1e-9)
    assert preview_layers({"a": base[:3]}, {"b": base[:3]}) == [[None]]


def banded(x, y, code, resamples=400):
    weight_PB = draw_multiplicities(int(code.max()) + 1, resamples, 0)
    return similarity(("a", "b"), {"x": x}, {"y": y}, Patients(code, weight_PB))


def test_the_band_is_as_wide_as_whole_resamples_of_patients_make_it():
    x, y = correlated(240, 6)
    code = np.repeat(np.arange(80), 3)
    x += np.repeat(np.random.default_rng(1).standard_normal((80, 6)), 3, axis=0)
    told = banded(x, y, code)
    drawn = []
    weight_PB = draw_multiplicities(80, 400, 0)
    for column in weight_PB.T:
        # A recording that is drawn twice is one recording: pairs of it with itself are no independent pair.
        weight_N = column[code].astype(float)
        kept = weight_N > 0
        drawn.append(weighted_cka(x[kept], y[kept], weight_N[kept]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert told.high[0][0] - told.low[0][0] == pytest.approx(high - low, rel=0.15)
    assert told.low[0][0] < told.values[0][0] < told.high[0][0]


def weighted_cka(x, y, weight):
    """The same U-statistic with weights, by explicit matrices, to the first order in 1 / n."""

    def hsic_of(x, y):
        k, l = x @ x.T, y @ y.T
        np.fill_diagonal(k, 0)
        np.fill_diagonal(l, 0)
        w, total = weight, weight.sum()
        pairs = w @ (k * l) @ w / total**2
        alone = (w @ k @ w) * (w @ l @ w) / total**4
        return pairs + alone - 2 * (w * (k @ w)) @ (l @ w) / total**3

    return hsic_of(x, y) / np.sqrt(hsic_of(x, x) * hsic_of(y, y))


def test_no_band_reaches_beyond_1_even_with_a_handful_of_wild_recordings():
    rng = np.random.default_rng(8)  # unlimited, its upper end is 1.16
    x = rng.standard_t(1.5, (12, 6))
    y = x[:, :3] + 0.3 * rng.standard_normal((12, 3))
    told = band(pairwise([view(x)], [view(y)], None, shares=True), np.arange(12), draw_multiplicities(12, 300, 0), 0.95)
    assert told["high"] == [[1.0]]


def test_a_layer_carried_by_a_few_recordings_has_no_band_and_says_so():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((96, 5))
    x[:2] *= 300  # the layer's own HSIC is made of these two: resamples without them would make it negative
    weight_PB = draw_multiplicities(96, 300, 0)
    own = [view(x)]
    told = band(pairwise(own, own, None, shares=True), np.arange(96), weight_PB, 0.95)
    assert (told["low"], told["high"]) == ([[None]], [[None]])
    assert told["band"].endswith(CARRIED)
    calm = [view(rng.standard_normal((96, 5)))]
    told = band(pairwise(calm, calm, None, shares=True), np.arange(96), weight_PB, 0.95)
    assert told["low"][0][0] == pytest.approx(1)
    assert CARRIED not in told["band"]


def test_patients_with_many_recordings_widen_the_band():
    rng = np.random.default_rng(2)
    x = np.repeat(rng.standard_normal((60, 5)), 4, axis=0) + 0.1 * rng.standard_normal((240, 5))
    y = x + 0.7 * np.repeat(rng.standard_normal((60, 5)), 4, axis=0)
    alone, clustered = banded(x, y, np.arange(240)), banded(x, y, np.repeat(np.arange(60), 4))
    assert clustered.high[0][0] - clustered.low[0][0] > 1.5 * (alone.high[0][0] - alone.low[0][0])


@pytest.mark.slow
def test_the_band_holds_the_true_similarity_as_often_as_it_says():
    rng = np.random.default_rng(3)
    mix = rng.standard_normal((6, 6))
    truth = debiased_cka(*pair_of(mix, 60_000, 1))
    held = 0
    for seed in range(400):
        told = banded(*pair_of(mix, 200, seed + 10), np.arange(200))
        held += told.low[0][0] <= truth <= told.high[0][0]
    assert held / 400 > 0.92


def pair_of(mix, records, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((records, 6)) * np.arange(1, 7)
    return x, x @ mix + 8 * rng.standard_normal((records, 6))


def test_permutations_of_independent_features_have_the_known_mean_and_variance():
    x, y = np.random.default_rng(4).standard_normal((2, 40, 5)).astype(np.float64)
    a, b = u_centred(x @ x.T), u_centred(y @ y.T)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(4000):
        order = rng.permutation(40)
        drawn.append((a[order[:, None], order] * b).sum())
    assert np.mean(drawn) == pytest.approx(0, abs=0.002)
    assert np.var(drawn) == pytest.approx(2 / (40 * 37), rel=0.1)
    assert (a * b).sum() == pytest.approx(naive_cka(x, y), abs=1e-12)


def test_the_null_tells_apart_what_belongs_together_and_what_does_not():
    x, y = correlated(120, 6)
    z = np.random.default_rng(5).standard_normal((120, 6))
    code = np.arange(120)
    weight_PB = draw_multiplicities(120, 100, 0)
    told = similarity(("a", "b"), {"x": x}, {"y": y, "z": z, "flat": np.ones((120, 2))}, Patients(code, weight_PB))
    assert told.p_values[0][0] == pytest.approx(1 / 201)
    assert told.p_values[0][1] > 0.05
    assert 0 < told.chance[0][1] < 0.1
    assert (told.values[0][2], told.p_values[0][2], told.chance[0][2], told.low[0][2]) == (None, None, None, None)
    assert told.null == "200 permutations of 120 patients, one recording each"


def test_p_values_of_independent_features_are_even():
    below = 0
    for seed in range(60):
        x, y = np.random.default_rng(seed).standard_normal((2, 30, 4))
        told = null([view(x)], [view(y)], np.arange(30), None, 0.95, seed, permutations=99)
        below += told["p_values"][0][0] <= 0.25
    assert 7 <= below <= 24  # 15 expected, SD 3.4


def test_the_profile_pairs_layers_of_one_name():
    x, y = correlated(50, 6)
    told = similarity(("before", "after"), {"stem": x, "block1": x}, {"block1": x, "stem": y})
    assert [name for name, _ in told.profile()] == ["stem", "block1"]
    assert told.profile()[1][1] == pytest.approx(1)


def test_three_recordings_have_no_band_and_no_null():
    told = banded(*correlated(3, 4), np.arange(3))
    assert (told.values, told.low, told.p_values) == ([[None]], [], [])
