"""Runs of contract version 1 stay readable: for reports, for their hashes, and to be asked for again."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.core.config_paths import config_sha256, portable, portable_again
from app.core.old_configs import pretraining_of
from engine.contract.config import (
    AnyConfig,
    CompareConfig,
    CPCConfig,
    EstimateConfig,
    EvaluateConfig,
    NativeModel,
    PretrainConfig,
    StudyConfig,
    config_json,
)
from engine.contract.version import CONTRACT_VERSION

OLD: dict[str, Any] = {
    "kind": "pretrain",
    "contract": 1,
    "name": "demo CPC",
    "store": "store",
    "backbone": {
        "name": "s4",
        "width": 64,
        "depth": 4,
        "state_size": 8,
        "causal": True,
        "dropout": 0.2,
        "stem_kernels": [3, 1, 1, 1],
        "stem_strides": [2, 1, 1, 1],
    },
    "objective": {"name": "cpc", "fidelity": "intended", "offset": 7, "negatives": 64},
    "rate_hz": 240.0,
    "window_s": 2.5,
    "clip_mv": 3.0,
    "batch_size": 16,
    "steps": 450,
    "learning_rate": 0.005,
    "backbone_factor": 1.0,
    "stem_factor": 1.0,
    "weight_decay": 0.001,
    "validation_fraction": 0.1,
    "evaluate_every": 75,
    "checkpoint_every": 150,
    "keep_checkpoints": 2,
    "seed": 0,
    "threads": 1,
    "device": "cpu",
}
"""As version 0.1 wrote it into a database."""


def test_a_pretraining_of_version_1_is_read_with_its_one_offset() -> None:
    config = pretraining_of(OLD)
    assert config.objective == CPCConfig(offsets=(7,), negatives=64)
    assert (config.contract, config.steps, config.normalisation) == (CONTRACT_VERSION, 450, "none")
    assert OLD["objective"]["offset"] == 7


def test_a_config_of_today_is_read_as_it_is() -> None:
    config = PretrainConfig(name="new", objective=CPCConfig(offsets=(3, 5)))
    assert pretraining_of(config.model_dump(mode="json")) == config


ROOT = Path("/data/ward 7")


@pytest.mark.parametrize(
    "config",
    [
        PretrainConfig(store=str(ROOT / "store"), parent=str(ROOT / "models/abc")),
        EstimateConfig(pretrain=PretrainConfig(store=str(ROOT / "store"))),
        StudyConfig(store=str(ROOT / "store"), base={"parent": str(ROOT / "models/abc")}, axes={"seed": (0, 1)}),
        EvaluateConfig(
            store=str(ROOT / "store"),
            cache=str(ROOT / "cache"),
            model=NativeModel(name="m", checkpoint=str(ROOT / "models/abc")),
            labels=("MI",),
        ),
        CompareConfig(
            evaluations=(str(ROOT / "runs/J0003"), str(ROOT / "runs/J0004")), names=("a", "b"), labels=("MI",)
        ),
    ],
    ids=lambda config: config.kind,
)
def test_a_run_folders_config_has_the_hash_of_the_database_wherever_it_was_written(config: AnyConfig) -> None:
    written = json.loads(config_json(config))
    assert config_sha256(portable_again(written)) == config_sha256(portable(config, ROOT))
    assert str(ROOT) not in json.dumps(portable_again(written))


def test_the_hash_of_a_version_1_config_can_still_be_made() -> None:
    written = {**OLD, "store": str(ROOT / "store")}
    assert config_sha256(portable_again(written)) == config_sha256(OLD)
    with pytest.raises(KeyError):
        portable_again({"kind": "pretrain"})
