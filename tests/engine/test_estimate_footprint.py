"""What a model takes is counted without building it, and one that no machine here holds is refused."""

import pytest
from torch import nn

from engine.contract.config import CPCConfig, JEPAConfig, Net1DConfig, PretrainConfig, S4Config, TransformerConfig
from engine.estimate.footprint import footprint, too_large_to_build
from engine.training.learner import Learner

GIANT = PretrainConfig(
    backbone=TransformerConfig(width=2048, depth=48, feedforward=16, causal=True), objective=CPCConfig()
)


@pytest.mark.parametrize("backbone", [S4Config, TransformerConfig, Net1DConfig])
def test_the_model_that_is_counted_is_the_one_that_would_be_built(backbone):
    config = PretrainConfig(backbone=backbone(width=32, causal=False), objective=JEPAConfig())
    built = Learner(config, nn.Parameter().device).objective
    trained = sum(p.numel() for p in built.parameters() if p.requires_grad)
    idle = sum(p.numel() for p in built.parameters() if not p.requires_grad)
    assert footprint(config).held == 16 * trained + 4 * idle


def test_a_model_of_seven_thousand_million_parameters_is_refused_in_place_of_being_built():
    found = footprint(GIANT)
    assert found.parameters > 7e9
    told = too_large_to_build(GIANT, found, 20_000_000_000, "cpu")
    assert told["refusal"].startswith("the model with gradients and optimiser takes 1")
    assert told["refusal"].endswith("GB, the cpu has 20.0 GB free")
    assert told["advice"] == "Set backbone.width = 512"


def test_a_model_that_fits_is_not_refused():
    assert not too_large_to_build(GIANT, footprint(GIANT), 10**12, "cpu")
    assert not too_large_to_build(GIANT, footprint(GIANT), None, "cpu")
