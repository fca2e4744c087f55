"""The cohort builder: its flow is of the form as it stands, faults stand beside their field, nothing waits."""

import threading
from dataclasses import replace
from typing import get_args

import pytest
from fake_cohorts import CHOICES, FakeCohorts
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from window_cases import settle

from app.core.changes import Changes
from app.core.cohort_plan import CohortPlan
from app.ui.cohort_builder import CohortBuilder
from app.ui.cohort_rule_editors import LimitsEditor, editor_of
from app.ui.cohort_words import TITLES
from app.ui.form_fields import TicksEditor
from engine.contract.eligibility import CHOICES as WORDS
from engine.contract.eligibility import RANGES, AnyRule, parse_rule
from engine.contract.errors import UsageError, WorldError

EVERY_RULE = (
    "age 18..89",
    "sex female",
    "paced no or unknown",
    'device "Cart 3" GE or unknown',
    "setting ward",
    "measured I II V1",
    "quality good limited",
    "without wander",
    "seconds 10..",
    "rate 250..1000",
    "year ..2019",
    'format "WFDB format 16"',
    "leads V6",
)


@pytest.fixture
def workspace():
    return FakeCohorts()


@pytest.fixture
def build(qtbot, workspace, background):
    def open_builder(plan=None, taken=("taken",)):
        made = CohortBuilder(workspace, background, None, plan or CohortPlan("a name"), taken)
        qtbot.addWidget(made)
        made.show()
        settle(qtbot, background)
        return made

    return open_builder


def counted(qtbot, builder):
    """Wait until the flow is of the form."""
    qtbot.waitUntil(lambda: builder.answered == builder.question(), timeout=10_000)


def typed(line: QLineEdit, text: str) -> None:
    line.selectAll()
    QTest.keyClicks(line, text)


# The grammar, and the editors of the window.


def test_there_is_an_editor_for_every_kind_of_rule_and_it_says_what_it_was_given(qtbot):
    kinds = {*RANGES, *WORDS, *(kind.model_fields["kind"].default for kind in get_args(AnyRule))} - {"range", "choice"}
    assert set(TITLES) == kinds
    for rule in EVERY_RULE:
        read = parse_rule(rule)
        what = "leads" if rule.startswith("measured") else rule.split()[0]
        editor = editor_of(what, CHOICES)
        qtbot.addWidget(editor)
        editor.put(read)
        assert parse_rule(editor.words()) == read, rule


def test_many_words_stand_in_a_list_and_what_is_not_known_is_no_word(qtbot):
    few, many = editor_of("sex", CHOICES), editor_of("device", CHOICES)
    for editor in (few, many):
        qtbot.addWidget(editor)
    assert few.offered() == ["female", "male"]
    assert isinstance(many.ticks, TicksEditor)
    assert few.words() == many.words() == ""
    few.boxes["male"].click()
    few.keep.click()
    assert few.words() == "sex male or unknown"


# The live flow.


def test_the_flow_follows_the_form_after_a_pause_and_in_one_go(build, workspace, qtbot):
    builder = build()
    assert builder.left.text() == "1,000 recordings of 500 patients"
    before = len(workspace.asked)
    row = builder.form.rules.add_rule("age")
    assert isinstance(row.editor, LimitsEditor)
    for text in ("1", "18", "18"):
        typed(row.editor.low, text)
    assert len(workspace.asked) == before
    assert builder.view.diagram.stale
    assert builder.reason.text() == "Counting…"
    assert not builder.make.isEnabled()
    counted(qtbot, builder)
    assert workspace.asked[before:] == [((), None, ("age 18..",), False)]
    assert builder.left.text() == "900 recordings of 450 patients"
    assert row.gone.text() == "−100"
    assert not builder.view.diagram.stale
    assert builder.make.isEnabled()
    assert "Age 18 years or more: 100 recordings left out" in builder.view.accessibleDescription()


def test_an_older_answer_never_takes_the_place_of_a_newer_one(build, workspace, qtbot):
    builder = build()
    late = workspace.hold(1)
    builder.form.rules.put(["sex female"])
    qtbot.waitUntil(lambda: workspace.asked[-1][2] == ("sex female",), timeout=10_000)
    builder.form.rules.put(["sex female", "age 18.."])
    builder._ask()
    late.set()
    counted(qtbot, builder)
    assert builder.left.text() == "800 recordings of 400 patients"
    # Also one that comes though nobody waits for it any more.
    builder._take(((), None, ("sex male",), False), replace(builder.answer, records=1))
    assert builder.left.text() == "800 recordings of 400 patients"
    builder._refused_flow(((), None, ("sex male",), False), UsageError("rule", "it is old", "Nothing"))
    assert builder.fault.isHidden()


def test_recordings_that_come_meanwhile_are_counted_too_however_often_they_are_told_of(
    build, workspace, background, qtbot
):
    builder = build()
    builder.again.setInterval(10)
    before = len(workspace.asked)
    for _ in range(5):
        background.changed.emit(Changes.RECORDS | Changes.JOBS)
    assert len(workspace.asked) == before
    qtbot.waitUntil(lambda: len(workspace.asked) == before + 1, timeout=10_000)
    settle(qtbot, background)
    background.changed.emit(Changes.JOBS)
    assert not builder.again.isActive()
    held = workspace.hold(0)
    builder._ask()
    background.changed.emit(Changes.RECORDS)
    qtbot.wait(60)
    assert len(workspace.asked) == before + 2
    held.set()
    qtbot.waitUntil(lambda: len(workspace.asked) == before + 3, timeout=10_000)


def test_nothing_is_read_or_made_on_the_windows_thread(build, workspace, qtbot):
    builder = build()
    held = workspace.hold(1)
    builder.form.rules.put(["age 18.."])
    qtbot.waitUntil(lambda: len(workspace.asked[-1][2]) == 1, timeout=10_000)
    typed(builder.form.name, "typed while it is counted")
    assert builder.form.plan().name == "typed while it is counted"
    held.set()
    counted(qtbot, builder)
    with qtbot.waitSignal(builder.made, timeout=10_000):
        builder.make.click()
    assert threading.get_ident() not in workspace.threads


# What cannot be made, and why.


def test_a_fault_in_a_rule_stands_in_its_row_and_nothing_is_asked(build, workspace, qtbot):
    builder = build()
    row = builder.form.rules.add_rule("age")
    assert row.note.text().startswith("Nothing is chosen yet")
    assert builder.reason.text() in ("Counting…", "The rule on age says nothing yet")
    before = len(workspace.asked)
    typed(row.editor.low, "60")
    typed(row.editor.high, "40")
    builder._ask()
    assert row.note.text() == "The smallest value is above the largest"
    assert row.editor.low.property("wrong") is True
    assert builder.reason.text() == "The rule on age cannot be applied"
    assert builder.state.text().startswith("These figures are of before")
    assert len(workspace.asked) == before
    typed(row.editor.high, "80")
    counted(qtbot, builder)
    assert row.note.isHidden()
    assert builder.make.isEnabled()


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (CohortPlan(""), "Give the cohort a name"),
        (CohortPlan("taken"), "Choose another name"),
        (CohortPlan("a", rules=("age 18..",) * 10), "No recording is left: widen a rule or take one away"),
        (CohortPlan("a", way="official"), "The official split has 3 patients in more than one part: divide by patient"),
    ],
)
def test_make_is_off_and_says_why(build, qtbot, plan, reason):
    builder = build(plan)
    counted(qtbot, builder)
    assert builder.reason.text() == reason
    assert not builder.make.isEnabled()
    builder.launch()
    assert not builder.making


def test_what_a_workspace_cannot_offer_is_told_in_the_builder(build, workspace):
    def refuse():
        raise WorldError("workspace", "its database is damaged", "Restore the folder from your backup")

    workspace.cohort_choices = refuse
    builder = build()
    assert builder.fault.text() == "Workspace: its database is damaged. Restore the folder from your backup."
    assert not builder.make.isEnabled()


def test_what_the_workspace_refuses_is_told_and_the_form_stays(build, workspace, qtbot):
    builder = build()
    workspace.refuse = WorldError("disk", "it is full", "Free some space")
    builder.make.click()
    qtbot.waitUntil(builder.fault.isVisible, timeout=10_000)
    assert builder.fault.text() == "Disk: it is full. Free some space."
    assert builder.make.isEnabled()
    assert not builder.isHidden()


# What is made.


def test_the_cohort_is_made_of_what_the_form_shows_and_is_searched_for_copies(build, workspace, background, qtbot):
    builder = build(CohortPlan("x", ("label 007",), "ptbxl", ("age 18..", "sex male"), "holdout", 5, 25.0, 4))
    counted(qtbot, builder)
    with qtbot.waitSignal(background.changed) as touched, qtbot.waitSignal(builder.made):
        builder.make.click()
    assert touched.args[0] == Changes.COHORTS | Changes.JOBS
    asked = {"labels": ("label 007",), "dataset": "ptbxl", "rules": ("age 18..", "sex male"), "seed": 4}
    ways = {"folds": None, "holdout": 0.25, "official": False, "search": True}
    assert workspace.made == [{"name": "x", **asked, **ways}]


def test_the_command_line_is_that_of_the_form_and_can_be_copied(build, qtbot):
    builder = build()
    builder.form.share.setValue(40)
    builder.form.way.setCurrentIndex(builder.form.way.findData("holdout"))
    assert builder.command.text() == builder.form.plan().command(str(builder.workspace.path))
    builder.copy.click()
    assert QGuiApplication.clipboard().text() == builder.command.text()
    assert "--holdout 0.4" in builder.command.text()


def test_a_finer_share_than_the_box_shows_stays_what_it_was(build):
    builder = build(CohortPlan("x", way="holdout", share=12.5))
    assert builder.form.plan().share == 12.5
    builder.form.share.setValue(20)
    assert builder.form.plan().share == 20.0


# Keyboard, order, labels.


def test_rules_change_places_by_button_and_by_key_and_the_focus_goes_along(build, qtbot):
    builder = build(CohortPlan("x", rules=("age 18..", "sex male", "seconds 10..")))
    rules = builder.form.rules
    rules.rows[0].down.click()
    assert rules.words() == ("sex male", "age 18..", "seconds 10..")
    assert [row.up.isEnabled() for row in rules.rows] == [False, True, True]
    line = rules.rows[2].editor.low
    builder.activateWindow()
    line.setFocus()
    qtbot.waitUntil(line.hasFocus)
    qtbot.keyClick(line, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert rules.words() == ("sex male", "seconds 10..", "age 18..")
    assert line.hasFocus()
    rules.rows[1].drop.click()
    assert rules.words() == ("sex male", "age 18..")


def test_a_rule_is_dragged_past_its_neighbours_and_stays_where_it_is_let_go(build, qtbot):
    builder = build(CohortPlan("a name", rules=("age 18..", "quality good", "seconds 10..")))
    rules = builder.form.rules
    first = rules.rows[0]
    heading = first.rect().topLeft() + QPoint(60, 12)
    last = rules.rows[2].geometry()

    def pull_to(y: int) -> None:
        QTest.mouseMove(first, QPoint(60, first.mapFrom(rules, QPoint(60, y)).y()))

    QTest.mousePress(first, Qt.MouseButton.LeftButton, pos=heading)
    QTest.mouseMove(first, heading + QPoint(1, 1))
    assert not first.property("dragged")
    pull_to(last.center().y() + 4)
    assert first.property("dragged")
    assert rules.words() == ("quality good", "seconds 10..", "age 18..")
    pull_to(rules.rows[1].geometry().center().y() - 4)
    assert rules.words() == ("quality good", "age 18..", "seconds 10..")
    QTest.mouseRelease(first, Qt.MouseButton.LeftButton, pos=heading)
    pull_to(0)
    assert not first.property("dragged")
    assert rules.words() == builder.form.plan().rules == ("quality good", "age 18..", "seconds 10..")


def test_tab_goes_through_the_rules_in_their_order(build):
    builder = build(CohortPlan("x", rules=("age 18..", "seconds 10..")))
    builder.form.rules.rows[0].down.click()
    first, second = builder.form.rules.rows
    reached, widget = [], first.editor.low
    for _ in range(40):
        reached.append(widget)
        widget = widget.nextInFocusChain()
    places = [reached.index(one) for one in (first.editor.low, first.drop, second.editor.low, second.drop)]
    assert places == sorted(places)


def test_escape_closes_the_builder_and_nothing_is_made(build, workspace, qtbot):
    builder = build()
    with qtbot.waitSignal(builder.rejected):
        qtbot.keyClick(builder, Qt.Key.Key_Escape)
    assert workspace.made == []


def test_hundreds_of_labels_are_searched_and_ticks_outlive_the_search(build, qtbot):
    builder = build()
    picker = builder.form.labels
    typed(picker.search, "25")
    shown = [item for item in picker._items() if not item.isHidden()]
    assert len(shown) == 13
    assert all("25" in item.text() for item in shown)
    picker.tick.click()
    typed(picker.search, "label 2")
    assert len(picker.ticked()) == 13
    counted(qtbot, builder)
    assert len(builder.workspace.asked[-1][0]) == 13
    picker.clear.click()
    assert picker.ticked() == ()
    assert picker.told.text() == "None ticked: recordings without labels enter too"


def test_the_builder_fits_a_small_window_and_names_all_that_takes_the_keyboard(build):
    builder = build(CohortPlan("x", rules=EVERY_RULE))
    assert builder.minimumSizeHint().width() <= 880
    assert builder.minimumSizeHint().height() <= 600
    nameless = [
        type(widget).__name__
        for widget in builder.form.rules.findChildren(object)
        if widget.isWidgetType()
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.isVisibleTo(builder)
        and not (widget.accessibleName() or getattr(widget, "text", str)())
    ]
    assert nameless == []
    for row in builder.form.rules.rows:
        right = row.editor.mapTo(row, QPoint(row.editor.minimumSizeHint().width(), 0)).x()
        assert right <= 340, row.editor.what
