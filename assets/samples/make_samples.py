"""How the shipped sample was chosen from PTB-XL, and how its age + sex predictions were made.

Run from the repository root: `python assets/samples/make_samples.py PTBXL_FOLDER`. PTBXL_FOLDER holds
ptbxl_database.csv, scp_statements.csv and records500/. The choice is deterministic; signal and header files are copied
byte for byte.
"""

from __future__ import annotations

import ast
import csv
import shutil
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from engine.data.splits import patient_folds
from engine.signal.readers import read_recording

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
NOISE = ("baseline_drift", "static_noise", "burst_noise", "electrodes_problems")
RECORDS, OLDEST_SHOWN, ENOUGH_POSITIVES = 155, 89, 20


def main(source: Path, target: Path) -> None:
    """Choose, copy, and write the two tables."""
    target.mkdir(parents=True, exist_ok=True)
    rows = choose(candidates(source))
    for row in rows:
        stem = source / row["filename_hr"]
        for suffix in (".hea", ".dat"):
            shutil.copyfile(stem.with_suffix(suffix), target / (stem.name + suffix))
    write_labels(rows, target / "labels.csv")
    write_predictions(rows, target / "predictions-age-sex.csv")


def candidates(source: Path) -> list[dict]:
    """Records without noise remarks, with age and sex, whose 12 leads are complete and alive."""
    with (source / "scp_statements.csv").open(newline="") as file:
        superclass = {r[""]: r["diagnostic_class"] for r in csv.DictReader(file) if r["diagnostic"] == "1.0"}
    with (source / "ptbxl_database.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = []
    for row in rows:
        if any(row[remark].strip() for remark in NOISE) or not row["age"] or row["sex"] not in ("0", "1"):
            continue
        codes = ast.literal_eval(row["scp_codes"])
        row["classes"] = {superclass[c] for c, likelihood in codes.items() if c in superclass and likelihood >= 50}
        signal_CT = read_recording(source / (row["filename_hr"] + ".hea")).signal_CT
        if np.isfinite(signal_CT).all() and signal_CT.shape[1] == 5000 and (np.ptp(signal_CT, axis=1) > 0.05).all():
            chosen.append(row)
    return chosen


def choose(rows: list[dict]) -> list[dict]:
    """One record a patient; every patient with a finding first, then normal ones, women and men in turn."""
    best: dict[str, dict] = {}
    for row in rows:
        kept = best.get(row["patient_id"])
        if kept is None or len(row["classes"] - {"NORM"}) > len(kept["classes"] - {"NORM"}):
            best[row["patient_id"]] = row
    turn: dict[tuple, int] = defaultdict(int)
    ranked = []
    for row in sorted(best.values(), key=lambda r: int(r["ecg_id"])):
        finding = bool(row["classes"] & {"MI", "HYP"}) * 2 + bool(row["classes"] - {"NORM"})
        ranked.append(((-finding, turn[finding, row["sex"]], row["sex"]), row))
        turn[finding, row["sex"]] += 1
    ranked.sort(key=lambda pair: pair[0])
    return sorted((row for _, row in ranked[:RECORDS]), key=lambda r: int(r["ecg_id"]))


def write_labels(rows: list[dict], path: Path) -> None:
    """One line a record; a superclass is positive from likelihood 50 on."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["record", "patient_id", "age", "sex", *SUPERCLASSES])
        for row in rows:
            age = "90+" if float(row["age"]) > OLDEST_SHOWN else str(int(float(row["age"])))
            marks = [int(name in row["classes"]) for name in SUPERCLASSES]
            patient = str(int(float(row["patient_id"])))
            writer.writerow([Path(row["filename_hr"]).name, patient, age, ("male", "female")[int(row["sex"])], *marks])


def write_predictions(rows: list[dict], path: Path) -> None:
    """Out-of-fold scores of a logistic model on age and sex, for every superclass with enough positives."""
    age = np.array([min(float(row["age"]), OLDEST_SHOWN + 1) for row in rows])
    sex = np.array([float(row["sex"]) for row in rows])
    y_nL = np.array([[float(name in row["classes"]) for name in SUPERCLASSES] for row in rows])
    fold = patient_folds([row["patient_id"] for row in rows], y_nL, k=5, seed=0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["record", "label", "score"])
        for name, y in zip(SUPERCLASSES, y_nL.T, strict=True):
            if y.sum() < ENOUGH_POSITIVES:
                continue
            for row, score in zip(rows, out_of_fold(np.column_stack([age, sex]), y, fold), strict=True):
                writer.writerow([Path(row["filename_hr"]).name, name, f"{score:.6f}"])


def out_of_fold(x_nF: np.ndarray, y: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Score each record with a model that never saw its fold."""
    score = np.empty(len(y))
    for held in np.unique(fold):
        train = fold != held
        mean, deviation = x_nF[train].mean(axis=0), x_nF[train].std(axis=0)
        design = np.column_stack([np.ones(len(y)), (x_nF - mean) / deviation])
        weights = logistic(design[train], y[train])
        score[~train] = expit(design[~train] @ weights)
    return score


def logistic(x_nF: np.ndarray, y: np.ndarray) -> np.ndarray:
    """L2 logistic regression (C = 1, intercept free), float64."""

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = x_nF @ w
        penalised = np.concatenate([[0.0], w[1:]])
        value = np.logaddexp(0, z).sum() - y @ z + 0.5 * penalised @ penalised
        return value, x_nF.T @ (expit(z) - y) + penalised

    return minimize(loss, np.zeros(x_nF.shape[1]), jac=True, method="L-BFGS-B", options={"gtol": 1e-9}).x


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).resolve().parent / "ptbxl")
