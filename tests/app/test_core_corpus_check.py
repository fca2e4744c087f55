"""What is there of a public corpus in a folder; the corpora are synthetic, in the published layouts."""

import json

import pytest
from corpus_layouts import BUILDERS

from app.cli import main
from app.core.corpus_check import check, find_place
from engine.contract.errors import WorldError
from engine.datasets.registry import dataset


@pytest.fixture
def ptbxl(tmp_path):
    folder = tmp_path / "downloads" / "ptb-xl" / "1.0.3"
    folder.mkdir(parents=True)
    BUILDERS["ptbxl"](folder)
    return folder


def test_a_whole_folder_is_counted_by_recordings_patients_and_tasks(ptbxl):
    told = check(dataset("ptbxl"), ptbxl)
    assert (told.recordings, told.patients, told.looked_for, told.absent) == (24, 13, 24, 0)
    assert {task.name: task.recordings for task in told.tasks}["ptbxl-super"] == 24
    assert told.notes[0] == "Its tables name 24 recordings; the publication counts 21,799."


def test_files_that_are_absent_are_counted(ptbxl):
    for file in sorted(ptbxl.rglob("*.hea"))[:3]:
        file.unlink()
    told = check(dataset("ptbxl"), ptbxl)
    assert told.absent == 3
    assert "The files of 3 recordings are not in the folder; they will be refused." in told.notes


def test_the_corpus_is_found_below_the_folder_that_was_named(ptbxl, tmp_path):
    assert check(dataset("ptbxl"), tmp_path).folder == ptbxl
    BUILDERS["ptbxl"](tmp_path / "downloads" / "copy")
    assert find_place(dataset("ptbxl"), tmp_path) == tmp_path
    with pytest.raises(WorldError, match="it is not in the folder"):
        check(dataset("ptbxl"), tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(WorldError, match="no such folder"):
        check(dataset("ptbxl"), tmp_path / "nowhere")


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_every_corpus_can_be_checked(name, tmp_path):
    entries = BUILDERS[name](tmp_path)
    told = check(dataset(name), tmp_path)
    assert told.recordings == entries
    assert told.absent == 0


def test_the_command_tells_the_same_and_fails_when_files_are_absent(ptbxl, capsys):
    assert main(["datasets", "ptbxl", "--check", str(ptbxl)]) == 0
    out = capsys.readouterr().out
    assert "24 of 21,799 published" in out
    assert "ptbxl-super" in out
    next(ptbxl.rglob("*.hea")).unlink()
    assert main(["datasets", "ptbxl", "--check", str(ptbxl), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["absent"] == 1
    assert main(["datasets", "--check", str(ptbxl)]) == 2
