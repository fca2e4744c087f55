"""Asks the engine, as a process of its own, which contract it speaks and which devices it has."""

from __future__ import annotations

import json

from PySide6.QtCore import QObject, QProcess, Signal

from app.core.engine_check import check_command, devices_of
from engine.contract.version import CONTRACT_VERSION

TIMEOUT_MS = 60_000


class EngineCheck(QObject):
    """Runs `isoline-engine check --json` once and tells what it found; torch never enters this process."""

    told = Signal(str, str, bool)
    """A few words for the status bar, the whole story for its tooltip, and whether the engine can be used."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = QProcess(self)
        self._process.finished.connect(self._read)
        self._process.errorOccurred.connect(self._fail)

    def start(self) -> None:
        """Begin; the answer takes a few seconds."""
        program, *arguments = check_command()
        self._process.start(program, arguments)

    def stop(self) -> None:
        """Give up asking; for the end of the window."""
        self._process.blockSignals(True)
        if self._process.state() is not QProcess.ProcessState.NotRunning:
            self._process.kill()
            self._process.waitForFinished(2000)

    def _read(self, code: int) -> None:
        try:
            told = json.loads(bytes(self._process.readAllStandardOutput().data()).decode("utf-8"))
            words = describe(told) if code == 0 else None
        except (ValueError, KeyError, TypeError):
            words = None
        if words is None:
            words = ("Engine does not answer", f"Its check ended with code {code}. Try: isoline selftest", False)
        self.told.emit(*words)

    def _fail(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self.told.emit("Engine not found", "It could not be started. Try: isoline selftest", False)


def describe(told: dict) -> tuple[str, str, bool]:  # type: ignore[type-arg]
    """The answer of the check in words. Raises KeyError when it is not one."""
    found = devices_of(told)
    devices = [device["name"] for device in found]
    story = "\n".join(f"{device['name']}: {device['description']}" for device in found)
    whole = f"Isoline engine {told['isoline']}, contract {told['contract']}, torch {told['torch']}\n{story}"
    if told["contract"] != CONTRACT_VERSION:
        wrong = f"It speaks contract {told['contract']}, this window {CONTRACT_VERSION}. Install both in one version"
        return "Engine of another version", wrong, False
    best = next((name for name in devices if name.startswith("cuda")), devices[0] if devices else "no device")
    return f"Engine: {best.upper() if best == 'cpu' else best}", whole, True
