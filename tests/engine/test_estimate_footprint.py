"""What a model takes is counted without building it, and one that no machine here holds is refused."""

import pytest
import torch
from torch import nn

from engine import workers
from engine.backbones.registry import build_backbone
from engine.contract.config import CPCConfig, JEPAConfig, Net1DConfig, PretrainConfig, S4Config, TransformerConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter
from engine.contract.run import RunFolder
from engine.estimate.footprint import SPARE, Footprint, footprint, too_large_to_build
from engine.estimate.rehearsal import Room
from engine.training.learner import Learner


class Quiet(EventWriter):
    """Rank 0's writer, without a file."""

    def __init__(self):
        pass


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
    assert told["refusal"].startswith("the model with gradients, optimiser and a checkpoint in the making takes 2")
    assert told["refusal"].endswith("GB, the cpu has 20.0 GB free")
    assert told["advice"] == "Set backbone.width = 512"


def kept_for_the_backward_pass(config):
    """Bytes of all tensors that torch saves in the forward pass of one crop, each storage once, without weights."""
    backbone = build_backbone(config.backbone, 0).train()
    weights = {p.untyped_storage().data_ptr() for p in backbone.parameters()}
    kept = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = (tensor, tensor.untyped_storage().nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        backbone(torch.zeros(1, 12, config.samples)).tokens_BLD.sum()
    return sum(size for place, (_, size) in kept.items() if place not in weights)


@pytest.mark.parametrize(
    "backbone",
    [
        S4Config(width=64, causal=False),
        S4Config(width=128),
        TransformerConfig(width=64),
        TransformerConfig(width=128, feedforward=2),
        TransformerConfig(width=64, depth=12, feedforward=8),
        Net1DConfig(width=64),
        Net1DConfig(width=128),
    ],
)
def test_the_features_of_a_crop_are_counted_to_less_than_they_take_and_to_more_than_half(backbone):
    config = PretrainConfig(backbone=backbone, objective=JEPAConfig())
    assert 0.5 < footprint(config).features / kept_for_the_backward_pass(config) < 1


def test_features_ranks_and_a_checkpoint_that_is_written_count_beside_the_model():
    found = Footprint(parameters=1, held=100, checkpoint=70, features=10)
    assert found.of(1) == 170
    assert found.of(16) == 260
    assert found.of(4, ranks=3) == 420
    assert found.of(1, ranks=3) == 370


def test_half_the_numbers_are_half_as_long_in_bfloat16():
    plain, half = (footprint(PretrainConfig(precision=precision)).features for precision in ("float32", "bfloat16"))
    assert half == plain // 2


def test_a_model_just_below_the_limit_is_refused_since_crop_and_checkpoint_come_on_top():
    found = footprint(GIANT)
    told = too_large_to_build(GIANT, found, round(1.01 * found.held), "cpu")
    assert told["refusal"].startswith("the model with gradients, optimiser and a checkpoint in the making takes")
    assert not too_large_to_build(GIANT, found, round(1.06 * found.of(1)), "cpu")
    assert too_large_to_build(GIANT, found, round(1.06 * found.of(1)), "cpu", ranks=2)["refusal"].count(
        "each of 2 ranks"
    )


def test_a_batch_that_the_system_would_end_is_refused_with_the_one_that_fits(tmp_path, monkeypatch):
    config = PretrainConfig(batch_size=64, device="cpu")
    found = footprint(config)
    monkeypatch.setattr(workers, "room_before", lambda device: Room(None, round(found.of(40) / SPARE)))
    with pytest.raises(WorldError, match="too little memory for 64 crops at a time; the largest batch that fits is 32"):
        workers.pretrain(RunFolder(tmp_path), config, Quiet())


def test_a_model_that_fits_is_not_refused():
    assert not too_large_to_build(GIANT, footprint(GIANT), 10**12, "cpu")
    assert not too_large_to_build(GIANT, footprint(GIANT), None, "cpu")


def test_a_pretraining_of_such_a_model_ends_with_the_reason_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "room_before", lambda device: Room(None, 20_000_000_000))
    with pytest.raises(WorldError, match=r"takes 2\d\d\.\d GB, the cpu has 20\.0 GB free") as told:
        workers.pretrain(RunFolder(tmp_path), GIANT.model_copy(update={"device": "cpu"}), Quiet())
    assert told.value.fault == "out_of_memory"
