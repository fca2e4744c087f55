"""The Cohorts page on a real workspace: what it shows is what the workspace holds, what it promises is what is made."""

import csv
import json
import shlex
import shutil
import sys

import pytest
from core_cases import hurt, make_workspace
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QDialog, QFileDialog
from window_cases import settle, shown

from app.cli import main
from app.core.changes import Changes
from app.core.split_csv import ALL, split_csv
from app.ui.background import Background
from app.ui.cohort_split import label_lines
from app.ui.cohorts_page import CohortsPage
from app.workspace import Workspace

RULES = ("quality good limited", "age 46.. or unknown", "leads I II V1")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """24 recordings of 12 patients, and a cohort of those of 40 and more."""
    path = make_workspace(tmp_path_factory.mktemp("cohorts") / "workspace", count=24)
    with Workspace.open(path) as workspace:
        for place, row in enumerate(sorted(workspace.records(), key=lambda row: row.record_id)):
            told = (f"p{place // 2:012d}", 30.0 + place, "ptbxl" if place < 12 else "ward", row.record_id)
            hurt(workspace, "UPDATE records SET patient = ?, age = ?, dataset = ? WHERE record_id = ?", *told)
            part = ("train", "test")[place // 2 % 2] if place < 12 else ""
            hurt(workspace, "UPDATE records SET part = ? WHERE record_id = ?", part, row.record_id)
        workspace.create_cohort("forties", labels=["MI", "NORM"], folds=3, rules=["age 40.."])
    return path


@pytest.fixture
def page(qtbot, template, tmp_path):
    shutil.copytree(template, tmp_path / "ward7")
    workspace, background = Workspace.open(tmp_path / "ward7"), Background()
    yield shown(qtbot, CohortsPage(workspace, background), background)
    background.close()
    workspace.close()


def built(qtbot, page, builder):
    """Make the cohort of a builder, and wait until the page shows it."""
    qtbot.waitUntil(builder.make.isEnabled, timeout=20_000)
    live = builder.answer
    with qtbot.waitSignal(builder.made, timeout=20_000) as told:
        builder.make.click()
    page.refresh(Changes.COHORTS)
    settle(qtbot, page.background)
    return live, told.args[0]


def test_the_chosen_cohort_is_shown_in_full(page):
    seen = page.view.seen
    assert page.table.current().name == "forties"
    assert seen.flow == page.workspace.cohort_flow("forties") == page.view.flow.diagram.flow
    assert page.view.tiles.texts()["Recordings"] == f"{seen.row.records:,}"
    assert page.view.split.told.text().startswith(f"Patients in more than one part: 0 of {seen.row.patients}.")
    assert [part.name for part in page.view.split.parts.rows.rows] == ["fold-0", "fold-1", "fold-2"]
    assert [line.label for line in page.view.split.labels.rows.rows] == ["MI", "NORM"]
    assert "1. Age 40 years or more" in page.view.asked.text()
    assert page.view.leaks.cohort == "forties"


def test_the_live_flow_is_the_flow_of_the_cohort_that_is_then_made(page, qtbot):
    builder = page.new_cohort()
    settle(qtbot, page.background)
    builder.form.name.setText("by rules")
    builder.form.rules.put(RULES)
    builder.form.dataset.setCurrentIndex(builder.form.dataset.findData("ward"))
    builder.form.folds.setValue(2)
    live, row = built(qtbot, page, builder)
    assert live == page.workspace.cohort_flow("by rules") == page.view.flow.diagram.flow
    assert (live.considered, live.records) == (12, row.records)
    assert row.rules == RULES
    assert page.table.current().name == "by rules"
    assert page.workspace.leak_state("by rules").verdict in ("searching", "none found")


def test_an_official_split_keeps_its_parts(page, qtbot):
    builder = page.new_cohort()
    settle(qtbot, page.background)
    builder.form.name.setText("official")
    builder.form.way.setCurrentIndex(builder.form.way.findData("official"))
    assert builder.form.official_note.text() == "Official parts are known of: ptbxl (12 recordings)"
    assert builder.form._seed_row.isHidden()
    live, row = built(qtbot, page, builder)
    assert live.steps[-1].excluded == {"in no official part": 12}
    assert live == page.workspace.cohort_flow("official")
    assert {member.split for member in page.workspace.cohort_members("official")} == {"train", "test"}
    assert row.records == 12


@pytest.mark.skipif(sys.platform == "win32", reason="the words are quoted for another shell there")
def test_a_duplicate_starts_with_what_was_asked_and_its_command_line_makes_the_same_cohort(page, qtbot, capsys):
    builder = page.duplicate_cohort()
    settle(qtbot, page.background)
    assert builder.form.plan().name == "forties 2"
    words = shlex.split(builder.command.text())
    _, row = built(qtbot, page, builder)
    first = page.workspace.cohort("forties")
    assert row.split_sha256 == first.split_sha256
    words[words.index("forties 2")] = "typed"
    assert main([*words[1:], "--json", "--no-search"]) == 0
    assert json.loads(capsys.readouterr().out)["split_sha256"] == first.split_sha256


def test_the_command_line_writes_the_same_split_table(page, qtbot, tmp_path, capsys):
    with qtbot.waitSignal(page.told, timeout=20_000):
        page.write_split(page.view.seen, tmp_path / "window.csv")
    place = str(page.workspace.path)
    assert main(["cohort", "show", "forties", "--csv", str(tmp_path / "typed.csv"), "-w", place]) == 0
    assert "no patient is in two parts" in capsys.readouterr().out
    assert (tmp_path / "typed.csv").read_bytes() == (tmp_path / "window.csv").read_bytes()


def test_diagram_and_split_are_written_as_they_are_shown(page, qtbot, tmp_path):
    for name in ("flow.svg", "flow.png"):
        with qtbot.waitSignal(page.told, timeout=20_000):
            page.write_flow(page.view.seen, tmp_path / name)
    with qtbot.waitSignal(page.told, timeout=20_000):
        page.write_split(page.view.seen, tmp_path / "split.csv")
    drawing = (tmp_path / "flow.svg").read_text()
    assert drawing.count("<title>Cohort forties</title>") == 1
    assert ">Considered<" in drawing
    assert ">24 recordings<" in drawing
    assert ">Age 40 years or more<" in drawing
    assert QImage(str(tmp_path / "flow.png")).width() == 2700
    rows = list(csv.DictReader((tmp_path / "split.csv").read_text().splitlines()))
    assert rows[-1]["part"] == ALL
    assert int(rows[-1]["recordings"]) == page.view.seen.row.records
    assert sum(int(row["MI positive"]) for row in rows[:-1]) == label_lines(page.view.seen.parts)[0].positives
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["flow.png", "flow.svg", "split.csv"]


def test_a_diagram_that_would_name_somebody_is_not_written(page, qtbot, tmp_path, monkeypatch):
    told = []
    page.background.failed.connect(told.append)
    monkeypatch.setattr("app.core.leaving.search", lambda *_args: [type("Found", (), {"kind": "name", "place": "x"})])
    page.write_flow(page.view.seen, tmp_path / "flow.svg")
    qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    assert told[0].fault == "identifier"
    assert not (tmp_path / "flow.svg").exists()


def test_the_file_dialog_offers_svg_first_and_a_name_made_of_the_cohorts(page):
    page.export_flow()
    dialog = page.findChildren(QFileDialog)[-1]
    assert dialog.selectedFiles()[0].endswith("flow-forties.svg")
    assert dialog.defaultSuffix() == "svg"
    dialog.filterSelected.emit("PNG picture (*.png)")
    assert dialog.defaultSuffix() == "png"
    dialog.reject()


def test_the_flow_can_be_read_and_copied_as_text(page, qtbot):
    page.view.flow.setFocus()
    qtbot.keyClick(page.view.flow, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    text = QGuiApplication.clipboard().text()
    assert text == page.view.flow.accessibleDescription()
    assert text.splitlines()[0] == "Considered: 24 recordings of 12 patients"
    assert text.splitlines()[-1].startswith("In the cohort: ")


def test_what_can_be_done_follows_what_is_there(page, qtbot, tmp_path):
    assert all(page.can(f"cohorts.{verb}") for verb in ("new", "duplicate", "flow", "split"))
    with Workspace.create(tmp_path / "empty") as nothing:
        bare = shown(qtbot, CohortsPage(nothing, page.background), page.background)
        assert bare.stack.currentWidget() is bare.bare
        assert not any(bare.can(f"cohorts.{verb}") for verb in ("new", "duplicate", "flow", "split"))
        assert bare.duplicate_cohort() is None
        assert not bare.findChildren(QDialog)


def test_a_split_without_labels_is_a_table_of_its_parts(page):
    assert split_csv(()) == "part,recordings,patients\nAll parts\n"
    parts = [type(part)(part.name, part.records, part.patients) for part in page.view.seen.parts]
    assert label_lines(parts) == []
    assert split_csv(parts).splitlines()[0] == "part,recordings,patients"


def test_a_search_for_copies_is_queued_from_the_page_and_its_state_shown(qtbot, page):
    assert page.view.leaks.headline.text() == "Not searched for copies"
    dialog = page.search_leaks()
    with qtbot.waitSignal(page.view.leaks.begun, timeout=20_000) as told:
        dialog.launch()
    assert page.workspace.job(told.args[0]).kind == "leakage"
    page.refresh(Changes.JOBS)
    qtbot.waitUntil(lambda: page.view.leaks.headline.text() == "Looking for copies", timeout=20_000)
    dialog = page.export_fingerprints()
    assert not dialog.go.isEnabled()
    dialog.reject()
