"""Reference values for net benefit (dcurves) and log loss, ECE (scikit-learn).

Run from the repository's root with dcurves and scikit-learn installed: python engine/selftest/sources/utility.py
"""

import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from dcurves import dca
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

warnings.filterwarnings("ignore")
THRESHOLDS = [0.05, 0.1, 0.2, 0.35, 0.5]


def decision(name, y, p, prevalence=None):
    """One decision curve."""
    frame = pd.DataFrame({"y": y, "model": p})
    told = dca(data=frame, outcome="y", modelnames=["model"], thresholds=THRESHOLDS, prevalence=prevalence)
    expected = {}
    for threshold in THRESHOLDS:
        rows = told[np.isclose(told["threshold"], threshold)].set_index("model")
        expected[f"model {threshold}"] = float(rows.loc["model", "net_benefit"])
        expected[f"all {threshold}"] = float(rows.loc["all", "net_benefit"])
        expected[f"avoided {threshold}"] = float(rows.loc["model", "net_intervention_avoided"])
    inputs = {"y": y.tolist(), "p": p.tolist(), "thresholds": THRESHOLDS, "prevalence": prevalence}
    return {"name": name, "inputs": inputs, "expected": expected, "tolerance": 1e-9}


def overall(name, y, p):
    """Log loss, Brier score, expected calibration error of ten equal bins."""
    observed, predicted = calibration_curve(y, p, n_bins=10)
    count = np.histogram(p, bins=np.linspace(0, 1, 11))[0]
    ece = float(np.sum(count[count > 0] * np.abs(observed - predicted)) / len(y))
    expected = {"log_loss": float(log_loss(y, p)), "brier": float(brier_score_loss(y, p)), "ece": ece}
    return {"name": name, "inputs": {"y": y.tolist(), "p": p.tolist()}, "expected": expected, "tolerance": 1e-9}


def write(subject, software, packages, cases):
    """One reference file."""
    told = {
        "subject": subject,
        "software": software,
        "version": ", ".join(version(package) for package in packages),
        "command": "python engine/selftest/sources/utility.py",
        "cases": cases,
    }
    Path(f"engine/selftest/references/{subject}.json").write_text(json.dumps(told) + "\n")


random = np.random.default_rng(20261123)
x = random.normal(-1.5, 1.3, 250)
y = (random.random(250) < 1 / (1 + np.exp(-x))).astype(int)
p = np.round(1 / (1 + np.exp(-(0.3 + 1.2 * x))), 6)
coarse = np.round(p, 1)
write(
    "net_benefit",
    "dcurves",
    ["dcurves"],
    [decision("own prevalence", y, p), decision("rarer", y, p, 0.05), decision("ties at thresholds", y, coarse)],
)
write("overall", "scikit-learn", ["scikit-learn"], [overall("overconfident", y, p)])
