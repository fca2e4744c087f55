"""A fitted law in words."""

import pytest

from app.core.law_words import law_words
from engine.contract.scaling import ScalingFit


@pytest.mark.parametrize(
    ("a", "b", "c", "said"),
    [
        (6, 0.189, 0.5, "6 N^-0.189 + 0.5"),
        (4.6512, 0.00999, 0, "4.65 N^-0.010"),
        (0.27, -0.00517, 0, "0.27 N^0.005"),
        (0.227, 1e-13, 0, "0.227 N^0.000"),
        (0, 8.35e-13, 0.276, "0.276, whatever N"),
    ],
)
def test_a_law_is_told_as_a_formula(a, b, c, said):
    assert law_words(ScalingFit(series="cpc", metric="loss", points=12, a=a, b=b, c=c)) == said


def test_a_figure_sets_the_true_minus():
    fit = ScalingFit(series="cpc", metric="loss", points=12, a=6, b=0.189, c=0.5)
    assert law_words(fit, minus="−") == "6 N^−0.189 + 0.5"


def test_a_curve_of_labels_has_a_letter_of_its_own():
    fit = ScalingFit(series="labels", metric="1 - macro AUROC", points=5, a=0.6, b=0.21, c=0)
    assert law_words(fit, size="n") == "0.6 n^-0.210"
