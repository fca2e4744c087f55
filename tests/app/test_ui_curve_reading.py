import pytest
from compared_cases import CURVE
from fake_workspace import evaluation

from app.ui.curve_reading import first, nearest, place_of


def evaluations():
    one = evaluation("demo")
    label = one.labels[0].model_copy(update={"curve": CURVE})
    return [one.model_copy(update={"labels": [label, *one.labels[1:]]})]


def plane(x: float, y: float) -> tuple[float, float]:
    return 200 * x, 200 * y


def test_a_threshold_stands_where_its_rates_are():
    assert place_of(CURVE, 1, "roc") == (5 / 90, 0.6)
    assert place_of(CURVE, 1, "precision") == (0.6, 6 / 11)


def test_where_nobody_is_called_positive_there_is_no_precision():
    assert place_of(CURVE, 0, "precision") is None


def test_the_nearest_threshold_is_read_and_told_with_what_it_means():
    read = nearest(evaluations(), "NORM", "roc", plane, (200 * 0.06, 200 * 0.61))
    assert read.threshold == 0.6
    assert "sensitivity 0.600, specificity 0.944, PPV 0.545, NPV 0.955; 11.0 alerts per 100 recordings" in read.words
    assert "looks better than it is" in read.words


def test_a_place_far_from_every_curve_reads_nothing():
    assert nearest(evaluations(), "NORM", "roc", plane, (190.0, 10.0)) is None
    assert nearest(evaluations(), "MI", "roc", plane, (12.0, 120.0)) is None


@pytest.mark.parametrize(("step", "threshold"), [(-1, 0.9), (-9, 0.9), (1, 0.2), (9, 0.2)])
def test_a_step_goes_along_the_curve_and_stops_at_its_ends(step, threshold):
    assert first(evaluations(), "NORM").moved(step).threshold == threshold


def test_nobody_called_positive_leaves_ppv_out_of_the_words():
    words = first(evaluations(), "NORM").moved(-1).words
    assert "PPV" not in words
    assert "sensitivity 0.000, specificity 1.000, NPV 0.900" in words


def test_a_label_without_a_curve_has_nothing_to_step_along():
    assert first(evaluations(), "MI") is None
