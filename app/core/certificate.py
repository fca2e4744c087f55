"""The certificate of the self-test: the engine holds its statistics against other software's values, in its process."""

from __future__ import annotations

import subprocess

from pydantic import ValidationError

from app.core.engine_command import engine_command
from engine.contract.errors import WorldError
from engine.contract.selftest import Certificate

PATIENCE_S = 180
"""Time that the engine has; the numbers take seconds, loading torch on a slow disk takes longer."""


def certificate() -> Certificate:
    """What this installation's statistics are worth on this machine, numbers that are wrong included.

    Raises:
        WorldError: the engine cannot be started, or does not answer.
    """
    command = [*engine_command(), "selftest", "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        return Certificate.model_validate_json(done.stdout)
    except (OSError, subprocess.SubprocessError, ValidationError) as error:
        reason = f"its statistics could not be tested ({type(error).__name__})"
        raise WorldError("engine", reason, "Install Isoline again") from None


def in_words(told: Certificate) -> str:
    """The certificate in one line: how many numbers, against what, and how many are wrong."""
    subjects = ", ".join(f"{one.subject} ({one.software})" for one in told.subjects)
    wrong = sum(one.wrong for one in told.subjects)
    verdict = f"{wrong} of {told.numbers:,} numbers are WRONG" if wrong else f"{told.numbers:,} numbers equal"
    return f"{verdict}: {subjects}"
