"""A pretraining run ends the same however often it is cut, and never with weights that nobody can vouch for."""

import io
import json
import math
import random

import numpy as np
import pytest
import torch
from training_cases import before_step, said, weights, work

from engine.backbones.weights import load_backbone
from engine.contract.card import ModelCard
from engine.contract.config import CPCConfig, PretrainConfig, S4Config
from engine.contract.errors import WorldError
from engine.contract.events import Checkpoint, Metric, Progress, Warned
from engine.contract.run import ManifestRow, RunFolder, Stopped
from engine.data.store import Store
from engine.objectives.base import Loss
from engine.objectives.cpc import CPC
from engine.recipes import load_recipe
from engine.signal.readers import read_recording
from engine.signal.recording import Recording
from engine.training import checkpoint
from engine.training.checkpoint import newest_checkpoint, sha256
from engine.training.learner import Learner
from engine.training.state import read_about

BACKBONE = S4Config(width=8, depth=2, state_size=4)
OBJECTIVE = CPCConfig(offsets=(3,), negatives=8)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A store of 12 recordings of 2 s and one of 0.2 s, and its record ids."""
    path = tmp_path_factory.mktemp("pretrain") / "store"
    generator = np.random.default_rng(0)
    with Store.create(path) as writer:
        for number in range(13):
            samples = 1000 if number < 12 else 100
            signal_CT = np.cumsum(generator.normal(0, 0.05, (12, samples)), 1).astype(np.float32)
            writer.append(Recording(signal_CT, 500.0, file_sha256=f"{number:064x}"))
    store = Store.open(path)
    return path, [store.entry(row).record_id for row in range(13)]


@pytest.fixture
def begin(corpus, tmp_path):
    """Makes a run folder on the corpus: ten recordings to train on, two held out."""
    path, ids = corpus

    def make(name="J0001", rows=None, **settings):
        small = {"backbone": BACKBONE, "objective": OBJECTIVE, "window_s": 0.5, "rate_hz": 100.0, "batch_size": 4}
        pace = {"steps": 12, "evaluate_every": 4, "checkpoint_every": 3, "threads": 1, "device": "cpu"}
        config = PretrainConfig(store=str(path), **{**small, **pace, **settings})
        told = rows or [ManifestRow(r, f"p{i}", "train" if i < 10 else "validation") for i, r in enumerate(ids[:12])]
        return RunFolder.create(tmp_path / name, config, told)

    return make


class Killed(BaseException):
    pass


def die():
    raise Killed


def test_a_run_leaves_results_checkpoints_and_a_card_that_fit_each_other(begin):
    folder = begin()
    results = work(folder)
    assert (results.steps, results.checkpoint) == (12, "checkpoints/step-000012")
    final = folder.path / results.checkpoint
    assert sha256(final / "weights.safetensors") == results.weights_sha256
    card = ModelCard.model_validate_json((final / "card.json").read_text())
    backbone, config = load_backbone(final / "weights.safetensors")
    assert config == BACKBONE
    assert card.weights_sha256 == results.weights_sha256
    assert card.lineage.parameters == results.parameters == sum(p.numel() for p in backbone.parameters())
    assert (card.lineage.records, card.lineage.patients, card.lineage.steps) == (10, 10, 12)
    assert (card.preprocessing.rate_hz, card.preprocessing.window_s) == (100.0, 0.5)
    assert sorted(p.name for p in folder.checkpoints.iterdir()) == ["step-000009", "step-000012"]


def test_a_run_says_how_it_fares(begin):
    folder = begin()
    results = work(folder)
    looks = {event.step: event.values for event in said(folder, Metric) if "validation_loss" in event.values}
    assert sorted(looks) == [4, 8, 12]
    for values in looks.values():
        assert values["trivial_loss"] == pytest.approx(math.log(9))
        assert {"loss", "accuracy", "learning_rate", "validation_accuracy", "crops_per_s"} <= set(values)
    assert [event.step for event in said(folder, Checkpoint)] == [3, 6, 9, 12]
    assert said(folder, Progress)[0].done == 0
    assert said(folder, Progress)[-1].done == said(folder, Progress)[-1].total == 12
    assert results.final["validation_loss"] == looks[12]["validation_loss"]
    assert "crops_per_s" not in results.final


def test_two_runs_of_one_config_give_the_same_numbers(begin):
    one, two = begin("J0001"), begin("J0002")
    assert work(one).final == work(two).final
    assert weights(one) == weights(two)
    assert weights(one) != (work(other := begin("J0003", seed=1)), weights(other))[1]


def test_training_changes_what_it_should_and_freezes_what_it_must(begin):
    folder = begin()
    fresh = Learner(folder.config(), torch.device("cpu")).backbone.state_dict()
    work(folder)
    trained = load_backbone(newest_checkpoint(folder.checkpoints).path / "weights.safetensors")[0].state_dict()
    frozen = ("log_dt", "poles", ".p", ".b")
    for name, value in trained.items():
        assert torch.equal(value, fresh[name]) == name.endswith(frozen), name


@pytest.mark.parametrize("step", random.Random(3).sample(range(1, 12), 4))
def test_a_run_cut_at_any_step_ends_as_if_it_had_never_been_cut(begin, monkeypatch, step):
    whole, cut = begin("J0001"), begin("J0002")
    expected = work(whole)
    before_step(monkeypatch, step, die)
    with pytest.raises(Killed):
        work(cut)
    results = work(cut)
    assert weights(cut) == weights(whole)
    assert results.final == expected.final


@pytest.mark.parametrize("step", [0, 5, 6])
def test_a_wish_to_stop_is_granted_with_a_checkpoint_of_this_step(begin, monkeypatch, step):
    whole, folder = begin("J0001"), begin("J0002")
    work(whole)
    before_step(monkeypatch, step, folder.ask_stop)
    with pytest.raises(Stopped):
        work(folder)
    assert newest_checkpoint(folder.checkpoints).path.name == f"step-{step + 1:06d}"
    assert said(folder, Progress)[-1].done == step + 1
    folder.clear_stop()
    work(folder)
    assert weights(folder) == weights(whole)


def test_a_finished_run_started_again_changes_nothing(begin):
    folder = begin()
    first = work(folder)
    assert work(folder) == first


def test_more_steps_can_be_asked_of_a_run_but_no_other_config(begin):
    folder, longer = begin("J0001", steps=6), begin("J0002", steps=12)
    work(folder)
    work(longer)
    folder.config_path.write_text(longer.config_path.read_text())
    work(folder)
    assert weights(folder) == weights(longer)
    folder.config_path.write_text(begin("J0003", steps=15, learning_rate=0.1).config_path.read_text())
    with pytest.raises(
        WorldError, match=r"another config than this run's: learning_rate \(0\.003, here 0\.1\)\."
    ) as told:
        work(folder)
    assert told.value.fault == "checkpoint"


@pytest.mark.parametrize("settings", [{"schedule": "cosine"}, {"backbone": S4Config(width=8, depth=2)}])
def test_fields_that_shape_a_step_are_named_one_by_one(begin, settings):
    """With a cosine the number of steps shapes every step."""
    folder = begin("J0001", steps=6)
    work(folder)
    folder.config_path.write_text(begin("J0002", steps=9, **settings).config_path.read_text())
    with pytest.raises(WorldError, match="another config") as told:
        work(folder)
    named = {"schedule", "steps"} if "schedule" in settings else {"backbone.state_size"}
    assert all(field in told.value.reason for field in named)
    assert "learning_rate" not in told.value.reason


def forget_settings(checkpoint_path, *names):
    """As an older version wrote it, before there were these settings."""
    told = torch.load(checkpoint_path / "trainer.pt", weights_only=True)
    told["about"]["config"] = json.dumps(
        {name: value for name, value in json.loads(told["about"]["config"]).items() if name not in names}
    )
    buffer = io.BytesIO()
    torch.save(told, buffer)
    (checkpoint_path / "trainer.pt").write_bytes(buffer.getvalue())
    sums = {file: sha256(checkpoint_path / file) for file in ("weights.safetensors", "trainer.pt", "card.json")}
    (checkpoint_path / "checksums.json").write_text(json.dumps(sums))


def test_a_checkpoint_from_before_trained_dynamics_had_a_decay_of_their_own_had_that_of_all(begin):
    trained = {"backbone": BACKBONE.model_copy(update={"dynamics": "trained"}), "steps": 3}
    folder = begin("J0001", **trained, dynamics_decay=1e-3)
    work(folder)
    forget_settings(newest_checkpoint(folder.checkpoints).path, "dynamics_decay")
    for name, decay in (("J0002", 1e-3), ("J0003", 0.0)):
        again = begin(name, **trained | {"steps": 6}, dynamics_decay=decay)
        folder.config_path.write_text(again.config_path.read_text())
        if decay:
            assert work(folder).steps == 6
            forget_settings(newest_checkpoint(folder.checkpoints).path, "dynamics_decay")
        else:
            with pytest.raises(WorldError, match=r"dynamics_decay \(0\.001, here 0\.0\)"):
                work(folder)


def test_a_run_of_frozen_dynamics_goes_on_from_a_checkpoint_of_before_the_setting_came(begin):
    folder, longer = begin("J0001", steps=3), begin("J0002", steps=6)
    work(folder)
    assert "dynamics_decay" not in json.loads(read_about(newest_checkpoint(folder.checkpoints).path)["config"])
    told = json.loads(longer.config_path.read_text())
    del told["dynamics_decay"], told["early_stop_keeps"]
    folder.config_path.write_text(json.dumps(told))
    assert folder.config() == longer.config()
    assert work(folder).steps == 6


def reforge(checkpoint_path, name, content):
    """Tampered with by somebody who knows of the checksums."""
    (checkpoint_path / name).write_bytes(content)
    sums = {file: sha256(checkpoint_path / file) for file in ("weights.safetensors", "trainer.pt", "card.json")}
    (checkpoint_path / "checksums.json").write_text(json.dumps(sums))


def torch_bytes(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"not a checkpoint", b"", torch_bytes({"step": 3}), torch_bytes([1])])
def test_a_checkpoint_of_foreign_content_is_refused(begin, content):
    folder = begin(steps=6)
    work(folder)
    reforge(newest_checkpoint(folder.checkpoints).path, "trainer.pt", content)
    with pytest.raises(WorldError, match="it cannot be read as a checkpoint of this version") as told:
        work(folder)
    assert told.value.fault == "checkpoint"


def test_a_checkpoint_whose_tensors_do_not_fit_is_refused(begin):
    folder, other = begin("J0001", steps=6), begin("J0002", steps=6, backbone=S4Config(width=16, depth=2, state_size=4))
    work(folder)
    work(other)
    foreign = (newest_checkpoint(other.checkpoints).path / "weights.safetensors").read_bytes()
    reforge(newest_checkpoint(folder.checkpoints).path, "weights.safetensors", foreign)
    with pytest.raises(WorldError, match="its tensors do not fit this run's model"):
        work(folder)


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(begin):
    whole, folder = begin("J0001"), begin("J0002")
    work(whole)
    work(folder)
    newest = folder.checkpoints / "step-000012" / "weights.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    work(folder)
    assert "step-000012 is damaged" in said(folder, Warned)[0].message
    assert weights(folder) == weights(whole)


def test_a_run_whose_checkpoints_are_all_damaged_is_refused_and_not_begun_anew(begin):
    folder = begin()
    work(folder)
    for path in folder.checkpoints.glob("*/trainer.pt"):
        path.write_bytes(b"")
    with pytest.raises(WorldError, match="none of its checkpoints is whole"):
        work(folder)


def test_a_full_disk_fails_the_run_and_keeps_the_checkpoint_before(begin, monkeypatch):
    whole, folder = begin("J0001"), begin("J0002")
    work(whole)
    honest = checkpoint._write_synced

    def full(path, content):
        if "step-000006" in str(path):
            raise OSError(28, "No space left on device")
        honest(path, content)

    monkeypatch.setattr(checkpoint, "_write_synced", full)
    with pytest.raises(WorldError, match="disk: it is full"):
        work(folder)
    assert newest_checkpoint(folder.checkpoints).path.name == "step-000003"
    monkeypatch.setattr(checkpoint, "_write_synced", honest)
    work(folder)
    assert weights(folder) == weights(whole)


def spoil(monkeypatch, step, how):
    honest = CPC.loss

    def spoilt(self, batch):
        loss = honest(self, batch)
        return how(loss) if batch.draws.stream == "train" and batch.draws.position == step else loss

    monkeypatch.setattr(CPC, "loss", spoilt)


def nan_loss(loss):
    return Loss(loss.total * math.nan, {**loss.parts, "loss": loss.parts["loss"] * math.nan})


def nan_gradient(loss):
    return Loss(loss.total * math.nan, loss.parts)


@pytest.mark.parametrize(("how", "what"), [(nan_loss, "loss"), (nan_gradient, "gradient")])
def test_a_loss_that_is_not_a_number_stops_the_run_and_names_the_records(begin, corpus, monkeypatch, how, what):
    folder = begin()
    spoil(monkeypatch, 7, how)
    with pytest.raises(WorldError, match=f"the {what} is not a number at step 8") as caught:
        work(folder)
    assert "Step 6 is kept" in caught.value.next_step
    warned = said(folder, Warned)[0].message
    assert len([record for record in corpus[1] if record in warned]) == 4
    found = newest_checkpoint(folder.checkpoints)
    assert found.path.name == "step-000006"
    kept, _ = load_backbone(found.path / "weights.safetensors")
    assert all(torch.isfinite(value).all() for value in kept.state_dict().values())


def test_no_checkpoint_is_written_of_weights_that_are_not_numbers(begin, monkeypatch):
    folder = begin()
    honest = Learner.step

    def poison(self, parts):
        told = honest(self, parts)
        if parts[0].draws.position == 5:
            self.backbone.blocks[0].norm.weight.data[0] = math.inf
        return told

    monkeypatch.setattr(Learner, "step", poison)
    with pytest.raises(WorldError, match="the weights are not a number at step 6"):
        work(folder)
    assert newest_checkpoint(folder.checkpoints).path.name == "step-000003"


def test_a_corpus_smaller_than_a_batch_is_refused(begin):
    with pytest.raises(WorldError, match="10 training records are fewer than a batch of 11"):
        work(begin(batch_size=11))


def test_a_record_that_the_store_does_not_hold_is_named(begin):
    with pytest.raises(WorldError, match="record r0123456789ab"):
        work(begin(rows=[ManifestRow("r0123456789ab", "p", "train")]))


def test_recordings_shorter_than_a_crop_are_left_out_and_counted(begin, corpus):
    rows = [ManifestRow(record, record, "train") for record in corpus[1]]
    folder = begin(rows=rows, batch_size=12)
    results = work(folder)
    assert said(folder, Warned)[0].message.startswith("1 train recordings are shorter than a crop")
    assert "validation_loss" not in results.final


def test_test_recordings_are_never_read(begin, corpus, monkeypatch):
    _, ids = corpus
    read = set()
    honest = Store.crops

    def watched(self, rows_B, *more):
        read.update(self.entry(int(row)).record_id for row in rows_B)
        return honest(self, rows_B, *more)

    monkeypatch.setattr(Store, "crops", watched)
    work(begin(rows=[ManifestRow(r, r, "train" if i < 8 else "test") for i, r in enumerate(ids[:12])]))
    assert read == set(ids[:8])


@pytest.mark.slow
def test_the_demo_recipe_learns_from_the_shipped_sample(samples, tmp_path):
    """A third of its steps; with all of them the held-out loss falls to about 3.5."""
    with Store.create(tmp_path / "store") as writer:
        for header in sorted(samples.rglob("*.hea")):
            writer.append(read_recording(header))
    store = Store.open(tmp_path / "store")
    ids = [store.entry(row).record_id for row in range(len(store))]
    config = PretrainConfig(**{**load_recipe("demo"), "store": str(tmp_path / "store"), "steps": 150})
    rows = [ManifestRow(r, r, "validation" if i % 10 == 0 else "train") for i, r in enumerate(ids)]
    results = work(RunFolder.create(tmp_path / "J0001", config, rows))
    assert results.final["validation_loss"] < math.log(129) - 0.5
    assert results.final["validation_accuracy"] > 5 / 129
