"""A workspace with real recordings for tests of the app's core, and an engine whose workers do quick, known work.

The engine is a real process with the real lifecycle (lock, events, results, exit codes); only its workers are replaced.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from app.workspace import Workspace
from engine.contract.config import EvaluationSettings, PretrainConfig, S4Config, StudyConfig

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples" / "ptbxl"
QUICK = EvaluationSettings(resamples=100)
WORKERS = '''
import hashlib, os, sys, time
from engine import lifecycle
from engine.contract.card import ModelCard
from engine.contract.errors import WorldError
from engine.contract.events import Checkpoint, CollapseWatch, Metric, Probed, Progress, StudyRun, Warned, read_events
from engine.contract.results import EmbedResults, EstimateResults, PretrainResults, StudyRow
from engine.contract.run import RunFolder, Stopped

PAUSE = float(os.environ.get("FAKE_PAUSE", "0"))
HOLD = os.environ.get("FAKE_HOLD", "")

def rest(folder):
    """Take time, but heed at once whoever asks to stop."""
    end = time.monotonic() + PAUSE
    while time.monotonic() < end and not folder.stop_asked():
        time.sleep(min(PAUSE, 0.02))
    while HOLD and not os.path.exists(HOLD) and not folder.stop_asked():
        time.sleep(0.02)

def checkpoint(folder, name, weights):
    place = folder.checkpoints / "step-000010"
    place.mkdir(parents=True, exist_ok=True)
    (place / "weights.safetensors").write_bytes(weights)
    sha256 = hashlib.sha256(weights).hexdigest()
    card = ModelCard(name=name, source="native", weights_sha256=sha256)
    (place / "card.json").write_text(card.model_dump_json())
    return sha256

def pretrain(folder, config, events):
    done = [e.step for e in read_events(folder.events_path)[0] if isinstance(e, Metric)]
    print("working on", config.name)
    if config.name == "says nothing":
        os.kill(os.getpid(), 9)
    for step in range(max(done, default=0) + 1, config.steps + 1):
        if folder.stop_asked():
            raise Stopped
        events.emit(Metric(step=step, values={"loss": 1.0 / step, "odd": None if step == 2 else float(step)}))
        events.emit(Progress(done=step, total=config.steps, unit="steps", message="line\\u2028break"))
        time.sleep(PAUSE) if config.name == "deaf" else rest(folder)
        if config.name == "cannot write" and step == 3:
            os._exit(1)
        if config.name == "dies" and step == 3:
            os.kill(os.getpid(), 9)
    if config.name == "refuses":
        events.emit(Warned(message="a warning"))
        raise WorldError("disk", "it is full", "Free some space", fault="disk_full")
    if config.name == "bug":
        raise ValueError("a secret " + "name")
    if config.name == "collapses":
        events.emit(CollapseWatch(step=5, collapsed=False, measures={"effective_rank": 4.0}))
        events.emit(CollapseWatch(step=10, collapsed=True, measures={"effective_rank": 1.0}, reason="flat"))
    if config.probe is not None:
        labels = dict.fromkeys(config.probe.labels, 0.75)
        assert folder.labels_path.exists() and (folder.path / "probe.csv").exists()
        events.emit(Probed(step=0, macro=0.5, labels=dict.fromkeys(labels)))
        events.emit(Probed(step=10, macro=0.75, labels=labels))
    weights = b"weights of " + config.name.encode()
    sha256 = checkpoint(folder, config.name, weights)
    events.emit(Checkpoint(step=10, name="step-000010"))
    return PretrainResults(checkpoint="checkpoints/step-000010", weights_sha256=sha256, steps=config.steps,
                           parameters=1, final={"loss": 0.1}, seconds=1.0)

def estimate(folder, config, events):
    fits = config.pretrain.batch_size < 1000
    return EstimateResults(fits=fits, refusal="" if fits else "memory is short", device="cpu", parameters=1, tokens=300,
                           steps=config.pretrain.steps, seconds=90.0, disk_bytes=1500, disk_free_bytes=10**9)

def study(folder, config, events):
    from engine.study.grid import cells  # here: what they load takes a second, and most jobs are no studies
    from engine.study.subsets import Subsets, read_sizes
    from engine.study.summary import summarise

    corpora = {}
    if "corpus" in config.axes:
        lines = (folder.path / "corpora.csv").read_text().splitlines()[1:]
        corpora = dict(line.split(",") for line in lines)
    subsets = Subsets(folder.manifest(), read_sizes(config.axes.get("records", ()), ""), config.layout, 0, corpora)
    found = cells(config, subsets)
    rows = []
    for n, cell in enumerate(found):
        if n == 2 and not folder.results_path.with_name("second").exists() and config.name == "is cut":
            folder.results_path.with_name("second").touch()
            os.kill(os.getpid(), 9)
        state = "refused" if cell.config is None else "done"
        metrics = {"validation_loss": 4.0 - n, "validation_trivial_loss": 5.0, "records": 4.0 + n}
        row = StudyRow(number=cell.number, name=cell.name, values=cell.values, state="running")
        events.emit(StudyRun(row=row))
        row = row.model_copy(update={"state": state, "metrics": metrics, "message": cell.refusal})
        events.emit(StudyRun(row=row))
        events.emit(Progress(done=n + 1, total=len(found), unit="runs"))
        checkpoint(RunFolder(folder.path / "runs" / f"{cell.number:04d}"), cell.name, cell.name.encode())
        rows.append(row)
        time.sleep(PAUSE)
    return summarise(config, rows, [], 1.0)

def embed(folder, config, events):
    return EmbedResults(model_sha256="0" * 64, records=len(folder.manifest()), computed=0, layers=["stem"], width=1)
'''


def use_quick_engine(monkeypatch: pytest.MonkeyPatch, folder: Path, pause: float = 0.0) -> None:
    """Let `engine_command` start an engine whose pretraining does known work in no time."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "quick_workers.py").write_text(WORKERS, encoding="utf-8")
    (folder / "quick_engine.py").write_text(
        textwrap.dedent(
            """
            import sys
            from pathlib import Path
            from engine import lifecycle
            lifecycle.WORKERS |= {kind: f"quick_workers:{kind}" for kind in ("pretrain", "estimate", "study", "embed")}
            from engine.cli import main
            sys.exit(main(sys.argv[1:]))
            """
        ),
        encoding="utf-8",
    )
    monkeypatch.setenv("ISOLINE_ENGINE", f'"{sys.executable}" "{folder / "quick_engine.py"}"')
    monkeypatch.setenv("FAKE_PAUSE", str(pause))


@contextmanager
def quick_copy(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A copy of a workspace, open, whose engine works quickly."""
    use_quick_engine(monkeypatch, tmp_path / "engine")
    shutil.copytree(template, tmp_path / "ward7")
    with Workspace.open(tmp_path / "ward7") as opened:
        yield opened


def make_workspace(path: Path, count: int = 12, anew: bool = False) -> Path:
    """A workspace with `count` real recordings and their labels, made by a real import run.

    Of each size one is made and the others are its copies, with one identity, unless it has to be made anew.
    """
    if anew:
        return imported(path, count)
    shutil.copytree(first_of(count), path)
    return path


MADE = tempfile.TemporaryDirectory(prefix="isoline-tests-", ignore_cleanup_errors=True)


@cache
def first_of(count: int) -> Path:
    """The one that is copied."""
    return imported(Path(MADE.name) / str(count) / "workspace", count)


def imported(path: Path, count: int) -> Path:
    """A workspace, and beside it the files that were imported into it."""
    inputs = path.with_name(path.name + "-inputs")
    inputs.mkdir(parents=True)
    for header in sorted(SAMPLES.glob("*.hea"))[:count]:
        shutil.copy(header, inputs)
        shutil.copy(header.with_suffix(".dat"), inputs)
    with Workspace.create(path) as workspace:
        job = workspace.import_files([inputs], labels=SAMPLES / "labels.csv")
        assert workspace.wait(job, timeout_s=120).state == "done"
    return path


def tiny_config(name: str = "tiny", steps: int = 10) -> PretrainConfig:
    """A small pretraining."""
    return PretrainConfig(name=name, backbone=S4Config(width=8, depth=1), steps=steps, batch_size=2)


def tiny_study(name: str = "grid", **axes: object) -> StudyConfig:
    """A study of tiny pretrainings; without axes, over two seeds and two sizes."""
    return StudyConfig(
        name=name,
        base={"steps": 4, "batch_size": 2, "backbone": {"name": "s4", "width": 8, "depth": 1}},
        axes=axes or {"records": (4, 0), "seed": (0, 1)},
    )


def hurt(workspace: Workspace, statement: str, *values: object) -> None:
    """Change the database behind the program's back, as an intruder with the file would."""
    with sqlite3.connect(workspace.path / "isoline.db") as connection:
        connection.execute(statement, values)
    connection.close()


def event_lines(workspace: Workspace, job_id: str) -> list[dict[str, object]]:
    """What stands in the run's event file."""
    text = (workspace.path / "runs" / job_id / "events.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def sha256(content: bytes) -> str:
    """Hash in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
