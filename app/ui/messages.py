"""Every message box of the window goes through here, so that tests can listen instead of clicking.

Two kinds of error: the world's names the thing, the reason and the next step; ours says that it is ours and where it
struck, never with the exception's own message, which may quote a recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from engine.contract.errors import WorldError, crash_line

Kind = Literal["information", "world", "bug"]


@dataclass(frozen=True)
class Message:
    """What a box says: one bold sentence, and the rest below it."""

    kind: Kind
    title: str
    text: str
    detail: str = ""


def message_of(error: BaseException) -> Message:
    """An exception in the user's words."""
    if isinstance(error, WorldError):
        return Message("world", f"{_capital(error.thing)}: {error.reason}.", f"{error.next_step}.")
    return Message(
        "bug",
        "Something in Isoline went wrong.",
        "Your workspace is safe: every change is written whole or not at all. Please report the line below.",
        crash_line(error),
    )


class Messages:
    """Shows messages as window-modal boxes that never block the event loop."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self.parent = parent
        self._open: set[Message] = set()

    def error(self, error: BaseException) -> None:
        """Tell of an exception."""
        self.show(message_of(error))

    def tell(self, title: str, text: str = "") -> None:
        """Tell of something that is no error."""
        self.show(Message("information", title, text))

    def show(self, message: Message) -> None:
        """Open the box and return at once; the same message is never open twice (think of an error on each repaint)."""
        if message in self._open:
            return
        self._open.add(message)
        icon = QMessageBox.Icon.Information if message.kind == "information" else QMessageBox.Icon.Warning
        box = QMessageBox(icon, "Isoline", message.title, QMessageBox.StandardButton.Ok, self.parent)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(message.text if not message.detail else f"{message.text}\n\n{message.detail}")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.finished.connect(lambda _result: self._open.discard(message))
        box.open()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
