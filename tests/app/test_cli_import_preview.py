"""`isoline import --preview` tells what is missing, and our own export reads back as it was."""

import json

import numpy as np

from app.cli import main
from app.core.home import Home
from app.core.signals import export
from engine.data.store import Store
from engine.signal.readers import read_recording


def test_a_preview_names_what_is_missing_and_imports_nothing(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.random.default_rng(1).normal(0, 0.2, (12, 600)))
    told = ["import", "--preview", str(tmp_path / "a.npy"), "--map", "rate_hz=500", "--json"]
    assert main(told) == 1
    found = json.loads(capsys.readouterr().out)[0]
    assert (found["rate_hz"], found["missing"]) == (500, ["leads", "unit"])
    mapped = [*told, "--map", "unit=mV", "--map", "leads=I II III aVR aVL aVF V1 V2 V3 V4 V5 V6"]
    assert main(mapped) == 0


def test_our_own_export_is_read_back_without_a_mapping(tmp_path, samples):
    original = read_recording(min(samples.glob("*.hea")))
    home = Home.create(tmp_path / "ws")
    with Store.create(home.store) as store:
        store.append(original, "J0001")
    recording = read_recording(export(home, original.record_id, tmp_path / "one.npz"))
    home.db.close()
    np.testing.assert_array_equal(recording.signal_CT, original.signal_CT)
    assert recording.rate_hz == original.rate_hz
