"""What each corpus' own rules make of its tables, on synthetic layouts and on the real files beside the checkout."""

import csv
import math
import tracemalloc
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from corpus_layouts import BUILDERS, cpsc2018_structs, mimic_measurements, write_table, write_wfdb
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.errors import WorldError
from engine.datasets import cpsc2018, mimic, ptbxl, snomed, zzu
from engine.datasets.icd import parse_list, with_ancestors
from engine.datasets.nearest import Around, bounds, seconds
from engine.datasets.registry import dataset, task
from engine.datasets.tables import find_table, number, read_table
from engine.datasets.tasks import targets
from engine.signal.readers import read_recording


@pytest.fixture
def built(tmp_path):
    def build(name):
        BUILDERS[name](tmp_path)
        return list(dataset(name).read(tmp_path))

    return build


# PTB-XL


def test_statements_of_ptbxl_count_whatever_their_likelihood_and_map_to_their_classes(built):
    entry = built("ptbxl")[1]
    assert entry.codes == {
        "ptbxl": ("IMI", "AFIB", "LVH"),
        "ptbxl-sub": ("IMI", "LVH"),
        "ptbxl-super": ("MI", "HYP"),
    }
    assert (entry.patient, entry.sex, entry.fold, entry.age) == ("101", "male", 2, 42.0)


@pytest.mark.parametrize(("told", "sex"), [("nan", "unknown"), ("M", "unknown"), ("", "unknown"), ("1.0", "female")])
def test_a_sex_that_ptbxl_does_not_know_is_nobodys(built, tmp_path, told, sex):
    built("ptbxl")
    table = tmp_path / "ptbxl_database.csv"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    write_table(table, [row | {"sex": told} for row in rows])
    assert {entry.sex for entry in dataset("ptbxl").read(tmp_path)} == {sex}


def test_a_folder_that_cannot_be_opened_is_told_and_no_crash(tmp_path, monkeypatch):
    def closed(self):
        raise PermissionError(13, "secret/path")

    monkeypatch.setattr(Path, "iterdir", closed)
    monkeypatch.setattr("os.scandir", closed)
    for name in ("ptbxl", "mimic", "georgia", "cpsc2018", "heedb"):
        with pytest.raises(WorldError, match="cannot be opened") as told:
            list(dataset(name).read(tmp_path))
        assert "secret" not in str(told.value)


def test_parts_of_ptbxl_are_those_of_its_own_table_of_statements(shared):
    with (shared / "data" / "ptbxl-500" / "scp_statements.csv").open() as file:
        rows = list(csv.DictReader(file))
    for column, expected in (("diagnostic", ptbxl.DIAGNOSTIC), ("form", ptbxl.FORM), ("rhythm", ptbxl.RHYTHM)):
        assert tuple(row[""] for row in rows if row[column] and float(row[column]) > 0) == expected
    assert (len(ptbxl.DIAGNOSTIC), len(ptbxl.FORM), len(ptbxl.RHYTHM)) == (44, 19, 12)


def test_real_ptbxl_gives_the_counts_of_its_readme(shared):
    entries = list(dataset("ptbxl").read(shared / "data" / "ptbxl-500"))
    assert (len(entries), len({entry.patient for entry in entries})) == (356, 338)
    made = targets(task("ptbxl-super"), entries)
    assert made.labels == tuple(f"ptbxl-super: {name}" for name in ("CD", "HYP", "MI", "NORM", "STTC"))
    # Counted with pandas over the same two tables, any likelihood; the README of the folder counts those of 50 or more.
    assert made.y_NL.sum(0).astype(int).tolist() == expected_superclasses(shared)
    assert {entry.fold for entry in entries} == set(range(1, 11))


def expected_superclasses(shared):
    import ast

    import pandas as pd

    folder = shared / "data" / "ptbxl-500"
    table = pd.read_csv(folder / "ptbxl_database.csv")
    classes = pd.read_csv(folder / "scp_statements.csv", index_col=0).diagnostic_class.dropna()
    made = table.scp_codes.map(lambda text: {classes[code] for code in ast.literal_eval(text) if code in classes})
    return [int(made.map(lambda found, name=name: name in found).sum()) for name in ("CD", "HYP", "MI", "NORM", "STTC")]


# The Challenges


def test_real_records_of_the_challenges_go_to_their_corpora(shared):
    folder = shared / "data" / "cinc-challenge"
    with (folder / "records.csv").open() as file:
        held = {row["record"]: row for row in csv.DictReader(file) if Path(row["record"]).name[0] == "E"}
    long = {name for name, row in held.items() if int(row["n_samples"]) / float(row["fs"]) >= 10}
    entries = {entry.source.removesuffix(".hea"): entry for entry in dataset("georgia").read(folder)}
    assert set(entries) == long
    for name, entry in entries.items():
        codes = [code for code in held[name]["dx_in_header_snomed"].split("|") if code]
        assert list(entry.codes.get("georgia", ())) == [snomed.abbreviation(code) for code in codes]
    for entry in dataset("ningbo").read(folder):
        assert int(entry.record[2:]) > 10646
        assert entry.codes


def test_a_blank_dx_line_is_unknown_and_not_negative(built, tmp_path):
    header = tmp_path / "g1" / "A0010.hea"
    built("cpsc2018")
    header.write_text(header.read_text().replace("# Dx: 164889003,59118001", "# Dx: "))
    entries = list(dataset("cpsc2018").read(tmp_path))
    made = targets(task("cpsc2018"), entries)
    assert np.isnan(made.y_NL[0]).all()
    assert made.y_NL[1:].all()


def test_the_first_layout_of_cpsc2018_gives_the_codes_of_the_challenge(tmp_path):
    expected = cpsc2018_structs(tmp_path)
    entries = {entry.record: entry for entry in dataset("cpsc2018").read(tmp_path)}
    # The sixth lasts 9 s; the fifth is in no table, which says nothing of it.
    assert len(entries) == expected
    assert set(entries) == {"A0001", "A0002", "A0003", "A0004", "A0005"}
    assert entries["A0002"].codes == {"cpsc2018": ("AF", "STE")}
    assert entries["A0005"].codes == {}
    assert all((tmp_path / entry.source).is_file() for entry in entries.values())
    recording = read_recording(tmp_path / entries["A0001"].source)
    assert (recording.age, recording.sex, recording.rate_hz) == (51.0, "male", 500.0)


def test_a_reference_that_is_none_of_the_nine_labels_is_refused(tmp_path):
    cpsc2018_structs(tmp_path)
    table = tmp_path / "TrainingSet1" / "REFERENCE.csv"
    table.write_text(table.read_text().replace("A0003,3", "A0003,12"))
    with pytest.raises(WorldError, match="none from 1 to 9"):
        list(dataset("cpsc2018").read(tmp_path))


def test_real_structs_of_cpsc2018_agree_with_the_labels_that_the_challenge_gave_them(shared, tmp_path):
    with (shared / "data" / "cinc-challenge" / "records.csv").open() as file:
        held = {row["record"].partition("/")[2]: row for row in csv.DictReader(file) if "matlab" in row["record"]}
    for name in held:
        original = shared / "data" / "cinc-challenge" / "cpsc2018-matlab-struct" / f"{name}.mat"
        (tmp_path / f"{name}.mat").symlink_to(original)
    label_of = {code: label for label, code in cpsc2018.LABELS.items()}
    rows = [
        {
            "Recording": name,
            "First_label": label_of[row["dx_scored24_snomed"]],
            "Second_label": "",
            "Third_label": "",
        }
        for name, row in held.items()
    ]
    write_table(tmp_path / "REFERENCE.csv", rows)
    entries = list(dataset("cpsc2018").read(tmp_path))
    assert len(entries) == len(held) == 4
    for entry in entries:
        recording, row = read_recording(tmp_path / entry.source), held[entry.record]
        assert entry.codes["cpsc2018"] == (snomed.abbreviation(row["dx_scored24_snomed"]),)
        assert (recording.age, recording.sex) == (float(row["age"]), row["sex"].lower())
        assert (recording.signal_CT.shape[1], recording.rate_hz) == (int(row["n_samples"]), float(row["fs"]))


def test_all_133_codes_of_the_challenge_have_one_abbreviation_each():
    known = snomed.diagnoses()
    assert len(known) == 133
    assert len({each.abbreviation for each in known.values()}) == 133
    assert known["164889003"].name == "atrial fibrillation"
    assert set(snomed.SAME) | set(snomed.SAME.values()) <= set(known)
    assert snomed.abbreviation("1") == "SNOMED 1"


# HEEDB

NAMES = {
    "I0001": ("/S0001/1987/01/de_0.hea", "./WFDB/S0001/1987/01/de_1"),
    "I0006": ("WFDB/2010/MUSE_0", "2010/MUSE_1"),
}


@pytest.mark.parametrize("inside", ["", "ECG", "site"])
@pytest.mark.parametrize(("name", "site", "sex"), [("heedb", "I0001", "SexDSC"), ("heedb-emory", "I0006", "Sex")])
def test_sites_of_heedb_give_patients_ages_and_sexes_from_their_table(tmp_path, name, site, sex, inside):
    place = tmp_path / inside / site if inside != "site" else tmp_path
    rows = []
    for person, stated in enumerate(NAMES[site]):
        stem = stated.lstrip("./").removeprefix("WFDB/").removesuffix(".hea")
        write_wfdb(place / "WFDB" / stem, person, samples=500)
        rows.append({"FileName": f"{stated}\n", "BDSPPatientID": 70 + person, "AgeAtAcquisition": 21915, sex: "Female"})
    rows.append(rows[0] | {"FileName": "/never/downloaded.hea"})
    write_table(place / "metadata" / "metadata.csv", rows)
    entries = list(dataset(name).read(tmp_path))
    assert [(entry.patient, entry.age, entry.sex) for entry in entries] == [
        ("70", 60.0, "female"),
        ("71", 60.0, "female"),
    ]
    assert all((tmp_path / entry.source).is_file() for entry in entries)


def test_a_table_of_heedb_without_patients_is_refused_by_the_column_that_it_lacks(tmp_path):
    write_table(tmp_path / "I0001" / "metadata" / "metadata.csv", [{"FileName": "a", "AgeAtAcquisition": 1}])
    with pytest.raises(WorldError, match="no column BDSPPatientID"):
        list(dataset("heedb").read(tmp_path))


# Children, echocardiograms, telehealth


def test_ages_of_children_are_years_and_phrases_are_no_codes(built):
    entries = built("zzu")
    assert entries[0].age == pytest.approx(4.0, abs=0.01)
    assert entries[1].codes["zzu"] == ("Sinus arrhythmia",)
    assert entries[0].codes["zzu-icd"] == ("Q21.1", "I40.0")
    assert zzu.listed("Null") == ()


def test_rows_of_echonext_count_within_their_part_and_empty_flags_are_unknown(built):
    entries = built("echonext")
    assert [entry.source for entry in entries[3:6]] == [
        "EchoNext_train_waveforms.npy::3",
        "EchoNext_val_waveforms.npy::0",
        "EchoNext_val_waveforms.npy::1",
    ]
    assert {entry.part for entry in entries} == {"train", "validation", "test", ""}
    assert entries[1].values == {}


def test_the_empty_exam_at_the_end_of_a_file_of_code15_is_left_out(shared):
    folder = shared / "data" / "format-samples" / "hdf5-code15-layout"
    entries = list(dataset("code15").read(folder))
    assert len(entries) == 9
    assert "0" not in {entry.record for entry in entries}


def test_a_trace_file_outside_the_folder_is_refused(built, tmp_path):
    built("code15")
    table = tmp_path / "exams.csv"
    table.write_text(table.read_text().replace("exams_part0.hdf5", "../exams_part0.hdf5"))
    with pytest.raises(WorldError, match="outside the folder"):
        list(dataset("code15").read(tmp_path))


def test_files_of_code15_that_were_not_downloaded_are_left_out(built, tmp_path):
    whole = built("code15")
    (tmp_path / "exams_part1.hdf5").unlink()
    assert [entry.record for entry in dataset("code15").read(tmp_path)] == [entry.record for entry in whole[:3]]
    (tmp_path / "exams_part0.hdf5").unlink()
    with pytest.raises(WorldError, match="none of its files of tracings"):
        list(dataset("code15").read(tmp_path))


# MIMIC


def test_mimic_keeps_emergency_ecgs_with_diagnoses_and_first_ones_in_the_last_folds(built):
    kept = [int(entry.record) - 40000 for entry in built("mimic")]
    assert kept == [0, 1, 4, 5, 6, 7, 8, 10]


def test_codes_of_mimic_are_cut_and_carry_their_ancestors(built):
    entry = built("mimic")[0]
    assert entry.codes["mimic-cardiac"] == ("I25", "I251", "I2510")
    assert entry.codes["mimic-noncardiac"] == ("E78", "E785", "W19")
    assert with_ancestors(["i25.10", "Q2"]) == ("I25", "I251", "I2510")
    with pytest.raises(WorldError, match="no list of codes"):
        parse_list("__import__('os')")


def test_ecg_features_of_mimic_leave_impossible_values_out(built):
    values = built("mimic")[0].values
    assert (values["RR"], values["QRS"], values["QT"]) == (800, 90, 380)
    assert values["QTc"] == pytest.approx(380 / math.sqrt(0.8))
    assert "QRS axis" not in values
    assert "QTc" not in mimic.features(dict.fromkeys(("qrs_onset", "qrs_end", "t_end"), "1") | {
        "rr_interval": "0", "p_axis": "", "qrs_axis": "", "t_axis": ""
    })  # fmt: skip


def test_undefined_outcomes_of_mimic_are_unknown(built):
    entries = {int(entry.record) - 40000: entry for entry in built("mimic")}
    assert "ecmo" not in entries[0].values
    assert entries[1].values["ecmo"] == 0
    assert entries[5].values["mortality_1d"] == 1


def test_the_measurement_nearest_to_the_ecg_counts_within_its_window(tmp_path):
    BUILDERS["mimic"](tmp_path)
    mimic_measurements(tmp_path)
    entries = {int(entry.record) - 40000: entry for entry in dataset("mimic").read(tmp_path)}
    values = entries[0].values
    # Of two weights only the 1st percentile's and the 99th's neighbours would be cut; with two values both ends are.
    assert "Weight (Lbs)" not in values
    assert values["Creatinine"] == 1.1  # the usual item in the usual unit
    assert "heartrate" not in values
    assert "Creatinine" not in entries[1].values  # a day later


def test_vital_signs_and_weights_of_intensive_care_count_in_the_units_of_the_emergency_department(tmp_path):
    BUILDERS["mimic"](tmp_path)
    event = {"subject_id": 10000, "hadm_id": 1, "stay_id": 2, "caregiver_id": "", "storetime": "", "warning": 0}
    hour, other = "2180-07-01 08:30:00", "2180-07-01 09:30:00"
    rows = [
        (hour, 223762, 37.0),
        (other, 223761, 99.0),
        (hour, 220045, 72),
        (hour, 226512, 80),
        (hour, 1, 5),
        (hour, 220050, ""),
    ]
    charted = [event | {"charttime": time, "itemid": item, "valuenum": value} for time, item, value in rows]
    # Each name gets values on both sides, so that the percentiles cut others off.
    for item, low, high in ((220045, 10, 300), (226512, 2, 300), (223762, 20, 50)):
        charted += [event | {"charttime": "2190-01-01 00:00:00", "itemid": item, "valuenum": v} for v in (low, high)]
    write_table(tmp_path / "icu" / "chartevents.csv", charted)
    values = next(entry.values for entry in dataset("mimic").read(tmp_path))
    assert values["temperature"] == pytest.approx(98.6)
    assert values["heartrate"] == 72
    assert values["Weight (Lbs)"] == pytest.approx(176.37, abs=0.01)
    assert "sbp" not in values


def test_a_line_of_a_long_table_that_ends_early_is_refused_by_the_tables_name(tmp_path):
    BUILDERS["mimic"](tmp_path)
    table = tmp_path / "chartevents.csv"
    table.write_text("subject_id,charttime,itemid,valuenum\n10000,2180-07-01 08:00:00\n")
    with pytest.raises(WorldError, match=r"table chartevents.csv: it cannot be read \(a line is too short\)"):
        list(dataset("mimic").read(tmp_path))


def test_nearest_values_within_the_window_in_many_measurements():
    start = datetime(2180, 1, 1)
    around = Around({"a": [seconds(start + timedelta(minutes=50))], "b": [seconds(start)]})
    for n in range(101):
        around.take("hr", "a", str(start + timedelta(minutes=n)), float(n), 3600)
    around.take("hr", "b", str(start), 1e6, 3600)
    around.take("hr", "b", "no time", 1.0, 3600)
    assert around.counts() == {"hr": 102}
    assert around.nearest("hr", "a", start + timedelta(minutes=50, seconds=29), 3600) == 50
    assert around.nearest("hr", "a", start + timedelta(minutes=50, seconds=30), 3600) == 50  # the earlier of two
    assert around.nearest("hr", "a", start + timedelta(days=1), 3600) is None
    assert around.nearest("hr", "b", start, 3600) is None  # beyond the 99th percentile
    assert around.nearest("hr", "c", start, 3600) is None
    assert around.nearest("bp", "a", start, 3600) is None


@given(st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=60))
def test_percentiles_of_counted_values_are_those_of_all_values(values):
    low, high = bounds(Counter(values), (0.01, 0.99))
    assert (low, high) == pytest.approx(tuple(np.quantile(values, (0.01, 0.99))))


def test_what_is_kept_of_a_long_table_goes_with_the_ecgs_and_not_with_its_lines():
    start = datetime(2180, 1, 1)
    around = Around({"a": [seconds(start)]})
    tracemalloc.start()
    for n in range(20_000):
        around.take("hr", "a", str(start + timedelta(hours=n + 2)), float(n % 90), 3600)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 50_000


# Tables


def test_tables_are_found_whatever_their_case_and_whether_zipped(tmp_path):
    import gzip

    with gzip.open(tmp_path / "OMR.csv.GZ".lower(), "wt") as file:
        file.write("\ufeffSubject_ID,value\n 7 , 3\n")
    assert list(read_table(find_table(tmp_path, "omr.csv"), ("subject_id", "value"))) == [
        {"subject_id": "7", "value": "3"}
    ]


def test_a_table_without_a_column_names_the_column(tmp_path):
    write_table(tmp_path / "exams.csv", [{"exam_id": 1}])
    with pytest.raises(WorldError, match="no column age"):
        list(read_table(tmp_path / "exams.csv", ("exam_id", "age")))


def test_a_torn_table_is_a_clear_error(tmp_path):
    (tmp_path / "omr.csv.gz").write_bytes(b"\x1f\x8b\x08\x00torn")
    with pytest.raises(WorldError, match="cannot be read"):
        list(read_table(tmp_path / "omr.csv.gz", ()))


@pytest.mark.parametrize(("text", "value"), [("3.5", 3.5), ("", None), ("nan", None), ("inf", None), ("x", None)])
def test_numbers_that_say_nothing_are_none(text, value):
    assert number(text) == value
