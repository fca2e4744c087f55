"""The store gives back what it was given, and survives kills, torn rows and full disks."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.contract.errors import WorldError
from engine.data import layout
from engine.data.layout import ROW
from engine.data.store import Store
from engine.signal.leads import CANONICAL
from engine.signal.readers import read_recording
from engine.signal.recording import Recording


def recording(seed=0, samples=500, **changes):
    steps_CT = np.random.default_rng(seed).integers(-3000, 3000, size=(12, samples))
    told = {
        "signal_CT": steps_CT.astype(np.float32) / np.float32(1000),
        "resolution_mv": np.full(12, 0.001),
        "file_sha256": f"{seed:064x}",
        "rate_hz": 500.0,
    }
    return Recording(**(told | changes))


def fill(path, count, start=0):
    with Store.create(path) as store:
        for seed in range(start, start + count):
            store.append(recording(seed))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store"


# Round trip


def test_whole_steps_come_back_bit_equal(path):
    given_ = recording(1, rate_hz=1000.0, derived=("III",), present=(True,) * 11 + (False,))
    with Store.create(path) as store:
        row = store.append(given_, "J0001")
    store = Store.open(path)
    np.testing.assert_array_equal(store.signal(row), given_.signal_CT)
    entry = store.entry(row)
    assert (entry.record_id, entry.signal_sha256) == (given_.record_id, given_.signal_sha256)
    assert (entry.rate_hz, entry.length, entry.derived) == (1000.0, 500, ("III",))
    assert (entry.present, entry.file_sha256) == (given_.present, given_.file_sha256)
    assert store.origin(row) == "J0001"
    assert store.find(given_.record_id) == row
    assert store.has_signal(given_.signal_sha256)


@given(
    signal_CT=arrays(
        np.float32,
        st.tuples(st.just(12), st.integers(1, 40)),
        elements=st.one_of(st.floats(-200, 200, width=32), st.just(float("nan"))),
    )
)
def test_decimals_come_back_within_half_a_step_and_missing_stays_missing(signal_CT):
    steps_TC, steps_per_mv, exact = layout.to_steps(signal_CT, None)
    assert not any(exact)
    got = layout.to_millivolts(steps_TC, steps_per_mv)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(signal_CT))
    error = np.nan_to_num(np.abs(got.astype(np.float64) - signal_CT)).max(axis=1)
    assert (error * steps_per_mv <= 0.51).all()
    assert (np.nan_to_num(np.abs(signal_CT)).max(axis=1) * steps_per_mv <= 32768).all()


@given(
    steps_CT=arrays(np.int32, st.tuples(st.just(12), st.integers(1, 40)), elements=st.integers(-32767, 32767)),
    gain=st.sampled_from([200.0, 204.8, 1000.0, 4880.0, 10520.0, 1 / 3]),
)
def test_any_gain_gives_back_the_very_integers_of_the_file(steps_CT, gain):
    signal_CT = steps_CT.astype(np.float32) / np.float32(gain)
    steps_TC, steps_per_mv, exact = layout.to_steps(signal_CT, np.full(12, 1 / gain))
    assert all(exact)
    np.testing.assert_array_equal(steps_TC.T, steps_CT)
    np.testing.assert_array_equal(layout.to_millivolts(steps_TC, steps_per_mv), signal_CT)


def test_integers_beyond_16_bits_are_scaled_not_cut(path):
    wide = recording(signal_CT=np.full((12, 5), 60.0, np.float32))
    with Store.create(path) as store:
        row = store.append(wide)
    np.testing.assert_allclose(Store.open(path).signal(row), 60.0, atol=0.001)


def test_real_recordings_come_back_bit_equal(path, samples):
    files = sorted(samples.glob("*.hea"))[:20]
    with Store.create(path) as store:
        rows = [store.append(read_recording(file)) for file in files]
    store = Store.open(path)
    for row, file in zip(rows, files, strict=True):
        np.testing.assert_array_equal(store.signal(row), read_recording(file).signal_CT)
    assert store.verify() == []


def test_the_index_tells_which_leads_are_the_integers_of_their_file(path):
    signal_CT = recording(2).signal_CT.copy()
    signal_CT[3] = (signal_CT[0] + signal_CT[1]) / -2  # aVR from I and II ends in half steps
    signal_CT[4, 7] = 40.0  # beyond 32,767 steps of 1 uV
    with Store.create(path) as store:
        whole = store.append(recording(1))
        mixed = store.append(recording(2, signal_CT=signal_CT))
        decimals = store.append(recording(3, resolution_mv=None))
    store = Store.open(path)
    assert store.entry(whole).exact == (True,) * 12
    assert store.entry(decimals).exact == (False,) * 12
    assert store.entry(mixed).exact == (True,) * 3 + (False, False) + (True,) * 7
    error_C = np.abs(store.signal(mixed).astype(np.float64) - signal_CT).max(axis=1)
    assert (error_C <= 0.51 * store.scale(mixed)).all()
    assert store.scale(mixed)[3] < 0.0005
    assert store.scale(mixed)[4] == pytest.approx(40 / 32767)


def test_an_infinite_sample_is_refused(path):
    signal_CT = recording(2).signal_CT.copy()
    signal_CT[3, 5] = np.inf
    with Store.create(path) as store, pytest.raises(WorldError, match="infinite"):
        store.append(recording(2, signal_CT=signal_CT))


def test_a_store_of_before_does_not_say_what_is_exact(path):
    fill(path, 1)
    index = path / "index.bin"
    row = np.frombuffer(bytearray(index.read_bytes()), dtype=ROW)[0]
    row["exact"] = row["place"] = 0
    row["row_crc"] = layout.row_crc(row)
    index.write_bytes(row.tobytes())
    store = Store.open(path)
    assert store.entry(0).exact is None
    assert store.verify() == []


def test_many_crops_are_the_crops_one_at_a_time(path):
    holes_CT = recording(4).signal_CT.copy()
    holes_CT[5, 100:120] = np.nan
    with Store.create(path) as store:
        for seed in range(4):
            store.append(recording(seed))
        store.append(recording(4, signal_CT=holes_CT))
    store = Store.open(path)
    rows_B, starts_B = np.array([3, 0, 4, 4, 1]), np.array([0, 450, 90, 200, 17])
    x_BCT, holes_B = store.crops(rows_B, starts_B, 50)
    assert holes_B.tolist() == [False, False, True, False, False]
    for x_CT, row, start in zip(x_BCT, rows_B, starts_B, strict=True):
        np.testing.assert_array_equal(x_CT, store.signal(int(row))[:, start : start + 50])
    room = np.zeros((5, 12, 70), dtype=np.float32)
    store.crops(rows_B, starts_B, 50, room[:, :, 10:60])
    np.testing.assert_array_equal(room[:, :, 10:60], x_BCT)
    assert not room[:, :, :10].any()
    assert not room[:, :, 60:].any()
    assert store.crops(rows_B[:0], starts_B[:0], 50)[0].shape == (0, 12, 50)


@pytest.mark.parametrize(("row", "start", "length"), [(-1, 0, 5), (3, 0, 5), (0, -1, 5), (0, 496, 5), (0, 3, -1)])
def test_many_crops_never_reach_beyond(path, row, start, length):
    fill(path, 3)
    with pytest.raises(IndexError):
        Store.open(path).crops(np.array([1, row]), np.array([0, start]), length)


def test_a_crop_is_a_view_of_the_steps(path):
    fill(path, 3)
    store = Store.open(path)
    crop_TC = store.crop_TC(1, 100, 50)
    assert crop_TC.dtype == np.int16
    assert not crop_TC.flags.owndata
    np.testing.assert_allclose(crop_TC * store.scale(1), recording(1).signal_CT[:, 100:150].T, atol=1e-7)


@pytest.mark.parametrize(("start", "length"), [(-1, 10), (491, 10), (0, 501), (0, -1)])
def test_a_crop_never_reaches_into_the_neighbour(path, start, length):
    fill(path, 3)
    with pytest.raises(IndexError):
        Store.open(path).crop_TC(1, start, length)


def test_the_same_signal_is_kept_once(path):
    with Store.create(path) as store:
        assert store.append(recording(1)) == store.append(recording(1)) == 0
        store.flush()
        assert store.append(recording(1)) == 0
    assert len(Store.open(path)) == 1


@pytest.mark.parametrize("record_id", ["", "r", "rzzzzzzzzzzzz", "x00000000000a", "r000000000000", "r00000000000"])
def test_an_unknown_id_finds_nothing(path, record_id):
    fill(path, 2)
    assert Store.open(path).find(record_id) is None


def test_many_records_are_found_by_id_over_several_shards(path, monkeypatch):
    monkeypatch.setattr(layout, "SHARD_BYTES", 40_000)
    fill(path, 10)
    store = Store.open(path)
    assert len(list(path.glob("shard-*.bin"))) == 4
    for seed in range(10):
        row = store.find(recording(seed).record_id)
        np.testing.assert_array_equal(store.signal(row), recording(seed).signal_CT)


# Readers and writers


def test_a_reader_sees_what_was_committed_and_more_after_a_refresh(path):
    fill(path, 1)
    reader = Store.open(path)
    with Store.create(path) as writer:
        writer.append(recording(5))
        assert len(Store.open(path)) == 1
        writer.flush()
        assert len(reader) == 1
        reader.refresh()
        assert len(reader) == 2
        np.testing.assert_array_equal(reader.signal(1), recording(5).signal_CT)


def test_what_was_not_flushed_is_forgotten_when_the_work_fails(path):
    store = Store.create(path)
    store.append(recording(1))
    store.__exit__(RuntimeError, RuntimeError(), None)
    assert len(Store.open(path)) == 0


def test_a_second_writer_is_told_who_holds_the_store(path):
    code = "import sys; from engine.data.store import Store; Store.create(sys.argv[1])"
    with Store.create(path):
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"held by import (process {os.getpid()}" in done.stderr


def test_there_is_no_store_before_the_first_import(path):
    with pytest.raises(WorldError, match="there is none"):
        Store.open(path)


def test_a_store_of_a_newer_layout_is_refused(path):
    fill(path, 1)
    (path / "store.json").write_text(json.dumps({"version": 99}))
    for act in (Store.open, Store.create):
        with pytest.raises(WorldError, match="layout 99"):
            act(path)


# Damage and crashes


def test_trailing_bytes_of_a_killed_writer_are_cut(path):
    fill(path, 2)
    with (path / "shard-00000.bin").open("ab") as shard:
        shard.write(b"half a recording")
    (path / "shard-00001.bin").write_bytes(b"another")
    fill(path, 1, start=2)
    store = Store.open(path)
    assert len(store) == 3
    assert store.verify() == []
    assert (path / "shard-00000.bin").stat().st_size == 3 * 500 * 24
    assert not (path / "shard-00001.bin").exists()


@pytest.mark.parametrize("kept", [1, ROW.itemsize // 2, ROW.itemsize - 1])
def test_a_torn_index_row_does_not_count_and_is_overwritten(path, kept):
    fill(path, 3)
    index = path / "index.bin"
    index.write_bytes(index.read_bytes()[: 2 * ROW.itemsize + kept])
    assert len(Store.open(path)) == 2
    fill(path, 1, start=7)
    store = Store.open(path)
    assert len(store) == 3
    assert store.verify() == []
    np.testing.assert_array_equal(store.signal(2), recording(7).signal_CT)


def test_index_rows_that_a_power_cut_left_as_zeros_do_not_count(path):
    fill(path, 2)
    with (path / "index.bin").open("ab") as index:
        index.write(bytes(2 * ROW.itemsize))
    assert len(Store.open(path)) == 2
    fill(path, 1, start=4)
    assert Store.open(path).verify() == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("moment", ["append", "flush-samples", "flush-rows"])
def test_a_writer_killed_at_any_moment_loses_nothing_committed(path, moment):
    code = textwrap.dedent(
        """
        import os, signal, sys
        sys.path.insert(0, sys.argv[3])
        from test_data_store import recording
        from engine.data.store import Store
        die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        store = Store.create(sys.argv[1])
        for seed in range(5):
            store.append(recording(seed))
        store.flush()
        store.append(recording(5))
        if sys.argv[2] == "append":
            die()
        real, calls = os.fsync, []
        def fsync(number):
            calls.append(number)
            if len(calls) == (1 if sys.argv[2] == "flush-samples" else 2):
                die()
            real(number)
        os.fsync = fsync
        store.flush()
        """
    )
    here = os.path.dirname(__file__)
    done = subprocess.run([sys.executable, "-c", code, str(path), moment, here], check=False)
    assert done.returncode == -signal.SIGKILL
    survivors = len(Store.open(path))
    assert survivors == (6 if moment == "flush-rows" else 5)
    fill(path, 7)
    store = Store.open(path)
    assert len(store) == 7
    assert store.verify() == []


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_writer_killed_again_and_again_at_random_moments_keeps_all_that_it_told_of(path):
    code = textwrap.dedent(
        """
        import sys
        sys.path.insert(0, sys.argv[2])
        from test_data_store import recording
        from engine.data import layout
        from engine.data.store import Store
        layout.SHARD_BYTES = 60_000
        with Store.create(sys.argv[1]) as store:
            for seed in range(len(store), 10**6):
                store.append(recording(seed, samples=50 + seed % 400))
                if seed % 3 == 0:
                    store.flush()
                    print(len(store), flush=True)
        """
    )
    here, rng, told = os.path.dirname(__file__), np.random.default_rng(0), 0
    for _ in range(8):
        command = [sys.executable, "-c", code, str(path), here]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            writer.stdout.readline()
            time.sleep(rng.uniform(0, 0.08))
            writer.kill()
            told = max([told, *(int(line) for line in writer.stdout.read().split())])
        store = Store.open(path)
        assert len(store) >= told
        assert store.verify() == []
    for row in rng.integers(len(store), size=30).tolist():
        np.testing.assert_array_equal(store.signal(row), recording(row, samples=50 + row % 400).signal_CT)


def test_a_disk_that_fills_in_the_middle_of_a_recording_leaves_what_stood(path, monkeypatch):
    fill(path, 2)
    store = Store.create(path)
    store.append(recording(7))
    honest = store._file.write
    calls = []

    class Full:
        def __getattr__(self, name):
            return getattr(file, name)

        def write(self, block):
            calls.append(len(block))
            if len(calls) > 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            return honest(block[:1000])

    file = store._file
    store._file = Full()
    with pytest.raises(WorldError, match="the disk is full"):
        store.append(recording(8))
    store._file = file
    store.append(recording(9))
    store.flush()
    store.close()
    store = Store.open(path)
    assert [store.find(recording(seed).record_id) for seed in (0, 1, 7, 9, 8)] == [0, 1, 2, 3, None]
    assert store.verify() == []


def test_a_full_disk_is_told_and_what_stood_stays(path, monkeypatch):
    fill(path, 2)
    store = Store.create(path)
    store.append(recording(8))

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorldError, match="the disk is full"):
        store.flush()
    monkeypatch.undo()
    assert len(Store.open(path)) == 2
    store.flush()
    store.close()
    assert len(Store.open(path)) == 3
    assert Store.open(path).verify() == []


def test_verification_names_the_damaged_recording(path):
    fill(path, 3)
    shard = path / "shard-00000.bin"
    block = bytearray(shard.read_bytes())
    block[500 * 24 + 7] ^= 4
    shard.write_bytes(block)
    faults = Store.open(path).verify()
    assert [(fault.row, fault.record_id) for fault in faults] == [(1, recording(1).record_id)]
    assert faults[0].what == "its samples do not match their checksum"


def test_verification_notices_a_forged_index_row(path):
    fill(path, 2)
    index = path / "index.bin"
    block = bytearray(index.read_bytes())
    block[3] ^= 1
    index.write_bytes(block)
    assert [fault.row for fault in Store.open(path).verify()] == [0]


def test_a_bad_last_row_that_was_whole_once_is_told_and_not_cut_away(path):
    fill(path, 3)
    index = path / "index.bin"
    block = bytearray(index.read_bytes())
    block[-100] ^= 1
    index.write_bytes(block)
    fill(path, 1, start=3)
    store = Store.open(path)
    assert len(store) == 4
    assert [fault.row for fault in store.verify()] == [2]


@pytest.mark.parametrize("torn", [slice(0, 8), slice(ROW.itemsize - 8, ROW.itemsize), slice(0, ROW.itemsize)])
def test_a_row_torn_in_the_middle_of_the_last_commit_ends_it_there(path, torn):
    fill(path, 2)
    fill(path, 4, start=2)
    index = path / "index.bin"
    block = bytearray(index.read_bytes())
    start = 3 * ROW.itemsize
    block[start + torn.start : start + torn.stop] = bytes(torn.stop - torn.start)
    index.write_bytes(block)
    assert len(Store.open(path)) == 3
    fill(path, 6)
    store = Store.open(path)
    assert len(store) == 6
    assert store.verify() == []


def test_a_shortened_shard_is_refused_and_not_extended(path):
    fill(path, 2)
    shard = path / "shard-00000.bin"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(WorldError, match="shorter than its index says"):
        Store.open(path).signal(1)
    with pytest.raises(WorldError, match="shorter than its index says"):
        Store.create(path)
    assert [fault.row for fault in Store.open(path).verify()] == [1]


def test_the_checksum_of_a_row_is_the_crc_of_the_bytes_before_it(path):
    fill(path, 1)
    block = (path / "index.bin").read_bytes()
    assert len(block) == ROW.itemsize
    assert zlib.crc32(block[:-4]) == int.from_bytes(block[-4:], "little")


def test_twelve_flags_survive_the_index():
    for flags in [(True,) * 12, (False,) * 12, tuple(lead in ("I", "V6") for lead in CANONICAL)]:
        assert layout.flags(layout.bits(flags)) == flags
