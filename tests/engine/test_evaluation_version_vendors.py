"""A version regression of two published models on real recordings, against figures that were measured with other code.

Origin of the figures: as of test_zoo_known_answers. The focal loss stands for the old version, cross-entropy for the
new one: their areas are known, and that the focal one's probabilities are pulled towards the middle.
"""

import csv

import numpy as np
import pytest
import test_zoo_known_answers as published
from test_zoo_known_answers import CLASSES, FEED, KNOWN
from version_cases import Versions

from engine.contract.card import Output
from engine.contract.model_source import ExternalModel
from engine.data.digests import sha256_of
from engine.zoo.external import load_external

ptbxl = published.ptbxl


def probabilities(shared, inputs, variant):
    folder, name = shared / "vendor-models" / "ecgresnet-ptbxl", f"best_resnet_loss_{variant}.safetensors"
    digest = sha256_of(folder / name)
    source = ExternalModel(
        name=variant,
        format="safetensors",
        folder=str(folder),
        entry=name,
        files={name: digest},
        architecture="ecgresnet",
        sha256=digest,
        preprocessing=FEED,
        outputs=(Output(name="logits", kind="logits", classes=CLASSES, activation="sigmoid"),),
    )
    return load_external(source).features(inputs)[:, : len(CLASSES)].astype(float)


class Published(Versions):
    """The recordings of folds 9 and 10 are tested, thresholds are chosen on the others."""

    def __init__(self, path, shared, y_NK, fold_N):
        self.path, self.count, self.labels = path, 0, CLASSES
        with (shared / "data" / "ptbxl-500" / "ptbxl_database.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.ids = [f"{int(row['ecg_id']):064x}" for row in rows]
        self.patients = [row["patient_id"] for row in rows]
        self.y = y_NK.astype(float)
        self.age = np.array([float(row["age"] or "nan") for row in rows])
        self.sex = np.array([float(row["sex"]) for row in rows])
        self.device = np.array([row["device"] for row in rows])
        held_out = {patient for patient, fold in zip(self.patients, fold_N, strict=True) if fold > 8}
        assert all(fold > 8 for patient, fold in zip(self.patients, fold_N, strict=True) if patient in held_out)
        self.split = ["test" if fold > 8 else "train" for fold in fold_N]


@pytest.mark.slow
@pytest.mark.shared
def test_a_published_models_two_versions_differ_by_what_is_known_and_the_old_threshold_no_longer_fits(
    shared,
    tmp_path,
    ptbxl,
    monkeypatch,
):
    monkeypatch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)
    inputs, y_NK, fold_N = ptbxl
    bench = Published(tmp_path, shared, y_NK, fold_N)
    runs = [bench.evaluate(variant, probabilities(shared, inputs, variant)) for variant in ("focal", "bce")]
    found = bench.compare(*runs, resamples=500)
    assert found.records == (fold_N > 8).sum() == 96
    for place, label in enumerate(found.labels):
        change = label.changes[0]
        assert change.old.value == pytest.approx(KNOWN["focal"][1][place], abs=0.005)
        assert change.new.value == pytest.approx(KNOWN["bce"][1][place], abs=0.005)
        assert change.difference.value == pytest.approx(change.new.value - change.old.value, abs=1e-12)
    spread = {label.label: label.agreement.spread for label in found.labels}
    assert all(value > 0.05 for value in spread.values())
    # Focal probabilities are pulled to the middle: cross-entropy's rare classes move down, and alerts with them.
    rare = [label for label in found.labels if label.label in ("MI", "HYP")]
    assert all(label.agreement.mean_difference.interval.high < 0 for label in rare)
    assert found.macro.verdict in ("superior", "non-inferior", "not shown")
