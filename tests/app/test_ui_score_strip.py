"""The strip of scores: who stands where, what is pressed, dragged and stepped to, among few and very many."""

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from scored_cases import many_scored, scored_of_the_full_label

from app.core.scored_records import ScoredRecords
from app.ui.score_layout import FEW, STEP, RowLayout, ScoreAxis
from app.ui.score_strip import HINT, ScoreStrip


@pytest.fixture
def strip(qtbot) -> ScoreStrip:
    made = ScoreStrip()
    qtbot.addWidget(made)
    made.resize(600, made.sizeHint().height())
    made.show()
    made.show_scored(scored_of_the_full_label())
    made.show_threshold(0.4)
    return made


def place_of(strip: ScoreStrip, record: str) -> int:
    return strip.scored.records.index(record)


def spot(strip: ScoreStrip, record: str) -> QPoint:
    return strip.spot_of(place_of(strip, record)).toPoint()


def test_every_mark_is_found_where_it_is_drawn(strip):
    for row in strip.rows:
        for number in row.layout.mark_M.tolist():
            place = int(row.layout.places[number])
            assert strip.at(strip.spot_of(place)) == place


def test_marks_never_lie_on_each_other_and_always_in_the_same_places():
    scored = scored_of_the_full_label()
    axis = ScoreAxis.around(scored, 12, 588)
    rows = [RowLayout(scored, scored.places(False), axis, 300.0) for _ in range(2)]
    assert not rows[0].bars
    places = np.column_stack([rows[0].x, rows[0].y])
    assert (places == np.column_stack([rows[1].x, rows[1].y])).all()
    assert len(np.unique(places, axis=0)) == 173


def test_a_press_on_a_mark_opens_its_trace(qtbot, strip):
    with qtbot.waitSignal(strip.trace_wanted) as told:
        qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=spot(strip, "p026"))
    assert told.args == ["p026"]


def test_the_line_is_dragged_to_the_score_under_the_mouse(qtbot, strip):
    middle = round(strip.rows[0].base - strip.rows[0].layout.high / 2)
    start = QPoint(round(strip.axis.x_of(0.4)), middle)
    qtbot.mousePress(strip, Qt.MouseButton.LeftButton, pos=start)
    with qtbot.waitSignal(strip.dragged) as told, qtbot.assertNotEmitted(strip.trace_wanted):
        qtbot.mouseMove(strip, QPoint(round(strip.axis.x_of(0.7)), middle))
        qtbot.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=QPoint(round(strip.axis.x_of(0.7)), middle))
    assert told.args[0] == pytest.approx(0.7, abs=0.01)


def test_the_axis_takes_the_line_to_where_it_is_pressed(qtbot, strip):
    with qtbot.waitSignal(strip.dragged) as told:
        at = QPoint(round(strip.axis.x_of(0.6)), strip.height() - 8)
        qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=at)
    assert told.args[0] == pytest.approx(0.6, abs=0.01)


def test_the_mouse_is_told_recording_score_and_what_the_threshold_makes_of_it(qtbot, strip):
    with qtbot.waitSignal(strip.told) as told:
        qtbot.mouseMove(strip, spot(strip, "p020"))
    assert told.args == ["Recording p020, score 0.1, with the label: missed."]
    with qtbot.waitSignal(strip.told) as told:
        qtbot.mouseMove(strip, QPoint(2, 2))
    assert told.args == [HINT]


def test_arrow_keys_go_from_recording_to_recording_and_enter_opens(qtbot, strip):
    strip.setFocus()
    walked = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Up):
        qtbot.keyClick(strip, key)
        walked.append(strip.one(strip.current).record)
    assert walked == ["p010", "p011", "p010", "n001", "p010"]
    assert "Recording p010, score 0.4, with the label: found." in strip.accessibleDescription()
    with qtbot.waitSignal(strip.trace_wanted) as told:
        qtbot.keyClick(strip, Qt.Key.Key_Return)
    assert told.args == ["p010"]


def test_an_arrow_key_stops_at_the_ends_of_a_row(qtbot, strip):
    strip.current = place_of(strip, "p020")
    qtbot.keyClick(strip, Qt.Key.Key_Left)
    assert strip.one(strip.current).record == "p020"


def test_a_hundred_thousand_recordings_take_no_more_painting_than_a_few_hundred(strip):
    scored = many_scored()
    strip.show_scored(scored)
    strip.grab()
    columns = (strip.axis.right - strip.axis.left) / STEP
    for row in strip.rows:
        in_bars = sum(bar.end - bar.first for bar in row.layout.bars)
        assert len(row.layout.mark_M) + in_bars == len(row.layout.places)  # everybody is somewhere
        assert len(row.layout.mark_M) + len(row.layout.bars) <= FEW * columns


def test_a_bar_of_many_gives_the_recording_whose_score_is_pressed(qtbot, strip):
    strip.show_scored(many_scored())
    row = strip.rows[1]
    bar = max(row.layout.bars, key=lambda one: one.end - one.first)
    found = strip.at(QPointF(bar.left + STEP / 2, row.base - bar.high / 2))
    inside = row.layout.places[bar.first : bar.end]
    assert found in inside
    assert abs(strip.scored.score_N[found] - strip.axis.score_at(bar.left + STEP / 2)) < 0.01
    assert f"One of {bar.end - bar.first:,} in this bar." in strip._words(found)


def test_bars_grow_with_their_number_and_keep_to_the_row():
    scored = many_scored(20_000)
    axis = ScoreAxis.around(scored, 12, 588)
    bars = RowLayout(scored, scored.places(False), axis, 42.0).bars
    order = sorted(bars, key=lambda bar: bar.end - bar.first)
    assert all(a.high <= b.high + 1e-9 for a, b in itertools.pairwise(order))
    assert order[-1].high == pytest.approx(42.0)


@pytest.mark.parametrize("scores", [[], [0.5], [0.5] * 40, [-1e9, 1e9], [1e-12, 2e-12]])
def test_strange_scores_are_drawn_too(qtbot, strip, scores):
    records = [f"r{n:02d}" for n in range(len(scores))]
    strip.show_scored(ScoredRecords.of(records, np.array(scores, dtype=float), np.zeros(len(scores))))
    strip.show_threshold(0.5)
    strip.grab()
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert (strip.current is None) is (not scores)
