"""Asks the engine, as a process of its own, which contract it speaks and which devices it has."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from app.core.engine_command import engine_command
from engine.contract.errors import WorldError

TIMEOUT_S = 60
"""Time that the engine has to load torch and to answer."""


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
        done = subprocess.run(check_command(), capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        return devices_of(json.loads(done.stdout))
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        raise WorldError("engine", "it does not say which devices it has", "Try: isoline selftest") from None
