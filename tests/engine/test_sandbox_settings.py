"""Checkpoints as training frameworks write them: objects of classes that are not here stand beside the weights."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from engine.contract.errors import WorldError
from engine.zoo.sandbox.convert import convert_checkpoint

pytestmark = pytest.mark.slow  # each opens a sandbox that loads torch

THEIRS = """
import enum
class Config:
    def __init__(self, rate): self.rate, self.parts = rate, [1, 2]
class Names(list): pass
class Weights(dict): pass
class Way(enum.Enum):
    CAUSAL = 1
def rebuilt(rate): return Config(rate)
class Rebuilt(Config):
    def __reduce__(self): return rebuilt, (self.rate,)
"""
MAKER = """
import sys, types, torch
made = types.ModuleType("their_settings")
sys.modules["their_settings"] = made
exec(sys.argv[3], made.__dict__)
weights = {"net.weight": torch.arange(6.0).reshape(2, 3), "net.bias": torch.ones(2)}
beside = {"settings": made.Config(240), "names": made.Names("ab"), "way": {made.Way.CAUSAL: 1}, "r": made.Rebuilt(1)}
held = {
    "beside": {"state_dict": weights, **beside},
    "own dict": {"state_dict": made.Weights(weights)},
    "within": {"net": made.Config(weights)},
}
torch.save(held[sys.argv[1]], sys.argv[2])
"""


def made(kind, folder):
    """A checkpoint whose classes exist in the process that wrote it and nowhere else."""
    subprocess.run([sys.executable, "-c", MAKER, kind, str(folder / "a.ckpt"), THEIRS], check=True)
    return folder / "a.ckpt"


@pytest.mark.parametrize("kind", ["beside", "own dict"])
def test_weights_are_had_whatever_stands_beside_them(kind, tmp_path):
    target = tmp_path / "a.safetensors"
    done = convert_checkpoint(made(kind, tmp_path), target, key="state_dict", allow_incomplete=True)
    assert (done.tensors, done.values) == (2, 8)
    assert load_file(target)["net.weight"].equal(torch.arange(6.0).reshape(2, 3))


def test_weights_within_an_object_of_an_unknown_class_are_not(tmp_path):
    with pytest.raises(WorldError, match=r"their_settings\.Config") as refused:
        convert_checkpoint(made("within", tmp_path), tmp_path / "a.safetensors", allow_incomplete=True)
    assert refused.value.fault == "checkpoint_classes"
