"""Attention of narrow heads beside products by oneDNN: the same numbers, and the setting is put back."""

import pytest
import torch
import torch.nn.functional as F

from engine.kernels import attention as kernel
from engine.kernels import products
from engine.kernels.attention import NARROW, attention
from engine.kernels.products import by_onednn, goes_by_onednn, not_by_onednn


@pytest.fixture(autouse=True)
def _as_before():
    before = products._precision()
    yield
    products._set_precision(before)


def heads(features, tokens=37):
    """Queries, keys and values as the Transformer has them: transposed, not contiguous."""
    torch.manual_seed(0)
    return [torch.randn(2, tokens, 3, features).transpose(1, 2).requires_grad_() for _ in range(3)]


def plainly(q, k, v, causal):
    """Attention in float64, operation by operation."""
    q, k, v = (x.double() for x in (q, k, v))
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -torch.inf)
    return scores.softmax(-1) @ v


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("features", [8, 16, NARROW])
@pytest.mark.parametrize("route", [by_onednn, not_by_onednn])
def test_attention_is_that_of_float64_forward_and_backward(causal, features, route):
    inputs = heads(features)
    truth = plainly(*inputs, causal)
    weights = torch.randn(truth.shape)
    wanted = torch.autograd.grad((truth * weights).sum(), inputs)
    with route():
        found = attention(*inputs, causal)
        gradients = torch.autograd.grad((found * weights).sum(), inputs)
    for one, true in zip((found, *gradients), (truth, *wanted), strict=True):
        assert (one - true).abs().max() <= 1e-5 * true.abs().max()


def test_a_gradient_without_memory_of_its_own_is_taken():
    inputs = heads(16)
    with by_onednn():
        found = torch.autograd.grad(attention(*inputs, False).sum(), inputs)
    wanted = torch.autograd.grad(plainly(*inputs, False).sum(), inputs)
    assert all((one - true).abs().max() <= 1e-5 for one, true in zip(found, wanted, strict=True))


@pytest.mark.parametrize(("features", "by_default"), [(NARROW // 2, True), (NARROW, False)])
def test_only_narrow_heads_leave_onednn(features, by_default, monkeypatch):
    taken = []
    narrow = kernel._Narrow.apply
    monkeypatch.setattr(kernel._Narrow, "apply", lambda *told: taken.append(told) or narrow(*told))
    with by_onednn():
        attention(*heads(features), False)
    assert bool(taken) is by_default


def test_the_way_of_products_is_as_it_was_on_the_way_back_too():
    inputs = heads(16)
    with by_onednn():
        attention(*inputs, False).sum().backward()
        assert goes_by_onednn()
    with not_by_onednn():
        assert not goes_by_onednn()


def test_without_onednn_nothing_is_routed(monkeypatch):
    monkeypatch.setattr(kernel, "_Narrow", None)
    with not_by_onednn():
        found = attention(*heads(16), True)
    assert torch.equal(found, F.scaled_dot_product_attention(*heads(16), is_causal=True))
