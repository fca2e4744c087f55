"""A weights file brings back the backbone it was made from, or is refused."""

import pytest
import torch
from safetensors.torch import save

from engine.backbones.registry import build_backbone
from engine.backbones.weights import load_backbone, weights_bytes
from engine.contract.backbone import Net1DConfig, TransformerConfig
from engine.contract.config import S4Config
from engine.contract.errors import WorldError

CONFIG = S4Config(width=16, depth=2, causal=False)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(weights_bytes(build_backbone(CONFIG, seed=3), CONFIG))
    return path


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        S4Config(width=16, depth=2, form="diagonal", dynamics="trained"),
        TransformerConfig(width=16, depth=2, heads=2, causal=True),
        Net1DConfig(width=32, stage_blocks=(1,) * 7, idle_norms=True),
    ],
    ids=lambda config: config.summary,
)
def test_what_was_saved_computes_the_same(tmp_path, config):
    path, backbone = tmp_path / "weights.safetensors", build_backbone(config, seed=3)
    x_BCT = torch.randn(2, 12, 100)
    backbone.train()(x_BCT)  # moves the statistics of the batch norms, which are kept too
    path.write_bytes(weights_bytes(backbone, config))
    loaded, told = load_backbone(path)
    assert told == loaded.config == config
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(x_BCT).tokens_BLD, backbone.eval()(x_BCT).tokens_BLD)


def test_equal_weights_are_equal_bytes():
    one, two = (weights_bytes(build_backbone(CONFIG, seed=3), CONFIG) for _ in range(2))
    assert one == two


def test_a_cut_file_is_refused(file):
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(WorldError, match="cannot be read"):
        load_backbone(file)


def test_a_file_without_our_config_is_refused(file):
    file.write_bytes(save({"x": torch.zeros(1)}))
    with pytest.raises(WorldError, match="which backbone"):
        load_backbone(file)


def test_tensors_of_another_backbone_are_refused(file):
    other = S4Config(width=32, depth=2)
    file.write_bytes(weights_bytes(build_backbone(other, seed=0), CONFIG))
    with pytest.raises(WorldError, match="do not fit"):
        load_backbone(file)


def test_a_backbone_of_the_future_is_refused(file):
    content = file.read_bytes().replace(b'\\"name\\":', b'\\"game\\":', 1)
    file.write_bytes(content)
    with pytest.raises(WorldError, match="does not know"):
        load_backbone(file)
