"""Public corpora brought in whole, through the real engine; the corpora are synthetic, in the published layouts."""

import pytest
from corpus_layouts import BUILDERS

from app import cli
from app.core import corpora
from app.workspace import Workspace
from engine.contract.errors import UsageError, WorldError
from engine.datasets.registry import dataset

KEY = b"k" * 32


@pytest.fixture
def workspace(tmp_path):
    with Workspace.create(tmp_path / "ward7") as made:
        yield made


@pytest.fixture
def ptbxl(tmp_path):
    folder = tmp_path / "ptb-xl"
    BUILDERS["ptbxl"](folder)
    return folder


def brought_in(workspace, name, folder, tasks=()):
    job = workspace.import_dataset(name, folder, tasks, workers=1)
    assert workspace.wait(job, timeout_s=120).state == "done"
    assert {outcome.status for outcome in workspace.outcomes(job)} == {"imported"}
    return workspace.records()


def test_a_corpus_comes_in_with_labels_patients_ages_and_official_parts(workspace, ptbxl):
    rows = {row.source_name: row for row in brought_in(workspace, "ptbxl", ptbxl)}
    assert len(rows) == 24
    positive = {label for label, value in rows["00002_hr"].labels.items() if value == 1}
    assert positive == {
        "ptbxl: IMI",
        "ptbxl: AFIB",
        "ptbxl: LVH",
        "ptbxl-sub: IMI",
        "ptbxl-sub: LVH",
        "ptbxl-super: MI",
        "ptbxl-super: HYP",
    }
    assert rows["00002_hr"].labels["ptbxl-super: NORM"] == 0
    assert rows["00002_hr"].patient == rows["00003_hr"].patient != rows["00004_hr"].patient
    assert rows["00001_hr"].age_text == "90+"
    workspace.create_cohort("official", dataset="ptbxl", folds=None, official=True)
    parts = {part.name: part.records for part in workspace.cohort_parts("official")}
    assert parts == {"train": 20, "validation": 2, "test": 2}


def test_only_the_labels_of_the_tasks_asked_for_come_in(tmp_path):
    BUILDERS["chapman"](tmp_path)
    _, sheet = corpora.read_corpus(dataset("chapman"), tmp_path, ["chapman-rhythm"], KEY)
    assert {label.partition(":")[0] for label in sheet.labels} <= {"chapman-rhythm"}
    with pytest.raises(UsageError, match="it is of dataset ptbxl"):
        corpora.read_corpus(dataset("chapman"), tmp_path, ["ptbxl-all"], KEY)
    with pytest.raises(UsageError, match="none of this name"):
        corpora.read_corpus(dataset("chapman"), tmp_path, ["rhythm"], KEY)


def test_the_same_number_in_two_corpora_is_two_patients(tmp_path):
    people = []
    for name in ("sph", "code15"):
        folder = tmp_path / name
        folder.mkdir()
        BUILDERS[name](folder)
        corpus = dataset(name)
        _, sheet = corpora.read_corpus(corpus, folder, (), KEY)
        people.append({row.patient for row in sheet.rows})
        assert all(patient.startswith("p") for patient in people[-1])
    assert not people[0] & people[1]


@pytest.mark.parametrize("name", ["chapman", "sph", "echonext", "code15", "mimic"])
def test_corpora_of_every_kind_of_file_come_in(workspace, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    expected = BUILDERS[name](folder)
    rows = brought_in(workspace, name, folder)
    assert len(rows) == expected
    assert {row.dataset for row in rows} == {name}
    assert all(row.patient_known for row in rows)


def test_too_many_labels_at_once_ask_for_tasks(tmp_path, monkeypatch):
    BUILDERS["ptbxl"](tmp_path)
    monkeypatch.setattr(corpora, "MOST_LABELS", 100)
    with pytest.raises(WorldError, match=r"264 rows, more than the 100 .* for instance --task ptbxl-"):
        corpora.read_corpus(dataset("ptbxl"), tmp_path, (), KEY)
    monkeypatch.setattr(corpora, "MOST_LABELS", 10)
    with pytest.raises(WorldError, match="None of its tasks fits"):
        corpora.read_corpus(dataset("ptbxl"), tmp_path, (), KEY)


def test_what_the_tables_say_is_named_by_one_digest_in_the_trail(tmp_path):
    BUILDERS["ptbxl"](tmp_path)
    _, first = corpora.read_corpus(dataset("ptbxl"), tmp_path, (), KEY)
    table = tmp_path / "ptbxl_database.csv"
    table.write_text(table.read_text().replace("300.0", "41.0"))
    _, second = corpora.read_corpus(dataset("ptbxl"), tmp_path, (), KEY)
    assert len(first.sha256) == 64
    assert first.sha256 != second.sha256


def test_a_folder_without_the_corpus_is_refused_before_anything_is_queued(workspace, tmp_path):
    with pytest.raises(WorldError, match="it is not in the folder"):
        workspace.import_dataset("ptbxl", tmp_path)
    with pytest.raises(WorldError, match="no such folder"):
        workspace.import_dataset("ptbxl", tmp_path / "nowhere")
    assert workspace.jobs() == []


def test_the_name_of_a_corpus_takes_one_folder_and_no_labels_of_ones_own(workspace, ptbxl, capsys):
    where = ["-w", str(workspace.path)]
    assert cli.main(["import", "--dataset", "ptbxl", str(ptbxl), str(ptbxl), *where]) == 2
    assert "another name" in capsys.readouterr().err
    assert cli.main(["import", "--task", "ptbxl-super", str(ptbxl), *where]) == 2
    assert "isoline datasets" in capsys.readouterr().err
