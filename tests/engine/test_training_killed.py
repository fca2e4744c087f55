"""The crown test as it happens: the engine is a process, kill -9 ends it, and the resumed run ends in the same bits."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
import training_cases as cases

from engine.contract.events import Checkpoint, Finished, Progress
from engine.contract.results import PretrainResults, parse_results
from engine.objectives.registry import OBJECTIVES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.name == "nt", reason="kill -9 is a matter of POSIX"),
]
STEPS, EVERY = 60, 5


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("killed") / "store"
    cases.make_store(path)
    return path


def engine(folder):
    with folder.console_path.open("ab") as console:
        command = [sys.executable, "-m", "engine", "pretrain", str(folder.path)]
        return subprocess.Popen(command, stdout=console, stderr=console)


def wait_for(folder, process, step):
    """Until the run's checkpoint of `step` or a later one stands."""
    deadline = time.monotonic() + 120
    while not any(event.step >= step for event in cases.said(folder, Checkpoint)):
        assert process.poll() is None, folder.console_path.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def kill(folder, dice, low, high):
    """End the engine at a random step between a checkpoint and the next, or while one is written."""
    process = engine(folder)
    wait_for(folder, process, dice.randrange(low, high))
    time.sleep(dice.random() * 0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("objective", [*OBJECTIVES, "hubert, plain"])
def test_killed_at_a_random_step_and_resumed_a_run_of_any_objective_ends_in_the_same_bits(store, tmp_path, objective):
    """Weights, heads, teachers, codebooks, optimiser, and every number of the results but the time."""
    settings = {"steps": STEPS, "checkpoint_every": EVERY, "evaluate_every": 12}
    whole, killed = (cases.begin(store, tmp_path / name, objective, **settings) for name in ("J0001", "J0002"))
    expected = cases.work(whole)
    kill(killed, random.Random(f"kill {objective}"), EVERY, STEPS // 2)
    assert not cases.said(killed, Finished)
    assert engine(killed).wait(300) == 0, killed.console_path.read_text()
    results = parse_results(killed.results_path.read_text())
    assert isinstance(results, PretrainResults)
    assert results.model_copy(update={"seconds": expected.seconds}) == expected
    assert cases.weights(killed) == cases.weights(whole)
    assert [event.message for event in cases.said(killed, Progress)].count("going on from a checkpoint") == 1
    states = [
        torch.load(folder.path / results.checkpoint / "trainer.pt", weights_only=True) for folder in (whole, killed)
    ]
    assert_alike(states[0]["objective"], states[1]["objective"])
    assert_alike(states[0]["optimizer"], states[1]["optimizer"])


def assert_alike(one, other):
    """Equal to the last bit, tensors within whatever holds them."""
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert_alike(value, other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_alike(left, right)
    else:
        assert one == other


def test_a_run_killed_twice_ends_in_the_same_bits(store, tmp_path):
    settings = {"steps": STEPS, "checkpoint_every": EVERY, "evaluate_every": 12}
    whole, killed = (cases.begin(store, tmp_path / name, "cpc", **settings) for name in ("J0001", "J0002"))
    expected, dice = cases.work(whole), random.Random(11)
    kill(killed, dice, EVERY, 20)
    kill(killed, dice, 30, 50)
    assert engine(killed).wait(300) == 0, killed.console_path.read_text()
    assert cases.weights(killed) == cases.weights(whole)
    assert parse_results(killed.results_path.read_text()).final == expected.final
