"""Modes that train on crops: heads against float64 references, what a mode trains, and whole evaluations."""

import numpy as np
import pytest
import torch
from test_evaluation_runs import RANDOM, Bench, last_event, results

from engine.backbones.registry import build_backbone
from engine.contract.backbone import SUPERVISED_S4
from engine.contract.card import ModelCard
from engine.contract.config import BaselineModel, HeadTraining, NativeModel, RandomModel, S4Config
from engine.contract.events import Finished, read_events
from engine.data.splits import split_digest
from engine.data.store import Store
from engine.evaluation.head_data import Crops, in_batches
from engine.evaluation.head_training import Aims, HeadModel, Trainer, masked_loss, parameter_groups
from engine.evaluation.heads import AttentionHead, build_head
from engine.signal.recording import Recording
from engine.zoo.native import load_model

SHORT = HeadTraining(epochs=6, batch_size=16)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)
    return Bench(tmp_path)


@pytest.mark.parametrize(("outputs", "parameters"), [(5, 789_504), (71, 823_296), (1127, 1_363_968)])
def test_the_attention_pool_holds_the_published_parameters(outputs, parameters):
    assert sum(p.numel() for p in AttentionHead(512, outputs).parameters()) == parameters


@pytest.mark.parametrize(("outputs", "parameters"), [(5, 2_565), (71, 36_423), (1127, 578_151)])
def test_the_linear_head_holds_the_published_parameters(outputs, parameters):
    assert sum(p.numel() for p in build_head("finetune", 512, outputs, 0).parameters()) == parameters


def test_the_study_s_supervised_s4_holds_its_published_parameters():
    model = HeadModel("supervised", build_backbone(SUPERVISED_S4, 0), 512, 71, 0)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 2_183_239


def test_the_attention_pool_is_that_of_a_float64_loop():
    head = build_head("frozen", 32, 3, seed=1).double()
    tokens_BLD = torch.randn(2, 7, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    width = 32 // head.heads
    for crop, told_O in zip(tokens_BLD.numpy(), head(tokens_BLD).detach().numpy(), strict=True):
        weight = {
            name: getattr(head, f"to_{name}").weight.detach().numpy() for name in ("query", "key", "value", "output")
        }
        query_D, seen = weight["query"] @ head.query_D.detach().numpy(), []
        for first in range(0, 32, width):
            part = slice(first, first + width)
            fit_L = np.array([query_D[part] @ (weight["key"] @ token)[part] for token in crop]) / np.sqrt(width)
            share_L = np.exp(fit_L - fit_L.max())
            share_L /= share_L.sum()
            seen.append(
                sum(share * (weight["value"] @ token)[part] for share, token in zip(share_L, crop, strict=True))
            )
        np.testing.assert_allclose(told_O, weight["output"] @ np.concatenate(seen), rtol=1e-12)


def test_each_group_learns_at_its_own_rate_and_a_supervised_model_at_one():
    trunk = build_backbone(S4Config(width=16, depth=2), 0)
    groups = parameter_groups(HeadModel("finetune", trunk, 16, 2, 0), "finetune", HeadTraining())
    assert [group["lr"] for group in groups] == [1e-3, 1e-4, 1e-5]
    counts = [sum(p.numel() for p in group["params"]) for group in groups]
    assert sum(counts[1:]) == sum(p.numel() for p in trunk.parameters() if p.requires_grad)
    assert counts[2] == sum(p.numel() for p in trunk.stem.parameters())
    alike = parameter_groups(HeadModel("supervised", trunk, 16, 2, 0), "supervised", HeadTraining())
    assert {group["lr"] for group in alike} == {1e-3}
    assert len(parameter_groups(HeadModel("frozen", None, 16, 2, 0), "frozen", HeadTraining())) == 1


def test_unknown_labels_pull_nowhere_and_an_output_without_a_known_row_is_left_out():
    output_BO = torch.tensor([[0.3, 1.0, 2.0], [-0.2, 5.0, 7.0]], requires_grad=True)
    nan = float("nan")
    y_BL, z_BK = torch.tensor([[1.0, nan], [nan, nan]]), torch.tensor([[1.5], [nan]])
    loss = masked_loss(output_BO, y_BL, z_BK)
    expected = np.log1p(np.exp(-0.3)) + 0.5
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    loss.backward()
    assert (output_BO.grad != 0).tolist() == [[True, False, True], [False, False, False]]
    assert masked_loss(output_BO, torch.full((2, 2), nan), torch.empty(2, 0)) is None


def test_recordings_share_batches_only_off_the_cpu_and_are_told_apart_again(bench, monkeypatch):
    crops = Crops.of(load_model(RANDOM), Store.open(bench.path / "store"), bench.ids[:5])
    rows = np.arange(5)
    alone = [(rows, counts) for rows, _, counts in in_batches(crops, rows, torch.device("cpu"), 4)]
    assert alone == [([row], [2]) for row in range(5)]
    shared = list(in_batches(crops, rows, torch.device("meta"), 4))
    assert [(rows, counts, len(x)) for rows, x, counts in shared] == [
        ([0, 1], [2, 2], 4),
        ([2, 3], [2, 2], 4),
        ([4], [2], 2),
    ]
    aims = Aims(np.zeros((5, 1)), np.zeros((5, 1)))
    model = HeadModel("finetune", crops.model.module, crops.model.module.width, 2, 0)
    trainer = Trainer(model, "finetune", SHORT, crops, aims, 0, "test", torch.device("cpu"))
    by_itself = trainer.outputs(rows)
    together = [(rows.tolist(), torch.cat([crops.windows(row) for row in rows]), [2] * 5)]
    monkeypatch.setattr("engine.evaluation.head_training.in_batches", lambda *asked: together)
    np.testing.assert_allclose(trainer.outputs(rows), by_itself, rtol=1e-5)


def test_a_random_crop_is_cut_before_it_is_resampled_and_lies_within_the_recording(bench):
    crops = Crops.of(load_model(RANDOM), Store.open(bench.path / "store"), bench.ids[:3])
    x_BCT = crops.drawn(np.array([0, 0, 1]), np.random.default_rng(1))
    assert x_BCT.shape == (3, 12, 600)
    assert not torch.equal(x_BCT[0], x_BCT[1])
    assert torch.isfinite(x_BCT).all()


@pytest.mark.parametrize("mode", ["linear-adamw", "frozen", "finetune", "supervised"])
def test_a_trained_mode_scores_every_patient_and_gives_equal_numbers_twice(bench, mode):
    split = ["train" if part in ("fold-0", "fold-1", "fold-2") else "test" for part in bench.split]
    told = []
    for _ in range(2):
        folder, code = bench.evaluate(RANDOM, split=split, labels=("SLOW",), mode=mode, training=SHORT)
        assert code == 0, last_event(folder)
        told.append(results(folder))
        with np.load(folder.path / "predictions.npz") as file:
            assert np.isfinite(file["scores"]).all()
            assert ((file["probabilities"] > 0) & (file["probabilities"] < 1)).all()
    first, second = (one.model_dump(exclude={"seconds"}) for one in told)
    assert first == second
    history = told[0].training[0]
    assert [one.epoch for one in history.epochs] == list(range(1, 7))
    best = max(history.epochs, key=lambda one: one.validation)
    assert history.best_epoch == best.epoch
    assert bool(told[0].layers) == (mode in ("finetune", "supervised"))


def one_lead_among_four(folder, recordings=320):
    """A bench of which each of four leads carries one of two frequencies at random; the label tells that of lead II.

    The mean over tokens of random weights mixes the leads, so that a linear probe is left near chance.
    """
    bench, rng = Bench(folder / "few"), np.random.default_rng(0)
    bench.path = folder / "many"
    time, slow = np.arange(750) / 250.0, np.arange(recordings) % 2
    with Store.create(bench.path / "store") as store:
        for number in range(recordings):
            hertz = rng.choice([8.0, 13.0], 4)
            hertz[1] = 8.0 if slow[number] else 13.0
            signal = 0.05 * rng.standard_normal((12, 750))
            signal[:4] += np.sin(2 * np.pi * hertz[:, None] * time + rng.uniform(0, 6, (4, 1)))
            store.append(Recording(signal.astype(np.float32), 250.0, file_sha256=f"{number:064x}"))
    store = Store.open(bench.path / "store")
    bench.ids = [store.entry(row).record_id for row in range(recordings)]
    bench.patients = [f"p{number}" for number in range(recordings)]
    bench.y = np.stack([slow, slow], axis=1).astype(float)
    bench.age, bench.sex = np.full(recordings, np.nan), np.full(recordings, np.nan)
    bench.split = ["train" if number < recordings * 3 // 4 else "test" for number in range(recordings)]
    return bench


@pytest.mark.slow
def test_finetuning_beats_the_linear_probe_of_random_weights_where_there_is_something_to_learn(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)
    bench = one_lead_among_four(tmp_path)
    linear, _ = bench.evaluate(RANDOM, labels=("SLOW",))
    rates = HeadTraining(epochs=15, batch_size=16, head_rate=3e-3, backbone_rate=3e-3, stem_rate=3e-3)
    tuned, code = bench.evaluate(RANDOM, labels=("SLOW",), mode="finetune", training=rates)
    assert code == 0
    assert results(linear).macro.value < 0.75
    assert results(tuned).macro.value > 0.9


def test_what_is_finetuned_is_kept_as_a_checkpoint_that_loads_with_its_parent_named(bench):
    split = ["train" if part in ("fold-0", "fold-1", "fold-2") else "test" for part in bench.split]
    settings = HeadTraining(epochs=2, batch_size=16, keep_model=True, backbone_rate=1e-2)
    folder, _ = bench.evaluate(RANDOM, split=split, labels=("SLOW",), mode="finetune", training=settings)
    told = results(folder)
    model = load_model(NativeModel(name="tuned", checkpoint=str(folder.path / told.checkpoint)))
    before = load_model(RANDOM)
    assert model.sha256 != before.sha256
    card = ModelCard.model_validate_json((folder.path / told.checkpoint / "card.json").read_text())
    assert card.lineage.parent_sha256 == before.sha256
    taught = [(record, part) for record, part in zip(bench.ids, split, strict=True) if part == "train"]
    assert card.lineage.corpus_sha256 == split_digest(*zip(*taught, strict=True))
    assert (card.lineage.run_id, card.lineage.records) == (folder.path.name, len(taught))
    again, _ = bench.evaluate(
        NativeModel(name="tuned", checkpoint=str(folder.path / told.checkpoint)),
        split=split, labels=("RARE",), mode="finetune", training=settings,
    )  # fmt: skip
    child = ModelCard.model_validate_json((again.path / results(again).checkpoint / "card.json").read_text())
    assert child.notes[: len(card.notes)] == card.notes
    assert len(child.notes) == len(card.notes) + 1


@pytest.mark.parametrize("mode", ["frozen", "finetune"])
def test_a_number_that_no_training_recording_has_is_not_predicted(bench, mode):
    split = ["train" if part in ("fold-0", "fold-1", "fold-2") else "test" for part in bench.split]
    bench.y[:, 1] = [np.nan if part == "train" else 400.0 + n for n, part in enumerate(split)]
    folder, code = bench.evaluate(RANDOM, split=split, labels=("SLOW",), targets=("RARE",), mode=mode, training=SHORT)
    assert code == 0, last_event(folder)
    told = results(folder)
    assert told.targets[0].regression.mae.value is None
    assert "0 recordings with a value to train on" in told.targets[0].regression.mae.not_estimable
    assert told.macro.value is not None


def test_a_part_without_two_patients_to_train_on_is_refused_by_name(bench):
    split = ["train" if patient == bench.patients[0] else "test" for patient in bench.patients]
    folder, code = bench.evaluate(RANDOM, split=split, labels=("SLOW",), mode="frozen", training=SHORT)
    assert code != 0
    assert "two patients with a recording that fills a window, and there are 1" in last_event(folder).message


def test_one_model_a_fold_is_not_kept_as_the_model_and_nothing_is_trained_for_it(bench):
    settings = HeadTraining(epochs=1, batch_size=16, keep_model=True)
    folder, code = bench.evaluate(RANDOM, labels=("SLOW",), mode="finetune", training=settings)
    assert code != 0
    assert "one a fold" in last_event(folder).message
    assert [event.type for event in read_events(folder.events_path)[0]] == ["started", "finished"]


@pytest.mark.parametrize(
    ("model", "mode", "words"),
    [
        (BaselineModel(name="age + sex"), "frozen", "no network to train"),
        (BaselineModel(name="age + sex"), "supervised", "no network to train"),
    ],
)
def test_a_model_without_weights_is_refused_by_every_trained_mode(bench, model, mode, words):
    folder, code = bench.evaluate(model, labels=("SLOW",), mode=mode, training=SHORT)
    assert code != 0
    assert isinstance(last_event(folder), Finished)
    assert words in last_event(folder).message


def test_frozen_weights_are_what_they_were(bench):
    model = load_model(RANDOM)
    head = HeadModel("frozen", None, model.module.width, 1, 0)
    assert {name.split(".")[0] for name, _ in head.named_parameters()} == {"head"}
    assert RandomModel.model_validate(RANDOM.model_dump()) == RANDOM
