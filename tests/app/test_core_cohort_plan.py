"""What is asked of a cohort: why it cannot be made, and the command line that says the same."""

import shlex
import sys
from dataclasses import replace

import pytest

from app.core.cohort_plan import CohortPlan, free_name, plan_of
from app.core.rows import OFFICIAL, CohortFlow, CohortRow
from engine.data.eligibility import Step

ASKED = CohortPlan(
    name="adults' first", labels=("MI", "ST change"), dataset="ward 7", rules=("age 18..", 'device "MAC 5500"'), seed=3
)
ROW = CohortRow("main", 10, 9, "S-1", "5 patient folds", "ab", 3, 0, "2026-11-22T09:00:00Z", rules=("age 18..",))


def flow(records: int, patients: int, torn: int = 0) -> CohortFlow:
    return CohortFlow(50, 40, (), records, patients, torn)


@pytest.mark.parametrize(
    ("plan", "left", "told"),
    [
        (ASKED, flow(10, 5), ""),
        (ASKED, flow(10, 4), "5 folds need at least 5 patients, 4 are left"),
        (ASKED, flow(0, 0), "No recording is left: widen a rule or take one away"),
        (ASKED, CohortFlow(0, 0, (), 0, 0), "The workspace holds no such recording"),
        (replace(ASKED, way="holdout"), flow(3, 1), "A held-out part needs at least 2 patients, 1 is left"),
        (replace(ASKED, way="official"), flow(3, 1), ""),
        (
            replace(ASKED, way="official"),
            CohortFlow(5, 5, (Step(OFFICIAL, 5, 5, {"in no official part": 5}),), 0, 0),
            "None of these recordings came with an official split: divide by patient",
        ),
    ],
)
def test_a_plan_says_why_no_cohort_can_be_made_of_it(plan, left, told):
    assert plan.obstacle(left) == told


@pytest.mark.skipif(sys.platform == "win32", reason="the words are quoted for another shell there")
def test_the_command_line_is_read_by_a_shell_as_what_was_asked():
    words = shlex.split(ASKED.command("/data/ward 7"))
    assert words[:4] == ["isoline", "cohort", "create", "adults' first"]
    assert words[4:] == [
        *("--label", "MI", "--label", "ST change", "--rule", "age 18..", "--rule", 'device "MAC 5500"'),
        *("--dataset", "ward 7", "--folds", "5", "--seed", "3", "-w", "/data/ward 7"),
    ]
    assert "--holdout 0.3 -w" in CohortPlan("a", way="holdout").command("w")
    assert "--official -w" in CohortPlan("a", way="official").command("w")


@pytest.mark.parametrize(
    ("kind", "plan"),
    [
        ("5 patient folds", CohortPlan("main", rules=("age 18..",), folds=5, seed=3)),
        ("12.5% of the patients held out as test", CohortPlan("main", (), None, ("age 18..",), "holdout", 5, 12.5, 3)),
        ("official split of ptbxl", CohortPlan("main", (), None, ("age 18..",), "official", seed=3)),
    ],
)
def test_a_cohort_tells_the_plan_that_would_make_it_again(kind, plan):
    assert plan_of(replace(ROW, split_kind=kind)) == plan


def test_a_copy_gets_a_name_that_no_cohort_has():
    assert free_name("a", ["a", "a 2"]) == "a 3"
    assert free_name("a", ["b"]) == "a"
    assert plan_of(ROW, "other").name == "other"
