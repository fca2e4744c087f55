"""The failure gallery: who is in it, in which order, and who is not."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.metrics.gallery import failures


def gallery(y, score, patients=None, count=10):
    records = [f"r{n}" for n in range(len(y))]
    return failures("AF", np.array(y, float), np.array(score, float), records, patients or records, count)


def told(found):
    return [(one.record, one.kind.split()[1], one.share) for one in found]


def test_high_negatives_and_low_positives_are_told_worst_first_with_what_they_beat():
    found = gallery([1, 1, 1, 1, 0, 0, 0, 0], [9, 8, 7, 1, 8.5, 2, 0.5, 0])
    # r4 outscores 8, 7 and 1: 3 of 4 positives; r5 outscores one of four: the right side of chance.
    # r3 is outscored by two of four negatives: just chance, and not told.
    assert told(found) == [("r4", "positive", 0.75)]
    assert told(gallery([1, 1, 0, 0], [0, 2, 1, 1])) == [("r0", "negative", 1.0)]


def test_a_patient_is_told_once_for_each_kind():
    found = gallery([1, 1, 0, 0, 0, 0], [0.1, 0.2, 0.9, 0.8, 0.7, 0.0], ["a", "a", "b", "b", "c", "d"])
    assert [one.record for one in found] == ["r2", "r4", "r0"]


def test_of_equal_scores_the_first_id_is_told_and_ties_count_half():
    found = gallery([1, 1, 1, 0, 0], [1, 1, 0, 1, 1], count=1)
    assert told(found)[0] == ("r3", "positive", 2 / 3)


def test_one_class_alone_unknown_labels_and_missing_scores_give_no_failures():
    assert gallery([1, 1], [0.1, 0.9]) == []
    assert gallery([np.nan, 0, 1], [5, 0, 1]) == []
    assert gallery([0, 0, 1], [np.inf, np.nan, 1]) == []
    assert gallery([], []) == []


def test_a_model_that_separates_perfectly_has_no_failures():
    assert gallery([0, 0, 1, 1], [1, 2, 3, 4]) == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40))
def test_every_failure_is_of_its_class_and_its_share_is_that_of_a_plain_count(rows):
    y, score = [row[0] for row in rows], [row[1] for row in rows]
    for one in gallery(y, score, count=3):
        n = int(one.record[1:])
        assert y[n] == (one.kind == "false negative")
        others = [s for value, s in zip(y, score, strict=True) if value != y[n]]
        sign = -1 if y[n] else 1
        plain = np.mean([0.5 * (1 + np.sign(sign * (score[n] - other))) for other in others])
        assert abs(one.share - plain) < 1e-12
        assert one.share > 0.5
