"""Debiased CKA against the formula with its Gram matrices, and its behaviour under rotation and chance."""

import numpy as np
import pytest

from engine.evaluation.cka import compare_layers, debiased_cka, similarity, unbiased_hsic


def naive_hsic(x, y):
    """HSIC_1 of the method specification, section 7, with explicit N x N kernels."""
    n = len(x)
    k, l = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l, 0)
    one = np.ones(n)
    total = (
        np.trace(k @ l) + (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2)) - 2 * (one @ k @ l @ one) / (n - 2)
    )
    return total / (n * (n - 3))


def naive_cka(x, y):
    return naive_hsic(x, y) / np.sqrt(naive_hsic(x, x) * naive_hsic(y, y))


@pytest.mark.parametrize(("records", "width"), [(40, 8), (30, 90)])
def test_hsic_equals_the_formula_with_gram_matrices_in_both_of_its_forms(records, width):
    rng = np.random.default_rng(records)
    x = rng.standard_normal((records, width)) + 2
    y = x[:, : width // 2] + rng.standard_normal((records, width // 2))
    assert unbiased_hsic(x, y) == pytest.approx(naive_hsic(x, y), rel=1e-10)
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
