"""How a run ends is told in its events, whoever or whatever ended it."""

import errno
import types

import numpy as np
import pytest

from engine import lifecycle
from engine.cli import main
from engine.contract.config import ImportConfig
from engine.contract.errors import EXIT_BUG, EXIT_DONE, EXIT_USAGE, EXIT_WORLD, WorldError
from engine.contract.events import Finished, Started, read_events
from engine.contract.results import ImportResults, parse_results
from engine.contract.run import Lock, RunFolder, Stopped

DONE = ImportResults(imported=3, duplicates=0, refused=0, store_records=3)


@pytest.fixture
def run(tmp_path, monkeypatch):
    folder = RunFolder.create(tmp_path / "J0001", ImportConfig(store=str(tmp_path / "store")))
    monkeypatch.setattr(lifecycle.signal, "signal", lambda *_: None)

    def act(worker):
        monkeypatch.setattr(lifecycle, "_worker", lambda _: worker)
        return main(["import", str(folder.path)])

    return types.SimpleNamespace(folder=folder, act=act)


def last(folder):
    return read_events(folder.events_path)[0][-1]


def test_a_run_that_works_leaves_results_and_says_done(run):
    assert run.act(lambda *_: DONE) == EXIT_DONE
    assert parse_results(run.folder.results_path.read_text()) == DONE
    events, _ = read_events(run.folder.events_path)
    assert isinstance(events[0], Started)
    assert events[0].versions["torch"]
    assert events[-1].outcome == "done"


def test_the_worlds_error_is_told_with_its_next_step(run):
    def refuse(*_):
        raise WorldError("disk", "it is full", "Free some space and resume")

    assert run.act(refuse) == EXIT_WORLD
    assert last(run.folder) == Finished(
        seq=1,
        time=last(run.folder).time,
        outcome="failed",
        message="disk: it is full",
        next_step="Free some space and resume",
    )


def test_a_bug_is_told_without_its_message_which_may_quote_a_recording(run, capsys):
    patient = "enaJ"[::-1]  # not spelled out, since a traceback shows source lines

    def break_down(*_):
        raise ValueError(f"cannot convert '{patient}'")

    assert run.act(break_down) == EXIT_BUG
    assert last(run.folder).bug
    assert "ValueError" in last(run.folder).message
    said = capsys.readouterr()
    assert patient not in last(run.folder).model_dump_json() + said.err + said.out


@pytest.mark.parametrize(
    ("code", "exit_code", "told"),
    [
        (errno.ENOSPC, EXIT_WORLD, "disk: it is full"),
        (errno.EROFS, EXIT_WORLD, "disk: the run's files cannot be written"),
        (errno.ENOENT, EXIT_BUG, "internal error (FileNotFoundError"),
    ],
)
def test_a_disk_at_fault_is_no_bug_of_ours_and_a_missing_file_is(run, monkeypatch, code, exit_code, told):
    def refuse(*_):
        raise OSError(code, "no luck", "/ward7/patient.dat")

    monkeypatch.setattr(RunFolder, "write_results", refuse)
    assert run.act(lambda *_: DONE) == exit_code
    assert last(run.folder).message.startswith(told)
    assert last(run.folder).bug == (exit_code == EXIT_BUG)
    assert "patient" not in last(run.folder).model_dump_json()


def test_watching_a_run_that_lets_go_of_its_lock_a_moment_after_its_last_word_tells_how_it_ended(run, monkeypatch):
    run.act(lambda *_: DONE)
    answers = iter([True, False])
    monkeypatch.setattr(Lock, "is_held", lambda _: next(answers))
    assert main(["watch", str(run.folder.path)]) == EXIT_DONE


def test_watching_a_run_that_was_cut_says_that_it_has_not_finished(run, capsys):
    run.act(lambda *_: DONE)
    lines = run.folder.events_path.read_text().splitlines(keepends=True)
    run.folder.events_path.write_text("".join(lines[:-1]))
    assert main(["watch", str(run.folder.path)]) == EXIT_WORLD
    assert "it has not finished" in capsys.readouterr().err


def test_a_stopped_run_is_no_failure(run):
    def stop(*_):
        raise Stopped

    assert run.act(stop) == EXIT_DONE
    assert last(run.folder).outcome == "stopped"


def test_labels_are_deleted_however_the_run_ends(run):
    for worker in (lambda *_: DONE, lambda *_: 1 / 0):
        np.savez(run.folder.labels_path, y=np.zeros(3))
        run.act(worker)
        assert not run.folder.labels_path.exists()


def test_a_run_folder_of_another_kind_is_refused(run):
    assert main(["pretrain", str(run.folder.path)]) == EXIT_WORLD


def test_a_folder_without_config_is_a_usage_error_for_watch_and_stop(tmp_path):
    assert main(["watch", str(tmp_path)]) == EXIT_USAGE
    assert main(["stop", str(tmp_path)]) == EXIT_USAGE


def test_an_unknown_verb_is_a_usage_error():
    with pytest.raises(SystemExit) as end:
        main(["dance"])
    assert end.value.code == EXIT_USAGE


def test_stopping_a_run_that_nobody_works_on_says_so(run, capsys):
    assert main(["stop", str(run.folder.path)]) == EXIT_WORLD
    assert "nobody works on it" in capsys.readouterr().err
