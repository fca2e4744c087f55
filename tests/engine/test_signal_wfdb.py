"""The WFDB reader against the wfdb package on real records, and against files that lie."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.contract.errors import WorldError
from engine.signal import wfdb_header
from engine.signal.leads import CANONICAL, canonical_name
from engine.signal.readers import find_files, read_recording
from engine.signal.wfdb_format import read_wfdb

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pandas warns of wfdb's own habits
    import wfdb

LEADS_UPPER = [lead.upper() for lead in CANONICAL]
HALF_ULP = 2.0**-24 * 1.001


def write(
    folder, steps_TC, name="meier", fmt="16", gain=1000.0, baseline=0, units="mV", leads=LEADS_UPPER, comments=()
):
    """A record written by the wfdb package; `steps_TC` are the integers on disk."""
    channels = steps_TC.shape[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wfdb.wrsamp(
            name,
            fs=500,
            units=[units] * channels,
            sig_name=list(leads),
            d_signal=steps_TC.astype(np.int64),
            fmt=[fmt] * channels,
            adc_gain=[float(gain)] * channels,
            baseline=[baseline] * channels,
            comments=list(comments),
            write_dir=str(folder),
        )
    return folder / f"{name}.hea"


@pytest.fixture
def steps_TC():
    time = np.arange(1000)[:, None] / 500
    return np.rint(900 * np.sin(2 * np.pi * (1 + np.arange(12) / 7) * time)).astype(np.int16)


@pytest.fixture
def header(tmp_path, steps_TC):
    return write(tmp_path, steps_TC, comments=["Age: 56", "Sex: Female"])


def edit(header, old, new):
    text = header.read_text()
    assert old in text
    header.write_text(text.replace(old, new))
    return header


def refusal(path):
    with pytest.raises(WorldError) as told:
        read_recording(path)
    assert told.value.next_step
    assert path.stem not in str(told.value)
    return told.value.reason


def assert_equals_wfdb(path, recording):
    truth = wfdb.rdrecord(str(path.with_suffix("")))
    assert recording.rate_hz == truth.fs
    compared = 0
    for column, raw in enumerate(truth.sig_name):
        lead = canonical_name(raw)
        if lead:
            expected = truth.p_signal[:, column]
            got = recording.signal_CT[CANONICAL.index(lead)].astype(np.float64)
            np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
            np.testing.assert_allclose(got, expected, rtol=HALF_ULP, atol=1e-12)
            compared += 1
    return compared


# Equal to the wfdb package


@pytest.mark.shared
@pytest.mark.parametrize(
    "folder",
    [
        "ptbxl-500/records500",
        "ptbxl-500/records100",
        "ludb",
        "cinc-challenge/cinc2021-georgia-ptbxl-ningbo",
        "cinc-challenge/cinc2021-ptbxl-v2-headers",
        "brugada-huca-sample",
    ],
)
def test_every_real_record_is_the_float32_nearest_to_what_wfdb_reads(shared, folder):
    paths = find_files([shared / "data" / folder])
    assert len(paths) >= 7
    for path in paths[:60]:
        assert assert_equals_wfdb(path, read_recording(path)) == 12


@pytest.mark.shared
def test_every_real_record_of_early_challenges_is_read_or_refused_with_a_reason(shared):
    paths = find_files([shared / "data/cinc-challenge/cinc2020-edge-cases", shared / "data/cinc-challenge"])
    read = [read_recording(path) for path in paths]
    assert len(read) == 96  # 92 of WFDB, four MATLAB structs
    assert all(recording.signal_CT.shape[0] == 12 for recording in read)


@pytest.mark.shared
def test_a_record_name_with_a_suffix_which_wfdb_refuses_is_read(shared):
    path = shared / "data/cinc-challenge/cinc2020-edge-cases/E00009.hea"
    with pytest.raises(wfdb.io.header.HeaderSyntaxError):
        wfdb.rdrecord(str(path.with_suffix("")))
    recording = read_recording(path)
    raw = np.fromfile(path.with_suffix(".mat"), dtype="<i2", offset=24).reshape(-1, 12)
    np.testing.assert_array_equal(recording.signal_CT, raw.T.astype(np.float32) / np.float32(4880))


@pytest.mark.shared
def test_the_same_samples_from_dat_and_mat_have_the_same_hash(shared):
    data = shared / "data"
    one = read_recording(data / "ptbxl-500/records500/00000/00001_hr.hea")
    other = read_recording(data / "cinc-challenge/cinc2021-ptbxl-v2-headers/HR00001.hea")
    assert one.signal_sha256 == other.signal_sha256
    assert one.file_sha256 != other.file_sha256
    assert (other.age, other.sex) == (56.0, "female")


@pytest.mark.shared
def test_frank_leads_in_a_second_file_do_not_disturb_the_twelve(shared):
    path = shared / "data/wfdb-format-variants/s0010_re.hea"
    recording = read_recording(path)
    assert assert_equals_wfdb(path, recording) == 12
    assert (recording.age, recording.sex, recording.rate_hz) == (81.0, "female", 1000.0)


@pytest.mark.parametrize("fmt", ["16", "212"])
def test_missing_samples_stay_missing(tmp_path, steps_TC, fmt):
    steps_TC[100:140, 3] = -32768 if fmt == "16" else -2048
    recording = read_recording(write(tmp_path, steps_TC, fmt=fmt))
    assert np.isnan(recording.signal_CT[3, 100:140]).all()
    assert np.isnan(recording.signal_CT).sum() == 40


@pytest.mark.parametrize("fmt", ["16", "24", "32", "80", "212"])
def test_every_format_that_wfdb_writes_reads_equal(tmp_path, steps_TC, fmt):
    if fmt == "80":
        steps_TC = steps_TC // 16
    path = write(tmp_path, steps_TC, fmt=fmt, gain=204.8, baseline=17)
    recording = read_recording(path)
    assert assert_equals_wfdb(path, recording) == 12
    assert recording.format == f"WFDB format {fmt}"
    np.testing.assert_allclose(recording.resolution_mv, 1 / 204.8)


@pytest.mark.shared
@pytest.mark.parametrize("fmt", ["8", "61", "160", "310", "311", "508", "516", "524"])
def test_rare_formats_go_through_wfdb_and_come_out_equal(shared, tmp_path, fmt):
    variants = shared / "data/wfdb-format-variants"
    name = "binformats" if int(fmt) < 500 else "flacformats"
    lines = (variants / f"{name}.hea").read_text().splitlines()
    chosen = next(line for line in lines[1:] if line.split()[1] == fmt)
    file = chosen.split()[0]
    shutil.copyfile(variants / file, tmp_path / file)
    fields = chosen.split(None, 8)[:8]
    # One channel of the test signal cannot be a 12-lead ECG, so it is read as all twelve, one file each.
    body = []
    for lead in CANONICAL:
        shutil.copyfile(variants / file, tmp_path / f"{lead}.bin")
        body.append(" ".join([f"{lead}.bin", *fields[1:], lead]))
    path = tmp_path / "twelve.hea"
    path.write_text("\n".join([f"twelve 12 200 {lines[0].split()[3]}", *body]) + "\n")
    recording = read_recording(path)
    assert assert_equals_wfdb(path, recording) == 12


def test_skew_is_taken_out_as_wfdb_does(tmp_path, steps_TC, header):
    skewed = edit(header, "meier.dat 16 1000.0(0)/mV 16 0 0 ", "meier.dat 16:3 1000.0(0)/mV 16 0 0 ")
    recording = read_recording(skewed)
    assert np.isnan(recording.signal_CT[:, -3:]).any()
    assert assert_equals_wfdb(skewed, recording) == 12


def test_several_samples_a_frame_are_averaged_without_cutting_decimals(header):
    header.write_text(header.read_text().replace(".dat 16 ", ".dat 16x2 ").replace("500 1000", "250 500"))
    raw = np.fromfile(header.with_suffix(".dat"), dtype="<i2").reshape(500, 12, 2)
    recording = read_recording(header)
    np.testing.assert_array_equal(recording.signal_CT, (raw.mean(axis=2).T / 1000).astype(np.float32))
    assert recording.resolution_mv is None
    truncated = wfdb.rdrecord(str(header.with_suffix(""))).p_signal.T  # wfdb averages in whole steps
    assert np.abs(recording.signal_CT - truncated).max() < 0.001


def test_segments_are_joined_and_equal_wfdb(tmp_path, steps_TC):
    write(tmp_path, steps_TC[:400], name="rec_1")
    write(tmp_path, steps_TC[400:], name="rec_2")
    (tmp_path / "rec.hea").write_text("rec/2 12 500 1000\nrec_1 400\nrec_2 600\n")
    assert find_files([tmp_path]) == [tmp_path / "rec.hea"]
    recording = read_recording(tmp_path / "rec.hea")
    assert recording.samples == 1000
    assert assert_equals_wfdb(tmp_path / "rec.hea", recording) == 12


def test_a_segment_without_a_gain_is_refused_and_not_taken_for_200(tmp_path, steps_TC):
    edit(write(tmp_path, steps_TC, name="part"), "1000.0(0)/mV", "0")
    (tmp_path / "joined.hea").write_text("joined/1 12 500 1000\npart 1000\n")
    assert refusal(tmp_path / "joined.hea") == "its header gives no gain for lead I, so its millivolts are unknown"


FIFTEEN = [*LEADS_UPPER, "V7", "V4R", "Vx"]


def with_three_more(steps_TC):
    """Fifteen leads, the last three made of the first."""
    return np.hstack([steps_TC, steps_TC[:, :3] // np.array([2, 3, 4], dtype=np.int16)])


@pytest.mark.parametrize("way", ["plain", "frames", "skew", "segments"])
def test_leads_beyond_the_twelve_are_kept_aside_however_the_file_is_laid_out(tmp_path, steps_TC, way):
    more_TC = with_three_more(steps_TC)
    path = write(tmp_path, more_TC, leads=FIFTEEN)
    if way == "frames":
        path.write_text(path.read_text().replace(".dat 16 ", ".dat 16x2 ").replace("500 1000", "250 500"))
    elif way == "skew":
        edit(path, "meier.dat 16 1000.0(0)/mV 16 0 0 ", "meier.dat 16:3 1000.0(0)/mV 16 0 0 ")
    elif way == "segments":
        (tmp_path / "rec.hea").write_text("rec/2 15 500 2000\nmeier 1000\nmeier 1000\n")
        path = tmp_path / "rec.hea"
    recording = read_recording(path)
    assert recording.extra.leads == ("V7", "V4R", "X")
    assert recording.extra.signal_XT.shape == (3, recording.samples)
    expected_XT = more_TC[:, 12:].T / np.float32(1000)
    if way == "frames":
        expected_XT = (more_TC.reshape(500, 15, 2)[:, 12:].mean(axis=2).T / 1000).astype(np.float32)
    elif way == "skew":
        expected_XT = expected_XT[:, 3:]  # every channel is three samples late; the last three are not known
    elif way == "segments":
        expected_XT = np.tile(expected_XT, 2)
    np.testing.assert_allclose(recording.extra.signal_XT[:, : expected_XT.shape[1]], expected_XT, rtol=1e-6)


def test_a_lead_beyond_the_twelve_of_which_a_segment_has_no_gain_is_left_out(tmp_path, steps_TC):
    path = write(tmp_path, with_three_more(steps_TC), leads=FIFTEEN)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.replace("1000.0(0)/mV", "0") if line.endswith("V7") else line for line in lines))
    (tmp_path / "rec.hea").write_text("rec/1 15 500 1000\nmeier 1000\n")
    assert read_recording(tmp_path / "rec.hea").extra.leads == ("V4R", "X")


def test_the_plain_reader_never_imports_wfdb(samples):
    code = (
        "import sys; from engine.signal.readers import read_recording; "
        f"read_recording({str(min(samples.glob('*.hea')))!r}); assert 'wfdb' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# What is remembered of headers


def test_what_is_remembered_of_one_header_is_never_taken_for_another(tmp_path, steps_TC):
    order = np.random.default_rng(1).permutation(12)
    kinds = {
        "fine": {"gain": 1000.0},
        "coarse": {"gain": 200.0},
        "shifted": {"gain": 1000.0, "baseline": 40},
        "packed": {"gain": 1000.0, "fmt": "212"},
        "turned": {"gain": 1000.0, "leads": [LEADS_UPPER[i] for i in order]},
    }
    paths = [write(tmp_path, steps_TC, name=name, **kind) for name, kind in kinds.items()]
    for path in paths * 2:  # the second time all of them are remembered
        assert assert_equals_wfdb(path, read_recording(path)) == 12


def test_two_recordings_of_one_layout_share_no_numbers(header):
    one, other = read_recording(header), read_recording(header)
    one.resolution_mv[:] = 7
    one.signal_CT[:] = 7
    assert other.resolution_mv == pytest.approx(np.full(12, 1e-3))
    assert read_recording(header).resolution_mv == pytest.approx(np.full(12, 1e-3))
    assert not (other.signal_CT == 7).any()


def test_two_signal_files_are_told_apart_whatever_their_names(tmp_path, steps_TC):
    whole = read_recording(write(tmp_path, steps_TC))
    for names in (("a.dat", "b.dat"), ("z.dat", "y.dat")):
        lines = (tmp_path / "meier.hea").read_text().splitlines()
        for n, name in enumerate(names):
            steps_TC[:, 6 * n : 6 * n + 6].astype("<i2").tofile(tmp_path / name)
        split = [lines[0], *(line.replace("meier.dat", names[n // 6]) for n, line in enumerate(lines[1:13]))]
        (tmp_path / "split.hea").write_text("\n".join(split))
        assert read_recording(tmp_path / "split.hea").signal_sha256 == whole.signal_sha256


def test_a_hostile_header_fills_no_memory_with_what_is_remembered(header):
    before = wfdb_header._described.cache_info().currsize
    edit(header, " V6", " V6" + "x" * 100_000)
    assert "V6" in refusal(header)
    assert wfdb_header._described.cache_info().currsize <= before + 11


# What a recording says


def test_leads_come_in_canonical_order_whatever_the_file_says(tmp_path, steps_TC):
    order = np.random.default_rng(3).permutation(12)
    path = write(tmp_path, steps_TC[:, order], leads=[CANONICAL[i] for i in order])
    np.testing.assert_array_equal(read_recording(path).signal_CT, steps_TC.T / np.float32(1000))


@pytest.mark.parametrize("prefix", ["Lead ", "ECG_", "MDC_ECG_LEAD_"])
def test_names_of_leads_are_understood_as_in_all_other_formats(tmp_path, steps_TC, prefix):
    path = write(tmp_path, steps_TC)
    plain = read_recording(path)
    path.write_text(re.sub(r" (\w+)$", rf" {prefix}\1", path.read_text(), flags=re.MULTILINE))
    lines = path.read_text().splitlines()
    assert lines[1].endswith(f"{prefix}I")
    path.write_text("\n".join(["meier 12 500 1000", *lines[1:]]))
    assert read_recording(path).signal_sha256 == plain.signal_sha256


def test_eight_leads_give_twelve_and_the_derived_ones_are_marked(tmp_path, steps_TC):
    kept = [0, 1, *range(6, 12)]
    path = write(tmp_path, steps_TC[:, kept], leads=[CANONICAL[i] for i in kept])
    recording = read_recording(path)
    one, two = steps_TC[:, 0] / 1000, steps_TC[:, 1] / 1000
    assert recording.derived == ("III", "aVR", "aVL", "aVF")
    for row, truth in zip(range(2, 6), (two - one, -(one + two) / 2, one - two / 2, two - one / 2), strict=True):
        np.testing.assert_allclose(recording.signal_CT[row], truth, atol=3e-7)
    assert recording.present == (True,) * 12


def test_units_become_millivolts(tmp_path, steps_TC):
    micro = read_recording(write(tmp_path, steps_TC, name="micro", gain=1.0, units="uV"))
    milli = read_recording(write(tmp_path, steps_TC, name="milli", gain=1000.0, units="mV"))
    assert micro.signal_sha256 == milli.signal_sha256


def test_the_file_hash_covers_header_and_signal(header):
    expected = hashlib.sha256(header.read_bytes() + header.with_suffix(".dat").read_bytes()).hexdigest()
    assert read_recording(header).file_sha256 == expected
    assert read_wfdb(header, digest=False).file_sha256 == ""


def test_the_record_id_depends_on_the_samples_alone(tmp_path, header):
    renamed = tmp_path / "other.hea"
    renamed.write_text(header.read_text().replace("Age: 56", "Age: 12"))
    one, two = read_recording(header), read_recording(renamed)
    assert one.record_id == two.record_id
    assert re.fullmatch(r"r[0-9a-f]{12}", one.record_id)
    assert one.file_sha256 != two.file_sha256


@pytest.mark.parametrize(
    ("comment", "age", "over"),
    [
        ("Age: 56", 56, False),
        ("Age: 89", 89, False),
        ("age: 90+", 90, True),
        ("Age: 93", 90, True),
        ("Age: 300", 90, True),
        ("Age: NaN", None, False),
        ("Age: -3", None, False),
        ("Age: 200", None, False),
        ("Age: old", None, False),
    ],
)
def test_ages_above_89_are_told_as_90(tmp_path, steps_TC, comment, age, over):
    recording = read_recording(write(tmp_path, steps_TC, comments=[comment]))
    assert (recording.age_years, recording.age_over_89) == (age, over)


def test_a_recording_shows_no_identity_when_printed(tmp_path, steps_TC):
    recording = read_recording(write(tmp_path, steps_TC, name="meier_anna", comments=["Age: 71"]))
    assert recording.source_name == "meier_anna"
    assert "meier" not in repr(recording)
    assert "71" not in repr(recording).replace(recording.file_sha256, "")


def test_comments_in_any_encoding_are_survived(header):
    header.write_bytes(header.read_bytes() + "# Straße: größer\n".encode("latin-1") + b"# \xff\xfe\x80\x85 Sex: ?\n")
    assert read_recording(header).sex == "female"


# Files that lie, one reason each


def test_a_missing_signal_file_is_refused(header):
    header.with_suffix(".dat").unlink()
    assert refusal(header) == "its signal file is missing"


def test_a_truncated_signal_file_is_refused(header):
    signal = header.with_suffix(".dat")
    signal.write_bytes(signal.read_bytes()[:9000])
    assert refusal(header) == "its signal file ends after 0.8 s, the header announces 2.0 s"


def test_a_header_that_announces_less_than_the_file_holds_is_refused(header):
    edit(header, "500 1000", "500 700")
    assert refusal(header) == "its signal file holds 2.0 s, the header announces 1.4 s"


def test_a_header_that_announces_far_too_much_costs_no_memory(header):
    edit(header, "500 1000", "500 2000000000")
    assert "the header announces 4000000.0 s" in refusal(header)


@pytest.mark.parametrize("fmt", ["80", "24", "508"])
def test_far_too_much_in_other_formats_costs_no_memory_either(header, fmt):
    header.write_text(header.read_text().replace(".dat 16 ", f".dat {fmt} ").replace("500 1000", "500 2000000000"))
    assert "the header announces" in refusal(header)


def test_segments_that_announce_far_too_much_are_refused(tmp_path, header):
    (tmp_path / "joined.hea").write_text("joined/2 12 500 2000001000\nmeier 1000\n~ 2000000000\n")
    assert refusal(tmp_path / "joined.hea") == "the header announces 2000001000 samples a lead"


def test_a_header_that_lies_about_the_format_is_refused(header):
    text = header.read_text()
    for lie in ("212", "80", "61", "24", "32", "310", "999"):
        header.write_text(text.replace(".dat 16 ", f".dat {lie} "))
        assert refusal(header)


def test_samples_that_do_not_match_the_checksum_are_refused(header):
    signal = header.with_suffix(".dat")
    block = bytearray(signal.read_bytes())
    block[5000] ^= 1
    signal.write_bytes(block)
    assert refusal(header) == "its samples do not match the checksum in its header"


@pytest.mark.parametrize(
    ("gain", "reason"),
    [
        ("0", "its header gives no gain for lead I, so its millivolts are unknown"),
        ("-200", "its header gives lead I a gain of -200 per mV"),
        ("nan", "the gain in its header is no number"),
        ("inf", "the gain in its header is no number"),
        ("abc", "the gain in its header is no number"),
        ("1e-300", "its header gives lead I a gain of 1e-300 per mV"),
        ("1e300", "its header gives lead I a gain of 1e+300 per mV"),
        ("200(99999999999999)", "the baseline in its header is no whole number that can be"),
        ("200/NU", "lead I is not in volts"),
    ],
)
def test_a_gain_that_gives_no_millivolts_is_refused(header, gain, reason):
    edit(header, "1000.0(0)/mV", gain)
    assert refusal(header) == reason


@pytest.mark.parametrize(
    "name", ["../meier.dat", "/etc/passwd", "..", "-", "a\\meier.dat", "C:meier.dat", "http://x/meier.dat"]
)
def test_a_header_cannot_point_outside_its_folder(header, name):
    edit(header, "meier.dat", name)
    assert refusal(header) == "its header points outside its own folder"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_place_of_the_signal_does_not_hang_the_reader(header):
    header.with_suffix(".dat").unlink()
    os.mkfifo(header.with_suffix(".dat"))
    assert refusal(header) == "its signal file is no regular file"


def test_a_lead_that_stands_twice_is_refused(header):
    edit(header, " 0 II\n", " 0 I\n")
    assert refusal(header) == "lead I stands in its header twice"


def test_a_recording_without_a_chest_lead_is_refused(header):
    edit(header, " 0 V3\n", " 0 V9\n")
    assert refusal(header) == "it has no lead V3"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("12 500 1000", "11 500 1000"),
        ("12 500 1000", "0 500 1000"),
        ("12 500 1000", "12 -500 1000"),
        ("12 500 1000", "12 nan 1000"),
        ("12 500 1000", "12"),
        ("12 500 1000", "twelve"),
        ("12 500 1000", "12 500 -4"),
        ("12 500 1000", "12 1e-9 1000"),
        (".dat 16 ", ".dat sixteen "),
        (".dat 16 ", ".dat 16x0 "),
        (".dat 16 ", ".dat 16x99999 "),
        (".dat 16 ", ".dat 16+99999999999 "),
        ("meier 12", "meier/3 12"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(header, old, new):
    edit(header, old, new)
    assert refusal(header)


def test_an_empty_and_a_foreign_file_are_refused(tmp_path):
    (tmp_path / "zero.hea").touch()
    (tmp_path / "zero.xml").touch()
    (tmp_path / "lonely.dat").write_bytes(b"1234")
    (tmp_path / "letter.txt").write_text("Dear colleague")
    assert refusal(tmp_path / "zero.hea") == "the header is empty"
    assert refusal(tmp_path / "zero.xml") == "the file is empty"
    assert refusal(tmp_path / "lonely.dat") == "its WFDB header is missing"
    assert refusal(tmp_path / "letter.txt") == "its format is not known"
    assert refusal(tmp_path / "nowhere.hea") == "its header is missing"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, 700), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_header_is_read_or_refused_never_a_crash(tmp_path, header, place, byte, cut):
    block = bytearray(header.read_bytes())
    place %= len(block)
    block[place] = byte
    damaged = tmp_path / "damaged.hea"
    damaged.write_bytes(bytes(block[:place] if cut else block))
    try:
        recording = read_recording(damaged)
    except WorldError as error:
        said = str(error)
    else:
        said = repr(recording)
        assert recording.rate_hz > 0
    assert "damaged" not in said


LIES = [
    "0",
    "-1",
    "nan",
    "1e400",
    "9" * 20,
    "8",
    "80",
    "310",
    "24",
    "508",
    "16x2",
    "16:5",
    "16+7",
    "~",
    "mV",
    "(3)",
    "1/",
    "II",
]


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(column=st.integers(0, 8), lie=st.sampled_from(LIES), line=st.integers(0, 12), everywhere=st.booleans())
def test_a_header_that_lies_in_any_field_is_read_or_refused_never_a_crash(
    tmp_path, header, column, lie, line, everywhere
):
    rows = [text.split(" ") for text in header.read_text().splitlines()[:13]]
    for row in rows[1:] if everywhere else [rows[line]]:
        row[min(column, len(row) - 1)] = lie
    lying = tmp_path / "lying.hea"
    lying.write_text("\n".join(" ".join(row) for row in rows) + "\n")
    try:
        said = repr(read_recording(lying))
    except WorldError as error:
        said = str(error)
    assert "lying" not in said


# Finding files


def test_a_folder_gives_its_headers_sorted_and_none_twice(tmp_path, steps_TC):
    for name in ("b", "a"):
        write(tmp_path, steps_TC, name=name)
    found = find_files([tmp_path, tmp_path / "a.dat", tmp_path / "a.hea"])
    assert found == [tmp_path / "a.hea", tmp_path / "b.hea"]


def test_a_folder_without_recordings_keeps_its_line_and_its_reason(tmp_path):
    (tmp_path / "empty").mkdir()
    assert find_files([tmp_path / "empty"]) == [tmp_path / "empty"]
    assert refusal(tmp_path / "empty") == "the folder holds no recording"


def test_a_folder_that_may_not_be_opened_keeps_its_line_and_the_rest_is_found(tmp_path, steps_TC, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir()
    write(tmp_path, steps_TC)
    scan = os.scandir

    def deny(path):
        if os.fspath(path) == os.fspath(closed):
            raise PermissionError(13, "denied", os.fspath(closed))
        return scan(path)

    monkeypatch.setattr(os, "scandir", deny)
    assert find_files([tmp_path]) == [tmp_path / "meier.hea", closed]
    assert refusal(closed) == "the folder cannot be opened (PermissionError)"


def test_a_format_that_wfdb_does_not_have_is_named(header):
    edit(header, ".dat 16 ", ".dat 999 ")
    reason = refusal(header)
    assert reason == "its signals are in format 999, which is none of WFDB's"
    assert "KeyError" not in reason
