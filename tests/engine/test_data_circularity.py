"""A label that is the cart's own word is told, one that is not is left in peace."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from engine.data.circularity import Spoken, circularity, cohens_kappa

RECORDS = [f"r{n:012x}" for n in range(100)]
ILL = {record: n < 30 for n, record in enumerate(RECORDS)}


def carts(says):
    """What carts said: MI where `says` holds, SR everywhere."""
    return {r: Spoken(frozenset({"SR"} | ({"MI"} if says(n) else set())), n % 2 == 0) for n, r in enumerate(RECORDS)}


def test_a_label_that_repeats_a_statement_is_circular_though_named_otherwise():
    found = circularity("infarct", ILL, (), carts(lambda n: n < 29))
    assert (found.verdict, found.statement) == ("circular", "MI")
    assert (found.both, found.label_only, found.statement_only) == (29, 1, 0)
    assert found.sentence == 'infarct repeats the cart\'s statement "MI" (kappa 0.98, 100 recordings)'
    assert found.unconfirmed == 50


def test_a_label_that_agrees_by_chance_is_independent():
    assert circularity("infarct", ILL, (), carts(lambda n: n % 3 == 0)).verdict == "independent"


def test_a_label_between_leans_on_the_statement():
    assert circularity("infarct", ILL, (), carts(lambda n: n < 22 or n > 96)).verdict == "leaning"


def test_values_taken_from_the_cart_are_circular_without_any_statistics():
    found = circularity("MI", ILL, RECORDS[:60], {})
    assert found.verdict == "circular"
    assert found.sentence == "MI: 60 of 100 values are the cart's own statement"
    assert circularity("MI", ILL, RECORDS[:3], {}).verdict == "leaning"


def test_without_statements_nothing_is_claimed():
    found = circularity("MI", ILL, (), {})
    assert (found.verdict, found.kappa) == ("unknown", None)
    assert "no recording carries statements" in found.sentence


def test_few_recordings_prove_nothing():
    few = {record: n < 9 for n, record in enumerate(RECORDS[:40])}
    assert circularity("MI", few, (), carts(lambda n: n < 9)).verdict == "unknown"


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_scikit_learn(seed):
    draw = np.random.default_rng(seed)
    a, b = draw.random(60) < 0.4, draw.random(60) < 0.5
    mine = cohens_kappa(int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum()), int((~a & ~b).sum()))
    assert mine == pytest.approx(cohen_kappa_score(a, b), abs=1e-9)
