"""Planning: what a test will tell, before its labels are opened for any model."""

import json

import pytest
from core_cases import make_workspace

from app import cli
from app.workspace import Workspace
from engine.contract.errors import UsageError


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(make_workspace(tmp_path / "w")) as made:
        made.create_cohort("main", labels=["NORM"], folds=3)
        yield made


def test_a_plan_tells_precision_and_need_and_opens_nothing(workspace):
    told = workspace.plan("main", "NORM", {"auroc": 0.85}, {"AUROC": 0.2})
    assert told.tested_records == 12
    assert told.planned.records == 12
    expected = {one.measure: one for one in told.planned.expected}
    assert expected["AUROC"].low < 0.85 < expected["AUROC"].high
    need = next(one for one in told.needed.needs if one.measure == "AUROC")
    assert need.high - need.low <= 0.2 + 1e-9
    assert told.planned.notes
    assert workspace.cohort("main").openings == 0
    assert not any(row.action == "test split opened" for row in workspace.audit())


def test_recordings_of_one_patient_count_for_less(workspace):
    careful = workspace.plan("main", "NORM", {"prevalence": 0.3})
    free = workspace.plan("main", "NORM", {"prevalence": 0.3}, correlation=0.0)
    assert free.planned.anticipated.design_effect == 1
    assert careful.planned.anticipated.design_effect >= 1
    assert careful.counted == "named by you"


@pytest.mark.parametrize(
    ("expected", "correlation", "words"),
    [
        ({"auroc": 1.2}, 1.0, "expected auroc"),
        ({"prevalence": 0.0}, 1.0, "expected prevalence"),
        ({}, 1.5, "correlation"),
    ],
)
def test_numbers_out_of_range_are_refused_by_name(workspace, expected, correlation, words):
    with pytest.raises(UsageError, match=words):
        workspace.plan("main", "NORM", expected, correlation=correlation)


def test_a_label_that_nobody_has_is_refused(workspace):
    with pytest.raises(UsageError, match="no recording has it"):
        workspace.plan("main", "NOBODY", {})


def test_the_verb_tells_a_plan_in_words_and_as_json(workspace, capsys):
    place = ["-w", str(workspace.path)]
    rates = ["--threshold", "0.2", "--sensitivity", "0.9", "--specificity", "0.7"]
    assert cli.main(["plan", "--cohort", "main", "--label", "NORM", *rates, *place]) == 0
    told = capsys.readouterr().out
    assert "12 recordings of" in told
    assert "Needed in all" in told
    assert "sensitivity" in told
    assert cli.main(["plan", "--cohort", "main", "--label", "NORM", "--json", *place]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "NORM"
    assert cli.main(["plan", "--cohort", "main", "--label", "NORM", "--width", "AUC=0.1", *place]) == 2
    assert "there is no such measure" in capsys.readouterr().err
