"""Networks of published models against other libraries' layers, and naive transcriptions in float64."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from engine.zoo.architectures.ecg_jepa import EcgJepaEncoder
from engine.zoo.architectures.ecgfounder import FounderBlock, PaddedConvolution
from engine.zoo.architectures.merl import MerlVit, ResidualBlock
from engine.zoo.architectures.st_mem import StMemEncoder
from engine.zoo.architectures.vit_block import VitBlock
from engine.zoo.architectures.wav2vec2 import Places, WaveBlock, WaveConfig, WaveEncoder


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def shaken(module):
    """All weights random, in float64: norms too, so that one that is left out is seen."""
    for value in module.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape) + 0.5 if value.ndim == 1 else torch.randn(value.shape) * 0.3)
    return module.double().eval()


def into_torch_layer(layer, query_key_value, others):
    layer = layer.double().eval()
    weights, biases = zip(*((linear.weight, linear.bias) for linear in query_key_value), strict=True)
    layer.self_attn.in_proj_weight.data, layer.self_attn.in_proj_bias.data = torch.cat(weights), torch.cat(biases)
    for target, source in others.items():
        part = layer.get_submodule(target)
        part.weight.data, part.bias.data = source.weight.data, source.bias.data
    return layer


def test_a_vit_block_is_torchs_own_pre_norm_layer():
    block = shaken(VitBlock(24, 3))
    layer = nn.TransformerEncoderLayer(24, 3, 96, 0, "gelu", batch_first=True, norm_first=True)
    parts = {"self_attn.out_proj": block.output, "norm1": block.attention_norm, "norm2": block.feedforward_norm}
    layer = into_torch_layer(layer, [block.inputs], parts | {"linear1": block.inner, "linear2": block.outer})
    x_BLD = drawn(2, 7, 24)
    assert torch.allclose(block(x_BLD), layer(x_BLD), atol=1e-12)


def test_a_wave_block_is_torchs_own_post_norm_layer():
    block = shaken(WaveBlock(24, 3))
    layer = nn.TransformerEncoderLayer(24, 3, 96, 0, "gelu", batch_first=True, norm_first=False)
    parts = {"self_attn.out_proj": block.output, "norm1": block.attention_norm, "norm2": block.feedforward_norm}
    parts |= {"linear1": block.inner, "linear2": block.outer}
    layer = into_torch_layer(layer, [block.query, block.key, block.value], parts)
    x_BLD = drawn(2, 7, 24)
    assert torch.allclose(block(x_BLD), layer(x_BLD), atol=1e-12)


def test_places_are_torchs_weight_normed_convolution_over_positions():
    places = shaken(Places(32))
    norm = nn.utils.parametrizations.weight_norm
    convolution = norm(nn.Conv1d(32, 32, 128, padding=64, groups=16).double(), "weight", dim=2)
    convolution.parametrizations.weight.original0.data = places.length.data
    convolution.parametrizations.weight.original1.data = places.direction.data
    convolution.bias.data = places.bias.data
    x_BLD = drawn(2, 9, 32)
    told = F.gelu(convolution(x_BLD.transpose(1, 2))[..., :-1]).transpose(1, 2)
    assert torch.allclose(places(x_BLD), told, atol=1e-12)


@pytest.mark.parametrize("leads", [1, 3])
def test_a_wave_encoder_is_its_layers_in_the_released_order(leads):
    encoder = shaken(WaveEncoder(WaveConfig(((4, 2), (2, 2)), 16, leads, 32, 2, 4)))
    x_BCT = drawn(2, 3, 40)
    z = x_BCT.reshape(2, 1, 120) if leads == 1 else x_BCT
    first, second = encoder.convolutions
    z = F.conv1d(z, first.weight, stride=2)
    mean, deviation = z.mean(-1, keepdim=True), z.var(-1, unbiased=False, keepdim=True).add(1e-5).sqrt()
    z = F.gelu((z - mean) / deviation * encoder.first_norm.weight[:, None] + encoder.first_norm.bias[:, None])
    z = F.gelu(F.conv1d(z, second.weight, stride=2)).transpose(1, 2)
    z = encoder.projection(encoder.token_norm(z))
    z = encoder.norm(z + encoder.places(z))
    for block in encoder.blocks:
        z = block(z)
    assert torch.allclose(encoder(x_BCT)["embedding"], z.mean(1), atol=1e-12)


def test_hubert_makes_93_tokens_of_five_seconds():
    """93 tokens of 6,000 samples is what a public audit of the released small model reports."""
    encoder = WaveEncoder(WaveConfig(((10, 4), (3, 2), (3, 2), (2, 2), (2, 2)), 16, 1, 32, 1, 4)).eval()
    assert encoder._tokens(torch.randn(1, 1, 6000)).shape == (1, 93, 32)


@pytest.mark.parametrize(("length", "stride"), [(10, 2), (11, 2), (7, 1), (3, 2)])
def test_a_padded_convolution_keeps_the_length_over_its_stride_rounded_up(length, stride):
    convolution = shaken(PaddedConvolution(2, 3, 16, stride))
    x_BIT, told = drawn(1, 2, length), convolution
    L = -(-length // stride)
    before = max(0, (L - 1) * stride + 16 - length) // 2
    naive = np.tile(convolution.bias.detach().numpy()[:, None], (1, L))
    for t in range(L):
        for k in range(16):
            at = t * stride + k - before
            if 0 <= at < length:
                naive[:, t] += convolution.weight[..., k].detach().numpy() @ x_BIT[0, :, at].numpy()
    assert np.allclose(told(x_BIT)[0].detach().numpy(), naive, atol=1e-12)


@pytest.mark.parametrize("length", [8, 9])
def test_a_founder_block_that_halves_adds_the_larger_of_two_samples_in_the_middle_channels(length):
    block = shaken(FounderBlock(16, 32, halves=True, first=False))
    for convolution in (block.enter, block.mix, block.leave):
        convolution.weight.data.zero_()
        convolution.bias.data.zero_()
    x_BIT = drawn(1, 16, length)
    told = block(x_BIT)
    pooled = [x_BIT[0, :, t : t + 2].amax(-1) for t in range(0, length - 1, 2)]
    if length % 2:
        pooled.append(x_BIT[0, :, -1].clamp_min(0))
    assert torch.equal(told[0, 8:24], torch.stack(pooled, -1))
    assert not told[0, :8].any()
    assert not told[0, 24:].any()


def test_a_founder_block_is_its_parts_in_the_released_order():
    block = shaken(FounderBlock(16, 32, halves=False, first=False))
    x_BIT = drawn(2, 16, 9)
    swish = lambda z: z * torch.sigmoid(z)  # noqa: E731 (as the source writes it)
    z = F.conv1d(swish(x_BIT), block.enter.weight, block.enter.bias)
    z = F.conv1d(F.pad(swish(z), (7, 8)), block.mix.weight, block.mix.bias, groups=2)
    z = F.conv1d(swish(z), block.leave.weight, block.leave.bias)
    inner, outer = block.excitation.squeeze, block.excitation.excite
    z = z * torch.sigmoid(outer(swish(inner(z.mean(-1)))))[..., None]
    z[:, 8:24] += x_BIT
    assert torch.allclose(block(x_BIT), z, atol=1e-12)


def test_a_patch_of_ecg_jepa_reads_its_lead_and_its_moment_only():
    encoder = shaken(EcgJepaEncoder(3, 4, 16, 1, 2))
    x_BCT = drawn(1, 3, 200)
    changed = x_BCT.clone()
    changed[0, 1, 50:100] += 1  # lead 1, moment 1

    def tokens(x):
        z = encoder.patch(x.reshape(1, -1, 50)) + encoder.places
        return encoder.blocks[0](z, encoder._cross_pattern(z))[0]

    moved = (tokens(x_BCT) - tokens(changed)).abs().amax(-1).view(3, 4) > 1e-9
    assert moved.tolist() == [[False, True, False, False], [True, True, True, True], [False, True, False, False]]


def test_places_of_ecg_jepa_are_added_before_every_block():
    encoder = shaken(EcgJepaEncoder(2, 3, 16, 2, 2))
    x_BCT = drawn(2, 2, 150)
    z = encoder.patch(x_BCT.reshape(2, 6, 50))
    mask = torch.tensor([[i // 3 == j // 3 or i % 3 == j % 3 for j in range(6)] for i in range(6)])
    for block in encoder.blocks:
        z = block(z + encoder.places, mask)
    assert torch.allclose(encoder(x_BCT)["embedding"], encoder.norm(z).mean(1), atol=1e-12)


def test_st_mem_places_separators_and_leads_as_its_source_does():
    encoder = shaken(StMemEncoder(2, 3, 16, 1, 2))
    x_BCT = drawn(2, 2, 225)
    sequence = []
    for lead in range(2):
        patches = encoder.token_norm(encoder.patch(encoder.patch_norm(x_BCT[:, lead].view(2, 3, 75))))
        told = [encoder.separator + encoder.places[0, 0], *(patches[:, n] + encoder.places[0, n + 1] for n in range(3))]
        told.append(encoder.separator + encoder.places[0, -1])
        sequence += [one.expand(2, 16) + encoder.leads[lead] for one in told]
    z = encoder.blocks[0](torch.stack(sequence, 1))
    kept = [n for n in range(10) if n % 5 not in (0, 4)]
    assert torch.allclose(encoder(x_BCT)["embedding"], encoder.norm(z[:, kept].mean(1)), atol=1e-12)


def test_merls_vit_is_its_patches_blocks_mean_and_norm():
    network = shaken(MerlVit(2, 4, 10, 16, 2, 2))
    x_BCT = drawn(3, 2, 40)
    patches = torch.stack([x_BCT[..., n * 10 : n * 10 + 10].flatten(1) for n in range(4)], 1)
    z = patches @ network.patch.weight.flatten(1).T + network.places
    for block in network.blocks:
        z = block(z)
    assert torch.allclose(network(x_BCT)["embedding"], network.norm(z.mean(1)), atol=1e-12)


@pytest.mark.parametrize(("inputs", "channels", "stride"), [(8, 8, 1), (8, 16, 2)])
def test_merls_residual_block_is_two_normed_convolutions_beside_a_shortcut(inputs, channels, stride):
    block = shaken(ResidualBlock(inputs, channels, stride))

    def normed(z, norm):
        parts = (norm.running_mean, norm.running_var + norm.eps, norm.weight, norm.bias)
        mean, variance, weight, bias = (part[:, None] for part in parts)
        return (z - mean) / variance.sqrt() * weight + bias

    x = drawn(2, inputs, 12)
    z = normed(F.conv1d(x, block.first.weight, stride=stride, padding=1), block.first_norm).clamp_min(0)
    z = normed(F.conv1d(z, block.second.weight, padding=1), block.second_norm)
    aside = x if stride == 1 else normed(F.conv1d(x, block.projection.weight, stride=stride), block.projection_norm)
    assert torch.allclose(block(x), (z + aside).clamp_min(0), atol=1e-12)
