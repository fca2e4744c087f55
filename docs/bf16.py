"""What products in bfloat16 do to the AUROC of a probe: the same S4 models, the same recordings, both ways.

    python docs/bf16.py [CHECKPOINT ...] [--data DATA]

Embeds PTB-XL's recordings with each checkpoint (random weights of full size when none is named) in float32 and in
bfloat16, probes the five superclasses out of five patient folds, and prints macro AUROCs and their paired difference
with a 95 % interval over patients (percentiles of 2,000 resamples of patients, the same for both).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pairs import ROOT, SUPERCLASSES, ptbxl

from engine.backbones.fused import FusedS4, Precision, for_inference
from engine.contract.config import NativeModel, RandomModel, S4Config
from engine.contract.errors import WorldError
from engine.data.splits import patient_folds
from engine.evaluation.probe import cross_validated
from engine.metrics.discrimination import auroc
from engine.signal.condition import model_input
from engine.signal.readers import read_recording
from engine.zoo.native import LoadedModel, load_model

RESAMPLES = 2000
Floats = NDArray[np.float64]


def main() -> None:
    """One line a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="*")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    arguments = parser.parse_args()
    sources = [NativeModel(name=path.parent.parent.name, checkpoint=str(path)) for path in arguments.checkpoints]
    for source in sources or [RandomModel(name="random weights", backbone=S4Config(), rate_hz=240)]:
        compare(load_model(source), arguments.data / "ptbxl-500")


def compare(model: LoadedModel, data: Path) -> None:
    """Embed both ways, probe both ways, print."""
    signals, y_NL, patients = recordings(model, data)
    folds = patient_folds(patients, y_NL, 5, seed=0)
    split = [f"fold-{fold}" for fold in folds]
    features = {precision: embedded(model, signals, precision) for precision in ("float32", "bf16")}
    scores = {name: cross_validated(x_ND, y_NL, patients, split).score_NL for name, x_ND in features.items()}
    exact, rounded = (macro(y_NL, scores[name], np.ones(len(y_NL))) for name in ("float32", "bf16"))
    low, high = interval(y_NL, scores["float32"], scores["bf16"], patients)
    error = np.abs(features["bf16"] - features["float32"]).max() / np.abs(features["float32"]).max()
    print(
        f"{model.name} ({model.backbone.summary}): {len(y_NL)} recordings, features differ by {error:.1e} of their "
        f"largest; macro AUROC {exact:.4f} in float32, {rounded:.4f} in bfloat16, difference {rounded - exact:+.4f} "
        f"({low:+.4f} to {high:+.4f})"
    )


def recordings(model: LoadedModel, data: Path) -> tuple[list[NDArray[np.float32]], Floats, list[str]]:
    """Windows of each recording that can be read, its labels, its patient."""
    windows, labels, patients = [], [], []
    for member in ptbxl(data, train=None):
        try:
            recording = read_recording(member.path)
            windows.append(model_input(recording.signal_CT, recording.rate_hz, model.preprocessing))
        except WorldError:
            continue
        labels.append(member.y)
        patients.append(member.patient)
    return windows, np.array(labels), patients


def embedded(model: LoadedModel, signals: list[NDArray[np.float32]], precision: Precision) -> Floats:
    """Mean over tokens and windows of the last layer, [N, D]."""
    encode = for_inference(model.module, precision)
    assert isinstance(encode, FusedS4), "this measures S4 by compiled loops"
    rows = []
    with torch.inference_mode():
        for x_NCT in signals:
            rows.append(encode(torch.from_numpy(x_NCT)).tokens_BLD.double().mean((0, 1)).numpy())
    return np.stack(rows)


def macro(y_NL: Floats, score_NL: Floats, weight_N: Floats) -> float:
    """Mean AUROC over the superclasses."""
    return float(np.mean([auroc(y_NL[:, k], score_NL[:, k], weight_N) for k in range(len(SUPERCLASSES))]))


def interval(y_NL: Floats, exact_NL: Floats, rounded_NL: Floats, patients: list[str]) -> tuple[float, float]:
    """Percentiles of the paired difference over resamples of patients."""
    rng = np.random.default_rng(0)
    _, patient_N = np.unique(patients, return_inverse=True)
    differences = []
    for _ in range(RESAMPLES):
        drawn_P = np.bincount(
            rng.integers(patient_N.max() + 1, size=patient_N.max() + 1), minlength=patient_N.max() + 1
        )
        weight_N = drawn_P[patient_N].astype(np.float64)
        differences.append(macro(y_NL, rounded_NL, weight_N) - macro(y_NL, exact_NL, weight_N))
    low, high = np.nanpercentile(differences, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main()
