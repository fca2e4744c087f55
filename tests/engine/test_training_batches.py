"""A batch is what the model's card promises, and a function of seed and step."""

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from engine.contract.config import PretrainConfig, S4Config
from engine.contract.errors import WorldError
from engine.data.store import Store
from engine.signal.condition import clip, fill_missing
from engine.signal.recording import Recording
from engine.signal.resampling import polyphase, resample
from engine.training import resampling
from engine.training.batches import Crop, Cropper, TrainingBatches, ValidationBatches

CONFIG = PretrainConfig(backbone=S4Config(width=16, depth=1), batch_size=4, seed=5)


def recording(seed, rate_hz=500.0, seconds=10.0, missing=False):
    generator = np.random.default_rng(seed)
    signal_CT = np.cumsum(generator.normal(0, 0.08, (12, round(rate_hz * seconds))), 1).astype(np.float32)
    if missing:
        signal_CT[3] = np.nan
        signal_CT[5, 100:700] = np.nan
    present = tuple(not np.isnan(lead).all() for lead in signal_CT)
    digest = f"{seed:064x}"
    return Recording(signal_CT, rate_hz, present=present, file_sha256=digest)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("batches") / "store"
    with Store.create(path) as writer:
        for seed in range(10):
            writer.append(recording(seed))
        writer.append(recording(10, rate_hz=400))
        writer.append(recording(11, rate_hz=240))
        writer.append(recording(12, missing=True))
        writer.append(recording(13, seconds=2.0))
    return Store.open(path)


@pytest.mark.parametrize("rate_hz", [500, 400, 250, 257, 1000, 100, 360])
def test_resampling_a_batch_is_scipy_one_signal_at_a_time(rate_hz):
    length = polyphase(rate_hz, 240).needed(600)
    x_NT = np.cumsum(np.random.default_rng(0).normal(0, 0.05, (5, length)), 1) + 1.5
    ours = resampling.resample(torch.from_numpy(x_NT).float(), rate_hz, 240, 600).numpy()
    scipy = resample_poly(x_NT, 240, rate_hz, axis=1, padtype="line")[:, :600]
    np.testing.assert_allclose(ours, scipy, atol=5e-6)


@pytest.mark.parametrize("row", [0, 10, 11, 12])
def test_a_crop_is_conditioned_as_a_recording_is_for_embedding(store, row):
    cropper = Cropper(store, CONFIG)
    rate_hz, start = store.entry(row).rate_hz, 50
    raw_CT = store.signal(row)[:, start : start + round(2.5 * rate_hz)]
    expected_CT = clip(resample(fill_missing(raw_CT), rate_hz, 240.0), CONFIG.clip_mv)
    x_BCT = cropper.read([Crop(row, start)])
    assert x_BCT.dtype == torch.float32
    assert x_BCT.shape == (1, 12, 600)
    np.testing.assert_allclose(x_BCT[0].numpy(), expected_CT, atol=5e-6)
    assert x_BCT.abs().max() <= CONFIG.clip_mv


def test_mixed_rates_keep_their_places(store):
    cropper = Cropper(store, CONFIG)
    crops = [Crop(10, 3), Crop(0, 70), Crop(11, 9), Crop(10, 8), Crop(1, 0)]
    together = cropper.read(crops)
    for place, crop in enumerate(crops):
        torch.testing.assert_close(together[place], cropper.read([crop])[0], atol=1e-6, rtol=0)


def test_no_missing_sample_reaches_the_model(store):
    assert torch.isfinite(Cropper(store, CONFIG).read([Crop(12, start) for start in (0, 90, 650, 3000)])).all()


def test_a_step_is_a_function_of_the_seed_and_the_step_alone(store):
    def batches(seed=5):
        return TrainingBatches(Cropper(store, CONFIG), range(10), CONFIG.model_copy(update={"seed": seed}))

    in_order = batches()
    told = [in_order.crops(step) for step in range(6)]
    assert [batches().crops(step) for step in (3, 0, 5)] == [told[3], told[0], told[5]]
    assert torch.equal(batches().read(4), in_order.read(4))
    assert batches(seed=6).crops(0) != told[0]


def test_every_epoch_takes_each_record_at_most_once_in_a_new_order(store):
    batches = TrainingBatches(Cropper(store, CONFIG), range(10), CONFIG)
    epochs = [[c.row for step in (2 * e, 2 * e + 1) for c in batches.crops(step)] for e in range(30)]
    assert all(len(set(rows)) == 8 for rows in epochs)
    assert len({tuple(rows) for rows in epochs}) == 30
    assert set().union(*epochs) == set(range(10))


def test_crops_start_anywhere_from_the_first_sample_to_the_last_possible(store):
    cropper = Cropper(store, CONFIG)
    batches = TrainingBatches(cropper, range(4), CONFIG)
    starts = [crop.start for step in range(1500) for crop in batches.crops(step)]
    assert cropper.rooms(np.array([0])).tolist() == [5000 - 1250]
    assert 0 <= min(starts) < 10
    assert 3740 < max(starts) <= 3750
    assert abs(np.mean(starts) - 1875) < 60


def test_fewer_records_than_a_batch_are_refused_with_a_way_out(store):
    with pytest.raises(WorldError, match=r"3 training records .* batch of 4\. Set batch_size to 3 or less"):
        TrainingBatches(Cropper(store, CONFIG), range(3), CONFIG)
    with pytest.raises(WorldError, match="Choose a cohort"):
        TrainingBatches(Cropper(store, CONFIG), [], CONFIG)


def test_held_out_crops_follow_each_other_and_are_always_the_same(store):
    batches = ValidationBatches(Cropper(store, CONFIG), [0, 10], CONFIG)
    assert batches.crops == [Crop(0, s) for s in (0, 1250, 2500, 3750)] + [Crop(10, s) for s in (0, 1000, 2000, 3000)]
    once, again = list(batches), list(batches)
    assert [len(b.x_BCT) for b in once] == [4, 4]
    assert all(torch.equal(a.x_BCT, b.x_BCT) and a.draws == b.draws for a, b in zip(once, again, strict=True))
    assert {b.draws.stream for b in once} == {"validation"}


def test_a_recording_shorter_than_a_crop_has_no_room(store):
    cropper = Cropper(store, CONFIG)
    assert cropper.rooms(np.array([13]))[0] < 0
    assert ValidationBatches(cropper, [13], CONFIG).crops == []
