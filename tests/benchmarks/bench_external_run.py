"""A long run of a vendor's model: recordings a second, memory, a kill in the middle, and what is computed again.

    python tests/benchmarks/bench_external_run.py [RECORDINGS] [FOLDER]

Recordings of noise (12 leads, 3 s at 100 Hz) go through an ECGResNet of random weights by `isoline-engine embed`. The
run is killed half-way and started again. Memory is told as the system does: "anonymous" is what the run holds itself,
"mapped" is the store's file, which the system gives up whenever it needs room.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from engine.contract.card import Output, Preprocessing
from engine.contract.config import EmbedConfig
from engine.contract.model_source import ExternalModel
from engine.contract.run import ManifestRow, RunFolder
from engine.data.digests import sha256_of
from engine.data.store import Store
from engine.signal.recording import Recording
from engine.zoo.architectures.ecgresnet import ECGResNet

LOOK_S = 2.0


def main(recordings: int, folder: Path) -> None:
    """Make the recordings and the run, do it, and print what it took."""
    record_ids = stored(folder / "store", recordings)
    config = EmbedConfig(
        store=str(folder / "store"), cache=str(folder / "cache"), model=vendor(folder / "vendor"), threads=1
    )
    run = RunFolder.create(folder / "run", config, [ManifestRow(name, name, "all") for name in record_ids])
    print(f"{'recordings':>10} {'anonymous':>10} {'mapped':>10} {'left':>8}")
    began = time.monotonic()
    worked(run.path, stop_at=recordings // 2)
    killed_at = done(run.path)[0]
    print(f"killed at {killed_at:,}; started again")
    first = worked(run.path)
    seconds = time.monotonic() - began
    told = json.loads(run.results_path.read_text(encoding="utf-8"))
    print(
        f"{told['records']:,} recordings in {seconds:.0f} s, start and kill in it; after the kill it began at {first:,}"
    )


def stored(path: Path, recordings: int) -> list[str]:
    """A store of noise; gives back the ids."""
    rng = np.random.default_rng(0)
    with Store.create(path) as store:
        for number in range(recordings):
            signal = (rng.integers(-800, 800, (12, 300)) / 1000).astype(np.float32)
            store.append(Recording(signal, 100.0, file_sha256=f"{number:064x}"))
    made = Store.open(path)
    return [made.entry(row).record_id for row in range(recordings)]


def vendor(folder: Path) -> ExternalModel:
    """An ECGResNet of random weights."""
    folder.mkdir()
    torch.manual_seed(0)
    save_file(ECGResNet().state_dict(), folder / "net.safetensors")
    return ExternalModel(
        name="vendor",
        format="safetensors",
        folder=str(folder),
        entry="net.safetensors",
        files={"net.safetensors": sha256_of(folder / "net.safetensors")},
        architecture="ecgresnet",
        sha256="0" * 64,
        preprocessing=Preprocessing(rate_hz=100, window_s=3, clip_mv=None),
        outputs=(Output(name="logits", kind="logits", classes=tuple("ABCDE"), activation="sigmoid"),),
    )


def worked(path: Path, stop_at: int | None = None) -> int:
    """Do the run, or kill it when so many recordings are done; how many stood when it began to compute."""
    lines = len((path / "events.jsonl").read_text(encoding="utf-8").splitlines()) if stop_at is None else 0
    process = subprocess.Popen([sys.executable, "-m", "engine", "embed", str(path)])
    while process.poll() is None:
        time.sleep(LOOK_S)
        told, left = done(path)
        print(f"{told:>10,} {held(process.pid, 'Anon'):>10} {held(process.pid, 'File'):>10} {left:>6.0f} s")
        if stop_at is not None and told >= stop_at:
            process.kill()
    process.wait()
    events = [json.loads(line) for line in (path / "events.jsonl").read_text(encoding="utf-8").splitlines()[lines:]]
    return next((event["done"] for event in events if event["type"] == "progress"), 0)


def done(path: Path) -> tuple[int, float]:
    """Recordings that are done, and seconds that are left, as the run's last event of progress says."""
    log = path / "events.jsonl"
    told = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    steps = [event for event in told if event["type"] == "progress"]
    return (steps[-1]["done"], steps[-1].get("seconds_left") or 0.0) if steps else (0, 0.0)


def held(pid: int, kind: str) -> str:
    """Resident memory of a process, of one kind, as Linux tells it."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return "-"
    found = re.search(rf"Rss{kind}:\s+(\d+) kB", text)
    return f"{int(found[1]) / 1000:.0f} MB" if found else "-"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        chosen = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(place)
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, chosen)
