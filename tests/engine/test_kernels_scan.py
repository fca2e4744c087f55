"""The compiled scan against the transforms and against float64, and what it refuses to read."""

import pytest
import torch

from engine.backbones.s4 import S4Convolution
from engine.backbones.s4_modes import find_modes
from engine.kernels.library import kernels
from engine.kernels.scan import applies, modal_scan

pytestmark = pytest.mark.skipif(kernels().library is None, reason=f"compiled loops are off: {kernels().reason}")


def layer_and_input(length, causal, batch=2, width=19, seed=0):
    torch.manual_seed(seed)
    layer = S4Convolution(width, 8, causal)
    return layer, torch.randn(batch, length, width)


def gradients(layer, u_BLH, weight_BLH):
    u_BLH = u_BLH.clone().requires_grad_()
    y_BLH = layer(u_BLH)
    return [y_BLH.detach(), *torch.autograd.grad((y_BLH * weight_BLH).sum(), [u_BLH, layer.C, layer.D])]


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("length", "batch"), [(1, 1), (2, 3), (63, 1), (64, 2), (65, 1), (300, 2), (1201, 1)])
def test_the_scan_is_the_convolution_in_float64_forwards_and_backwards(length, batch, causal):
    layer, u_BLH = layer_and_input(length, causal, batch)
    exact = S4Convolution(19, 8, causal).double()
    exact.load_state_dict(layer.state_dict())
    weight_BLH = torch.randn_like(u_BLH)
    assert applies(u_BLH)
    assert not applies(u_BLH.double())
    for found, truth in zip(
        gradients(layer, u_BLH, weight_BLH), gradients(exact, u_BLH.double(), weight_BLH.double()), strict=True
    ):
        assert (found - truth).abs().max() <= 3e-6 * truth.abs().max()


@pytest.mark.parametrize("causal", [True, False])
def test_the_scan_and_the_transforms_agree(causal, monkeypatch):
    layer, u_BLH = layer_and_input(300, causal)
    weight_BLH = torch.randn_like(u_BLH)
    scanned = gradients(layer, u_BLH, weight_BLH)
    monkeypatch.setattr("engine.backbones.s4.applies", lambda u: False)
    for found, other in zip(scanned, gradients(layer, u_BLH, weight_BLH), strict=True):
        assert (found - other).abs().max() <= 1e-5 * other.abs().max()


def test_a_wide_layer_on_several_threads_is_bit_equal_to_one_thread():
    layer, u_BLH = layer_and_input(150, causal=False, batch=4, width=512)
    weight_BLH, before = torch.randn_like(u_BLH), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = gradients(layer, u_BLH, weight_BLH)
        torch.set_num_threads(3)
        three = gradients(layer, u_BLH, weight_BLH)
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(one, three, strict=True))


def test_values_that_do_not_lie_side_by_side_are_copied():
    layer, u_BLH = layer_and_input(40, causal=True)
    scattered = u_BLH.transpose(1, 2).contiguous().transpose(1, 2)
    assert not scattered.is_contiguous()
    torch.testing.assert_close(layer(scattered), layer(u_BLH), rtol=0, atol=0)


def scan_arguments(width=19):
    layer, u_BLH = layer_and_input(16, causal=True, width=width)
    modes = layer.modes()
    return [u_BLH, modes.pole_NH, modes.weights(layer.C.detach().flatten(2)), layer.D.detach()]


@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("fault", "spoil"),
    [
        ("another type", lambda t: t.bfloat16()),
        ("another shape", lambda t: torch.cat([t, t], -1)),
        ("no processor at all", lambda t: t.to("meta")),
    ],
)
def test_no_pointer_is_handed_over_to_what_has(fault, spoil, place):
    arguments = scan_arguments()
    modal_scan(*arguments)
    arguments[place] = spoil(arguments[place])
    with pytest.raises(TypeError, match="compiled code wants"):
        modal_scan(*arguments)


def test_what_is_not_a_number_stays_one_in_its_own_channel_and_from_its_own_time_on():
    layer, u_BLH = layer_and_input(100, causal=True)
    u_BLH[0, 60, 3] = float("nan")
    y_BLH = layer(u_BLH)
    assert y_BLH[0, 60:, 3].isnan().all()
    assert not y_BLH[0, :60].isnan().any()
    assert not y_BLH[0, :, [0, 1, 2, 4]].isnan().any()
    assert not y_BLH[1].isnan().any()


@pytest.mark.parametrize(("states", "found"), [(2, True), (8, True), (10, True), (16, False), (64, False)])
def test_modes_are_used_only_where_they_are_accurate(states, found):
    torch.manual_seed(0)
    layer = S4Convolution(24, states, causal=True)
    assert (find_modes(layer.system(), layer.log_dt.exp()) is not None) is found


def test_a_system_that_swings_has_no_real_modes():
    layer = S4Convolution(24, 8, causal=True, form="diagonal")
    assert layer.modes() is None


def test_modes_follow_other_weights():
    layer, u_BLH = layer_and_input(50, causal=True)
    layer(u_BLH)
    other = S4Convolution(19, 8, causal=True)
    layer.load_state_dict(other.state_dict())
    torch.testing.assert_close(layer(u_BLH), other(u_BLH), rtol=0, atol=0)
