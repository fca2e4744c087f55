"""Messages and crashes: the world's errors in the user's words, ours without what a recording may have said."""

import threading

import pytest
from PySide6.QtWidgets import QMessageBox, QWidget

from app.ui.crash import CrashCatcher
from app.ui.messages import Messages, message_of
from engine.contract.errors import WorldError

SECRET = "Jane Doe 1934"


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


def test_the_worlds_error_names_thing_reason_and_next_step():
    told = message_of(WorldError("disk", "it is full", "Free some space"))
    assert (told.kind, told.title, told.text) == ("world", "Disk: it is full.", "Free some space.")


def test_a_bug_tells_where_it_struck_and_never_its_message():
    told = message_of(raised(ValueError(SECRET)))
    assert told.kind == "bug"
    assert SECRET not in f"{told.title}{told.text}{told.detail}"
    assert "ValueError at test_ui_shell_messages.py" in told.detail


def test_the_same_message_is_open_once_only(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    messages = Messages(parent)
    for _ in range(3):
        messages.error(WorldError("disk", "it is full", "Free some space"))
    boxes = parent.findChildren(QMessageBox)
    assert len(boxes) == 1
    boxes[0].done(0)
    messages.error(WorldError("disk", "it is full", "Free some space"))
    assert any(box.isVisible() for box in parent.findChildren(QMessageBox))


class Heard:
    def __init__(self):
        self.errors = []

    def error(self, error):
        self.errors.append(error)


@pytest.fixture
def catcher(qtbot, tmp_path):
    return CrashCatcher(Heard(), tmp_path / "log" / "window.log")


def test_a_crash_in_a_worker_is_shown_and_logged_without_its_message(catcher, qtbot):
    with qtbot.waitSignal(catcher.caught):
        threading.Thread(target=lambda: catcher.take(raised(RuntimeError(SECRET)))).start()
    qtbot.waitUntil(lambda: len(catcher.messages.errors) == 1)
    log = catcher.log.read_text()
    assert "RuntimeError" in log
    assert SECRET not in log


def test_the_worlds_errors_are_shown_and_not_logged(catcher):
    catcher.take(WorldError("disk", "it is full", "Free some space"))
    assert len(catcher.messages.errors) == 1
    assert not catcher.log.exists()
