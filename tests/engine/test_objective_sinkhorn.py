"""Sinkhorn's balancing against a plain transcription of section 3.6, and landmark 13 of section 10."""

import math

import pytest
import torch

from engine.objectives.sinkhorn import balanced


def scores(rows, codes, spread=3.0, seed=0):
    return spread * torch.randn(rows, codes, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def transcription(values, iterations):
    """In plain numbers, one entry at a time."""
    q = [[math.exp(v - max(row)) for v in row] for row in values]
    for _ in range(iterations):
        columns = [sum(row[k] for row in q) for k in range(len(q[0]))]
        q = [[v / (columns[k] + 1e-8) for k, v in enumerate(row)] for row in q]
        q = [[v / (sum(row) + 1e-8) for v in row] for row in q]
    return torch.tensor(q, dtype=torch.float64)


def test_it_is_the_formula():
    given = scores(23, 7)
    torch.testing.assert_close(balanced(given, 3), transcription(given.tolist(), 3), rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(balanced(given, 1), transcription(given.tolist(), 1), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("codes", [128, 256])
def test_rows_sum_to_one_and_columns_are_near_balance_after_three_iterations(codes):
    """Landmark 13, for 32 crops. A row misses 1 by 1e-8 N / K, which the study adds to its sum before dividing."""
    q = balanced(scores(9600, codes, 2.0), 3)
    assert (q.sum(1) - 1).abs().max() < 1e-6
    assert ((q.sum(0) * codes / 9600) - 1).abs().max() < 0.1


def test_equal_rows_give_every_code_the_same():
    q = balanced(scores(1, 128).expand(300, -1), 3)
    torch.testing.assert_close(q, torch.full_like(q, 1 / 128), rtol=1e-5, atol=0)


def test_what_is_added_to_a_whole_row_changes_nothing():
    given = scores(50, 8)
    torch.testing.assert_close(balanced(given + scores(50, 1, 100.0, seed=1), 3), balanced(given, 3))


def test_scores_far_apart_do_not_overflow():
    assert balanced(torch.tensor([[1e4, -1e4], [-1e4, 1e4]]), 3).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_the_scores_are_left_as_they_were():
    given = scores(5, 3)
    before = given.clone()
    balanced(given, 2)
    assert torch.equal(given, before)
