"""Nothing leaves the workspace that names what was seen at import; errors tell kind and place, never the identifier."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from core_cases import SAMPLES, tiny_config

from app import cli
from app.core import leaving
from app.core.schema import Mark
from app.workspace import Workspace
from engine.contract.errors import WorldError
from engine.data.extra_leads import keep_extra
from engine.signal.acquisition import ExtraLeads

PERSON = "Kowalczyk_Ewa_19310412"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    (folder / "in").mkdir()
    for n, header in enumerate(sorted(SAMPLES.glob("*.hea"))[:12]):
        name = f"{PERSON}_{n}" if n == 0 else header.stem
        text = header.read_text().replace(header.stem, name)
        (folder / "in" / f"{name}.hea").write_text(text)
        shutil.copy(header.with_suffix(".dat"), folder / "in" / f"{name}.dat")
    labels = (
        (SAMPLES / "labels.csv")
        .read_text()
        .replace(",20372,", ",MRN-0020372,")
        .replace(sorted(SAMPLES.glob("*.hea"))[0].stem, f"{PERSON}_0")
    )
    (folder / "labels.csv").write_text(labels)
    with Workspace.create(folder / "ward7") as workspace:
        job = workspace.import_files([folder / "in"], labels=folder / "labels.csv")
        assert workspace.wait(job, timeout_s=60).state == "done"
    return folder / "ward7"


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Iterator[Workspace]:
    shutil.copytree(template, tmp_path / "ward7")
    with Workspace.open(tmp_path / "ward7") as opened:
        yield opened


def kinds(workspace: Workspace, text: str) -> set[str]:
    with workspace._home.db.read() as session:
        return {found.kind for found in leaving.search(session, workspace._home.key, {"text": text})}


def test_what_a_file_was_called_is_found_in_any_spelling_and_ordinary_text_is_not(workspace: Workspace) -> None:
    for text in ("see kowalczyk ewa 19310412 0", "KOWALCZYK-EWA-19310412-0", "kowalczykewa193104120"):
        assert kinds(workspace, text) == {"file name"}, text
    assert kinds(workspace, "patient mrn0020372") == {"patient id"}
    assert kinds(workspace, "Two models on 155 recordings, AUROC 0.842 (0.781 to 0.887), p 0.0312") == set()


def test_the_workspace_keeps_hashes_and_no_words(workspace: Workspace) -> None:
    with workspace._home.db.read() as session:
        assert session.query(Mark).count() == sum(workspace.identifier_counts().values()) > 0
    workspace.close()
    content = (workspace.path / "isoline.db").read_bytes()
    marks_only = content.lower().count(b"kowalczyk")
    stems = 3  # job_files.path, records.source_name and its index: they stay in the workspace
    assert marks_only <= 2 * stems + 2


def test_events_and_console_of_an_import_hold_nothing_that_was_seen(workspace: Workspace) -> None:
    run = workspace.path / "runs" / "J0001"
    paths = [path for path in (run / "events.jsonl", run / "console.log", run / "results.json") if path.exists()]
    assert workspace.search_files(paths) == {path: [] for path in paths}
    assert not (run / "pseudonyms.key").exists()


def test_an_error_names_kind_and_place_and_never_the_identifier(workspace: Workspace) -> None:
    texts = leaving.by_place({"title": "About Kowalczyk, Ewa 19310412 0", "models": ["fine"]})
    with workspace._home.db.read() as session, pytest.raises(WorldError) as caught:
        leaving.refuse_identifiers(session, workspace._home.key, "report", texts)
    assert "file name in" in str(caught.value)
    assert "owalczyk" not in str(caught.value)
    assert caught.value.fault == "identifier"


def test_dates_on_which_something_was_done_here_are_nobodys(workspace: Workspace) -> None:
    today = workspace.audit()[0].time[:10]
    with workspace._home.db.write() as session:
        from engine.signal.identifiers import marks_of

        for day in (today, "1999-05-06"):
            session.add_all(
                Mark(mark=mark, kind="acquisition date")
                for mark in marks_of(workspace._home.key, "acquisition date", day)
            )
    assert kinds(workspace, f"made on {today}") == set()
    assert kinds(workspace, "recorded on 6 May 1999") == {"acquisition date"}


def test_the_verb_tells_kind_and_place_and_exits_with_1(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good = tmp_path / "letter.txt", tmp_path / "table.csv"
    bad.write_text("Dear colleague,\nabout Kowalczyk Ewa 19310412 0\n")
    good.write_text("label,AUROC\nAF,0.842\n")
    assert cli.main(["search", str(good), "-w", str(workspace.path)]) == 0
    capsys.readouterr()
    assert cli.main(["search", str(bad), str(good), "-w", str(workspace.path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told[str(bad)] == [{"kind": "file name", "place": "line 2"}]
    assert told[str(good)] == []


def test_a_file_that_cannot_be_searched_is_named_by_its_place_among_them(workspace: Workspace, tmp_path: Path) -> None:
    good, picture = tmp_path / "good.txt", tmp_path / "kowalczyk.png"
    good.write_text("nothing\n")
    picture.write_bytes(b"\x89PNG\0")
    with pytest.raises(WorldError) as told:
        workspace.search_files([good, picture])
    assert str(told.value) == "file 2 of 2: it is no text. Search text, CSV, JSON, SVG or PDF files."


NAMED = "for kowalczyk ewa 19310412 0"
CLEAN = "spring"


def through_fingerprints(workspace: Workspace, out: Path, words: str) -> list[Path]:
    return [workspace.export_fingerprints("main", out / "pack.isofp", note=words)[0]]


def through_the_name_of_a_corpus(workspace: Workspace, out: Path, words: str) -> list[Path]:
    return [workspace.export_fingerprints("main", out / "pack.isofp", corpus=words)[0]]


def through_a_run_folder(workspace: Workspace, out: Path, words: str) -> list[Path]:
    workspace.export_pretraining(tiny_config(words), out / "run")
    return [out / "run"]


def through_the_name_of_a_run_folder(workspace: Workspace, out: Path, words: str) -> list[Path]:
    workspace.export_pretraining(tiny_config(), out / words)
    return [out / words]


def through_the_name_of_a_file(workspace: Workspace, out: Path, words: str) -> list[Path]:
    return [workspace.export_record(workspace.records()[0].record_id, out / f"{words}.npz")]


def through_the_leads_of_a_file(workspace: Workspace, out: Path, words: str) -> list[Path]:
    record_id = workspace.records()[0].record_id
    keep_extra(workspace.path / "store", record_id, ExtraLeads((words,), np.zeros((1, 100), dtype=np.float32)))
    return [workspace.export_record(record_id, out / "recording.npz")]


def through_a_table_of_the_window(workspace: Workspace, out: Path, words: str) -> list[Path]:
    from app.ui.compare_page import _write

    _write(workspace, out / "numbers.csv", f"model,AUROC\n{words},0.842\n")
    return [out / "numbers.csv"]


DOORS = [
    through_fingerprints,
    through_the_name_of_a_corpus,
    through_a_run_folder,
    through_the_name_of_a_run_folder,
    through_the_name_of_a_file,
    through_the_leads_of_a_file,
    through_a_table_of_the_window,
]


@pytest.mark.parametrize("door", DOORS)
def test_what_was_planted_at_import_leaves_by_no_door(workspace: Workspace, tmp_path: Path, door: Any) -> None:
    workspace.create_cohort("main", folds=3)
    jobs_before = len(workspace.jobs())
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(WorldError) as caught:
        door(workspace, out, NAMED)
    assert caught.value.fault == "identifier"
    assert "owalczyk" not in str(caught.value)
    assert list(out.iterdir()) == []
    assert len(workspace.jobs()) == jobs_before
    assert all(path.exists() for path in door(workspace, out, CLEAN))


def test_the_store_of_a_workspace_is_no_way_around_it(workspace: Workspace, tmp_path: Path) -> None:
    asked = ["fingerprint", "export", "--store", str(workspace.path / "store"), "--out", str(tmp_path / "x.isofp")]
    assert cli.main([*asked, "--note", NAMED]) == 1
    assert not (tmp_path / "x.isofp").exists()
    assert cli.main([*asked, "--note", CLEAN]) == 0


def test_the_windows_own_log_leaves_out_what_names_somebody(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtCore import QtMsgType

    from app.ui.crash import LEFT_OUT, CrashCatcher
    from app.ui.messages import Messages

    catcher = CrashCatcher(Messages(), tmp_path / "window.log")
    catcher.names_somebody = workspace.names_somebody
    catcher._qt_message(QtMsgType.QtWarningMsg, None, f"QFile: cannot open /scans/{PERSON}_0.hea")
    catcher._qt_message(QtMsgType.QtWarningMsg, None, "QPainter: not active")
    catcher.names_somebody = lambda _text: 1 / 0 > 0
    catcher._qt_message(QtMsgType.QtWarningMsg, None, "nobody can tell")
    told = (tmp_path / "window.log").read_text()
    assert "owalczyk" not in told
    assert "not active" in told
    assert "nobody can tell" not in told
    assert told.count(LEFT_OUT) == 2


def test_a_study_export_with_an_identifier_in_a_name_writes_nothing(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core_cases import tiny_study, use_quick_engine

    use_quick_engine(monkeypatch, tmp_path / "engine")
    named = tiny_study("grid")
    config = named.model_copy(update={"base": {**named.base, "name": "for kowalczyk ewa 19310412 0"}})
    job = workspace.study(config)
    assert workspace.wait(job, timeout_s=60).state == "done"
    files = workspace.export_study(job, tmp_path / "clean")
    assert files
    monkeypatch.setattr("app.report.study_export.table_text", lambda *_: "name\nkowalczyk ewa 19310412 0\n")
    with pytest.raises(WorldError, match=r"file name in study\.csv"):
        workspace.export_study(job, tmp_path / "figures")
    assert not (tmp_path / "figures").exists()
