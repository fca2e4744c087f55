"""A block by compiled loops against the same block in torch: values, gradients, dropout."""

import pytest
import torch
import torch.nn.functional as F

from engine.backbones.registry import build_backbone
from engine.backbones.s4 import S4Block
from engine.contract.config import S4Config
from engine.kernels.glu_norm import glu_norm
from engine.kernels.library import kernels
from engine.ranks.draws import Draws, drawing

pytestmark = pytest.mark.skipif(kernels().library is None, reason=f"compiled loops are off: {kernels().reason}")


def run(block, x_BLD, weight_BLD):
    x_BLD = x_BLD.clone().requires_grad_()
    with drawing(Draws(0, "train", 3, tuple(range(len(x_BLD))))):
        out_BLD, update_BLD = block(x_BLD)
    parameters = [x_BLD, *block.parameters()]
    loss = (out_BLD * weight_BLD).sum() + (update_BLD * weight_BLD.flip(1)).sum()
    return [out_BLD.detach(), update_BLD.detach(), *torch.autograd.grad(loss, parameters)]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("causal", [True, False])
def test_a_block_is_the_same_with_and_without_compiled_loops(causal, training, monkeypatch):
    torch.manual_seed(0)
    block = S4Block(S4Config(width=40, causal=causal), "block1").train(training)
    x_BLD, weight_BLD = torch.randn(2, 3, 70, 40)
    compiled = run(block, x_BLD, weight_BLD)
    monkeypatch.setattr("engine.backbones.s4.block_applies", lambda block, x: False)
    monkeypatch.setattr("engine.backbones.s4.applies", lambda u: False)
    for found, truth in zip(compiled, run(block, x_BLD, weight_BLD), strict=True):
        assert (found - truth).abs().max() <= 2e-5 * truth.abs().max()


@pytest.mark.parametrize("width", [8, 16, 19, 512])
@pytest.mark.parametrize("masked", [True, False])
def test_gate_residual_and_norm_are_those_of_torch(width, masked):
    torch.manual_seed(0)
    gate, x = torch.randn(2, 9, 2 * width), torch.randn(2, 9, width)
    weight, bias = torch.randn(width), torch.randn(width)
    scale = (torch.rand(2, width) > 0.3).float() / 0.7 if masked else None
    inputs = [t.requires_grad_() for t in (gate, x, weight, bias)]
    exact = [t.detach().double().requires_grad_() for t in inputs]
    out, update = glu_norm(gate, x, scale, weight, bias, 1e-5)
    update_exact = F.glu(exact[0], -1)
    factor = 1.0 if scale is None else scale.double().unsqueeze(1)
    out_exact = F.layer_norm(exact[1] + factor * update_exact, (width,), exact[2], exact[3], 1e-5)
    flow = torch.randn(2, *out.shape)
    found = torch.autograd.grad((out * flow[0] + update * flow[1]).sum(), inputs)
    truth = torch.autograd.grad((out_exact * flow[0] + update_exact * flow[1]).sum(), exact)
    for a, b in zip([out, update, *found], [out_exact, update_exact, *truth], strict=True):
        assert (a - b).abs().max() <= 1e-5 * b.abs().max()


def test_gradients_by_several_threads_are_those_of_one_within_rounding():
    torch.manual_seed(0)
    gate, x = torch.randn(4, 300, 1024), torch.randn(4, 300, 512)
    weight, bias = torch.randn(512, requires_grad=True), torch.zeros(512, requires_grad=True)
    told, before = [], torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            out, _ = glu_norm(gate, x, None, weight, bias, 1e-5)
            told.append((out.detach(), *torch.autograd.grad(out.square().sum(), [weight, bias])))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(told[0][0], told[1][0])
    for one, three in zip(told[0][1:], told[1][1:], strict=True):
        torch.testing.assert_close(one, three, rtol=1e-5, atol=1e-4)


def test_a_width_beyond_the_loops_room_is_refused():
    with pytest.raises(TypeError, match="widths up to"):
        glu_norm(torch.zeros(1, 1, 10000), torch.zeros(1, 1, 5000), None, torch.ones(5000), torch.zeros(5000), 1e-5)


def test_training_under_autocast_stays_close_and_never_reads_other_types():
    backbone = build_backbone(S4Config(width=32, depth=2, dropout=0), seed=0)
    x_BCT = torch.randn(2, 12, 90)
    exact = backbone(x_BCT).tokens_BLD
    with torch.autocast("cpu", torch.bfloat16):
        rounded = backbone(x_BCT).tokens_BLD
    rounded.float().square().sum().backward()
    assert (rounded - exact).abs().max() < 0.1 * exact.abs().max()
    assert all(p.grad is None or p.grad.isfinite().all() for p in backbone.parameters())
