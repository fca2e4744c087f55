"""The Transformer against a plain transcription of its definition in float64."""

import math

import pytest
import torch
from torch import nn

from engine.backbones.registry import build_backbone
from engine.backbones.rotary import rotary_angles, rotate
from engine.backbones.transformer import Attention, TransformerBlock
from engine.contract.backbone import TransformerConfig
from engine.ranks.draws import Draws, drawing

SMALL = TransformerConfig(width=16, depth=2, heads=2)


def small(causal=False, **changes):
    config = SMALL.model_copy(update={"causal": causal, **changes})
    return build_backbone(config, seed=0).double().eval()


def turned(x_LE, base):
    """Rotate-half layout, one plane and one token at a time."""
    L, E = x_LE.shape
    y_LE = torch.empty_like(x_LE)
    for t in range(L):
        for i in range(E // 2):
            angle = t * base ** (-2 * i / E)
            first, second = x_LE[t, i], x_LE[t, i + E // 2]
            y_LE[t, i] = first * math.cos(angle) - second * math.sin(angle)
            y_LE[t, i + E // 2] = second * math.cos(angle) + first * math.sin(angle)
    return y_LE


def normalised(x, norm):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * norm.weight + norm.bias


def plain_attention(attention, x_LD, keep_LH=None):
    """Head by head, with the matrix of weights written out."""
    L, D = x_LD.shape
    E = D // attention.heads
    q, k, v = (
        x_LD @ w.T + b for w, b in zip(attention.inputs.weight.chunk(3), attention.inputs.bias.chunk(3), strict=True)
    )
    read = []
    for h in range(attention.heads):
        part = slice(h * E, (h + 1) * E)
        scores = turned(q[:, part], attention.base) @ turned(k[:, part], attention.base).T / math.sqrt(E)
        if attention.causal:
            scores = scores.masked_fill(torch.ones(L, L).triu(1).bool(), -math.inf)
        weights = scores.softmax(-1)
        if keep_LH is not None:
            weights = weights * keep_LH[:, h]
        read.append(weights @ v[:, part])
    return torch.cat(read, -1) @ attention.output.weight.T + attention.output.bias


@pytest.mark.parametrize("causal", [False, True])
def test_a_block_is_what_the_specification_writes(causal):
    block = small(causal).blocks[0]
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.3)
    x_LD = torch.randn(9, 16, dtype=torch.float64)
    y_LD = x_LD + plain_attention(block.attention, normalised(x_LD, block.attention_norm))
    hidden = normalised(y_LD, block.feedforward_norm) @ block.feedforward.inner.weight.T + block.feedforward.inner.bias
    hidden = 0.5 * hidden * (1 + torch.erf(hidden / math.sqrt(2)))
    update_LD = hidden @ block.feedforward.outer.weight.T + block.feedforward.outer.bias
    told_BLD, told_update_BLD = block(x_LD[None])
    torch.testing.assert_close(told_BLD[0], y_LD + update_LD)
    torch.testing.assert_close(told_update_BLD[0], update_LD)


def test_the_last_layer_is_normalised_and_the_others_are_not():
    backbone = small()
    features = backbone(torch.randn(2, 12, 30, dtype=torch.float64))
    x_BLD, update_BLD = backbone.blocks[1](features.layers[1])
    torch.testing.assert_close(features.tokens_BLD, normalised(x_BLD, backbone.norm))
    torch.testing.assert_close(features.updates[1], update_BLD)
    assert features.layers[0] is features.latents_BLD
    assert features.layers[-1] is features.tokens_BLD
    assert backbone.layer_names == ("stem", "block1", "block2")
    assert (backbone.width, backbone.stride, backbone.causal) == (16, 1, False)


def test_a_turned_query_and_key_know_their_distance_only():
    q, k = torch.randn(2, 8, dtype=torch.float64)
    q_LHE, k_LHE = q.expand(50, 1, 8), k.expand(50, 1, 8)
    scores = (rotate(q_LHE, 10_000.0) @ rotate(k_LHE, 10_000.0).transpose(-1, -2))[:, 0, 0]
    torch.testing.assert_close(scores, scores[:1].expand(50), atol=1e-6, rtol=0)
    apart = (rotate(q_LHE, 10_000.0)[7:, 0] * rotate(k_LHE, 10_000.0)[:-7, 0]).sum(-1)
    torch.testing.assert_close(apart, apart[:1].expand(43), atol=1e-6, rtol=0)
    assert (apart[0] - scores[0]).abs() > 1e-3


def test_the_gradient_of_a_turn_is_the_turn_back():
    # The angles' cosines and sines are float32, the same forwards and backwards.
    x_BLHE = torch.randn(2, 5, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: rotate(x, 100.0), (x_BLHE,))


def test_angles_made_while_evaluating_serve_training():
    rotary_angles.cache_clear()
    backbone = build_backbone(SMALL, seed=0)
    x_BCT = torch.randn(1, 12, 20)
    with torch.inference_mode():
        backbone.eval()(x_BCT)
    backbone.train()(x_BCT).tokens_BLD.sum().backward()
    assert backbone.blocks[0].attention.inputs.weight.grad is not None


def test_dropped_keys_are_dropped_weights_that_all_queries_share():
    attention = Attention(SMALL.model_copy(update={"dropout": 0.4}), "here").double().train()
    x_BLD = torch.randn(3, 9, 16, dtype=torch.float64)
    draws = Draws(0, "train", 7, (4, 5, 6))
    with drawing(draws):
        read_BLD = attention(x_BLD)
    keep_BLH = draws.keep("dropout/here/keys", 0.4, 9, 2).double() / 0.6
    for x_LD, read_LD, keep_LH in zip(x_BLD, read_BLD, keep_BLH, strict=True):
        torch.testing.assert_close(read_LD, plain_attention(attention, x_LD, keep_LH), atol=1e-6, rtol=1e-6)


def test_weights_start_xavier_uniform_and_biases_at_zero():
    torch.manual_seed(0)
    block = TransformerBlock(TransformerConfig(width=128), "block1")
    for weight, fans in (
        *((chunk, 256) for chunk in block.attention.inputs.weight.chunk(3)),
        (block.attention.output.weight, 256),
        (block.feedforward.inner.weight, 640),
        (block.feedforward.outer.weight, 640),
    ):
        bound = math.sqrt(6 / fans)
        assert 0.99 * bound < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    biases = [p for name, p in block.named_parameters() if name.endswith("bias")]
    assert len(biases) == 6
    assert all(not bias.any() for bias in biases)


def test_a_causal_transformer_cannot_see_the_future_and_the_other_can():
    x_BCT = torch.randn(1, 12, 60, dtype=torch.float64)
    for causal, first in ((True, 40), (False, 0)):
        backbone = small(causal)
        latents_BLD = backbone.stem(x_BCT).detach()
        changed_BLD = latents_BLD.clone()
        changed_BLD[:, 40:] += torch.randn(20, 16, dtype=torch.float64)
        difference_L = (
            (backbone.encode(latents_BLD).tokens_BLD - backbone.encode(changed_BLD).tokens_BLD).abs().amax((0, 2))
        )
        assert (difference_L > 1e-9).nonzero()[0].item() == first


def test_dropout_is_a_crops_own():
    backbone = build_backbone(SMALL.model_copy(update={"dropout": 0.3}), seed=0).train()
    latents_BLD = torch.randn(4, 10, 16)

    def tokens(crops):
        with drawing(Draws(0, "train", 0, crops)):
            return backbone.encode(latents_BLD[list(crops)]).tokens_BLD

    torch.testing.assert_close(tokens((0, 1, 2, 3))[2:], tokens((2, 3)))
    assert not torch.allclose(tokens((0, 1)), backbone.eval().encode(latents_BLD[:2]).tokens_BLD)


@pytest.mark.parametrize("causal", [False, True])
def test_bfloat16_is_close_to_single_precision(causal):
    backbone = build_backbone(TransformerConfig(width=64, depth=2, causal=causal), seed=0).train()
    x_BCT = torch.randn(2, 12, 100)
    with drawing(Draws(0, "train", 0, (0, 1))):
        exact = backbone(x_BCT).tokens_BLD
    with drawing(Draws(0, "train", 0, (0, 1))), torch.autocast("cpu", torch.bfloat16):
        rough = backbone(x_BCT).tokens_BLD
    rough.float().square().sum().backward()
    assert (rough.float() - exact).pow(2).mean().sqrt() < 0.03 * exact.pow(2).mean().sqrt()
    assert all(torch.isfinite(p.grad).all() for p in backbone.parameters())
