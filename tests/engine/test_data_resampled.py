"""What is resampled once is what is resampled each time, is found again, and is made once however many ask."""

import json
import subprocess
import sys
import threading

import numpy as np
import pytest

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError
from engine.contract.run import Lock
from engine.data import resampled
from engine.data.resampled import Recipe, derive, forget_derived, list_derived
from engine.data.store import Store
from engine.signal.condition import clip, fill_missing
from engine.signal.recording import Recording
from engine.signal.resampling import resample

RECIPE = Recipe(rate_hz=240.0, clip_mv=3.0)


@pytest.fixture
def source(tmp_path):
    rng = np.random.default_rng(0)
    with Store.create(tmp_path / "store") as writer:
        for seed, rate_hz in enumerate([500.0, 500.0, 400.0, 240.0, 1000.0]):
            signal_CT = np.cumsum(rng.normal(0, 0.06, (12, int(4 * rate_hz))), 1).astype(np.float32)
            signal_CT[3, 50:90] = np.nan
            writer.append(Recording(signal_CT, rate_hz, file_sha256=f"{seed:064x}", derived=("III",)))
    return Store.open(tmp_path / "store")


def test_a_derived_recording_is_the_filled_resampled_and_clipped_source_under_its_id(source):
    made = derive(source, np.arange(5), RECIPE)
    assert len(made) == 5
    for row in range(5):
        entry = source.entry(row)
        place = made.find(entry.record_id)
        told = made.entry(place)
        assert (told.rate_hz, told.length, told.derived) == (240.0, 960, ("III",))
        expected_CT = clip(resample(fill_missing(source.signal(row)), entry.rate_hz, 240.0), 3.0)
        np.testing.assert_allclose(made.signal(place), expected_CT, atol=1.01 * 3 / 65534)
    assert made.verify() == []


def test_it_is_found_again_by_its_key_and_only_what_is_missing_is_made(source, monkeypatch):
    derive(source, np.array([0, 3]), RECIPE)
    made = []
    honest = resampled.resample
    monkeypatch.setattr(resampled, "resample", lambda *told: made.append(told[1]) or honest(*told))
    assert len(derive(source, np.array([3, 0]), RECIPE)) == 2
    assert made == []
    assert len(derive(Store.open(source.path), np.arange(5), RECIPE)) == 5
    assert made == [500.0, 400.0, 1000.0]


def test_cards_that_ask_for_the_same_samples_share_one_store():
    card = Preprocessing(rate_hz=240.0, window_s=2.5)
    same = card.model_copy(update={"window_s": 5.0, "normalisation": "z-score", "leads": ("I", "II")})
    assert Recipe.of(card).key == Recipe.of(same).key == RECIPE.key
    others = [{"rate_hz": 250.0}, {"clip_mv": None}, {"filters": "0.5-40 Hz"}, {"missing": "zero"}]
    keys = {Recipe.of(card.model_copy(update=change)).key for change in others}
    assert len(keys) == 4
    assert RECIPE.key not in keys


def test_two_that_ask_at_once_get_one_store_in_which_nothing_is_twice(source, monkeypatch):
    monkeypatch.setattr(resampled, "POLL_S", 0.01)
    code = (
        "import sys, numpy as np; from pathlib import Path; from engine.data.store import Store;"
        "from engine.data.resampled import Recipe, derive;"
        "print(len(derive(Store.open(sys.argv[1]), np.arange(5), Recipe(240.0, 3.0))))"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", code, str(source.path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert len(derive(source, np.arange(5), RECIPE)) == 5
    assert [other.communicate(timeout=60)[0].strip() for other in others] == ["5", "5"]
    assert len(list_derived(source.path)) == 1
    assert len(Store.open(source.path / "derived" / RECIPE.key)) == 5


def test_who_comes_second_waits_for_the_first(source, monkeypatch):
    monkeypatch.setattr(resampled, "POLL_S", 0.01)
    path = source.path / "derived" / RECIPE.key
    path.mkdir(parents=True)
    seen = []
    with Store.create(path) as first:
        waiting = threading.Thread(target=lambda: seen.append(len(derive(source, np.array([1]), RECIPE))))
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        first.append_signal(source.entry(1), source.signal(1))
    waiting.join(20)
    assert seen == [1]


def test_one_who_was_faster_and_has_ended_is_no_fault(source, monkeypatch):
    make = resampled._make

    def beaten(*asked):
        monkeypatch.setattr(resampled, "_make", make)
        make(*asked)
        raise WorldError("store", "another process appends to it", "Wait")

    monkeypatch.setattr(resampled, "_make", beaten)
    assert len(derive(source, np.arange(3), RECIPE)) == 3


def test_what_was_made_before_a_stop_stays(source, monkeypatch):
    monkeypatch.setattr(resampled, "BATCH", 2)

    def stop(done, total):
        assert total == 5
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        derive(source, np.arange(5), RECIPE, stop)
    assert [derived.records for derived in list_derived(source.path)] == [2]
    assert len(derive(source, np.arange(5), RECIPE)) == 5


def test_deleting_says_what_it_frees_and_leaves_the_source_alone(source):
    derive(source, np.arange(5), RECIPE)
    derive(source, np.arange(2), Recipe(rate_hz=100.0, clip_mv=None))
    found = {derived.key: derived for derived in list_derived(source.path)}
    assert found[RECIPE.key].recipe["rate_hz"] == 240.0
    size = sum(file.stat().st_size for file in (source.path / "derived" / RECIPE.key).iterdir())
    assert forget_derived(source.path, (RECIPE.key,)) == found[RECIPE.key].size_bytes == size
    assert [derived.records for derived in list_derived(source.path)] == [2]
    assert forget_derived(source.path) > 0
    assert list_derived(source.path) == []
    assert forget_derived(source.path) == 0
    assert source.verify() == []


def test_one_that_is_being_made_or_does_not_exist_is_not_deleted(source):
    derive(source, np.arange(1), RECIPE)
    with pytest.raises(WorldError, match="there is none"):
        forget_derived(source.path, ("0123",))
    with Lock(source.path / "derived" / RECIPE.key / "lock"), pytest.raises(WorldError, match="a run is making it"):
        forget_derived(source.path)


def test_a_disk_without_room_is_told_before_anything_is_written(source, monkeypatch):
    monkeypatch.setattr(resampled, "MARGIN_BYTES", 2**60)
    with pytest.raises(WorldError, match="it needs 0 MB and the disk has"):
        derive(source, np.arange(5), RECIPE)
    assert [derived.records for derived in list_derived(source.path)] == [0]


def test_the_recipe_can_be_read_by_people(source):
    derive(source, np.arange(1), RECIPE)
    told = json.loads((source.path / "derived" / RECIPE.key / "recipe.json").read_text())
    assert told["resampling"].startswith("polyphase")
    assert told["clip_mv"] == 3.0
