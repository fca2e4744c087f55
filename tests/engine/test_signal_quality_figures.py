"""The figures of docs/quality.md hold: what the checks were measured at, measured again with a margin for chance."""

import importlib
from pathlib import Path

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"

pytestmark = [pytest.mark.slow, pytest.mark.shared]


@pytest.fixture
def docs(monkeypatch):
    """The modules that measure, by name."""
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module


def test_people_are_met_as_well_as_the_page_says_on_recordings_that_had_no_part(shared, docs):
    people, corpora = docs("quality_people"), docs("quality_corpora")
    cases = corpora.mobile(shared / "data")
    rejected = np.array([not case.accepted for case in cases])
    table = people.people_features(cases)
    features = np.column_stack([table[name] for name in people.SHIPPED])
    empty = np.array([people.left_empty(case) for case in cases])
    draws = [people.balanced(people.held_out(cases, features, rejected, seed) | empty, rejected) for seed in range(3)]
    assert np.mean(draws) >= 0.89
    assert people.balanced(people.held_out_choice(cases, table, empty, rejected, 0), rejected) >= 0.87


def test_exchanged_left_electrodes_are_found_in_a_corpus_that_had_no_part(shared, docs):
    corpora, assess = docs("quality_corpora"), docs("engine.signal.quality").assess
    cases = corpora.ludb(shared / "data")
    change = corpora.faults()["limb_swap"]["LA-LL"]
    found = ["limb_swap" in assess(corpora.planted(case, change)).names for case in cases]
    alarms = [bool(assess(case.recording).suspicions) for case in cases]
    assert np.mean(found) >= 0.7
    assert np.mean(alarms) <= 0.03


def test_a_gain_a_fifth_or_five_times_the_right_one_is_doubted_and_the_right_one_is_not(shared, docs):
    alarms, measure = docs("quality_alarms"), docs("quality")
    recordings = [case.recording for case in alarms.challenges(shared / "data")]
    assert len(recordings) >= 50
    assert np.mean([measure.doubted(recording, 0.2) for recording in recordings]) >= 0.9
    assert np.mean([measure.doubted(recording, 5.0) for recording in recordings]) >= 0.9
    assert not any(measure.doubted(recording, 1.0) for recording in recordings)
