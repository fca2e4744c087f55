"""The engine's benchmark: it compares before it times, and says so when results differ."""

import json

import pytest
import torch

from engine.bench import cases, report
from engine.bench.contrastive import plain_places
from engine.bench.measure import Machine, Timed
from engine.bench.published import GOALS, PUBLISHED
from engine.bench.reference.cpc import plain_cpc_loss
from engine.bench.reference.s4 import PlainS4
from engine.cli import main
from engine.contract.errors import EXIT_BUG, EXIT_DONE, EXIT_USAGE


def test_every_row_works_at_tiny_size_and_its_results_are_equal(capsys):
    assert main(["bench", "engine", "--tiny", "--json"]) == EXIT_DONE
    told = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in told["rows"]] == list(report.CASES)
    assert told["equal"]
    for row in told["rows"]:
        assert 0 <= row["error"] <= row["tolerance"]
        assert row["ours_ms"] > 0
        assert row["ratio"] == pytest.approx(row["reference_ms"] / row["ours_ms"])
    assert told["machine"]["peak"] >= 0.99 * told["machine"]["packed"]


def test_a_wrong_result_fails_the_benchmark(monkeypatch, capsys):
    right = PlainS4.forward
    monkeypatch.setattr(PlainS4, "forward", lambda self, x: tuple(1.01 * y for y in right(self, x)))
    assert main(["bench", "engine", "--tiny", "--only", "s4-embed-1"]) == EXIT_BUG
    assert "NOT EQUAL" in capsys.readouterr().out


def test_a_row_that_does_not_exist_is_refused_with_those_that_do(capsys):
    assert main(["bench", "engine", "--only", "coffee"]) == EXIT_USAGE
    assert "s4-embed-1" in capsys.readouterr().err


def test_every_row_has_a_goal_and_a_published_figure():
    assert set(report.CASES) == set(GOALS) == set(PUBLISHED)


@pytest.mark.parametrize(("slower", "valid"), [(1.24, True), (1.26, False)])
def test_a_reference_more_than_a_quarter_slower_than_published_makes_its_row_invalid(monkeypatch, slower, valid):
    machine = Machine(gemm=136.0, packed=150.0, peak=200.0, peak_is="made up")
    published = PUBLISHED["cpc-loss-16"]
    timed = Timed(1.0, 0.0), Timed(2 * slower * published.high / 2, 0.0)
    monkeypatch.setattr(report, "interleaved", lambda ours, reference, rounds: timed)
    case = cases.Case("made up", 2, lambda: None, lambda: None, 0.4, 1e-6, 1e-5)
    row = report._row("cpc-loss-16", case, cases.FULL, machine, 1)
    assert row.published_here_ms == pytest.approx((163 + 210) / 2 / 2)
    assert row.floor_ms == pytest.approx(1.0)
    assert row.share == pytest.approx(2.0)
    assert row.valid is valid
    assert row.met is valid


def test_results_with_a_missing_number_are_never_equal():
    a = torch.tensor([1.0, float("nan")])
    assert cases.difference(a, a) == float("inf")


def test_the_plain_loss_is_the_formula_in_float64():
    torch.manual_seed(0)
    predicted, latents = torch.randn(2, 5, 4), torch.randn(2, 8, 4)
    places = plain_places(2, 8, 3, 6)
    total = 0.0
    for b in range(2):
        for s in range(5):
            scores = torch.stack([predicted[b, s].double() @ latents[b, n].double() for n in places[b, s]])
            total -= float(scores[0] - torch.logsumexp(scores, 0)) / 2
    assert float(plain_cpc_loss(predicted, latents, places)) == pytest.approx(total, rel=1e-5)


def test_published_candidates_never_hold_the_true_token_among_the_negatives():
    places_BSN = plain_places(3, 20, 4, 50)
    assert (places_BSN[..., 0] == torch.arange(4, 20)).all()
    assert (places_BSN[..., 1:] != places_BSN[..., :1]).all()
    assert places_BSN.min() == 0
    assert places_BSN.max() == 19
