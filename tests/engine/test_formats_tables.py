"""CSV, text, NumPy, HDF5 and Parquet: what is written is what is read, and nothing about it is guessed."""

import csv
import os
import sys

import h5py
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.contract.errors import UsageError, WorldError
from engine.contract.mapping import SignalTable, read_mapping
from engine.signal.leads import CANONICAL
from engine.signal.preview import preview_table
from engine.signal.readers import find_sources, read_recording
from engine.signal.sources import Source

MV = SignalTable(rate_hz=500, unit="mV")
NAMED = SignalTable(rate_hz=500, unit="mV", leads=CANONICAL)
QUIET = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ecg(samples=300, seed=1):
    """Twelve leads that obey Einthoven and Goldberger, float32 millivolts."""
    rng = np.random.default_rng(seed)
    i_T, ii_T = np.cumsum(rng.normal(0, 0.02, (2, samples)), axis=1)
    limb = [i_T, ii_T, ii_T - i_T, -(i_T + ii_T) / 2, i_T - ii_T / 2, ii_T - i_T / 2]
    return np.array([*limb, *np.cumsum(rng.normal(0, 0.02, (6, samples)), axis=1)], dtype=np.float32)


def write_csv(path, signal_CT, names=CANONICAL, delimiter=","):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        if names:
            writer.writerow(names)
        writer.writerows([[repr(float(value)) for value in row] for row in signal_CT.T])
    return path


def refused(source, mapping=None):
    with pytest.raises(WorldError) as told:
        read_recording(source, mapping=mapping)
    assert told.value.next_step
    return told.value.reason


tables = arrays.arrays(
    np.float32, st.tuples(st.just(12), st.integers(3, 40)), elements=st.floats(-20, 20, width=32, allow_subnormal=False)
)


@QUIET
@given(signal_CT=tables, delimiter=st.sampled_from([",", ";", "\t", "|", " "]), named=st.booleans())
def test_a_text_reads_back_as_it_was_written_whatever_its_delimiter(tmp_path, signal_CT, delimiter, named):
    path = write_csv(tmp_path / "a.csv", signal_CT, CANONICAL if named else (), delimiter)
    mapping = MV if named else NAMED
    if signal_CT.shape[1] == 12 and not named:
        return
    np.testing.assert_array_equal(read_recording(path, mapping=mapping).signal_CT, signal_CT)


@QUIET
@given(signal_CT=tables, swapped=st.booleans(), kind=st.sampled_from(["npy", "npz", "packed", "hdf5"]))
def test_an_array_reads_back_as_it_was_written_whichever_axis_is_time(tmp_path, signal_CT, swapped, kind):
    if signal_CT.shape[1] == 12:
        return
    array = signal_CT.T if swapped else signal_CT
    path = tmp_path / f"a.{kind}"
    with path.open("wb") as file:
        if kind == "npy":
            np.save(file, array)
        elif kind == "hdf5":
            with h5py.File(file, "w") as written:
                written["ecg"] = array
        else:
            (np.savez if kind == "npz" else np.savez_compressed)(file, signal=array)
    np.testing.assert_array_equal(read_recording(path, mapping=NAMED).signal_CT, signal_CT)


def test_neither_unit_nor_rate_is_guessed(tmp_path):
    path = write_csv(tmp_path / "a.csv", ecg())
    assert refused(path) == "nothing tells the unit of its numbers and its sampling rate"
    assert refused(path, SignalTable(rate_hz=500)) == "nothing tells the unit of its numbers"
    assert refused(path, SignalTable(unit="mV")) == "nothing tells its sampling rate"


def test_twelve_nameless_columns_are_the_standard_order_only_where_einthoven_bears_it_out(tmp_path):
    signal_CT = ecg()
    right = write_csv(tmp_path / "a.csv", signal_CT, names=())
    np.testing.assert_array_equal(read_recording(right, mapping=MV).signal_CT, signal_CT)
    swapped = write_csv(tmp_path / "b.csv", signal_CT[[1, 0, *range(2, 12)]], names=())
    assert refused(swapped, MV) == "nothing tells which column is which lead"


def test_units_and_times_in_the_heading_are_taken(tmp_path):
    signal_CT = np.rint(ecg() * 1000)
    table = np.vstack([np.arange(300) / 250, signal_CT])
    path = write_csv(tmp_path / "a.csv", table, ["time (s)", *(f"{lead} (uV)" for lead in CANONICAL)])
    recording = read_recording(path)
    assert recording.rate_hz == 250
    np.testing.assert_array_equal(recording.signal_CT, (signal_CT.astype(np.float64) * 1e-3).astype(np.float32))
    np.testing.assert_array_equal(recording.resolution_mv, np.full(12, 1e-3))


@pytest.mark.parametrize("heading", ["Heart rate: 72", "Filter 0.05-150 Hz", "Rate: 60", "frequency 50"])
def test_a_heart_rate_or_a_filter_never_passes_for_the_sampling_rate(tmp_path, heading):
    path = write_csv(tmp_path / "a.csv", ecg())
    path.write_text(f"{heading}\nunit: mV\n{path.read_text()}")
    assert refused(path) == "nothing tells its sampling rate"
    path.write_text(f"Sampling rate: 400 Hz\n{path.read_text()}")
    assert read_recording(path).rate_hz == 400


def test_a_mapping_that_contradicts_the_file_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, signal=ecg(), rate=500.0, unit="mV", leads=np.array(CANONICAL))
    assert read_recording(path).rate_hz == 500
    assert "it says 500 Hz of itself, the mapping says 250 Hz" in refused(path, SignalTable(rate_hz=250))
    assert "it says another unit" in refused(path, SignalTable(unit="uV"))
    assert "it says other leads" in refused(path, SignalTable(leads=CANONICAL[::-1]))


def test_decimal_commas_are_seen_where_they_can_be_nothing_else(tmp_path):
    signal_CT, path = ecg(), tmp_path / "ward.csv"
    np.savetxt(path, signal_CT.T, delimiter=";", fmt="%.4f")
    path.write_text(path.read_text().replace(".", ","))
    got = read_recording(path, mapping=SignalTable(rate_hz=500, unit="mV")).signal_CT
    np.testing.assert_allclose(got, signal_CT, atol=6e-5)
    path.write_text("\n".join(";".join(["1,234"] * 12) for _ in range(900)))
    with pytest.raises(WorldError, match="format is not known"):
        read_recording(path, mapping=SignalTable(rate_hz=500, unit="uV", leads=CANONICAL))


def test_missing_cells_are_missing_samples_and_decimal_commas_are_numbers(tmp_path):
    signal_CT = ecg()
    signal_CT[3, 5] = np.nan
    path = write_csv(tmp_path / "a.csv", signal_CT, delimiter=";")
    path.write_text(path.read_text().replace("nan", "").replace(".", ","))
    got = read_recording(path, mapping=SignalTable(rate_hz=500, unit="mV", decimal=",")).signal_CT
    np.testing.assert_array_equal(got, signal_CT)


def test_a_line_that_is_no_numbers_is_told_by_its_place(tmp_path):
    path = write_csv(tmp_path / "a.csv", ecg())
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:100], "end of report", *lines[100:]]))
    assert "line 100 of its samples" in refused(path, MV)


def test_objects_are_never_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "opened"),)

    np.save(tmp_path / "a.npy", np.array([Trap()] * 24, dtype=object).reshape(12, 2), allow_pickle=True)
    np.savez(tmp_path / "b.npz", signal=np.array([Trap()] * 24, dtype=object).reshape(12, 2))
    for name in ("a.npy", "b.npz"):
        assert "objects" in refused(tmp_path / name, NAMED)
    assert not (tmp_path / "opened").exists()


def test_an_array_of_many_recordings_is_as_many_sources_named_by_their_ids(tmp_path):
    many = np.stack([ecg(seed=n) for n in range(4)])
    np.savez(tmp_path / "a.npz", signal=many, record_id=np.array(["p1", "p2", "p3", "p4"]))
    np.save(tmp_path / "b.npy", many.transpose(0, 2, 1))
    sources = find_sources([tmp_path], MV)
    assert [str(source).rpartition("/")[2] for source in sources] == [
        *(f"a.npz::p{n}" for n in (1, 2, 3, 4)),
        *(f"b.npy::{n}" for n in range(4)),
    ]
    for n, source in enumerate(sources):
        recording = read_recording(Source.parse(str(source)), mapping=MV)
        np.testing.assert_array_equal(recording.signal_CT, many[n % 4])
        assert recording.source_name == source.name
    assert refused(tmp_path / "b.npy", MV) == "it holds many recordings"
    assert refused(f"{tmp_path / 'b.npy'}::9", MV) == "it has no recording of this name"


def test_a_large_file_of_many_recordings_is_read_by_the_slice(tmp_path):
    path = tmp_path / "large.npy"
    header = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(40_000, 12, 5000))
    header[39_999, :, :300] = ecg()
    del header  # 9.6 GB, none of which is on the disk but what was written
    recording = read_recording(f"{path}::39999", mapping=MV)
    np.testing.assert_array_equal(recording.signal_CT[:, :300], ecg())
    assert path.stat().st_size > 9e9
    assert path.stat().st_blocks * 512 < 1e7


def test_hdf5_takes_leads_unit_and_rate_from_attributes(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/trace"] = ecg()
        file["group/trace"].attrs.update({"sampling_rate": 250, "unit": "mV", "leads": list(CANONICAL)})
        file["noise"] = np.zeros((3, 3))
    recording = read_recording(tmp_path / "a.h5")
    assert recording.rate_hz == 250
    np.testing.assert_array_equal(recording.signal_CT, ecg())


def test_hdf5_that_points_into_another_file_is_refused(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["ecg"] = ecg()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["ecg"] = h5py.ExternalLink("secret.h5", "/ecg")
    mapping = NAMED.model_copy(update={"dataset": "ecg"})
    assert refused(tmp_path / "a.h5", mapping) == "it has no dataset of the name that the mapping gives"
    np.random.default_rng(0).random((12, 90)).astype("<f4").tofile(tmp_path / "raw.bin")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("ecg", (12, 90), "<f4", external=[(str(tmp_path / "raw.bin"), 0, 12 * 90 * 4)])
    assert refused(tmp_path / "b.h5", mapping) == "it has no dataset of the name that the mapping gives"


def test_a_group_of_datasets_is_one_recording_each(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for n in range(3):
            file[f"ecgs/case{n}"] = ecg(seed=n)
    mapping = MV.model_copy(update={"dataset": "ecgs/*"})
    sources = find_sources([tmp_path], mapping)
    assert [source.member for source in sources] == ["case0", "case1", "case2"]
    np.testing.assert_array_equal(read_recording(sources[2], mapping=mapping).signal_CT, ecg(seed=2))


@pytest.mark.shared
def test_the_layout_of_code15_is_read_with_what_stands_in_its_exams_csv(shared):
    folder = shared / "data/format-samples/hdf5-code15-layout"
    sources = find_sources([folder])
    with h5py.File(folder / "exams_part0.hdf5") as file:
        tracings, ids = file["tracings"][:], file["exam_id"][:]
    lines = {line["exam_id"]: line for line in csv.DictReader((folder / "exams.csv").read_text().splitlines())}
    assert [source.member for source in sources] == [str(exam) for exam in ids]
    for source, tracing_TC in zip(sources[:-1], tracings, strict=False):
        recording, line = read_recording(source), lines[source.member]
        there = np.flatnonzero(tracing_TC.any(axis=1))
        np.testing.assert_array_equal(recording.signal_CT, tracing_TC[there[0] : there[-1] + 1].T)
        assert (recording.rate_hz, recording.patient) == (400, line["patient_id"])
        assert recording.sex == ("male" if line["is_male"] == "True" else "female")
        positive = {name for name in ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF") if line[name] == "True"}
        assert {statement.code for statement in recording.statements} - {"normal_ecg"} == positive
    assert refused(sources[-1]) == "it holds nothing but zeros"


@pytest.mark.shared
def test_real_tables_without_a_heading_equal_their_wfdb_originals(shared):
    samples = shared / "data/format-samples/csv"
    compared = 0
    for path in sorted(samples.glob("*.csv")):
        original = shared / "data/ptbxl-500/records100/00000" / f"{path.stem[:8]}.hea"
        recording = read_recording(path, mapping=SignalTable(rate_hz=100, unit="mV"))
        if original.exists():
            np.testing.assert_allclose(recording.signal_CT, read_recording(original).signal_CT, atol=1e-6)
            compared += 1
    assert compared >= 4


@pytest.mark.shared
def test_a_ge_text_ends_where_its_rhythm_ends_and_the_median_beat_begins(shared):
    path = shared / "data/format-samples/text/cvrg_J123456_10sec.txt"
    assert refused(path) == "nothing tells the unit of its numbers and its sampling rate"
    recording = read_recording(path, mapping=SignalTable(rate_hz=500, unit="uV"))
    lines = path.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("Rhythm")) + 2
    truth_TC = np.array([line.split() for line in lines[first : first + 5000]], dtype=np.float64)
    np.testing.assert_allclose(recording.signal_CT, truth_TC.T / 1000, rtol=1e-6, atol=1e-9)


def test_parquet_holds_one_recording_or_one_a_row(tmp_path):
    signal_CT = ecg()
    one = pyarrow.table({lead: signal_CT[row] for row, lead in enumerate(CANONICAL)})
    pyarrow.parquet.write_table(one.replace_schema_metadata({"rate_hz": "250", "unit": "mV"}), tmp_path / "a.parquet")
    recording = read_recording(tmp_path / "a.parquet")
    assert recording.rate_hz == 250
    np.testing.assert_array_equal(recording.signal_CT, signal_CT)
    many = [ecg(seed=n) for n in range(5)]
    lists = {lead: [list(map(float, ecg_CT[row])) for ecg_CT in many] for row, lead in enumerate(CANONICAL)}
    table = pyarrow.table({"record_id": [f"p{n}" for n in range(5)], **lists})
    pyarrow.parquet.write_table(table, tmp_path / "b.parquet", row_group_size=2)
    sources = find_sources([tmp_path / "b.parquet"], MV)
    assert [source.member for source in sources] == [f"p{n}" for n in range(5)]
    for source, ecg_CT in zip(sources, many, strict=True):
        np.testing.assert_array_equal(read_recording(source, mapping=MV).signal_CT, ecg_CT)


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    pyarrow.parquet.write_table(pyarrow.table({"I": [1.0]}), tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(WorldError, match=r"isoline\[parquet\]"):
        read_recording(tmp_path / "a.parquet")


def test_a_table_of_labels_beside_recordings_is_no_recording(tmp_path):
    write_csv(tmp_path / "a.csv", ecg())
    (tmp_path / "labels.csv").write_text("record,MI,AF,LBBB,RBBB,a,b,c,d\n" + "12,0,1,0,1,0,1,0,1\n" * 9)
    assert [source.path.name for source in find_sources([tmp_path])] == ["a.csv"]


def test_a_preview_tells_what_is_taken_for_what_and_what_is_missing(tmp_path):
    path = write_csv(tmp_path / "a.csv", ecg(), ["nr", *CANONICAL][1:])
    found = preview_table(path, SignalTable(rate_hz=500))
    assert [column.lead for column in found.columns] == list(CANONICAL)
    assert found.missing == ("unit",)
    assert found.reasons == {"leads": "its heading", "rate_hz": "the mapping"}
    assert found.fault == "nothing tells the unit of its numbers"
    assert not preview_table(path, MV).fault


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (["rate=500"], "there is no such setting (did you mean rate_hz?)"),
        (["rate_hz=fast"], "a number is needed"),
        (["unit=mmHg"], "it must be"),
        (["unit=mV", "mv_per_step=0.005"], "give unit or mv_per_step, not both"),
        (["nowhere.toml"], "neither field=value nor a file"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_in_words(told, reason):
    with pytest.raises(UsageError) as error:
        read_mapping(told)
    assert reason in error.value.reason


def test_a_mapping_file_and_pairs_add_up_and_pairs_win(tmp_path):
    (tmp_path / "ge.toml").write_text('rate_hz = 250\nunit = "µV"\nleads = ["I", "-", "II"]\n')
    mapping = read_mapping([str(tmp_path / "ge.toml"), "rate_hz=500"])
    assert mapping == SignalTable(rate_hz=500, unit="uV", leads=("I", "-", "II"))


# What a heading says


@pytest.mark.parametrize(
    ("heading", "rate_hz"),
    [
        ("Sampling rate: 500 Hz", 500.0),
        ("sampling rate (Hz): 500", 500.0),
        ("Sampling rate: 1 kHz", 1000.0),
        ("sample rate [kHz]; 0.5", 500.0),
        ("fs = 0,25 kHz", 250.0),
        ("samplingrate=257.5", 257.5),
    ],
)
def test_the_rate_of_a_heading_is_taken_in_its_own_unit(tmp_path, heading, rate_hz):
    path = write_csv(tmp_path / "a.csv", ecg())
    path.write_text(f"{heading}\nunit: mV\n{path.read_text()}")
    assert read_recording(path).rate_hz == rate_hz


@pytest.mark.parametrize("heading", ["Sampling rate: 1,000 Hz", "Sampling rate: 1.000 Hz", "sampling rate: 1'000"])
def test_a_rate_whose_mark_may_be_one_of_thousands_is_asked_for(tmp_path, heading):
    path = write_csv(tmp_path / "a.csv", ecg())
    path.write_text(f"{heading}\nunit: mV\n{path.read_text()}")
    assert "sampling rate" in refused(path)
    assert read_recording(path, mapping=SignalTable(rate_hz=1000)).rate_hz == 1000


def test_two_units_in_a_heading_tell_none(tmp_path):
    path = write_csv(tmp_path / "a.csv", ecg())
    path.write_text(f"sampling rate: 500 Hz\nunit: mV\nstored unit: uV\n{path.read_text()}")
    assert "unit" in refused(path)


# Claims


def claim_npy(path, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape!r}, }}".encode().ljust(117) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    return path


def test_an_array_of_a_thousand_million_recordings_without_a_sample_is_refused_at_once(tmp_path):
    path = claim_npy(tmp_path / "a.npy", (10**9, 12, 0))
    assert "no samples" in refused(find_sources([path])[0])


@pytest.mark.parametrize("layout", ["code15", "own"])
def test_datasets_that_claim_what_the_file_does_not_hold_are_refused_at_once(tmp_path, layout):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        many, chunk = 10**9, (1, 4096, 12)
        claimed = file.create_dataset("tracings", (many, 4096, 12), "f4", chunks=chunk)
        claimed[0] = 1
        if layout == "code15":
            file.create_dataset("exam_id", (many,), "i8", chunks=(1024,))[0] = 1
    source = find_sources([tmp_path / "a.h5"], MV)
    assert len(source) == 1
    with pytest.raises(WorldError, match="1,000,000,000 recordings"):
        read_recording(source[0], mapping=MV)


def test_a_dataset_without_any_samples_behind_its_shape_is_none(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("ecg", (12, 5000), "f4", chunks=(12, 5000))
    assert "no dataset" in refused(tmp_path / "a.h5", NAMED)


def test_a_note_of_five_gigabytes_beside_the_samples_is_not_looked_at(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["ecg"] = ecg()
        file.create_dataset("unit", (500,), "S10000000", chunks=(1,))[0] = b"mV"
    assert read_recording(tmp_path / "a.h5", mapping=NAMED).samples == 300


def test_many_compressed_arrays_are_weighed_together(tmp_path, monkeypatch):
    monkeypatch.setenv("ISOLINE_DECODED_LIMIT_MB", "2")
    noise = {f"noise{n}": np.zeros((12, 6000)) for n in range(4)}  # 0.6 MB each
    np.savez_compressed(tmp_path / "a.npz", ecg=ecg(), **noise)
    assert "2 MB" in refused(tmp_path / "a.npz", SignalTable(rate_hz=500, unit="mV", dataset="ecg"))


def test_a_parquet_list_that_repeats_one_value_without_end_is_weighed_by_its_values(tmp_path, monkeypatch):
    monkeypatch.setenv("ISOLINE_DECODED_LIMIT_MB", "1")
    lists = {lead: [[0.5] * 20_000] for lead in CANONICAL}  # 12 x 20,000 float64: 1.9 MB in a file of some KB
    pyarrow.parquet.write_table(pyarrow.table(lists), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 40_000
    assert "MB of samples" in refused(find_sources([tmp_path / "a.parquet"], MV)[0], MV)
