"""Runs with every setting of the loop: cut and resumed they end alike, and each setting does what it says."""

import math
import random

import pytest
import torch
import training_cases as cases

from engine.contract.card import COLLAPSE_NOTE, ModelCard
from engine.contract.config import ProbeConfig
from engine.contract.events import Checkpoint, CollapseWatch, Metric, Probed, Progress, Warned
from engine.contract.results import Estimate, LabelResult, ProbeChange, ProbePoint
from engine.contract.run import ManifestRow, Stopped
from engine.data.store import Store
from engine.objectives import collapse
from engine.objectives.registry import OBJECTIVES
from engine.signal.recording import Recording
from engine.training.learner import Learner

CPU = torch.device("cpu")
RUNNABLE = [*OBJECTIVES, "hubert, plain"]
LIVELY = {"warmup_steps": 3, "schedule": "cosine", "clip_norm": 0.5, "accumulate": 2, "early_stop": 5}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "store"
    cases.make_store(path)
    return path


class Killed(BaseException):
    pass


def die():
    raise Killed


def crown(store, tmp_path, monkeypatch, step, objective="cpc", **settings):
    """The same run uncut and cut before a step: weights, optimiser and heads must end in the same bits."""
    whole = cases.begin(store, tmp_path / "J0001", objective, **settings)
    cut = cases.begin(store, tmp_path / "J0002", objective, **settings)
    expected = cases.work(whole)
    cases.before_step(monkeypatch, step, die)
    with pytest.raises(Killed):
        cases.work(cut)
    results = cases.work(cut)
    assert cases.weights(cut) == cases.weights(whole)
    assert results.final == expected.final
    states = [
        torch.load(folder.path / results.checkpoint / "trainer.pt", weights_only=True)["objective"]
        for folder in (whole, cut)
    ]
    for name, value in states[0].items():
        assert torch.equal(states[1][name], value), name


@pytest.mark.parametrize("objective", RUNNABLE)
def test_a_run_of_any_objective_cut_at_a_random_step_ends_in_the_same_bits(store, tmp_path, monkeypatch, objective):
    step = random.Random(f"crown {objective}").randrange(1, 8)
    crown(store, tmp_path, monkeypatch, step, objective)


@pytest.mark.parametrize("settings", [LIVELY, {"precision": "bfloat16"}, {"normalisation": "ptbxl"}])
def test_a_run_with_every_setting_on_ends_in_the_same_bits(store, tmp_path, monkeypatch, settings):
    crown(store, tmp_path, monkeypatch, 5, **settings)


def steps(store, objective, **settings):
    return cases.train(cases.case(store, objective, **settings), cases.Share())


@pytest.mark.parametrize("objective", RUNNABLE)
def test_bfloat16_learns_about_the_same_and_keeps_float32_weights_and_losses(store, objective):
    """bfloat16 has 8 bits of precision: sums of many products agree to about a percent."""
    exact, rough = steps(store, objective), steps(store, objective, precision="bfloat16")
    assert all(rough[name].dtype == value.dtype for name, value in exact.items())
    assert rough["step 0/loss"] == pytest.approx(exact["step 0/loss"], rel=0.05)
    assert rough["look/validation_loss"] == pytest.approx(exact["look/validation_loss"], rel=0.1)
    assert rough["step 0/loss"] != exact["step 0/loss"]


def test_a_long_gradient_is_shortened_and_told_as_it_was(store):
    free, clipped = steps(store, "cpc", steps=1), steps(store, "cpc", steps=1, clip_norm=1e-3)
    assert clipped["step 0/gradient_norm"] == free["step 0/gradient_norm"] > 1e-3
    # AdamW's first step does not depend on the gradient's length, but for its epsilon of 1e-8.
    learner = Learner(cases.case(store, "cpc", clip_norm=1e-3), CPU)
    data = cases.open_data(learner._config, cases.manifest(Store.open(store)), cases.SilentWriter())
    learner.step(data.training.parts(0, data.training.read(0)))
    norm = torch.nn.utils.get_total_norm([p.grad for p in learner.objective.parameters() if p.grad is not None])
    assert norm == pytest.approx(1e-3, rel=1e-4)


def test_the_learning_rate_that_is_told_follows_the_schedule(store, tmp_path):
    folder = cases.begin(store, tmp_path / "J0001", schedule="cosine", warmup_steps=4, evaluate_every=2)
    results = cases.work(folder)
    told = {event.step: event.values["learning_rate"] for event in cases.said(folder, Metric)}
    assert told[2] == pytest.approx(3e-3 * 2 / 4)
    assert told[4] == pytest.approx(3e-3)
    assert told[6] == pytest.approx(3e-3 * (1 + math.cos(math.pi / 3)) / 2)
    assert told[8] == results.final["learning_rate"] == pytest.approx(0)


def worsening(monkeypatch, losses):
    """Held-out losses as told here, one a look."""
    waiting = list(losses)
    monkeypatch.setattr(Learner, "validate", lambda self, batches: {"validation_loss": waiting.pop(0)})


def test_a_run_ends_early_when_the_held_out_loss_no_longer_falls_and_stays_ended(store, tmp_path, monkeypatch):
    worsening(monkeypatch, [3.0, 2.0, 2.5, 2.6, 1.0])
    folder = cases.begin(store, tmp_path / "J0001", steps=40, evaluate_every=2, early_stop=2)
    results = cases.work(folder)
    assert (results.stopped_early, results.steps) == (True, 8)
    assert (results.checkpoint, results.kept_step) == ("checkpoints/step-000004", 4)
    again = cases.work(folder)
    assert again == results


def begin_to_worsen(store, path, monkeypatch, losses=(3.0, 2.0, 2.5, 2.6), **settings):
    worsening(monkeypatch, losses)
    return cases.begin(store, path, **{"steps": 40, "evaluate_every": 2, "early_stop": 2, **settings})


def test_an_early_stop_keeps_the_weights_of_the_best_look_and_all_that_was_measured_of_them(
    store, tmp_path, monkeypatch
):
    folder = begin_to_worsen(store, tmp_path / "J0001", monkeypatch, keep_checkpoints=1, schedule="cosine")
    results = cases.work(folder)
    shorter = cases.begin(store, tmp_path / "J0002", steps=40, schedule="cosine", evaluate_every=40)
    cases.before_step(monkeypatch, 3, shorter.ask_stop)
    with pytest.raises(Stopped):
        cases.work(shorter)
    kept = folder.path / results.checkpoint
    assert (kept / "weights.safetensors").read_bytes() == cases.weights(shorter)
    assert results.final["validation_loss"] == 2.0
    assert results.final["learning_rate"] == pytest.approx(3e-3 * (1 + math.cos(math.pi * 3 / 39)) / 2)
    card = ModelCard.model_validate_json((kept / "card.json").read_text())
    assert (card.weights_sha256, card.lineage.steps) == (results.weights_sha256, 4)
    assert sorted(path.name for path in folder.checkpoints.iterdir()) == ["step-000004", "step-000008"]


def test_an_early_stop_keeps_the_last_weights_where_that_is_asked_for(store, tmp_path, monkeypatch):
    folder = begin_to_worsen(store, tmp_path / "J0001", monkeypatch, early_stop_keeps="last")
    results = cases.work(folder)
    assert (results.checkpoint, results.kept_step) == ("checkpoints/step-000008", None)
    assert results.final["validation_loss"] == 2.6


def test_the_last_step_is_the_result_when_it_is_the_best(store, tmp_path, monkeypatch):
    folder = begin_to_worsen(store, tmp_path / "J0001", monkeypatch, losses=(3.0, 2.0, 2.5, 1.0), steps=8)
    results = cases.work(folder)
    assert (results.stopped_early, results.kept_step, results.steps) == (False, None, 8)


def test_the_last_probe_is_of_the_weights_that_are_kept(store, tmp_path, monkeypatch):
    folder = begin_to_worsen(store, tmp_path / "J0001", monkeypatch, probe=ProbeConfig(every=3))
    probe = Probe()
    results = cases.work(folder, probe)
    assert probe.asked == [0, 3, 6, 4]
    assert [point.step for point in results.probes] == [0, 3, 4]
    assert cases.work(folder, probe) == results
    assert len(probe.asked) == 4


def test_a_kept_checkpoint_that_is_damaged_leaves_the_last_one_as_the_result(store, tmp_path, monkeypatch):
    folder = begin_to_worsen(store, tmp_path / "J0001", monkeypatch)
    results = cases.work(folder)
    (folder.path / results.checkpoint / "weights.safetensors").write_bytes(b"damaged")
    again = cases.work(folder)
    assert (again.checkpoint, again.kept_step) == ("checkpoints/step-000008", None)


@pytest.mark.parametrize("step", [4, 5, 7])
def test_cut_after_its_best_look_a_run_keeps_the_same_weights(store, tmp_path, monkeypatch, step):
    whole = begin_to_worsen(store, tmp_path / "J0001", monkeypatch)
    expected = cases.work(whole)
    cut = begin_to_worsen(store, tmp_path / "J0002", monkeypatch)  # no look is repeated: all cuts follow a checkpoint
    cases.before_step(monkeypatch, step, die)
    with pytest.raises(Killed):
        cases.work(cut)
    results = cases.work(cut)
    assert (results.kept_step, results.weights_sha256) == (4, expected.weights_sha256)


def test_looks_before_a_cut_count_for_the_early_stop(store, tmp_path, monkeypatch):
    folder = cases.begin(store, tmp_path / "J0001", steps=40, evaluate_every=2, early_stop=2)
    with monkeypatch.context() as patch:
        worsening(patch, [1.0, 2.0, 3.0])
        cases.before_step(patch, 4, folder.ask_stop)
        with pytest.raises(Stopped):
            cases.work(folder)
    folder.clear_stop()
    worsening(monkeypatch, [3.0, 0.5])
    assert cases.work(folder).steps == 6


class Probe:
    """A probe whose score is the step."""

    def __init__(self):
        self.asked = []

    def __call__(self, backbone, step):
        assert not backbone.training
        self.asked.append(step)
        auroc = Estimate(value=step / 100)
        return ProbePoint(step=step, macro=auroc, labels=[LabelResult(label="AFIB", auroc=auroc)])

    def change(self, first, last):
        return [ProbeChange(label="macro", estimate=Estimate(value=(last - first) / 100))]


def test_a_probe_is_asked_at_the_first_and_the_last_step_and_in_between(store, tmp_path, monkeypatch):
    folder = cases.begin(store, tmp_path / "J0001", probe=ProbeConfig(every=3))
    probe = Probe()
    cases.before_step(monkeypatch, 4, die)
    with pytest.raises(Killed):
        cases.work(folder, probe)
    results = cases.work(folder, probe)
    assert probe.asked == [0, 3, 6, 8]
    assert [(point.step, point.macro.value) for point in results.probes] == [(0, 0.0), (3, 0.03), (6, 0.06), (8, 0.08)]
    assert [(event.step, event.macro, event.labels) for event in cases.said(folder, Probed)][-1] == (
        8,
        0.08,
        {"AFIB": 0.08},
    )
    assert results.forgetting == []


def test_a_probe_changes_no_bit_of_the_training(store, tmp_path):
    probed = cases.begin(store, tmp_path / "J0001", probe=ProbeConfig(every=2))
    plain = cases.begin(store, tmp_path / "J0002")
    cases.work(probed, Probe())
    cases.work(plain)
    assert cases.weights(probed) == cases.weights(plain)


def test_a_continued_run_tells_what_the_probe_says_of_forgetting(store, tmp_path):
    first = cases.begin(store, tmp_path / "J0001")
    parent = first.path / cases.work(first).checkpoint
    second = cases.begin(store, tmp_path / "J0002", parent=str(parent), probe=ProbeConfig())
    probe = Probe()
    (change,) = cases.work(second, probe).forgetting
    assert probe.asked == [0, 8]
    assert change.estimate.value == pytest.approx(0.08)


def test_recordings_slower_than_the_model_are_left_out_and_mixed_rates_are_learned_from(store, tmp_path):
    path = tmp_path / "store"
    cases.make_store(path, 14)
    generator = torch.Generator().manual_seed(0)
    with Store.create(path) as writer:
        for number, rate_hz in enumerate((50.0, 99.0, 100.0, 128.0, 1000.0)):
            signal_CT = torch.randn(12, int(2 * rate_hz), generator=generator).mul(0.1).numpy()
            writer.append(Recording(signal_CT, rate_hz, file_sha256=f"{100 + number:064x}"))
    opened = Store.open(path)
    rows = [ManifestRow(opened.entry(r).record_id, f"p{r}", "train") for r in range(len(opened))]
    folder = cases.begin(path, tmp_path / "J0001", rows=rows, batch_size=17, steps=2)
    cases.work(folder)
    assert [event.message for event in cases.said(folder, Warned)] == [
        "2 train recordings are slower than the model's rate and are left out"
    ]


def test_a_finished_run_says_all_its_steps_and_checkpoints(store, tmp_path):
    folder = cases.begin(store, tmp_path / "J0001", loaders=0)
    cases.work(folder)
    assert [event.step for event in cases.said(folder, Checkpoint)] == [3, 6, 8]
    assert cases.said(folder, Progress)[-1].done == 8


def test_every_look_tells_how_much_life_is_in_the_features(store, tmp_path):
    folder = cases.begin(store, tmp_path / "J0001", "dinosr")
    results = cases.work(folder)
    watched = cases.said(folder, CollapseWatch)
    assert [event.step for event in watched] == [4, 8]
    assert {"effective_rank", "target_variance", "prediction_variance", "codes_used"} <= set(watched[0].measures)
    assert results.collapse == watched[-1].measures
    assert (results.collapsed, watched[-1].collapsed) == ("", False)
    told = {event.step: event.values.get("effective_rank") for event in cases.said(folder, Metric)}
    assert told[8] == watched[-1].measures["effective_rank"]


def test_a_run_that_collapses_says_so_in_an_event_its_results_and_its_card(store, tmp_path, monkeypatch):
    """Every block's norm is made to send all tokens to one point."""
    monkeypatch.setattr(collapse, "FIRST_STEP", 1)
    honest = Learner.validate

    def flatten(self, batches):
        for block in self.backbone.blocks:
            block.norm.weight.data.zero_()
        return honest(self, batches)

    monkeypatch.setattr(Learner, "validate", flatten)
    folder = cases.begin(store, tmp_path / "J0001", "data2vec")
    results = cases.work(folder)
    assert "directions" in results.collapsed
    assert cases.said(folder, CollapseWatch)[-1].reason == results.collapsed
    card = ModelCard.model_validate_json((folder.path / results.checkpoint / "card.json").read_text())
    assert card.notes == (COLLAPSE_NOTE,)
    assert (card.lineage.collapsed, card.lineage.collapse) == (results.collapsed, results.collapse)


def test_without_held_out_recordings_the_watch_looks_at_training_crops(store, tmp_path):
    rows = [row for row in cases.manifest(Store.open(store)) if row.split == "train"]
    results = cases.work(cases.begin(store, tmp_path / "J0001", rows=rows))
    assert results.collapse["effective_rank"] > 0
    assert "validation_loss" not in results.final
