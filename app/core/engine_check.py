"""Asks the engine, as a process of its own, which contract it speaks, which devices it has, what isolates a vendor."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any, TypeVar

from app.core.engine_command import engine_command
from engine.contract.errors import WorldError
from engine.contract.sandbox import SandboxState

Found = TypeVar("Found")

TIMEOUT_S = 60
"""Time that the engine has to load torch and to answer."""


def check_command() -> list[str]:
    """The command that makes the engine tell of itself as JSON."""
    return [*engine_command(), "check", "--json"]


def devices_of(told: dict[str, Any]) -> list[dict[str, str]]:
    """Name and description of each device in the engine's answer. Raises KeyError or TypeError when it is none."""
    return [{"name": str(one["name"]), "description": str(one["description"])} for one in told["devices"]]


def sandbox_of(told: dict[str, Any]) -> SandboxState:
    """What isolates a vendor's process, of the engine's answer. Raises KeyError, TypeError or ValueError if none."""
    found = told["sandbox"]
    return SandboxState(means=found["means"], complete=found["complete"], missing=found["missing"])


def devices() -> list[dict[str, str]]:
    """Name and description of each device that the engine can compute on.

    Raises:
        WorldError: the engine cannot be started or does not answer.
    """
    return _asked(devices_of, "it does not say which devices it has")


def sandbox() -> SandboxState:
    """What isolates a vendor's process where the engine runs.

    Raises:
        WorldError: the engine cannot be started or does not answer.
    """
    return _asked(sandbox_of, "it does not say what isolates vendors' models")


def _asked(read: Callable[[dict[str, Any]], Found], silent: str) -> Found:
    try:
        done = subprocess.run(check_command(), capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        return read(json.loads(done.stdout))
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        raise WorldError("engine", silent, "Try: isoline selftest") from None
