"""A model is what its card says, or it is refused."""

import hashlib

import pytest
import torch

from engine.backbones.registry import build_backbone
from engine.backbones.weights import weights_bytes
from engine.contract.card import ModelCard, Preprocessing
from engine.contract.config import NativeModel, RandomModel, S4Config
from engine.contract.errors import WorldError
from engine.zoo.native import load_model

SMALL = S4Config(width=16, depth=2)


def checkpoint(folder, **changes):
    content = weights_bytes(build_backbone(SMALL, seed=5), SMALL)
    told = {
        "name": "small",
        "source": "native",
        "weights_sha256": hashlib.sha256(content).hexdigest(),
        "preprocessing": Preprocessing(rate_hz=240.0, window_s=2.5),
    }
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(content)
    (folder / "card.json").write_text(ModelCard(**{**told, **changes}).model_dump_json(), encoding="utf-8")
    return NativeModel(name="small", checkpoint=str(folder))


def test_a_checkpoint_gives_back_the_weights_that_were_saved(tmp_path):
    model = load_model(checkpoint(tmp_path / "c"))
    expected = build_backbone(SMALL, seed=5).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.module.state_dict().items())
    assert not model.module.training
    assert model.layers == ("stem", "block1", "block2")
    assert model.preprocessing.rate_hz == 240.0


def test_weights_that_are_not_those_of_the_card_are_refused(tmp_path):
    with pytest.raises(WorldError, match="its weights are not the ones its card names"):
        load_model(checkpoint(tmp_path / "c", weights_sha256="0" * 64))


def test_one_changed_byte_of_the_weights_is_noticed(tmp_path):
    source = checkpoint(tmp_path / "c")
    path = tmp_path / "c" / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WorldError, match="its weights are not the ones its card names"):
        load_model(source)


@pytest.mark.parametrize(("gone", "reason"), [("card.json", "card.json is missing"), ("weights.safetensors", "cannot")])
def test_a_checkpoint_that_lacks_a_file_is_refused(tmp_path, gone, reason):
    source = checkpoint(tmp_path / "c")
    (tmp_path / "c" / gone).unlink()
    with pytest.raises(WorldError, match=reason):
        load_model(source)


def test_a_card_without_preprocessing_or_with_other_leads_is_refused(tmp_path):
    with pytest.raises(WorldError, match="does not say what it must be fed"):
        load_model(checkpoint(tmp_path / "a", preprocessing=None))
    feed = Preprocessing(rate_hz=240.0, window_s=2.5, leads=("II",))
    with pytest.raises(WorldError, match="other leads"):
        load_model(checkpoint(tmp_path / "b", preprocessing=feed))


def test_a_random_model_is_a_function_of_its_seed():
    one, same, other = (load_model(RandomModel(name="r", backbone=SMALL, seed=s)) for s in (1, 1, 2))
    assert one.sha256 == same.sha256 != other.sha256


def test_a_random_models_hash_is_that_of_the_file_its_weights_would_make(tmp_path):
    drawn = load_model(RandomModel(name="r", backbone=SMALL, seed=5))
    assert drawn.sha256 == load_model(checkpoint(tmp_path / "c")).sha256
