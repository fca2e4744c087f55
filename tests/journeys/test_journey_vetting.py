"""Parity at the terminal: a vendor is sent golden ECGs, answers with a program of his own, and a dossier tells it."""

import json

import numpy as np
import pytest
import torch
from command_line import isoline
from safetensors.torch import save_file

from engine.zoo.architectures.ecgresnet import ECGResNet

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
CARD = """
name = "vendor"
version = "1"
source = "external"
format = "safetensors"
architecture = "ecgresnet"
licence = "Apache-2.0"

[preprocessing]
rate_hz = 500
window_s = 2.5
clip_mv = "none"
units = "mV"

[[outputs]]
name = "logits"
kind = "logits"
activation = "sigmoid"
classes = ["NORM", "MI", "STTC", "CD", "HYP"]
"""


def vendors_own_program(network, folder, factor=1.0):
    """Read the tables that were sent, cut four windows, run the network, average its probabilities."""
    told = {}
    for table in sorted((folder / "csv").glob("*.csv")):
        leads = factor * np.loadtxt(table, delimiter=",", skiprows=1).T
        windows = torch.from_numpy(np.stack(np.split(leads, 4, axis=1)).astype(np.float32))
        with torch.inference_mode():
            likely = torch.sigmoid(network(windows)["logits"].double()).mean(dim=0)
        told[table.stem] = {"logits": dict(zip(CLASSES, likely.tolist(), strict=True))}
    return told


def test_a_vendor_answers_for_golden_ecgs_and_the_dossier_tells_whose_numbers_these_are(tmp_path, samples):
    ward, sent = tmp_path / "ward", tmp_path / "sent"
    torch.manual_seed(0)
    network = ECGResNet().eval()
    save_file(network.state_dict(), tmp_path / "vendor.safetensors")
    (tmp_path / "card.toml").write_text(CARD, encoding="utf-8")
    isoline("init", ward)
    few = sorted(samples.glob("*.hea"))[:40]
    head, *rows = (samples / "labels.csv").read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if row.partition(",")[0] in {path.stem for path in few}]
    (tmp_path / "labels.csv").write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")
    isoline("import", *few, "--labels", tmp_path / "labels.csv", "-w", ward)
    isoline("model", "add", tmp_path / "vendor.safetensors", "--card", tmp_path / "card.toml", "-w", ward)
    isoline("model", "golden", "vendor", "--out", sent, "-w", ward)

    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(vendors_own_program(network, sent)), encoding="utf-8")
    isoline("model", "vet", "vendor", "--reference", answers, "--wait", "-w", ward)
    told = json.loads(isoline("model", "certificate", "vendor", "--json", "-w", ward))
    assert told["verdict"] == "met"
    assert told["outputs"][0]["values"] == 16 * len(CLASSES)

    answers.write_text(json.dumps(vendors_own_program(network, sent, factor=1000.0)), encoding="utf-8")
    isoline("model", "vet", "vendor", "--reference", answers, "--wait", "-w", ward)
    assert "Parity certificate" in (words := isoline("model", "certificate", "vendor", "-w", ward))
    assert "not met" in words

    isoline("cohort", "create", "main", "--label", "NORM", "--folds", "2", "--no-search", "-w", ward)
    isoline("model", "add", "--baseline", "-w", ward)
    asked = ("--cohort", "main", "--label", "NORM", "--wait", "-w", ward)
    isoline("evaluate", "vendor", "--mode", "own", *asked)
    isoline("evaluate", "age + sex", *asked)
    jobs = json.loads(isoline("jobs", "list", "--json", "-w", ward))
    ours, theirs = sorted(job["job_id"] for job in jobs if job["kind"] == "evaluate")
    isoline("compare", ours, theirs, "--wait", "-w", ward)
    isoline("report", "--out", tmp_path / "dossier.pdf", "-w", ward)
    assert "matches this workspace" in isoline("verify", tmp_path / "dossier.pdf", "-w", ward)
