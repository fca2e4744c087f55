"""What a model came from stands in its card for ever, and only a parent that fits is gone on from."""

import shutil

import pytest
import torch
import training_cases as cases

from engine.backbones.registry import build_backbone
from engine.backbones.weights import load_backbone
from engine.contract.card import DERIVED_STAMP, LEAK_NOTE, RESEARCH_STAMP, ModelCard
from engine.contract.config import CPCConfig, S4Config
from engine.contract.errors import WorldError
from engine.contract.run import Stopped
from engine.signal.normalise import TEXTS
from engine.training.checkpoint import sha256
from engine.training.learner import Learner


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("lineage") / "store"
    cases.make_store(path)
    return path


@pytest.fixture(scope="module")
def parent(store, tmp_path_factory):
    """A finished model and its card."""
    folder = cases.begin(store, tmp_path_factory.mktemp("parent") / "J0001", name="parent", seed=3)
    return folder.path / cases.work(folder).checkpoint


def card_of(checkpoint):
    return ModelCard.model_validate_json((checkpoint / "card.json").read_text())


def test_a_model_that_was_started_fresh_has_no_parent(parent):
    card = card_of(parent)
    assert (card.stamp, card.lineage.parent_sha256, card.lineage.parent_name) == (RESEARCH_STAMP, "", "")
    assert card.notes == ()


def test_a_child_starts_from_its_parents_weights_and_names_it(store, tmp_path, parent, monkeypatch):
    seen = []
    folder = cases.begin(store, tmp_path / "J0002", name="child", parent=str(parent))
    cases.before_step(monkeypatch, 0, lambda: None)
    honest = Learner.step

    def look(self, parts):
        seen.append({name: value.clone() for name, value in self.backbone.state_dict().items()})
        return honest(self, parts)

    monkeypatch.setattr(Learner, "step", look)
    checkpoint = folder.path / cases.work(folder).checkpoint
    expected = load_backbone(parent / "weights.safetensors")[0].state_dict()
    assert all(torch.equal(seen[0][name], value) for name, value in expected.items())
    card = card_of(checkpoint)
    assert card.stamp == DERIVED_STAMP
    assert card.lineage.parent_name == "parent"
    assert card.lineage.parent_sha256 == sha256(parent / "weights.safetensors")


def test_a_child_of_a_child_has_the_stamp_as_well_also_when_it_was_cut_and_its_parent_is_gone(
    store, tmp_path, parent, monkeypatch
):
    child = cases.begin(store, tmp_path / "J0002", name="child", parent=str(parent))
    between = tmp_path / "between"
    shutil.copytree(child.path / cases.work(child).checkpoint, between)
    folder = cases.begin(store, tmp_path / "J0003", name="grandchild", parent=str(between))
    cases.before_step(monkeypatch, 5, folder.ask_stop)
    with pytest.raises(Stopped):
        cases.work(folder)
    folder.clear_stop()
    shutil.rmtree(between)
    card = card_of(folder.path / cases.work(folder).checkpoint)
    assert (card.stamp, card.lineage.parent_name) == (DERIVED_STAMP, "child")


def test_a_teacher_starts_from_the_parents_weights_too(store):
    config = cases.case(store, "data2vec")
    learner = Learner(config, torch.device("cpu"), build_backbone(config.backbone, seed=77))
    state = learner.objective.state_dict()
    inside = [name for name in state if name.startswith("teacher") and name.endswith("stem.blocks.0.conv.weight")]
    assert inside
    assert all(torch.equal(state[name], state["backbone.stem.blocks.0.conv.weight"]) for name in inside)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (
            {"backbone": S4Config(width=8, depth=2, state_size=2)},
            r"backbone\.state_size \(4, here 2\), .*width \(16, here 8\)",
        ),
        ({"rate_hz": 120.0}, r"rate_hz \(100\.0, here 120\.0\)"),
        ({"clip_mv": 2.0, "window_s": 1.0}, r"clip_mv \(3\.0, here 2\.0\), window_s \(0\.5, here 1\.0\)"),
        ({"normalisation": "ptbxl"}, "normalisation"),
    ],
)
def test_a_parent_that_differs_is_refused_with_the_fields_named(store, tmp_path, parent, settings, named):
    folder = cases.begin(store, tmp_path / "J0002", parent=str(parent), **settings)
    with pytest.raises(WorldError, match=f"it differs from the config in {named}") as caught:
        cases.work(folder)
    assert caught.value.fault == "checkpoint"


@pytest.mark.parametrize("file", ["weights.safetensors", "card.json"])
def test_a_parent_that_was_tampered_with_is_refused(store, tmp_path, parent, file):
    copy = tmp_path / "copy"
    shutil.copytree(parent, copy)
    content = bytearray((copy / file).read_bytes())
    content[-9] ^= 1
    (copy / file).write_bytes(content)
    with pytest.raises(WorldError):
        cases.work(cases.begin(store, tmp_path / "J0002", parent=str(copy)))


def test_a_leaking_pair_says_so_and_its_child_inherits_it(store, tmp_path):
    backbone = S4Config(width=8, depth=2, state_size=4, causal=False)
    released = CPCConfig(offsets=(3,), negatives=8, fidelity="as_released")
    first = cases.begin(store, tmp_path / "J0001", released, backbone=backbone)
    checkpoint = first.path / cases.work(first).checkpoint
    assert card_of(checkpoint).notes == (LEAK_NOTE,)
    second = cases.begin(store, tmp_path / "J0002", "data2vec", backbone=backbone, parent=str(checkpoint))
    assert card_of(second.path / cases.work(second).checkpoint).notes == (LEAK_NOTE,)


def test_the_card_says_how_the_signal_was_normalised(store, tmp_path):
    folder = cases.begin(store, tmp_path / "J0001", normalisation="ptbxl_as_released")
    card = card_of(folder.path / cases.work(folder).checkpoint)
    assert card.preprocessing.normalisation == TEXTS["ptbxl_as_released"]
