"""Recordings are filtered and sorted by every column, page by page."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app import cli
from app.core import intake, jobs, label_import, record_query
from app.core.record_query import SORTABLE, RecordQuery
from app.workspace import Workspace
from engine.contract.config import ImportConfig
from engine.contract.errors import UsageError
from engine.contract.events import FileRead

AGES = (45.0, None, 90.0, 61.0, 61.0, 18.0)
DEVICES = (
    {"maker": "GE", "model": "MAC 5500"},
    {},
    {"maker": "GE", "model": "GE MAC 800"},
    {"maker": "Philips"},
    {},
    {},
)
NAMES = (["flat", "noise"], [], ["flat"], ["mains"], [], [])


def told(n: int) -> FileRead:
    record = {
        "rate_hz": (250.0, 500.0)[n % 2],
        "seconds": 10.0 + n,
        "present": ["I"],
        "format": ("DICOM", "WFDB format 16")[n % 2],
        "file_sha256": f"{n:064x}",
        "signal_sha256": f"{n:064x}",
        "age": AGES[n],
        "age_over_89": AGES[n] == 90.0,
        "sex": ("female", "male")[n % 2],
        "quality": "limited" if NAMES[n] else "good",
        "quality_evidence": {"names": NAMES[n]},
        "year": 2000 + n,
        "device": DEVICES[n],
        "patient": "p000000000007" if n < 2 else None,
        "measurements": {"qrs_ms": 90.0},
        "transformations": ["III derived"],
        "removed": {"patient name": 1},
        "reader": "made up 1.0",
    }
    return FileRead(index=n, status="imported", record_id=f"r{n:012x}", record=record)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "ward7") as made:
        home = made._home
        with home.db.write() as session:
            config = ImportConfig(store=str(home.store))
            job = jobs.submit(session, home, config, "local", inputs=[f"/data/{n}.xml" for n in range(6)])
            intake.take_files(session, home, jobs.get(session, job), "local", [told(n) for n in range(6)])
            rows = [(0, "AF", 1.0), (1, "AF", 0.0), (2, "AF", 1.0), (3, "LVEF", 55.0)]
            label_import.put(
                session,
                [
                    {"record_id": f"r{n:012x}", "label": label, "value": value, "source_sha256": ""}
                    | {"kind": "binary", "origin": "table"}
                    for n, label, value in rows
                ],
            )
        yield made


def found(workspace: Workspace, **asked: object) -> list[int]:
    query = RecordQuery(**asked)  # type: ignore[arg-type]
    rows = workspace.find_records(query)
    assert workspace.found_count(query) == len(rows)
    return [int(row.source_name) for row in rows]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"label": "AF"}, [0, 2]),
        ({"label": "AF", "label_is": "negative"}, [1]),
        ({"label": "AF", "label_is": "known"}, [0, 1, 2]),
        ({"label": "AF", "label_is": "unknown"}, [3, 4, 5]),
        ({"finding": "flat"}, [0, 2]),
        ({"quality": "good"}, [1, 4, 5]),
        ({"device": "GE"}, [0, 2]),
        ({"device": "GE MAC 5500"}, [0]),
        ({"device": "GE MAC 800"}, [2]),
        ({"age_from": 45, "age_to": 61}, [0, 3, 4]),
        ({"age_from": 90}, [2]),
        ({"year_from": 2004}, [4, 5]),
        ({"year_to": 2000}, [0]),
        ({"sex": "female", "format": "DICOM"}, [0, 2, 4]),
        ({"dataset": "elsewhere"}, []),
        ({"text": "p000000000007"}, [0, 1]),
        ({"sort": "age"}, [1, 5, 0, 3, 4, 2]),
        ({"sort": "age", "descending": True}, [2, 4, 3, 0, 5, 1]),
        ({"sort": "seconds", "descending": True, "finding": "flat"}, [2, 0]),
        ({"sort": "device", "descending": True}, [3, 0, 2, 5, 4, 1]),
    ],
)
def test_filters_and_orders_give_exactly_these(
    workspace: Workspace, asked: dict[str, object], expected: list[int]
) -> None:
    assert found(workspace, **asked) == expected


def test_pages_of_any_order_join_to_the_whole(workspace: Workspace) -> None:
    for sort in SORTABLE:
        query = RecordQuery(sort=sort)
        pages = [workspace.find_records(query, 2, offset) for offset in (0, 2, 4)]
        assert [row for page in pages for row in page] == workspace.find_records(query)


def test_an_unknown_order_is_refused(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="cannot be sorted by colour"):
        workspace.find_records(RecordQuery(sort="colour"))


def test_what_there_is_to_filter_by_is_counted(workspace: Workspace) -> None:
    told = workspace.record_facets()
    assert dict(told.findings) == {"flat": 2, "mains": 1, "noise": 1}
    assert dict(told.devices) == {"GE MAC 5500": 1, "GE MAC 800": 1, "Philips": 1}
    assert dict(told.formats) == {"DICOM": 3, "WFDB format 16": 3}
    assert told.years == tuple((2000 + n, 1) for n in range(6))
    assert (dict(told.sexes), dict(told.datasets)) == ({"female": 3, "male": 3}, {"local": 6})
    assert dict(told.qualities) == {"good": 3, "limited": 3}


def test_each_filter_is_counted_among_what_the_others_leave(workspace: Workspace) -> None:
    asked = RecordQuery(sex="female", year_from=2002, quality="limited", label="AF", label_is="known")
    told = workspace.record_facets(asked)
    for field, counts in (("sex", told.sexes), ("quality", told.qualities), ("finding", told.findings)):
        values = [value for value, _ in counts]
        assert values, field
        assert len(set(values)) == len(values)
        for value, number in counts:
            assert number == workspace.found_count(replace(asked, **{field: value})) > 0, (field, value)
    assert sum(number for _, number in told.years) == workspace.found_count(replace(asked, year_from=None))
    assert told.beside_label == workspace.found_count(replace(asked, label=None))
    assert told.records == 6


def test_every_filter_and_order_stands_on_an_index(workspace: Workspace) -> None:
    with workspace._home.db.read() as session:
        for sort in set(SORTABLE) - {"imported"}:
            columns = ", ".join(column.name for column in SORTABLE[sort])
            plan = session.connection().exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT number FROM records ORDER BY {columns}, number LIMIT 9"
            )
            assert "USING COVERING INDEX" in str(plan.all()), sort
        assert record_query.record_ids(session, RecordQuery(finding="noise")) == ["r000000000000"]


def test_a_file_that_names_its_patient_is_known_by_the_pseudonym(workspace: Workspace) -> None:
    rows = workspace.records()
    assert [row.patient_known for row in rows] == [True, True, False, False, False, False]
    assert len({row.patient for row in rows}) == 5


def test_the_verbs_list_filter_and_show(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    there = ["-w", str(workspace.path)]
    assert cli.main(["records", "--age", "45-61", "--sort", "age", "--descending", *there, "--json"]) == 0
    assert [row["source_name"] for row in json.loads(capsys.readouterr().out)] == ["4", "3", "0"]
    assert cli.main(["records", "--year", "2004-", *there]) == 0
    assert "2 recordings of 2 patients" in capsys.readouterr().out
    assert cli.main(["records", "show", "2", *there]) == 0
    shown = capsys.readouterr().out
    for part in ("90+", " GE MAC 800", "made up 1.0", "III derived", "1 patient name", "AF = 1", "by J0001"):
        assert part in shown
    assert cli.main(["records", "show", "2", *there, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == {"patient name": 1}
    assert cli.main(["records", "--age", "old", *there]) == 2
    assert cli.main(["records", "--sort", "colour", *there]) == 2


def test_the_verb_prints_what_there_is_to_filter_by(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    there = ["-w", str(workspace.path)]
    assert cli.main(["records", "filters", *there]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in ("--finding flat 2", "--device GE MAC 5500 1", "--year 2003 1", "--label AF (unknown) 3"):
        assert line in lines
    assert lines[-1] == "6 recordings in all"
    assert cli.main(["records", "filters", *there, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["labels"][0] == {"label": "AF", "positives": 2, "negatives": 1}


@pytest.mark.parametrize("label_is", ["positive", "negative", "known", "unknown"])
def test_what_is_counted_of_a_label_is_what_its_filter_leaves(workspace: Workspace, label_is: str) -> None:
    told = workspace.record_facets()
    one = next(label for label in told.labels if label.label == "AF")
    known = one.positives + one.negatives
    numbers = {"positive": one.positives, "negative": one.negatives, "known": known, "unknown": told.records - known}
    assert len(found(workspace, label="AF", label_is=label_is)) == numbers[label_is]


def test_a_text_is_found_in_whatever_case_and_its_signs_are_no_pattern(workspace: Workspace) -> None:
    assert found(workspace, text="P000000000007") == [0, 1]
    assert found(workspace, text="LOCAL") == [0, 1, 2, 3, 4, 5]
    assert found(workspace, text="%") == found(workspace, text="_") == []
