"""The box that asks how frequent labels are elsewhere: percent in, shares out, faults beside their line."""

import pytest

from app.core.rows import LabelSummary
from app.ui.local_prevalence import LocalPrevalence, shares_of


@pytest.fixture
def box(qtbot):
    made = LocalPrevalence()
    qtbot.addWidget(made)
    made.offer(["MI", "AF"])
    return made


def typed(qtbot, box, label, text):
    qtbot.keyClicks(box.lines[label], text)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("", ()),
        ("2", (0.02,)),
        ("2.5 %", (0.025,)),
        ("0.1;10", (0.001, 0.1)),
        ("0", None),
        ("100", None),
        ("-3", None),
        ("nan", None),
        ("inf", None),
        ("2,5", None),
        ("rare", None),
    ],
)
def test_percentages_are_shares_and_nothing_else_is(text, shares):
    assert shares_of(text) == shares


def test_nothing_is_asked_until_it_is_ticked(qtbot, box):
    box.setChecked(True)
    typed(qtbot, box, "MI", "2")
    assert box.value() == {"MI": (0.02,)}
    box.setChecked(False)
    assert (box.value(), dict(box.faults)) == ({}, {})


def test_what_was_typed_stays_while_other_labels_come_and_go(qtbot, box):
    box.setChecked(True)
    typed(qtbot, box, "AF", "10")
    box.offer(["AF", "LBBB"])
    assert box.value() == {"AF": (0.1,)}


def test_a_fault_is_told_beside_its_line_and_where_none_is_the_prevalence_here(qtbot, box):
    box.know([LabelSummary("MI", 20, 80, 0, 18, 70)])
    box.setChecked(True)
    box.offer(["MI"])
    assert box._notes["MI"].text() == "%   20 % of recordings here"
    typed(qtbot, box, "MI", "200")
    assert list(box.faults) == ["MI"]
    assert box._notes["MI"].text().startswith("More than 0 and less than 100, as")
    assert box._notes["MI"].property("role") == "bad"
