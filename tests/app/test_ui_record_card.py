"""The card beside the table: who was recorded, how, and what speaks against the signal."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from app.core.rows import RecordRow, SignalView
from app.ui.cut_label import CutLabel
from app.ui.record_card import RecordCard, acquisition_text, acquisition_tip
from engine.signal.leads import CANONICAL

FLAT = {"name": "flat", "text": "flat line in V1", "leads": ["V1"], "values": [0.0]}


def row(**other):
    told = {
        "record_id": "r1",
        "source_name": "one",
        "dataset": "ward",
        "patient": "p1",
        "age": 56.0,
        "age_text": "56",
        "sex": "female",
        "rate_hz": 500.0,
        "seconds": 10.0,
        "leads": ("I", "II"),
        "derived_leads": (),
        "format": "DICOM",
        "quality": "good",
        "quality_reasons": (),
        "file_sha256": "",
        "signal_sha256": "",
    }
    return RecordRow(**told | other)


@pytest.fixture
def card(qtbot):
    made = RecordCard()
    qtbot.addWidget(made)
    made.resize(760, 600)
    made.show()
    return made


def test_the_acquisition_is_told_as_far_as_the_file_tells_it():
    known = row(maker="GE", model="MAC 5500", high_pass_hz=0.05, low_pass_hz=150.0, notch_hz=0.0, paced=True, year=2008)
    assert acquisition_text(known) == (
        "GE MAC 5500  ·  high-pass 0.05 Hz, low-pass 150 Hz, no notch  ·  recorded 2008  ·  pacemaker"
    )
    assert "Firmware: not told by the file" in acquisition_tip(known)
    assert acquisition_text(row()) == "device not told by the file"
    assert "pacemaker" not in acquisition_text(row())
    assert "no pacemaker" in acquisition_text(row(paced=False))


def test_a_trace_does_not_stay_under_the_name_of_another_recording(card, qtbot):
    samples = np.zeros((12, 500), np.float32)
    card.show_record(row())
    card.show_signal(SignalView("r1", samples, 500.0, CANONICAL, ()))
    assert not card._waiting.isActive()
    card.show_record(row(record_id="r2"))
    card.show_signal(SignalView("r1", samples, 500.0, CANONICAL, ()))
    qtbot.waitUntil(lambda: card.view.signal is None)
    assert card.view.placeholder == "Reading the samples…"
    card.show_signal(SignalView("r2", samples, 500.0, CANONICAL, ()))
    assert card.view.signal.record_id == "r2"


def test_the_badges_follow_the_recording(card):
    card.show_record(row(quality="limited", quality_evidence={"findings": [FLAT]}))
    assert [badge.text() for badge in card.quality.held] == ["Limited signal", "Flat line: V1"]
    card.show_record(row())
    assert [badge.text() for badge in card.quality.held] == ["Good signal"]
    card.show_record(None)
    assert card.quality.held == []


def test_badges_break_into_lines_where_it_is_narrow_and_none_is_lost(card, qtbot):
    leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3")
    findings = [FLAT | {"leads": [lead]} for lead in leads]
    card.show_record(row(quality="limited", quality_evidence={"findings": findings}))
    card.resize(1400, 600)  # all badges in one line, whatever theme and font the tests before have left
    qtbot.waitUntil(lambda: card.quality.height() == card.quality.heightForWidth(card.quality.width()))
    wide = card.quality.height()
    card.resize(430, 600)
    qtbot.waitUntil(lambda: card.quality.height() > wide)
    assert all(card.quality.rect().contains(badge.geometry()) for badge in card.quality.held)


def test_badges_come_before_the_controls_with_the_tab_key(card):
    card.show_record(row(quality="limited", quality_evidence={"findings": [FLAT]}))
    chain, widget = [], card.quality.held[0]
    while widget is not card.speed:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            chain.append(widget)
        widget = widget.nextInFocusChain()
    assert chain == [*card.quality.held, card.layout_choice]


@pytest.mark.qt_log_ignore("This plugin does not support raise", extend=True)
def test_a_badge_tells_its_numbers_to_the_keyboard_too(card, qtbot):
    card.show_record(row(quality="limited", quality_evidence={"findings": [FLAT]}))
    badge = card.quality.held[1]
    qtbot.keyClick(badge, Qt.Key.Key_Space)
    assert QToolTip.text() == badge.toolTip()
    assert "V1 0 mV" in badge.toolTip()
    QToolTip.hideText()


def test_the_controls_show_signs_alone_where_there_is_no_room_for_words(card):
    assert card.fit.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    card.resize(430, 600)
    assert card.fit.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonIconOnly
    assert card.fit.accessibleName() == "Fit"
    assert card.gain.width() >= card.gain.sizeHint().width()


@pytest.mark.qt_log_ignore("This plugin does not support raise", extend=True)
def test_a_line_that_is_cut_tells_its_whole_text(qtbot):
    label = CutLabel("a rather long line of facts about a recording")
    qtbot.addWidget(label)
    label.resize(90, 20)
    label.show()
    assert label.shown().endswith("…")
    middle = QPoint(45, 10)
    QApplication.sendEvent(label, QHelpEvent(QEvent.Type.ToolTip, middle, label.mapToGlobal(middle)))
    assert QToolTip.text() == label.text()
    QToolTip.hideText()
    label.resize(600, 20)
    assert label.shown() == label.text()
