"""An embedding is a pure function of model and recording, computed once."""

import numpy as np
import pytest
import torch

from engine.contract.backbone import Net1DConfig, TransformerConfig
from engine.contract.config import RandomModel, S4Config
from engine.contract.errors import WorldError
from engine.data.embedding_cache import EmbeddingCache, Names, cache_key
from engine.data.store import Store
from engine.evaluation.embed import embed, fill
from engine.signal.condition import model_input
from engine.signal.recording import Recording
from engine.zoo.native import load_model

SMALL = S4Config(width=16, depth=2)


def recording(seed, seconds=10.0, rate_hz=500.0):
    rng = np.random.default_rng(seed)
    signal = np.cumsum(rng.standard_normal((12, round(seconds * rate_hz))), axis=1) * 0.01
    return Recording(signal.astype(np.float32), rate_hz, file_sha256=f"{seed:064x}")


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "store") as writer:
        for seed in range(5):
            writer.append(recording(seed))
        writer.append(recording(5, seconds=2.0))
        writer.append(recording(6, seconds=26.0, rate_hz=257.0))
    return Store.open(tmp_path / "store")


@pytest.fixture
def model():
    return load_model(RandomModel(name="random", backbone=SMALL, seed=1))


def ids(store):
    return [store.entry(row).record_id for row in range(len(store))]


def kept(tmp_path, model, name="cache"):
    return EmbeddingCache(tmp_path / name, cache_key(model.sha256, model.preprocessing))


@pytest.mark.parametrize(
    "backbone",
    [SMALL, TransformerConfig(width=16, depth=2, heads=2), Net1DConfig(width=32, stage_blocks=(1,) * 7)],
    ids=lambda backbone: backbone.name,
)
def test_an_embedding_is_the_mean_over_tokens_and_windows_of_each_layer(tmp_path, store, backbone):
    model = load_model(RandomModel(name="random", backbone=backbone, seed=1))
    names = ids(store)[:5]
    told = embed(model, store, names, kept(tmp_path, model))
    x_NCT = model_input(store.signal(3), 500.0, model.preprocessing)
    assert x_NCT.shape == (4, 12, 600)
    with torch.inference_mode():
        layers = model.module(torch.from_numpy(x_NCT)).layers
    for name, layer in zip(model.layers, layers, strict=True):
        assert np.allclose(told.layers[name][3], layer.mean(dim=(0, 1)).numpy(), atol=1e-5)
    assert told.computed == 5


def test_an_embedding_does_not_depend_on_which_recordings_were_asked_for_with_it(tmp_path, store, model):
    names = ids(store)[:5]
    together = embed(model, store, names, kept(tmp_path, model, "a"))
    alone = embed(model, store, names[3:4], kept(tmp_path, model, "b"))
    backwards = embed(model, store, names[::-1], kept(tmp_path, model, "c"))
    for layer in model.layers:
        assert np.array_equal(together.layers[layer][3], alone.layers[layer][0])
        assert np.array_equal(together.layers[layer], backwards.layers[layer][::-1])


def test_what_is_kept_is_not_computed_again_and_is_bit_equal(tmp_path, store, model):
    names = ids(store)[:5]
    first = embed(model, store, names[:3], kept(tmp_path, model))
    again = embed(model, store, names, kept(tmp_path, model))
    assert (first.computed, again.computed) == (3, 2)
    fresh = embed(model, store, names, kept(tmp_path, model, "fresh"))
    assert all(np.array_equal(again.layers[layer], fresh.layers[layer]) for layer in model.layers)


def test_another_model_or_another_preprocessing_shares_nothing_in_the_cache(model):
    other = load_model(RandomModel(name="random", backbone=SMALL, seed=2))
    slower = model.preprocessing.model_copy(update={"rate_hz": 200.0})
    keys = {
        cache_key(model.sha256, model.preprocessing),
        cache_key(other.sha256, other.preprocessing),
        cache_key(model.sha256, slower),
    }
    assert len(keys) == 3


def test_a_damaged_block_of_the_cache_is_computed_again(tmp_path, store, model):
    names = ids(store)[:5]
    embed(model, store, names, kept(tmp_path, model))
    (block,) = (tmp_path / "cache").rglob("*.npz")
    block.write_bytes(block.read_bytes()[:200])
    assert embed(model, store, names, kept(tmp_path, model)).computed == 5


def test_a_recording_shorter_than_a_window_is_refused_with_the_reason_and_the_others_are_embedded(
    tmp_path, store, model
):
    names = ids(store)
    told = embed(model, store, names, kept(tmp_path, model))
    assert list(told.refused) == [names[5]]
    assert "the model needs 2.5 s" in told.refused[names[5]]
    last = told.layers[model.layers[-1]]
    assert np.isnan(last[5]).all()
    assert np.isfinite(np.delete(last, 5, axis=0)).all()


def test_a_long_recording_gives_the_same_in_slices_of_any_size(tmp_path, store, model):
    names = ids(store)[6:]
    whole = embed(model, store, names, kept(tmp_path, model, "a"))
    sliced = embed(model, store, names, kept(tmp_path, model, "b"), batch_size=3)
    assert all(np.allclose(whole.layers[k], sliced.layers[k], atol=1e-5) for k in model.layers)


def test_a_recording_that_is_not_in_the_store_is_the_worlds_error(tmp_path, store, model):
    with pytest.raises(WorldError, match="it is not in the store"):
        embed(model, store, ["r000000000000"], kept(tmp_path, model))


def test_a_stop_keeps_the_blocks_that_are_done(tmp_path, store, model, monkeypatch):
    monkeypatch.setattr("engine.evaluation.embed.BLOCK", 2)

    def stop_after_two(done):
        if done == 2:
            raise InterruptedError

    names = ids(store)[:5]
    with pytest.raises(InterruptedError):
        embed(model, store, names, kept(tmp_path, model), on_progress=stop_after_two)
    assert embed(model, store, names, kept(tmp_path, model)).computed == 3


def test_filling_the_cache_leaves_what_embedding_would_have_left(tmp_path, store, model):
    names, told = ids(store), []
    whole = embed(model, store, names, kept(tmp_path, model, "a"))
    filled = fill(model, store, np.array(names, dtype=np.bytes_), kept(tmp_path, model, "b"), on_progress=told.append)
    assert (filled.refused, filled.computed, told[-1]) == (whole.refused, 7, 7)
    again = embed(model, store, names, kept(tmp_path, model, "b"))
    assert again.computed == 1  # the one that is refused is never kept
    for layer in model.layers:
        assert np.array_equal(again.layers[layer], whole.layers[layer], equal_nan=True)
    assert fill(model, store, names[:5], kept(tmp_path, model, "b")).computed == 0


def test_a_block_that_was_written_twice_is_taken_once_and_a_foreign_one_not_at_all(tmp_path, store, model):
    names, cache = ids(store)[:5], kept(tmp_path, model)
    first = embed(model, store, names, cache)
    width = sum(features.shape[1] for features in first.layers.values())
    cache.write([names[1], "r000000000001"], np.full((2, width), 7, dtype=np.float32))
    taken = Names(names[1:])
    places = np.concatenate([places for places, _ in cache.read(taken)])
    assert sorted(places.tolist()) == [0, 1, 2, 3]
    assert cache.holds(taken).all()
    assert not cache.holds(Names(["r000000000002"])).any()
    assert list(cache.read(Names([]))) == []


def test_a_fault_of_the_store_is_no_refusal_of_the_model(tmp_path, store, model, monkeypatch):
    def torn(row):
        raise WorldError("store", "a shard is shorter than its index says", "Import the recordings again")

    monkeypatch.setattr(store, "signal", torn)
    with pytest.raises(WorldError, match="shorter than its index"):
        embed(model, store, ids(store), kept(tmp_path, model))
