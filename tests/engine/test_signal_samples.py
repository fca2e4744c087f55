"""Decoding of format 212 and the checksums, against the standard's own words and plain arithmetic."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.signal.wfdb_samples import checksums, decode_212, stored_samples


def encode_212(samples):
    """WFDB signal(5), sample by sample in plain integers: the slow truth."""
    block = bytearray()
    for i in range(0, len(samples), 2):
        first = samples[i] & 0xFFF
        second = samples[i + 1] & 0xFFF if i + 1 < len(samples) else 0
        block += bytes([first & 0xFF, (first >> 8) | ((second >> 8) << 4), second & 0xFF])
    return bytes(block[:-1]) if len(samples) % 2 else bytes(block)


@given(st.lists(st.integers(-2048, 2047), min_size=1, max_size=200))
def test_format_212_gives_back_every_12_bit_sample(samples):
    block = encode_212(samples)
    assert stored_samples("212", len(block)) == len(samples)
    assert decode_212(np.frombuffer(block, dtype=np.uint8), len(samples)).tolist() == samples


@given(st.binary(min_size=3, max_size=300))
def test_any_bytes_are_some_12_bit_samples(block):
    held = stored_samples("212", len(block))
    samples = decode_212(np.frombuffer(block, dtype=np.uint8), held)
    assert len(samples) == held
    assert samples.min() >= -2048
    assert samples.max() <= 2047


@given(
    arrays(np.int16, st.tuples(st.integers(1, 200), st.integers(1, 15))),
)
def test_checksums_are_the_sums_modulo_65536(steps_TC):
    truth = [sum(int(v) for v in channel) % 65536 for channel in steps_TC.T]
    assert checksums(steps_TC).tolist() == truth
