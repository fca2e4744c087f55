"""Reference values for shares, kappa and adjusted p-values: statsmodels.

Run from the repository's root: python engine/selftest/sources/proportions.py
"""

import json

import numpy as np
import statsmodels
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

SOFTWARE = {"software": "statsmodels", "version": statsmodels.__version__}
COMMAND = {"command": "python engine/selftest/sources/proportions.py"}


def write(subject, cases):
    """One file of values."""
    with open(f"engine/selftest/references/{subject}.json", "w", encoding="utf-8") as file:
        json.dump({"subject": subject} | SOFTWARE | COMMAND | {"cases": cases}, file)
        file.write("\n")


shares = []
for events, trials, confidence in ((0, 20, 0.95), (3, 47, 0.95), (180, 200, 0.9), (20, 20, 0.95), (1, 4000, 0.99)):
    told = {}
    for method, name in (("wilson", "wilson"), ("beta", "exact")):
        low, high = proportion_confint(events, trials, alpha=1 - confidence, method=method)
        told |= {f"{name}_low": float(low), f"{name}_high": float(high)}
    inputs = {"events": events, "trials": trials, "confidence": confidence}
    shares.append({"name": f"{events} of {trials}", "inputs": inputs, "expected": told, "tolerance": 1e-9})
write("proportions", shares)

tables = []
for tp, fp, fn, tn in ((90, 30, 10, 170), (5, 2, 9, 40), (40, 25, 30, 35)):
    kappa = cohens_kappa(np.array([[tp, fn], [fp, tn]]))
    inputs = {"true_positives": tp, "false_positives": fp, "false_negatives": fn, "true_negatives": tn}
    expected = {"kappa": float(kappa.kappa), "variance": float(kappa.var_kappa)}
    tables.append({"name": f"{tp} {fp} {fn} {tn}", "inputs": inputs, "expected": expected, "tolerance": 1e-9})
write("kappa", tables)

tests = []
rng = np.random.default_rng(20261123)
for name, p in (
    ("a few", [0.01, 0.04, 0.03, 0.005]),
    ("ties and edges", [0.0, 1.0, 0.02, 0.02, 0.5]),
    ("many", np.round(rng.random(30) ** 2, 6).tolist()),
):
    expected = {}
    for method, prefix in (("holm", "holm"), ("fdr_bh", "benjamini_hochberg")):
        expected |= {f"{prefix}_{n}": float(q) for n, q in enumerate(multipletests(p, method=method)[1])}
    tests.append({"name": name, "inputs": {"p": p}, "expected": expected, "tolerance": 1e-12})
write("multiplicity", tests)
