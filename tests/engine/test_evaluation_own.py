"""A vendor's own outputs as answers, through whole runs of the engine."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from test_evaluation_runs import RANDOM, Bench, last_event, results

from engine.contract.answers import answers
from engine.contract.card import Output, Preprocessing
from engine.contract.config import DriftConfig, EmbedConfig, StressConfig
from engine.contract.errors import UsageError
from engine.contract.model_source import ExternalModel
from engine.data.digests import sha256_of
from engine.data.store import Store
from engine.evaluation.own import own_scores
from engine.lifecycle import work
from engine.metrics.discrimination import auroc
from engine.signal.condition import model_input
from engine.zoo.architectures.ecgresnet import ECGResNet
from engine.zoo.external import load_external

OUTPUTS = (
    Output(name="logits", kind="logits", classes=("SLOW", "rare", "C", "D", "E"), activation="sigmoid"),
    Output(name="embedding", kind="embedding"),
)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)
    return Bench(tmp_path)


@pytest.fixture
def vendor(tmp_path):
    torch.manual_seed(3)
    folder = tmp_path / "vendor"
    folder.mkdir()
    save_file(ECGResNet().state_dict(), folder / "net.safetensors")
    return ExternalModel(
        name="vendor",
        format="safetensors",
        folder=str(folder),
        entry="net.safetensors",
        files={"net.safetensors": sha256_of(folder / "net.safetensors")},
        architecture="ecgresnet",
        sha256="0" * 64,
        preprocessing=Preprocessing(rate_hz=100, window_s=3, stride_s=1.5, aggregation="mean over windows"),
        outputs=OUTPUTS,
    )


def by_hand(bench, vendor):
    store, model = Store.open(bench.path / "store"), load_external(vendor)
    rows = [store.find(record) for record in bench.ids]
    return model.features([model_input(store.signal(row), 250.0, vendor.preprocessing) for row in rows])


def test_a_label_is_scored_by_the_class_of_its_name_and_nothing_is_trained(bench, vendor):
    folder, code = bench.evaluate(vendor, mode="own", labels=("SLOW",))
    assert code == 0
    told = results(folder)
    scores = by_hand(bench, vendor)[:, 0]
    assert told.mode == "the model's own outputs"
    assert told.labels[0].auroc.value == pytest.approx(auroc(bench.y[:, 0], scores), abs=1e-6)
    assert told.labels[0].calibration is not None
    assert not told.training
    with np.load(folder.path / "predictions.npz") as kept:
        np.testing.assert_allclose(kept["scores"][:, 0], scores, atol=1e-6)


def test_a_class_of_another_name_answers_where_the_evaluation_says_so(bench, vendor):
    folder, code = bench.evaluate(vendor, mode="own", labels=("SLOW",), classes={"SLOW": "logits: D"})
    assert code == 0
    told = results(folder)
    assert told.labels[0].auroc.value == pytest.approx(auroc(bench.y[:, 0], by_hand(bench, vendor)[:, 3]), abs=1e-6)
    assert "The model answers 'SLOW' by its class 'D'" in told.notes


def test_its_embedding_is_what_a_linear_probe_takes(bench, vendor):
    folder, code = bench.evaluate(vendor, mode="linear", labels=("SLOW",))
    assert code == 0
    assert results(folder).layers == ["logits", "embedding"]
    assert results(folder).mode == "linear probe"


def test_what_was_computed_once_is_taken_from_the_cache(bench, vendor, monkeypatch):
    assert work("embed", bench.folder(EmbedConfig(**_common(bench, vendor))).path) == 0
    monkeypatch.setattr(
        "engine.zoo.external.LoadedExternal.features", lambda *_: pytest.fail("it was computed a second time")
    )
    assert bench.evaluate(vendor, mode="own", labels=("SLOW",))[1] == 0


def test_outputs_read_otherwise_are_computed_anew(vendor):
    plain = OUTPUTS[0].model_copy(update={"activation": "none"})
    other = vendor.model_copy(update={"outputs": (plain, OUTPUTS[1])})
    assert vendor.identity != other.identity
    assert vendor.identity == vendor.model_copy(update={"name": "else"}).identity


def test_logits_without_an_activation_are_scores_and_have_no_calibration(bench, vendor):
    plain = OUTPUTS[0].model_copy(update={"activation": "none"})
    model = vendor.model_copy(update={"outputs": (plain,)})
    told = results(bench.evaluate(model, mode="own", labels=("SLOW",))[0])
    assert told.labels[0].calibration is None
    assert told.labels[0].auroc.value is not None
    assert any("scores and no probabilities" in note for note in told.notes)


def test_its_own_outputs_are_put_under_stress_without_a_probe(bench, vendor):
    config = StressConfig(
        **_common(bench, vendor), labels=("SLOW",), mode="own", faults=("time_reversed",), resamples=100
    )
    folder = bench.folder(config)
    assert work("stress", folder.path) == 0, last_event(folder)
    told = results(folder)
    assert told.mode == "the model's own outputs"
    assert told.clean.value == pytest.approx(auroc(bench.y[:, 0], by_hand(bench, vendor)[:, 0]), abs=1e-6)


def test_two_sides_are_compared_in_its_embedding(bench, vendor):
    config = DriftConfig(**_common(bench, vendor), labels=(), permutations=100)
    folder = bench.folder(config, ["reference" if n % 2 else "local" for n in range(40)])
    assert work("drift", folder.path) == 0, last_event(folder)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"mode": "finetune"}, "nothing of it can be trained here"),
        ({"mode": "own", "classes": {"SLOW": "Z"}}, "has no class 'Z'"),
        ({"mode": "own", "classes": {"ELSE": "C"}}, "it is not evaluated"),
    ],
)
def test_what_a_vendors_model_cannot_do_is_refused_with_its_reason(bench, vendor, settings, match):
    folder, code = bench.evaluate(vendor, labels=("SLOW",), **settings)
    assert code != 0
    assert match in last_event(folder).message


def test_a_model_of_ours_has_no_outputs_of_its_own(bench):
    folder, code = bench.evaluate(RANDOM, labels=("SLOW",), mode="own")
    assert code != 0
    assert "for outputs of a vendor's model" in last_event(folder).message


def test_a_model_without_an_embedding_cannot_be_probed(bench, vendor):
    folder, code = bench.evaluate(vendor.model_copy(update={"outputs": OUTPUTS[:1]}), labels=("SLOW",))
    assert code != 0
    assert "nothing to probe" in last_event(folder).message


def test_a_label_that_two_outputs_would_answer_is_refused():
    twice = (OUTPUTS[0], OUTPUTS[0].model_copy(update={"name": "other"}))
    with pytest.raises(UsageError, match="logits: SLOW and other: SLOW would answer it"):
        answers("vendor", twice, ["SLOW"])
    assert answers("vendor", twice, ["SLOW"], {"SLOW": "other: SLOW"})[0].output == "other"


def test_a_label_of_a_scheme_is_answered_by_the_class_of_its_own_name():
    assert answers("vendor", OUTPUTS, ["ptbxl-super: Rare"])[0].place == 1


def test_numbers_that_are_none_are_missing_scores():
    chosen = answers("vendor", OUTPUTS, ["SLOW"])
    score_NL, probability_NL = own_scores({"logits": np.array([[np.inf] * 5, [0.5] * 5], dtype=np.float32)}, chosen)
    assert np.isnan(score_NL[0, 0])
    assert score_NL[1, 0] == probability_NL[1, 0] == 0.5


def _common(bench, vendor):
    return {"store": str(bench.path / "store"), "model": vendor, "cache": str(bench.path / "cache"), "threads": 1}
