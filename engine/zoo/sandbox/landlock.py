"""Landlock: the kernel's own fence around files, TCP and signals, for which no rights are needed.

Structures and bits are those of linux/landlock.h; each version of the interface (ABI) knows a few more, and only what
the running kernel knows is asked for.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

CREATE, ADD_RULE, RESTRICT = 444, 445, 446
ASK_VERSION, PATH_BENEATH = 1, 1
PR_SET_NO_NEW_PRIVS = 38
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
FILES = {1: (1 << 13) - 1, 2: 1 << 13, 3: TRUNCATE, 5: IOCTL}
"""Rights on files, by the version that brought them."""
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL
TCP = 3
"""Bind and connect; from version 4 on."""
SCOPES = 3
"""Abstract Unix sockets and signals; from version 6 on."""
SIGNALS_FROM = 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """Of the running kernel's interface; 0 where it has none."""
    if os.name != "posix" or os.uname().sysname != "Linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(ASK_VERSION))))


def restrict(read: Iterable[str], write: Iterable[str]) -> None:
    """From here on this process opens nothing but what lies beneath these; there is no way back.

    Args:
        read: files and folders that may be read and executed; those that are not there are left out.
        write: files and folders that may be changed as well.

    Raises:
        OSError: the kernel has no Landlock or takes no rules.
    """
    abi = version()
    if not abi:
        raise OSError(38, "no Landlock")
    libc = ctypes.CDLL(None, use_errno=True)
    handled = sum(bits for since, bits in FILES.items() if abi >= since)
    rules = _Ruleset(handled, TCP if abi >= 4 else 0, SCOPES if abi >= SIGNALS_FROM else 0)
    size = 8 if abi < 4 else 16 if abi < SIGNALS_FROM else 24
    ruleset = libc.syscall(CREATE, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    try:
        for path in read:
            _allow(libc, ruleset, path, (EXECUTE | READ_FILE | READ_DIR) & handled)
        for path in write:
            _allow(libc, ruleset, path, handled & ~(1 << 6 | 1 << 11))
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(RESTRICT, ruleset, ctypes.c_uint32(0)):
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    if not Path(path).exists():
        return
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(folder).st_mode):
            rights &= OF_A_FILE
        rule = _Beneath(rights, folder)
        if libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0)):
            raise OSError(ctypes.get_errno(), "landlock_add_rule")
    finally:
        with suppress(OSError):
            os.close(folder)
