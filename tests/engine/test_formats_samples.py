"""Real files of every clinical format, each against a second, independent way of reading it."""

import base64
import json
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from engine.contract.errors import WorldError
from engine.signal.leads import CANONICAL
from engine.signal.readers import find_files, read_recording


@pytest.fixture(scope="module")
def samples_folder(shared):
    return shared / "data/format-samples"


def in_order(leads):
    """{name: samples} as [12, T] in canonical order."""
    folded = {name.upper(): values for name, values in leads.items()}
    return np.array([folded[name.upper()] for name in CANONICAL], dtype=np.float64)


def test_one_ecg_in_dicom_aecg_and_scp_is_one_signal(samples_folder):
    # Residuals, measured 2026-11: 0 of 60,000 samples differ between any two of the three.
    read = [
        read_recording(samples_folder / name)
        for name in ("hl7-aecg/hl7_Example_aECG.xml", "scp-ecg/ecgtoolkit_Example.scp", "dicom/ecgtoolkit_Example.dcm")
    ]
    assert len({recording.signal_sha256 for recording in read}) == 1
    assert len({recording.record_id for recording in read}) == 1
    assert [recording.format for recording in read] == ["HL7 aECG", "SCP-ECG", "DICOM"]
    assert {recording.patient for recording in read} == {"SBJ-123"}
    assert {recording.acquired for recording in read} == {"2002-11-22T09:10:00"}
    assert {recording.measurements["qtc_ms"] for recording in read} == {443.0}


def test_the_philips_pair_differs_by_the_mains_filter_of_the_export_alone(samples_folder):
    # The aECG was filtered again by the program that exported it: it says "adaptive notch, 60 Hz", the original says
    # "notchfiltered False". Measured: at most 0.020 mV (4 steps of 0.005), root mean square 0.0040 mV.
    original = read_recording(samples_folder / "philips-sierra-xml/v1_04_ad4d3d80-d165_orig.xml")
    converted = read_recording(samples_folder / "hl7-aecg/philips_ad4d3d80-d165_converted_aecg.xml")
    assert (original.acquisition.notch_hz, converted.acquisition.notch_hz) == (0.0, 60.0)
    residual_CT = (original.signal_CT - converted.signal_CT).astype(np.float64)
    assert original.samples == converted.samples == 5300
    assert original.acquired == converted.acquired
    assert np.abs(residual_CT).max() < 0.0201
    assert np.sqrt((residual_CT**2).mean()) < 0.0041
    spectrum_F = (np.abs(np.fft.rfft(residual_CT, axis=1)) ** 2).sum(axis=0)
    assert abs(np.fft.rfftfreq(5300, 1 / 500)[spectrum_F[5:].argmax() + 5] - 60) < 0.2


def test_the_limb_leads_of_real_files_obey_einthoven(samples_folder):
    # Within two steps: each lead was rounded for itself.
    for path in find_files([samples_folder / "philips-sierra-xml", samples_folder / "dicom"]):
        if "malformed" in path.name:
            continue
        recording = read_recording(path)
        i, ii, iii, avr, avl, avf = recording.signal_CT[:6].astype(np.float64)
        step = recording.resolution_mv.max()
        for residual in (iii - (ii - i), avr + (i + ii) / 2, avl - (i - iii) / 2, avf - (ii + iii) / 2):
            assert np.abs(residual).max() <= 2.01 * step, path.name


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_dicom_equals_pydicom(samples_folder):
    import pydicom

    for name in ("mortara_1000hz_waveform_ecg.dcm", "ge_example-DICOM1.dcm"):
        recording = read_recording(samples_folder / "dicom" / name)
        dataset = pydicom.dcmread(samples_folder / "dicom" / name)
        truth_CT = dataset.waveform_array(0).T / 1000  # rhythm, microvolts
        np.testing.assert_allclose(recording.signal_CT, truth_CT, atol=1e-6)
        assert recording.reader == f"pydicom {pydicom.__version__}"
    assert recording.rate_hz == 1000 or recording.acquisition.low_pass_hz == 150


def test_aecg_equals_its_plain_xml(samples_folder):
    recording = read_recording(samples_folder / "hl7-aecg/hl7_Example_aECG.xml")
    text = (samples_folder / "hl7-aecg/hl7_Example_aECG.xml").read_text()
    series = text.split("<derivation")[0]
    found = re.findall(
        r'code="MDC_ECG_LEAD_(\w+)".*?<scale value="([\d.]+)" unit="uV".*?<digits>(.*?)</digits>', series, re.S
    )
    leads = {name: np.array(digits.split(), float) * float(scale) / 1000 for name, scale, digits in found}
    np.testing.assert_allclose(recording.signal_CT, in_order(leads), atol=1e-6)
    assert (recording.age, recording.sex, recording.rate_hz) == (46.0, "male", 500.0)


def test_muse_equals_its_plain_xml(samples_folder):
    for path in sorted((samples_folder / "ge-muse-xml").glob("*.xml")):
        recording = read_recording(path)
        rhythm = [
            wave for wave in ET.parse(path).getroot().iter("Waveform") if wave.findtext("WaveformType") == "Rhythm"
        ]
        leads = {
            data.findtext("LeadID"): np.frombuffer(base64.b64decode(data.findtext("WaveFormData")), "<i2") * 0.00488
            for data in rhythm[0].iter("LeadData")
        }
        assert set(leads) == {"I", "II", "V1", "V2", "V3", "V4", "V5", "V6"}
        rows = [CANONICAL.index(name) for name in leads]
        np.testing.assert_allclose(recording.signal_CT[rows], list(leads.values()), atol=1e-6)
        np.testing.assert_allclose(recording.signal_CT[2], leads["II"] - leads["I"], atol=1e-6)
        np.testing.assert_allclose(recording.signal_CT[3], -(leads["I"] + leads["II"]) / 2, atol=1e-6)
        assert recording.derived == ("III", "aVR", "aVL", "aVF")
        assert recording.rate_hz == 500.0


def test_muse_keeps_the_measurements_of_the_cart(samples_folder):
    recording = read_recording(samples_folder / "ge-muse-xml/braveheart_example1.xml")
    assert recording.measurements == {
        "heart_rate_bpm": 48.0, "rr_ms": 1242.0, "pr_ms": 138.0, "qrs_ms": 96.0, "qt_ms": 452.0, "qtc_ms": 403.0,
        "p_axis_deg": 51.0, "qrs_axis_deg": 20.0, "t_axis_deg": 40.0,
    }  # fmt: skip
    filters = recording.acquisition
    assert (filters.high_pass_hz, filters.low_pass_hz, filters.notch_hz) == (0.16, 150.0, 60.0)


def test_cardiologyxml_equals_its_plain_xml(samples_folder):
    path = samples_folder / "ge-cardiologyxml/example-XML1.xml"
    recording = read_recording(path)
    strip = ET.parse(path).getroot().find("StripData")
    leads = {w.get("lead"): np.array([int(v) for v in w.text.split(",")]) * 0.005 for w in strip.iter("WaveformData")}
    np.testing.assert_allclose(recording.signal_CT, in_order(leads), atol=1e-6)
    assert recording.acquisition.paced is False
    assert recording.acquisition.setting == "outpatient"
    assert [statement.text for statement in recording.statements][:2] == ["Sinus bradycardia", "Otherwise normal ECG"]


def test_sierra_equals_the_sierraecg_package(samples_folder):
    sierraecg = pytest.importorskip("sierraecg")
    for path in sorted((samples_folder / "philips-sierra-xml").glob("v1_04*")):
        recording = read_recording(path)
        try:
            told = sierraecg.read_file(str(path))
        except Exception:  # it fails on one of the files, see dependencies
            continue
        truth_CT = np.array([lead.samples for lead in told.leads]) * 0.005
        assert truth_CT.shape[1] == 5500
        assert recording.samples == 5300
        np.testing.assert_allclose(recording.signal_CT, truth_CT[:, : recording.samples], atol=2e-6)


def test_the_calibration_pulse_of_philips_carts_is_cut_off_and_told(samples_folder):
    recording = read_recording(samples_folder / "philips-sierra-xml/v1_04_01_2020-5-18_15-48-11.xml")
    assert recording.transformations == ("the last 0.40 s cut off: a calibration pulse of 1 mV",)
    assert not (np.abs(recording.signal_CT[:, -100:] - 1.0) < 0.05).all(axis=0).any()


def test_sierra_keeps_statements_with_codes(samples_folder):
    recording = read_recording(samples_folder / "philips-sierra-xml/v1_04_ad4d3d80-d165_orig.xml")
    told = [(s.code, s.system, s.source, s.confirmed) for s in recording.statements]
    assert told[0] == ("SB", "Philips", "person", True)
    assert told[3] == ("", "", "device", None)
    assert recording.acquisition.model == "PageWriter Touch"
    assert recording.acquisition.firmware == "C.01.02.00"
    assert recording.acquisition.serial == "EKG16296"


def test_a_version_of_sierra_that_nobody_knows_is_refused(samples_folder):
    with pytest.raises(WorldError, match=r"document version is 1\.05"):
        read_recording(samples_folder / "philips-sierra-xml/malformed_invalid-doc-version.xml")


def test_edf_equals_pyedflib(samples_folder):
    pyedflib = pytest.importorskip("pyedflib")
    path = samples_folder / "edf/contec_0000050.edf"
    recording = read_recording(path)
    with pyedflib.EdfReader(str(path)) as file:
        truth_CT = np.array([file.readSignal(i) for i in range(12)])
        assert file.getSampleFrequency(0) == recording.rate_hz == 800.0
    np.testing.assert_allclose(recording.signal_CT, truth_CT, atol=1e-5)


def test_scp_equals_a_plain_reading_of_its_lead_definitions(samples_folder):
    content = (samples_folder / "scp-ecg/ecgtoolkit_Example.scp").read_bytes()
    recording = read_recording(samples_folder / "scp-ecg/ecgtoolkit_Example.scp")
    at = struct.unpack_from("<I", content, 22 + 10 * 3 + 6)[0] - 1
    assert struct.unpack_from("<II", content, at + 16 + 2) == (1, recording.samples)
    assert recording.resolution_mv.tolist() == [0.0025] * 12


def test_every_file_says_what_was_read_and_by_what(samples_folder):
    formats = {}
    for path in find_files([samples_folder]):
        try:
            recording = read_recording(path)
        except WorldError:
            continue
        formats.setdefault(recording.format, recording)
        assert recording.reader
        assert len(recording.file_sha256) == 64
        assert recording.source_name == path.stem
    assert set(formats) >= {
        "DICOM",
        "EDF",
        "GE CardiologyXML",
        "GE MUSE XML",
        "HL7 aECG",
        "Philips Sierra XML",
        "SCP-ECG",
    }


def test_names_of_people_are_among_the_identifiers(samples_folder):
    recording = read_recording(samples_folder / "philips-sierra-xml/v1_04_ad4d3d80-d165_orig.xml")
    told = dict(reversed(recording.identifiers))
    assert told["patient id"] == "9999"
    assert "Masoudi" in " ".join(text for _, text in recording.identifiers)
    assert "9999" not in repr(recording)
    assert "Masoudi" not in repr(recording)


def test_a_program_that_reads_wfdb_alone_loads_no_library_of_another_format(samples):
    code = (
        "import sys, json; from engine.signal.readers import read_recording, find_files;"
        f"read_recording(find_files([{str(samples)!r}])[0]);"
        "print(json.dumps([m for m in ('pydicom', 'ecgdatakit', 'xmltodict', 'h5py', 'pyarrow') if m in sys.modules]))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(told.stdout) == []
