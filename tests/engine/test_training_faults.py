"""What the machine does to a training is told by name, with a way out, and the last good checkpoint stays."""

import math
import types

import pytest
import torch
import training_cases as cases

from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError
from engine.contract.events import Warned
from engine.objectives.base import Loss
from engine.objectives.cpc import CPC
from engine.training import checkpoint, faults, gauges, loop
from engine.training.checkpoint import newest_checkpoint
from engine.training.faults import largest_that_fits


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "store"
    cases.make_store(path)
    return path


def failing(error):
    def fail():
        raise error

    return fail


def limited(monkeypatch, crops, error):
    """A machine whose memory holds so many crops."""
    honest = CPC.loss

    def loss(self, batch):
        if len(batch.x_BCT) > crops:
            raise error
        return honest(self, batch)

    monkeypatch.setattr(CPC, "loss", loss)


GPU_FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
CPU_FULL = RuntimeError("[enforce fail at alloc_cpu.cpp:119] . DefaultCPUAllocator: can't allocate memory: you tried")
WINDOWS_FULL = RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4294967296 bytes.")


@pytest.mark.parametrize("error", [GPU_FULL, CPU_FULL, WINDOWS_FULL, MemoryError(), RuntimeError("std::bad_alloc")])
def test_memory_that_runs_out_is_told_with_the_largest_batch_that_fits(store, tmp_path, monkeypatch, error):
    limited(monkeypatch, 3, error)
    with pytest.raises(WorldError, match=r"8 crops at a time; the largest batch that fits is 2\. ") as caught:
        cases.work(cases.begin(store, tmp_path / "J0001"))
    assert caught.value.fault == "out_of_memory"
    assert caught.value.next_step == "Set batch_size = 2, or accumulate = 4 to keep the batch"


def test_the_advice_for_memory_is_followed_and_works(store, tmp_path, monkeypatch):
    limited(monkeypatch, 2, GPU_FULL)
    assert cases.work(cases.begin(store, tmp_path / "J0001", accumulate=4)).steps == 8


def test_memory_that_holds_no_crop_at_all_asks_for_a_smaller_model(store, tmp_path, monkeypatch):
    limited(monkeypatch, 0, GPU_FULL)
    with pytest.raises(WorldError, match=r"even for one\. Choose a smaller model"):
        cases.work(cases.begin(store, tmp_path / "J0001"))


def test_the_search_for_what_fits_halves_and_lets_other_errors_through():
    tried = []

    def attempt(crops):
        tried.append(crops)
        if crops > 5:
            raise MemoryError

    assert largest_that_fits(attempt, 32) == 4
    assert tried == [32, 16, 8, 4]
    with pytest.raises(RuntimeError, match="shapes"):
        largest_that_fits(lambda crops: failing(RuntimeError("shapes"))(), 4)


def test_the_advice_keeps_to_parts_that_divide_the_batch():
    config = PretrainConfig(batch_size=24, ranks=2)
    told = faults.out_of_memory(config, asked=12, fits=5, device="cuda")
    assert told.next_step == "Set batch_size = 10, or accumulate = 3 to keep the batch"


GONE = RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported")


def test_a_gpu_that_vanishes_leaves_a_run_that_can_be_resumed(store, tmp_path, monkeypatch):
    whole, folder = cases.begin(store, tmp_path / "J0001"), cases.begin(store, tmp_path / "J0002")
    cases.work(whole)
    cases.before_step(monkeypatch, 5, failing(GONE))
    with pytest.raises(
        WorldError, match=r"the GPU failed or is gone \(CUDA error: unspecified launch failure\)"
    ) as caught:
        cases.work(folder)
    assert caught.value.fault == "device_lost"
    assert caught.value.next_step.startswith("Step 3 is kept as the last good one")
    cases.work(folder)
    assert cases.weights(folder) == cases.weights(whole)


def test_a_bug_stays_a_bug(store, tmp_path, monkeypatch):
    cases.before_step(monkeypatch, 1, failing(RuntimeError("mat1 and mat2 shapes cannot be multiplied")))
    with pytest.raises(RuntimeError, match="mat1"):
        cases.work(cases.begin(store, tmp_path / "J0001"))


def test_a_full_disk_has_its_name(store, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_write_synced", lambda *_: failing(OSError(28, "No space left on device"))())
    with pytest.raises(WorldError, match="disk: it is full") as caught:
        cases.work(cases.begin(store, tmp_path / "J0001"))
    assert caught.value.fault == "disk_full"


def test_records_of_a_bad_step_are_named_though_it_was_read_later(store, tmp_path, monkeypatch):
    """As on a GPU, where losses are read about once a second: the checkpoint of step 6 is not written any more."""
    honest_init, honest = loop.Loop.__init__, CPC.loss

    def unread(self, *arguments, **named):
        honest_init(self, *arguments, **named)
        self._reads_each_step = False

    def spoilt(self, batch):
        loss = honest(self, batch)
        if batch.draws.stream == "train" and batch.draws.position == 4:
            return Loss(loss.total * math.nan, loss.parts)
        return loss

    monkeypatch.setattr(loop.Loop, "__init__", unread)
    monkeypatch.setattr(CPC, "loss", spoilt)
    folder = cases.begin(store, tmp_path / "J0001", evaluate_every=100)
    with pytest.raises(WorldError, match="the gradient is not a number at step 5") as caught:
        cases.work(folder)
    assert caught.value.fault == "not_a_number"
    assert newest_checkpoint(folder.checkpoints).path.name == "step-000003"
    named = cases.said(folder, Warned)[0].message.partition("its records: ")[2].split(", ")
    assert len(named) == 8
    assert set(named) <= {row.record_id for row in folder.manifest() if row.split == "train"}


def test_a_temperature_is_asked_of_the_gpu_by_its_uuid(monkeypatch):
    asked = []

    class Nvml:
        def nvmlInit_v2(self):
            return 0

        def nvmlDeviceGetHandleByUUID(self, uuid, handle):
            asked.append(uuid)
            handle._obj.value = 1
            return 0

        def nvmlDeviceGetTemperature(self, handle, sensor, degrees):
            degrees._obj.value = 61
            return 0

    facts = types.SimpleNamespace(uuid="8d1f0c1e-0000-1111-2222-333344445555")
    monkeypatch.setattr(gauges.ctypes, "CDLL", lambda name: Nvml())
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: facts)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3_000_000_000)
    assert gauges.Gauges(torch.device("cuda")).read() == {"memory_gb": 3.0, "temperature_c": 61.0}
    assert asked == [b"GPU-8d1f0c1e-0000-1111-2222-333344445555"]


def test_a_gpu_without_its_library_tells_its_memory_and_a_cpu_tells_nothing(monkeypatch):
    def absent(name):
        raise OSError

    monkeypatch.setattr(gauges.ctypes, "CDLL", absent)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 1_000_000_000)
    assert gauges.Gauges(torch.device("cuda")).read() == {"memory_gb": 1.0}
    assert gauges.Gauges(torch.device("cpu")).read() == {}
