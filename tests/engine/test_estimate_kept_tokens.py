"""What kept tokens are worth: three evaluations that must tell the same scores; a difference fails the benchmark."""

import json

import pytest

from engine.cli import main
from engine.contract.errors import EXIT_BUG, EXIT_DONE
from engine.estimate import kept_tokens


def test_scores_are_equal_with_kept_tokens_without_and_while_they_are_kept(capsys):
    assert main(["bench", "frozen", "--tiny", "--json"]) == EXIT_DONE
    told = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in told["rows"]] == ["frozen-next", "frozen-first"]
    assert told["equal"]
    for row in told["rows"]:
        assert 0 <= row["error"] <= row["tolerance"]
        assert row["ratio"] == pytest.approx(row["alternative_ms"] / row["ours_ms"])


def test_other_scores_fail_it(monkeypatch, capsys):
    right = kept_tokens._Bench.scores
    monkeypatch.setattr(kept_tokens._Bench, "scores", lambda self, **asked: right(self, **asked) + bool(asked))
    assert main(["bench", "frozen", "--tiny"]) == EXIT_BUG
    assert "NOT EQUAL" in capsys.readouterr().out
