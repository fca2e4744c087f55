"""Published models on real recordings against the figures that were measured with other code.

Origin of the figures: the READMEs of the development data's `vendor-models`, made with a scratch re-implementation of
ECGResNet, and with onnxruntime alone.
"""

import ast
import csv

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from engine.contract.card import Output, Preprocessing
from engine.contract.model_source import ExternalModel
from engine.data.digests import sha256_of
from engine.signal.condition import model_input
from engine.signal.readers import read_recording
from engine.zoo.external import ONE_BY_ONE, load_external

CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
DEVIATIONS = (0.1435, 0.1594, 0.1449, 0.1333, 0.1201, 0.1343, 0.1944, 0.3295, 0.2997, 0.2699, 0.2390, 0.1962)
FEED = Preprocessing(
    rate_hz=100,
    window_s=3,
    stride_s=1.5,
    aggregation="mean over windows",
    clip_mv=None,
    filters="band-pass 0.5-40 Hz, Butterworth order 4, forward-backward",
    normalisation="z-score per lead by constants",
    means=(0.0,) * 12,
    deviations=DEVIATIONS,
)
KNOWN = {
    "bce": ((0.916, 0.935, 0.962, 0.919, 0.946), (0.888, 0.935, 0.971, 0.776, 0.961)),
    "focal": ((0.893, 0.923, 0.961, 0.902, 0.905), (0.882, 0.917, 0.956, 0.744, 0.938)),
}


@pytest.fixture(scope="module")
def ptbxl(shared):
    root = shared / "data" / "ptbxl-500"
    with (root / "scp_statements.csv").open(encoding="utf-8") as file:
        groups = {row[""]: row["diagnostic_class"] for row in csv.DictReader(file)}
    with (root / "ptbxl_database.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    read = [read_recording(root / f"{row['filename_lr']}.hea") for row in rows]
    inputs = [model_input(recording.signal_CT, recording.rate_hz, FEED) for recording in read]
    told = [
        {groups.get(code) for code, sure in ast.literal_eval(row["scp_codes"]).items() if sure >= 50} for row in rows
    ]
    y_NK = np.array([[name in there for name in CLASSES] for there in told])
    return inputs, y_NK, np.array([int(row["strat_fold"]) for row in rows])


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("variant", ["bce", "focal"])
def test_ecgresnet_meets_its_known_areas_under_the_curve(shared, ptbxl, variant):
    folder, name = shared / "vendor-models" / "ecgresnet-ptbxl", f"best_resnet_loss_{variant}.safetensors"
    source = ExternalModel(
        name=variant,
        format="safetensors",
        folder=str(folder),
        entry=name,
        files={name: sha256_of(folder / name)},
        architecture="ecgresnet",
        sha256=sha256_of(folder / name),
        preprocessing=FEED,
        outputs=(Output(name="logits", kind="logits", classes=CLASSES, activation="sigmoid"),),
    )
    inputs, y_NK, fold_N = ptbxl
    told = load_external(source).features(inputs)
    for known, chosen_N in zip(KNOWN[variant], (fold_N > 0, fold_N >= 9), strict=True):
        found = [roc_auc_score(y_NK[chosen_N, k], told[chosen_N, k]) for k in range(5)]
        np.testing.assert_allclose(found, known, atol=0.001)
    if variant == "bce":
        np.testing.assert_allclose(told[0], (0.9735, 0.0005, 0.0321, 0.0009, 0.0009), atol=1e-3)


RHYTHMS = ("sinus", "avb", "paced", "afib", "bbb", "ventricular")
ONE_LEAD = Preprocessing(
    leads=("II",),
    rate_hz=500,
    window_s=10,
    clip_mv=None,
    normalisation="rank per lead of each window, ties averaged, -1 to 1",
    axes="batch time",
)


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize(("version", "known"), [("v6", 0.974), ("v1", 0.887)])
def test_openecg_in_the_sandbox_meets_its_known_area_for_atrial_fibrillation(shared, version, known):
    pytest.importorskip("onnxruntime")
    folder, name = shared / "vendor-models" / "openecg-codec", f"codec_{version}_int8.onnx"
    source = ExternalModel(
        name=version,
        format="onnx",
        folder=str(folder),
        entry=name,
        files={name: sha256_of(folder / name)},
        sha256=sha256_of(folder / name),
        preprocessing=ONE_LEAD,
        outputs=(Output(name="rhythm_logits", kind="logits", classes=RHYTHMS, activation="softmax", over_time="mean"),),
        allow_incomplete=True,
    )
    with (shared / "data" / "ludb" / "ludb.csv").open(encoding="utf-8") as file:
        told = {row["ID"].strip(): "Atrial fibrillation" in row["Rhythms"] for row in csv.DictReader(file)}
    headers = sorted((shared / "data" / "ludb").rglob("*.hea"))
    read = [(read_recording(path), told[path.stem]) for path in headers if path.stem in told]
    with load_external(source, threads=1).opened() as model:
        score = model.features([model_input(one.signal_CT, one.rate_hz, ONE_LEAD) for one, _ in read])[:, 3]
    assert len(score) == 144
    assert roc_auc_score([yes for _, yes in read], score) == pytest.approx(known, abs=0.005)
    assert model.notes == [ONE_BY_ONE]
