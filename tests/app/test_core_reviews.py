"""Marks on a model's worst mistakes: what is kept, what is refused, what the trail and the dossier tell of it."""

import csv
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from evaluation_cases import full_evaluation

from app import cli
from app.commands.failures import VERDICTS as TYPED
from app.core import database, review_rows, reviews
from app.core.database import SCHEMA_HEAD, Database
from app.core.schema import Job
from app.governance.dossier import ModelSection
from app.governance.failure_reviews import limits_of_reviews
from app.workspace import Workspace
from engine.contract.card import ModelCard
from engine.contract.errors import EXIT_DONE, EXIT_USAGE, EXIT_WORLD, UsageError, WorldError

JOB = "J0050"


@pytest.fixture
def workspace(six_recordings, tmp_path):
    shutil.copytree(six_recordings, tmp_path / "ward7")
    with Workspace.open(tmp_path / "ward7") as opened:
        told = {"kind": "evaluate", "state": "done", "created": "", "config": "{}"}
        with opened._home.db.write() as session:
            session.add(Job(number=50, job_id=JOB, name="past", results=full_evaluation().model_dump_json(), **told))
        yield opened


def isoline(workspace, capsys, *words):
    capsys.readouterr()
    code = cli.main([*words, "-w", str(workspace.path)])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_mistakes_are_listed_in_the_order_of_the_results_and_carry_no_mark_at_first(workspace):
    told = workspace.failures(JOB)
    assert [(one.failure.record, one.review) for one in told] == [("r1", None), ("r2", None)]
    assert [(row.job.job_id, row.failures, row.reviewed) for row in workspace.reviewed_evaluations()] == [(JOB, 2, 0)]


def test_a_mark_is_kept_with_its_day_and_a_later_one_takes_its_place(workspace):
    first = workspace.review_failure(JOB, "MI", "r1", "label wrong", "  old  infarct,\nsee V2 ")
    assert first.note == "old infarct, see V2"
    again = workspace.review_failure(JOB, "MI", "r1", "model wrong")
    assert workspace.failure_reviews(JOB) == {("MI", "r1"): again}
    assert again.reviewed[:10] == workspace.audit(limit=1)[0].time[:10]
    assert workspace.reviewed_evaluations()[0].reviewed == 1


def test_every_change_stands_in_the_trail_without_the_words_of_the_note(workspace):
    before = workspace.verify_audit().events
    workspace.review_failure(JOB, "MI", "r1", "label wrong", "old infarct")
    workspace.review_failure(JOB, "MI", "r1", "cannot tell", "old infarct")
    workspace.clear_review(JOB, "MI", "r1")
    cleared, second, first = workspace.audit(limit=3)
    assert workspace.verify_audit().events == before + 3
    assert workspace.verify_audit().intact
    assert (first.action, first.subject, first.detail["before"]) == (reviews.SET, JOB, "")
    assert (second.detail["verdict"], second.detail["before"]) == ("cannot tell", "label wrong")
    assert (cleared.action, cleared.detail["before"]) == (reviews.CLEARED, "cannot tell")
    assert "infarct" not in json.dumps([first.detail, second.detail])
    assert first.detail["note"] == second.detail["note"] != ""
    assert workspace.failure_reviews(JOB) == {}


def test_the_same_mark_again_changes_nothing_and_is_no_event(workspace):
    kept = workspace.review_failure(JOB, "MI", "r1", "label wrong", "old infarct")
    before = workspace.verify_audit().events
    assert workspace.review_failure(JOB, "MI", "r1", "label wrong", "old infarct ") == kept
    assert workspace.verify_audit().events == before


def test_a_note_that_names_somebody_is_refused_and_nothing_is_kept(workspace):
    name = workspace.records()[0].source_name
    with pytest.raises(WorldError, match="what identifies somebody") as caught:
        workspace.review_failure(JOB, "MI", "r1", "label wrong", f"as in {name}")
    assert name not in str(caught.value)
    assert caught.value.fault == "identifier"
    assert workspace.failure_reviews(JOB) == {}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("J0099", "MI", "r1", "label wrong"), "none of this id"),
        (("J0001", "MI", "r1", "label wrong"), "no evaluation that is done"),
        ((JOB, "AF", "r1", "label wrong"), "It scores: MI, HYP"),
        ((JOB, "HYP", "r1", "label wrong"), "not among the worst mistakes of label HYP"),
        ((JOB, "MI", "r9", "label wrong"), "not among the worst mistakes"),
        ((JOB, "MI", "r1", "fine"), "Choose one of: model wrong, label wrong, recording poor, cannot tell"),
        ((JOB, "MI", "r1", "label wrong", "x" * 281), "longer than 280 letters"),
    ],
)
def test_what_is_no_mistake_or_no_verdict_cannot_be_marked(workspace, words, reason):
    with pytest.raises(UsageError, match=reason):
        workspace.review_failure(*words)


def test_what_another_evaluation_found_of_the_same_recording_and_label_is_told_and_counts_there_alone(
    workspace, capsys
):
    told = {"kind": "evaluate", "state": "done", "created": "", "config": "{}"}
    with workspace._home.db.write() as session:
        session.add(Job(number=51, job_id="J0051", name="new", results=full_evaluation().model_dump_json(), **told))
    kept = workspace.review_failure(JOB, "MI", "r1", "label wrong", "old infarct")
    assert workspace.failures(JOB)[0].elsewhere is None
    first, second = workspace.failures("J0051")
    assert (first.review, first.elsewhere) == (None, review_rows.Elsewhere(JOB, kept))
    assert second.elsewhere is None
    assert [row.reviewed for row in workspace.reviewed_evaluations()] == [0, 1]
    _, told, _ = isoline(workspace, capsys, "failure", "list", "J0051")
    assert f"(label wrong in {JOB})" in told
    assert "0 of 2 reviewed." in told
    _, told, _ = isoline(workspace, capsys, "failure", "list", "J0051", "--json")
    there = json.loads(told)[0]["elsewhere"]
    assert (there["job"], there["verdict"], there["note"]) == (JOB, "label wrong", "old infarct")


def test_an_export_of_numbers_brings_mistakes_with_marks_and_no_note_becomes_a_formula(workspace, tmp_path):
    workspace.review_failure(JOB, "MI", "r2", "cannot tell", "=1+1")
    files = {file.name: file for file in workspace.export_figures(JOB, tmp_path / "out")}
    with files["failures.csv"].open() as opened:
        first, second = csv.DictReader(opened)
    assert (first["label"], first["mistake"], first["recording"], first["verdict"]) == (
        "MI",
        "false positive",
        "r1",
        "",
    )
    assert (float(first["score"]), float(first["share"])) == (0.97, 0.9)
    assert (second["verdict"], second["note"]) == ("cannot tell", "'=1+1")


def test_a_mark_that_is_not_there_cannot_be_taken_back(workspace):
    with pytest.raises(UsageError, match="carries none"):
        workspace.clear_review(JOB, "MI", "r1")


def test_counts_are_told_in_the_order_of_the_verdicts():
    marks = [review_rows.Review("cannot tell", "", ""), review_rows.Review("model wrong", "", ""), None]
    assert review_rows.told(marks) == "2 of 3 reviewed: 1 model wrong, 1 cannot tell"
    assert review_rows.told([None]) == "0 of 1 reviewed"


def test_a_dossier_tells_of_looks_and_says_nothing_where_nobody_looked(workspace):
    section = ModelSection(ModelCard(name="ours", source="random"), "0" * 64, JOB, full_evaluation())
    with workspace._home.db.read() as session:
        assert list(limits_of_reviews(session, [section])) == []
    workspace.review_failure(JOB, "MI", "r2", "recording poor")
    with workspace._home.db.read() as session:
        (told,) = limits_of_reviews(session, [section])
    assert told == "Of the 2 worst mistakes of 'ours' those who read the traces judged 1: 1 recording poor."
    workspace.review_failure(JOB, "MI", "r1", "label wrong")
    with workspace._home.db.read() as session:
        (told,) = limits_of_reviews(session, [section])
    assert "judged 2: 1 label wrong, 1 recording poor." in told
    assert told.endswith("The figures count a mistake against a wrong label as the model's own.")


def test_a_workspace_of_schema_0003_opens_and_takes_marks(
    six_recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = Path(shutil.copytree(six_recordings, tmp_path / "ward7"))
    (path / "isoline.db").rename(tmp_path / "new.db")
    for rest in path.glob("isoline.db-*"):
        rest.unlink()
    monkeypatch.setattr(database, "SCHEMA_HEAD", "0003")
    made = Database(path / "isoline.db")
    made.migrate()
    made.close()
    monkeypatch.undo()
    with closing(sqlite3.connect(path / "isoline.db")) as connection, connection:
        connection.execute("ATTACH ? AS new", (str(tmp_path / "new.db"),))
        for table in ("audit", "jobs", "records", "labels"):
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM new.{table}")
    with Workspace.open(path) as opened:
        assert opened._home.db.revision() == SCHEMA_HEAD
        assert opened.record_count() == 6
        assert opened.failure_reviews("J0001") == {}
        assert opened.verify_audit().intact


def test_the_verbs_list_mark_and_clear_as_words_and_as_json(workspace, capsys):
    code, told, _ = isoline(workspace, capsys, "failure")
    assert code == EXIT_DONE
    assert told.splitlines()[1].split() == [JOB, "past", "2", "0"]
    words = ("failure", "review", JOB, "r1", "label-wrong", "--label", "MI")
    code, told, _ = isoline(workspace, capsys, *words, "--note", "old infarct")
    assert (code, told) == (EXIT_DONE, "r1, MI: label wrong. 1 mistake of this label not yet reviewed.\n")
    _, told, _ = isoline(workspace, capsys, "failure", "list", JOB)
    assert "label wrong" in told.splitlines()[1]
    assert told.splitlines()[1].endswith("old infarct")
    assert "1 of 2 reviewed: 1 label wrong." in told
    _, told, _ = isoline(workspace, capsys, "failure", "list", JOB, "--not-reviewed", "--json")
    (left,) = json.loads(told)
    assert (left["record"], left["kind"], left["review"]) == ("r2", "false negative", None)
    _, told, _ = isoline(workspace, capsys, "failure", "clear", JOB, "r1", "--label", "MI", "--json")
    assert json.loads(told) == {
        "job": JOB,
        "label": "MI",
        "recording": "r1",
        "verdict": None,
        "reviewed": None,
        "not_reviewed": 2,
    }


def test_the_verbs_refuse_what_is_not_there_and_notes_that_name_somebody(workspace, capsys):
    assert isoline(workspace, capsys, "failure", "clear", JOB, "r1", "--label", "MI")[0] == EXIT_USAGE
    assert isoline(workspace, capsys, "failure", "list", "J0001")[0] == EXIT_USAGE
    name = workspace.records()[0].source_name
    words = ("failure", "review", JOB, "r1", "label-wrong", "--label", "MI", "--note", name)
    code, told, said = isoline(workspace, capsys, *words)
    assert (code, told) == (EXIT_WORLD, "")
    assert name not in said


def test_verdicts_that_are_typed_are_those_that_are_kept():
    assert tuple(TYPED.values()) == review_rows.VERDICTS
