"""Public corpora in the window: what is known of each, the folder checked first, the import queued as asked."""

import pytest
from corpus_layouts import BUILDERS
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from window_cases import settle

from app.ui.corpus_dialog import CorpusDialog
from app.workspace import Workspace
from engine.contract.errors import WorldError
from engine.datasets.registry import DATASETS


@pytest.fixture
def dialog(qtbot, tmp_path, background):
    window = QWidget()
    qtbot.addWidget(window)
    with Workspace.create(tmp_path / "ward7") as workspace:
        made = CorpusDialog(workspace, background, window)
        made.resize(1200, 700)
        made.show()
        yield made
        settle(qtbot, background)
    assert window is not None


@pytest.fixture
def ptbxl(tmp_path):
    folder = tmp_path / "downloads" / "ptb-xl"
    folder.mkdir(parents=True)
    BUILDERS["ptbxl"](folder)
    return folder


def checked(qtbot, dialog, folder):
    dialog.folder.setText(str(folder))
    dialog.check()
    settle(qtbot, dialog.background)


def tick(dialog, name, on):
    item = next(item for item in dialog.tasks._items() if item.data(Qt.ItemDataRole.UserRole) == name)
    item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)


def test_every_corpus_tells_licence_access_and_citation(dialog):
    assert [row.name for row in dialog.corpora.rows.rows] == list(DATASETS)
    for line, corpus in enumerate(DATASETS.values()):
        dialog.corpora.selectRow(line)
        texts = {name: label.text() for name, label in dialog.facts.texts.items()}
        assert (texts["Licence"], texts["Cite"], texts["How to get it"]) == (
            corpus.licence,
            corpus.citation,
            corpus.access,
        )
        assert dialog.facts.banner.isHidden() == (not corpus.caution)
        assert not dialog.start.isEnabled()


def test_the_folder_is_checked_first_and_found_below_what_was_named(qtbot, dialog, ptbxl):
    checked(qtbot, dialog, ptbxl.parent)
    assert dialog.tiles.texts() == {"Recordings": "24", "Patients": "13", "Files": "24"}
    assert dialog.note.text().startswith("Found below it, in ptb-xl. Its tables name 24 recordings")
    assert dialog.start.isEnabled()


def test_a_folder_without_the_corpus_says_what_is_missing(qtbot, dialog, tmp_path):
    checked(qtbot, dialog, tmp_path)
    missing = "it is not in the folder. Name the folder that the corpus was unpacked to."
    assert dialog.fault.text() == f"Table scp_statements.csv: {missing}"
    assert not dialog.start.isEnabled()


def test_the_import_takes_the_ticked_tasks_and_no_others(qtbot, dialog, ptbxl, monkeypatch):
    checked(qtbot, dialog, ptbxl)
    for name in dialog.tasks.chosen():
        tick(dialog, name, False)
    assert not dialog.start.isEnabled()
    tick(dialog, "ptbxl-super", True)
    with qtbot.waitSignal(dialog.queued, timeout=20_000) as queued:
        dialog.start.click()
    job = dialog.workspace.job(queued.args[0])
    assert (job.kind, job.state) == ("import", "queued")


def test_what_the_workspace_refuses_is_told_and_can_be_tried_again(qtbot, dialog, ptbxl, monkeypatch):
    checked(qtbot, dialog, ptbxl)

    def full(*_):
        raise WorldError("disk", "it is full", "Free some space")

    monkeypatch.setattr(dialog.workspace, "import_dataset", full)
    dialog.launch()
    settle(qtbot, dialog.background)
    assert dialog.fault.text() == "Disk: it is full. Free some space."
    assert dialog.start.isEnabled()


def test_a_corpus_without_tasks_comes_in_for_pretraining(qtbot, dialog, tmp_path):
    folder = tmp_path / "code15"
    folder.mkdir()
    BUILDERS["code15"](folder)
    dialog.corpora.choose("code15")
    checked(qtbot, dialog, folder)
    assert "without labels" in dialog.tasks.words.text()
    assert dialog.start.isEnabled()
