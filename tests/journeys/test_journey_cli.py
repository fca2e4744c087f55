"""The whole way through the command line with real engine processes: kill, resume, evaluate, report, verify, tamper."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from command_line import as_options, isoline

from app.demo import run_demo, summary
from app.printing import as_json
from app.recipes import recipe_config
from engine.contract.events import Checkpoint, Started, read_events

pytestmark = pytest.mark.slow

SMALL = (
    "backbone.width=16",
    "backbone.depth=2",
    "batch_size=8",
    "objective.negatives=16",
    "checkpoint_every=20",
    "evaluate_every=50",
    "threads=1",
)


def settings(*more):
    return as_options((*SMALL, *more))


@pytest.fixture(scope="module")
def ward(tmp_path_factory, samples):
    """A workspace with the shipped recordings and one cohort."""
    path = tmp_path_factory.mktemp("journey") / "ward"
    isoline("init", path)
    isoline("import", samples, "--labels", samples / "labels.csv", "-w", path)
    isoline("cohort", "create", "main", "--label", "NORM", "--label", "MI", "-w", path)
    return path


def pretrain(ward, name, *more):
    told = isoline("pretrain", "demo", *settings("steps=400", f'name="{name}"', *more), "-w", ward, "--json")
    return json.loads(told)["job_id"]


def show(ward, job):
    return json.loads(isoline("jobs", "show", job, "-w", ward, "--json"))


def wait_for_checkpoint(folder, patience_s=90):
    """Pid of the engine, once it has written a checkpoint and works on."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        events, _ = read_events(folder / "events.jsonl")
        if any(isinstance(event, Checkpoint) for event in events):
            return next(event.pid for event in reversed(events) if isinstance(event, Started))
        time.sleep(0.05)
    raise AssertionError("no checkpoint in time")


@pytest.fixture(scope="module")
def pretrained(ward):
    """Two jobs of one config: the first ran through, the second was killed and resumed."""
    through = pretrain(ward, "through")
    isoline("jobs", "watch", through, "-w", ward)
    killed = pretrain(ward, "killed")
    os.kill(wait_for_checkpoint(ward / "runs" / killed), signal.SIGKILL)
    return through, killed


def test_a_killed_pretraining_is_interrupted_resumes_and_ends_with_the_same_weights(ward, pretrained):
    through, killed = pretrained
    rows = {row["job_id"]: row for row in json.loads(isoline("jobs", "-w", ward, "--json"))}
    assert rows[killed]["state"] == "interrupted"
    isoline("jobs", "watch", killed, "-w", ward, code=2)
    isoline("jobs", "resume", killed, "--wait", "-w", ward)
    first, second = show(ward, through)["results"], show(ward, killed)["results"]
    assert first["weights_sha256"] == second["weights_sha256"]
    assert first["steps"] == second["steps"] == 400


@pytest.fixture(scope="module")
def compared(ward, pretrained):
    """Evaluations of a trained and a random model, and their comparison."""
    isoline("model", "add", "--random", "--set", "width=16", "--set", "depth=2", "--name", "untrained", "-w", ward)
    isoline("model", "add", "--baseline", "-w", ward)
    for model in ("through", "untrained", "age + sex"):
        told = isoline("evaluate", model, "--cohort", "main", "--resamples", "200", "--wait", "--json", "-w", ward)
        results = json.loads(told)
        assert results["model"] == model
        assert 0 <= results["macro"]["value"] <= 1
    told = isoline(
        *("compare", "through", "untrained", "age + sex", "--resamples", "200", "--wait", "--json", "-w", ward)
    )
    return json.loads(told)


def test_a_stress_bench_starts_from_the_evaluation_and_drowns_the_model_in_noise(ward, compared):
    told = isoline(
        *("stress", "through", "--cohort", "main", "--fault", "wander", "--fault", "swap_RA_LA"),
        *("--resamples", "200", "--wait", "--json", "-w", ward),
    )
    stressed = json.loads(told)
    rows = json.loads(isoline("jobs", "-w", ward, "--json"))
    evaluated = [show(ward, row["job_id"])["results"] for row in rows if row["kind"] == "evaluate"]
    plain = next(one for one in evaluated if one["model"] == "through")
    assert stressed["clean"] == plain["macro"]
    swap, wander = stressed["sweeps"]
    assert wander["levels"][-1]["macro"]["value"] < plain["macro"]["value"] - 0.05
    assert len(swap["levels"]) == 1


def test_names_of_models_stand_for_their_only_evaluations(compared):
    assert compared["examined"] == "through"
    assert set(compared["models"]) == {"through", "untrained", "age + sex"}


@pytest.fixture(scope="module")
def pdf(ward, compared, tmp_path_factory):
    """The exported dossier."""
    path = tmp_path_factory.mktemp("out") / "dossier.pdf"
    isoline("report", "--out", path, "-w", ward)
    return path


def test_an_exported_dossier_verifies_line_by_line(ward, pdf):
    told = json.loads(isoline("verify", pdf, "-w", ward, "--json"))
    assert told["ok"]
    assert len(told["checks"]) >= 5
    isoline("audit", "--verify", "-w", ward)


def test_one_changed_byte_of_the_pdf_is_told(ward, pdf, tmp_path):
    content = bytearray(pdf.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "changed.pdf").write_bytes(content)
    isoline("verify", tmp_path / "changed.pdf", "-w", ward, code=1)


def test_a_result_that_was_changed_in_the_database_is_told(ward, pdf, tmp_path):
    copy = tmp_path / "ward"
    shutil.copytree(ward, copy)
    changed = rewrite_results(copy / "isoline.db")
    assert changed > 0
    assert "DIFFERS" in isoline("verify", pdf, "-w", copy, code=1)


def rewrite_results(database):
    """Raise every macro AUROC in the job table, as somebody with an SQLite shell could."""
    connection = sqlite3.connect(database)
    with connection:
        table, column = results_column(connection)
        rows = connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} LIKE '%\"macro\"%'").fetchall()
        for rowid, text in rows:
            results = json.loads(text)
            if results.get("macro", {}).get("value") is None:
                continue
            results["macro"]["value"] = min(1.0, results["macro"]["value"] + 0.1)
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (json.dumps(results), rowid))
    connection.close()
    return len(rows)


def results_column(connection):
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for column in connection.execute(f"PRAGMA table_info({table})"):
            if column[1].startswith("results") and "sha" not in column[1]:
                return table, column[1]
    raise AssertionError("no results column in the database")


def test_a_rewritten_audit_event_is_told_even_when_the_triggers_were_removed(ward, pdf, tmp_path):
    copy = tmp_path / "ward"
    shutil.copytree(ward, copy)
    connection = sqlite3.connect(copy / "isoline.db")
    with connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE audit SET actor = 'somebody else' WHERE seq = 2")
    connection.close()
    assert "broken" in isoline("audit", "--verify", "-w", copy, code=1)
    isoline("verify", pdf, "-w", copy, code=1)


def test_a_run_outlives_the_command_that_waited_for_it(ward):
    told = pretrain(ward, "outlives", "steps=200")
    waiting = subprocess.Popen([sys.executable, "-m", "app", "jobs", "watch", told, "-w", str(ward)])
    wait_for_checkpoint(ward / "runs" / told)
    waiting.kill()
    waiting.wait()
    isoline("jobs", "watch", told, "-w", ward)
    assert show(ward, told)["results"]["steps"] == 200


def test_several_processes_that_write_at_once_lose_nothing(ward):
    names = [f"at once {number}" for number in range(6)]
    command = [sys.executable, "-m", "app", "model", "add", "--random", "--set", "width=16", "-w", str(ward), "--name"]
    writers = [subprocess.Popen([*command, name], stdout=subprocess.DEVNULL) for name in names]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * len(names)
    listed = {row["name"] for row in json.loads(isoline("model", "list", "--json", "-w", ward))}
    assert set(names) <= listed
    isoline("audit", "--verify", "-w", ward)


def test_the_demo_gives_the_same_numbers_twice(tmp_path):
    config = recipe_config("demo", ["steps=60", *SMALL])
    first, second = (run_demo(tmp_path / name, config) for name in ("one", "two"))
    assert first.verified
    assert second.verified
    assert first.macro == second.macro
    assert first.differences == second.differences
    assert first.claims == second.claims
    assert str(first.pdf) in summary(first)
    assert json.loads(as_json(first))["verified"]
