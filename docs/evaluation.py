"""What fifteen pretrained models are worth: the runs behind docs/evaluation.md, on open recordings.

    python docs/evaluation.py FOLDER --pairs PAIRS [--only WORD ...]
    python docs/evaluation.py FOLDER --pairs PAIRS --table

PAIRS is the folder of `docs/pairs.py --study pairs-tiny`, or of any other study of pairs: its store and its checkpoints
are evaluated, nothing is pretrained here but the nested pools of the scaling fit. Every model is evaluated on PTB-XL's
superclasses (fitted on folds 1-8, tested on the recordings of folds 9-10 that are here) and on LUDB's rhythms (out of
five patient folds), in three modes; beside them random weights, S4 trained from scratch and age + sex. A search for
leaks holds the pretraining pool against both tests.

It may be killed and called again at any time: everything that was finished stands. `--only` keeps the runs whose names
hold one of the words. `--table` writes the page of what stands.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pairs import SUPERCLASSES, TEST_FOLDS, Member, ludb, ptbxl_rows
from pairs import ptbxl as ptbxl_members

from engine.contract.config import (
    AnyConfig,
    BaselineModel,
    CompareConfig,
    EvaluateConfig,
    FewLabels,
    HeadTraining,
    LeakageConfig,
    NativeModel,
    PretrainConfig,
    RandomModel,
    S4Config,
    StressConfig,
    StudyConfig,
)
from engine.contract.results import PretrainResults, parse_results
from engine.contract.run import ManifestRow, RunFolder
from engine.data.splits import patient_folds
from engine.lifecycle import work
from engine.recipes import load_study

ROOT = Path(__file__).resolve().parent.parent
OBJECTIVES = ("cpc", "jepa", "data2vec", "dinosr", "hubert")
BACKBONES = ("s4", "net1d", "transformer")
SEED = 0
"""Of the pretrainings that are evaluated, where there are several seeds."""

RHYTHMS = ("Sinus rhythm", "Sinus bradycardia", "Atrial fibrillation")
"""Those of LUDB with ten recordings or more."""

EPOCHS = {"frozen": 50, "finetune": 50, "supervised": 50}
"""The study trains 100 epochs; fewer here, since a core needs hours for a hundred."""

LONG = 300
"""Epochs on LUDB once more, for two models: 98 recordings are two steps an epoch, and 50 epochs teach nothing there."""

SIZES = (32, 64, 128, 0)
"""Recordings of the nested pools; 0 is all."""

Model = NativeModel | RandomModel | BaselineModel


@dataclass(frozen=True)
class Task:
    """One test: its recordings with parts and labels.

    Attributes:
        age: years by recording, NaN where unknown.
        sex: 1 female, 0 male, NaN where unknown.
    """

    name: str
    labels: tuple[str, ...]
    members: list[tuple[str, Member]]
    parts: list[str]
    age: list[float]
    sex: list[float]


@dataclass(frozen=True)
class Asked:
    """One evaluation."""

    name: str
    task: Task
    config: EvaluateConfig


def main() -> None:
    """Run what is unfinished, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD")
    parser.add_argument("--table", action="store_true", help="only write docs/evaluation.md from what stands")
    arguments = parser.parse_args()
    runs = Runs(arguments.folder.resolve(), arguments.pairs.resolve(), arguments.data, arguments.only)
    if not arguments.table:
        sys.exit(runs.work())
    from evaluation_table import write_page

    write_page(runs.folder, runs.pretrained(), ROOT / "docs" / "evaluation.md")


class Runs:
    """All runs behind the page, in the order of their worth for a reader: the cheap ones first."""

    def __init__(self, folder: Path, pairs: Path, data: Path, only: Sequence[str]) -> None:
        self.folder, self._pairs, self._only = folder, pairs, only
        self._store = str(pairs / "store")
        self._tasks = [_ptbxl(pairs, data), _ludb(pairs, data)]

    def work(self) -> int:
        """Everything; the number of runs that failed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        failed = [name for name, code in self._steps() if code]
        for name in failed:
            print(f"failed: {name}")
        return len(failed)

    def _steps(self) -> Iterator[tuple[str, int]]:
        yield from self._leakage()
        asked = list(self._evaluations())
        for one in asked:
            yield self._evaluate(one)
        for task in self._tasks:
            yield from self._stress(task)
            for mode in ("linear", "frozen", "finetune"):
                names = [one.name for one in asked if one.task is task and one.name.endswith(f"-{mode}")]
                yield from self._compare(task, mode, [*names, *self._always(task)])
        yield from self._scaling()

    def _always(self, task: Task) -> list[str]:
        return [f"{task.name}-supervised", f"{task.name}-age-sex"]

    # Models

    def _models(self) -> Iterator[tuple[str, Model]]:
        for backbone in BACKBONES:
            for objective in OBJECTIVES:
                found = self._checkpoint(objective, backbone)
                if found is not None:
                    yield f"{objective}-{backbone}", found
            untrained = self._untrained(backbone)
            if untrained is not None:
                yield f"random-{backbone}", untrained

    def _checkpoint(self, objective: str, backbone: str) -> NativeModel | None:
        for path, config, results in self.pretrained():
            if (config.objective.name, config.backbone.name, config.seed) == (objective, backbone, SEED):
                return NativeModel(name=f"{objective} {backbone}", checkpoint=str(path / results.checkpoint))
        return None

    def _untrained(self, backbone: str) -> RandomModel | None:
        for _, config, _ in self.pretrained():
            if (config.backbone.name, config.seed) == (backbone, SEED) and config.objective.name != "cpc":
                return RandomModel(
                    name=f"random {backbone}",
                    backbone=config.backbone,
                    rate_hz=config.rate_hz,
                    window_s=config.window_s,
                    clip_mv=config.clip_mv,
                    seed=config.seed,
                )
        return None

    def pretrained(self) -> Iterator[tuple[Path, PretrainConfig, PretrainResults]]:
        """Every finished pretraining of the pairs: its folder, what was asked, what became of it."""
        for path in sorted((self._pairs / "study" / "runs").glob("*/results.json")):
            config, results = RunFolder(path.parent).config(), parse_results(path.read_text(encoding="utf-8"))
            if isinstance(config, PretrainConfig) and isinstance(results, PretrainResults):
                yield path.parent, config, results

    # Evaluations

    def _evaluations(self) -> Iterator[Asked]:
        models = list(self._models())
        for task in self._tasks:
            yield self._asked(f"{task.name}-age-sex", task, BaselineModel(name="age + sex"), "linear")
            for name, model in models:
                yield self._asked(
                    f"{task.name}-{name}-linear", task, model, "linear", FewLabels(repeats=10, target=0.8)
                )
        for mode in ("frozen", "finetune"):
            for task in self._tasks:
                for name, model in models:
                    yield self._asked(f"{task.name}-{name}-{mode}", task, model, mode)
        for task in self._tasks:
            yield self._asked(f"{task.name}-supervised", task, SUPERVISED, "supervised")
        rhythms, known = self._tasks[1], dict(models)
        yield self._asked(f"{rhythms.name}-supervised-long", rhythms, SUPERVISED, "supervised", epochs=LONG)
        if "cpc-s4" in known:
            yield self._asked(f"{rhythms.name}-cpc-s4-finetune-long", rhythms, known["cpc-s4"], "finetune", epochs=LONG)

    def _asked(
        self,
        name: str,
        task: Task,
        model: Model,
        mode: str,
        few_labels: FewLabels | None = None,
        epochs: int = 0,
    ) -> Asked:
        config = EvaluateConfig.model_validate(
            {
                "store": self._store,
                "cache": str(self.folder / "cache"),
                "model": model,
                "mode": mode,
                "labels": task.labels,
                "few_labels": few_labels,
                "training": HeadTraining(epochs=epochs or EPOCHS.get(mode, 100)),
                "split_id": task.name,
                "threads": 1,
                "device": "cpu",
            }
        )
        return Asked(name, task, config)

    def _evaluate(self, asked: Asked) -> tuple[str, int]:
        return self._worked(asked.name, asked.task, asked.config)

    # What else is asked of them

    def _stress(self, task: Task) -> Iterator[tuple[str, int]]:
        for name, model in self._models():
            if isinstance(model, BaselineModel) or not (name.startswith(("cpc", "random")) or name == "jepa-s4"):
                continue
            config = StressConfig(
                store=self._store,
                cache=str(self.folder / "cache"),
                model=model,
                labels=task.labels,
                split_id=task.name,
                threads=1,
                device="cpu",
            )
            yield self._worked(f"{task.name}-{name}-stress", task, config)

    def _compare(self, task: Task, mode: str, names: Sequence[str]) -> Iterator[tuple[str, int]]:
        """All models of one mode against each other; made again where more evaluations stand than it knows of."""
        done = [name for name in names if (self.folder / name / "results.json").exists()]
        if len(done) < 2:
            return
        config = CompareConfig(
            evaluations=tuple(str(self.folder / name) for name in done),
            names=tuple(name.removeprefix(f"{task.name}-").removesuffix(f"-{mode}") for name in done),
            labels=task.labels,
            split_id=task.name,
        )
        yield self._worked(f"{task.name}-compare-{mode}-{len(done)}", task, config)

    def _leakage(self) -> Iterator[tuple[str, int]]:
        """The pool of the pretrainings against both tests."""
        pool = RunFolder(self._pairs / "study").manifest()
        rows = [ManifestRow(row.record_id, row.patient, "against pool") for row in pool]
        for task in self._tasks:
            rows += [
                ManifestRow(record, member.patient, "test")
                for (record, member), part in zip(task.members, task.parts, strict=True)
                if part != "train"
            ]
        yield self._worked("leakage", None, LeakageConfig(store=self._store, cohort="tests"), rows)

    def _scaling(self) -> Iterator[tuple[str, int]]:
        """Nested pools for CPC and JEPA on S4, probed on PTB-XL."""
        fields = load_study("scaling-small")
        fields |= {"store": self._store, "parallel": 2}
        fields["axes"] |= {"records": list(SIZES), "objective": ["cpc", "jepa"]}
        fields["base"] |= {"device": "cpu", "probe": {"cohort": "PTB-XL folds 1-8 to 9-10", "folds": False}}
        pool = RunFolder(self._pairs / "study").manifest()
        yield self._worked("scaling", self._tasks[0], StudyConfig.model_validate(fields), pool)

    def _worked(
        self, name: str, task: Task | None, config: AnyConfig, rows: Sequence[ManifestRow] | None = None
    ) -> tuple[str, int]:
        """Do one run, or what is left of it; nothing where it stands or was not asked for."""
        path = self.folder / name
        if (path / "results.json").exists() or (self._only and not any(word in name for word in self._only)):
            return name, 0
        print(name, flush=True)
        if not path.exists():
            RunFolder.create(path, config, _rows(task) if rows is None and task is not None else rows or ())
        if task is not None:
            _open_labels(RunFolder(path), task)
            if rows is not None:
                _write_split(path / "probe.csv", _rows(task))
        return name, work(config.kind, path)


SUPERVISED = RandomModel(
    name="S4 from scratch",
    backbone=S4Config(
        width=128, depth=4, state_size=8, causal=False, stem_kernels=(1,), stem_strides=(1,), stem_norm=False
    ),
    rate_hz=100.0,
    window_s=2.5,
)


def _ptbxl(pairs: Path, data: Path) -> Task:
    members = _stored(pairs / "ptbxl.csv", list(ptbxl_members(data / "ptbxl-500", train=None)))
    row = {Path(str(row["filename_hr"])).name: row for row in ptbxl_rows(data / "ptbxl-500")}
    told = [row[member.path.stem] for _, member in members]
    return Task(
        "ptbxl",
        SUPERCLASSES,
        members,
        ["test" if int(one["strat_fold"]) in TEST_FOLDS else "train" for one in told],
        [float(one["age"]) if one["age"] and float(one["age"]) < 120 else np.nan for one in told],
        [float(one["sex"]) for one in told],
    )


def _ludb(pairs: Path, data: Path) -> Task:
    members = _stored(pairs / "ludb.csv", list(ludb(data / "ludb")))
    told = _told(data / "ludb", [member for _, member in members])
    y_NL = rhythms(data / "ludb", [member for _, member in members])
    changed = [
        (record, Member(member.path, member.patient, "", tuple(y_L)))
        for (record, member), y_L in zip(members, y_NL.tolist(), strict=True)
    ]
    folds = patient_folds([member.patient for _, member in members], y_NL, 5, seed=0)
    age = [_years(one["Age"]) for one in told]
    sex = [{"F": 1.0, "M": 0.0}.get(one["Sex"].strip(), np.nan) for one in told]
    return Task("ludb", RHYTHMS, changed, [f"fold-{fold}" for fold in folds], age, sex)


def rhythms(folder: Path, members: Sequence[Member]) -> NDArray[np.float64]:
    """Which of `RHYTHMS` each recording of LUDB has, [N, 3]."""
    said = [[part.strip() for part in one["Rhythms"].split("\n")] for one in _told(folder, members)]
    return np.array([[float(name in names) for name in RHYTHMS] for names in said])


def _told(folder: Path, members: Sequence[Member]) -> list[dict[str, str]]:
    with (folder / "ludb.csv").open(newline="", encoding="utf-8") as file:
        row = {row["ID"].strip(): row for row in csv.DictReader(file)}
    return [row[member.path.stem] for member in members]


def _years(text: str) -> float:
    """LUDB writes ">89" where it hides an age."""
    told = text.strip().lstrip(">")
    return float(told) if told.replace(".", "").isdigit() else np.nan


def _stored(kept: Path, members: Sequence[Member]) -> list[tuple[str, Member]]:
    by_name = {member.path.name: member for member in members}
    with kept.open(newline="", encoding="utf-8") as file:
        return [(record, by_name[Path(path).name]) for record, path in csv.reader(file)]


def _rows(task: Task) -> list[ManifestRow]:
    return [
        ManifestRow(record, member.patient, part)
        for (record, member), part in zip(task.members, task.parts, strict=True)
    ]


def _open_labels(folder: RunFolder, task: Task) -> None:
    np.savez(
        folder.labels_path,
        record_id=np.array([record for record, _ in task.members]),
        patient=np.array([member.patient for _, member in task.members]),
        labels=np.array(task.labels),
        y=np.array([member.y for _, member in task.members]),
        age=np.array(task.age),
        sex=np.array(task.sex),
    )


def _write_split(path: Path, rows: Sequence[ManifestRow]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["record_id", "patient", "split"])
        writer.writerows([row.record_id, row.patient, row.split] for row in rows)


if __name__ == "__main__":
    main()
