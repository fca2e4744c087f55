"""`isoline bench data`: both sides give the same, rows say what they are, and only an unequal result fails."""

import json

import numpy as np
import pytest

from app import bench, cli
from app.bench import data
from app.bench.reference import by_wfdb, by_wfdb_and_scipy
from engine.contract.errors import EXIT_BUG, EXIT_DONE
from engine.data.store import Store
from engine.signal.readers import read_recording


@pytest.fixture
def brief(monkeypatch):
    """Measured once, on little."""
    monkeypatch.setattr(data, "ROUNDS", 1)
    monkeypatch.setattr(data, "BATCHES", 1)
    whole = data.run
    monkeypatch.setattr(data, "run", lambda: whole(sizes=(100, 3000), files=2, records=20))


def test_every_row_compares_equal_results_and_tells_ratio_goal_and_floor(brief, capsys):
    assert cli.main(["bench", "data", "--json"]) == EXIT_DONE
    told = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in told["rows"]] == ["read", "ingest", "crops"]
    assert [row["goal_ratio"] for row in told["rows"]] == [25, 12, 15]
    for row in told["rows"]:
        assert row["equal"]
        assert row["error"] <= row["tolerance"] <= 5e-7
        assert row["ratio"] == pytest.approx(row["alternative_ms"] / row["ours_ms"])
        assert row["floor_ms"] > 0
    assert [row["records"] for row in told["flat"]["rows"]] == [100, 3000]
    assert told["flat"]["equal"]
    assert told["equal"]


def test_people_get_tables(brief, capsys):
    assert cli.main(["bench", "data"]) == EXIT_DONE
    said = capsys.readouterr().out
    assert "wfdb.rdrecord + resample_poly" in said
    assert "published loader" in said
    assert "Recordings in the store" in said


def test_an_unequal_result_fails(brief, monkeypatch):
    honest = Store.crops
    monkeypatch.setattr(Store, "crops", lambda *told: (honest(*told)[0] * 2, None))
    assert cli.main(["bench", "data", "--json"]) == EXIT_BUG


def test_sizes_that_the_disk_cannot_hold_are_left_out_and_told(brief, monkeypatch):
    monkeypatch.setattr(data, "SPARE_BYTES", 2**60)
    report = data.run()
    told = report["flat"]
    assert (told["left_out"], told["rows"], told["met"]) == ([100, 3000], [], False)
    assert "the disk has no room" in " ".join(bench.data_in_words(report).split())


def test_the_alternatives_give_the_recording_in_canonical_order(samples):
    header = sorted(samples.glob("*.hea"))[3]
    truth_CT = read_recording(header).signal_CT
    np.testing.assert_allclose(by_wfdb(header), truth_CT, atol=1e-6)
    assert by_wfdb_and_scipy(header, 12, 25).shape == (12, 2400)
