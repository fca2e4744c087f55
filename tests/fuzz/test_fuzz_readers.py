"""A short walk of the fuzzer through every format, and every input that once found something."""

import base64
import zlib
from pathlib import Path

import pytest
from guarded import Guard
from mutations import spoil, truncations
from seeds import Seed, all_seeds

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


def test_a_bomb_in_a_zip_of_arrays_is_refused(guard):
    import io
    import zipfile

    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        head = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (12, 10000000), }".ljust(
            117
        )
        packed.writestr("signal.npy", head + b"\n" + zlib.decompress(base64.b64decode(_megabyte())) * 960)
    assert outcome(guard, {"zz.npz": held.getvalue()}, "zz.npz") == "refused"


def _megabyte() -> bytes:
    return base64.b64encode(zlib.compress(bytes(1_000_000)))
