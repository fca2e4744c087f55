"""Verdicts of earlier imports are replaced by those of today: all of them with a trace in the trail, or none."""

import json
import shutil
import time

import pytest
from core_cases import hurt

from app import cli
from app.core.record_query import RecordQuery
from app.workspace import Workspace
from engine.contract.errors import EXIT_DONE, UsageError, WorldError
from engine.data.rechecking import VERDICTS


@pytest.fixture
def workspace(six_recordings, tmp_path):
    shutil.copytree(six_recordings, tmp_path / "ward7")
    with Workspace.open(tmp_path / "ward7") as opened:
        yield opened


def verdicts(workspace):
    rows = workspace.find_records(RecordQuery())
    return {row.record_id: (row.quality, row.quality_reasons, row.quality_evidence) for row in rows}


def judge_as_an_old_version(workspace):
    """All verdicts as rules that found a flat line in everything would have left them."""
    evidence = json.dumps({"names": ["flat"], "findings": []})
    hurt(workspace, "UPDATE records SET quality='unusable', quality_reasons='[\"flat\"]', quality_evidence=?", evidence)
    hurt(workspace, "DELETE FROM findings")
    hurt(workspace, "INSERT INTO findings SELECT record_id, 'flat' FROM records")


def test_a_recheck_gives_each_recording_the_verdict_and_findings_of_an_import_of_today(workspace):
    before, found = verdicts(workspace), workspace.record_facets().findings
    judge_as_an_old_version(workspace)
    job = workspace.recheck()
    assert workspace.wait(job, timeout_s=120).state == "done"
    assert verdicts(workspace) == before
    assert workspace.record_facets().findings == found
    event = next(event for event in workspace.audit() if event.action == "quality judged again")
    assert (event.subject, event.detail["recordings"], event.detail["changed"]) == (job, 6, 6)
    assert sum(event.detail["verdicts"].values()) == sum(verdict != "unusable" for verdict, *_ in before.values())
    assert workspace.rechecked(job) == event.detail["verdicts"]


def test_a_recheck_whose_verdicts_are_damaged_changes_nothing(workspace):
    judge_as_an_old_version(workspace)
    job, before = workspace.recheck(), verdicts(workspace)
    started = workspace.path / "runs" / job
    workspace.pump()
    while not (started / "results.json").exists():
        time.sleep(0.05)
    lines = (started / VERDICTS).read_bytes().splitlines(keepends=True)
    (started / VERDICTS).write_bytes(b"".join(lines[:-1]))
    row = workspace.wait(job, timeout_s=120)
    assert (row.state, row.next_step) == ("failed", "Ask for a recheck again")
    assert verdicts(workspace) == before
    assert workspace.results(job) is None
    with pytest.raises(UsageError):
        workspace.rechecked(job)


def test_the_command_says_what_changed(workspace, capsys):
    where = ["-w", str(workspace.path)]
    assert cli.main(["records", "recheck", *where]) == EXIT_DONE
    assert "6 recordings judged" in (out := capsys.readouterr().out)
    assert "No verdict has changed." in out
    hurt(workspace, "UPDATE records SET quality='unknown' WHERE number = 1")
    assert cli.main(["records", "recheck", "--json", *where]) == EXIT_DONE
    told = json.loads(capsys.readouterr().out)
    assert told["results"]["recordings"] == 6
    assert [move.split(" to ")[0] for move in told["changed"]] == ["unknown"]


def test_without_recordings_there_is_nothing_to_judge_again(tmp_path):
    with Workspace.create(tmp_path / "empty") as workspace, pytest.raises(WorldError):
        workspace.recheck()
