"""HL7 aECG, GE MUSE, GE CardiologyXML and Philips Sierra from test factories, and XML that means harm."""

import re

import numpy as np
import pytest
import xml_factories as made
from format_factories import LEADS, SECRET, steps
from hostile_cases import reader_in, refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.contract.errors import WorldError
from engine.signal.formats.philips_sierra import xli_bytes
from engine.signal.readers import read_recording

ALL = {"aecg": made.aecg, "muse": made.muse, "cardiology": made.cardiology, "sierra": made.sierra}


@pytest.fixture
def read(tmp_path):
    return reader_in(tmp_path)


@given(st.sampled_from(("aecg", "cardiology", "sierra", "plain")), st.integers(0, 2**31))
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_random_samples_come_back_from_every_format(tmp_path_factory, name, seed):
    signal = np.random.default_rng(seed).integers(-3000, 3000, (12, 40)).astype(np.int16)
    if name in ("sierra", "plain"):  # limb leads are stored as what Einthoven does not tell
        signal = signal // 4
        content = made.sierra(samples_CT=signal, compressed=name == "sierra")
    else:
        content = ALL[name](samples_CT=signal)
    path = tmp_path_factory.mktemp(name) / "x"
    path.write_bytes(content)
    gain = 0.0025 if name == "aecg" else 0.005
    np.testing.assert_array_equal(read_recording(path).signal_CT, (signal * gain).astype(np.float32))


@pytest.mark.parametrize("name", ALL)
def test_age_sex_time_and_patient_are_kept(read, name):
    recording = read(ALL[name]())
    assert (recording.sex, recording.patient) == ("female", SECRET)
    assert recording.acquired == "2020-01-02T03:04:05"
    assert recording.age == (None if name == "aecg" else 61.0)
    assert ("patient id", SECRET) in recording.identifiers


@pytest.mark.parametrize("name", ALL)
def test_a_bomb_of_entities_is_refused_in_no_time(read, name):
    levels = "".join(f"<!ENTITY l{i} '{f'&l{i - 1};' * 10 if i else 'lol'}'>" for i in range(10))
    refused(read, ALL[name](before=f"<!DOCTYPE a [{levels}]>"), "declares entities")
    refused(read, ALL[name](before="<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"), "declares entities")
    refused(read, ALL[name](before="<!DOCTYPE a [<!ENTITY % e SYSTEM 'http://127.0.0.1/x'>]>"), "declares entities")


@pytest.mark.parametrize("name", ALL)
def test_a_document_type_without_entities_does_no_harm(read, name):
    assert read(ALL[name](before="<!DOCTYPE a SYSTEM 'restecg.dtd'>")).rate_hz == 500.0


@pytest.mark.parametrize("name", ALL)
def test_depth_and_number_of_elements_are_limited(read, name):
    whole = ALL[name]()
    deep = re.sub(rb"</(\w+)>$", rb"<a>" * 4000 + rb"</a>" * 4000 + rb"</\1>", whole)
    refused(read, deep, "nested deeper than 64 levels")
    wide = re.sub(rb"</(\w+)>$", rb"<a/>" * 200_001 + rb"</\1>", whole)
    refused(read, wide, "far more parts than an ECG has")


@pytest.mark.parametrize("name", ALL)
def test_a_file_of_more_than_20_mib_is_refused_unread(tmp_path, name):
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.write(ALL[name]())
        file.truncate(200 * 2**20)
    with pytest.raises(WorldError, match="it has 200 MiB, more than the 20 MiB"):
        read_recording(path)


@pytest.mark.parametrize("name", ALL)
def test_every_cut_of_the_file_is_refused_in_words(read, name):
    whole = ALL[name]()
    for end in range(200, len(whole) - 8, max(len(whole) // 40, 1)):
        refused(read, whole[:end], "its XML is damaged|format is not known")


def test_a_file_in_latin_1_that_does_not_say_so_is_read(read):
    content = made.cardiology().replace(b'encoding="ISO-8859-1"', b"").replace(b"<Gender>", b"<X>Gro\xdf</X><Gender>")
    assert read(content).sex == "female"


# HL7 aECG


def test_aecg_keeps_the_exact_rate_where_the_library_rounds(read):
    assert read(made.aecg(increment="0.0039")).rate_hz == pytest.approx(1 / 0.0039, abs=1e-9)
    assert read(made.aecg(increment="0.001")).rate_hz == 1000.0


def test_aecg_origin_is_added_and_units_are_respected(read):
    recording = read(made.aecg(scale="0.005", unit="mV", origin="0.1"))
    np.testing.assert_allclose(recording.signal_CT, steps() * 0.005 + 0.1, atol=1e-6)


def test_aecg_faults_are_refused(read):
    refused(read, made.aecg(unit="mmHg"), "no number of volts")
    refused(read, made.aecg(unit=""), "no number of volts")
    refused(read, made.aecg(scale="0"), "gain of 0")
    refused(read, made.aecg(scale="nan"), "scale that is no number")
    refused(read, made.aecg(origin="nan"), "zero line that is no number")
    refused(read, re.sub(rb"<scale[^>]*/>", b"", made.aecg(), count=1), "no scale")
    refused(read, made.aecg(increment="0"), "no usable sampling rate")
    refused(read, made.aecg(pieces=2), "stands in several pieces")
    refused(read, made.aecg(("I", "I", *LEADS[1:]), steps(("I", "I", *LEADS[1:]))), "lead I stands in it twice")
    refused(read, made.aecg().replace(b"<digits>", b"<digits>x ", 1), "samples are no numbers")
    refused(read, made.aecg().replace(b"<digits>", b"<digits>inf ", 1), "differ in length|no voltage can have")


# GE MUSE


def test_muse_derives_four_leads_and_keeps_what_the_cart_says(read):
    recording = read(made.muse())
    assert recording.samples == 120
    np.testing.assert_allclose(recording.signal_CT, steps() * 0.00488, atol=1e-6)
    assert recording.derived == ("III", "aVR", "aVL", "aVF")
    assert recording.measurements == {"heart_rate_bpm": 61.0, "pr_ms": 160.0}
    assert [(s.text, s.source, s.confirmed) for s in recording.statements] == [("Sinus rhythm", "person", True)]
    assert (recording.acquisition.model, recording.acquisition.notch_hz) == ("MAC55", 50.0)


def test_muse_rate_is_base_times_ten_to_the_exponent(read):
    assert read(made.muse(base="2500", exponent="-1")).rate_hz == 250.0
    assert read(made.muse(base="5002", exponent="-1")).rate_hz == pytest.approx(500.2)


def test_muse_faults_are_refused(read):
    refused(read, made.muse(unit="MMHG"), "no voltage unit")
    refused(read, made.muse(extra="<FirstSampleBaseline>7</FirstSampleBaseline>"), "baseline field")
    refused(read, made.muse(extra="<LeadDataCRC32>1</LeadDataCRC32>"), "do not match the checksum")
    refused(read, made.muse(base="0"), "no usable sampling rate")
    whole = made.muse(median=False)
    rhythm = re.search(rb"<Waveform>.*</Waveform>", whole)[0]
    refused(read, whole.replace(rhythm, rhythm * 2), "several rhythm recordings")


# GE CardiologyXML


def test_cardiology_takes_the_strip_and_its_resolution(read):
    recording = read(made.cardiology(resolution="2.5"))
    np.testing.assert_allclose(recording.signal_CT, steps() * 0.0025, atol=1e-6)
    assert (recording.acquisition.notch_hz, recording.acquisition.paced) == (50.0, False)


def test_cardiology_faults_are_refused(read):
    refused(read, made.cardiology(units="mmPerLsb"), "no resolution in volts")
    refused(read, made.cardiology(resolution=""), "no resolution in volts")
    refused(read, made.cardiology(count=99), "fewer or other samples")
    refused(read, made.cardiology(rate="0"), "sampling rate of 0 Hz")
    refused(read, made.cardiology().replace(b"StripData", b"Other"), "no rhythm recording")
    refused(read, made.cardiology().replace(b"</WaveformData>", b",--5</WaveformData>"), "no numbers")


# Philips Sierra


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1"])
@pytest.mark.parametrize("compressed", [True, False])
def test_sierra_is_read_in_every_encoding(read, encoding, compressed):
    recording = read(made.sierra(encoding=encoding, compressed=compressed))
    np.testing.assert_allclose(recording.signal_CT, steps() * 0.005, atol=1e-6)


def test_sierra_offset_is_the_step_of_no_voltage(read):
    recording = read(made.sierra(compressed=False, offset="100"))
    np.testing.assert_allclose(recording.signal_CT, (steps() - 100) * 0.005, atol=1e-6)


def test_sierra_ends_before_a_calibration_pulse(read):
    tail = np.zeros((12, 200), np.int16)
    tail[:, 50:150] = 200  # 1 mV of 5 uV steps
    ecg = steps(samples=600)
    recording = read(made.sierra(samples_CT=np.hstack([ecg, tail]), compressed=False))
    assert recording.samples in range(595, 601)
    assert recording.transformations[0].startswith("the last 0.4")
    one = tail.copy()
    one[2] = 0  # a pulse that is not in every lead may be a heart's
    assert read(made.sierra(samples_CT=np.hstack([ecg, one]), compressed=False)).samples == 800


def test_sierra_faults_are_refused(read):
    refused(read, made.sierra(version="1.05"), r"document version is 1\.05")
    refused(read, made.sierra(version=SECRET), "document version is unknown")
    refused(read, made.sierra(resolution=""), "no resolution")
    refused(read, made.sierra(duration=10_000_000_000), "more than the 512 MB")
    refused(read, made.sierra(duration=300), "fewer or other samples")
    refused(read, made.sierra(payload=b"\xff" * 40), "compressed samples are damaged|fewer or other")


def test_the_size_of_xli_is_counted_without_unfolding_it():
    from ecgdatakit.parsing.codecs.lzw import LzwDecoder

    chance = np.random.default_rng(5)
    for codes in (
        chance.integers(0, 256, 900),
        np.concatenate([[65], np.arange(256, 900)]),
        [65, 256, 66, 258, 257],
    ):
        bits = "".join(format(code, "010b") for code in codes) + "1" * 10
        packed = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
        truth = len(LzwDecoder(packed, bits=10).read_all())
        assert xli_bytes(len(packed).to_bytes(4, "little") + bytes(4) + packed) == truth


def test_a_bomb_of_lzw_is_refused_before_it_is_unfolded(read):
    # Every code makes a string one longer: 768 strings, then the longest again and again.
    codes = [65, *range(256, 1023), *([1022] * 600_000)]
    bits = np.unpackbits(np.array(codes, ">u2").view(np.uint8).reshape(-1, 2), axis=1)[:, 6:].reshape(-1)
    packed = np.packbits(bits).tobytes()
    payload = len(packed).to_bytes(4, "little") + bytes(4) + packed
    refused(read, made.sierra(payload=payload), "unfold to far more than an ECG has")
