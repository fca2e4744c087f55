"""A label table in the window: its columns explained, its counts told before anything is written, its faults named."""

import json
import shutil
from functools import partial

import openpyxl
import pytest
from core_cases import SAMPLES, hurt
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from window_cases import settle

from app import cli
from app.core.label_table import read_label_table
from app.ui.label_words import UNKNOWN_IS_NOT_NEGATIVE
from app.ui.labels_columns import NAMES_THE_ROW
from app.ui.labels_dialog import LabelsDialog
from app.ui.labels_of_devices import CAUTION, DeviceLabelsDialog
from app.workspace import Workspace
from engine.contract.errors import WorldError

NAMES = sorted(path.stem for path in SAMPLES.glob("*.hea"))[:6]


@pytest.fixture
def workspace(six_recordings, tmp_path):
    shutil.copytree(six_recordings, tmp_path / "ward7")
    with Workspace.open(tmp_path / "ward7") as opened:
        yield opened


@pytest.fixture
def dialog(qtbot, workspace, background):
    window = QWidget()
    qtbot.addWidget(window)
    made = LabelsDialog(workspace, background, None, window)
    made.show()
    yield made
    assert window is not None


def table(tmp_path, text, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def shown(qtbot, dialog, path):
    dialog.open_table(path)
    settle(qtbot, dialog.background)
    return dialog


def choose(combo, value):
    combo.setCurrentIndex(combo.findData(value))
    combo.activated.emit(combo.currentIndex())


def looked_again(qtbot, dialog):
    dialog.look_again()
    settle(qtbot, dialog.background)


def counts(dialog):
    return {one.label: (one.positives, one.negatives, one.unknown) for one in dialog.preview.labels.rows.rows}


def every_label(workspace):
    return {row.record_id: row.labels for row in workspace.records()}


def test_columns_come_with_what_is_guessed_and_what_would_come_of_it(qtbot, dialog, workspace, tmp_path):
    before = every_label(workspace)
    text = f"record,AF,LVEF,dx,note\n{NAMES[0]},1,55,164889003,fine\n{NAMES[1]},0,,426783006,x\nnobody,1,3,,\n,1,,,\n"
    shown(qtbot, dialog, table(tmp_path, text))
    assert dialog.columns.meanings() == {"AF": "binary", "LVEF": "number", "dx": "snomed"}
    assert dialog.columns.choices("record")[0].currentText() == NAMES_THE_ROW
    assert not dialog.columns.choices("record")[0].isEnabled()
    assert [dialog.columns.item(1, place).text() for place in (0, 3, 4)] == ["AF", "1", "0"]
    assert dialog.preview.tiles.texts() == {
        "Rows": "4", "Joined": "2", "Not joined": "2", "Left out": "0", "Recordings": "2", "Labels": "3"
    }  # fmt: skip
    assert counts(dialog) == {"AF": (1, 1, 0), "LVEF": (1, 0, 1), "NSR": (1, 0, 1)}
    told = dialog.preview.words.text()
    assert "2 rows name no recording of the workspace, 1 of them with nothing in that column (lines 4, 5)." in told
    assert "nobody" not in told
    assert dialog.bring.isEnabled()
    assert every_label(workspace) == before


def test_unknown_is_not_negative_until_lists_are_said_to_be_complete(qtbot, dialog, tmp_path):
    shown(qtbot, dialog, table(tmp_path, f"record,dx\n{NAMES[0]},164889003\n{NAMES[1]},59118001\n{NAMES[2]},\n"))
    texts = [label.text() for label in dialog.findChildren(type(dialog.name))]
    assert UNKNOWN_IS_NOT_NEGATIVE in texts
    assert counts(dialog) == {"AF": (1, 0, 2), "RBBB": (1, 0, 2)}
    assert "No negative is known of AF, RBBB" in dialog.preview.words.text()
    absent = dialog.columns.choices("dx")[1]
    assert absent.isVisible()
    choose(absent, True)
    looked_again(qtbot, dialog)
    assert counts(dialog) == {"AF": (1, 1, 1), "RBBB": (1, 1, 1)}
    choose(dialog.columns.choices("dx")[0], "ignore")
    looked_again(qtbot, dialog)
    assert not absent.isVisible()
    assert not dialog.bring.isEnabled()


def test_labels_that_come_in_through_the_dialog_equal_those_of_the_command(qtbot, dialog, workspace, tmp_path, capsys):
    shutil.copytree(workspace.path, tmp_path / "twin")
    text = "record;AF;LVEF;scp\n" + "".join(
        f"{name};{n % 2};{50 + n};\"{{'NORM': {n * 20}.0, 'SR': 0.0}}\"\n" for n, name in enumerate(NAMES)
    )
    path = table(tmp_path, text)
    shown(qtbot, dialog, path)
    choose(dialog.columns.choices("scp")[1], True)
    dialog.likelihood.setValue(50)
    looked_again(qtbot, dialog)
    with qtbot.waitSignal(dialog.imported, timeout=20_000) as signal:
        dialog.bring.click()
    assert dialog.written.isVisible()
    assert dialog.written.text().startswith("Written: 4 labels for 6 recordings")
    assert not dialog.bring.isEnabled()
    asked = ["--complete", "scp", "--min-likelihood", "50", "--json", "-w", str(tmp_path / "twin")]
    assert cli.main(["label", "import", str(path), *asked]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["matched"] == signal.args[0].matched == 6
    with Workspace.open(tmp_path / "twin") as twin:
        assert every_label(twin) == every_label(workspace)


def test_a_value_that_is_known_otherwise_is_told_before_it_is_replaced(qtbot, dialog, workspace, tmp_path):
    known = workspace.record(NAMES[0]).labels["NORM"]
    shown(qtbot, dialog, table(tmp_path, f"record,NORM\n{NAMES[0]},{1 - known:g}\n"))
    assert "1 value that is known otherwise already: replaced" in dialog.preview.words.text()
    dialog.launch()
    settle(qtbot, dialog.background)
    assert dialog.written.text() == "Written: 1 label for 1 recording, 1 value replaced."


def test_a_choice_that_was_not_counted_yet_cannot_be_imported(qtbot, dialog, tmp_path):
    shown(qtbot, dialog, table(tmp_path, f"record,AF,LVEF\n{NAMES[0]},1,50\n"))
    assert dialog.bring.isEnabled()
    choose(dialog.columns.choices("LVEF")[0], "ignore")
    assert not dialog.bring.isEnabled()
    qtbot.waitUntil(dialog.bring.isEnabled)
    assert set(counts(dialog)) == {"AF"}


def test_the_join_can_be_chosen_when_no_column_names_a_recording_by_its_look(qtbot, dialog, workspace, tmp_path):
    for name in NAMES:
        hurt(workspace, "UPDATE records SET source_name = ? WHERE source_name = ?", f"1{name[:5]}", name)
    shown(qtbot, dialog, table(tmp_path, f"AF,study no\n1,1{NAMES[0][:5]}\n0,1{NAMES[1][:5]}\n"))
    assert dialog.banner.title.text() == "No row joins: 'AF' names no recording of the workspace."
    assert not dialog.bring.isEnabled()
    choose(dialog.on, "study no")
    choose(dialog.columns.choices("AF")[0], "binary")
    looked_again(qtbot, dialog)
    assert dialog.banner.isHidden()
    assert dialog.preview.tiles.texts()["Joined"] == "2"
    assert dialog.columns.choices("AF")[0].isEnabled()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "It is empty"),
        (b"record,AF\n", "no row below its header"),
        (b"record,AF,AF\nx,1,0\n", "column 3 has the same name as one before it"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "it is no text"),
        (b"PK\x03\x04nonsense", "no Excel workbook"),
        (b"\xd0\xcf\x11\xe0old", "an old Excel file (.xls), or one with a password"),
        ("record,A\x07F\nx,1\n", "a name that cannot be shown"),
    ],
)
def test_a_hostile_table_is_refused_in_the_dialog_in_words(qtbot, dialog, tmp_path, text, told):
    shown(qtbot, dialog, table(tmp_path, text))
    assert told.casefold() in dialog.banner.title.text().casefold()
    assert dialog.banner.text.text()
    assert not dialog.bring.isEnabled()
    assert not dialog.columns.isVisible()


def test_the_next_table_may_be_dropped_after_one_that_was_refused(qtbot, dialog, tmp_path):
    shown(qtbot, dialog, table(tmp_path, b""))
    shown(qtbot, dialog, table(tmp_path, f"record,AF\n{NAMES[0]},1\n"))
    assert dialog.banner.isHidden()
    assert dialog.preview.tiles.texts()["Joined"] == "1"


def test_faults_of_rows_are_told_once_each_with_their_lines(qtbot, dialog, tmp_path):
    lines = [f"{NAMES[0]},1", f"{NAMES[0]},0", f"{NAMES[1]},maybe", f"{NAMES[2]},0,1", f"{NAMES[3]},perhaps"]
    shown(qtbot, dialog, table(tmp_path, "record,AF\n" + "\n".join(lines) + "\n"))
    choose(dialog.columns.choices("AF")[0], "binary")
    looked_again(qtbot, dialog)
    told = dialog.preview.words.text()
    assert "2 rows left out: the value of 'AF' is neither 1 nor 0 (lines 4, 6)." in told
    assert "1 row left out: another line names the same recording (line 3)." in told
    assert "1 row left out: it has more cells than the header has columns (line 5)." in told
    assert "maybe" not in told


def test_columns_that_contradict_each_other_cost_the_row(workspace, tmp_path):
    path = table(tmp_path, f"record,AF,dx\n{NAMES[0]},0,164889003\n{NAMES[1]},1,164889003\n")
    told = workspace.preview_labels(path, workspace.suggest_labels(path))
    assert told.faults == (
        (2, "two columns contradict each other on 'AF'", "Leave one of the columns out, or correct it"),
    )


@pytest.mark.parametrize(
    ("content", "columns", "note"),
    [
        ("record;Größe\nx;1\n".encode("latin-1"), ("record", "Größe"), "Western European"),
        ("record\tGröße\nx\t1\n".encode("utf-16"), ("record", "Größe"), ""),
        ("\ufeffrecord,Größe\nx,1\n".encode(), ("record", "Größe"), ""),
        (b"sep=;\nrecord;AF\nx;1\n", ("record", "AF"), ""),
    ],
)
def test_tables_are_read_in_the_ways_that_excel_writes_them(tmp_path, content, columns, note):
    read = read_label_table(table(tmp_path, content))
    assert read.columns == columns
    assert note in " ".join(read.notes)
    assert bool(note) == bool(read.notes)


def test_sheets_beyond_the_first_are_told_and_a_packed_folder_is_no_workbook(tmp_path):
    import zipfile

    book = openpyxl.Workbook()
    book.active.append(["record", "AF"])
    book.active.append(["x", 1])
    book.create_sheet("more")
    book.save(tmp_path / "two.xlsx")
    assert read_label_table(tmp_path / "two.xlsx").notes == (
        "Only the first sheet of the workbook is read, 1 more are not.",
    )
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        packed.writestr("labels.csv", "record,AF\n")
    with pytest.raises(WorldError, match="a packed archive, not a table"):
        read_label_table(tmp_path / "packed.zip")


def test_a_column_that_is_nearly_yes_or_no_says_so(workspace, tmp_path):
    path = table(tmp_path, "record,AF\n" + "".join(f"r{n},{n % 2}\n" for n in range(19)) + "r19,x\n")
    guess = workspace.look_at_labels(path).columns[1]
    assert (guess.meaning, guess.reason[:35]) == ("ignore", "95 % of its cells are yes and no: c")


def test_very_many_columns_are_cut_and_that_is_told(qtbot, dialog, monkeypatch, tmp_path):
    monkeypatch.setattr("app.ui.labels_columns.MOST_COLUMNS", 15)
    monkeypatch.setattr("app.ui.labels_dialog.MOST_COLUMNS", 15)
    wide = range(20)
    text = "record," + ",".join(f"f{n}" for n in wide) + f"\n{NAMES[0]}," + ",".join("1" for _ in wide) + "\n"
    shown(qtbot, dialog, table(tmp_path, text))
    assert dialog.columns.rowCount() == len(dialog.columns.meanings()) + 1 == 15
    assert dialog.columns.choices("f13")[0].currentText() == "Label: yes or no"
    assert "6 columns more than are shown" in dialog.banner.title.text()


def test_the_keyboard_goes_from_choice_to_choice(qtbot, dialog, tmp_path):
    shown(qtbot, dialog, table(tmp_path, f"record,AF,LVEF\n{NAMES[0]},1,50\n"))
    dialog.way.setFocus()
    first = dialog.columns.choices("AF")[0]
    for _ in range(6):
        if QApplication.focusWidget() is first:
            break
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is first
    qtbot.keyClick(first, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is dialog.columns.choices("LVEF")[0]


def test_the_carts_statements_become_labels_with_their_caution(qtbot, workspace, background):
    window = QWidget()
    qtbot.addWidget(window)
    dialog = DeviceLabelsDialog(workspace, background, window)
    dialog.show()
    assert dialog.banner.title.text() == CAUTION
    dialog.launch()
    settle(qtbot, background)
    assert "no recording came with a statement" in dialog.fault.text()
    for name in NAMES[:2]:
        hurt(workspace, "UPDATE records SET statements = ? WHERE source_name = ?", '[{"code": "AFIB"}]', name)
    with qtbot.waitSignal(dialog.made, timeout=20_000):
        dialog.launch()
    assert dialog.written.text() == "Made: 1 label of the carts' statements."
    assert dialog.table.rows.rows == [("device: AFIB", 2)]
    assert workspace.record(NAMES[0]).labels["device: AFIB"] == 1


def test_a_dialog_that_is_closed_while_it_reads_leaves_nothing_behind(qtbot, dialog, background, tmp_path):
    path = table(tmp_path, f"record,AF\n{NAMES[0]},1\n")
    dialog.open_table(path)
    background.read(partial(read_label_table, path))
    dialog.reject()
    settle(qtbot, background)
