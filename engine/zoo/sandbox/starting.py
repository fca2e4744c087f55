"""The command line of a confined process, for each way of shutting it in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from engine.contract.sandbox import Confinement, Limits
from engine.zoo.sandbox import landlock
from engine.zoo.sandbox.launcher import FILES_OPEN
from engine.zoo.sandbox.layout import READABLE_DEVICES, WRITABLE_DEVICES, Layout, in_place, moved

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def environment(threads: int, path: str = "/usr/bin:/bin") -> dict[str, str]:
    """All of a confined process' environment variables: nothing of the user's."""
    return {"PATH": path, "LANG": "C.UTF-8", **dict.fromkeys(THREADS, str(threads))}


def command_of(
    level: Confinement,
    folder: Path,
    scratch: Path,
    limits: Limits,
    *,
    runtime: str,
    command: Sequence[str],
    threads: int,
) -> list[str]:
    """The command line that shuts a process in and then serves `runtime`, or becomes `command`.

    Args:
        level: the way.
        folder: the model's, all that it sees of the user's files.
        scratch: a folder on the disk to write into, where the way brings none of its own.
        limits: what the kernel is asked to keep.
        runtime: name of the runtime that serves a model; empty for a program of the vendor's.
        command: the vendor's program and its arguments; empty for a runtime.
        threads: of the runtime's arithmetic.
    """
    own_root = level in ("bubblewrap", "namespaces")
    layout = moved(folder) if own_root else in_place(folder, scratch)
    plan = {
        "level": level,
        "runtime": runtime,
        "command": list(command),
        "folder": layout.folder,
        "scratch": layout.scratch,
        "threads": threads,
        "search": list(layout.search),
        "rlimits": _rlimits(level, limits),
        "landlock": level != "none" and landlock.version() > 0,
        "seccomp": level != "none",
        **_files(level, layout, limits),
    }
    # Namespaces are entered by the launcher itself, which starts outside.
    search = layout.search if level == "bubblewrap" else layout.search_outside
    python = [*layout.python, *(["|".join(search)] if search else []), json.dumps(plan)]
    return [*_bubblewrap(layout, limits, environment(threads)), *python] if level == "bubblewrap" else python


def _rlimits(level: Confinement, limits: Limits) -> dict[str, int]:
    """Limits that the kernel keeps for each process: a net under the watch, which counts them together."""
    kept = {"AS": limits.memory_bytes, "FSIZE": limits.scratch_bytes, "NOFILE": FILES_OPEN, "CORE": 0}
    # Without a user namespace of its own the kernel would count all that this user runs.
    return kept | ({"NPROC": limits.processes} if level in ("bubblewrap", "namespaces") else {})


def _files(level: Confinement, layout: Layout, limits: Limits) -> dict[str, Any]:
    inside = [place for _, place in layout.binds]
    if level in ("bubblewrap", "namespaces"):
        inside += ["/bin", "/sbin", "/lib", "/lib64", "/proc"]
    return {
        "read": [*inside, *READABLE_DEVICES],
        "write": [layout.scratch, *WRITABLE_DEVICES],
        "binds": [list(pair) for pair in layout.binds],
        "links": [list(pair) for pair in layout.links],
        "scratch_bytes": limits.scratch_bytes,
    }


@cache
def _program() -> str:
    return shutil.which("bwrap") or "bwrap"


def _bubblewrap(layout: Layout, limits: Limits, variables: dict[str, str]) -> list[str]:
    """A root of its own that is read-only throughout, its own processes, network, host name and user."""
    told = [_program(), "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv"]
    told += ["--uid", "65534", "--gid", "65534", "--hostname", "isoline", "--cap-drop", "ALL"]
    for name, value in variables.items():
        told += ["--setenv", name, value]
    for source, place in layout.binds:
        told += ["--ro-bind", source, place]
    for target, place in layout.links:
        told += ["--symlink", target, place]
    told += ["--proc", "/proc", "--dev", "/dev", "--size", str(limits.scratch_bytes), "--tmpfs", layout.scratch]
    # Both are file systems in memory that would take as much as the machine has.
    return [*told, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", layout.scratch, "--"]
