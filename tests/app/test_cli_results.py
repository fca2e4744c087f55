"""Results of training as verbs print them."""

import pytest

from app import printing
from app.commands.results import shown
from engine.contract.results import (
    Estimate,
    EstimateResults,
    Interval,
    LabelResult,
    PretrainResults,
    ProbeChange,
    ProbePoint,
    ScalingFit,
    StudyCell,
    StudyDifference,
    StudyResults,
    StudyRow,
)


def words(text):
    """Text with single spaces, for tables."""
    return " ".join(text.split())


def mean(value, low, high):
    return Estimate(value=value, interval=Interval(low=low, high=high, method="Student's t over 3 seeds"))


def test_a_pretraining_tells_its_collapse_its_probes_and_what_it_forgot():
    point = ProbePoint(
        step=0, macro=mean(0.7, 0.6, 0.8), labels=[LabelResult(label="MI", auroc=Estimate(not_estimable="no"))]
    )
    told = shown(
        PretrainResults(
            checkpoint="c",
            weights_sha256="0" * 64,
            steps=1200,
            parameters=58_432,
            final={"validation_loss": 4.25, "accuracy": None},
            seconds=3.0,
            stopped_early=True,
            collapse={"effective_rank": 3.5},
            collapsed="the features are flat",
            probes=[point, point.model_copy(update={"step": 1200})],
            forgetting=[ProbeChange(label="macro", estimate=mean(-0.01, -0.03, 0.01))],
        )
    )
    assert "1,200, stopped early" in told
    assert "accuracy -" in words(told)
    assert "collapsed the features are flat" in words(told)
    assert "1,200 0.700 (0.600 to 0.800) -" in words(told)
    assert "-0.010 (-0.030 to +0.010)" in told


@pytest.mark.parametrize("fits", [True, False])
def test_an_estimate_begins_with_its_verdict_and_ends_with_how_it_was_measured(fits):
    told = shown(
        EstimateResults(
            fits=fits,
            refusal="" if fits else "memory is short",
            advice="" if fits else "a batch of 16",
            device="cpu",
            parameters=58_432,
            tokens=300,
            steps=1000,
            seconds=7325.0,
            crops_per_s=1234.5,
            memory_bytes=2_500_000_000,
            memory_free_bytes=8_000_000_000,
            disk_bytes=1_500_000,
            disk_free_bytes=300_000_000_000,
            energy_wh=12.34,
            energy_source="assumed: 8 W",
            largest_batch=None if fits else 16,
            notes=["Probes are not counted"],
        )
    )
    first = told.split("\n")[0]
    assert ("it fits" in first) == fits
    assert ("it does not fit: memory is short" in first) == (not fits)
    assert "2 h 02 min for 1,000 steps, 1,234.5 crops a second" in told
    assert "2.5 GB of 8.0 GB free" in told
    assert "1.5 MB of 300 GB free" in told
    assert "12.3 Wh (assumed: 8 W)" in told
    assert told.endswith("Probes are not counted")


def test_a_study_tells_runs_verdicts_differences_and_fits():
    row = StudyRow(
        number=1, name="s4", values={"backbone": "s4", "seed": 0}, state="done", metrics={"probe_after": 0.8}
    )
    waiting = row.model_copy(update={"number": 2, "state": "waiting", "metrics": {}})
    gap = StudyDifference(
        axis="backbone", examined="net1d", reference="s4", metric="probe_after", estimate=mean(0.02, -0.01, 0.05)
    )
    told = shown(
        StudyResults(
            name="grid",
            axes=["backbone", "seed"],
            rows=[row, waiting],
            cells=[StudyCell(name="s4", values={}, seeds=1, works=False, shortfall="rank is 3 % of the width")],
            differences=[gap],
            fits=[ScalingFit(series="s4", metric="validation_loss", a=6.0, b=0.189, c=0.5, points=5)],
            notes=["1 of 2 runs failed"],
            seconds=1.0,
        )
    )
    assert "1 s4 0 done 0.8 2 s4 0 waiting -" in words(told)
    assert "s4 1 no rank is 3 % of the width" in words(told)
    assert "probe after net1d minus s4 +0.020 (-0.010 to +0.050)" in words(told)
    assert "6 N^-0.189 + 0.5" in told
    assert told.endswith("1 of 2 runs failed")


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (123_456_789, "123 MB"), (5e15, "5000 TB")]
)
def test_bytes_are_told_in_the_unit_that_people_use(count, told):
    assert printing.size(count) == told
