"""Asking what a model takes: what is queued, what is refused, and how the table is told."""

from pathlib import Path

import pytest
from core_cases import make_workspace, quick_copy
from external_cases import graph, vendor_card

from app.commands.efficiency_words import efficiency_words
from engine.contract.config import S4Config
from engine.contract.efficiency import BatchCost, EfficiencyResults, Flops
from engine.contract.errors import UsageError


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=2)


@pytest.fixture
def workspace(template, tmp_path, monkeypatch):
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        opened.add_random_model("untrained", S4Config(width=8, depth=1))
        opened.add_baseline()
        yield opened


def test_a_measurement_is_queued_with_what_was_asked(workspace):
    config = workspace.job_detail(workspace.efficiency("untrained", ["cpu"], [1, 8], seconds=2.0)).config
    assert (config["kind"], config["devices"], config["batches"]) == ("efficiency", ["cpu"], [1, 8])
    assert config["seconds"] == 2.0


def test_a_vendors_model_can_be_measured_too(workspace, tmp_path):
    workspace.add_external(graph(tmp_path / "brought"), vendor_card())
    config = workspace.job_detail(workspace.efficiency("vendor")).config
    assert config["model"]["source"] == "external"


def test_what_computes_nothing_here_and_what_is_out_of_range_is_refused(workspace):
    with pytest.raises(UsageError, match="is not measured here"):
        workspace.efficiency("age + sex")
    with pytest.raises(UsageError, match="seconds"):
        workspace.efficiency("untrained", seconds=-1)
    assert all(row.kind != "efficiency" for row in workspace.jobs())


def test_the_table_tells_true_costs_the_counters_and_what_could_not_be_measured():
    counts = Flops(
        forward=8_845_115_392,
        forward_backward=26_513_227_776,
        products_forward=8_845_115_392,
        products_forward_backward=26_513_227_776,
        counter_forward=8_845_115_392,
        counter_forward_backward=73_817_112_576,
        note="it takes grouped convolutions for dense ones",
    )
    measured = BatchCost(
        device="cpu",
        device_name="cpu",
        threads=1,
        batch=1,
        calls=9,
        p50_ms=90.5,
        core_ms=88.0,
        crops_per_s=11.05,
        memory_bytes=2_000_000,
        memory_source="the process",
        kwh_per_million_crops=0.2,
        energy_source="assumed: 8 W",
    )
    full = BatchCost(device="cuda", device_name="Some GPU", threads=1, batch=64, problem="too little memory")
    told = efficiency_words(
        EfficiencyResults(
            model="net",
            model_sha256="0" * 64,
            backbone="Net1D",
            crop_s=2.5,
            rate_hz=240,
            tokens=600,
            parameters=9_997_952,
            trainable=9_961_088,
            flops=counts,
            costs=[measured, full],
            seconds=1.0,
        )
    )
    words = " ".join(told.split())
    for part in ("26.5132 GFLOPs", "73.8171", "9,997,952", "90.5", "grouped", "cuda, 64 at a time: too little memory"):
        assert part in words
    assert "nan" not in words.lower()


def test_of_a_vendors_graph_the_table_says_what_cannot_be_told():
    told = efficiency_words(
        EfficiencyResults(
            model="vendor",
            model_sha256="0" * 64,
            backbone="ONNX graph",
            crop_s=10,
            rate_hz=500,
            costs=[BatchCost(device="cpu", device_name="cpu", threads=1, batch=1, p50_ms=3.0)],
            notes=["it is run one by one"],
            seconds=1.0,
        )
    )
    words = " ".join(told.split())
    for part in ("ONNX graph", "10 s at 500 Hz", "its file does not tell", "not counted", "It is run one by one."):
        assert part in words
    assert "None" not in words
