"""What it costs to bring in the labels of a large public corpus, on made-up tables in the layout of MIMIC-IV-ECG.

    python docs/corpus_labels.py [ECGS [CHARTED_LINES]]
    python docs/corpus_labels.py row

Writes tables of that many ECGs (100,000 by default) with three million lines of measurements of intensive care and a
million of the laboratory, reads them as `isoline import --dataset mimic` does, and brings the labels of all tasks but
the diagnoses into a workspace in a temporary folder. No recording is read. Prints the table of docs/scale.md:
processor seconds of one core and the most memory that the process has held until then. With `row`: what one label of
one recording takes on the disk.
"""

from __future__ import annotations

import csv
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, insert
from sqlalchemy.orm import Session

from app.core import corpora, intake, jobs, labels
from app.core.home import Home
from app.core.schema import RecordLabel
from engine.contract.config import ImportConfig
from engine.contract.events import FileRead
from engine.datasets.mimic import DETERIORATION, ICU, MORTALITY, TASKS
from engine.datasets.mimic_tables import CHARTED
from engine.datasets.registry import dataset

ECGS, CHARTED_LINES = 100_000, 3_000_000
BLOCK = 2000
START = datetime(2150, 1, 1)
CODES = [
    f"{letter}{category:02d}{digit}" for letter in "CDEGHIJKMN" for category in range(0, 99, 9) for digit in range(4)
]
MEASURED = [task.name for task in TASKS if task.targets]

Ecg = tuple[int, datetime]


def write(folder: Path, ecgs: int, lines: int) -> None:
    """The tables of so many ECGs, in the published columns."""
    draw = random.Random(0)
    made = [(10_000_000 + n * 7 // 10, START + timedelta(minutes=draw.randrange(30_000_000))) for n in range(ecgs)]
    _table(folder / "record_list.csv", "study_id,path", ((n, f"files/{n}/{n}") for n in range(ecgs)))
    columns = "study_id,subject_id,ecg_time,all_diag_all,gender,age,ecg_no_within_stay,ecg_taken_in_ed,strat_fold"
    _table(folder / "records_w_diag_icd10.csv", columns, _diagnoses(made, draw))
    columns = "study_id,rr_interval,qrs_onset,qrs_end,t_end,p_axis,qrs_axis,t_axis"
    rows = ((n, 700 + n % 300, 220, 300 + n % 40, 560 + n % 60, n % 90, n % 80, n % 70) for n in range(ecgs))
    _table(folder / "machine_measurements.csv", columns, rows)
    names = DETERIORATION + MORTALITY + ICU
    columns = ",".join(["general_study_id", *(f"deterioration_{name}" for name in names)])
    _table(folder / "mds_ed.csv", columns, ((n, *(int(draw.random() < 0.05) for _ in names)) for n in range(ecgs)))
    _table(
        folder / "chartevents.csv", "subject_id,charttime,itemid,valuenum", _events(made, draw, lines, [*CHARTED, 1, 2])
    )
    _table(folder / "d_labitems.csv", "itemid,label", [(50912, "Creatinine"), (51222, "Hemoglobin")])
    events = ((*row, "mg/dL") for row in _events(made, draw, lines // 3, [50912, 51222, 1]))
    _table(folder / "labevents.csv", "subject_id,storetime,itemid,valuenum,valueuom", events)


def _table(path: Path, columns: str, rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns.split(","))
        writer.writerows(rows)


def _diagnoses(ecgs: list[Ecg], draw: random.Random) -> Iterable[tuple[object, ...]]:
    for n, (patient, time_) in enumerate(ecgs):
        codes = sorted(set(draw.choices(CODES, k=draw.randrange(3, 20))))
        yield n, patient, time_, codes, "FM"[n % 2], 20 + n % 70, 0, True, n % 20


def _events(ecgs: list[Ecg], draw: random.Random, lines: int, items: list[object]) -> Iterable[tuple[object, ...]]:
    """Half of them of people who have no ECG here, most of the others days away from theirs."""
    for _ in range(lines):
        patient, time_ = draw.choice(ecgs)
        patient += 50_000_000 * (draw.random() < 0.5)
        yield (
            patient,
            time_ + timedelta(minutes=draw.randrange(-4000, 4000)),
            draw.choice(items),
            round(draw.gauss(90, 20)),
        )


def bring_in(folder: Path, place: Path) -> None:
    """Read the tables and bring their labels into a new workspace, telling what each step took."""
    began = time.process_time()
    sources, sheet = corpora.read_corpus(dataset("mimic"), folder, MEASURED, b"k" * 32)
    count = sum(len(row.values or ()) for row in sheet.rows)
    began = _tell(f"tables read: {len(sources):,} ECGs, {count:,} labels", began)
    home = Home.create(place)
    with home.db.write() as session:
        config = ImportConfig(store=str(place / "store"))
        job = jobs.submit(session, home, config, "mimic", inputs=[str(source) for source in sources])
    for first in range(0, len(sources), BLOCK):
        events = [_event(n) for n in range(first, min(first + BLOCK, len(sources)))]
        with home.db.write() as session:
            intake.take_files(session, home, jobs.get(session, job), "mimic", events)
    began = _tell("recordings taken in", began)
    with home.db.write() as session:
        labels.keep_rows(session, job, sheet)
    began = _tell("rows kept until the recordings are there", began)
    with home.db.write() as session:
        labels.apply_rows(session, job)
        jobs.get(session, job).state = "done"
    _tell("labels given to the recordings", began)


def _event(n: int) -> FileRead:
    record = {"rate_hz": 500.0, "seconds": 10.0, "present": ["I"], "format": "WFDB", "quality": "good"}
    hashes = {"file_sha256": f"{n:064x}", "signal_sha256": f"{n:064x}"}
    return FileRead(index=n, status="imported", record_id=f"r{n:012x}", record=record | hashes)


def _tell(step: str, began: float) -> float:
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"| {step} | {seconds:.1f} | {peak:,.0f} |", flush=True)
    return time.process_time()


def weigh(recordings: int = 300, codes: int = 1000) -> None:
    """Print the bytes that a label of a recording takes in the database, its indexes with it."""
    with tempfile.TemporaryDirectory() as place:
        engine = create_engine(f"sqlite:///{place}/labels.db")
        RecordLabel.__table__.create(engine)  # type: ignore[attr-defined]
        with Session(engine) as session:
            for n in range(recordings):
                common = {"record_id": f"r{7919 * n:012x}", "value": 0.0, "source_sha256": "0" * 64}
                rows = [common | {"label": f"mimic-cardiac: I{code:04d}"} for code in range(codes)]
                session.execute(insert(RecordLabel), rows)
            session.commit()
        engine.dispose()
        print(f"{(Path(place) / 'labels.db').stat().st_size / recordings / codes:.0f} bytes a label of a recording")


def main(arguments: list[str]) -> None:
    """Write the tables, bring them in."""
    if arguments == ["row"]:
        weigh()
        return
    ecgs, lines = (*map(int, arguments), *(ECGS, CHARTED_LINES)[len(arguments) :])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "mimic"
        folder.mkdir()
        write(folder, ecgs, lines)
        print("| Step | CPU s | MB at most |\n| --- | --- | --- |")
        bring_in(folder, Path(place) / "workspace")


if __name__ == "__main__":
    main(sys.argv[1:])
