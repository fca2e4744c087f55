"""Lead names, order, and what follows from Einthoven and Goldberger."""

import itertools

import numpy as np
import pytest

from engine.signal.leads import CANONICAL, canonical_name, derivations, lacking


@pytest.mark.parametrize(("raw", "name"), [("AVR", "aVR"), ("avl", "aVL"), ("i", "I"), (" v6 ", "V6"), ("iii", "III")])
def test_case_and_blanks_do_not_matter(raw, name):
    assert canonical_name(raw) == name


@pytest.mark.parametrize("raw", ["MLII", "V", "V7", "-aVR", "vx", "ECG", ""])
def test_a_foreign_lead_is_not_guessed(raw):
    assert canonical_name(raw) is None


@pytest.mark.parametrize("pair", list(itertools.combinations(("I", "II", "III"), 2)))
def test_any_two_of_the_limb_leads_give_the_other_four(pair):
    left, right, foot = np.random.default_rng(0).normal(size=(3, 50))
    truth = {"I": left - right, "II": foot - right, "III": foot - left}
    truth |= {
        "aVR": right - (left + foot) / 2,
        "aVL": left - (right + foot) / 2,
        "aVF": foot - (left + right) / 2,
    }
    got = {lead: truth[lead] for lead in pair}
    for lead, recipe in derivations(set(pair)):
        got[lead] = sum(weight * got[source] for source, weight in recipe)
    assert got.keys() == truth.keys()
    for lead, values in truth.items():
        np.testing.assert_allclose(got[lead], values, atol=1e-12)


def test_nothing_is_derived_where_everything_was_measured():
    assert derivations(set(CANONICAL)) == []


def test_one_limb_lead_gives_no_other():
    assert derivations({"I", "V1"}) == []
    assert lacking({"I", "V1"}) == [lead for lead in CANONICAL if lead not in ("I", "V1")]


def test_chest_leads_cannot_be_derived():
    assert lacking(set(CANONICAL) - {"V3"}) == ["V3"]
