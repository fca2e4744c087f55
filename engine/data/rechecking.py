"""The recheck run: every recording of the store is judged again, as an import would judge it today.

The verdicts stand in the run folder (`verdicts.jsonl`), one line a recording in the order of the store, so that a run
that was stopped or killed goes on behind the last whole line.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from engine.contract.events import EventWriter, Progress
from engine.contract.recheck import RecheckConfig, RecheckResults
from engine.contract.run import RunFolder, Stopped
from engine.data.store import Store
from engine.signal.quality import Quality, assess
from engine.signal.recording import Recording

VERDICTS = "verdicts.jsonl"
TELL_S = 1.0


def run(folder: RunFolder, config: RecheckConfig, events: EventWriter) -> RecheckResults:
    """Judge the whole store, or go on judging.

    Raises:
        WorldError: there is no store, or of another layout.
        Stopped: somebody asked for it; what was judged counts.
    """
    store, path = Store.open(config.store), folder.path / VERDICTS
    kept = _cut(path)
    with path.open("ab") as file:
        _go_on(store, kept, folder, file, events)
    verdicts, findings = Counter[str](), Counter[str]()
    for told in read_verdicts(path):
        verdicts[told["quality"]] += 1
        findings.update(told["evidence"]["names"])
    return RecheckResults(recordings=len(store), verdicts=dict(verdicts), findings=dict(findings))


def judge(store: Store, row: int) -> Quality:
    """The verdict on one recording of a store, by the rules of this version."""
    entry = store.entry(row)
    return assess(
        Recording(
            signal_CT=store.signal(row), rate_hz=entry.rate_hz, present=tuple(entry.present), derived=entry.derived
        )
    )


def read_verdicts(path: Path) -> Iterator[dict[str, Any]]:
    """What was found, one recording after the other: record_id, quality, quality_reasons, evidence."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _go_on(store: Store, first: int, folder: RunFolder, file: BinaryIO, events: EventWriter) -> None:
    began, told = time.monotonic(), float("-inf")
    for row in range(first, len(store)):
        found = judge(store, row)
        line = {
            "record_id": store.entry(row).record_id,
            "quality": found.verdict,
            "quality_reasons": list(found.reasons),
            "evidence": found.evidence,
        }
        file.write(json.dumps(line).encode() + b"\n")
        now = time.monotonic()
        if now - told > TELL_S:
            told, left = now, (now - began) / (row + 1 - first) * (len(store) - row - 1)
            _tell(events, row + 1, len(store), left)
        if folder.stop_asked():
            raise Stopped
    file.flush()
    os.fsync(file.fileno())
    _tell(events, len(store), len(store), 0.0)


def _tell(events: EventWriter, done: int, total: int, seconds_left: float) -> None:
    events.emit(Progress(done=done, total=total, unit="recordings", seconds_left=seconds_left))


def _cut(path: Path) -> int:
    """Take away a line that a kill has left half written; gives back how many are whole."""
    if not path.exists():
        return 0
    whole, lines = 0, 0
    with path.open("rb+") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            whole, lines = whole + len(line), lines + 1
        file.truncate(whole)
    return lines
