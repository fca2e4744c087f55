"""Where a decision curve is told with a caution: few positives and a model that tells nearly all of them apart."""

import pytest

from engine.metrics.utility import cautions


def test_few_positives_and_a_high_auroc_bring_a_caution_that_names_both():
    told = cautions("MI", 10, 0.96)
    assert "10 positive patients and an AUROC of 0.96" in told
    assert "84 of 100" in told


@pytest.mark.parametrize(("positives", "auroc"), [(20, 0.96), (10, 0.89), (None, 0.96), (10, None)])
def test_enough_positives_or_a_lower_auroc_bring_none(positives, auroc):
    assert cautions("MI", positives, auroc) == ""
