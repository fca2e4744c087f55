"""What a vendor supplies for golden ECGs: tables, JSON and arrays, read without guessing and without unpickling."""

import json

import numpy as np
import pytest

from engine.contract.card import Output
from engine.contract.errors import WorldError
from engine.data.golden import GoldenECG, golden_sha256, read_golden, write_golden
from engine.data.reference_outputs import parse_reference, read_reference, write_reference

RHYTHM = Output(name="rhythm", kind="probability", classes=("sinus", "afib"))
FEATURES = Output(name="features", kind="embedding")
NAMES = ("00003_hr", "00007_hr")


def parsed(path, outputs=(RHYTHM, FEATURES)):
    return parse_reference(path, outputs, NAMES)


def table(folder, text):
    path = folder / "reference.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_names_classes_or_their_places(tmp_path):
    text = (
        "record,output,class,value\n00003_hr,rhythm,afib,0.25\n00003_hr,rhythm,0,0.75\n00007_hr.hea,features,2,-1.5\n"
    )
    found = parsed(table(tmp_path, text))
    np.testing.assert_array_equal(found.numbers["00003_hr", "rhythm"], [0.75, 0.25])
    np.testing.assert_array_equal(found.numbers["00007_hr", "features"], [np.nan, np.nan, -1.5])


def test_the_output_may_be_left_out_where_there_is_one_and_empty_values_are_open(tmp_path):
    text = "Record,Class,Value\n00003_hr,sinus,0.5\n00003_hr,afib,\n"
    found = parsed(table(tmp_path, text), (RHYTHM,))
    np.testing.assert_array_equal(found.numbers["00003_hr", "rhythm"], [0.5, np.nan])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("x,rhythm,afib,1", "no golden ECG"),
        ("00003_hr,other,afib,1", "an output that the card has not"),
        ("00003_hr,rhythm,flutter,1", "a class that output 'rhythm' has not"),
        ("00003_hr,rhythm,2,1", "a class that output 'rhythm' has not"),
        ("00003_hr,rhythm,afib,high", "cannot be read"),
        ("00003_hr,rhythm,afib,1\n00003_hr,rhythm,1,1", "two values for one class"),
    ],
)
def test_a_row_that_fits_nothing_is_refused_with_its_reason(tmp_path, row, said):
    with pytest.raises(WorldError, match=said):
        parsed(table(tmp_path, f"record,output,class,value\n{row}\n"))


def test_a_table_without_its_columns_or_without_values_is_refused(tmp_path):
    with pytest.raises(WorldError, match="lacks the column 'class'"):
        parsed(table(tmp_path, "record,value\n00003_hr,1\n"))
    with pytest.raises(WorldError, match="nothing that could be compared"):
        parsed(table(tmp_path, "record,output,class,value\n00003_hr,rhythm,afib,\n"))


def test_json_holds_classes_by_name_or_a_list(tmp_path):
    path = tmp_path / "reference.json"
    told = {"00003_hr": {"rhythm": {"afib": 0.1}}, "00007_hr": {"features": [1, None, 3]}}
    path.write_text(json.dumps(told), encoding="utf-8")
    found = parsed(path)
    np.testing.assert_array_equal(found.numbers["00003_hr", "rhythm"], [np.nan, 0.1])
    np.testing.assert_array_equal(found.numbers["00007_hr", "features"], [1, np.nan, 3])
    path.write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(WorldError, match="cannot be read"):
        parsed(path)


def test_arrays_are_numbers_windows_or_inputs_and_survive_the_run_folder(tmp_path):
    path = tmp_path / "reference.npz"
    arrays = {"00003_hr/rhythm": np.array([0.2, 0.8]), "00007_hr/rhythm": np.ones((3, 50, 2))}
    np.savez(path, **arrays, **{"00007_hr/input": np.zeros((3, 1, 500))})
    found = parsed(path)
    assert list(found.numbers) == [("00003_hr", "rhythm")]
    assert found.windows["00007_hr", "rhythm"].shape == (3, 50, 2)
    kept = tmp_path / "kept.npz"
    write_reference(kept, found)
    again = read_reference(kept)
    assert again.inputs["00007_hr"].shape == (3, 1, 500)
    np.testing.assert_array_equal(again.numbers["00003_hr", "rhythm"], [0.2, 0.8])
    np.testing.assert_array_equal(again.windows["00007_hr", "rhythm"], np.ones((3, 50, 2)))


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "reference.npz"
    np.savez(path, **{"00003_hr/rhythm": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(WorldError, match=r"cannot be read \(ValueError\)"):
        parsed(path)


def test_other_files_and_files_that_are_gone_are_refused(tmp_path):
    with pytest.raises(WorldError, match=r"no \.csv, \.json or \.npz"):
        parsed(tmp_path / "reference.xlsx")
    with pytest.raises(WorldError, match=r"cannot be read \(FileNotFoundError\)"):
        parsed(tmp_path / "reference.csv")
    with pytest.raises(WorldError, match="Ask for the vetting again"):
        read_reference(tmp_path / "reference.npz")


def test_golden_ecgs_survive_the_run_folder_and_their_hash_sees_every_change(tmp_path):
    golden = [GoldenECG("a", np.arange(24, dtype=np.float32).reshape(12, 2), 500.0)]
    write_golden(tmp_path / "golden.npz", golden)
    again = read_golden(tmp_path / "golden.npz")
    assert golden_sha256(again) == golden_sha256(golden)
    for other in (
        GoldenECG("b", golden[0].signal_CT, 500.0),
        GoldenECG("a", golden[0].signal_CT, 250.0),
        GoldenECG("a", golden[0].signal_CT + np.float32(1e-6), 500.0),
    ):
        assert golden_sha256([other]) != golden_sha256(golden)
    (tmp_path / "golden.npz").write_bytes(b"PK")
    with pytest.raises(WorldError, match="Ask for the vetting again"):
        read_golden(tmp_path / "golden.npz")
