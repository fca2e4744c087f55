"""Configs refuse what cannot work, each fault in one sentence that names the field."""

import json

import pytest

from engine.contract.config import PretrainConfig, config_json, load_config, parse_config
from engine.contract.errors import WorldError


def test_an_unknown_field_is_named():
    with pytest.raises(WorldError, match="learning_rte: Extra inputs are not permitted"):
        parse_config({"kind": "pretrain", "learning_rte": 1e-3})


def test_every_fault_is_named_at_once():
    with pytest.raises(WorldError, match=r"batch_size: .*; steps: "):
        parse_config({"kind": "pretrain", "batch_size": 0, "steps": 0})


def test_cpc_on_a_backbone_that_sees_the_future_is_refused_with_the_reason():
    with pytest.raises(WorldError, match="CPC needs a causal backbone"):
        parse_config({"kind": "pretrain", "backbone": {"name": "s4", "causal": False}})


def test_a_crop_too_short_for_the_offset_is_refused():
    with pytest.raises(WorldError, match=r"a crop of 0\.1 s gives 12 tokens, cpc needs 16"):
        parse_config({"kind": "pretrain", "window_s": 0.1})


def test_more_target_layers_than_the_backbone_has_are_refused():
    backbone, objective = {"name": "s4", "causal": False, "depth": 1}, {"name": "data2vec"}
    with pytest.raises(WorldError, match="top_layers = 2, but the backbone has 1 blocks of full width"):
        parse_config({"kind": "pretrain", "backbone": backbone, "objective": objective})


def test_a_net1d_makes_targets_of_its_last_two_stages():
    net1d = {"name": "net1d", "causal": False}
    assert parse_config({"kind": "pretrain", "backbone": net1d, "objective": {"name": "dinosr", "top_layers": 8}})
    with pytest.raises(WorldError, match="top_layers = 9, but the backbone has 8"):
        parse_config({"kind": "pretrain", "backbone": net1d, "objective": {"name": "dinosr", "top_layers": 9}})


def test_jepa_targets_that_can_cover_the_whole_crop_are_refused():
    objective = {"name": "jepa", "targets": 5}
    with pytest.raises(WorldError, match=r"5 targets of up to 0\.2 of a crop can leave nothing to see"):
        parse_config({"kind": "pretrain", "backbone": {"name": "s4", "causal": False}, "objective": objective})


def test_another_contract_version_is_refused():
    with pytest.raises(WorldError, match="contract version 99"):
        parse_config({"kind": "import", "contract": 99, "store": "s"})


def test_nan_is_refused():
    with pytest.raises(WorldError, match="learning_rate"):
        parse_config({"kind": "pretrain", "learning_rate": float("nan")})


def test_a_config_survives_the_file(tmp_path):
    config = PretrainConfig(store="store", steps=7)
    path = tmp_path / "config.json"
    path.write_text(config_json(config))
    assert load_config(path) == config
    assert json.loads(path.read_text())["backbone"]["width"] == 512


def test_a_damaged_config_file_is_the_worlds_error(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"kind": "pre')
    with pytest.raises(WorldError, match=r"config\.json: it cannot be read"):
        load_config(path)
