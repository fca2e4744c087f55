"""A backbone prepared for inference gives the same features."""

import pytest
import torch

from engine.backbones.fused import FusedS4, for_inference
from engine.backbones.registry import build_backbone
from engine.contract.config import Net1DConfig, S4Config, TransformerConfig
from engine.kernels.library import Kernels, kernels

CONFIGS = {
    "s4-causal": S4Config(width=48, depth=2),
    "s4-bidirectional": S4Config(width=48, depth=2, causal=False),
    "s4-short-stem": S4Config(width=32, depth=1, stem_kernels=(3, 1), stem_strides=(1, 1)),
    "s4-many-states": S4Config(width=32, depth=1, state_size=32),
    "s4-diagonal": S4Config(width=32, depth=1, form="diagonal"),
    "transformer": TransformerConfig(width=32, depth=2, heads=2),
    "net1d": Net1DConfig(width=32),
}
has_loops = pytest.mark.skipif(kernels().library is None, reason=f"compiled loops are off: {kernels().reason}")


def trained(config):
    """A backbone whose batch statistics and weights are not those of its start."""
    backbone = build_backbone(config, seed=0).train()
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
        for _ in range(3):
            backbone(2 * torch.randn(4, 12, 120) + 0.3)
    return backbone.eval()


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("batch", [1, 9])
def test_every_layer_is_equal_within_a_hundred_thousandth(name, batch):
    backbone = trained(CONFIGS[name])
    x_BCT = torch.randn(batch, 12, 131)
    with torch.inference_mode():
        truth, found = backbone(x_BCT), for_inference(backbone)(x_BCT)
    assert len(found.layers) == len(truth.layers)
    for a, b in zip(
        [*found.layers, found.latents_BLD, found.tokens_BLD],
        [*truth.layers, truth.latents_BLD, truth.tokens_BLD],
        strict=True,
    ):
        assert a.shape == b.shape
        assert (a - b).abs().max() <= 1e-5 * b.abs().max()


@has_loops
def test_s4_of_the_study_is_fused_and_other_dynamics_run_as_they_are():
    assert isinstance(for_inference(trained(CONFIGS["s4-causal"])), FusedS4)
    assert not isinstance(for_inference(trained(CONFIGS["s4-diagonal"])), FusedS4)


def test_without_compiled_loops_the_features_are_the_same(monkeypatch):
    backbone = trained(CONFIGS["s4-causal"])
    x_BCT = torch.randn(2, 12, 131)
    with torch.inference_mode():
        truth = for_inference(backbone)(x_BCT).tokens_BLD
        monkeypatch.setattr("engine.kernels.scan.kernels", lambda: Kernels(None, "off"))
        monkeypatch.setattr("engine.backbones.fused.kernels", lambda: Kernels(None, "off"))
        encode = for_inference(backbone)
        assert not isinstance(encode, FusedS4)
        found = encode(x_BCT).tokens_BLD
    assert (found - truth).abs().max() <= 1e-5 * truth.abs().max()


def test_a_backbone_in_training_is_left_alone():
    backbone = build_backbone(S4Config(width=16, depth=1), seed=0).train()
    assert for_inference(backbone) is backbone


@has_loops
def test_bfloat16_is_close_and_only_used_when_asked_for():
    backbone = trained(CONFIGS["s4-causal"])
    x_BCT = torch.randn(2, 12, 131)
    with torch.inference_mode():
        truth, rounded = backbone(x_BCT).tokens_BLD, for_inference(backbone, "bf16")(x_BCT).tokens_BLD
    error = (rounded - truth).abs().max() / truth.abs().max()
    assert 1e-4 < error < 5e-2


def test_a_signal_that_is_not_a_number_gives_features_that_are_not():
    backbone = trained(CONFIGS["s4-causal"])
    x_BCT = torch.randn(2, 12, 131)
    x_BCT[0, 0, 60] = float("nan")
    with torch.inference_mode():
        found = for_inference(backbone)(x_BCT).tokens_BLD
    assert found[0, -1].isnan().all()
    assert not found[1].isnan().any()
