import hashlib
import hmac
from pathlib import Path

import pytest

from app.core.label_sheet import Sheet, read_sheet, record_name
from app.core.pseudonyms import lone_pseudonym, pseudonym
from app.core.records import age_text, coarse_age
from engine.contract.errors import WorldError

KEY = bytes(range(32))


def sheet(tmp_path: Path, content: str | bytes) -> Sheet:
    path = tmp_path / "labels.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_sheet(path, KEY)


def faults(read: Sheet) -> dict[int, str]:
    return {row.line: row.fault for row in read.rows if row.fault}


def test_a_pseudonym_is_the_hmac_of_the_patient_id_under_the_key_of_the_workspace() -> None:
    expected = hmac.new(KEY, b"patient\0" + b"MRN 12", hashlib.sha256).hexdigest()[:12]
    assert pseudonym(KEY, " MRN 12 ") == "p" + expected
    assert pseudonym(bytes(32), "MRN 12") != "p" + expected
    assert lone_pseudonym(KEY, "MRN 12") != "p" + expected


def test_values_ages_and_sexes_are_read_and_empty_means_unknown(tmp_path: Path) -> None:
    read = sheet(
        tmp_path,
        "record,patient_id,age,sex,MI,AF\n"
        "a/b/00001.hea,7,56,F,1,0\n"
        "00002,7,,,true,\n"
        "C:\\ecg\\00003.dat,,90+,male,FALSE,yes\n"
        "00004,8,89.5,Female,,nan\n"
        "00005,Unknown,,,0,\n"
        "00006,---,,,0,\n",
    )
    assert faults(read) == {}
    assert read.labels == ("MI", "AF")
    first, second, third, fourth, *nameless = read.rows
    assert (first.record, first.age, first.sex, first.values) == ("00001", 56.0, "female", {"MI": 1.0, "AF": 0.0})
    assert (second.record, second.age, second.sex, second.values) == ("00002", None, None, {"MI": 1.0})
    assert (third.record, third.age, third.patient, third.values) == ("00003", 90.0, None, {"MI": 0.0, "AF": 1.0})
    assert (fourth.age, fourth.sex, fourth.values) == (90.0, "female", {})
    assert first.patient == second.patient == pseudonym(KEY, "7")
    assert fourth.patient == pseudonym(KEY, "8")
    assert [row.patient for row in nameless] == [None, None], "a placeholder is nobody, or many would be one patient"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("00001,7,56,F,2", "neither 1 nor 0"),
        ("00001,7,56,F,positive", "neither 1 nor 0"),
        ("00001,7,old,F,1", "age"),
        ("00001,7,-1,F,1", "age"),
        ("00001,7,inf,F,1", "age"),
        ("00001,7,56,x,1", "sex"),
        (",7,56,F,1", "'record' is empty"),
        ("00001,7,56,F,1,0", "more cells"),
        ("00001,7,56,5,F,1", "more cells"),
        ("good,7,56,F,1", "stands in line 2 already"),
    ],
)
def test_a_bad_row_costs_itself_and_nothing_else(tmp_path: Path, row: str, fault: str) -> None:
    read = sheet(tmp_path, f"record,patient_id,age,sex,MI\ngood,1,2,F,1\n{row}\nlast,1,2,F,0\n")
    assert list(faults(read)) == [3]
    assert fault in faults(read)[3]
    assert read.rows[1].next_step
    assert read.rows[2].values == {"MI": 0.0}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "'record' is missing"),
        ("name,MI\n1,1\n", "'record' is missing"),
        ("record\n1\n", "no label column"),
        ("record,MI,MI\n1,1,1\n", "two columns"),
        ("record,M\x1b[31mI\nx,1\n", "cannot be shown"),
    ],
)
def test_a_file_without_what_it_needs_is_refused_as_a_whole(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(WorldError, match=reason):
        sheet(tmp_path, content)


def test_a_file_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="cannot be read"):
        read_sheet(tmp_path / "nowhere.csv", KEY)


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffrecord,Größe\nx,1\n".encode(),
        "record,Größe\nx,1\n".encode("latin-1"),
        "record;Größe\r\nx;1\r\n\r\n".encode(),
        "Record\tGröße\nx\t1\n".encode(),
        '"record","Größe"\n"x","1"\n'.encode(),
    ],
)
def test_encodings_and_separators_of_usual_tables_are_understood(tmp_path: Path, content: bytes) -> None:
    read = sheet(tmp_path, content)
    assert read.labels == ("Größe",)
    assert [(row.record, row.values) for row in read.rows] == [("x", {"Größe": 1.0})]


def test_empty_cells_beyond_the_last_column_are_no_fault(tmp_path: Path) -> None:
    read = sheet(tmp_path, "record,MI\nx,1,,\n")
    assert (read.rows[0].fault, read.rows[0].values) == ("", {"MI": 1.0})


def test_short_rows_are_unknown_and_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    read = sheet(tmp_path, "record,MI,AF\nx,1\n")
    assert read.rows[0].values == {"MI": 1.0}
    assert read.sha256 == hashlib.sha256(b"record,MI,AF\nx,1\n").hexdigest()


@pytest.mark.parametrize(
    ("cell", "name"),
    [("a/b/x.hea", "x"), ("x.HEA", "x"), ("x.y", "x.y"), (" x ", "x"), ("a\\x.mat", "x"), ("", "")],
)
def test_a_cell_names_a_recording_by_its_file_without_folder_and_ending(cell: str, name: str) -> None:
    assert record_name(cell) == name


@pytest.mark.parametrize(
    ("age", "over", "kept", "told"),
    [
        (None, False, None, ""),
        (56.0, False, 56.0, "56"),
        (89.0, False, 89.0, "89"),
        (90.0, False, 90.0, "90+"),
        (97.0, False, 90.0, "90+"),
        (None, True, 90.0, "90+"),
        (0.5, False, 0.5, "0.5"),
    ],
)
def test_ages_above_89_are_kept_and_shown_as_90_and_more(
    age: float | None, over: bool, kept: float | None, told: str
) -> None:
    assert coarse_age(age, over)[0] == kept
    assert age_text(*coarse_age(age, over)) == told
