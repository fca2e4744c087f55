"""The gallery of mistakes: small traces of the rows in sight, verdicts and notes that are kept, and their keys."""

import shutil
import threading

import numpy as np
import pytest
from evaluation_cases import full_evaluation
from fake_workspace import FakeWorkspace
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication
from window_cases import settle

from app.core.changes import Changes
from app.core.review_rows import Elsewhere, Review
from app.core.rows import SignalView
from app.core.schema import Job
from app.ui import theme as themes
from app.ui.evaluation_failures import FailuresTab
from app.ui.failure_cards import LEAST_CARD_PX, card_px, picture, places, sheet_of
from app.ui.failure_traces import GONE, Glimpse, Traces, read_glimpses
from app.ui.failure_words import whole_text
from app.workspace import Workspace
from engine.contract.errors import WorldError
from engine.contract.gallery import Failure
from engine.signal.leads import CANONICAL

COUNT = 20


def ecg(record):
    """Twelve seconds in which lead II alone swings."""
    signal_CT = np.zeros((12, 6000), dtype=np.float32)
    signal_CT[CANONICAL.index("II"), ::100] = 0.8
    return SignalView(record, signal_CT, 500.0, CANONICAL, ())


def mistakes(label="MI", count=COUNT):
    half = count // 2
    return [
        Failure(
            record=f"{label}{n}",
            label=label,
            kind="false positive" if n < half else "false negative",
            score=1 - n / count,
            share=0.99 - (n % half) / 50,
        )
        for n in range(count)
    ]


class Watched(FakeWorkspace):
    """Remembers on which thread which traces were read."""

    def __init__(self):
        super().__init__()
        self.read = []
        self.signals = {one.record: ecg(one.record) for label in ("MI", "HYP") for one in mistakes(label)}

    def signal(self, record_id):
        self.read.append((record_id, threading.current_thread() is threading.main_thread()))
        return super().signal(record_id)


@pytest.fixture
def workspace():
    return Watched()


@pytest.fixture
def tab(qtbot, workspace, background):
    made = FailuresTab(workspace, background)
    qtbot.addWidget(made)
    made.resize(900, 480)
    made.show()
    made.show_job("J0004", {})
    made.show_failures(mistakes())
    rest(qtbot, made)
    return made


def rest(qtbot, tab):
    qtbot.waitUntil(lambda: not tab.table._settled.isActive())
    settle(qtbot, tab.background)


def key(qtbot, tab, pressed):
    qtbot.keyClick(tab.table, pressed)
    rest(qtbot, tab)


def test_only_the_rows_in_sight_are_read_and_never_on_the_windows_thread(qtbot, tab, workspace):
    shown = [record for record, _ in workspace.read]
    assert shown == tab.table.in_sight() == [f"MI{n}" for n in range(len(shown))]
    assert 0 < len(shown) < COUNT / 2
    assert not any(on_window for _, on_window in workspace.read)
    tab.table.scrollToBottom()
    rest(qtbot, tab)
    assert workspace.read[-1][0] == f"MI{COUNT - 1}"
    assert len(workspace.read) < COUNT


def test_what_was_read_once_is_not_read_again(qtbot, tab, workspace):
    before = len(workspace.read)
    tab.show_failures(mistakes())
    tab.table.scrollToBottom()
    rest(qtbot, tab)
    tab.table.scrollToTop()
    rest(qtbot, tab)
    read = [record for record, _ in workspace.read]
    assert len(read) == len(set(read)) > before


def test_a_recording_whose_signal_is_gone_says_so_and_is_asked_for_again_with_the_next_evaluation(
    qtbot, tab, workspace
):
    del workspace.signals["MI19"]
    tab.table.scrollToBottom()
    rest(qtbot, tab)
    gone = tab.traces.get("MI19")
    assert gone.signal is None
    assert gone.gone == f"{GONE}: the store holds none of this id"
    workspace.signals["MI19"] = ecg("MI19")
    tab.show_job("J0005", {})
    tab.show_failures(mistakes())
    tab.table.scrollToBottom()
    rest(qtbot, tab)
    assert tab.traces.get("MI19").gone == ""


def test_a_damaged_store_is_told_on_the_card_and_ends_nothing(workspace):
    def damaged(record):
        raise WorldError("store", "its samples are damaged", "Restore the folder from your backup")

    workspace.signal = damaged
    assert read_glimpses(workspace, ["MI1"])["MI1"].gone == f"{GONE}: its samples are damaged"


def test_a_glimpse_keeps_ten_seconds_of_the_leads_that_it_may_show(workspace):
    signal = read_glimpses(workspace, ["MI1"])["MI1"].signal
    assert signal.leads == ("II", "V1", "V5")
    assert signal.signal_CT.shape == (3, 5000)
    assert signal.signal_CT.base is None


def test_old_glimpses_make_room_for_new_ones(monkeypatch, workspace, background, qtbot):
    monkeypatch.setattr("app.ui.failure_traces.KEPT", 3)
    traces = Traces(workspace, background)
    for n in range(5):
        traces.want([f"MI{n}"])
        settle(qtbot, background)
    assert [traces.get(f"MI{n}") is not None for n in range(5)] == [False, False, True, True, True]


def test_a_millimetre_is_never_too_small_to_read_and_wide_cards_show_ten_seconds_of_two_leads():
    for width in (420, 540, 900, 1300, 2000):
        words, paper = places_of(width)
        sheet, px = sheet_of(paper.size())
        assert px >= 1.8
        assert words.right() < paper.left()
        assert len(sheet.strips) >= 2
        assert paper.right() < width
    assert sheet.seconds == 10.0
    assert card_px(420) == LEAST_CARD_PX


def places_of(width):
    return places(QRect(0, 0, width, card_px(width)))


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_trace_is_drawn_on_the_themes_paper(qapp, name):
    theme = themes.load_theme(name)
    drawn = picture(Glimpse(ecg("r1")), QSize(600, 112), 1.0, theme).toImage()
    colours = {drawn.pixelColor(x, y).name() for x in range(0, 600, 3) for y in range(112)}
    assert {theme.paper.lower(), theme.grid_bold.lower()} <= colours
    bare = picture(None, QSize(600, 112), 1.0, theme).toImage()
    assert bare != drawn
    gone = picture(Glimpse(None, gone=GONE), QSize(600, 112), 1.0, theme).toImage()
    assert gone.pixelColor(3, 3).name() == theme.raised.lower()


def test_number_keys_judge_the_current_mistake_and_the_counts_follow(qtbot, tab, workspace):
    assert tab.count.text() == "0 of 20 reviewed"
    touched = []
    tab.background.changed.connect(touched.append)
    with qtbot.waitSignal(tab.reviewed):
        key(qtbot, tab, Qt.Key.Key_2)
    assert touched == [Changes.REVIEWS]
    assert workspace.calls[-1] == ("review_failure", "J0004", "MI", "MI0", "label wrong", "")
    assert tab.count.text() == "1 of 20 reviewed: 1 label wrong"
    assert tab.bar.buttons["label wrong"].isChecked()
    assert tab.table.current().review.verdict == "label wrong"
    key(qtbot, tab, Qt.Key.Key_0)
    assert workspace.calls[-1] == ("clear_review", "J0004", "MI", "MI0")
    assert tab.count.text() == "0 of 20 reviewed"
    key(qtbot, tab, Qt.Key.Key_0)
    assert workspace.calls[-1][0] == "clear_review"
    assert len(workspace.calls) == 2


def test_space_goes_on_to_the_next_open_mistake_and_round_the_end(qtbot, tab):
    for n in (0, 1, 3):
        tab.marks["MI", f"MI{n}"] = tab.workspace.review_failure("J0004", "MI", f"MI{n}", "model wrong")
    tab.show_failures(mistakes())
    for expected in ("MI2", "MI4"):
        key(qtbot, tab, Qt.Key.Key_Space)
        assert tab.table.current().failure.record == expected
    tab.table.choose("MI19false negative")
    key(qtbot, tab, Qt.Key.Key_Space)
    assert tab.table.current().failure.record == "MI2"


def test_the_filter_leaves_open_mistakes_and_keeps_the_one_just_judged_until_one_moves_on(qtbot, tab):
    tab.marks["MI", "MI1"] = tab.workspace.review_failure("J0004", "MI", "MI1", "model wrong")
    tab.show_failures(mistakes())
    tab.open_only.setChecked(True)
    assert [row.failure.record for row in tab.table.rows.rows][:2] == ["MI0", "MI2"]
    key(qtbot, tab, Qt.Key.Key_4)
    assert tab.table.current().failure.record == "MI0"
    key(qtbot, tab, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(tab.table.rows.rows) == COUNT - 2)
    assert tab.table.current().failure.record == "MI2"
    assert tab.count.text() == "2 of 20 reviewed: 1 model wrong, 1 cannot tell"


def test_when_all_are_judged_the_filtered_list_says_so(qtbot, tab):
    for one in mistakes():
        tab.marks["MI", one.record] = tab.workspace.review_failure("J0004", "MI", one.record, "model wrong")
    tab.open_only.setChecked(True)
    assert tab._stack.currentWidget().heading.text() == "All are reviewed"
    assert not tab.bar.buttons["model wrong"].isEnabled()
    tab.open_only.setChecked(False)
    assert len(tab.table.rows.rows) == COUNT


def test_a_note_goes_with_a_verdict_and_is_kept_on_enter(qtbot, tab, workspace):
    assert not tab.bar.note.isEnabled()
    key(qtbot, tab, Qt.Key.Key_3)
    key(qtbot, tab, Qt.Key.Key_N)
    assert tab.bar.note.isEnabled()
    tab.bar.note.setText("  V1 is   off ")
    qtbot.keyClick(tab.bar.note, Qt.Key.Key_Return)
    settle(qtbot, tab.background)
    assert workspace.calls[-1] == ("review_failure", "J0004", "MI", "MI0", "recording poor", "V1 is off")
    assert whole_text(tab.table.current()).endswith("Recording poor, 2026-11-23. Note: V1 is off")
    tab.bar.note.setText("something else")
    qtbot.keyClick(tab.bar.note, Qt.Key.Key_Escape)
    assert tab.bar.note.text() == "V1 is off"
    tab.bar.buttons["model wrong"].click()
    settle(qtbot, tab.background)
    assert workspace.calls[-1] == ("review_failure", "J0004", "MI", "MI0", "model wrong", "V1 is off")


def test_a_note_that_names_somebody_stays_in_the_field_with_the_reason(qtbot, tab, workspace):
    key(qtbot, tab, Qt.Key.Key_3)
    workspace.refuse = WorldError("note", "it was not kept, since it holds a name", "Take that out", fault="identifier")
    tab.bar.note.setText("Ewa K.")
    qtbot.keyClick(tab.bar.note, Qt.Key.Key_Return)
    settle(qtbot, tab.background)
    assert tab.bar.note.text() == "Ewa K."
    assert tab.bar.refusal.isVisible()
    assert tab.bar.refusal.text() == "It was not kept, since it holds a name. Take that out."
    assert tab.bar.note.property("wrong")


def test_a_mark_that_could_not_be_written_is_told_and_not_shown(qtbot, tab, workspace):
    workspace.refuse = WorldError("workspace", "the disk is full", "Free some space")
    with qtbot.waitSignal(tab.background.failed):
        qtbot.keyClick(tab.table, Qt.Key.Key_1)
    settle(qtbot, tab.background)
    assert tab.count.text() == "0 of 20 reviewed"
    assert not tab.bar.buttons["model wrong"].isChecked()


def test_an_answer_for_another_evaluation_changes_nothing_here(qtbot, tab):
    qtbot.keyClick(tab.table, Qt.Key.Key_1)
    tab.show_job("J0005", {})
    tab.show_failures(mistakes())
    settle(qtbot, tab.background)
    assert tab.marks == {}


def test_enter_opens_the_trace_and_a_copy_holds_what_was_made_of_it(qtbot, tab):
    tab.table.setFocus()
    with qtbot.waitSignal(tab.trace_wanted) as asked:
        qtbot.keyClick(tab.table, Qt.Key.Key_Return)
    assert asked.args == ["MI0"]
    key(qtbot, tab, Qt.Key.Key_2)
    lines = tab.table.rows.as_text("|").splitlines()
    assert lines[0] == "Mistake|Recording|Score|How far on the wrong side|Verdict|Reviewed|Note"
    assert lines[1].split("|")[4:] == ["label wrong", "2026-11-23T14:00:00.000Z", ""]
    qtbot.keyClick(tab.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert len(QGuiApplication.clipboard().text().splitlines()) == COUNT + 1
    read_out = tab.table.rows.data(tab.table.rows.index(0, 0), Qt.ItemDataRole.AccessibleTextRole)
    assert read_out.startswith("False positive, recording MI0, score 1, scores above 99 %")


def test_what_was_found_in_another_evaluation_is_told_and_not_counted(tab):
    there = Elsewhere("J0019", Review("label wrong", "old infarct", "2026-11-23T14:00:00.000Z"))
    tab.show_job("J0004", {}, {("MI", "MI0"): there})
    tab.show_failures(mistakes())
    assert whole_text(tab.table.rows.rows[0]).endswith("Not yet reviewed. In J0019: label wrong. old infarct")
    assert tab.count.text() == "0 of 20 reviewed"


def test_a_mark_given_in_the_window_stands_in_a_real_workspace_beside_a_real_trace(
    qtbot, six_recordings, tmp_path, background
):
    shutil.copytree(six_recordings, tmp_path / "ward7")
    with Workspace.open(tmp_path / "ward7") as real:
        one = mistakes()[0].model_copy(update={"record": real.records()[0].record_id})
        bare = full_evaluation()
        labels = [bare.labels[0].model_copy(update={"failures": [one]})]
        results = bare.model_copy(update={"labels": labels}).model_dump_json()
        with real._home.db.write() as session:
            told = {"kind": "evaluate", "state": "done", "created": "", "config": "{}"}
            session.add(Job(number=50, job_id="J0050", name="past", results=results, **told))
        tab = FailuresTab(real, background)
        qtbot.addWidget(tab)
        tab.show()
        tab.show_job("J0050", {})
        tab.show_failures([one])
        rest(qtbot, tab)
        assert tab.traces.get(one.record).signal.leads == ("II", "V1", "V5")
        assert "y, " in tab.traces.get(one.record).person
        key(qtbot, tab, Qt.Key.Key_2)
        assert real.failure_reviews("J0050") == tab.marks
        assert tab.marks["MI", one.record].verdict == "label wrong"
        background.close()


def test_where_it_is_narrow_the_note_stands_below_the_verdicts(qtbot, tab):
    for width, below in ((560, True), (900, False)):
        tab.resize(width, 480)
        rest(qtbot, tab)
        assert (tab.bar.note.y() > tab.bar.buttons["model wrong"].geometry().bottom()) is below
        assert tab.told.isVisible() is not below
