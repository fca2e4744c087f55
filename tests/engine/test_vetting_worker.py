"""A vetting from end to end: a small graph in the sandbox, a network of a known architecture, a vendor's real model."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from vetting_cases import FEED, LOGITS, golden, loaded, whole_card

from engine.contract.card import Output, Preprocessing
from engine.contract.config import ExternalModel, VetConfig, load_config
from engine.contract.errors import WorldError
from engine.contract.events import SilentWriter
from engine.contract.results import parse_results
from engine.contract.run import ManifestRow, RunFolder, Stopped
from engine.contract.vetting import CERTIFICATE, GOLDEN, KEPT_OUTPUTS, REFERENCE
from engine.data.digests import sha256_of
from engine.data.golden import GoldenECG, write_golden
from engine.data.reference_outputs import Reference, write_reference
from engine.data.store import Store
from engine.evaluation.vetting.worker import run
from engine.signal.condition import model_input
from engine.signal.readers import read_recording
from engine.signal.recording import Recording
from engine.zoo.architectures.ecgresnet import ECGResNet
from engine.zoo.external import load_external

GOLDENS = golden()


def graph_file(folder, alone=False, inputs=("signal",)):
    """Mean size of every lead, times weights; `alone` writes a batch of one into the graph behind a free axis."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32) * 10
    nodes = [
        helper.make_node("Abs", ["signal"], ["size"]),
        helper.make_node("ReduceMean", ["size"], ["mean"], axes=[2]),
    ]
    held = [numpy_helper.from_array(weights, "weights")]
    if alone:
        held.append(numpy_helper.from_array(np.array([1, 12, 1], dtype=np.int64), "shape"))
        nodes.append(helper.make_node("Reshape", ["mean", "shape"], ["shaped"]))
    else:
        nodes.append(helper.make_node("Identity", ["mean"], ["shaped"]))
    nodes += [
        helper.make_node("Squeeze", ["shaped"], ["flat"], axes=[2]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 12, 100]) for name in inputs]
    out = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])
    graph = helper.make_graph(nodes, "g", ports, [out], held)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=7)
    folder.mkdir(exist_ok=True)
    onnx.save(made, folder / "model.onnx")
    return folder, weights


def source(folder, name="model.onnx", format="onnx", feed=FEED, outputs=(LOGITS,), **more):
    sha256 = sha256_of(folder / name)
    return ExternalModel(
        name="vendor", format=format, folder=str(folder), entry=name, files={name: sha256}, sha256=sha256,
        preprocessing=feed, outputs=outputs, allow_incomplete=True, **more,
    )  # fmt: skip


def vetted(place, model, recordings=GOLDENS, reference=None, manifest=(), card=None, **settings):
    card = card or whole_card(preprocessing=model.preprocessing, outputs=model.outputs)
    config = VetConfig(
        model=model, card=card, resamples=100, threads=1, reference_sha256="r" * 64 if reference else "", **settings
    )
    folder = RunFolder.create(place, config, manifest)
    write_golden(folder.path / GOLDEN, recordings)
    if reference is not None:
        write_reference(folder.path / REFERENCE, reference)
    return folder, run(folder, config, SilentWriter())


def verdicts(results):
    return {item.name: item.verdict for item in results.sensitivity.items}


def test_a_graph_that_fits_its_card_passes_and_meets_the_vendors_numbers(tmp_path):
    folder, weights = graph_file(tmp_path / "model")
    numbers = {}
    for one in GOLDENS:
        x_NCT = model_input(one.signal_CT, one.rate_hz, FEED).astype(float)
        numbers[one.name, "logits"] = (1 / (1 + np.exp(-(np.abs(x_NCT).mean(axis=2) @ weights)))).mean(axis=0)
    place, results = vetted(tmp_path / "run", source(folder), reference=Reference(numbers))
    assert [one for one in results.findings if one.rule != "sandbox"] == []
    assert results.graph.inputs[0].shape[1:] == [12, 100]
    assert isinstance(results.graph.inputs[0].shape[0], str)
    assert results.determinism.state == "deterministic"
    assert results.determinism.batches == [1, 2, 8]
    assert results.parity.verdict == "met"
    assert json.loads((place.path / CERTIFICATE).read_text())["verdict"] == "met"
    with np.load(place.path / KEPT_OUTPUTS) as kept:
        np.testing.assert_allclose(kept["g0/logits"], numbers["g0", "logits"], atol=1e-6)
    told = verdicts(results)
    assert (told["inverted"], told["no_filter"]) == ("no difference", "not tried")
    assert told["backwards"] == "works, differs"
    assert parse_results(results.model_dump_json()) == results


@pytest.mark.slow
def test_a_free_batch_that_fails_above_one_is_found_and_run_one_by_one(tmp_path):
    folder, _ = graph_file(tmp_path / "model", alone=True)
    _, results = vetted(tmp_path / "run", source(folder))
    (found,) = [one for one in results.findings if one.rule == "batch"]
    assert "fails on 2 and 64 windows" in found.found
    assert all(one.output_sha256 for one in results.golden.answers)
    assert results.determinism.batches == [1]


def test_a_card_that_does_not_fit_its_graph_is_told_before_anything_is_run(tmp_path):
    folder, _ = graph_file(tmp_path / "model")
    other = FEED.model_copy(update={"rate_hz": 500.0})
    _, results = vetted(
        tmp_path / "run", source(folder, feed=other, outputs=(LOGITS, Output(name="x", kind="embedding")))
    )
    assert {(one.rule, one.weight) for one in results.findings} >= {("window", "blocking"), ("outputs", "blocking")}
    assert results.unchecked["values"] == "card and file do not fit each other"
    assert results.sensitivity is None
    assert results.parity.verdict == "no reference supplied"
    assert {one.refused for one in results.golden.answers} == {"the model does not run"}


def test_a_file_that_is_no_graph_is_a_finding_and_no_failure(tmp_path):
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"no graph at all")
    _, results = vetted(tmp_path / "run", source(folder), reference=Reference({("g0", "logits"): np.array([0.5, 0.5])}))
    assert [(one.rule, one.weight) for one in results.findings] == [("runs", "blocking")]
    assert results.graph is None
    assert results.parity.verdict == "not met"


def test_a_model_whose_files_were_changed_is_not_vetted(tmp_path):
    folder, _ = graph_file(tmp_path / "model")
    model = source(folder)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(WorldError, match="not the one that was registered"):
        vetted(tmp_path / "run", model)


def test_a_loss_of_auroc_is_found_on_a_cohort_with_labels(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    torch.manual_seed(0)
    save_file(ECGResNet(2).state_dict(), folder / "weights.safetensors")
    feed = FEED.model_copy(update={"window_s": 2.0})
    model = source(folder, "weights.safetensors", "safetensors", feed, architecture="ecgresnet")
    store, manifest, told = made_store(tmp_path / "store", model)
    config = VetConfig(
        model=model, card=whole_card(preprocessing=feed), store=str(store), cohort="main", labels=("A",), resamples=100
    )
    place = RunFolder.create(tmp_path / "run", config, manifest)
    write_golden(place.path / GOLDEN, GOLDENS)
    ids = np.array([row.record_id for row in manifest])
    nothing = np.full(len(ids), np.nan)
    np.savez(place.labels_path, record_id=ids, labels=np.array(["A"]), y=told[:, None], age=nothing, sex=nothing)
    results = run(place, load_config(place.config_path), SilentWriter())
    page = results.sensitivity
    assert (page.records, page.patients, page.where) == (60, 60, "cohort main")
    assert page.clean.value > 0.99  # the labels are the model's own answers
    by_name = {item.name: item for item in page.items}
    worse = by_name["chest_first"]
    assert (worse.verdict, worse.change.interval.high < 0) == ("works, only worse", True)
    assert results.dangerous
    assert by_name["first_window"].verdict in ("works, differs", "works, only worse", "no difference")


def made_store(path, model):
    """Sixty recordings, one a patient, labelled by what the model says of them."""
    rng = np.random.default_rng(7)
    with Store.create(path) as writer:
        rows = [
            writer.append(Recording((one.signal_CT * rng.uniform(0.3, 3, (12, 1))).astype(np.float32), one.rate_hz))
            for one in golden(4) * 15
        ]
        writer.flush()
    kept = Store.open(path)
    ids = [kept.entry(row).record_id for row in rows]
    windows = [model_input(kept.signal(row), 200.0, model.preprocessing) for row in rows]
    with load_external(model).opened() as loaded:
        score_N = loaded.features(windows)[:, 0]
    manifest = [ManifestRow(record_id, f"p{n:02}", f"fold-{n % 3}") for n, record_id in enumerate(ids)]
    return path, manifest, (score_N > np.median(score_N)).astype(float)


V6 = Preprocessing(
    leads=("II",),
    rate_hz=500,
    window_s=10,
    clip_mv=None,
    normalisation="rank per lead of each window, ties averaged, -1 to 1",
    axes="batch time",
)
RHYTHM = Output(
    name="rhythm_logits",
    kind="logits",
    classes=("sinus", "avb", "paced", "afib", "bbb", "ventricular"),
    activation="softmax",
    over_time="mean",
)


def by_itself(path, one):
    """What its maker's page says, with onnxruntime and nothing of this program: ranks of lead II, softmax, mean."""
    import onnxruntime
    from scipy.stats import rankdata

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    lead = one.signal_CT[1].astype(np.float64)
    ranked = 2 * (rankdata(lead) - 1) / (len(lead) - 1) - 1
    (logits,) = session.run(["rhythm_logits"], {"signal": ranked[None].astype(np.float32)})
    powers = np.exp(logits[0].astype(np.float64))
    return np.mean(powers / powers.sum(axis=1, keepdims=True), axis=0)


@pytest.mark.slow
@pytest.mark.shared
def test_openecg_is_deterministic_fails_on_batches_and_loses_its_way_when_read_at_half_the_rate(
    shared, samples, tmp_path
):
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "model"
    folder.mkdir()
    shutil.copy(shared / "vendor-models" / "openecg-codec" / "codec_v6_int8.onnx", folder)
    read = [read_recording(path) for path in sorted(samples.glob("*.hea"))[:6]]
    shown = [GoldenECG(f"g{n}", one.signal_CT, one.rate_hz) for n, one in enumerate(read)]
    model = source(folder, "codec_v6_int8.onnx", feed=V6, outputs=(RHYTHM,))
    reference = Reference({(one.name, "rhythm_logits"): by_itself(folder / model.entry, one) for one in shown})
    _, results = vetted(tmp_path / "run", model, shown, reference)
    assert results.parity.verdict == "met"
    assert results.parity.outputs[0].largest_absolute < 1e-5
    assert [one.rule for one in results.weighing("blocking")] == []
    assert {one.rule for one in results.findings} >= {"batch", "outputs"}  # two outputs are not named here
    assert results.determinism.state == "deterministic"
    told = verdicts(results)
    assert (told["gain_up"], told["gain_down"]) == ("no difference", "no difference")  # ranks know no unit
    assert (told["rate_half"], told["inverted"]) == ("works, differs", "works, differs")
    assert told["chest_first"] == "not tried"


def hostile(tmp_path, monkeypatch, answer):
    """A vetting of a network whose answers are another function's."""
    from engine.evaluation.vetting import worker

    folder = tmp_path / "model"
    folder.mkdir()
    save_file(ECGResNet(2).state_dict(), folder / "weights.safetensors")
    model = source(folder, "weights.safetensors", "safetensors", architecture="ecgresnet")
    monkeypatch.setattr(worker, "load_external", lambda *_: loaded(answer))
    return vetted(tmp_path / "run", model)[1]


def test_answers_that_change_their_shape_are_a_finding_and_no_crash(tmp_path, monkeypatch):
    turn = iter(range(10_000))
    results = hostile(tmp_path, monkeypatch, lambda x: {"logits": np.zeros((len(x), 2 + next(turn)))})
    assert ("runs", "serious") in [(one.rule, one.weight) for one in results.findings]
    assert results.determinism.state == "not measured"
    assert results.sensitivity is None


def test_answers_that_are_no_numbers_or_noise_are_told_and_the_page_stays_finite(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)

    def noisy(x):
        told = rng.normal(size=(len(x), 2))
        told[rng.random(len(x)) < 0.1] = np.nan
        return {"logits": told}

    results = hostile(tmp_path, monkeypatch, noisy)
    told = {(one.rule, one.weight) for one in results.findings}
    assert told >= {("values", "serious"), ("determinism", "serious")}
    assert results.determinism.state == "differs by call"
    assert parse_results(results.model_dump_json()) == results


def test_a_vetting_that_is_stopped_goes_on_where_it_was(tmp_path, monkeypatch):
    from engine.evaluation.vetting import bench

    folder = tmp_path / "model"
    folder.mkdir()
    torch.manual_seed(0)
    save_file(ECGResNet(2).state_dict(), folder / "weights.safetensors")
    model = source(folder, "weights.safetensors", "safetensors", architecture="ecgresnet")
    _, whole = vetted(tmp_path / "whole", model)
    config = VetConfig(model=model, card=whole_card(preprocessing=FEED, outputs=(LOGITS,)), resamples=100, threads=1)
    place = RunFolder.create(tmp_path / "run", config)
    write_golden(place.path / GOLDEN, GOLDENS)
    keep = bench.Bench._keep
    monkeypatch.setattr(bench.Pace, "step", lambda pace, done: None)  # asked to stop after the third item is kept

    def kept(one, name, told):
        keep(one, name, told)
        if len(list((place.path / bench.KEPT).glob("*.npz"))) == 3:
            raise Stopped

    monkeypatch.setattr(bench.Bench, "_keep", kept)
    with pytest.raises(Stopped):
        run(place, config, SilentWriter())
    monkeypatch.setattr(bench.Bench, "_keep", keep)
    before = {path.name: path.stat().st_mtime_ns for path in (place.path / bench.KEPT).glob("*.npz")}
    again = run(place, config, SilentWriter())
    assert len(before) == 3
    assert all((place.path / bench.KEPT / name).stat().st_mtime_ns == stamp for name, stamp in before.items())
    assert again.sensitivity == whole.sensitivity


def test_a_model_that_fails_on_noise_keeps_its_findings(tmp_path, monkeypatch):
    def only_ecgs(x):
        if np.abs(np.diff(x, axis=2)).mean() > 0.2:
            raise WorldError("vendor model", "it fails on its input", "Ask", fault="model_failed")
        return {"logits": x.std(axis=2)[:, :2]}

    results = hostile(tmp_path, monkeypatch, only_ecgs)
    assert results.determinism.state == "deterministic"
    assert "noise of an ECG's size" in next(one.found for one in results.findings if one.rule == "runs")
    assert results.sensitivity is None
