"""What a model costs: FLOPs against the published table and a second count; runs that measure in own processes."""

import math
from contextlib import closing

import pytest

from engine.backbones.registry import SHOWN, build_backbone
from engine.backbones.spectral import circle_length
from engine.contract.config import BaselineModel, EfficiencyConfig, RandomModel, S4Config, config_json
from engine.contract.errors import UsageError
from engine.contract.events import EventWriter, read_events
from engine.contract.results import parse_results
from engine.contract.run import RunFolder, Stopped
from engine.estimate import call_times, efficiency, flops
from engine.kernels.library import Kernels
from engine.lifecycle import work

TINY = RandomModel(name="tiny", backbone=S4Config(width=16, depth=1))


def folder_of(tmp_path, **fields):
    config = EfficiencyConfig(**({"model": TINY, "batches": (2,), "seconds": 0.05, "threads": 1} | fields))
    path = tmp_path / "run"
    path.mkdir()
    (path / "config.json").write_text(config_json(config), encoding="utf-8")
    return RunFolder(path), config


@pytest.mark.parametrize(
    ("name", "published", "counter"),
    [("s4-causal", (1.7412, 5.2126), None), ("net1d", (8.8451, 26.5132), 73.8171)],
)
def test_costs_are_the_published_ones_and_the_counters_figure_stands_beside(name, published, counter):
    told = flops.flops_of(build_backbone(SHOWN[name]), 600)
    products = told.products_forward, told.products_forward_backward
    assert tuple(round(count / 1e9, 4) for count in products) == published
    if counter:
        assert round(told.counter_forward_backward / 1e9, 4) == counter
        assert "grouped" in told.note
    else:
        assert told.forward > told.products_forward
        assert "Fourier" in told.note


def test_a_corrected_counter_agrees_with_the_account_of_grouped_convolutions():
    backbone = build_backbone(SHOWN["net1d"])
    forward, backward = flops.counted(backbone, 600, flops.corrected())
    cost = backbone.products(600)
    assert (forward, forward + backward) == (cost.forward, cost.forward_backward)


def test_a_corrected_counter_sees_the_transforms_of_the_s4_convolution(monkeypatch):
    """Of the input, the kernel and the result; the account has those that a batch does not share, and the spectra."""
    monkeypatch.setattr("engine.kernels.scan.kernels", lambda: Kernels(None, "transforms are wanted"))
    backbone = build_backbone(S4Config(width=16, depth=2))
    seen = [
        a - b
        for a, b in zip(flops.counted(backbone, 600, flops.corrected()), flops.counted(backbone, 600), strict=True)
    ]
    n = circle_length(300)
    one = 2 * 16 * 2.5 * n * math.log2(n)
    assert seen == pytest.approx([3 * one, 3 * one], rel=1e-5)
    spectra = 2 * 16 * 6 * (n // 2 + 1)
    cost = backbone.products(600)
    assert cost.convolution == pytest.approx(2 * one + spectra, rel=1e-6)
    assert cost.convolution_backward == pytest.approx(2 * one + 2 * spectra, rel=1e-6)


def test_a_run_measures_each_batch_size_in_a_process_of_its_own(tmp_path):
    folder, _ = folder_of(tmp_path)
    assert work("efficiency", folder.path) == 0
    told = parse_results(folder.results_path.read_text(encoding="utf-8"))
    assert (told.tokens, told.parameters) == (300, told.trainable)
    (cost,) = told.costs
    assert (cost.device, cost.batch, cost.problem) == ("cpu", 2, "")
    assert cost.calls >= call_times.LEAST_CALLS
    assert cost.core_ms > 0
    assert cost.crops_per_s == pytest.approx(2e3 / cost.p50_ms, rel=0.95)
    assert cost.memory_bytes > 0
    assert cost.kwh_per_million_crops > 0
    assert cost.energy_source


def test_few_calls_have_no_95th_percentile_and_many_have():
    config = EfficiencyConfig(model=TINY, seconds=1e-9, threads=1)
    assert efficiency.measured(config, "cpu", 1)[0].p95_ms is None
    many, _ = efficiency.measured(config.model_copy(update={"seconds": 0.5}), "cpu", 1)
    assert many.p95_ms >= many.p50_ms


def _ended(pipe, config_json, device, batch):
    raise SystemExit(9)


@pytest.mark.slow
def test_a_process_that_the_system_ends_is_a_row_with_its_reason(tmp_path, monkeypatch):
    folder, config = folder_of(tmp_path)
    monkeypatch.setattr(efficiency, "_child", _ended)
    told, _ = efficiency._isolated(folder, config, "cpu", 64)
    assert (told.batch, told.calls) == (64, 0)
    assert "the system ended the process" in told.problem


def test_a_batch_that_memory_cannot_hold_is_a_row_with_its_reason(monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(efficiency, "_timed", full)
    told, _ = efficiency.measured(EfficiencyConfig(model=TINY, threads=1), "cpu", 1)
    assert told.problem == "the device has too little memory for this batch"


def test_a_run_stops_when_asked(tmp_path):
    folder, config = folder_of(tmp_path, seconds=600)
    folder.ask_stop()
    with closing(EventWriter(folder.events_path)) as events, pytest.raises(Stopped):
        efficiency.run(folder, config, events)
    assert read_events(folder.events_path, 0)[0]


def test_what_is_no_network_is_refused(tmp_path):
    folder, config = folder_of(tmp_path, model=BaselineModel(name="age + sex"))
    with closing(EventWriter(folder.events_path)) as events, pytest.raises(UsageError, match="no layers to measure"):
        efficiency.run(folder, config, events)


def test_without_a_counter_energy_is_of_the_cores_that_worked_and_says_so(monkeypatch, tmp_path):
    meter = efficiency.EnergyMeter(efficiency.pick_device("cpu"), 1, rapl=tmp_path)
    joules, source = meter.spent(seconds=10.0, core_seconds=2.0)
    assert joules == pytest.approx(16)
    assert source.startswith("assumed: 8 W")
