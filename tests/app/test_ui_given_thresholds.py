"""Thresholds that come with a product: typed by label, and asked for its own scores alone."""

import pytest

from app.core.rows import ModelRow
from app.ui.evaluation_plan import Wish
from app.ui.given_thresholds import GivenThresholds


@pytest.fixture
def box(qtbot):
    made = GivenThresholds()
    qtbot.addWidget(made)
    made.offer(["MI", "AF"])
    made.setChecked(True)
    return made


def test_a_score_is_read_by_label_zero_and_negative_ones_too(qtbot, box):
    qtbot.keyClicks(box.lines["MI"], "0")
    qtbot.keyClicks(box.lines["AF"], "-1.5")
    assert box.value() == {"MI": 0.0, "AF": -1.5}
    box.setChecked(False)
    assert box.value() == {}


@pytest.mark.parametrize("text", ["high", "nan", "inf", "0,35", "35 %"])
def test_what_is_no_finite_number_is_a_fault_beside_its_line(qtbot, box, text):
    qtbot.keyClicks(box.lines["MI"], text)
    assert (box.value(), list(box.faults)) == ({}, ["MI"])
    assert box._notes["MI"].text() == "A number, as 0.35."


def test_they_are_asked_of_a_products_own_scores_and_not_of_a_probe():
    vendor, own = (ModelRow(source, "1", source, "0" * 64, "", {}) for source in ("predictions", "native"))
    wish = Wish([vendor, own], ["linear"], "all", ("MI",), (), "", {}, thresholds={"MI": 0.3, "AF": 0.5})
    assert wish.settings_of(vendor, "linear").given_thresholds == {"MI": 0.3}
    assert wish.settings_of(own, "linear").given_thresholds == {}
