"""What a model takes is counted without building it, and one that no machine here holds is refused."""

import pytest
from torch import nn

from engine import workers
from engine.contract.config import CPCConfig, JEPAConfig, Net1DConfig, PretrainConfig, S4Config, TransformerConfig
from engine.contract.errors import WorldError
from engine.contract.events import SilentWriter
from engine.contract.run import RunFolder
from engine.estimate.footprint import footprint, too_large_to_build
from engine.estimate.rehearsal import Room
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


def test_a_pretraining_of_such_a_model_ends_with_the_reason_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "room_before", lambda device: Room(None, 20_000_000_000))
    with pytest.raises(WorldError, match=r"takes 1\d\d\.\d GB, the cpu has 20\.0 GB free") as told:
        workers.pretrain(RunFolder(tmp_path), GIANT.model_copy(update={"device": "cpu"}), SilentWriter())
    assert told.value.fault == "out_of_memory"
