"""What happens to an exception that nobody took: told in a box, written to a log, and the window lives on.

The log holds where it struck and never the exception's message, which may quote a recording or a file name.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, QStandardPaths, QtMsgType, Signal, qInstallMessageHandler

from app.ui.messages import Messages
from engine.contract.errors import WorldError, crash_text

LOG_LIMIT_BYTES = 1_000_000
LEFT_OUT = "(a message was left out, since it may name somebody)"
HARMLESS_QT = ("This plugin does not support propagateSizeHints",)


class CrashCatcher(QObject):
    """Takes uncaught exceptions of every thread and shows them on the window's thread."""

    caught = Signal(object)

    def __init__(self, messages: Messages, log: Path | None = None) -> None:
        super().__init__()
        self.messages, self.log = messages, log or crash_log_path()
        self.names_somebody: Callable[[str], bool] = _says_nothing
        """Whether a text holds an identifier that the open workspace has seen. The log stands outside of it."""
        self.caught.connect(messages.error)

    def install(self) -> None:
        """Become the hook of the interpreter, of its threads and of Qt's own messages."""
        sys.excepthook = self._hook
        threading.excepthook = lambda told: self.take(told.exc_value) if told.exc_value is not None else None
        qInstallMessageHandler(self._qt_message)

    def take(self, error: BaseException) -> None:
        """Log an exception and have it shown; may be called from any thread."""
        if not isinstance(error, WorldError):
            text = crash_text(error)
            # Our own traceback names nobody; the message, which is asked for when a fault is hunted, may.
            self._write(self._searched(text) if os.environ.get("ISOLINE_DEBUG") else text)
        self.caught.emit(error)

    def _hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            self.take(error)

    def _qt_message(self, kind: QtMsgType, context: object, text: str) -> None:
        if kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg) and not text.startswith(HARMLESS_QT):
            self._write(f"Qt: {self._searched(text)}")

    def _write(self, text: str) -> None:
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
                self.log.replace(self.log.with_suffix(".old.log"))
            with self.log.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text.rstrip()}\n")
        except OSError:
            print(text, file=sys.stderr)

    def _searched(self, text: str) -> str:
        """The text, unless it names somebody. Fails closed: where that cannot be told, it is left out."""
        try:
            return LEFT_OUT if self.names_somebody(text) else text
        except Exception:
            return LEFT_OUT


def _says_nothing(_text: str) -> bool:
    return False


def crash_log_path() -> Path:
    """Where the log of this user stands."""
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation)
    return Path(folder) / "isoline-window.log"
