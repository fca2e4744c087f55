"""Work off the window's thread and its way back."""

import threading
from functools import partial

import pytest
from PySide6.QtCore import QThread
from PySide6.QtWidgets import QLabel

from app.core.changes import Changes
from app.ui.background import Background


@pytest.fixture
def background(qtbot):
    made = Background()
    yield made
    made.close()


def test_work_runs_off_the_windows_thread_and_its_answer_comes_back_on_it(background, qtbot):
    seen = []
    background.read(threading.get_ident, lambda worker: seen.append((worker, threading.get_ident())))
    qtbot.waitUntil(lambda: bool(seen))
    worker, back = seen[0]
    assert worker != threading.get_ident()
    assert back == threading.get_ident()


def test_a_write_tells_what_it_touched(background, qtbot):
    with qtbot.waitSignal(background.changed) as told:
        background.write(lambda: Changes.JOBS | Changes.RECORDS)
    assert told.args == [Changes.JOBS | Changes.RECORDS]
    with qtbot.waitSignal(background.changed) as told:
        background.write(lambda: "J0001", touches=Changes.JOBS)
    assert told.args == [Changes.JOBS]


def test_a_write_that_touched_nothing_refreshes_nothing(background, qtbot):
    heard = []
    background.changed.connect(heard.append)
    with qtbot.waitSignal(background.idle):
        background.write(lambda: Changes.NOTHING)
    assert heard == []


def test_an_error_goes_to_whoever_asked_or_else_to_the_message_service(background, qtbot):
    taken = []
    background.read(lambda: 1 / 0, failed=taken.append)
    qtbot.waitUntil(lambda: bool(taken))
    assert isinstance(taken[0], ZeroDivisionError)
    with qtbot.waitSignal(background.failed) as told:
        background.write(lambda: [][0])
    assert isinstance(told.args[0], IndexError)


def test_only_the_newest_read_of_a_key_answers(background, qtbot):
    gate, asked, answers = threading.Event(), [], []

    def ask(number):
        asked.append(number)
        return number

    background.read(gate.wait)
    for number in range(5):
        background.read(partial(ask, number), answers.append, key="signal")
    gate.set()
    qtbot.waitUntil(lambda: not background.busy, timeout=30_000)
    assert answers == [4]
    assert asked == [4]


def test_writes_keep_their_order(background, qtbot):
    done = []
    for number in range(20):
        background.write(partial(done.append, number))
    qtbot.waitUntil(lambda: not background.busy, timeout=30_000)
    assert done == list(range(20))


def test_an_answer_to_a_widget_that_is_gone_is_dropped(background, qtbot):
    import shiboken6

    label, gate = QLabel(), threading.Event()
    background.read(lambda: gate.wait() and "late", label.setText)
    background.read(lambda: gate.wait() and "late", partial(label.setText))
    shiboken6.delete(label)
    gate.set()
    qtbot.waitUntil(lambda: not background.busy, timeout=30_000)


def test_closing_waits_for_what_has_begun_and_drops_the_rest(background):
    begun, gate, done = threading.Event(), threading.Event(), []
    background.write(lambda: begun.set() or (gate.wait() and done.append("first")))
    background.write(lambda: done.append("second"))
    begun.wait(5)
    opener = threading.Timer(0.05, gate.set)
    opener.start()
    background.close()
    assert done == ["first"]
    background.read(lambda: done.append("third"))
    assert done == ["first"]


def test_the_background_lives_on_the_windows_thread(background, qapp):
    assert background.thread() is QThread.currentThread()
