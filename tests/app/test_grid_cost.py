"""The cost of a study, from one estimate."""

import pytest
from fake_training import estimate_results

from app.grid_cost import grid_cost
from engine.contract.results import StudyRow

ROWS = [StudyRow(number=n, name="run", values={"seed": n}, metrics={"steps": 1000.0}) for n in range(1, 7)]
REFUSED = StudyRow(number=7, name="run", values={"seed": 7}, state="refused", message="too few")
ONE = estimate_results(steps=2000, seconds=1200.0, energy_wh=10.0, disk_bytes=50_000_000)


def test_every_run_that_can_work_counts_with_its_own_steps():
    told = grid_cost(ONE, [*ROWS, REFUSED])
    assert told.startswith("6 runs: at most 1 h 00 min one after the other, 30.0 Wh, ")
    assert told.endswith("of disk. Measured on the largest run; smaller ones take less.")


@pytest.mark.parametrize(("parallel", "time"), [(2, "30 min 00 s"), (60, "10 min 00 s")])
def test_runs_beside_each_other_share_the_time_and_no_more_than_there_are(parallel, time):
    assert f"at most {time} {min(parallel, 6)} beside each other" in grid_cost(ONE, ROWS, parallel)


def test_a_largest_run_that_does_not_fit_is_told_with_what_would():
    results = estimate_results(fits=False, refusal="memory is short", advice="Set batch_size = 8", seconds=None)
    told = grid_cost(results, ROWS)
    assert told == "6 runs, of which the largest does not fit: memory is short. Set batch_size = 8."
