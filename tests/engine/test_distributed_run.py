"""A run of several ranks is one run: one command starts it, a rank that dies ends it, and it goes on from there."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import training_cases as cases
from safetensors.numpy import load_file

from engine import lifecycle
from engine.cli import main
from engine.contract.errors import EXIT_DONE, EXIT_USAGE, EXIT_WORLD, WorldError
from engine.contract.events import Checkpoint, EventWriter, Finished, read_events
from engine.contract.results import parse_results
from engine.contract.run import RunFolder
from engine.data.store import Store
from engine.training import children, distributed
from engine.training.checkpoint import newest_checkpoint
from engine.training.learner import Learner
from engine.training.placement import Placement, placed


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("ranks") / "store"
    cases.make_store(path)
    return path


@pytest.fixture
def begin(store, tmp_path, monkeypatch):
    """Makes a run folder; signals of this process are left alone."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def make(name, **settings):
        pace = {"steps": 6, "evaluate_every": 3, "checkpoint_every": 2}
        return RunFolder.create(
            tmp_path / name, cases.case(store, "cpc", **{**pace, **settings}), cases.manifest(Store.open(store))
        )

    return make


def said(folder, kind):
    return [event for event in read_events(folder.events_path)[0] if isinstance(event, kind)]


def started(monkeypatch):
    """Processes that rank 0 starts."""
    processes, honest = [], children._start

    def start(folder, place):
        processes.append(honest(folder, place))
        return processes[-1]

    monkeypatch.setattr(children, "_start", start)
    monkeypatch.setattr(children, "LEAVE_S", 120.0)  # a busy machine takes long to end a process
    return processes


def before_step(monkeypatch, step, act):
    honest = Learner.step

    def stepped(self, parts):
        if parts[0].draws.position == step:
            act()
        return honest(self, parts)

    monkeypatch.setattr(Learner, "step", stepped)


def weights(folder):
    return load_file(newest_checkpoint(folder.checkpoints).path / "weights.safetensors")


def close(one, other):
    for name, value in one.items():
        np.testing.assert_allclose(other[name], value, rtol=5e-4, atol=5e-5, err_msg=name)


@pytest.mark.slow
def test_one_command_starts_all_ranks_and_they_learn_what_one_would(begin, monkeypatch):
    alone, together = begin("alone"), begin("together", ranks=2)
    processes = started(monkeypatch)
    assert lifecycle.work("pretrain", alone.path) == EXIT_DONE
    assert lifecycle.work("pretrain", together.path) == EXIT_DONE, (together.path / "rank-1.log").read_text()
    assert [process.returncode for process in processes] == [0]
    close(weights(alone), weights(together))
    ends = [parse_results(folder.results_path.read_text()) for folder in (alone, together)]
    assert ends[1].final == pytest.approx(ends[0].final, rel=1e-3)
    assert [event.step for event in said(together, Checkpoint)] == [2, 4, 6]
    assert not torch.distributed.is_initialized()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a matter of POSIX")
def test_a_rank_that_is_killed_ends_the_run_cleanly_and_it_can_be_resumed(begin, monkeypatch):
    whole, cut = begin("whole"), begin("cut", ranks=2)
    assert lifecycle.work("pretrain", whole.path) == EXIT_DONE
    processes = started(monkeypatch)
    with monkeypatch.context() as patch:
        before_step(patch, 3, lambda: (processes[0].kill(), processes[0].wait()))
        begun = time.monotonic()
        assert lifecycle.work("pretrain", cut.path) == EXIT_WORLD
    assert time.monotonic() - begun < 60
    (end,) = said(cut, Finished)
    assert (end.outcome, end.fault, end.bug) == ("failed", "rank_lost", False)
    assert "rank 1 of 2 ended" in end.message
    assert "Resume" in end.next_step
    assert newest_checkpoint(cut.checkpoints).path.name == "step-000002"
    assert not cut.lock.is_held()
    assert lifecycle.work("pretrain", cut.path) == EXIT_DONE
    close(weights(whole), weights(cut))


@pytest.mark.slow
def test_a_wish_to_stop_reaches_every_rank(begin, monkeypatch):
    folder = begin("stopped", ranks=2, steps=500)
    processes = started(monkeypatch)
    before_step(monkeypatch, 2, folder.ask_stop)
    assert lifecycle.work("pretrain", folder.path) == EXIT_DONE
    assert said(folder, Finished)[-1].outcome == "stopped"
    assert newest_checkpoint(folder.checkpoints).path.name == "step-000003"
    assert [process.returncode for process in processes] == [0]


def crew(rank, store):
    return distributed._Crew(Placement(rank=rank, world=3), store, None, lambda error: None)


def test_a_rank_tells_its_fault_to_rank_0_which_tells_it_instead_of_a_broken_connection():
    store = torch.distributed.HashStore()
    with pytest.raises(WorldError), distributed._explaining(crew(2, store)):
        raise WorldError("memory", "too little", "Buy some", fault="out_of_memory")
    with (
        pytest.raises(WorldError, match=r"memory \(rank 2\): too little") as caught,
        distributed._explaining(crew(0, store)),
    ):
        raise RuntimeError("[pair.cc:534] Connection closed by peer [127.0.0.1]:4242")
    assert caught.value.fault == "out_of_memory"


def test_a_rank_that_said_nothing_is_told_as_lost_and_a_bug_as_a_bug(monkeypatch):
    monkeypatch.setattr(distributed, "LAST_WORD_S", 0.2)
    store = torch.distributed.HashStore()
    lost = pytest.raises(WorldError, match="a rank of 3 ended or no longer answers")
    with lost as caught, distributed._explaining(crew(0, store)):
        raise RuntimeError("Connection closed by peer")
    assert caught.value.fault == "rank_lost"
    with pytest.raises(RuntimeError, match="shapes"), distributed._explaining(crew(0, store)):
        raise RuntimeError("shapes do not fit")


def test_rank_0_gives_up_by_itself_when_it_hangs_in_an_exchange(begin, monkeypatch):
    """A GPU exchange with a dead rank may never return."""
    folder = begin("hanging")
    ended, done = [], threading.Event()

    def leave(code):
        ended.append(code)
        done.set()

    class Dead:
        def lost(self):
            return 1

        def end(self, patience_s=0):
            pass

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(distributed, "GRACE_S", 0.05)
    events = EventWriter(folder.events_path)
    store = torch.distributed.HashStore()
    hanging = distributed._Crew(
        Placement(world=2), store, Dead(), lambda error: distributed._give_up(folder, events, error)
    )
    assert done.wait(10)
    hanging.leave()
    events.close()
    assert ended[0] == EXIT_WORLD
    end = said(folder, Finished)[0]
    assert (end.fault, "rank 1 of 2" in end.message) == ("rank_lost", True)


TORCHRUN = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "4",
    "MASTER_ADDR": "a",
    "MASTER_PORT": "7",
}
SRUN = {
    "SLURM_PROCID": "5",
    "SLURM_NTASKS": "8",
    "SLURM_LOCALID": "1",
    "SLURM_NNODES": "2",
    "MASTER_ADDR": "a",
    "MASTER_PORT": "7",
}


@pytest.mark.parametrize("environ", [TORCHRUN, SRUN])
def test_torchrun_and_srun_tell_a_rank_its_place(environ):
    assert placed(8, environ) == Placement(5, 8, 1, 4, "a", 7)


def test_what_a_rank_is_told_is_what_it_understands():
    place = Placement(rank=1, world=2, local_rank=1, local_world=2, port=4242)
    assert placed(2, place.environment()) == place


def test_a_run_of_one_rank_ignores_launchers_and_without_one_there_is_no_place():
    assert placed(1, SRUN) is None
    assert placed(8, {"HOME": "/root", "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}) is None


def test_another_number_of_processes_than_the_config_asks_for_is_refused():
    with pytest.raises(WorldError, match="8 processes were started for a run of 4 ranks"):
        placed(4, TORCHRUN)


def test_the_batch_file_asks_for_one_task_a_gpu_and_goes_on_when_submitted_again(begin, capsys):
    folder = begin("cluster", ranks=4, batch_size=8)
    told = ["--nodes", "2", "--gpus", "2", "--time", "12:00:00", "--partition", "gpu"]
    assert main(["slurm", str(folder.path), *told]) == EXIT_DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "#!/bin/bash"
    asked = {line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")}
    assert {"nodes=2", "ntasks-per-node=2", "gpus-per-node=2", "time=12:00:00", "partition=gpu"} <= asked
    assert lines[-1].startswith("exec srun ")
    assert shlex.split(lines[-1])[-2:] == ["pretrain", str(folder.path.resolve())]


def test_a_batch_file_for_another_number_of_gpus_than_ranks_is_refused(begin, capsys):
    folder = begin("cluster", ranks=4, batch_size=8)
    assert main(["slurm", str(folder.path), "--nodes", "1", "--gpus", "8"]) == EXIT_USAGE
    assert "1 x 8 GPUs make 8 ranks, the run's config has 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (["--nodes", "-1", "--gpus", "-4"], "-1 x -4 is no number of GPUs"),
        (["--gpus", "4", "--time", "tomorrow"], "'tomorrow' is no time limit"),
        (["--gpus", "4", "--partition", "gpu\nrm"], "is no name of a partition"),
    ],
)
def test_a_batch_file_that_slurm_could_not_read_is_refused(begin, capsys, asked, reason):
    folder = begin("cluster", ranks=4, batch_size=8)
    assert main(["slurm", str(folder.path), *asked]) == EXIT_USAGE
    assert reason in capsys.readouterr().err


def children_of(process):
    """Processes that one has started, as Linux lists them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if path.read_text().rpartition(")")[2].split()[1] == str(process.pid):
                found.append(path.parent)
    return found


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="children are looked up in /proc")
def test_no_rank_outlives_rank_0(begin):
    folder = begin("orphans", ranks=2, steps=100_000)
    with folder.console_path.open("wb") as console:
        command = [sys.executable, "-m", "engine", "pretrain", str(folder.path)]
        process = subprocess.Popen(command, stdout=console, stderr=console)
    deadline = time.monotonic() + 120
    while not folder.events_path.exists() or not said(folder, Checkpoint):
        assert process.poll() is None, folder.console_path.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ranks = children_of(process)
    assert len(ranks) == 1
    process.kill()
    process.wait()
    limit = time.monotonic() + 20
    while any((rank / "exe").exists() and "State:\tZ" not in (rank / "status").read_text() for rank in ranks):
        assert time.monotonic() < limit
        time.sleep(0.1)
