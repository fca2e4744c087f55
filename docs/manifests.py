"""What the list of a run's recordings costs, as columns and as objects.

    python docs/manifests.py [ROWS]

Writes the manifest of a made-up run (11 million rows by default, half a gigabyte in a temporary folder) and reads it in
processes of their own: as columns, as runs do, and row by row, as they once did. Prints
the table of docs/scale.md: processor seconds of one core, memory held after and at most while reading.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.run import ManifestRow, RunFolder
from engine.data.embedding_cache import Names
from engine.data.keys import keys_of_ids
from engine.data.leakage import Look
from engine.data.manifest import Manifest
from engine.data.store import Store
from engine.training.lineage import Corpus

ROWS = 11_000_000
PATIENTS = 1_800_000
PAGE = os.sysconf("SC_PAGE_SIZE")
WAYS: dict[str, str] = {
    "columns": "columns",
    "card": "columns, and what the model's card tells",
    "embedding": "columns, and the places of an embedding run",
    "search": "columns, and the places of a search for leaks",
    "rows": "an object a row",
    "embedding-rows": "an object a row, and a table of places, as embedding did",
    "search-rows": "an object a row, and a list by recording, as the search did",
}


def write(folder: Path, rows: int) -> None:
    """A manifest of so many rows, one in twenty held out."""
    draw = random.Random(0)
    with (folder / "manifest.csv").open("w") as file:
        file.write("record_id,patient,split\n")
        for _ in range(rows):
            side = "validation" if draw.random() < 0.05 else "train"
            file.write(f"r{draw.getrandbits(48):012x},p{draw.randrange(PATIENTS) * 2654435761:016x},{side}\n")


def measure(way: str, folder: Path) -> None:
    """Read it in one way and print seconds, megabytes held and megabytes at most."""
    ways: dict[str, Callable[[], object]] = {
        "rows": RunFolder(folder).manifest,
        "columns": lambda: Manifest.read(folder / "manifest.csv"),
        "card": lambda: _with_card(Manifest.read(folder / "manifest.csv")),
        "embedding": lambda: Names(Manifest.read(folder / "manifest.csv").ids_N),
        "search": lambda: Look(_AllThere(), Manifest.read(folder / "manifest.csv"), lambda *_: None, ()),
        "embedding-rows": lambda: _as_objects(RunFolder(folder).manifest()),
        "search-rows": lambda: _as_lists(RunFolder(folder).manifest()),
    }
    before, began = _resident(), time.process_time()
    kept = ways[way]()
    seconds, held = time.process_time() - began, _resident() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    print(f"{seconds:.1f} {held / 1e6:.0f} {peak / 1e6:.0f}")
    assert kept


def _with_card(manifest: Manifest) -> tuple[Manifest, Corpus]:
    keys, good = keys_of_ids(manifest.ids_N)
    assert len(keys) == good.sum()
    return manifest, Corpus.of(manifest)


class _AllThere(Store):
    """A store that holds every recording that it is asked for: its index is measured elsewhere."""

    def __init__(self) -> None: ...

    def find_many(self, record_ids: object) -> NDArray[np.int64]:
        return np.arange(len(record_ids))  # type: ignore[arg-type]


def _as_objects(rows: list[ManifestRow]) -> tuple[list[str], dict[str, int], dict[str, None]]:
    ids = [row.record_id for row in rows]
    return ids, {name: n for n, name in enumerate(ids)}, dict.fromkeys(ids)


def _as_lists(rows: list[ManifestRow]) -> tuple[list[ManifestRow], dict[str, list[ManifestRow]], list[int]]:
    places: dict[str, list[ManifestRow]] = defaultdict(list)
    for row in rows:
        places[row.record_id].append(row)
    return rows, places, list(range(len(rows)))


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def main(arguments: list[str]) -> None:
    """Write, then measure each way in a process of its own."""
    if arguments[:1] == ["measure"]:
        measure(arguments[1], Path(arguments[2]))
        return
    rows = int(arguments[0]) if arguments else ROWS
    with tempfile.TemporaryDirectory() as place:
        write(Path(place), rows)
        print(f"{rows:,} rows, {(Path(place) / 'manifest.csv').stat().st_size / 1e6:,.0f} MB\n")
        print("| Read as | CPU s | MB held | MB at most |\n| --- | --- | --- | --- |")
        for way, words in WAYS.items():
            command = [sys.executable, __file__, "measure", way, place]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            print(f"| {words} | {told[0]} | {int(told[1]):,} | {int(told[2]):,} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
