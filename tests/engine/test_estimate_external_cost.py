"""What a model of somebody else's takes: counted in a second way, and measured behind the sandbox's door."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sandbox_cases import onnx_file

from engine.contract.card import Output, Preprocessing
from engine.contract.config import EfficiencyConfig, config_json
from engine.contract.errors import WorldError
from engine.contract.model_source import ExternalModel
from engine.contract.results import parse_results
from engine.contract.run import RunFolder
from engine.data.digests import sha256_of
from engine.estimate import efficiency, external_cost
from engine.estimate.call_times import CALLS_FOR_P95, LEAST_CALLS, timed
from engine.lifecycle import work
from engine.zoo.architectures.ecgresnet import ECGResNet
from engine.zoo.external import LoadedExternal

FEED = Preprocessing(rate_hz=100, window_s=3)


def source_of(folder, entry, format, outputs, **more):
    digest = sha256_of(folder / entry)
    fixed = {"name": "vendor", "folder": str(folder), "entry": entry, "files": {entry: digest}, "sha256": digest}
    return ExternalModel(format=format, preprocessing=FEED, outputs=outputs, **(fixed | more))


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    net = ECGResNet().eval()
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    outputs = (Output(name="embedding", kind="embedding"),)
    return net, source_of(tmp_path, "net.safetensors", "safetensors", outputs, architecture="ecgresnet")


def products_by_hand(net):
    """Two for each multiply-add of every convolution and linear layer, from the shapes that pass through them."""
    counts = []

    def counting(module, inputs, output):
        if isinstance(module, torch.nn.Conv1d):
            counts.append(2 * output.numel() * module.weight[0].numel())
        elif isinstance(module, torch.nn.Linear):
            counts.append(2 * output.numel() * module.in_features)

    held = [module.register_forward_hook(counting) for module in net.modules()]
    with torch.inference_mode():
        net(torch.zeros(1, 12, 300))
    for one in held:
        one.remove()
    return sum(counts)


def test_a_network_built_from_weights_tells_its_parameters_and_the_products_of_a_pass(weights):
    net, source = weights
    parameters, products = external_cost.counts_of(source)
    assert parameters == sum(one.numel() for one in net.parameters())
    assert products == products_by_hand(net) > 10**7


def test_a_run_of_a_vendors_weights_measures_the_processor_alone(weights, tmp_path):
    config = EfficiencyConfig(model=weights[1], batches=(3,), seconds=0.05, threads=1)
    path = tmp_path / "run"
    path.mkdir()
    (path / "config.json").write_text(config_json(config), encoding="utf-8")
    assert work("efficiency", path) == 0
    told = parse_results(RunFolder(path).results_path.read_text(encoding="utf-8"))
    assert (told.backbone, told.crop_s, told.rate_hz) == ("ecgresnet", 3, 100)
    assert (told.tokens, told.trainable, told.flops) == (None, None, None)
    (cost,) = told.costs
    assert (cost.device, cost.batch, cost.problem) == ("cpu", 3, "")
    assert cost.core_ms > 0
    assert cost.crops_per_s > 0
    assert "beyond torch" in cost.memory_source


def test_a_gpu_that_is_asked_for_is_a_row_with_its_reason(weights):
    cost = efficiency.BatchCost(device="cuda", device_name="Some GPU", threads=1, batch=1)
    told, notes = external_cost.measured(weights[1], cost, 0.01)
    assert (told.problem, told.calls, notes) == (external_cost.NO_GPU, 0, [])


def test_a_graph_is_measured_behind_the_sandboxs_door(tmp_path):
    outputs = (Output(name="answer", kind="embedding", over_time="mean"),)
    source = source_of(onnx_file(tmp_path / "net.onnx"), "net.onnx", "onnx", outputs)
    cost = efficiency.BatchCost(device="cpu", device_name="cpu", threads=1, batch=2)
    told, _ = external_cost.measured(source, cost, 0.2)
    assert told.problem == ""
    assert told.calls >= LEAST_CALLS
    assert told.memory_bytes > 2**20, "a process with numpy and a runtime holds more than a megabyte"
    assert "shut in" in told.memory_source
    assert external_cost.counts_of(source)[1] is None


def test_a_model_that_fails_on_a_batch_is_a_row_with_its_reason(weights, monkeypatch):
    def fails(self, x_NCT, batch_size=64):
        raise WorldError("model vendor", "it ran out of memory", "Take fewer windows")

    monkeypatch.setattr(LoadedExternal, "of_windows", fails)
    cost = efficiency.BatchCost(device="cpu", device_name="cpu", threads=1, batch=2)
    told, _ = external_cost.measured(weights[1], cost, 0.01)
    assert told.problem == "it ran out of memory"


def test_few_calls_have_no_95th_percentile_and_crops_are_counted_over_all_seconds():
    few = timed(lambda: None, 0.0)
    assert len(few.each) == LEAST_CALLS < CALLS_FOR_P95
    told = few.told(8)
    assert (told["calls"], told["p95_ms"]) == (LEAST_CALLS, None)
    assert told["p50_ms"] == pytest.approx(1e3 * np.median(few.each))
    assert told["crops_per_s"] == pytest.approx(8 * LEAST_CALLS / few.seconds)


def test_a_model_that_does_not_start_is_a_row_with_its_reason_and_not_a_lack_of_memory(weights, monkeypatch):
    def fails(source, threads):
        raise WorldError("model vendor", "the sandbox cannot isolate it", "Ask your administrator")

    monkeypatch.setattr(external_cost, "load_external", fails)
    cost = efficiency.BatchCost(device="cpu", device_name="cpu", threads=1, batch=2)
    told, notes = external_cost.measured(weights[1], cost, 0.01)
    assert (told.problem, notes) == ("the sandbox cannot isolate it", [])
