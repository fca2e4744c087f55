"""Asking for a stress bench: what is queued, what is refused, and how its outcome is told."""

import csv
from pathlib import Path

import numpy as np
import pytest
from core_cases import make_workspace, quick_copy

from app import cli
from app.commands.examination_words import drift_words, stress_words
from app.core import launch
from engine.contract.config import S4Config
from engine.contract.drift import DriftResults, FeatureShift, KernelTest, PriorShift
from engine.contract.errors import UsageError, WorldError
from engine.contract.results import Estimate, Interval
from engine.contract.stress import BreakingPoint, LabelStress, StressLevel, StressResults, StressSweep


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=12)


@pytest.fixture
def workspace(template, tmp_path, monkeypatch):
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        opened.add_random_model("untrained", S4Config(width=8, depth=1))
        opened.add_baseline()
        opened.create_cohort("main", labels=["NORM"], folds=2)
        yield opened


def test_a_stress_bench_is_queued_with_what_was_asked_and_its_labels_are_opened_for_it(workspace):
    job = workspace.stress("untrained", "main", faults=["noise", "clip"], margin=0.1, resamples=300, seed=4)
    config = workspace.job_detail(job).config
    assert (config["kind"], config["faults"], config["margin"]) == ("stress", ["noise", "clip"], 0.1)
    assert (config["resamples"], config["seed"], config["labels"]) == (300, 4, ["NORM"])
    launch._prepare(workspace._home, job)
    with np.load(workspace.path / "runs" / job / "labels.npz") as opened:
        assert opened["labels"].tolist() == ["NORM"]


def test_a_stress_bench_counts_as_an_opening_of_the_test_part(workspace):
    before = workspace.cohort("main").openings
    workspace.stress("untrained", "main")
    workspace.pump()
    assert workspace.cohort("main").openings == before + 1


def test_what_cannot_be_broken_is_refused_before_anything_is_queued(workspace):
    with pytest.raises(UsageError, match="takes no recordings"):
        workspace.stress("age + sex", "main")
    with pytest.raises(UsageError, match="gremlins"):
        workspace.stress("untrained", "main", faults=["gremlins"])
    with pytest.raises(UsageError, match="none of this name"):
        workspace.stress("untrained", "nowhere")
    assert all(row.kind != "stress" for row in workspace.jobs())


def test_a_comparison_of_recordings_is_queued_with_both_sides_and_no_recording_twice(workspace):
    workspace.create_cohort("women", rules=["sex female"], folds=2)
    job = workspace.drift("untrained", "women", "main", labels=["NORM"])
    config = workspace.job_detail(job).config
    assert (config["kind"], config["labels"]) == ("drift", ["NORM"])
    lines = (workspace.path / "runs" / job / "manifest.csv").read_text().splitlines()[1:]
    sides = [line.split(",")[2] for line in lines]
    assert len({line.split(",")[0] for line in lines}) == len(lines)
    assert sides.count("local") == workspace.cohort("women").records
    assert 0 < sides.count("reference") < workspace.cohort("main").records


def test_a_cohort_is_not_held_against_itself_or_what_is_wholly_in_it(workspace):
    workspace.create_cohort("women", rules=["sex female"], folds=2)
    with pytest.raises(UsageError, match="against itself"):
        workspace.drift("untrained", "main", "main")
    with pytest.raises(WorldError, match="all its recordings are in 'main'"):
        workspace.drift("untrained", "main", "women")
    with pytest.raises(UsageError, match="takes no recordings"):
        workspace.drift("age + sex", "main", "women")


def test_a_comparison_of_recordings_is_told_with_bounds_where_permutations_end():
    shift = {"kind": "number", "reference_records": 40, "local_records": 50}
    features = [
        FeatureShift(
            feature="age", reference_centre="median 50", local_centre="median 71", distance=0.6, stability=1.2,
            p_value=0.001, **shift,
        ),
        FeatureShift(feature="x", reference_centre="?", local_centre="?", not_estimable="not known", **shift),
    ]  # fmt: skip
    text = drift_words(
        DriftResults(
            model="m",
            model_sha256="0" * 64,
            classifier=estimate(0.75),
            kernel=KernelTest(
                squared=0.01, bandwidth=3, p_value=0.25, permutations=999, reference_records=40, local_records=50
            ),
            features=features,
            priors=[PriorShift(label="AF", threshold=0.5, reference=estimate(0.3), local=estimate(0.1))],
            reference_records=1400,
            reference_patients=40,
            local_records=50,
            local_patients=50,
            seed=0,
            seconds=1,
        )
    )
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in text.splitlines() if line}
    assert lines["Reference"] == "Reference 1,400 recordings of 40 patients"
    assert lines["Told apart"] == "Told apart AUROC 0.750 (0.700 to 0.800); 0.5 when alike"
    assert lines["Kernel test"] == "Kernel test MMD² 0.01, p 0.250"
    assert lines["age"] == "age median 50 median 71 0.600 at most 0.001 1.200"
    assert "not estimable: not known" in lines["x"]
    assert lines["AF"] == "AF 0.300 (0.250 to 0.350) 0.100 (0.050 to 0.150) no labels"


def test_every_fault_is_listed(capsys):
    assert cli.main(["faults"]) == 0
    told = capsys.readouterr().out
    assert "emg" in told
    assert "0.01, 0.02, 0.05, 0.1, 0.2, 0.5 mV" in told
    assert cli.main(["faults", "--json"]) == 0
    assert '"name": "swap_RA_LA"' in capsys.readouterr().out


def test_the_numbers_and_figures_of_a_run_are_written_once_it_has_results(workspace, tmp_path, monkeypatch):
    job = workspace.stress("untrained", "main")
    with pytest.raises(UsageError, match="no results"):
        workspace.export_figures(job, tmp_path / "out")
    monkeypatch.setattr("app.core.results.results", lambda session, job_id: told())
    files = workspace.export_figures(job, tmp_path / "out")
    assert [file.name for file in files] == [
        *("numbers.csv", "stress-sweeps.svg", "stress-sweeps.csv", "stress-faults.svg", "stress-faults.csv")
    ]
    rows = list(csv.DictReader(files[0].read_text().splitlines()))
    assert rows[0]["place"] == "clean"
    assert (rows[0]["value"], rows[0]["low"], rows[0]["records"]) == ("0.8", "0.75", "9")
    places = [row["place"] for row in rows]
    assert "sweeps/Hum/levels/0.2/change" in places
    assert "sweeps/Exchange/levels/0.1/labels/NORM/auroc" in places
    assert len(set(places)) == len(places)


def estimate(value, reach=0.05):
    return Estimate(value=value, interval=Interval(low=value - reach, high=value + reach, method="x"), records=9)


def level(severity, change):
    label = LabelStress(label="NORM", auroc=estimate(0.8 + change), change=estimate(change))
    return StressLevel(severity=severity, macro=estimate(0.8 + change), change=estimate(change), labels=[label])


def sweep(name, changes, **breaking):
    point = {"margin": 0.05, "confidence": 0.95, "unbroken_share": 0.0, "resamples": 200, "held": None, **breaking}
    return StressSweep(
        name=name,
        group="noise",
        title=name,
        unit="mV",
        levels=[level(0.1 * n, change) for n, change in enumerate(changes, 1)],
        breaking=BreakingPoint(**point) if breaking else None,
    )


def told():
    sweeps = [
        sweep("Hum", [0.0, -0.1], broken=0.2, low=0.1, high=None, held=0.1),
        sweep("Wander", [0.0, -0.01], broken=None, low=None, high=None),
        sweep("Motion", [0.0, 0.0], broken=None, low=None, high=None, not_estimable="one class"),
        sweep("Exchange", [-0.07]),
    ]
    return StressResults(
        model="m",
        model_sha256="0" * 64,
        mode="linear probe",
        clean=estimate(0.8),
        sweeps=sweeps,
        split_id="S",
        test_sha256="0" * 64,
        records=1200,
        patients=9,
        notes=["A note"],
        seed=0,
        resamples=200,
        seconds=1.0,
    )


def test_the_outcome_says_where_each_sweep_breaks_and_what_it_holds():
    text = stress_words(told())
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in text.splitlines() if line}
    assert lines["Hum"] == "Hum 0.2 mV 0.1 mV to beyond what was tried 0.1 mV 0.2 mV: -0.100 (-0.150 to -0.050)"
    assert "nowhere tried beyond what was tried nothing shown" in lines["Wander"]
    assert "not estimable: one class" in lines["Motion"]
    assert lines["Exchange"] == "Exchange -0.070 (-0.120 to -0.020) 0.730 (0.680 to 0.780)"
    assert "1,200 recordings of 9 patients" in text
