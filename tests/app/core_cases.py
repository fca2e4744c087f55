"""A workspace with real recordings for tests of the app's core, and an engine whose workers do quick, known work.

The engine is a real process with the real lifecycle (lock, events, results, exit codes); only its workers are replaced.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import sys
import textwrap
from pathlib import Path

import pytest

from app.workspace import Workspace
from engine.contract.config import PretrainConfig, S4Config

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples" / "ptbxl"
WORKERS = """
import hashlib, os, sys, time
from engine import lifecycle
from engine.contract.card import ModelCard
from engine.contract.errors import WorldError
from engine.contract.events import Checkpoint, Metric, Progress, Warned, read_events
from engine.contract.results import EmbedResults, PretrainResults
from engine.contract.run import Stopped

PAUSE = float(os.environ.get("FAKE_PAUSE", "0"))

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
        time.sleep(PAUSE)
        if config.name == "cannot write" and step == 3:
            os._exit(1)
        if config.name == "dies" and step == 3:
            os.kill(os.getpid(), 9)
    if config.name == "refuses":
        events.emit(Warned(message="a warning"))
        raise WorldError("disk", "it is full", "Free some space")
    if config.name == "bug":
        raise ValueError("a secret " + "name")
    weights = b"weights of " + config.name.encode()
    place = folder.checkpoints / "step-000010"
    place.mkdir(parents=True, exist_ok=True)
    (place / "weights.safetensors").write_bytes(weights)
    sha256 = hashlib.sha256(weights).hexdigest()
    card = ModelCard(name=config.name, source="native", weights_sha256=sha256)
    (place / "card.json").write_text(card.model_dump_json())
    events.emit(Checkpoint(step=10, name="step-000010"))
    return PretrainResults(checkpoint="checkpoints/step-000010", weights_sha256=sha256, steps=config.steps,
                           parameters=1, final={"loss": 0.1}, seconds=1.0)

def embed(folder, config, events):
    return EmbedResults(model_sha256="0" * 64, records=len(folder.manifest()), computed=0, layers=["stem"], width=1)
"""


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
            lifecycle.WORKERS["pretrain"] = "quick_workers:pretrain"
            lifecycle.WORKERS["embed"] = "quick_workers:embed"
            from engine.cli import main
            sys.exit(main(sys.argv[1:]))
            """
        ),
        encoding="utf-8",
    )
    monkeypatch.setenv("ISOLINE_ENGINE", f'"{sys.executable}" "{folder / "quick_engine.py"}"')
    monkeypatch.setenv("FAKE_PAUSE", str(pause))


def make_workspace(path: Path, count: int = 12) -> Path:
    """A workspace with `count` real recordings and their labels, made by a real import run."""
    inputs = path.with_name(path.name + "-inputs")
    inputs.mkdir(parents=True)
    for header in sorted(SAMPLES.glob("*.hea"))[:count]:
        shutil.copy(header, inputs)
        shutil.copy(header.with_suffix(".dat"), inputs)
    with Workspace.create(path) as workspace:
        job = workspace.import_files([inputs], labels=SAMPLES / "labels.csv")
        assert workspace.wait(job, timeout_s=60).state == "done"
    return path


def tiny_config(name: str = "tiny", steps: int = 10) -> PretrainConfig:
    """A small pretraining."""
    return PretrainConfig(name=name, backbone=S4Config(width=8, depth=1), steps=steps, batch_size=4)


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
