"""A short walk of the fuzzer through every format, and every input that once found something."""

import io
from pathlib import Path

import numpy as np
import pytest
from guarded import Guard
from mutations import spoil, truncations
from seeds import Seed, all_seeds, binary

FORMATS = sorted({seed.format for seed in all_seeds()})


@pytest.fixture(scope="module")
def guard(tmp_path_factory):
    guard = Guard(tmp_path_factory.mktemp("zzfuzz"))
    for seed in all_seeds():  # libraries open files of their own when they are loaded
        outcome(guard, seed.files, seed.opened)
    return guard


def outcome(guard: Guard, files: dict[str, bytes], opened: str) -> str:
    folder = Path(guard.folder)
    for left in folder.iterdir():
        left.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return guard.read(folder / opened)


def spoilt(seeds: list[Seed], seed: Seed, case: int) -> dict[str, bytes]:
    others = tuple(other.files[other.spoilt] for other in seeds)
    content = seed.made_right(spoil(seed.files[seed.spoilt], case, others), case)
    return {**seed.files, seed.spoilt: content}


@pytest.mark.parametrize("name", FORMATS)
def test_the_seeds_themselves_are_read(guard, name):
    read = [outcome(guard, seed.files, seed.opened) for seed in all_seeds() if seed.format == name]
    assert not [told for told in read if told.startswith("bad")]
    assert "read" in read


@pytest.mark.parametrize("name", FORMATS)
def test_spoilt_files_are_read_or_refused_and_nothing_else(guard, name):
    seeds = [seed for seed in all_seeds() if seed.format == name]
    bad = []
    for seed in seeds:
        cuts = truncations(seed.files[seed.spoilt])
        cases = [*range(0, cuts, max(cuts // 12, 1)), *range(cuts, cuts + 60 // len(seeds))]
        found = {case: outcome(guard, spoilt(seeds, seed, case), seed.opened) for case in cases}
        bad += [(case, told) for case, told in found.items() if told.startswith("bad")]
    assert bad == []


FOUND = {
    # A heart rate of twenty digits stumbled over numpy's isfinite.
    "muse heart rate": ("muse", b"<VentricularRate>61<", b"<VentricularRate>99999999999999999999<"),
    # A limit larger than the file was allocated before the file was read: every format read so.
    "ishne of one byte": ("ishne", None, b"I"),
    # A header of NumPy that is no Python, one that claims four gigabytes of itself, one of another version.
    "numpy header without end": ("numpy", b"'shape': (", b"'shape': ((("),
    "numpy header of four gigabytes": ("numpy", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00\xff\xff"),
    # HL7 aECG: the library takes 1 for a scale that is no number.
    "aecg scale": ("aecg", b'<scale value="2.5"', b'<scale value="nan"'),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_the_fuzzer_found_is_refused_or_read_now(guard, name):
    form, old, new = FOUND[name]
    seed = next(seed for seed in all_seeds() if seed.format == form)
    whole = seed.files[seed.spoilt]
    assert old is None or old in whole
    content = new if old is None else whole.replace(old, new, 1)
    told = outcome(guard, {**seed.files, seed.spoilt: content}, seed.opened)
    assert told == ("read" if name == "muse heart rate" else "refused")


def test_a_lead_of_wfdb_without_a_name_is_refused(guard):
    seed = next(seed for seed in all_seeds() if seed.format == "wfdb" and b" 310 " in seed.files["r.hea"])
    header = seed.files["r.hea"].replace(b"0 0 0 0 V1", b"0 0 0 0")
    assert outcome(guard, {**seed.files, "r.hea": header}, "r.hea") == "refused"


@pytest.mark.parametrize("name", ["../x.dat", "/etc/passwd", "..\\x.dat", "a/../../x.dat", "http://127.0.0.1/x", "|id"])
def test_a_header_that_points_elsewhere_is_refused_and_nothing_is_opened(guard, name):
    seed = next(seed for seed in all_seeds() if seed.format == "wfdb")
    header = seed.files["r.hea"].replace(b"r.dat", name.encode())
    assert outcome(guard, {**seed.files, "r.hea": header}, "r.hea") == "refused"


def test_a_bomb_in_a_zip_of_arrays_is_refused(guard, monkeypatch):
    monkeypatch.setenv("ISOLINE_DECODED_LIMIT_MB", "2")  # the same refusal, without 512 MB to be packed here
    held = io.BytesIO()
    np.savez_compressed(held, signal=np.tile(binary.steps() / 400.0, 210))  # 12 x 25,200 float64
    assert outcome(guard, {"zz.npz": held.getvalue()}, "zz.npz") == "refused"
    monkeypatch.setenv("ISOLINE_DECODED_LIMIT_MB", "3")
    assert outcome(guard, {"zz.npz": held.getvalue()}, "zz.npz") == "read"


def test_an_hdf5_name_that_is_no_text_is_refused(guard):
    seed = next(seed for seed in all_seeds() if seed.format == "hdf5")
    content = seed.files[seed.spoilt].replace(b"exam_id\0", b"\xff\xc3\x28m_id\0")
    assert outcome(guard, {**seed.files, seed.spoilt: content}, seed.opened) == "refused"
