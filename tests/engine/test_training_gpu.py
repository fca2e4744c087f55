"""On a GPU: a step never waits for the host, full-size steps learn at the speed and in the memory that are recorded
with each test, in bfloat16 as in float32, and several GPUs learn what one does."""

import pytest
import torch
import training_cases as cases

from engine.bench.training_steps import our_steps
from engine.contract.config import CPCConfig, JEPAConfig, Net1DConfig, PretrainConfig, S4Config, TransformerConfig
from engine.contract.events import Metric
from engine.objectives.base import Batch
from engine.training.learner import Learner, read

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU on this machine"),
]

PAIRS = [(S4Config(), CPCConfig()), (TransformerConfig(causal=False), JEPAConfig()), (Net1DConfig(), JEPAConfig())]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("gpu") / "store"
    cases.make_store(path)
    return path


def batch(step, size=16):
    x_BCT = torch.randn(size, 12, 600, generator=torch.Generator().manual_seed(step)).pin_memory()
    return Batch.whole(x_BCT, 0, "train", step)


def test_a_step_never_waits_for_the_gpu():
    """CPC: objectives that gather masked tokens ask the GPU how many there are."""
    learner = Learner(PretrainConfig(clip_norm=1.0), torch.device("cuda"))
    learner.step([batch(0)])
    torch.cuda.set_sync_debug_mode("error")
    try:
        told = learner.step([batch(1)])
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert read(told)["loss"] > 0


@pytest.mark.parametrize(("backbone", "objective"), PAIRS, ids=lambda config: config.name)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_full_size_steps_lower_the_loss_of_a_batch(backbone, objective, precision):
    config = PretrainConfig(backbone=backbone, objective=objective, precision=precision)
    learner = Learner(config, torch.device("cuda"))
    told = [read(learner.step([batch(0)]))["loss"] for _ in range(12)]
    assert told[-1] < told[0]
    assert all(p.dtype == torch.float32 for p in learner.objective.parameters())


@pytest.mark.parametrize(("backbone", "objective"), PAIRS, ids=lambda config: config.name)
def test_full_size_steps_in_bfloat16_are_faster_smaller_and_near_those_in_float32(backbone, objective, record_property):
    """Batch 64, as published; `record_property` puts steps a second and GB beside the test in a report (--junitxml)."""
    told = {}
    for precision in ("float32", "bfloat16"):
        config = PretrainConfig(backbone=backbone, objective=objective, precision=precision)
        told[precision] = our_steps(config, torch.device("cuda"), steps=12)
        record_property(f"{precision}, steps a second", told[precision].per_s)
        record_property(f"{precision}, GB", told[precision].memory_gb)
    full, half = told["float32"], told["bfloat16"]
    assert half.losses == pytest.approx(full.losses, rel=0.05)
    assert half.per_s > full.per_s
    assert 0 < half.memory_gb < full.memory_gb


def test_a_run_tells_the_memory_of_the_gpu(store, tmp_path):
    folder = cases.begin(store, tmp_path / "J0001", device="cuda")
    cases.work(folder)
    assert cases.said(folder, Metric)[-1].values["memory_gb"] > 0


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one rank a GPU: this machine has fewer than two")
def test_two_gpus_learn_what_one_learns(store, tmp_path):
    ends = []
    for ranks in (1, 2):
        folder = cases.begin(store, tmp_path / f"J{ranks}", device="cuda", ranks=ranks)
        ends.append(cases.work(folder).final)
    assert ends[1] == pytest.approx(ends[0], rel=1e-2)
