"""Namespaces of our own making, where bubblewrap is not installed: another user, no network, own processes, own files.

The order is that of user_namespaces(7), mount_namespaces(7) and pivot_root(2): a new user namespace gives the right to
make the others, a new root is put together from read-only binds, and the old one is let go of.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.zoo.sandbox.supervising import PR_SET_PDEATHSIG

NEW_MOUNT, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 1 << 30
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
DETACH = 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
NOBODY = 65534
DEVICES = ("null", "zero", "full", "random", "urandom")
STAGE = "/tmp"
"""Where the new root is put together: the folder that every system has, seen by this process alone."""


def enter(
    binds: Iterable[Sequence[str]], links: Iterable[Sequence[str]], scratch_bytes: int, *, own_users: bool
) -> None:
    """Put this process into namespaces of its own, with a root that holds nothing but what is named.

    Returns in the new namespace's first process; the one that called waits and ends as that one ends.

    Args:
        binds: pairs of a path here and the path where it stands inside, read-only.
        links: pairs of a target and the path of the symbolic link inside.
        scratch_bytes: size of /tmp, the one place that can be written.
        own_users: whether a user namespace gives the right to make the others; root has it without.

    Raises:
        OSError: the kernel or the system's settings do not allow it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    kinds = NEW_MOUNT | NEW_PID | NEW_NET | NEW_IPC | NEW_UTS
    _tried(libc.unshare(kinds | (NEW_USER if own_users else 0)), "unshare")
    if own_users:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1")
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    first = os.fork()
    if first:
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        _, status = os.waitpid(first, 0)
        os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _root(libc, binds, links, scratch_bytes)
    os.setsid()


def _root(libc: ctypes.CDLL, binds: Iterable[Sequence[str]], links: Iterable[Sequence[str]], scratch: int) -> None:
    _mount(libc, "none", "/", "", RECURSIVE | PRIVATE)
    # What is bound from /tmp itself would vanish under the new mount: every source is opened before.
    sources = [(os.open(source, os.O_PATH | os.O_CLOEXEC), place) for source, place in binds]
    devices = [(os.open(f"/dev/{name}", os.O_PATH | os.O_CLOEXEC), f"/dev/{name}") for name in DEVICES]
    _mount(libc, "tmpfs", STAGE, "tmpfs", NO_SUID | NO_DEVICES, "size=16m,mode=755")
    for source, place in sources:
        _bind(libc, source, place, NO_SUID | NO_DEVICES | READ_ONLY)
    for source, place in devices:
        _bind(libc, source, place, NO_SUID | NO_EXEC)
    for target, place in links:
        Path(STAGE + place).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target, STAGE + place)
    for name in ("proc", "tmp", "old"):
        os.mkdir(f"{STAGE}/{name}")
    _mount(libc, "proc", f"{STAGE}/proc", "proc", NO_SUID | NO_DEVICES | NO_EXEC)
    _mount(libc, "tmpfs", f"{STAGE}/tmp", "tmpfs", NO_SUID | NO_DEVICES, f"size={scratch},mode=1777")
    _tried(libc.syscall(PIVOT_ROOT[os.uname().machine], STAGE.encode(), f"{STAGE}/old".encode()), "pivot_root")
    os.chdir("/")
    _tried(libc.umount2(b"/old", DETACH), "umount")
    os.rmdir("/old")
    for descriptor, _ in (*sources, *devices):
        os.close(descriptor)
    _mount(libc, "none", "/", "", REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEVICES)


def _bind(libc: ctypes.CDLL, source: int, place: str, flags: int) -> None:
    target, seen = Path(STAGE + place), f"/proc/self/fd/{source}"
    if os.path.isdir(seen):
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(libc, seen, str(target), "", BIND)
    # What the source's own mount forbids stays forbidden: a namespace below may not lift it.
    _mount(libc, "none", str(target), "", REMOUNT | BIND | flags | _locked(str(target)))


def _locked(place: str) -> int:
    told = os.statvfs(place).f_flag
    known = ((os.ST_RDONLY, READ_ONLY), (os.ST_NOSUID, NO_SUID), (os.ST_NODEV, NO_DEVICES), (os.ST_NOEXEC, NO_EXEC))
    times = ((os.ST_NOATIME, 1024), (os.ST_NODIRATIME, 2048), (os.ST_RELATIME, 1 << 21))
    return sum(flag for bit, flag in (*known, *times) if told & bit)


def _mount(libc: ctypes.CDLL, source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    call = libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())
    _tried(call, f"mount {kind}".strip())


def _tried(answer: int, what: str) -> None:
    if answer < 0:
        raise OSError(ctypes.get_errno(), what)


def possible() -> bool:
    """Whether this system could know namespaces at all; whether it allows them shows when they are entered."""
    return sys.platform == "linux" and os.uname().machine in PIVOT_ROOT and Path("/proc/self/ns/user").exists()
