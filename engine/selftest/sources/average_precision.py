"""Reference values for average precision: scikit-learn.

Run from the repository's root: python engine/selftest/sources/average_precision.py
"""

import json

import numpy as np
import sklearn
from sklearn.metrics import average_precision_score, roc_auc_score

rng = np.random.default_rng(20261123)
cases = []
for name, records, share, decimals in (
    ("scores without ties", 60, 0.3, 6),
    ("many ties", 80, 0.4, 0),
    ("rare label", 200, 0.03, 2),
):
    y = (rng.random(records) < share).astype(int)
    y[:2] = 0, 1
    score = np.round(rng.normal(size=records) + y, decimals)
    weight = rng.integers(0, 4, size=records)
    weight[:2] = 1
    expected = {
        "alone": average_precision_score(y, score),
        "weighted": average_precision_score(y, score, sample_weight=weight),
        "weighted_auroc": roc_auc_score(y, score, sample_weight=weight),
    }
    inputs = {"y": y.tolist(), "score": score.tolist(), "weight": weight.tolist()}
    cases.append({"name": name, "inputs": inputs, "expected": expected, "tolerance": 1e-12})
told = {
    "subject": "average_precision",
    "software": "scikit-learn",
    "version": sklearn.__version__,
    "command": "python engine/selftest/sources/average_precision.py",
    "cases": cases,
}
with open("engine/selftest/references/average_precision.json", "w", encoding="utf-8") as file:
    json.dump(told, file)
    file.write("\n")
