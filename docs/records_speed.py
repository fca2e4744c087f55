"""How fast the records of a large workspace are taken in, found, sorted and counted.

    python docs/records_speed.py [RECORDS]

Makes a workspace in a temporary folder with synthetic rows (100,000 by default) through the same functions that take in
an import, and prints a table. No file is read and no samples are kept: this is about the database. Times are processor
times of this process, in which SQLite works too: they are the same on a busy machine, and leave out waits for the disk.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app.core import intake, jobs, label_import, record_query
from app.core.home import Home
from app.core.record_query import RecordQuery
from engine.contract.config import ImportConfig
from engine.contract.events import FileRead

BLOCK = 2000
PAGE = 200
LABELS = ("AF", "MI", "LBBB", "NORM", "LVH")
DEVICES = (("GE", "MAC 5500"), ("GE", "MAC 800"), ("Philips", "TC70"), ("Schiller", "AT-102"), ("", ""))
REASONS = (
    "flat line in V1",
    "baseline wander in V2, V3",
    "gain suspect: 7 mV",
    "mains hum in I",
    "stuck at its extreme: V4",
)


def event(index: int, draw: random.Random) -> FileRead:
    """What an import tells of one made-up recording."""
    maker, model = draw.choice(DEVICES)
    reasons = draw.sample(REASONS, draw.choice((0, 0, 0, 1, 2)))
    record = {
        "rate_hz": draw.choice((250.0, 500.0, 1000.0)),
        "seconds": draw.choice((10.0, 12.0, 30.0)),
        "present": ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"],
        "format": draw.choice(("WFDB format 16", "DICOM 12-lead ECG", "SCP-ECG")),
        "file_sha256": f"{index:064x}",
        "signal_sha256": f"{index:064x}",
        "age": float(draw.randint(18, 90)),
        "sex": draw.choice(("female", "male")),
        "quality": "limited" if reasons else "good",
        "quality_reasons": reasons,
        "patient": f"p{draw.randint(0, 40_000):012x}",
        "year": draw.randint(1995, 2025),
        "device": {"maker": maker, "model": model, "serial": f"d{draw.randint(0, 50):012x}"},
        "statements": [{"code": "NORM", "system": "SCP-ECG", "source": "device"}],
        "measurements": {"heart_rate_bpm": 70.0, "qrs_ms": 90.0},
        "removed": {"patient id": 1, "patient name": 1, "acquisition date": 1},
        "marks": {"patient name": [f"{draw.getrandbits(64):016x}" for _ in range(6)]},
    }
    return FileRead(index=index, status="imported", record_id=f"r{index:012x}", record=record)


def fill(home: Home, count: int) -> tuple[float, float]:
    """Take in that many recordings and their labels; seconds of each."""
    draw = random.Random(0)
    with home.db.write() as session:
        config = ImportConfig(store=str(home.store))
        job_id = jobs.submit(session, home, config, "local", inputs=[f"/data/{n}.hea" for n in range(count)])
    spent = 0.0
    for start in range(0, count, BLOCK):
        events = [event(n, draw) for n in range(start, min(start + BLOCK, count))]
        began = time.process_time()
        with home.db.write() as session:
            intake.take_files(session, home, jobs.get(session, job_id), "local", events)
        spent += time.process_time() - began
    rows = [
        {"record_id": f"r{n:012x}", "label": label, "value": float(draw.random() < 0.2), "source_sha256": "0" * 64}
        for n in range(count)
        for label in LABELS
    ]
    began = time.process_time()
    with home.db.write() as session:
        label_import.put(session, [row | {"kind": "binary", "origin": "table"} for row in rows])
    return spent, time.process_time() - began


def median_ms(act: Callable[[], object], times: int = 7) -> float:
    """Median milliseconds of some calls."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        act()
        spent.append(1000 * (time.process_time() - began))
    return statistics.median(spent)


def main() -> None:
    """Fill a workspace and print what its queries cost."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        home = Home.create(Path(folder) / "workspace")
        taken, labelled = fill(home, count)
        print(f"{count:,} recordings in {taken:.1f} s, {len(LABELS) * count:,} labels in {labelled:.1f} s")
        queries = {
            "first page, as imported": (RecordQuery(), 0),
            "last page, as imported": (RecordQuery(), count - PAGE),
            "positive for a label, by age": (RecordQuery(label="AF", sort="age"), 0),
            "negative for a label, by name": (RecordQuery(label="AF", label_is="negative", sort="name"), 0),
            "unknown for a label": (RecordQuery(label="other", label_is="unknown"), 0),
            "with a finding, latest year first": (RecordQuery(finding="flat", sort="year", descending=True), 0),
            "one device, aged 40 to 60, women": (
                RecordQuery(device="GE MAC 800", age_from=40, age_to=60, sex="female"),
                0,
            ),
            "text in name, id or patient": (RecordQuery(text="0001f"), 0),
        }
        queries |= {f"sorted by {name}, middle": (RecordQuery(sort=name), count // 2) for name in record_query.SORTABLE}
        print(f"{'page of ' + str(PAGE):<38} {'page ms':>8} {'count ms':>9}")
        with home.db.read() as session:
            for name, (query, offset) in queries.items():
                page = median_ms(lambda q=query, o=offset: record_query.page(session, q, PAGE, o))  # type: ignore[misc]
                counted = median_ms(lambda q=query: record_query.count(session, q), 3)  # type: ignore[misc]
                print(f"{name:<38} {page:>8.1f} {counted:>9.1f}")
            print(f"{'what there is to filter by':<38} {median_ms(lambda: record_query.facets(session), 3):>8.1f}")
        home.db.close()


if __name__ == "__main__":
    main()
