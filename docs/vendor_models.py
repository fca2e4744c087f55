"""What vendors' models do on open recordings: the runs behind docs/vendor_models.md, by the command line alone.

    python docs/vendor_models.py FOLDER [--shared SHARED] [--table]

SHARED holds `data/ptbxl-500`, `data/ludb` and `vendor-models` as described in docs/vendor_models.md. FOLDER becomes a
workspace; a step that stands is not made again, so that it may be killed and called anew. `--table` writes the page of
what stands.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from scipy.special import softmax
from scipy.stats import rankdata

ROOT = Path(__file__).resolve().parent.parent
CARDS = ROOT / "docs" / "vendor_cards"
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
LIKELY = 50
"""Least likelihood of a statement that counts as its superclass: the rule of the known figures."""

FILES = {
    "ecgresnet-bce": "ecgresnet-ptbxl/best_resnet_loss_bce.safetensors",
    "ecgresnet-focal": "ecgresnet-ptbxl/best_resnet_loss_focal.safetensors",
    "openecg-v6": "openecg-codec/codec_v6_int8.onnx",
    "openecg-v1": "openecg-codec/codec_v1_int8.onnx",
}
AF = ("--label", "AFIB", "--class", "AFIB=afib")


def main() -> None:
    """Do what is not done yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--table", action="store_true", help="only write docs/vendor_models.md from what stands")
    arguments = parser.parse_args()
    journey = Journey(arguments.folder.resolve(), arguments.shared.resolve())
    if not arguments.table:
        journey.go()
    from vendor_models_table import write_page

    write_page(journey.folder, ROOT / "docs" / "vendor_models.md")


class Journey:
    """The steps of an analyst, each kept as `steps/NAME.json`: what the command said."""

    def __init__(self, folder: Path, shared: Path) -> None:
        self.folder, self._data, self._vendors = folder, shared / "data", shared / "vendor-models"

    def go(self) -> None:
        """From an empty folder to every result of the page."""
        if not (self.folder / "isoline.db").exists() and not (self.folder / "steps").exists():
            _isoline("init", str(self.folder))
        (self.folder / "steps").mkdir(exist_ok=True)
        self._recordings()
        for name, file in FILES.items():
            self._step(f"add-{name}", "model", "add", str(self._vendors / file), "--card", str(CARDS / f"{name}.toml"))
        for name in ("ecgresnet-bce", "ecgresnet-focal"):
            self._own(name, "ptbxl", *_each("--label", SUPERCLASSES))
            linear = ("--mode", "linear", "--label", "AFIB")
            self._evaluated(f"linear-{name}-ludb", self._name(name), "--cohort", "ludb", *linear)
        for name in ("openecg-v6", "openecg-v1"):
            self._own(name, "ludb", *AF)
            self._own(name, "ptbxl", *AF)
        for name in FILES:
            self._vet(name)
        self._version("openecg", "own-openecg-v1-ludb", "own-openecg-v6-ludb")
        self._version("ecgresnet", "own-ecgresnet-focal-ptbxl", "own-ecgresnet-bce-ptbxl")

    def _recordings(self) -> None:
        """Both corpora with their patients, official folds and labels."""
        for name in ("ptbxl-500", "ludb"):
            source = "ptbxl" if name == "ptbxl-500" else "ludb"
            if source == "ptbxl":
                self._step("import-ptbxl", "import", "--dataset", source, str(self._data / name))
            else:
                self._step("import-ludb", "import", str(self._data / name), "--dataset", "LUDB")
        self._labels("ptbxl", _ptbxl_labels(self._data / "ptbxl-500"))
        self._labels("ludb", _ludb_labels(self._data / "ludb"))
        self._step("records", "records", "--limit", "1000")
        with (self._data / "ptbxl-500" / "ptbxl_database.csv").open(encoding="utf-8") as file:
            folds = {Path(row["filename_hr"]).name: int(row["strat_fold"]) for row in csv.DictReader(file)}
        self._keep("folds", folds)
        self._step("cohort-ptbxl", "cohort", "create", "ptbxl", "--dataset", "ptbxl", "--label", "NORM")
        self._step("cohort-ludb", "cohort", "create", "ludb", "--dataset", "LUDB", "--label", "AFIB")

    def _labels(self, name: str, rows: Iterable[dict[str, Any]]) -> None:
        table = self.folder / f"labels-{name}.csv"
        told = list(rows)
        with table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(told[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(told)
        self._step(f"labels-{name}", "label", "import", str(table))

    def _vet(self, name: str) -> None:
        cohort = "ptbxl" if name.startswith("ecgresnet") else "ludb"
        asked = _each("--label", SUPERCLASSES) if cohort == "ptbxl" else AF
        reference = ["--reference", str(self._reference(name))] if name.startswith("openecg") else []
        vet = ("model", "vet", self._name(name), "--cohort", cohort)
        self._step(f"vet-{name}", *vet, *asked, *reference, "--wait")

    def _reference(self, name: str) -> Path:
        """What onnxruntime alone says of the golden ECGs, as a vendor would compute it with a program of his own."""
        kept, folder = self.folder / f"reference-{name}.json", self.folder / f"golden-{name}"
        if not kept.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _isoline("model", "golden", self._name(name), "--out", str(folder), "-w", str(self.folder))
            kept.write_text(json.dumps(_by_onnxruntime(folder, self._vendors / FILES[name])), encoding="utf-8")
        return kept

    def _own(self, name: str, cohort: str, *asked: str) -> None:
        self._evaluated(f"own-{name}-{cohort}", self._name(name), "--cohort", cohort, "--mode", "own", *asked)

    def _evaluated(self, step: str, *asked: str) -> None:
        """One evaluation, and which job it was."""
        if (self.folder / "steps" / f"job-{step}.json").exists():
            return
        self._step(step, "evaluate", *asked, "--wait")
        self._keep(f"job-{step}", {"job_id": self._newest()})

    def _version(self, name: str, old: str, new: str) -> None:
        jobs = [self._job(step) for step in (old, new)]
        self._step(f"version-{name}", "version", *jobs, "--margin", "0.02", "--wait")

    def _name(self, name: str) -> str:
        return str(self._told(f"add-{name}")["name"])

    def _job(self, step: str) -> str:
        return str(self._told(f"job-{step}")["job_id"])

    def _newest(self) -> str:
        """The evaluation that was asked for last."""
        rows = json.loads(_isoline("jobs", "list", "-w", str(self.folder), "--json"))
        found = [row for row in rows if row["kind"] == "evaluate"]
        return str(max(found, key=lambda row: row["created"])["job_id"])

    def _told(self, step: str) -> Any:
        return json.loads((self.folder / "steps" / f"{step}.json").read_text(encoding="utf-8"))

    def _step(self, name: str, *words: str) -> None:
        """One command, unless it stands; what it said is kept."""
        kept = self.folder / "steps" / f"{name}.json"
        if kept.exists():
            return
        print(name, flush=True)
        told = _isoline(*words, "-w", str(self.folder), "--json", may_fail=words[0] == "import")
        self._keep(name, json.loads(told))

    def _keep(self, name: str, told: Any) -> None:
        kept = self.folder / "steps" / f"{name}.json"
        draft = kept.with_suffix(".tmp")
        draft.write_text(json.dumps(told), encoding="utf-8")
        draft.rename(kept)


def _isoline(*words: str, may_fail: bool = False) -> str:
    """What the command line says. An import of which a file is refused exits with 1."""
    done = subprocess.run(
        [sys.executable, "-c", _MAIN, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode and not (may_fail and done.returncode == 1):
        sys.exit(f"isoline {' '.join(words)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


_MAIN = "import sys; from app.cli import main; sys.exit(main(sys.argv[1:]))"


def _by_onnxruntime(folder: Path, graph: Path) -> dict[str, Any]:
    """Mean softmax over time of lead II's ranks, record by record: nothing of Isoline is used but its golden ECGs."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    told: dict[str, Any] = {}
    for path in sorted(folder.glob("csv/*.csv")):
        lead = np.genfromtxt(path, delimiter=",", names=True)["II"]
        ranks = (rankdata(lead) - 1) / (len(lead) - 1) * 2 - 1
        (logits,) = session.run(["rhythm_logits"], {"signal": ranks[None].astype(np.float32)})
        told[path.stem] = {"rhythm_logits": softmax(logits[0].astype(np.float64), axis=1).mean(axis=0).tolist()}
    return told


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _ptbxl_labels(folder: Path) -> list[dict[str, Any]]:
    with (folder / "scp_statements.csv").open(encoding="utf-8") as file:
        groups = {row[""]: row["diagnostic_class"] for row in csv.DictReader(file)}
    with (folder / "ptbxl_database.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [_labels_of(row, groups) for row in rows]


def _labels_of(row: dict[str, str], groups: dict[str, str]) -> dict[str, Any]:
    codes = ast.literal_eval(row["scp_codes"])
    likely = {groups.get(code) for code, sure in codes.items() if sure >= LIKELY}
    told = {name: int(name in likely) for name in SUPERCLASSES}
    return {"record": Path(row["filename_hr"]).name, **told, "AFIB": int("AFIB" in codes)}


def _ludb_labels(folder: Path) -> list[dict[str, Any]]:
    with (folder / "ludb.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{"record": row["ID"].strip(), "AFIB": int("Atrial fibrillation" in row["Rhythms"])} for row in rows]


if __name__ == "__main__":
    main()
