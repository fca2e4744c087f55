"""All pairs of backbone and objective on open recordings: the study `pairs` and the table of docs/pairs.md.

    python docs/pairs.py FOLDER [--data DATA] [--study pairs] [--set base.steps=600 ...]
    python docs/pairs.py FOLDER --table

The pool is PTB-XL's folds 1-8 and the CinC Challenge recordings, without any recording of PTB-XL's folds 9-10 (an HR
number of the Challenge is an ecg_id of PTB-XL; where its fold is not known here, it is left out). A tenth of the
patients is held out to watch the loss. Features are probed on PTB-XL, fitted on folds 1-8 and tested on 9-10, before
and after each pretraining; and on LUDB, which no pretraining saw, out of five patient folds.

It may be killed and called again at any time: everything that was finished stands. `--table` writes the table of what
stands, also while the study works.
"""

from __future__ import annotations

import argparse
import ast
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pairs_table import write_page

from engine.contract.config import EvaluateConfig, NativeModel, PretrainConfig, RandomModel, StudyConfig
from engine.contract.errors import WorldError
from engine.contract.results import PretrainResults, parse_results
from engine.contract.run import ManifestRow, RunFolder
from engine.data.reading import refuse_impossible
from engine.data.splits import holdout, patient_folds
from engine.data.store import Store
from engine.lifecycle import work
from engine.recipes import load_study
from engine.signal.readers import find_files, read_recording

ROOT = Path(__file__).resolve().parent.parent
TEST_FOLDS = (9, 10)
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
LUDB = {
    "LVH": ("Hypertrophies", "Left ventricular hypertrophy"),
    "LAH": ("Hypertrophies", "Left atrial hypertrophy"),
    "repolarisation": ("Non-specific repolarization abnormalities", ""),
    "ischaemia": ("Ischemia", ""),
    "incomplete RBBB": ("Conduction abnormalities", "Incomplete right bundle branch block"),
    "sinus bradycardia": ("Rhythms", "Sinus bradycardia"),
    "atrial fibrillation": ("Rhythms", "Atrial fibrillation"),
    "LAFB": ("Conduction abnormalities", "Left anterior hemiblock"),
}
"""Labels of LUDB with ten recordings or more: column, and how the statement begins."""


@dataclass(frozen=True)
class Member:
    """A recording of the pool or of a probe: its file, its patient, and labels where it has some."""

    path: Path
    patient: str
    part: str
    y: tuple[float, ...] = ()


def main() -> None:
    """Build what is missing, run what is unfinished, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--study", default="pairs")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="base.steps=20, axes.seed=[0]")
    parser.add_argument("--table", action="store_true", help="only write docs/pairs.md from what stands")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "pairs.md")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if not arguments.table:
        folder.mkdir(parents=True, exist_ok=True)
        told = Built(folder, arguments.data)
        code = told.study(arguments.study, arguments.set)
        if code:
            sys.exit(code)
        told.ludb()
    write_page(folder, arguments.page)


class Built:
    """The store with all recordings, and who of them is of the pool, of PTB-XL's probe, of LUDB."""

    def __init__(self, folder: Path, data: Path) -> None:
        self._folder = folder
        pool = [*ptbxl(data / "ptbxl-500", train=True), *cinc(data)]
        self._pool = self._stored("pool", pool)
        self._probe = self._stored("ptbxl", list(ptbxl(data / "ptbxl-500", train=None)))
        self._ludb = self._stored("ludb", list(ludb(data / "ludb")))

    def study(self, name: str, changes: Sequence[str]) -> int:
        """Run the study, or go on with it; the engine's exit code."""
        path = self._folder / "study"
        if not path.exists():
            held = holdout([member.patient for _, member in self._pool], 0.1, seed=0)
            manifest = [
                ManifestRow(record, member.patient, "validation" if out else "train")
                for (record, member), out in zip(self._pool, held, strict=True)
            ]
            RunFolder.create(path, self._config(name, changes), manifest)
        folder = RunFolder(path)
        rows = [ManifestRow(record, m.patient, m.part) for record, m in self._probe]
        write_split(path / "probe.csv", rows)
        open_labels(folder, self._probe, SUPERCLASSES)
        code = work("study", path)
        return code if code or not folder.results_path.exists() else 0

    def ludb(self) -> None:
        """Evaluate every finished run, and the random weights that it began with, on LUDB."""
        for results in sorted((self._folder / "study" / "runs").glob("*/results.json")):
            told = parse_results(results.read_text(encoding="utf-8"))
            config = RunFolder(results.parent).config()
            assert isinstance(told, PretrainResults)
            assert isinstance(config, PretrainConfig)
            number = results.parent.name
            after = NativeModel(name=f"{number} after", checkpoint=str(results.parent / told.checkpoint))
            before = RandomModel(
                name=f"{number} before",
                backbone=config.backbone,
                rate_hz=config.rate_hz,
                window_s=config.window_s,
                clip_mv=config.clip_mv,
                seed=config.seed,
            )
            for model, word in ((before, "before"), (after, "after")):
                self._evaluate(self._folder / "ludb" / f"{number}-{word}", model)

    def _evaluate(self, path: Path, model: NativeModel | RandomModel) -> None:
        y_NL = np.array([member.y for _, member in self._ludb])
        patients = [member.patient for _, member in self._ludb]
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            folds = patient_folds(patients, y_NL, 5, seed=0)
            rows = [
                ManifestRow(record, member.patient, f"fold-{fold}")
                for (record, member), fold in zip(self._ludb, folds, strict=True)
            ]
            config = EvaluateConfig(store=str(self._folder / "store"), model=model, labels=tuple(LUDB), threads=1)
            RunFolder.create(path, config, rows)
        if not (path / "results.json").exists():
            open_labels(RunFolder(path), self._ludb, tuple(LUDB))
            if work("evaluate", path):
                raise WorldError(f"evaluation {path.name}", "it failed", "Read its events")

    def _config(self, name: str, changes: Sequence[str]) -> StudyConfig:
        fields = load_study(name)
        fields["store"] = str(self._folder / "store")
        fields["base"] |= {"device": "cpu", "probe": {"cohort": "PTB-XL folds 1-8 to 9-10", "folds": False}}
        for change in changes:
            place, _, value = change.partition("=")
            *tables, field = place.split(".")
            inner = fields
            for table in tables:
                inner = inner.setdefault(table, {})
            inner[field] = ast.literal_eval(value)
        return StudyConfig.model_validate(fields)

    def _stored(self, name: str, members: Sequence[Member]) -> list[tuple[str, Member]]:
        """Record ids of members that can be read, each recording once; kept, so that signals are read only once."""
        kept = self._folder / f"{name}.csv"
        if not kept.exists():
            read = list(self._read(members))
            with kept.with_suffix(".tmp").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(read)
            kept.with_suffix(".tmp").replace(kept)
            print(f"{name}: {len(read)} recordings of {len(members)} files")
        by_path = {str(member.path): member for member in members}
        with kept.open(newline="", encoding="utf-8") as file:
            return [(record, by_path[path]) for record, path in csv.reader(file)]

    def _read(self, members: Sequence[Member]) -> Iterator[tuple[str, str]]:
        seen: set[str] = set()
        with Store.create(self._folder / "store") as store:
            for member in members:
                try:
                    recording = read_recording(member.path)
                    refuse_impossible(recording)
                except WorldError:
                    continue
                if recording.record_id in seen:
                    continue
                seen.add(recording.record_id)
                if store.row_of(recording.signal_sha256) is None:
                    store.append(recording, "pairs")
                yield recording.record_id, str(member.path)


def ptbxl(folder: Path, train: bool | None) -> Iterator[Member]:
    """PTB-XL with its superclasses (likelihood 50 or more); `train` keeps folds 1-8, None all folds."""
    with (folder / "scp_statements.csv").open(newline="", encoding="utf-8") as file:
        superclass = {row[""]: row["diagnostic_class"] for row in csv.DictReader(file) if row["diagnostic_class"]}
    for row in ptbxl_rows(folder):
        tested = int(row["strat_fold"]) in TEST_FOLDS
        if train and tested:
            continue
        codes = ast.literal_eval(row["scp_codes"])
        classes = {superclass[code] for code, share in codes.items() if share >= 50 and code in superclass}
        y = tuple(float(name in classes) for name in SUPERCLASSES)
        path = folder / f"{row['filename_hr']}.hea"
        yield Member(path, f"ptbxl-{float(row['patient_id']):.0f}", "test" if tested else "train", y)


def ptbxl_rows(folder: Path) -> list[dict[str, str]]:
    """The rows of PTB-XL's table that are here."""
    with (folder / "ptbxl_database.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cinc(data: Path) -> Iterator[Member]:
    """The Challenge's recordings; those of PTB-XL under their patient, and only where they are known to be of 1-8."""
    known = {int(row["ecg_id"]): row for row in ptbxl_rows(data / "ptbxl-500")}
    for path in find_files([data / "cinc-challenge"]):
        patient = f"cinc-{path.stem}"
        if path.stem.startswith("HR"):
            row = known.get(int(path.stem[2:]))
            if row is None or int(row["strat_fold"]) in TEST_FOLDS:
                continue
            patient = f"ptbxl-{float(row['patient_id']):.0f}"
        yield Member(path, patient, "train")


def ludb(folder: Path) -> Iterator[Member]:
    """LUDB with the labels of `LUDB`; every recording is of another person."""
    with (folder / "ludb.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            said = {column: [text.strip() for text in (row[column] or "").split("\n")] for column, _ in LUDB.values()}
            y = tuple(
                float(any(text.startswith(start) and text for text in said[column])) for column, start in LUDB.values()
            )
            yield Member(folder / "data" / f"{row['ID']}.hea", f"ludb-{row['ID']}", "", y)


def open_labels(folder: RunFolder, members: Sequence[tuple[str, Member]], labels: Sequence[str]) -> None:
    """Write labels.npz of a run as the workspace does; age and sex are not needed here."""
    unknown = np.full(len(members), np.nan)
    np.savez(
        folder.labels_path,
        record_id=np.array([record for record, _ in members]),
        patient=np.array([member.patient for _, member in members]),
        labels=np.array(labels),
        y=np.array([member.y for _, member in members]),
        age=unknown,
        sex=unknown,
    )


def write_split(path: Path, rows: Sequence[ManifestRow]) -> None:
    """Write probe.csv: recordings of the probe and their parts of the split."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["record_id", "patient", "split"])
        writer.writerows([row.record_id, row.patient, row.split] for row in rows)


if __name__ == "__main__":
    main()
