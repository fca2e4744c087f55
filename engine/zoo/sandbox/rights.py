"""Root's rights, given up: the process becomes a user that nobody else is, or keeps its name and no right of it."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_CAP_AMBIENT, CLEAR_ALL = 1, 4, 24, 47, 4
CAPABILITIES = 64
VERSION_3 = 0x20080522


def change_user(user: int) -> None:
    """Become `user`: the kernel keeps no count of root's processes, and counts this one's apart.

    Raises:
        OSError: this process may not.
    """
    os.setgroups([])
    os.setresuid(user, user, user)
    libc = ctypes.CDLL(None, use_errno=True)
    # A change of user takes both back: to end with its parent, and to see itself in /proc.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def drop_capabilities() -> None:
    """Keep none of root's rights, and let no program that is started get them back.

    Raises:
        OSError: the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(CAPABILITIES):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # those beyond the kernel's last one are refused
    libc.prctl(PR_CAP_AMBIENT, CLEAR_ALL, 0, 0, 0)
    head, none = (ctypes.c_uint32 * 2)(VERSION_3, 0), (ctypes.c_uint32 * 6)()
    if libc.capset(head, none):
        raise OSError(ctypes.get_errno(), "capset")
