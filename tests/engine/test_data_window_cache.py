"""Kept windows: whole or not there, never wrong, and within their budget."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError
from engine.data import window_cache
from engine.data.embedding_cache import Names
from engine.data.window_cache import SPARE_BYTES, WindowCache, window_key

ROOT = Path(__file__).resolve().parent.parent.parent
COUNTS = np.array([2, 1, 3, 2])
IDS = ["r0", "r1", "r2", "r3"]
SHAPE = (5, 4)


def windows(seed=0):
    """Windows of all recordings, one after the other."""
    return np.random.default_rng(seed).standard_normal((int(COUNTS.sum()), *SHAPE)).astype(np.float32)


def filled(folder, key="a", seed=0, block_bytes=None, monkeypatch=None):
    if block_bytes is not None:
        monkeypatch.setitem(window_cache.BLOCK_BYTES, "tokens", block_bytes)
    cache = WindowCache(folder, key, "tokens")
    with cache.writer() as writer:
        writer.expect(IDS, COUNTS.tolist())
        # Batches end where they like, as a GPU's do.
        for part in np.array_split(windows(seed), 3):
            writer.append(part)
    return cache


def told(held, counts=COUNTS):
    return np.concatenate([held.windows(row, int(count)) for row, count in enumerate(counts)])


@pytest.mark.parametrize(("block_bytes", "blocks"), [(None, 1), (1, 4), (200, 3)])
def test_windows_come_back_bit_by_bit_from_one_block_or_many(tmp_path, monkeypatch, block_bytes, blocks):
    cache = filled(tmp_path, block_bytes=block_bytes, monkeypatch=monkeypatch)
    held = cache.hold(Names(IDS), COUNTS)
    assert len(held.blocks) == blocks
    np.testing.assert_array_equal(told(held), windows())
    assert cache.holds(Names(["r3", "new", "r0"])).tolist() == [True, False, True]
    assert all(isinstance(block, np.memmap) for block in held.blocks)
    backwards = cache.hold(Names(["r3", "new", "r0"]), np.array([2, 1, 2]))
    assert backwards.there_R.tolist() == [True, False, True]
    np.testing.assert_array_equal(backwards.windows(0, 2), windows()[6:])
    np.testing.assert_array_equal(backwards.windows(2, 1, start=1), windows()[1:2])


def test_two_runs_that_keep_the_same_at_once_leave_it_once(tmp_path):
    cache = filled(tmp_path)
    held = cache.hold(Names(IDS), COUNTS)
    filled(tmp_path)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    np.testing.assert_array_equal(told(held), windows())


@pytest.mark.parametrize("place", [0, 100, -3, -40])
def test_a_block_with_a_changed_byte_is_dropped_and_told(tmp_path, place):
    cache = filled(tmp_path)
    (block,) = tmp_path.rglob("*.windows")
    raw = bytearray(block.read_bytes())
    raw[place] ^= 1
    block.write_bytes(raw)
    held = cache.hold(Names(IDS), COUNTS)
    assert held.damaged == 1
    assert not held.there_R.any()
    assert not list(tmp_path.rglob("*.windows"))


@pytest.mark.parametrize("left", [0, 5, 100, -1])
def test_a_block_cut_short_is_dropped(tmp_path, left):
    cache = filled(tmp_path)
    (block,) = tmp_path.rglob("*.windows")
    block.write_bytes(block.read_bytes()[:left])
    assert not cache.hold(Names(IDS), COUNTS).there_R.any()


def test_a_recording_of_another_number_of_windows_is_not_taken_for_the_one_that_was_kept(tmp_path):
    assert not filled(tmp_path).hold(Names(["r0"]), np.array([3])).there_R.any()


def test_a_writer_that_is_stopped_keeps_the_recordings_that_are_whole(tmp_path):
    cache = WindowCache(tmp_path, "a", "tokens")

    def stopped():
        with cache.writer() as writer:
            writer.expect(IDS, COUNTS.tolist())
            writer.append(windows()[:4])
            raise InterruptedError

    with pytest.raises(InterruptedError):
        stopped()
    held = cache.hold(Names(IDS), COUNTS)
    assert held.there_R.tolist() == [True, True, False, False]
    np.testing.assert_array_equal(told(held, COUNTS[:2]), windows()[:3])


KILLED = """
import os, signal, sys
sys.path.insert(0, "tests/engine")
from pathlib import Path
import test_data_window_cache as case
from engine.data import window_cache
window_cache.BLOCK_BYTES["tokens"] = 200
writer = window_cache.WindowCache(Path(sys.argv[1]), "a", "tokens").writer()
writer.expect(case.IDS, case.COUNTS.tolist())
writer.append(case.windows()[:5])
writer._draft.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_after_kill_9_whole_blocks_stand_the_draft_counts_for_nothing_and_is_swept_when_it_is_old(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    cache = WindowCache(tmp_path, "a", "tokens")
    held = cache.hold(Names(IDS), COUNTS)
    assert (held.there_R.tolist(), held.damaged) == ([True, True, False, False], 0)
    np.testing.assert_array_equal(told(held, COUNTS[:2]), windows()[:3])
    (draft,) = tmp_path.rglob("*.draft")
    cache.make_room(held, 0, 10**9)
    assert draft.exists()
    old = time.time() - 2 * window_cache.STALE_S
    os.utime(draft, (old, old))
    cache.make_room(held, 0, 10**9)
    assert not draft.exists()


def test_what_was_unused_for_longest_makes_room_and_what_is_needed_now_does_not(tmp_path):
    size = windows().nbytes
    for age, key in enumerate(("c", "b", "a")):
        filled(tmp_path, key)
        (block,) = (tmp_path / "tokens" / key).glob("*")
        os.utime(block, (1e9 - age, 1e9 - age))
    # "a" is the oldest, but it is asked for; using it makes it the youngest.
    needed = WindowCache(tmp_path, "a", "tokens")
    room = needed.make_room(needed.hold(Names(IDS), COUNTS), 0, int(2.9 * size))
    assert (room.lacking, room.given_back > size) == ("", True)
    assert sorted(path.parent.name for path in tmp_path.rglob("*.windows")) == ["a", "c"]


def test_more_than_the_budget_or_the_disk_holds_is_refused_and_nothing_is_deleted(tmp_path, monkeypatch):
    cache = filled(tmp_path, "b")
    other = WindowCache(tmp_path, "a", "tokens")
    nothing = other.hold(Names(IDS), COUNTS)
    assert "1.0 GB may be kept" in other.make_room(nothing, 2 * 10**9, 10**9).lacking
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=SPARE_BYTES + 10))
    assert "of the disk are free" in other.make_room(nothing, 10**9, 10**12).lacking
    assert cache.hold(Names(IDS), COUNTS).there_R.all()
    # What is kept already needs no room, however full the disk is.
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=0))
    assert not cache.make_room(cache.hold(Names(IDS), COUNTS), 0, 10**9).lacking


def test_a_full_disk_is_the_worlds_error_and_leaves_no_draft(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(WorldError, match="Free some space"):
        filled(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_another_model_or_preprocessing_shares_nothing():
    feed = Preprocessing(rate_hz=240, window_s=2.5)
    slower = feed.model_copy(update={"rate_hz": 200.0})
    assert len({window_key("m", feed), window_key("n", feed), window_key("m", slower)}) == 3
