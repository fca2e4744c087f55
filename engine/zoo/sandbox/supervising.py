"""The first process inside: waits for the program, adopts what it leaves behind, ends all when either side ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import NoReturn

from engine.zoo.sandbox.tree import end_below

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def supervise() -> None:
    """Fork: the child returns and becomes the program, the parent never returns.

    The parent adopts whatever the program starts and lets go of. It ends with the program, and all ends with it when
    the host dies.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    parent = os.getpid()
    program = os.fork()
    if program:
        _wait(program)
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _wait(program: int) -> NoReturn:
    def end(*_: object) -> None:
        end_below(os.getpid())
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    # The pipes are the program's: the host must see them end when the program does.
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    status = 0
    while True:
        try:
            ended, code = os.wait()
        except ChildProcessError:
            break
        if ended == program:
            status = code
            end_below(os.getpid())
    os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
