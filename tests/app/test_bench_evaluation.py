"""`isoline bench evaluation`: both sides give the same, rows say what they are, and only an unequal result fails."""

import json

import pytest

from app import cli
from app.bench import evaluation
from engine.contract.errors import EXIT_BUG, EXIT_DONE


@pytest.fixture
def brief(monkeypatch):
    """Measured on little."""
    size = evaluation.Size(
        auroc_records=500,
        labels=3,
        labelled=100,
        resamples=40,
        cka_records=300,
        cka_layers=3,
        cka_features=16,
        probe_records=200,
        probe_features=8,
        targets=5,
        target_records=100,
        frozen=False,
    )
    whole = evaluation.run
    monkeypatch.setattr(evaluation, "ROUNDS", 1)
    monkeypatch.setattr(evaluation, "run", lambda: whole(size))


def test_every_row_compares_equal_results_and_tells_ratio_and_goal(brief, capsys):
    assert cli.main(["bench", "evaluation", "--json"]) == EXIT_DONE
    told = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row for row in told["rows"]}
    assert [rows[name]["goal_ratio"] for name in ("cka", "auroc-labels", "auroc-clusters")] == [7, 200, 0.5]
    assert [rows[f"linear-probe{name}"]["goal_ratio"] for name in ("", "-white", "-targets")] == [5, 5, 5]
    for row in rows.values():
        assert row["equal"]
        assert row["error"] <= row["tolerance"]
        assert row["ratio"] == pytest.approx(row["alternative_ms"] / row["ours_ms"])
    assert told["equal"]


def test_people_get_a_table(brief, capsys):
    assert cli.main(["bench", "evaluation"]) == EXIT_DONE
    said = capsys.readouterr().out
    assert "Unbiased CKA" in said
    assert "Gram matrices" in said


def test_an_unequal_result_fails(brief, monkeypatch, capsys):
    monkeypatch.setattr(evaluation, "gram_cka", lambda layers: 2.0)
    assert cli.main(["bench", "evaluation"]) == EXIT_BUG
    assert "NOT EQUAL" in capsys.readouterr().out


def test_without_scikit_learn_its_rows_are_left_out(brief, monkeypatch, capsys):
    monkeypatch.setattr(evaluation, "scikit_learn_is_here", lambda: False)
    assert cli.main(["bench", "evaluation", "--json"]) == EXIT_DONE
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["auroc-resamples", "cka"]


def test_what_kept_tokens_are_worth_is_told_by_the_engine_in_the_same_words(monkeypatch, capsys):
    row = {"name": "frozen-next", "what": "Mode frozen", "unit": "run", "ours_ms": 1.0, "alternative": "every epoch"}
    row |= {"alternative_ms": 3.0, "goal_ratio": None, "error": 1.0, "tolerance": 1e-3, "ratio": 3.0}
    row |= {"equal": False, "met": False}
    monkeypatch.setattr(evaluation, "ROWS", ())
    monkeypatch.setattr(evaluation, "BESIDE_SCIKIT_LEARN", ())
    monkeypatch.setattr(evaluation, "frozen_rows", lambda: [row])
    assert cli.main(["bench", "evaluation"]) == EXIT_BUG
    said = capsys.readouterr().out
    assert "Mode frozen (a run)" in said
    assert "NOT EQUAL" in said
