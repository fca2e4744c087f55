"""How fast the records of a large workspace are taken in, found, sorted and counted.

    python docs/records_speed.py [RECORDS]

Makes a workspace in a temporary folder with synthetic rows (100,000 by default) through the same functions that take in
an import, and prints two tables: of the database, then of the Records page that shows it (`records_window.py`). No file
is read and no samples are kept. Times of the first are processor times of this process, in which SQLite works too: they
are the same on a busy machine, and leave out waits for the disk.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import records_window

from app.core import intake, jobs, label_import, record_query
from app.core.home import Home
from app.core.record_query import RecordQuery
from engine.contract.config import ImportConfig
from engine.contract.events import FileRead

BLOCK = 2000
PAGE = 200
LABELS = ("AF", "MI", "LBBB", "NORM", "LVH")
DEVICES = (("GE", "MAC 5500"), ("GE", "MAC 800"), ("Philips", "TC70"), ("Schiller", "AT-102"), ("", ""))
LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
FINDINGS = (
    ("flat", "flat line in V1", ["V1"], [0.004]),
    ("wander", "baseline wanders in V2, V3", ["V2", "V3"], [2.31, 2.07]),
    ("gain", "gain suspect: the leads swing by 7 mV a second", [], [7.0]),
    ("mains", "mains hum in I", ["I"], [0.08]),
    ("limb_swap", "RA and LA may be swapped: the limb leads look more usual with them exchanged back", [], [4.2]),
)
"""Name, words, leads and numbers of what made-up recordings may have."""


def event(index: int, draw: random.Random) -> FileRead:
    """What an import tells of one made-up recording."""
    maker, model = draw.choice(DEVICES)
    findings = draw.sample(FINDINGS, draw.choice((0, 0, 0, 1, 2)))
    record = {
        "rate_hz": draw.choice((250.0, 500.0, 1000.0)),
        "seconds": draw.choice((10.0, 12.0, 30.0)),
        "present": LEADS,
        "format": draw.choice(("WFDB format 16", "DICOM 12-lead ECG", "SCP-ECG")),
        "file_sha256": f"{index:064x}",
        "signal_sha256": f"{index:064x}",
        "age": float(draw.randint(18, 90)),
        "sex": draw.choice(("female", "male")),
        "quality": "limited" if findings else "good",
        "quality_reasons": [text for _, text, _, _ in findings],
        "quality_evidence": evidence(findings, draw),
        "patient": f"p{draw.randint(0, 40_000):012x}",
        "year": draw.randint(1995, 2025),
        "device": {"maker": maker, "model": model, "serial": f"d{draw.randint(0, 50):012x}"},
        "statements": [{"code": "NORM", "system": "SCP-ECG", "source": "device"}],
        "measurements": {"heart_rate_bpm": 70.0, "qrs_ms": 90.0},
        "removed": {"patient id": 1, "patient name": 1, "acquisition date": 1},
        "marks": {"patient name": [f"{draw.getrandbits(64):016x}" for _ in range(6)]},
    }
    return FileRead(index=index, status="imported", record_id=f"r{index:012x}", record=record)


def evidence(findings: list[tuple[str, str, list[str], list[float]]], draw: random.Random) -> dict[str, Any]:
    """The numbers behind a verdict, as many as `engine.signal.quality` keeps."""
    told = [{"name": name, "text": text, "leads": leads, "values": values} for name, text, leads, values in findings]
    measured = {
        name: [round(draw.random() / 20, 3) for _ in LEADS]
        for name in ("noise_mv", "mains_mv", "wander_mv", "unreadable_share", "agreement")
    }
    return {"names": [name for name, *_ in findings], "findings": told, "beats": 11, **measured}


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
    with home.db.write() as session:  # taken in by hand: no engine is to be started for it
        jobs.get(session, job_id).state = "done"
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
            one = RecordQuery(sort="patient")
            last = record_query.page(session, one, 1, count - 1)[0].record_id
            found = median_ms(lambda: record_query.place(session, one, last))
            print(f"{'the line of one, sorted by patient':<38} {found:>8.1f}")
            print(f"{'what there is to filter by':<38} {median_ms(lambda: record_query.facets(session), 3):>8.1f}")
            beside = median_ms(lambda: record_query.facets(session, RecordQuery(sex="female", quality="good")), 3)
            print(f"{'the same beside two filters':<38} {beside:>8.1f}")
        home.db.close()
        records_window.measure(home.path)


if __name__ == "__main__":
    main()
