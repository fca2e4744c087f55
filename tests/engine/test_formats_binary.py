"""DICOM, EDF, BDF, ISHNE and SCP-ECG from test factories: every path that no real file at hand goes."""

import struct
from pathlib import Path

import format_factories as made
import numpy as np
import pytest
from format_factories import LEADS, SECRET, steps
from hostile_cases import reader_in, refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.signal.readers import read_recording


@pytest.fixture
def read(tmp_path):
    return reader_in(tmp_path)


# DICOM


def test_dicom_takes_the_rhythm_and_never_the_median(read):
    median = made.dicom_group(samples_CT=steps(samples=300) + 9, label="MEDIAN BEAT")
    for groups in ((made.dicom_group(), median), (median, made.dicom_group())):
        assert read(made.dicom(*groups)).samples == 120
    refused(read, made.dicom(median), "it holds median beats only")


def test_dicom_takes_the_complete_group_before_a_longer_one_of_few_leads(read):
    long = made.dicom_group(("I", "II"), steps(("I", "II"), 900))
    assert read(made.dicom(long, made.dicom_group())).samples == 120


def test_dicom_sensitivity_correction_and_baseline_are_applied(read):
    channel = {"ChannelSensitivity": "2", "ChannelSensitivityCorrectionFactor": "1.25", "ChannelBaseline": "10"}
    recording = read(made.dicom(made.dicom_group(channel=channel)))
    np.testing.assert_allclose(recording.signal_CT, (steps() * 2.5 + 10) / 1000, atol=1e-6)


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1e-3), ("mV", 1.0), ("nV", 1e-6)])
def test_dicom_units_are_respected(read, unit, factor):
    recording = read(made.dicom(made.dicom_group(sensitivity="2.5", unit=unit)))
    np.testing.assert_allclose(recording.signal_CT, steps() * 2.5 * factor, rtol=1e-6)


def test_dicom_without_sensitivity_is_refused(read):
    refused(read, made.dicom(made.dicom_group(unit="")), "no sensitivity in volts")
    refused(read, made.dicom(made.dicom_group(unit="mmHg")), "no sensitivity in volts")
    refused(read, made.dicom(made.dicom_group(sensitivity="0")), "sensitivity of 0")


def test_dicom_padding_is_missing_but_a_zero_that_a_signal_passes_is_not(read):
    padded = steps()
    padded[0, 10:40] = -32768
    group = made.dicom_group(samples_CT=padded, WaveformPaddingValue=struct.pack("<h", -32768))
    assert np.isnan(read(made.dicom(group)).signal_CT[0]).sum() == 30
    zeros = steps(samples=400)
    zeros[0, 10] = 0
    zeros[1, 100:300] = 0
    recording = read(made.dicom(made.dicom_group(samples_CT=zeros, WaveformPaddingValue=b"\0\0")))
    assert recording.signal_CT[0, 10] == 0.0
    assert np.isnan(recording.signal_CT[1]).sum() == 200
    assert "samples of 0 kept" in recording.transformations[0]


def test_dicom_samples_of_eight_bits_and_without_sign_are_read(read):
    small = np.clip(steps() // 8, 0, 127).astype(np.uint8)
    group = made.dicom_group(samples_CT=small, WaveformBitsAllocated=8, WaveformSampleInterpretation="UB")
    group.WaveformData = np.ascontiguousarray(small.T).tobytes()
    np.testing.assert_allclose(read(made.dicom(group)).signal_CT, small * 0.0025, atol=1e-6)
    refused(read, made.dicom(made.dicom_group(WaveformSampleInterpretation="MB")), "which is not read")


def test_dicom_skew_between_leads_is_refused(read):
    refused(read, made.dicom(made.dicom_group(channel={"ChannelSampleSkew": "3"})), "skewed in time")


def test_dicom_claims_are_held_against_the_bytes(read):
    refused(read, made.dicom(made.dicom_group(NumberOfWaveformSamples=121)), "fewer or other samples")
    refused(read, made.dicom(made.dicom_group(NumberOfWaveformSamples=2**32 - 1)), "more than the 512 MB")
    refused(read, made.dicom(made.dicom_group(NumberOfWaveformChannels=11)), "announces 11 channels and describes 12")


def test_dicom_keeps_fifteen_leads_apart_and_what_it_says_of_itself(read):
    leads = (*LEADS, "V7", "V8", "V9")
    recording = read(made.dicom(made.dicom_group(leads), DeviceSerialNumber="S1", SoftwareVersions=["1", "2"]))
    assert recording.extra.leads == ("V7", "V8", "V9")
    told = recording.acquisition
    assert (told.maker, told.firmware, told.serial) == ("Synthetic Carts", "1, 2", "S1")
    assert (told.high_pass_hz, told.low_pass_hz, told.notch_hz) == (0.05, 150.0, 50.0)
    assert (recording.age, recording.sex, recording.patient) == (61.0, "female", SECRET)
    assert ("patient name", f"{SECRET} A") in recording.identifiers
    assert ("device serial", "S1") in recording.identifiers


@pytest.mark.parametrize("placeholder", ["Unknown", "ANONYMOUS", "0", "---"])
def test_a_placeholder_is_no_patient_that_many_files_would_share(read, placeholder):
    assert read(made.dicom(PatientID=placeholder)).patient is None
    assert read(made.dicom(PatientID="0001")).patient == "0001"


def test_dicom_placeholders_are_no_device(read):
    told = read(made.dicom(Manufacturer="Unknown", DeviceSerialNumber="0", SoftwareVersions=["N/A", "2"])).acquisition
    assert (told.maker, told.serial, told.firmware) == ("", "", "2")


def test_dicom_names_of_the_patient_and_of_requests_are_known_where_they_stand_in_sequences(read):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    other, request, observer = Dataset(), Dataset(), Dataset()
    other.PatientID, other.IssuerOfPatientID = "MRN7654321", "Ward book"
    request.RequestedProcedureID, request.AccessionNumber = "RP445566", "ACC998877"
    observer.VerifyingObserverName = "Zacharias^Otto"
    content = made.dicom(
        OtherPatientIDsSequence=Sequence([other]),
        RequestAttributesSequence=Sequence([request]),
        VerifyingObserverSequence=Sequence([observer] * 3),
    )
    told = read(content).identifiers
    assert {("patient id", "MRN7654321"), ("study id", "RP445566"), ("study id", "ACC998877")} <= set(told)
    assert told.count(("person", "Zacharias Otto")) == 1


def test_dicom_without_a_waveform_is_refused_with_the_reason(read):
    from pydicom.sequence import Sequence

    refused(read, made.dicom(WaveformSequence=Sequence([])), "without a waveform")
    refused(read, made.dicom()[:400], "DICOM structure is damaged|without a waveform")


# EDF and BDF


@given(
    st.sampled_from((16, 24)),
    st.sampled_from(((-8192.0, 8191.75), (-3276.8, 3276.7), (-5000.0, 5000.0), (100.0, -100.0))),
    st.sampled_from(("uV", "mV")),
)
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_edf_and_bdf_scale_by_their_two_ranges(tmp_path_factory, bits, physical, unit):
    path = tmp_path_factory.mktemp("edf") / "x"
    path.write_bytes(made.edf(bits=bits, physical=physical, unit=unit))
    low, high = (-32768, 32767) if bits == 16 else (-(2**23), 2**23 - 1)
    truth = (steps().astype(float) - low) * (physical[1] - physical[0]) / (high - low) + physical[0]
    truth *= 1e-3 if unit == "uV" else 1.0
    np.testing.assert_allclose(read_recording(path).signal_CT, truth, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("kind", ["EDF", "BDF"])
def test_files_that_pyedflib_writes_are_read_as_pyedflib_reads_them(tmp_path, kind):
    pyedflib = pytest.importorskip("pyedflib")
    path = tmp_path / "made.x"
    code = {"EDF": pyedflib.FILETYPE_EDFPLUS, "BDF": pyedflib.FILETYPE_BDFPLUS}[kind]
    writer = pyedflib.EdfWriter(str(path), 12, file_type=code)
    edge = {"EDF": 32767, "BDF": 8388607}[kind]
    writer.setSignalHeaders([
        {"label": f"ECG {lead}", "dimension": "mV", "sample_frequency": 250, "physical_max": 5.0,
         "physical_min": -5.0, "digital_max": edge, "digital_min": -edge, "transducer": "", "prefilter": "HP:0.5Hz"}
        for lead in LEADS
    ])  # fmt: skip
    signal_CT = steps(samples=500) / 400
    writer.writeSamples(list(signal_CT.astype(np.float64)))
    writer.close()
    recording = read_recording(path)
    with pyedflib.EdfReader(str(path)) as file:
        truth_CT = np.array([file.readSignal(i) for i in range(12)])
    np.testing.assert_allclose(recording.signal_CT, truth_CT, atol=2e-6)
    np.testing.assert_allclose(recording.signal_CT, signal_CT, atol=10 / edge)
    assert (recording.rate_hz, recording.format, recording.acquisition.high_pass_hz) == (250.0, f"{kind}+", 0.5)


def test_edf_gaps_are_refused_and_a_discontinuous_file_without_gaps_is_read(read):
    onsets = [i * 0.04 for i in range(6)]
    assert read(made.edf(kind="EDF+D", stamps=onsets)).samples == 120
    refused(read, made.edf(kind="EDF+D", stamps=[*onsets[:3], 5.0, 5.04, 5.08]), "gaps between its data records")


def test_edf_header_and_size_must_agree(read):
    whole = made.edf()
    refused(read, whole[:-1], r"ends after 0\.2 s, its header announces 0\.2 s")
    refused(read, whole + bytes(960), "more data records than its header announces")
    assert read(made.edf(count=-1)).samples == 120
    refused(read, made.edf(count=99999999), "its header announces 3999999.96 s|its header announces 4000000.0 s")
    refused(read, made.edf(unit="mmHg"), "lead I is not in volts")
    refused(read, made.edf(physical=(5.0, 5.0)), "an empty range")
    refused(read, made.edf(digital=(10, 10)), "an empty range")


def test_edf_says_who_when_and_with_which_filters(read):
    recording = read(made.edf())
    assert (recording.patient, recording.sex, recording.age) == (SECRET, "female", 68.0)
    assert recording.acquired == "2020-01-02T03:04:05"
    assert ("birth date", "02-AUG-1951") in recording.identifiers
    filters = recording.acquisition
    assert (filters.high_pass_hz, filters.low_pass_hz, filters.notch_hz) == (0.05, 150.0, 50.0)


# ISHNE


def test_ishne_scales_by_nanovolts_and_knows_its_leads(read):
    recording = read(made.ishne(nanovolts=1000, pacemaker=2, text=b"seen at home"))
    np.testing.assert_allclose(recording.signal_CT, steps() * 0.001, atol=1e-6)
    assert recording.acquisition.paced is True
    assert recording.acquisition.model == "SynthRec"
    assert ("free text", "seen at home") in recording.identifiers


def test_ishne_marks_lead_faults_as_missing(read):
    faulty = steps()
    faulty[4, 7:9] = -32768
    assert np.flatnonzero(np.isnan(read(made.ishne(samples_CT=faulty)).signal_CT[4])).tolist() == [7, 8]


@pytest.mark.parametrize("announced", [120, 120 * 12, 2**31 - 1, 60])
def test_ishne_counts_its_samples_in_the_file(read, announced):
    assert read(made.ishne(announced=announced)).samples == 120


def test_ishne_contradictions_are_refused(read):
    refused(read, made.ishne(announced=121), "it holds 120 samples a lead, its header announces 121")
    refused(read, made.ishne()[:-3], "last sample is cut short")
    refused(read, made.ishne(nanovolts=0), "a resolution of 0 nV")
    spoilt = bytearray(made.ishne())
    spoilt[30] ^= 1
    refused(read, bytes(spoilt), "does not match the checksum")
    assert read(made.ishne(crc=False)).samples == 120
    refused(read, made.ishne(("X", "Y", "Z"), steps(("V1", "V2", "V3"))), "it has no lead I, II")


def test_the_same_ecg_in_ishne_edf_dicom_and_scp_is_one_signal(read):
    written = (made.ishne(), made.dicom(), made.scp(), made.scp(huffman=True, difference=2), made.scp(difference=1))
    assert len({read(content).signal_sha256 for content in written}) == 1
    edf = made.edf(physical=(-81920.0, 81917.5))
    np.testing.assert_allclose(read(edf).signal_CT, read(written[0]).signal_CT, atol=1e-6)


# SCP-ECG


@given(st.booleans(), st.sampled_from((0, 1, 2)), st.integers(0, 2**31))
@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_scp_decodes_every_encoding_of_random_samples(tmp_path_factory, huffman, difference, seed):
    random_CT = np.random.default_rng(seed).integers(-2000, 2000, (12, 50)).astype(np.int16)
    path = Path(tmp_path_factory.mktemp("scp")) / "x"
    path.write_bytes(made.scp(samples_CT=random_CT, huffman=huffman, difference=difference))
    np.testing.assert_array_equal(read_recording(path).signal_CT, (random_CT * 0.0025).astype(np.float32))


def test_scp_gives_the_exact_rate_where_the_library_rounds(read):
    assert read(made.scp(interval=3333)).rate_hz == pytest.approx(1e6 / 3333, abs=1e-9)
    refused(read, made.scp(interval=0), "no usable sampling rate")
    refused(read, made.scp(avm=0), "multiplier of 0")


def test_scp_keeps_extra_leads_and_what_it_says(read):
    leads = (*LEADS, "V7", "V3R", "V4R")
    recording = read(made.scp(leads, steps(leads)))
    assert recording.extra.leads == ("V7", "V3R", "V4R")
    filters = recording.acquisition
    assert (filters.high_pass_hz, filters.low_pass_hz, filters.notch_hz) == (0.05, 150.0, 50.0)
    assert (recording.age, recording.sex, recording.patient) == (61.0, "female", SECRET)


def test_scp_checksums_claims_and_cuts_are_refused(read):
    refused(read, made.scp(crc=False), "do not match the checksum")
    refused(read, made.scp(ends=2**32 - 2), "more than the 512 MB")
    refused(read, made.scp(ends=121), "fewer or other samples")
    refused(read, made.scp(huffman=True, ends=2000), "fewer or other samples|compressed samples are damaged")
    refused(read, made.scp()[:-10], "cut short")
    spoilt = bytearray(made.scp())
    spoilt[-50] ^= 4
    refused(read, bytes(spoilt), "do not match the checksum")
