"""Configs refuse what cannot work, each fault in one sentence that names the field."""

import json

import pytest

from engine.contract.config import PretrainConfig, config_json, load_config, parse_config
from engine.contract.errors import WorldError


def test_an_unknown_field_is_named():
    with pytest.raises(WorldError, match=r"learning_rte: there is no such setting \(did you mean learning_rate"):
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


def test_a_fault_is_placed_as_it_was_written_and_told_without_the_schemas_words():
    with pytest.raises(WorldError) as told:
        parse_config({"kind": "pretrain", "objective": {"name": "cpc", "offsets": 14}, "backbone": {"name": "lstm"}})
    assert told.value.reason == (
        "backbone: 'lstm' is not known; choose one of 's4', 'transformer', 'net1d'; objective.offsets: a list is needed"
    )


def test_what_holds_for_the_whole_config_is_told_without_a_place():
    with pytest.raises(WorldError) as told:
        parse_config({"kind": "pretrain", "batch_size": 7, "ranks": 2})
    assert told.value.reason == "a batch of 7 cannot be split into 2 ranks times 1 parts"


def test_a_stem_kernel_longer_than_any_crop_is_refused():
    with pytest.raises(WorldError, match="backbone: a stem has at most 16 convolutions"):
        parse_config({"kind": "pretrain", "backbone": {"name": "s4", "stem_kernels": [100_001, 1, 1, 1]}})


def test_a_batch_in_which_nothing_is_masked_is_refused():
    objective = {"name": "data2vec", "mask_probability": 1e-5}
    with pytest.raises(WorldError, match=r"a batch would have 0\.19 masked spans"):
        parse_config({"kind": "pretrain", "backbone": {"name": "s4", "causal": False}, "objective": objective})


def test_an_early_stop_without_held_out_patients_is_refused():
    with pytest.raises(WorldError, match="early_stop watches the held-out loss"):
        parse_config({"kind": "pretrain", "early_stop": 3, "validation_fraction": 0})


@pytest.mark.parametrize(
    ("axes", "reason"),
    [
        ({"name": ["a", "b"]}, r"axes\.name: the study settles it"),
        ({"store": ["/elsewhere"]}, r"axes\.store: the study settles it"),
        ({"seed": [0, 1, 0]}, r"axes\.seed: 0 stands there twice"),
        ({"seed": list(range(1000)), "steps": list(range(1, 1001))}, "1,000,000 runs"),
    ],
)
def test_a_study_that_nobody_can_mean_is_refused(axes, reason):
    with pytest.raises(WorldError, match=reason):
        parse_config({"kind": "study", "axes": axes})


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


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"steps": True}, "steps: a number is needed, not true"),
        ({"learning_rate": False}, "learning_rate: a number is needed, not false"),
        ({"objective": {"name": "cpc", "offsets": [True]}}, "objective.offsets: a number is needed, not true"),
        ({"backbone": {"name": "s4", "width": True}}, "backbone.width: a number is needed, not true"),
        ({"probe": {"every": True}}, "probe.every: a number is needed, not true"),
    ],
)
def test_true_is_no_number_wherever_it_stands(settings, told):
    with pytest.raises(WorldError) as error:
        parse_config({"kind": "pretrain", **settings})
    assert error.value.reason == told


def test_what_is_a_boolean_stays_one_also_along_an_axis():
    assert parse_config({"kind": "pretrain", "backbone": {"name": "s4", "causal": True}}).backbone.causal is True
    told = parse_config({"kind": "study", "axes": {"backbone.causal": [True, False], "seed": [0, 1]}})
    assert [type(value) for value in told.axes["backbone.causal"]] == [bool, bool]
    assert [type(value) for value in told.axes["seed"]] == [int, int]


def test_more_context_than_a_crop_has_tokens_is_refused_by_its_field():
    with pytest.raises(WorldError, match=r"objective\.least_context = 400, but a crop of 2\.5 s has 300 tokens"):
        parse_config({"kind": "pretrain", "objective": {"name": "jepa", "least_context": 400}})
    parse_config({"kind": "pretrain", "objective": {"name": "jepa", "least_context": 300}})


def test_a_warm_up_longer_than_the_training_is_told_and_not_refused():
    """Configs that were run with one stay readable."""
    told = parse_config({"kind": "pretrain", "warmup_steps": 4000, "steps": 1000}).cautions
    assert told == [
        "warmup_steps = 4,000 is more than steps = 1,000: the learning rates never reach more than 25% of what is set."
    ]
    assert parse_config({"kind": "pretrain", "warmup_steps": 1000, "steps": 1000}).cautions == []
