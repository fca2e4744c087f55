"""MATLAB files: the numbers are those that were saved, nothing in them is run, and no claim of theirs is believed."""

import struct
import zlib

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from engine.contract.errors import WorldError
from engine.contract.mapping import SignalTable
from engine.signal.formats.matlab_elements import read_arrays
from engine.signal.leads import CANONICAL
from engine.signal.readers import find_sources, read_recording

NAMED = SignalTable(rate_hz=500, unit="mV", leads=CANONICAL)


def signal(samples=80, seed=1):
    return np.random.default_rng(seed).normal(0, 0.3, (12, samples))


def refused(path, mapping=None):
    with pytest.raises(WorldError) as told:
        read_recording(path, mapping=mapping)
    assert told.value.next_step
    assert "zzname" not in str(told.value)
    return told.value.reason


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", ["f8", "f4", "i2", "i4"])
def test_a_struct_reads_back_as_it_was_saved(tmp_path, kind, packed):
    samples = (signal() * 1000).astype(kind)
    path = tmp_path / "zzname.mat"
    savemat(path, {"ECG": {"sex": "Female", "age": 41, "data": samples}}, do_compression=packed)
    recording = read_recording(path)
    np.testing.assert_array_equal(recording.signal_CT, samples.astype("f4"))
    assert (recording.age, recording.sex, recording.rate_hz) == (41.0, "female", 500.0)
    assert recording.format == "MATLAB, CPSC2018"


def test_real_structs_equal_what_scipy_reads_of_them(shared):
    paths = sorted((shared / "data" / "cinc-challenge" / "cpsc2018-matlab-struct").glob("*.mat"))
    assert len(paths) == 4
    for path in paths:
        recording = read_recording(path)
        np.testing.assert_array_equal(recording.signal_CT, loadmat(path)["ECG"][0, 0]["data"].astype("f4"))


def test_a_plain_matrix_tells_its_rate_and_unit_by_the_names_beside_it_or_by_a_mapping(tmp_path):
    path = tmp_path / "zzname.mat"
    savemat(path, {"val": signal().T, "fs": 250.0, "unit": "mV"})
    recording = read_recording(path, mapping=SignalTable(leads=CANONICAL))
    assert recording.rate_hz == 250
    np.testing.assert_array_equal(recording.signal_CT, signal().astype("f4"))
    savemat(path, {"val": signal()})
    assert "nothing tells" in refused(path)


def test_a_matrix_of_three_axes_is_many_recordings(tmp_path):
    many = np.stack([signal(seed=seed) for seed in range(3)])
    savemat(tmp_path / "a.mat", {"ecg": many, "record_id": np.array([7.0, 8.0, 9.0])})
    sources = find_sources([tmp_path], NAMED)
    assert [source.member for source in sources] == ["7.0", "8.0", "9.0"]
    np.testing.assert_array_equal(read_recording(sources[2], mapping=NAMED).signal_CT, many[2].astype("f4"))
    assert (
        read_recording(sources[0], mapping=NAMED).file_sha256 != read_recording(sources[1], mapping=NAMED).file_sha256
    )


def test_objects_cells_and_complex_parts_are_passed_over(tmp_path):
    cells = np.empty((1, 2), dtype=object)
    cells[0, 0], cells[0, 1] = signal(), "x"
    savemat(tmp_path / "a.mat", {"cells": cells, "ECG": {"data": signal() + 1j, "sex": "Male", "age": np.nan}})
    recording = read_recording(tmp_path / "a.mat")
    np.testing.assert_array_equal(recording.signal_CT, signal().astype("f4"))


def test_an_age_that_is_no_number_is_unknown(tmp_path):
    savemat(tmp_path / "a.mat", {"ECG": {"data": signal(), "sex": "?", "age": np.nan}})
    recording = read_recording(tmp_path / "a.mat")
    assert (recording.age, recording.sex) == (None, "unknown")


def test_files_of_level_7_3_are_read_as_the_hdf5_that_they_are(tmp_path):
    path = tmp_path / "zzname.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["ECG/data"] = signal().T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(124) + b"\0\2IM")
    recording = read_recording(path, mapping=NAMED)
    assert recording.format == "HDF5"
    np.testing.assert_array_equal(recording.signal_CT, signal().astype("f4"))


def element(kind, body):
    return struct.pack("<II", kind, len(body)) + body + b"\0" * (-len(body) % 8)


def matrix(shape, body, kind=9, flags=6, name=b"ECG"):
    dims = element(5, struct.pack(f"<{len(shape)}i", *shape))
    return element(14, element(6, struct.pack("<II", flags, 0)) + dims + element(1, name) + element(kind, body))


HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
CLAIM = struct.pack("<II", 14, 2**31 - 16)
HOSTILE = {
    "a matrix of other numbers than it announces": matrix((12, 2**30), bytes(96)),
    "a matrix of negative length": matrix((12, -4), bytes(96)),
    "axes without end": matrix((1,) * 40, bytes(8)),
    "a matrix that ends early": matrix((12, 100), bytes(9600))[:-4000],
    "a compressed element that is none": element(15, b"no zlib at all"),
    "a bomb": struct.pack("<II", 15, len(zlib.compress(CLAIM + bytes(99)))) + zlib.compress(CLAIM + bytes(99)),
    "a tag alone": struct.pack("<II", 14, 100),
    "nothing": b"",
    "a struct without names": element(14, element(6, struct.pack("<II", 2, 0)) + element(5, struct.pack("<2i", 1, 1))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_torn_or_claims_too_much_is_refused_in_words(tmp_path, name):
    path = tmp_path / "zzname.mat"
    path.write_bytes(HEADER + HOSTILE[name])
    assert refused(path, NAMED)


def test_a_bomb_of_a_hundred_gigabytes_is_refused_before_anything_is_made_of_it(monkeypatch):
    monkeypatch.setenv("ISOLINE_DECODED_LIMIT_MB", "1")
    packed = zlib.compress(struct.pack("<II", 14, 2_000_000) + bytes(2_000_000))
    with pytest.raises(WorldError, match="unfolds into 2 MB"):
        read_arrays(HEADER + struct.pack("<II", 15, len(packed)) + packed)


def test_an_array_that_unfolds_a_thousandfold_is_no_ecg():
    packed = zlib.compress(struct.pack("<II", 14, 20_000_000) + bytes(20_000_000))
    with pytest.raises(WorldError, match="unfolds into 20 MB"):
        read_arrays(HEADER + struct.pack("<II", 15, len(packed)) + packed)


def test_structs_within_structs_end_somewhere():
    inner = matrix((1, 1), bytes(8))
    for _ in range(8):
        fields = element(5, struct.pack("<i", 8)) + element(1, b"field\0\0\0") + inner
        head = element(6, struct.pack("<II", 2, 0)) + element(5, struct.pack("<2i", 1, 1)) + element(1, b"ECG")
        inner = element(14, head + fields)
    with pytest.raises(WorldError, match="structs within structs"):
        read_arrays(HEADER + inner)


def test_a_matlab_file_beside_a_wfdb_header_stays_wfdbs(shared):
    folder = shared / "data" / "cinc-challenge" / "cinc2020-edge-cases"
    path = min(folder.rglob("*.mat"))
    assert read_recording(path).format.startswith("WFDB")
