"""Net1D against a plain transcription of its definition in float64."""

import pytest
import torch
from torch import nn

from engine.backbones.base import count_parameters
from engine.backbones.net1d import Net1DBlock, group_count, running_mean, stage_widths
from engine.backbones.registry import build_backbone
from engine.contract.backbone import Net1DConfig
from engine.ranks.draws import Draws, drawing

SMALL = Net1DConfig(width=64, stage_blocks=(2, 1, 1, 1, 1, 2, 1), kernel=4, group_width=4)


def small(causal=False, **changes):
    return build_backbone(SMALL.model_copy(update={"causal": causal, **changes}), seed=0).double().eval()


def swish(x):
    return x / (1 + torch.exp(-x))


def plain_convolution(conv, x_IL, causal, groups):
    """One output channel and one token at a time, over the input padded by hand."""
    O, width, K = conv.weight.shape
    left = K - 1 if causal else (K - 1) // 2
    L = x_IL.shape[1]
    padded = torch.zeros(x_IL.shape[0], L + K - 1, dtype=x_IL.dtype)
    padded[:, left : left + L] = x_IL
    y_OL = torch.empty(O, L, dtype=x_IL.dtype)
    for o in range(O):
        start = (o // (O // groups)) * width
        for t in range(L):
            y_OL[o, t] = (conv.weight[o] * padded[start : start + width, t : t + K]).sum() + conv.bias[o]
    return y_OL


def plain_block(block, x_IL, causal, groups, first):
    z = x_IL if first else swish(x_IL)
    z = swish(plain_convolution(block.enter, z, causal, 1))
    z = swish(plain_convolution(block.mix, z, causal, groups))
    z = plain_convolution(block.leave, z, causal, 1)
    update = torch.empty_like(z)
    squeeze, excite = block.excitation.squeeze, block.excitation.excite
    for t in range(z.shape[1]):
        seen = z[:, : t + 1] if causal else z
        weight = torch.sigmoid(excite.weight @ swish(squeeze.weight @ seen.mean(1) + squeeze.bias) + excite.bias)
        update[:, t] = z[:, t] * weight
    before = (z.shape[0] - x_IL.shape[0]) // 2
    y = update.clone()
    y[before : before + x_IL.shape[0]] += x_IL
    return y, update


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("inputs", "channels", "first"), [(8, 8, True), (8, 8, False), (5, 8, False)])
def test_a_block_is_what_the_specification_writes(causal, inputs, channels, first):
    torch.manual_seed(0)
    config = SMALL.model_copy(update={"causal": causal})
    block = Net1DBlock(config, inputs, channels, first, "here").double().eval()
    x_IL = torch.randn(inputs, 11, dtype=torch.float64)
    y_CL, update_CL = plain_block(block, x_IL, causal, channels // 4, first)
    told_BCL, told_update_BCL = block(x_IL[None])
    torch.testing.assert_close(told_BCL[0], y_CL)
    torch.testing.assert_close(told_update_BCL[0], update_CL)


@pytest.mark.parametrize("causal", [False, True])
def test_the_network_is_a_first_convolution_and_its_blocks(causal):
    backbone = small(causal)
    latents_BLD = torch.randn(1, 12, 64, dtype=torch.float64)
    features = backbone.encode(latents_BLD)
    x = swish(plain_convolution(backbone.first, latents_BLD[0].T, causal, 1))
    for number, stage in enumerate(backbone.stages, 1):
        for block in stage:
            assert isinstance(block, Net1DBlock)
            x = block(x[None])[0][0]
        torch.testing.assert_close(features.layers[number][0], x.T)
    assert features.tokens_BLD is features.layers[-1]


def test_stages_and_groups_scale_with_the_width():
    assert stage_widths(512) == (64, 128, 128, 256, 256, 512, 512)
    assert stage_widths(128) == (16, 32, 32, 64, 64, 128, 128)
    assert [group_count(c, 16) for c in (512, 64, 16, 8, 56)] == [32, 4, 1, 1, 2]
    published = build_backbone(Net1DConfig())
    assert [len(stage) for stage in published.stages] == [2, 2, 2, 3, 3, 4, 4]
    assert {block.mix.weight.shape[1] for stage in published.stages for block in stage} == {16}
    assert published.first.weight.shape == (64, 512, 16)
    assert all(conv.bias is not None for conv in published.stages.modules() if isinstance(conv, nn.Conv1d))


@pytest.mark.parametrize("width", range(32, 513, 32))
def test_every_width_of_the_form_builds(width):
    with torch.device("meta"):
        backbone = build_backbone(Net1DConfig(width=width))
        assert backbone(torch.randn(1, 12, 20)).tokens_BLD.shape == (1, 20, width)


def test_layers_and_updates_have_their_stages_widths():
    backbone = small()
    features = backbone(torch.randn(2, 12, 30, dtype=torch.float64))
    assert backbone.layer_names == ("stem", *(f"stage{i}" for i in range(1, 8)))
    assert tuple(layer.shape[-1] for layer in features.layers) == (64, 8, 16, 16, 32, 32, 64, 64)
    assert backbone.layer_widths == (64, 8, 16, 16, 32, 32, 64, 64)
    assert len(features.updates) == 9
    assert {update.shape for update in features.updates[-3:]} == {(2, 30, 64)}
    assert (backbone.width, backbone.stride, backbone.causal) == (64, 1, False)


def first_changed(backbone, change_at):
    latents_BLD = torch.randn(1, 60, 64, dtype=torch.float64)
    changed_BLD = latents_BLD.clone()
    changed_BLD[:, change_at:] += 1
    with torch.no_grad():
        difference = backbone.encode(latents_BLD).tokens_BLD - backbone.encode(changed_BLD).tokens_BLD
    return (difference.abs().amax((0, 2)) > 1e-12).nonzero()[0].item()


def test_a_causal_net_cannot_see_the_future_and_the_published_one_can():
    assert first_changed(small(causal=True), 40) == 40
    assert first_changed(small(causal=False), 40) == 0


def test_the_mean_of_the_published_squeeze_alone_sees_the_future():
    """Left-padded convolutions are not enough: with the published squeeze every token still changes."""
    backbone = small(causal=True)
    for module in backbone.modules():
        if type(module).__name__ == "Excitation":
            module.causal = False
    assert first_changed(backbone, 40) == 0


def test_a_running_mean_is_the_mean_so_far():
    x_BCL = torch.randn(2, 3, 50)
    expected = torch.stack([x_BCL[..., : t + 1].mean(-1) for t in range(50)], -1)
    torch.testing.assert_close(running_mean(x_BCL), expected)
    assert running_mean(torch.ones(1, 1, 5000, dtype=torch.bfloat16)).eq(1).all()


def test_idle_norms_weigh_and_do_nothing():
    plain, published = build_backbone(Net1DConfig(), 0), build_backbone(Net1DConfig(idle_norms=True), 0)
    assert count_parameters(published) - count_parameters(plain) == 36_864
    idle = [name for name, p in published.named_parameters() if not p.requires_grad]
    assert {name for name, _ in published.named_parameters()} - set(idle) == {n for n, _ in plain.named_parameters()}


def test_dropout_is_a_crops_own():
    backbone = build_backbone(SMALL.model_copy(update={"dropout": 0.3}), seed=0).train()
    latents_BLD = torch.randn(4, 10, 64)

    def tokens(crops):
        with drawing(Draws(0, "train", 0, crops)):
            return backbone.encode(latents_BLD[list(crops)]).tokens_BLD

    torch.testing.assert_close(tokens((0, 1, 2, 3))[2:], tokens((2, 3)))
    assert not torch.allclose(tokens((0, 1)), backbone.eval().encode(latents_BLD[:2]).tokens_BLD)


@pytest.mark.parametrize("causal", [False, True])
def test_bfloat16_is_close_to_single_precision(causal):
    backbone = build_backbone(SMALL.model_copy(update={"causal": causal}), seed=0).train()
    x_BCT = torch.randn(2, 12, 50)
    exact = backbone(x_BCT).tokens_BLD
    with torch.autocast("cpu", torch.bfloat16):
        rough = backbone(x_BCT).tokens_BLD
    rough.float().square().sum().backward()
    assert (rough.float() - exact).pow(2).mean().sqrt() < 0.03 * exact.pow(2).mean().sqrt()
    assert all(torch.isfinite(p.grad).all() for p in backbone.parameters())
