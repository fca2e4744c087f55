"""One pass through a model serves tasks, seeds and modes; where it cannot be kept, that is said and changes nothing."""

import numpy as np
import pytest
import torch
from test_evaluation_runs import RANDOM, Bench, last_event, results

from engine.backbones.fused import for_inference
from engine.contract.backbone import Net1DConfig, TransformerConfig
from engine.contract.config import EmbedConfig, HeadTraining, RandomModel
from engine.contract.events import SilentWriter, Warned, read_events
from engine.data.embedding_cache import EmbeddingCache, cache_key
from engine.data.store import Store
from engine.evaluation.embed import embed, fill
from engine.evaluation.frozen_examples import LOST, Kept, Passing
from engine.evaluation.head_data import Crops
from engine.evaluation.kept_windows import KeptWindows
from engine.lifecycle import work
from engine.zoo.native import load_model

SHORT = HeadTraining(epochs=1, batch_size=16)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)
    return Bench(tmp_path)


def kept(bench, model, count, kind, budget=1e9):
    """Windows of some recordings after a pass, and the crops; None where there is no room."""
    store, cache = Store.open(bench.path / "store"), bench.path / "kept"
    crops = Crops.of(model, store, bench.ids[:count])
    windows = KeptWindows(cache, crops, bench.ids[:count], budget, SilentWriter())
    pooled = EmbeddingCache(cache, cache_key(model.sha256, model.preprocessing))
    with windows.keeper(kind) as keeper:
        filled = fill(model, store, bench.ids[:count], pooled, keeper=keeper)
    return windows, crops, filled


def scores(folder):
    with np.load(folder.path / "predictions.npz") as file:
        return file["scores"]


def warned(folder):
    return [event.message for event in read_events(folder.events_path)[0] if isinstance(event, Warned)]


def no_more_passes(monkeypatch):
    """Whatever asks a model for features from now on fails."""

    def refused(*asked):
        raise AssertionError("the model was asked again")

    for place in ("embed", "frozen_examples"):
        monkeypatch.setattr(f"engine.evaluation.{place}.for_inference", lambda module: refused)


@pytest.mark.parametrize(
    "backbone",
    [RANDOM.backbone, TransformerConfig(width=16, depth=2, heads=2), Net1DConfig(width=32, stage_blocks=(1,) * 7)],
    ids=lambda backbone: backbone.name,
)
def test_kept_tokens_are_bit_equal_to_the_models_and_so_are_the_pooled_rows_of_the_same_pass(bench, backbone):
    model = load_model(RandomModel(name="random", backbone=backbone, seed=1))
    windows, crops, filled = kept(bench, model, 4, "tokens")
    examples, encode = Kept(crops, windows.held("tokens")), for_inference(model.module)
    with torch.inference_mode():
        for row in range(4):
            assert torch.equal(examples.windows(row), encode(crops.windows(row)).tokens_BLD)
    drawn = examples.drawn(np.array([2, 2, 2]), np.random.default_rng(0))
    assert all(any(torch.equal(one, other) for other in examples.windows(2)) for one in drawn)
    pooled = EmbeddingCache(bench.path / "kept", cache_key(model.sha256, model.preprocessing))
    alone = EmbeddingCache(bench.path / "alone", cache_key(model.sha256, model.preprocessing))
    together, apart = (embed(model, crops.store, bench.ids[:4], cache) for cache in (pooled, alone))
    assert (filled.computed, together.computed, apart.computed) == (4, 0, 4)
    assert all(np.array_equal(together.layers[layer], apart.layers[layer]) for layer in model.layers)


def test_means_are_equal_whether_they_were_kept_or_taken_from_kept_tokens_or_made_now(bench):
    model = load_model(RANDOM)
    means, crops, _ = kept(bench, model, 6, "means")
    (bench.path / "kept").rename(bench.path / "first")
    tokens, _, _ = kept(bench, model, 6, "tokens")
    sources = [Kept(crops, means.held("means")), Kept(crops, tokens.held("means"))]
    for row in range(6):
        one, other = (source.windows(row) for source in sources)
        assert torch.equal(one, other)
        assert torch.equal(one, Passing(crops, True, torch.device("cpu")).windows(row))


def test_a_pass_that_is_cut_off_goes_on_where_it_was(bench):
    model = load_model(RANDOM)
    kept(bench, model, 3, "tokens")
    windows, _, filled = kept(bench, model, 5, "tokens")
    assert filled.computed == 2
    assert windows.held("tokens").there_R.all()
    assert len(windows.held("tokens").blocks) == 2


def test_another_task_seed_and_mode_over_the_same_recordings_ask_the_model_nothing(bench, monkeypatch):
    first, code = bench.evaluate(RANDOM, labels=("SLOW",), mode="frozen", training=SHORT)
    assert code == 0, last_event(first)
    no_more_passes(monkeypatch)
    for settings in (
        {"labels": ("RARE",), "mode": "frozen", "seed": 3, "training": SHORT},
        {"labels": ("SLOW",), "mode": "linear-adamw", "training": SHORT},
        {"labels": ("SLOW",), "mode": "linear"},
        {"labels": ("SLOW",), "mode": "frozen", "training": SHORT},
    ):
        folder, code = bench.evaluate(RANDOM, **settings)
        assert code == 0, last_event(folder)
    assert np.array_equal(scores(folder), scores(first))


def test_a_linear_probe_that_is_told_what_follows_fills_the_cache_for_it(bench, monkeypatch):
    folder, code = bench.evaluate(RANDOM, labels=("SLOW",), keep_for=("frozen", "linear-adamw"))
    assert code == 0, last_event(folder)
    no_more_passes(monkeypatch)
    for mode in ("frozen", "linear-adamw"):
        folder, code = bench.evaluate(RANDOM, labels=("SLOW",), mode=mode, training=SHORT)
        assert code == 0, last_event(folder)


def test_an_embed_run_keeps_what_it_is_told_to(bench, monkeypatch):
    config = EmbedConfig(
        store=str(bench.path / "store"), model=RANDOM, cache=str(bench.path / "cache"), keep_for=("linear-adamw",)
    )
    assert work("embed", bench.folder(config).path) == 0
    no_more_passes(monkeypatch)
    folder, code = bench.evaluate(RANDOM, labels=("SLOW",), mode="linear-adamw", training=SHORT)
    assert code == 0, last_event(folder)
    assert not (bench.path / "cache" / "tokens").exists()


def test_tokens_without_room_are_not_kept_which_is_said_and_the_numbers_stand(bench):
    with_room, _ = bench.evaluate(RANDOM, labels=("SLOW",), mode="frozen", training=SHORT)
    told = {"mode": "frozen", "training": SHORT, "token_gb": 0.001, "labels": ("SLOW",)}
    bench.path.joinpath("cache").rename(bench.path / "other")
    without, code = bench.evaluate(RANDOM, **told)
    assert code == 0, last_event(without)
    (said,) = warned(without)
    assert said.startswith("Tokens of 40 recordings are not kept: they take 1.5 MB, and 1.0 MB may be kept")
    assert not warned(with_room)
    assert not (bench.path / "cache" / "tokens").exists()
    np.testing.assert_allclose(scores(without), scores(with_room), rtol=1e-4, atol=1e-4)


def test_tokens_that_another_run_deletes_while_they_are_made_are_missed_and_nothing_is_trained_on_others(
    bench, monkeypatch
):
    first, _ = bench.evaluate(RANDOM, labels=("SLOW",), mode="frozen", training=SHORT)
    (bench.path / "cache").rename(bench.path / "other")
    right = KeptWindows.held

    def deleted(self, kind):
        for block in (bench.path / "cache").rglob("*.windows"):
            block.unlink()
        return right(self, kind)

    monkeypatch.setattr(KeptWindows, "held", deleted)
    folder, code = bench.evaluate(RANDOM, labels=("SLOW",), mode="frozen", training=SHORT)
    assert code == 0, last_event(folder)
    assert warned(folder) == [LOST]
    np.testing.assert_allclose(scores(folder), scores(first), rtol=1e-4, atol=1e-4)


def test_a_damaged_block_is_said_and_made_again_to_the_same_bits(bench):
    first, _ = bench.evaluate(RANDOM, labels=("SLOW",), mode="frozen", training=SHORT)
    (block,) = (bench.path / "cache").rglob("*.windows")
    raw = bytearray(block.read_bytes())
    raw[1000] ^= 64
    block.write_bytes(raw)
    again, code = bench.evaluate(RANDOM, labels=("SLOW",), mode="frozen", training=SHORT)
    assert code == 0, last_event(again)
    assert warned(again) == ["Kept tokens: damaged files (1) are dropped and made again"]
    assert np.array_equal(scores(again), scores(first))


@pytest.mark.parametrize("mode", ["frozen", "linear-adamw"])
def test_random_crops_are_embedded_anew_and_validation_and_test_come_from_the_cache(bench, mode):
    model = load_model(RANDOM)
    crops = Crops.of(model, Store.open(bench.path / "store"), bench.ids[:4])
    passing = Passing(crops, mode == "linear-adamw", torch.device("cpu"), anywhere=True)
    rows, draws = np.array([0, 1, 1]), np.random.default_rng(5)
    with torch.inference_mode():
        tokens_BLD = for_inference(model.module)(crops.drawn(rows, np.random.default_rng(5))).tokens_BLD
    expected = tokens_BLD.mean(dim=1, keepdim=True) if mode == "linear-adamw" else tokens_BLD
    assert torch.equal(passing.drawn(rows, draws), expected)
    windows, _ = bench.evaluate(RANDOM, labels=("SLOW",), mode=mode, training=SHORT)
    settings = SHORT.model_copy(update={"crops": "random"})
    anywhere, code = bench.evaluate(RANDOM, labels=("SLOW",), mode=mode, training=settings)
    assert code == 0, last_event(anywhere)
    assert not np.array_equal(scores(anywhere), scores(windows))
    assert results(anywhere).macro.value is not None
    for folder, words in (
        (windows, "consecutive windows; the study cuts"),
        (anywhere, "cut anywhere, as in the study"),
    ):
        assert any(words in note for note in results(folder).notes)
