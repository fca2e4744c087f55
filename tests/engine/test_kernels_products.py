"""Products by oneDNN: exact or not used."""

import pytest
import torch
import torch.nn.functional as F

from engine.kernels import products
from engine.kernels.products import by_onednn, onednn_is_exact, packed_linear, route_products


@pytest.fixture(autouse=True)
def _as_before():
    before = products._precision()
    yield
    products._set_precision(before)


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("works", [True, False])
def test_a_packed_layer_is_the_layer(relu, works, monkeypatch):
    if not works:
        monkeypatch.setattr(products, "packing_works", lambda dtype: False)
    torch.manual_seed(0)
    x, weight, bias = torch.randn(70, 36), torch.randn(48, 36), torch.randn(48)
    truth = F.linear(x.double(), weight.double(), bias.double())
    truth = truth.relu() if relu else truth
    with torch.inference_mode():
        found = packed_linear(weight, bias, relu)(x)
    assert (found - truth).abs().max() <= 1e-6 * truth.abs().max()


def test_a_product_that_rounds_to_bfloat16_is_noticed():
    assert products._error(lambda x, w, b: F.linear(x.bfloat16(), w.bfloat16(), b.bfloat16()).float()) > 1e-3


def test_where_onednn_rounds_nothing_is_changed(monkeypatch):
    before = products._precision()
    monkeypatch.setattr(products, "onednn_is_exact", lambda: False)
    assert "default" in route_products()
    assert products._precision() == before


@pytest.mark.skipif(not onednn_is_exact(), reason="oneDNN rounds products of float32 on this processor")
def test_where_onednn_is_exact_products_go_by_it_and_stay_float32():
    assert "oneDNN" in route_products()
    assert products._precision() in ("bf16", "medium")
    torch.manual_seed(0)
    x, weight = torch.randn(600, 512), torch.randn(512, 512)
    truth = x.double() @ weight.double()
    assert (x @ weight - truth).abs().max() <= 1e-5 * truth.abs().max()


def test_the_way_of_products_is_put_back():
    before = products._precision()
    with by_onednn():
        pass
    assert products._precision() == before
