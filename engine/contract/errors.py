"""Errors that the world causes, told apart from bugs.

A `WorldError` names the thing, the reason and the next step, and never holds a patient identifier: it travels into
events, logs and windows. Any other exception that reaches the top is a bug of ours.
"""

from __future__ import annotations

import errno
import os
import traceback
from pathlib import Path


class WorldError(Exception):
    """Something outside the program is not as it must be, and the user can act on it.

    Args:
        thing: what is affected, in the user's words ("signal file", "run J0003"). Never a patient identifier.
        reason: what is wrong with it.
        next_step: what the user can do now.
        fault: a short name that programs go by ("out_of_memory", "disk_full"); empty when none has been given.
    """

    def __init__(self, thing: str, reason: str, next_step: str, fault: str = "") -> None:
        super().__init__(thing, reason, next_step, fault)
        self.thing, self.reason, self.next_step, self.fault = thing, reason, next_step, fault

    def __str__(self) -> str:
        return f"{self.thing}: {self.reason}. {self.next_step}."


class UsageError(WorldError):
    """The call itself is off (unknown option, unknown id): exit code 2 on the command line."""


def is_disk_fault(error: OSError) -> bool:
    """Whether the disk is to blame (full, quota used up, read-only, broken) and not the program."""
    return error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EROFS, errno.EIO)


def disk_error(error: OSError, what: str) -> WorldError:
    """What a failed write means for the user: `what` (never a file name) could not be written."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        reason = f"it is full, so the run's {what} could not be written"
        return WorldError("disk", reason, "Free some space, resume", fault="disk_full")
    reason = f"the run's {what} cannot be written ({os.strerror(error.errno) if error.errno else type(error).__name__})"
    return WorldError("disk", reason, "Check the disk and your rights, then resume")


EXIT_DONE, EXIT_WORLD, EXIT_USAGE, EXIT_BUG, EXIT_STOPPED = 0, 1, 2, 3, 4
"""Exit codes of every command: done, the world's error (what it found is wrong), usage (what was asked is wrong), a
bug, stopped as asked. `isoline-engine` ends with 0 when it was stopped: it did what it was told, and a launcher that
sees another code would end the other ranks."""

EXIT_FOUND = 5
"""Exit code of a check that did its work and found what should not be: a leak."""


def crash_line(error: BaseException) -> str:
    """Where a bug struck, in one line: type, file and line, never the message (it may quote a recording)."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"internal error ({type(error).__name__}{where})"


def crash_text(error: BaseException) -> str:
    """The traceback without the message, unless ISOLINE_DEBUG is set: messages may quote what was read."""
    if os.environ.get("ISOLINE_DEBUG"):
        return "".join(traceback.format_exception(error))
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{frames}{type(error).__name__} (message withheld, it may quote a recording; ISOLINE_DEBUG=1 shows it)"
