"""Two processes with half the crops each learn what one learns with all, for every objective: 2 x 32 is 1 x 64."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import training_cases as cases

from engine.contract.events import SilentWriter
from engine.data.store import Store
from engine.objectives.registry import OBJECTIVES
from engine.training.batches import ALONE
from engine.training.learner import Learner, read
from engine.training.pretrain import open_data

ROOT = Path(__file__).resolve().parent.parent.parent
RUNNABLE = [name for name in cases.OBJECTIVES if name.split(",")[0] in OBJECTIVES]


@pytest.fixture(scope="module", params=[8, pytest.param(64, marks=pytest.mark.slow)], ids=lambda size: f"batch {size}")
def batch(request):
    """Crops of a whole batch: a few, and as many as in the study."""
    return request.param


@pytest.fixture(scope="module")
def store(batch, tmp_path_factory):
    path = tmp_path_factory.mktemp("ranks") / "store"
    cases.make_store(path, batch + 20)
    return path


@pytest.fixture(scope="module")
def shared_by_two(store, batch, tmp_path_factory):
    """What two ranks tell, each: this process is the first, so that torch is loaded once less."""
    folder = tmp_path_factory.mktemp("told")
    environment = os.environ | {
        "WORLD_SIZE": "2",
        "BATCH": str(batch),
        "MEETING": str(folder / "meeting"),
        "OBJECTIVES": ";".join(RUNNABLE),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    files = [folder / f"{rank}.npz" for rank in range(2)]
    command = [sys.executable, cases.__file__, str(store), str(files[1])]
    with subprocess.Popen(command, env=environment | {"RANK": "1"}, stderr=subprocess.PIPE) as other:
        with pytest.MonkeyPatch.context() as told:
            for name, value in (environment | {"RANK": "0"}).items():
                told.setenv(name, value)
            cases.main(store, files[0])
        said = other.communicate(timeout=240)[1].decode()
    assert other.returncode == 0, said
    return [dict(np.load(file)) for file in files]


def test_every_objective_is_tried():
    assert {name.split(",")[0] for name in RUNNABLE} == set(OBJECTIVES)


@pytest.mark.parametrize("objective", RUNNABLE)
def test_two_ranks_with_half_the_crops_each_learn_what_one_learns_with_all(store, batch, shared_by_two, objective):
    alone = cases.train(cases.case(store, objective, batch_size=batch), ALONE)
    together = {
        key.removeprefix(f"{objective}/"): value
        for key, value in shared_by_two[0].items()
        if key.startswith(f"{objective}/")
    }
    assert set(together) == set(alone)
    assert any(key.startswith("look/validation_loss") for key in alone)
    for key, value in alone.items():
        np.testing.assert_allclose(together[key], value, rtol=2e-4, atol=2e-5, err_msg=key)


@pytest.mark.parametrize("objective", RUNNABLE)
def test_all_ranks_end_with_the_same_bits(shared_by_two, objective):
    for key, value in shared_by_two[0].items():
        if key.startswith(f"{objective}/"):
            np.testing.assert_array_equal(shared_by_two[1][key], value, err_msg=key)


def steps(store, monkeypatch, **settings):
    """CPC without what is computed over a batch: running statistics in BatchNorm, no dropout."""
    config = cases.case(store, "cpc", **settings)
    learner = Learner(config, torch.device("cpu"))
    monkeypatch.setattr(learner.objective, "train", lambda: torch.nn.Module.train(learner.objective, False))
    data = open_data(config, cases.manifest(Store.open(store)), SilentWriter())
    told = [read(learner.step(data.training.parts(step, data.training.read(step)))) for step in range(3)]
    return told, learner.objective.state_dict()


def test_a_batch_in_four_parts_is_the_whole_batch_but_for_what_is_computed_over_a_batch(store, monkeypatch):
    whole, whole_state = steps(store, monkeypatch)
    parts, parts_state = steps(store, monkeypatch, accumulate=4)
    for one, other in zip(whole, parts, strict=True):
        for name in ("loss", "accuracy", "gradient_norm"):
            assert other[name] == pytest.approx(one[name], rel=1e-4)
    for name, value in whole_state.items():
        torch.testing.assert_close(parts_state[name], value, rtol=2e-4, atol=2e-5)
