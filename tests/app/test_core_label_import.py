"""Labels from tables: columns are guessed with reasons, rows joined three ways, and unknown is never negative."""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from core_cases import SAMPLES, hurt

from app import cli
from app.core.label_columns import guesses
from app.core.label_sheet import record_name
from app.core.label_table import read_label_table
from app.core.label_values import LabelMapping, values_of
from app.workspace import Workspace
from engine.contract.errors import UsageError, WorldError
from engine.signal.pseudonyms import pseudonym
from engine.signal.sources import Source

NAMES = sorted(path.stem for path in SAMPLES.glob("*.hea"))[:6]


@pytest.fixture
def workspace(six_recordings: Path, tmp_path: Path) -> Iterator[Workspace]:
    shutil.copytree(six_recordings, tmp_path / "ward7")
    with Workspace.open(tmp_path / "ward7") as opened:
        yield opened


def table(tmp_path: Path, text: str, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def meanings(path: Path) -> dict[str, str]:
    return {guess.column: guess.meaning for guess in guesses(read_label_table(path))}


def labels_of(workspace: Workspace, name: str, *names: str) -> dict[str, float]:
    known = workspace.record(name).labels
    return {label: known[label] for label in names if label in known}


def test_columns_are_guessed_from_their_names_and_their_cells(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "ecg_id,subject_id,Age,sex,gender,filename_hr,scp_codes,Dx,icd,AF,LVEF,report,empty,rid\n"
        '1,7,56,F,1,records500/00000/00001_hr,"{\'NORM\': 100.0, \'SR\': 0.0}","39732003,426783006","I21.0;E785",'
        "1,55.5,sinus rhythm,,r0123456789ab\n"
        "2,8,57,M,0,records500/00000/00002_hr,{'AFIB': 50.0},164889003,I10,0,,normal ecg,,r0123456789ac\n",
    )
    assert meanings(path) == {
        "ecg_id": "record",
        "subject_id": "patient",
        "Age": "age",
        "sex": "sex",
        "gender": "ignore",
        "filename_hr": "file",
        "scp_codes": "scp",
        "Dx": "snomed",
        "icd": "icd10",
        "AF": "binary",
        "LVEF": "number",
        "report": "ignore",
        "empty": "ignore",
        "rid": "record",
    }
    assert all(guess.reason for guess in guesses(read_label_table(path)))


@pytest.mark.parametrize(
    ("meaning", "cell", "labels"),
    [
        ("scp", "{'NORM': 100.0, 'SR': 0.0, 'IMI': 35.0}", {"NORM": 1, "SR": 1}),
        ("scp", "NORM, SR", {"NORM": 1, "SR": 1}),
        ("snomed", "164889003|59118001", {"AF": 1, "RBBB": 1}),
        ("icd10", "I21.01", {"I21": 1, "I210": 1, "I2101": 1}),
        ("icd10", "I10", {"I10": 1}),
        ("binary", "yes", {"x": 1}),
        ("binary", "0", {"x": 0}),
        ("number", "55,5", {"x": 55.5}),
        ("number", "", {}),
        ("binary", "unknown", {}),
    ],
)
def test_cells_become_labels_by_the_rules_of_their_coding(meaning: str, cell: str, labels: dict[str, float]) -> None:
    mapping = LabelMapping("record", "record", {"x": meaning}, minimum_likelihood=50)  # type: ignore[dict-item]
    assert values_of(cell, "x", mapping) == labels


def test_icd_codes_can_be_cut_to_their_category() -> None:
    mapping = LabelMapping("record", "record", {"x": "icd10"}, icd_characters=3)
    assert values_of("I21.01, E78.5", "x", mapping) == {"I21": 1, "E78": 1}
    with pytest.raises(UsageError, match="3, 4 or 5"):
        LabelMapping("record", "record", {"x": "icd10"}, icd_characters=9)


def test_what_is_missing_from_a_list_is_unknown_unless_the_lists_are_complete(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = table(tmp_path, f"record,dx\n{NAMES[0]},164889003\n{NAMES[1]},59118001\n{NAMES[2]},\nnobody,426783006\n")
    mapping = workspace.suggest_labels(path)
    told = workspace.preview_labels(path, mapping)
    assert (told.rows, told.matched, told.unmatched, told.recordings) == (4, 3, 1, 3)
    assert [(one.label, one.positives, one.negatives, one.unknown) for one in told.labels] == [
        ("AF", 1, 0, 2),
        ("RBBB", 1, 0, 2),
    ]
    assert "counts as unknown" in told.notes[0]
    assert "RBBB" not in workspace.record(NAMES[0]).labels
    complete = LabelMapping(mapping.join, mapping.on, mapping.columns, frozenset(["dx"]))
    told = workspace.import_labels(path, complete)
    assert "counts as negative" in told.notes[0]
    assert labels_of(workspace, NAMES[0], "AF", "RBBB", "NSR") == {"AF": 1, "RBBB": 0, "NSR": 0}
    assert labels_of(workspace, NAMES[2], "AF", "RBBB") == {}


def test_only_lists_can_be_complete() -> None:
    with pytest.raises(UsageError, match="no list of statements"):
        LabelMapping("record", "record", {"x": "binary"}, frozenset(["x"]))


def test_a_table_of_patients_labels_all_their_recordings(workspace: Workspace, tmp_path: Path) -> None:
    key = workspace._home.key
    for name, patient in zip(NAMES, ("A-1", "A-1", "B-2", "C-3", "C-3", "C-3"), strict=True):
        hurt(
            workspace,
            "UPDATE records SET patient = ?, patient_known = 1 WHERE source_name = ?",
            pseudonym(key, patient),
            name,
        )
    path = table(tmp_path, "mrn,LVEF,SHD\nA-1,55,0\nC-3,30.5,1\nD-9,60,0\nA-1,50,1\n")
    mapping = workspace.suggest_labels(path)
    assert (mapping.join, mapping.on, mapping.columns) == ("patient", "mrn", {"LVEF": "number", "SHD": "binary"})
    told = workspace.import_labels(path, mapping)
    assert (told.matched, told.unmatched, told.recordings) == (2, 1, 5)
    assert told.faults == ((5, "line 2 names the same recording", "Keep one row per recording or patient"),)
    assert labels_of(workspace, NAMES[4], "LVEF", "SHD") == {"LVEF": 30.5, "SHD": 1}
    assert labels_of(workspace, NAMES[2], "LVEF", "SHD") == {}
    workspace.create_cohort("main", folds=2)
    workspace.add_baseline()
    with pytest.raises(UsageError, match="it is a number, not a yes or no"):
        workspace.evaluate("age + sex", "main", ["LVEF"])


def test_files_of_one_name_are_told_apart_by_their_folders(workspace: Workspace, tmp_path: Path) -> None:
    known = workspace.records()
    hurt(workspace, "UPDATE records SET source_name = 'ecg' WHERE source_name IN (?, ?)", *NAMES[:2])
    for name, folder in zip(NAMES[:2], ("a", "b"), strict=True):
        record_id = next(row.record_id for row in known if row.source_name == name)
        hurt(workspace, "UPDATE job_files SET path = ? WHERE record_id = ?", f"/data/{folder}/ecg.hea", record_id)
    path = table(tmp_path, "file,AF2\na/ecg,1\nb/ecg.hea,0\necg,1\n")
    told = workspace.import_labels(path, workspace.suggest_labels(path))
    assert (told.matched, len(told.faults)) == (2, 1)
    assert "several recordings have this name" in told.faults[0][1]
    rows = {row.record_id: row.labels.get("AF2") for row in workspace.records(text="ecg")}
    assert sorted(rows.values()) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("path", "cell"),
    [
        ("/data/ward.7/scan.dcm", "scan.DCM"),
        ("/data/1.2.840.10008.7", "1.2.840.10008.7"),
        ("/data/1.2.840.10008.7.dcm", "1.2.840.10008.7"),
        ("/data/exams.hdf5::12", "exams.hdf5::12"),
        ("C:\\scans\\a.xml", "a"),
    ],
)
def test_a_recording_is_called_the_same_by_its_file_and_by_a_table(path: str, cell: str) -> None:
    assert Source.parse(path.replace("\\", "/")).name == record_name(cell) == record_name(path)


def test_a_workbook_is_read_like_a_table(workspace: Workspace, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["record", "AF3", "day", "EF"], [NAMES[0], True, date(2020, 1, 2), 55.0], [NAMES[1], 0, None, 61.5]):
        sheet.append(row)
    book.save(tmp_path / "table.xlsx")
    read = read_label_table(tmp_path / "table.xlsx")
    assert read.rows[0] == (2, {"record": NAMES[0], "AF3": "1", "day": "2020-01-02T00:00:00", "EF": "55"})
    workspace.import_labels(tmp_path / "table.xlsx", workspace.suggest_labels(tmp_path / "table.xlsx"))
    assert labels_of(workspace, NAMES[0], "AF3", "EF") == {"AF3": 1, "EF": 55}
    assert labels_of(workspace, NAMES[1], "AF3", "EF") == {"AF3": 0, "EF": 61.5}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04nonsense", "no Excel workbook"),
        (b"record,AF\n", "no row below its header"),
        (b"", "it is empty"),
        (b"record,AF,AF\n1,1,1\n", "same name"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_the_reason(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "table.xlsx"
    path.write_bytes(content)
    with pytest.raises(WorldError, match=told):
        read_label_table(path)


def test_a_table_that_names_no_recording_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="no column of it names a recording"):
        workspace.suggest_labels(table(tmp_path, "record,AF\nnobody,1\n"))
    with pytest.raises(UsageError, match="none of this name"):
        workspace.suggest_labels(table(tmp_path, "record,AF\nnobody,1\n"), on="elsewhere")


def test_a_bad_cell_costs_its_row_and_the_trail_keeps_old_values(workspace: Workspace, tmp_path: Path) -> None:
    before = workspace.record(NAMES[0]).labels["NORM"]
    path = table(tmp_path, f"record,NORM,age,sex\n{NAMES[0]},{1 - before:g},91,f\n{NAMES[1]},2,60,m\n")
    mapping = LabelMapping("record", "record", {"NORM": "binary", "age": "age", "sex": "sex"})
    told = workspace.import_labels(path, mapping)
    assert (told.matched, [fault[0] for fault in told.faults]) == (1, [3])
    row = workspace.record(NAMES[0])
    assert (row.labels["NORM"], row.age_text, row.sex) == (1 - before, "90+", "female")
    detail = workspace.audit()[0].detail
    assert detail["changed"] == {"NORM": {row.record_id: before}}
    assert detail["mapping"]["join"] == "record"


def test_a_placeholder_in_place_of_a_patient_is_nobody(workspace: Workspace, tmp_path: Path) -> None:
    before = {name: workspace.record(name).patient for name in NAMES[:2]}
    path = table(tmp_path, f"record,NORM,mrn\n{NAMES[0]},1,Unknown\n{NAMES[1]},0,unknown\n")
    workspace.import_labels(path, LabelMapping("record", "record", {"NORM": "binary", "mrn": "patient"}))
    assert {name: workspace.record(name).patient for name in NAMES[:2]} == before
    assert before[NAMES[0]] != before[NAMES[1]]


def test_statements_of_the_carts_become_labels_of_their_own_on_request(workspace: Workspace) -> None:
    with pytest.raises(WorldError, match="no recording came with a statement"):
        workspace.labels_from_devices()
    for name, stated in zip(NAMES, ([{"code": "AFIB", "source": "device"}], [{"code": "NORM"}], []), strict=False):
        hurt(workspace, "UPDATE records SET statements = ? WHERE source_name = ?", json.dumps(stated), name)
    assert workspace.labels_from_devices() == {"device: AFIB": 1, "device: NORM": 1}
    assert labels_of(workspace, NAMES[0], "device: AFIB", "device: NORM") == {"device: AFIB": 1}
    workspace.labels_from_devices(complete=True)
    assert labels_of(workspace, NAMES[0], "device: AFIB", "device: NORM") == {"device: AFIB": 1, "device: NORM": 0}
    assert labels_of(workspace, NAMES[2], "device: AFIB") == {}


def test_the_published_table_of_ptb_xl_is_understood_as_it_is(
    workspace: Workspace, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["label", "import", str(shared / "data/ptbxl-500/ptbxl_database.csv"), "-w", str(workspace.path)]
    assert cli.main([*words, "--preview", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    looks = {guess["column"]: guess["meaning"] for guess in told["columns"]}
    assert {looks[name] for name in ("scp_codes",)} == {"scp"}
    assert (looks["patient_id"], looks["sex"], looks["report"]) == ("patient", "ignore", "ignore")
    assert told["matched"] == 6
    assert "SR" not in workspace.record(NAMES[0]).labels
    assert cli.main([*words, "--complete", "scp_codes"]) == 0
    assert "Labels are written." in capsys.readouterr().out
    assert "SR" in workspace.record(NAMES[0]).labels
    assert workspace.record(NAMES[0]).patient_known


def test_the_verb_tells_columns_rows_and_faults(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path, f"record,AF4,note\n{NAMES[0]},1,fine\n{NAMES[1]},x,bad\nsomebody,0,gone\n")
    there = ["-w", str(workspace.path)]
    assert cli.main(["label", "import", str(path), "--preview", *there]) == 0
    shown = capsys.readouterr().out
    assert "somebody" not in shown
    assert "1 name no recording of the workspace" in shown
    assert cli.main(["label", "import", str(path), "--as", "AF4=binary", *there]) == 1
    assert "line 3: the value of 'AF4' is neither 1 nor 0" in capsys.readouterr().out
    assert cli.main(["label", "list", *there]) == 0
    assert "AF4" in capsys.readouterr().out
    assert cli.main(["label", "import", str(path), "--as", "AF4=colour", *there]) == 2
    assert cli.main(["label", "import", str(path), "--complete", "elsewhere", *there]) == 2
