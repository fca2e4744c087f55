"""The engine's benchmark: it compares before it times, and says so when results differ."""

import json
import math

import pytest
import torch

from engine.bench import cases, report
from engine.bench.measure import GEMM, Machine, Timed, interleaved
from engine.bench.memory import peak_megabytes
from engine.bench.published import GOALS, PUBLISHED
from engine.bench.reference.cpc import draw, plain_cpc_loss
from engine.bench.reference.s4 import PlainS4, cauchy
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
    # At the start other work took half of the machine; what counts is what it does in the turns of the row.
    machine = Machine(gemm=68.0, packed=150.0, peak=200.0, peak_is="made up")
    published = PUBLISHED["cpc-loss-16"]
    products = report.PRODUCTS * 2 * math.prod(GEMM) / 1e6 / 136.0
    timed = [Timed(1.0, 0.0), Timed(2 * slower * published.high / 2, 0.0), Timed(products, 0.0)]
    monkeypatch.setattr(report, "interleaved", lambda calls, rounds: timed)
    case = cases.Case("made up", 2, lambda: None, lambda: None, 0.4, 1e-6, 1e-5)
    row = report._row("cpc-loss-16", case, cases.FULL, machine, 1)
    assert row.gemm == pytest.approx(136.0)
    assert row.published_here_ms == pytest.approx((163 + 210) / 2 / 2)
    assert row.floor_ms == pytest.approx(1.0)
    assert row.share == pytest.approx(2.0)
    assert row.valid is valid
    assert row.met is valid


def test_calls_take_turns_and_the_first_turn_does_not_count():
    order = []
    timed = interleaved([lambda: order.append("a"), lambda: order.append("b"), lambda: order.append("c")], 2)
    assert "".join(order) == "abcabcabc"
    assert len(timed) == 3


@pytest.mark.skipif(peak_megabytes(lambda: None) is None, reason="this system does not tell a call's highest memory")
def test_a_calls_memory_is_what_it_touched_even_when_it_gave_it_back():
    kept = torch.ones(10 * 2**18)
    assert 35 <= peak_megabytes(lambda: torch.ones(40 * 2**18).sum()) <= 60
    assert peak_megabytes(lambda: kept.sum()) <= 10


def test_results_with_a_missing_number_are_never_equal():
    a = torch.tensor([1.0, float("nan")])
    assert cases.difference(a, a) == float("inf")


def test_the_plain_loss_is_the_formula_in_float64():
    torch.manual_seed(0)
    predicted, latents = torch.randn(2, 5, 4), torch.randn(2, 8, 4)
    places = torch.stack([torch.cat([torch.full((2, 1), s + 3), draw(2, 8, s + 3, 6)], 1) for s in range(5)], 1)
    total, hits = 0.0, 0
    for b in range(2):
        for s in range(5):
            scores = torch.stack([predicted[b, s].double() @ latents[b, n].double() for n in places[b, s]])
            total -= float(scores[0] - torch.logsumexp(scores, 0)) / 2
            hits += int(scores.argmax() == 0)
    loss, found = plain_cpc_loss(predicted, latents, 6, places)
    assert float(loss) == pytest.approx(total, rel=1e-5)
    assert int(found) == hits


@pytest.mark.parametrize("true", [0, 4, 19])
def test_published_negatives_are_every_token_but_the_true_one(true):
    torch.manual_seed(0)
    assert draw(40, 20, true, 50).unique().tolist() == [place for place in range(20) if place != true]


def test_the_plain_cauchy_sum_is_the_sum_over_poles_and_their_conjugates_in_float64():
    torch.manual_seed(0)
    v, w = torch.randn(2, 3, 70, 4, dtype=torch.cfloat), torch.randn(70, 4, dtype=torch.cfloat)
    z = 3j + torch.randn(9, dtype=torch.cfloat)
    exact_v, exact_z, exact_w = v.cdouble().unsqueeze(-2), z.cdouble().unsqueeze(-1), w.cdouble().unsqueeze(-2)
    truth = (exact_v / (exact_z - exact_w) + exact_v.conj() / (exact_z - exact_w.conj())).sum(-1)
    assert (cauchy(v, z, w) - truth).abs().max() <= 1e-4 * truth.abs().max()
