"""Samples to millivolts by compiled code: the same bits as numpy, tested before use, and numpy where it is not used."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data import layout
from engine.data.crops import addresses, write_crops
from engine.native import samples as native
from engine.native.loading import SWITCH, Kernels
from engine.native.samples import load
from engine.signal.readers import read_recording
from engine.signal.wfdb_samples import decode_212

needs_library = pytest.mark.skipif(not native.ready(), reason=f"compiled code is off: {native.samples().reason}")
compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(compiler is None, reason="there is no C compiler here")


@pytest.fixture
def by_numpy(monkeypatch):
    """Calls that do without compiled code."""

    def called(call):
        with monkeypatch.context() as patch:
            patch.setattr(native, "samples", lambda: Kernels(None, "off"))
            return call()

    return called


def build(folder, change=lambda text: text):
    """The source, changed, as a library without vector instructions."""
    source, built = folder / "samples.c", folder / "samples.so"
    source.write_text(change(native.SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
    digest = native.digest_of(native.SOURCE)
    flags = ["-std=c11", "-O1", "-shared", "-fPIC", f"-DISOLINE_SOURCE={digest}"]
    subprocess.run([compiler, *flags, str(source), "-o", str(built), "-lm"], check=True)
    return built


@needs_compiler
def test_a_plain_build_for_any_processor_passes_its_self_test(tmp_path):
    assert load(build(tmp_path)).library is not None


@needs_compiler
@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("(steps[t] - baseline) / gain", "(steps[t] - baseline) * (1.0f / gain)", "millivolts"),
        ("holes_B[b] = (uint8_t)holes", "holes_B[b] = 0", "crops"),
        ("gain_BC + b * C", "gain_BC", "crops"),
        ("(word ^ 0x800) - 0x800", "word", "unpack_212"),
        ("(uint16_t)(sum_C[i % C] + part[i])", "part[i]", "sums"),
    ],
)
def test_wrong_code_is_not_used_and_the_reason_names_the_function(tmp_path, right, wrong, name):
    def spoilt(text):
        assert right in text
        return text.replace(right, wrong)

    told = load(build(tmp_path, spoilt))
    assert told == Kernels(None, f"failed its self-test: {name}")


def test_a_missing_library_and_the_switch_are_told(monkeypatch):
    monkeypatch.setattr(native, "built", lambda folder, names: [])
    native.samples.cache_clear()
    try:
        assert native.samples() == Kernels(None, "not compiled when Isoline was installed")
        native.samples.cache_clear()
        monkeypatch.setenv(SWITCH, "off")
        assert native.samples().reason == f"switched off by {SWITCH}"
    finally:
        native.samples.cache_clear()


@needs_library
@given(seed=st.integers(0, 2**16), length=st.integers(1, 200), hole=st.booleans())
def test_a_recording_has_the_same_bits_with_and_without_compiled_code(seed, length, hole):
    rng = np.random.default_rng(seed)
    steps_TC = rng.integers(-32767, 32768, size=(length, 12), dtype=np.int16)
    if hole:
        steps_TC[rng.integers(length), rng.integers(12)] = layout.MISSING
    gain_C = rng.uniform(0.3, 9000, size=12)
    found_CT = layout.to_millivolts(steps_TC, gain_C)
    plain_CT = layout.to_millivolts(np.asfortranarray(steps_TC), gain_C) if length > 1 else found_CT
    assert found_CT.tobytes() == plain_CT.tobytes()


@needs_library
def test_crops_have_the_same_bits_with_and_without_compiled_code(by_numpy):
    rng = np.random.default_rng(0)
    shards = rng.integers(-32767, 32768, size=(3, 900, 12), dtype=np.int16)
    shards[1, 300:320, 5] = layout.MISSING
    shard_B, firsts_B = rng.integers(3, size=40).astype(np.uint32), rng.integers(803, size=40)
    gain_BC, room_BCR = rng.uniform(1, 9000, size=(40, 12)), np.zeros((2, 40, 12, 120), dtype=np.float32)

    def cut(room_BCR):
        found = lambda shard, needed: shards[shard]  # noqa: E731
        return write_crops(found, shard_B, firsts_B, gain_BC, room_BCR[:, :, 7:104]).tolist()

    holes = cut(room_BCR[0]), by_numpy(lambda: cut(room_BCR[1]))
    assert room_BCR[0].tobytes() == room_BCR[1].tobytes()
    assert holes[0] == holes[1]
    assert any(holes[0])
    assert not room_BCR[..., :7].any()
    assert not room_BCR[..., 104:].any()


def test_a_crop_before_its_shard_has_no_address():
    with pytest.raises(IndexError, match="before its shard"):
        addresses(lambda shard, needed: np.zeros((9, 12), np.int16), np.zeros(2, np.uint32), np.array([0, -1]), 3)


@needs_library
def test_wfdb_records_have_the_same_bits_with_and_without_compiled_code(samples, by_numpy):
    for file in sorted(samples.glob("*.hea"))[:5]:
        found, plain = read_recording(file), by_numpy(lambda file=file: read_recording(file))
        assert found.signal_CT.tobytes() == plain.signal_CT.tobytes()
        assert found.signal_sha256 == plain.signal_sha256


@needs_library
@given(block=st.binary(min_size=2, max_size=300))
def test_any_bytes_of_format_212_are_the_same_lengthwith_and_without_compiled_code(block):
    packed = np.frombuffer(block, dtype=np.uint8)
    count = len(block) // 3 * 2 + (len(block) % 3 == 2)
    np.testing.assert_array_equal(native.unpack_212(packed, count), decode_212(packed, count))


@needs_library
def test_an_array_of_another_type_or_order_is_refused_before_its_address_is_taken():
    right_TC, gain_C = np.zeros((9, 12), dtype=np.int16), np.ones(12, dtype=np.float32)
    wrong = (right_TC.astype(np.int32), right_TC[::2], right_TC.T)
    for steps_TC in wrong:
        with pytest.raises(TypeError, match="wants int16"):
            native.millivolts(steps_TC, 0, None, gain_C[: steps_TC.shape[1]])
    with pytest.raises(TypeError, match="wants float32"):
        native.millivolts(right_TC, 0, None, gain_C[:11])
    with pytest.raises(TypeError, match="room for float32"):
        native.crops(
            np.zeros(1, np.uint64), 0, np.ones((1, 12), np.float32), np.zeros((1, 12, 8), np.float32)[..., ::2]
        )
    with pytest.raises(TypeError, match="shorter than its samples"):
        native.unpack_212(np.zeros(4, dtype=np.uint8), 3)
