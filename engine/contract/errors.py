"""Errors that the world causes, told apart from bugs.

A `WorldError` names the thing, the reason and the next step, and never holds a patient identifier: it travels into
events, logs and windows. Any other exception that reaches the top is a bug of ours.
"""

from __future__ import annotations


class WorldError(Exception):
    """Something outside the program is not as it must be, and the user can act on it.

    Args:
        thing: what is affected, in the user's words ("signal file", "run J0003"). Never a patient identifier.
        reason: what is wrong with it.
        next_step: what the user can do now.
    """

    def __init__(self, thing: str, reason: str, next_step: str) -> None:
        super().__init__(thing, reason, next_step)
        self.thing, self.reason, self.next_step = thing, reason, next_step

    def __str__(self) -> str:
        return f"{self.thing}: {self.reason}. {self.next_step}."


class UsageError(WorldError):
    """The call itself is off (unknown option, unknown id): exit code 2 on the command line."""


EXIT_DONE, EXIT_WORLD, EXIT_USAGE, EXIT_BUG = 0, 1, 2, 3
"""Exit codes of every command: done, the world's error, usage, a bug."""
