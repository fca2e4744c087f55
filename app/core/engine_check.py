"""Asks the engine, as a process of its own, which contract it speaks, which devices it has, what isolates a vendor."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from app.core.engine_command import engine_command
from engine.contract.errors import WorldError
from engine.contract.sandbox import SandboxState

TIMEOUT_S = 60
"""Time that the engine has to load torch and to answer."""
ISOLATES = "what isolates a vendor's model here"


def check_command() -> list[str]:
    """The command that makes the engine tell of itself as JSON."""
    return [*engine_command(), "check", "--json"]


def devices_of(told: dict[str, Any]) -> list[dict[str, str]]:
    """Name and description of each device in the engine's answer. Raises KeyError or TypeError when it is none."""
    return [{"name": str(one["name"]), "description": str(one["description"])} for one in told["devices"]]


def devices() -> list[dict[str, str]]:
    """Name and description of each device that the engine can compute on.

    Raises:
        WorldError: the engine cannot be started or does not answer.
    """
    try:
        return devices_of(_told("which devices it has"))
    except (KeyError, TypeError):
        raise _silent("which devices it has") from None


def sandbox() -> SandboxState:
    """What isolates a vendor's process on this machine.

    Raises:
        WorldError: the engine cannot be started or does not answer.
    """
    try:
        told = {name: value for name, value in _told(ISOLATES)["sandbox"].items() if name != "in_words"}
        return SandboxState.model_validate(told)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _silent(ISOLATES) from None


def _told(what: str) -> dict[str, Any]:
    try:
        done = subprocess.run(check_command(), capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        return dict(json.loads(done.stdout))
    except (OSError, ValueError, TypeError, subprocess.SubprocessError):
        raise _silent(what) from None


def _silent(what: str) -> WorldError:
    return WorldError("engine", f"it does not say {what}", "Try: isoline selftest")
