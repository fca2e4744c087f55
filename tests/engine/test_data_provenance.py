"""Provenance of a recording: the bytes it came from, what read them with its version, and all that was done to them."""

import hashlib
import re

import pytest

from engine.contract.version import VERSION
from engine.data.reading import describe
from engine.signal.formats import delimited_text, edf, hdf5_file
from engine.signal.readers import read_recording


def told_of(path):
    return describe(read_recording(path))


def test_a_single_file_is_known_by_its_own_hash_its_reader_and_what_was_derived(shared):
    path = shared / "data/format-samples/ge-muse-xml/braveheart_example1.xml"
    told = told_of(path)
    assert told["file_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert re.fullmatch(r"ecgdatakit \d+\.\d+\.\d+", told["reader"])
    assert told["transformations"] == ["III, aVR, aVL, aVF derived from the other limb leads"]
    assert told["derived"] == ["III", "aVR", "aVL", "aVF"]


def test_a_wfdb_record_is_known_by_header_and_signal_files_in_this_order(samples):
    header = min(samples.rglob("*.hea"))
    told = told_of(header)
    content = header.read_bytes() + header.with_suffix(".dat").read_bytes()
    assert told["file_sha256"] == hashlib.sha256(content).hexdigest()
    assert told["reader"] == f"isoline {VERSION} wfdb"
    assert "transformations" not in told, "nothing was done to it"


def test_one_changed_byte_is_another_file_with_other_samples(samples, tmp_path):
    header = min(samples.rglob("*.hea"))
    lines = header.read_text().splitlines()
    unsummed = [re.sub(r"^(\S+ \S+ \S+ \d+ \d+) \S+ \S+", r"\1 0 0", line) for line in lines]
    (tmp_path / header.name).write_text("\n".join(unsummed) + "\n")
    signal = bytearray(header.with_suffix(".dat").read_bytes())
    (tmp_path / header.with_suffix(".dat").name).write_bytes(signal)
    before = told_of(tmp_path / header.name)
    signal[4000] ^= 1
    (tmp_path / header.with_suffix(".dat").name).write_bytes(signal)
    after = told_of(tmp_path / header.name)
    assert before["file_sha256"] != after["file_sha256"]
    assert before["signal_sha256"] != after["signal_sha256"]


@pytest.mark.parametrize("reader", [delimited_text, edf, hdf5_file])
def test_own_readers_sign_with_the_programs_version(reader):
    assert reader.own_reader("x") == f"isoline {VERSION} x"
