"""The local share of a label from scores alone: right where only the share moved, honest where nothing can be told."""

import numpy as np
import pytest

from engine.metrics.prior_shift import Side, middle_threshold, prior_shift
from engine.metrics.uncertainty import draw_multiplicities


def side(share, patients, seed, each=1, labelled=True, apart=2.0, resamples=300):
    rng = np.random.default_rng(seed)
    y = (rng.random(patients) < share).astype(float).repeat(each)
    score = rng.normal(size=patients * each) + apart * y
    person = np.arange(patients).repeat(each)
    told = y if labelled else np.full(len(y), np.nan)
    return Side(told, score, person, draw_multiplicities(patients, resamples, seed))


def test_a_share_that_moved_is_found_without_local_labels():
    told = prior_shift("AF", side(0.3, 1500, 0), side(0.1, 1500, 1, labelled=False))
    assert told.local.value == pytest.approx(0.1, abs=0.05)
    assert told.local.interval.low < 0.1 < told.local.interval.high
    assert told.reference.value == pytest.approx(0.3, abs=0.03)
    assert told.observed is None


def test_local_labels_where_there_are_any_stand_beside():
    told = prior_shift("AF", side(0.3, 800, 0), side(0.15, 800, 1))
    assert told.observed.value == pytest.approx(0.15, abs=0.03)
    assert told.observed.interval.low <= told.local.interval.high


def test_intervals_cover_the_true_share_in_most_of_many_trials():
    held = 0
    for seed in range(120):
        told = prior_shift("AF", side(0.3, 150, 2 * seed), side(0.2, 150, 2 * seed + 1, labelled=False))
        held += told.local.interval.low <= 0.2 <= told.local.interval.high
    assert held >= 106  # 95 % of 120 are 114; the threshold is chosen on the same reference, which costs a little


def test_several_recordings_of_one_patient_widen_the_interval():
    single = prior_shift("AF", side(0.3, 400, 0), side(0.2, 400, 1)).observed
    repeated = prior_shift("AF", side(0.3, 400, 0), side(0.2, 80, 1, each=5)).observed
    assert single.records == repeated.records == 400
    width = [one.interval.high - one.interval.low for one in (single, repeated)]
    assert width[1] > 1.6 * width[0]


def test_the_threshold_lies_half_way_between_the_classes():
    assert middle_threshold(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9])) == pytest.approx(0.5)
    assert middle_threshold(np.array([0.0, 1, 0, 1]), np.array([0.5, 0.5, 0.1, 0.9])) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("reference", "local", "reason"),
    [
        (side(0.05, 60, 0), side(0.2, 60, 1), "10 are needed"),
        (
            side(0.4, 200, 0),
            Side(np.full(3, np.nan), np.full(3, np.nan), np.arange(3), np.ones((3, 9), int)),
            "no local",
        ),
    ],
)
def test_what_cannot_be_told_is_said(reference, local, reason):
    told = prior_shift("AF", reference, local)
    assert told.local.value is None
    assert reason in told.local.not_estimable


def test_missing_scores_and_labels_are_left_out():
    reference, local = side(0.3, 300, 0), side(0.2, 300, 1)
    reference.y_N[:20] = np.nan
    reference.score_N[20:40] = np.nan
    local.score_N[:50] = np.nan
    told = prior_shift("AF", reference, local)
    assert (told.reference.records, told.local.records, told.observed.records) == (260, 250, 300)
