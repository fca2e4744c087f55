"""What any threshold of an evaluation finds and misses, at any prevalence, and which recordings stand next to it."""

import json
from pathlib import Path

import numpy as np
import pytest
from core_cases import make_workspace, quick_copy
from evaluation_cases import CHOSEN, full_evaluation
from test_core_evaluations import finish, queued_config

from app import cli
from app.core.scored_records import ScoredRecords
from app.ui.threshold_workbench import AtThreshold
from engine.contract.config import EvaluationSettings, S4Config
from engine.contract.errors import EXIT_DONE, EXIT_USAGE, UsageError, WorldError
from engine.contract.operating import OperatingPoint
from engine.metrics.thresholds import ThresholdTable

NORM, PREVALENCE = "NORM", 0.02


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=12)


@pytest.fixture
def workspace(template, tmp_path, monkeypatch):
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        opened.add_random_model("untrained", S4Config(width=8, depth=1))
        opened.create_cohort("main", labels=[NORM], folds=2)
        yield opened


@pytest.fixture
def truth(workspace):
    """By recording, whether it has the label."""
    return {row.record_id: row.labels[NORM] for row in workspace.records() if NORM in row.labels}


@pytest.fixture
def job(workspace, truth):
    """A finished evaluation: scores from 0 to 1 in the order of the ids, the last recording without one."""
    results = full_evaluation()
    point = OperatingPoint(**CHOSEN, thresholds=[0.2, 0.5, 0.9])
    label = results.labels[0].model_copy(update={"label": NORM, "operating": point})
    results = results.model_copy(update={"labels": [label]})
    made = finish(workspace, "evaluate", results, queued_config(workspace, EvaluationSettings(resamples=100)))
    ids = sorted(truth)
    scores = np.append(np.linspace(0, 1, len(ids) - 1), np.nan)
    folder = workspace.path / "runs" / made
    folder.mkdir()
    names = {"record_id": np.array(ids)[::-1], "patient": np.array(ids)[::-1], "labels": np.array([NORM])}
    np.savez(folder / "predictions.npz", **names, scores=scores[::-1, None])
    return made


def test_every_recording_is_told_with_its_score_lowest_first(workspace, truth, job):
    told = workspace.scored(job, NORM)
    assert list(told.records) == sorted(truth)[:-1]
    assert told.score_N.tolist() == np.linspace(0, 1, len(truth) - 1).tolist()
    assert told.truth_N.tolist() == [truth[one] for one in told.records]
    assert (told.silent, told.unknown) == (1, 0)


def test_equal_scores_stand_in_the_order_of_their_ids_and_unknown_labels_are_no_mistakes():
    told = ScoredRecords.of(["c", "a", "b", "d"], np.array([0.5, 0.5, 0.1, 0.9]), np.array([1.0, 0.0, 1.0, np.nan]))
    assert told.records == ("b", "a", "c", "d")
    assert told.unknown == 1
    assert [told.one(place).mistake(0.5) for place in range(4)] == ["missed", "false alarm", None, None]


def test_mistakes_next_to_a_threshold_are_those_counted_one_by_one():
    generator = np.random.default_rng(3)
    scores, truths = generator.random(200).round(2), (generator.random(200) < 0.3).astype(float)
    told = ScoredRecords.of([f"r{n:03d}" for n in range(200)], scores, truths)
    every = [told.one(place) for place in range(200)]
    missed = sorted((one for one in every if one.truth and one.score < 0.4), key=lambda one: -one.score)
    alarms = sorted((one for one in every if not one.truth and one.score >= 0.4), key=lambda one: one.score)
    assert (told.wrong(0.4, True), told.wrong(0.4, False)) == (len(missed), len(alarms))
    assert [one.score for one in told.nearest(0.4, "missed", 9)] == [one.score for one in missed[:9]]
    assert [one.score for one in told.nearest(0.4, "false alarm", 9)] == [one.score for one in alarms[:9]]
    assert told.nearest(-1.0, "missed", 9) == []


def test_predictive_values_at_another_prevalence_are_those_of_bayes(workspace, job):
    here, there = workspace.measures_at(job, NORM, 0.5), workspace.measures_at(job, NORM, 0.5, PREVALENCE)
    found, quiet = here["sensitivity"].value, here["specificity"].value
    right, alarms = PREVALENCE * found, (1 - PREVALENCE) * (1 - quiet)
    assert there["ppv"].value == pytest.approx(right / (right + alarms), rel=1e-12)
    silent = (1 - PREVALENCE) * quiet
    assert there["npv"].value == pytest.approx(silent / (silent + PREVALENCE * (1 - found)), rel=1e-12)
    assert there["alerts_per_100"].value == pytest.approx(100 * (right + alarms), rel=1e-12)
    assert there["alerts_per_finding"].value == pytest.approx((right + alarms) / right, rel=1e-12)
    assert there["sensitivity"] == here["sensitivity"]
    assert not {"accuracy", "f1", "kappa"} & set(there)


@pytest.mark.parametrize("prevalence", [None, PREVALENCE, 0.6])
def test_the_live_numbers_are_those_of_the_table_at_every_threshold(workspace, job, prevalence):
    scored = workspace.scored(job, NORM)
    curve = ThresholdTable.of(scored.truth_N, scored.score_N).curve()
    share = curve.positives / (curve.positives + curve.negatives) if prevalence is None else prevalence
    for row, threshold in enumerate(curve.thresholds):
        at, told = AtThreshold(curve, row, share), workspace.measures_at(job, NORM, threshold, prevalence)
        live = {"sensitivity": at.sensitivity, "specificity": at.specificity, "ppv": at.ppv, "npv": at.npv}
        for name, value in {**live, "alerts_per_100": 100 * at.alerts}.items():
            assert told[name].value == (None if value is None else pytest.approx(value, rel=1e-12)), (name, threshold)


def test_a_prevalence_that_is_none_is_refused(workspace, job):
    with pytest.raises(UsageError, match="not between 0 and 1"):
        workspace.measures_at(job, NORM, 0.5, 2.0)


def test_an_evaluation_that_kept_no_scores_says_so(workspace, job):
    with pytest.raises(UsageError, match="has not scored it"):
        workspace.scored(job, "MI")
    (workspace.path / "runs" / job / "predictions.npz").unlink()
    with pytest.raises(WorldError, match="scores are missing or damaged"):
        workspace.scored(job, NORM)


def test_the_verb_threshold_begins_at_the_middle_of_the_folds_own_and_tells_whom_it_gets_wrong(workspace, job, capsys):
    words = ["threshold", job, "--label", NORM, "--prevalence", str(PREVALENCE), "-w", str(workspace.path)]
    assert cli.main([*words, "--json"]) == EXIT_DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["threshold"], told["without_score"]) == (0.5, 1)
    assert told["threshold_from"] == "largest Youden index, chosen on training patients (the middle one of the folds')"
    scored = workspace.scored(job, NORM)
    assert [one["recording"] for one in told["nearest_missed"]] == [
        one.record for one in scored.nearest(0.5, "missed", 10)
    ]
    assert told["measures"]["ppv"]["value"] == workspace.measures_at(job, NORM, 0.5, PREVALENCE)["ppv"].value
    assert cli.main(words) == EXIT_DONE
    said = capsys.readouterr().out
    for text in (
        "0.02, taken as exactly known",
        "0.5, largest Youden index, chosen on training patients",
        "1 without a score",
        "missed",
    ):
        assert text in said


def test_the_verb_threshold_refuses_what_cannot_be(workspace, job, capsys):
    words = ["threshold", job, "--label", NORM, "-w", str(workspace.path)]
    assert cli.main([*words, "--near", "-1"]) == EXIT_USAGE
    assert cli.main([*words, "--prevalence", "2"]) == EXIT_USAGE
    assert "Give the share of positives" in capsys.readouterr().err
    assert cli.main([*words, "--at", "0.5", "--near", "0"]) == EXIT_DONE
    assert "Nearest" not in capsys.readouterr().out
