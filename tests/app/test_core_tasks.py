"""Tasks of the study by name, declared probabilities, and the baseline of the cart's measurements."""

import json

import pytest
from core_cases import QUICK, SAMPLES, hurt, make_workspace

from app import cli
from app.workspace import Workspace
from engine.contract.errors import UsageError, WorldError
from engine.contract.evaluation import EvaluationSettings, FewLabels
from engine.datasets.registry import TASKS


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(make_workspace(tmp_path / "w")) as made:
        yield made


def named(workspace, **labels):
    """Give labels of the workspace other names, as an import of a public corpus does."""
    for old, new in labels.items():
        hurt(workspace, "UPDATE labels SET label = ? WHERE label = ?", new, old)


def test_a_task_names_the_labels_of_its_scheme_that_are_here(workspace):
    named(workspace, NORM="ptbxl-super: NORM", MI="ptbxl-super: MI")
    row = next(row for row in workspace.tasks() if row.name == "ptbxl-super")
    assert (row.here, row.outputs) == (2, 5)
    assert row.records > 0
    workspace.create_cohort("all", folds=3)
    workspace.add_baseline()
    job = workspace.evaluate("age + sex", "all", settings=QUICK, task="ptbxl-super")
    config = workspace.job_detail(job).config
    assert config["task"] == "ptbxl-super"
    assert config["labels"] == ["ptbxl-super: MI", "ptbxl-super: NORM"]


def test_a_task_of_which_nothing_is_here_says_how_to_bring_it_in(workspace):
    workspace.create_cohort("all", folds=3)
    workspace.add_baseline()
    with pytest.raises(WorldError, match="isoline import --dataset"):
        workspace.evaluate("age + sex", "all", task="ptbxl-super")
    with pytest.raises(UsageError, match="there is none of this name"):
        workspace.evaluate("age + sex", "all", task="ptbxl-best")
    with pytest.raises(UsageError, match="it names labels and numbers already"):
        workspace.evaluate("age + sex", "all", ["NORM"], task="ptbxl-super")


def test_a_task_of_which_only_recordings_outside_the_cohort_know_is_refused(workspace):
    workspace.create_cohort("all", folds=3)
    workspace.add_baseline()
    outside = workspace.records()[0].record_id
    hurt(workspace, "DELETE FROM cohort_members WHERE record_id = ?", outside)
    hurt(workspace, "UPDATE labels SET label = ? WHERE label = ? AND record_id = ?", "ptbxl-super: MI", "MI", outside)
    assert next(row for row in workspace.tasks() if row.name == "ptbxl-super").records == 1
    with pytest.raises(WorldError, match="no recording of the cohort has a label of it"):
        workspace.evaluate("age + sex", "all", settings=QUICK, task="ptbxl-super")


def test_numbers_of_a_task_are_targets_and_supplied_numbers_are_judged(workspace, tmp_path):
    hurt(
        workspace,
        "INSERT INTO labels (record_id, label, value, source_sha256, kind, origin)"
        " SELECT record_id, 'mimic: age', 40 + number, '0', 'number', 'table' FROM records",
    )
    workspace.create_cohort("all", folds=3)
    workspace.add_predictions(SAMPLES / "predictions-age-sex.csv", "labels alone")
    with pytest.raises(UsageError, match="the predictions hold no score for it"):
        workspace.evaluate("labels alone", "all", settings=QUICK, task="mimic-age")
    table = tmp_path / "ages.csv"
    ids = [row.record_id for row in workspace.records()]
    table.write_text("record,label,score\n" + "".join(f"{i},mimic: age,{50 + n}\n" for n, i in enumerate(ids)))
    workspace.add_predictions(table, "ages")
    config = workspace.job_detail(workspace.evaluate("ages", "all", settings=QUICK, task="mimic-age")).config
    assert (config["labels"], config["targets"]) == ([], ["mimic: age"])


def test_a_curve_over_fewer_labels_needs_a_label(workspace):
    hurt(
        workspace,
        "INSERT INTO labels (record_id, label, value, source_sha256, kind, origin)"
        " SELECT record_id, 'rate', 60 + number, '0', 'number', 'table' FROM records",
    )
    workspace.create_cohort("all", folds=3)
    workspace.add_baseline()
    with pytest.raises(UsageError, match="none is evaluated"):
        workspace.evaluate("age + sex", "all", settings=EvaluationSettings(few_labels=FewLabels()), targets=["rate"])


def test_all_tasks_of_the_study_are_listed_with_what_is_here(workspace, capsys):
    assert cli.main(["tasks", "-w", str(workspace.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in told] == list(TASKS)
    assert {row["here"] for row in told} == {0}
    assert cli.main(["tasks", "-w", str(workspace.path)]) == 0
    assert "adult ECG interpretation" in capsys.readouterr().out


def test_scores_are_probabilities_only_where_somebody_says_so(workspace, tmp_path):
    plain = workspace.add_predictions(SAMPLES / "predictions-age-sex.csv", "plain")
    sure = workspace.add_predictions(SAMPLES / "predictions-age-sex.csv", "sure", probabilities=True)
    assert plain.card["output"] == "uncalibrated score"
    assert sure.card["output"] == "probability"
    text = (SAMPLES / "predictions-age-sex.csv").read_text().splitlines()
    head, first = text[0], text[1].rsplit(",", 1)[0]
    beyond = tmp_path / "beyond.csv"
    beyond.write_text(f"{head}\n{first},1.7\n")
    with pytest.raises(UsageError, match="1 score lie outside 0 to 1"):
        workspace.add_predictions(beyond, "beyond", probabilities=True)


def test_the_cart_s_measurements_are_a_baseline_of_their_own(workspace):
    row = workspace.add_baseline(measurements=True)
    assert row.name == "age + sex + measurements"
    workspace.create_cohort("all", folds=3)
    with pytest.raises(WorldError, match="no recording of it has measurements of the cart"):
        workspace.evaluate(row.name, "all", ["NORM"], QUICK)
    hurt(workspace, "UPDATE records SET measurements = ?", '{"rate": 70.0}')
    job = workspace.evaluate(row.name, "all", ["NORM"], QUICK)
    assert workspace.job_detail(job).config["model"]["features"] == ["age", "sex", "measurements"]
    assert workspace.add_baseline().sha256 != row.sha256


def test_the_study_s_supervised_baseline_is_a_model_of_random_weights(workspace):
    row = workspace.add_supervised_model()
    assert (row.name, row.source) == ("S4 from scratch", "random")
    assert row.card["preprocessing"]["rate_hz"] == 100
