"""Opens the window: `run(path)` is what `isoline` and `isoline gui` call."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.ui.crash import CrashCatcher
from app.ui.icons import icon
from app.ui.settings import SettingsFile
from app.ui.smooth import keep_smooth
from app.ui.window import MainWindow
from engine.contract.errors import WorldError
from engine.contract.version import VERSION


def run(workspace_path: Path | None) -> int:
    """Show the window until it is closed; gives back the exit code.

    Args:
        workspace_path: the workspace to open, or None for the first screen.

    Raises:
        WorldError: there is no screen to show a window on.
    """
    require_display()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("isoline")
    app.setApplicationVersion(VERSION)
    app.setDesktopFileName("isoline")
    app.setWindowIcon(icon("isoline", "#0B5F86"))
    window = MainWindow(settings_file=SettingsFile.of_user())
    catcher = CrashCatcher(window.messages)
    catcher.names_somebody = lambda text: window.workspace is not None and window.workspace.names_somebody(text)
    catcher.install()
    keep_smooth(window)
    window.show()
    if workspace_path is not None:
        QTimer.singleShot(0, window, lambda: window.open_workspace(workspace_path))
    QTimer.singleShot(0, window, window.check_engine)
    return app.exec()


def require_display() -> None:
    """Refuse in words what Qt would answer by aborting the process.

    Raises:
        WorldError: Linux without a display.
    """
    named = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform.startswith("linux") and not named:
        raise WorldError(
            "window",
            "there is no display to show it on",
            "Start it in a desktop session, or use the commands: isoline --help",
        )
