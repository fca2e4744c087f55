"""S4 against the system it stands for: HiPPO-LegS, its recurrence in float64, and the published sizes and costs."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from engine.backbones.base import count_trainable
from engine.backbones.registry import build_backbone
from engine.backbones.s4 import S4Block, S4Convolution
from engine.backbones.s4_dynamics import diagonal_dynamics, hippo_legs
from engine.backbones.spectral import circle_length
from engine.backbones.stem import Stem
from engine.contract.config import S4Config
from engine.kernels.library import Kernels
from engine.ranks.draws import Draws, drawing

# Method specification, sections 2.5 and 10: trainable parameters of all, of the blocks, of one block.
PUBLISHED = {
    "s4-causal": (2_932_736, 2_123_776, 530_944),
    "s4-bidirectional": (2_949_120, 2_140_160, 535_040),
}
SMALL = S4Config(width=16, depth=2)


@pytest.fixture(scope="module")
def full():
    return {name: build_backbone(S4Config(causal=name == "s4-causal"), seed=0) for name in PUBLISHED}


@pytest.mark.parametrize("name", PUBLISHED)
def test_sizes_are_the_published_ones(full, name):
    parameters, body, block = PUBLISHED[name]
    assert count_trainable(full[name]) == parameters
    assert count_trainable(full[name].stem) == 808_960
    assert count_trainable(full[name].blocks) == body
    assert count_trainable(full[name].blocks[0]) == block


def test_costs_are_what_torch_counts_but_for_making_the_kernel(full, monkeypatch):
    """The kernel is one small product per forward pass, whatever the batch; the published counts do not have it."""
    monkeypatch.setattr("engine.kernels.scan.kernels", lambda: Kernels(None, "torch counts its own products only"))
    x_BCT = torch.randn(1, 12, 600)
    backbone = full["s4-causal"].eval()
    kernel_flops = 4 * 2 * 512 * 8 * 300
    backbone(x_BCT)  # the first pass also makes the basis
    with FlopCounterMode(display=False) as counted:
        tokens_BLD = backbone(x_BCT).tokens_BLD
    assert counted.get_total_flops() - kernel_flops == backbone.products(600).forward
    with FlopCounterMode(display=False) as counted:
        tokens_BLD.sum().backward()
    assert (
        counted.get_total_flops() - kernel_flops
        == backbone.products(600).forward_backward - backbone.products(600).forward
    )


def test_cost_is_linear_in_length(full):
    assert round(full["s4-causal"].products(2400).forward / 1e9, 3) == 6.965


def test_features_have_the_documented_shapes_and_names(full):
    features = full["s4-causal"].eval()(torch.randn(2, 12, 600))
    assert features.tokens_BLD.shape == (2, 300, 512)
    assert features.layers[0] is features.latents_BLD
    assert features.layers[-1] is features.tokens_BLD
    assert full["s4-causal"].layer_names == ("stem", "block1", "block2", "block3", "block4")
    assert (full["s4-causal"].width, full["s4-causal"].stride, full["s4-causal"].causal) == (512, 2, True)


def naive_outputs(layer, u_LH, direction):
    """The bilinear recurrence in the original real coordinates of LegS, one step at a time, in float64."""
    H, J = layer.C.shape[1:3]
    A_NN, B_N, _ = hippo_legs(2 * J)
    V_NJ = diagonal_dynamics(2 * J).basis_NJ
    C_HJ = torch.view_as_complex(layer.C.detach().double())[direction].numpy()
    C_HN = 2 * (C_HJ @ V_NJ.conj().T).real
    y_LH = np.zeros_like(u_LH)
    for h in range(H):
        half = A_NN * math.exp(layer.log_dt[h]) / 2
        left = np.linalg.inv(np.eye(2 * J) - half)
        A_bar, B_bar = left @ (np.eye(2 * J) + half), left @ B_N * math.exp(layer.log_dt[h])
        x_N = np.zeros(2 * J)
        for t in range(len(u_LH)):
            x_N = A_bar @ x_N + B_bar * u_LH[t, h]
            y_LH[t, h] = C_HN[h] @ x_N
    return y_LH


@pytest.mark.parametrize(("states", "length"), [(8, 300), (8, 37), (4, 64), (16, 20)])
def test_the_convolution_is_the_recurrence(states, length):
    torch.manual_seed(0)
    layer = S4Convolution(6, states, causal=True).double()
    u_BLH = torch.randn(2, length, 6, dtype=torch.float64)
    with torch.no_grad():
        y_BLH = layer(u_BLH)
    for u_LH, y_LH in zip(u_BLH.numpy(), y_BLH.numpy(), strict=True):
        expected = naive_outputs(layer, u_LH, 0) + layer.D.detach().numpy() * u_LH
        np.testing.assert_allclose(y_LH, expected, atol=1e-10 * np.abs(expected).max())


def test_the_reverse_pass_is_the_recurrence_run_backwards_from_the_next_token():
    torch.manual_seed(1)
    layer = S4Convolution(5, 8, causal=False).double()
    u_LH = torch.randn(50, 5, dtype=torch.float64).numpy()
    with torch.no_grad():
        y_LH = layer(torch.from_numpy(u_LH)[None])[0].numpy()
    behind = np.zeros_like(u_LH)
    behind[:-1] = naive_outputs(layer, u_LH[::-1], 1)[::-1][1:]
    expected = naive_outputs(layer, u_LH, 0) + behind + layer.D.detach().numpy() * u_LH
    np.testing.assert_allclose(y_LH, expected, atol=1e-10 * np.abs(expected).max())


def test_single_precision_loses_no_more_than_single_precision():
    torch.manual_seed(2)
    layer = S4Convolution(64, 8, causal=True)
    u_BLH = torch.randn(1, 300, 64)
    single = layer(u_BLH).detach().double()
    double = layer.double()(u_BLH.double()).detach()
    assert ((single - double).abs().max() / double.abs().max()).item() < 1e-6


@pytest.mark.parametrize("causal", [True, False])
def test_gradients_are_those_of_the_definition(causal):
    torch.manual_seed(3)
    layer = S4Convolution(3, 4, causal).double()
    u_BLH = torch.randn(2, 9, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda u, C, D: torch.func.functional_call(layer, {"C": C, "D": D}, (u,)), (u_BLH, layer.C, layer.D)
    )


def test_a_kernel_does_not_depend_on_the_lengths_seen_before():
    torch.manual_seed(4)
    layer = S4Convolution(8, 8, causal=True)
    short = layer.kernel(100).clone()
    layer.kernel(1200)
    assert torch.equal(layer.kernel(100), short)


def test_a_basis_made_while_evaluating_serves_training():
    layer = S4Convolution(4, 8, causal=True)
    u_BLH = torch.randn(1, 10, 4)
    with torch.inference_mode():
        layer(u_BLH)
    layer(u_BLH).sum().backward()
    assert layer.C.grad is not None


@pytest.mark.parametrize("length", [1, 2, 7, 97, 300, 301, 1200])
@pytest.mark.parametrize("causal", [True, False])
def test_any_length_is_the_sum_it_stands_for(length, causal):
    torch.manual_seed(13)
    layer = S4Convolution(3, 4, causal).double()
    u_LH = torch.randn(length, 3, dtype=torch.float64)
    with torch.no_grad():
        kernel_RHL, y_LH = layer.kernel(length), layer(u_LH[None])[0]
    expected = layer.D.detach() * u_LH
    for h in range(3):
        forwards = np.convolve(u_LH[:, h], kernel_RHL[0, h])[:length]
        expected[:, h] += torch.from_numpy(forwards)
        if not causal:
            backwards = np.convolve(u_LH[:, h].flip(0), kernel_RHL[1, h])[:length]
            expected[:-1, h] += torch.from_numpy(backwards[:-1][::-1].copy())
    torch.testing.assert_close(y_LH, expected, atol=1e-11, rtol=1e-11)


def test_circles_are_short_even_and_of_small_primes():
    lengths = {1: 2, 7: 16, 300: 600, 301: 640, 600: 1200, 1200: 2400, 1201: 2430}
    assert {tokens: circle_length(tokens) for tokens in lengths} == lengths


@pytest.mark.parametrize("config", [SMALL, SMALL.model_copy(update={"form": "diagonal", "dynamics": "trained"})])
def test_bfloat16_leaves_the_convolution_in_single_precision(config):
    backbone = build_backbone(config, seed=0)
    x_BCT = torch.randn(2, 12, 100)
    exact = backbone.eval()(x_BCT).tokens_BLD
    told = []
    hook = backbone.blocks[0].convolution.register_forward_hook(lambda *call: told.append(call[2].dtype))
    with torch.autocast("cpu", torch.bfloat16):
        rough = backbone(x_BCT).tokens_BLD
    rough.float().square().sum().backward()
    hook.remove()
    assert told == [torch.float32]
    assert (rough.float() - exact).pow(2).mean().sqrt() < 0.03 * exact.pow(2).mean().sqrt()
    assert all(torch.isfinite(p.grad).all() for p in backbone.parameters())


def test_dropout_is_a_crops_own():
    backbone = build_backbone(SMALL, seed=0).train()
    latents_BLD = torch.randn(4, 10, 16)

    def tokens(crops):
        with drawing(Draws(0, "train", 0, crops)):
            return backbone.encode(latents_BLD[list(crops)]).tokens_BLD

    torch.testing.assert_close(tokens((0, 1, 2, 3))[2:], tokens((2, 3)))


def first_changed_token(backbone, from_token):
    x_BCT = torch.randn(1, 12, 600, generator=torch.Generator().manual_seed(7))
    changed = x_BCT.clone()
    # With padding 1 and stride 2, token t sees samples 2t-1 ... 2t+1.
    changed[..., 2 * from_token :] += 1
    with torch.no_grad():
        difference = (backbone(x_BCT).tokens_BLD - backbone(changed).tokens_BLD).abs().amax(-1)[0]
    # The convolution goes through spectra, so tokens before are equal to rounding, not to the bit.
    return int((difference > 1e-4).nonzero()[0])


def test_a_causal_backbone_cannot_see_the_future(full):
    assert first_changed_token(full["s4-causal"].eval(), 200) == 200
    assert first_changed_token(full["s4-bidirectional"].eval(), 200) == 0


def test_a_token_of_the_stem_sees_three_samples(full):
    stem = full["s4-causal"].stem.eval()
    x_BCT = torch.randn(1, 12, 600)
    with torch.no_grad():
        before = stem(x_BCT)
        x_BCT[..., 201] += 1
        touched = (stem(x_BCT) - before).abs().amax(-1)[0].nonzero().flatten().tolist()
    assert touched == [100, 101]


def test_the_stem_is_convolutions_and_batch_norms():
    torch.manual_seed(8)
    stem = Stem(16, (3, 5, 1), (2, 1, 3))
    layers = []
    for block in stem.blocks:
        layers += [block.conv, nn.BatchNorm1d(16), nn.ReLU()]
    reference = nn.Sequential(*layers)
    x_BCT = torch.randn(4, 12, 101)
    torch.testing.assert_close(stem(x_BCT), reference(x_BCT).transpose(1, 2), atol=1e-5, rtol=1e-5)
    stem.eval(), reference.eval()
    for block, norm in zip(stem.blocks, reference[1::3], strict=True):
        torch.testing.assert_close(block.norm.running_var, norm.running_var)
    torch.testing.assert_close(stem(x_BCT), reference(x_BCT).transpose(1, 2), atol=1e-5, rtol=1e-5)


def test_dropout_has_one_mask_per_record_and_channel():
    torch.manual_seed(9)
    dropout = S4Block(SMALL, "block1").inner_dropout.train()
    kept_BLD = dropout(torch.ones(200, 7, 50))
    assert torch.equal(kept_BLD, kept_BLD[:, :1].expand_as(kept_BLD))
    assert set(kept_BLD.unique().tolist()) == {0.0, 1.25}
    assert abs((kept_BLD[:, 0] == 0).float().mean().item() - 0.2) < 0.015
    assert torch.equal(dropout.eval()(kept_BLD), kept_BLD)


def test_a_block_is_what_the_specification_writes():
    torch.manual_seed(10)
    block = S4Block(SMALL, "block1").double().eval()
    x_BLD = torch.randn(2, 30, 16, dtype=torch.float64)
    z = nn.functional.gelu(block.convolution(x_BLD))
    a, b = (z @ block.output.weight.T + block.output.bias).chunk(2, -1)
    update_BLD = a * torch.sigmoid(b)
    y = x_BLD + update_BLD
    y = (y - y.mean(-1, keepdim=True)) / (y.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    told_BLD, told_update_BLD = block(x_BLD)
    torch.testing.assert_close(told_BLD, y * block.norm.weight + block.norm.bias)
    torch.testing.assert_close(told_update_BLD, update_BLD)


def test_weights_are_a_function_of_the_seed_and_leave_the_global_state_alone():
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    one, same, other = (build_backbone(SMALL, seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["stem.blocks.0.conv.weight"], other["stem.blocks.0.conv.weight"])
