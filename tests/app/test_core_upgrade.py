"""A workspace of the first version, with data in it, opens in this one and loses nothing."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from core_cases import make_workspace

from app.core import database
from app.core.database import SCHEMA_HEAD, Database
from app.core.record_query import RecordQuery
from app.workspace import Workspace

OLD_COLUMNS = [
    "number",
    "record_id",
    "source_name",
    "dataset",
    "patient",
    "patient_known",
    "age",
    "age_over_89",
    "sex",
    "rate_hz",
    "seconds",
    "leads",
    "derived",
    "format",
    "quality",
    "quality_reasons",
    "file_sha256",
    "signal_sha256",
    "imported",
    "job_id",
]


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole workspace whose database is of schema 0002, made by the first two migrations, its rows carried over."""
    path = make_workspace(tmp_path / "ward7", count=3)
    with Workspace.open(path):
        pass
    (path / "isoline.db").rename(tmp_path / "new.db")
    for rest in path.glob("isoline.db-*"):
        rest.unlink()
    monkeypatch.setattr(database, "SCHEMA_HEAD", "0002")
    made = Database(path / "isoline.db")
    made.migrate()
    made.close()
    monkeypatch.undo()
    with closing(sqlite3.connect(path / "isoline.db")) as connection, connection:
        connection.execute("ATTACH ? AS new", (str(tmp_path / "new.db"),))
        tables = ("audit", "jobs", "job_files", "events", "label_rows", "records", "labels")
        for table in tables:
            known = [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})")]
            columns = ", ".join(f'"{name}"' for name in known)
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}")
        reasons = json.dumps(["flat line in V1, V2", "gain suspect: the leads swing by 8 mV a second"])
        connection.execute("UPDATE records SET quality = 'limited', quality_reasons = ? WHERE number = 1", (reasons,))
        assert [row[1] for row in connection.execute("PRAGMA main.table_info(records)")] == OLD_COLUMNS
    return path


def test_a_workspace_of_schema_0002_opens_with_all_its_recordings_and_labels(old: Path) -> None:
    with Workspace.open(old) as workspace:
        assert workspace._home.db.revision() == SCHEMA_HEAD
        rows = workspace.records()
        assert len(rows) == 3
        assert all(row.labels for row in rows)
        assert (rows[0].reader, rows[0].year, rows[0].paced, rows[0].statements) == ("", None, None, ())
        assert [row.record_id for row in workspace.find_records(RecordQuery(finding="flat"))] == [rows[0].record_id]
        assert dict(workspace.record_facets().findings) == {"flat": 1, "gain": 1}
        assert workspace.verify_audit().intact


def test_an_upgraded_workspace_takes_in_new_recordings_beside_the_old(old: Path, samples: Path) -> None:
    with Workspace.open(old) as workspace:
        job = workspace.import_files(sorted(samples.glob("*.hea"))[:5])
        assert workspace.wait(job, timeout_s=60).state == "done"
        assert workspace.record_count() == 5
