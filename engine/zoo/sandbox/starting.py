"""The command line of a confined process, for each way of shutting it in."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.contract.sandbox import Confinement, Limits
from engine.zoo.sandbox import landlock
from engine.zoo.sandbox.launcher import FILES_OPEN
from engine.zoo.sandbox.layout import READABLE_DEVICES, WRITABLE_DEVICES, Layout, frozen, in_place, moved

ARENA_BYTES = 2**27
"""Address space, not memory, that the C library sets aside for each thread."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
OWN_ROOT = ("bubblewrap", "namespaces")
"""Ways that give a process a root, a network and processes of its own."""
PYTHON = ("python", "python3")


@dataclass(frozen=True)
class Plan:
    """How one process is shut in, and what it then becomes.

    Attributes:
        level: the way.
        folder: the model's, all that it sees of the user's files.
        disk: a folder on the disk to write into, where the way brings none of its own.
        limits: what the kernel is asked to keep.
        runtime: name of the runtime that serves a model; empty for a program of the vendor's.
        command: the vendor's program and its arguments; empty for a runtime.
        threads: of the arithmetic.
        user: number of a user that nobody else is, which root's process becomes; 0 where it keeps its own.
    """

    level: Confinement
    folder: Path
    disk: Path
    limits: Limits
    runtime: str = ""
    command: Sequence[str] = ()
    threads: int = 1
    user: int = 0

    @cached_property
    def layout(self) -> Layout:
        """What the process sees."""
        return moved(self.folder) if self.level in OWN_ROOT else in_place(self.folder, self.disk)

    @property
    def counted(self) -> bool:
        """Whether the kernel keeps the number of its processes; where it does not, none may be started.

        It counts by user: not root's at all, and without a user of its own all that this user runs besides.
        """
        return self.level in OWN_ROOT and (self.user != 0 or not is_root())

    def environment(self) -> dict[str, str]:
        """All of the process' environment variables: nothing of the user's."""
        variables = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TMPDIR": self.layout.scratch,
            **dict.fromkeys(THREADS, str(self.threads)),
        }
        if os.name == "nt":  # without it no program starts there
            variables |= {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
        return variables

    def command_line(self) -> list[str]:
        """What is started."""
        layout, shut_in = self.layout, self.level not in ("none", "job object")
        told = {
            "level": self.level,
            "entered": False,
            "python": _python(layout, layout.search),
            "runtime": self.runtime,
            "command": self._program(),
            "modules": list(layout.search) if self._ours() else [],
            "folder": layout.folder,
            "scratch": layout.scratch,
            "threads": self.threads,
            "user": self.user,
            "forks": self.counted,
            "rlimits": self._rlimits(),
            "landlock": shut_in and landlock.version() > 0,
            "seccomp": shut_in,
            **self._files(),
        }
        # Namespaces are entered by the launcher itself, which starts outside.
        search = layout.search_outside if self.level == "namespaces" else layout.search
        python = [*_python(layout, search), json.dumps(told)]
        return [*self._bubblewrap(), *python] if self.level == "bubblewrap" else python

    def _program(self) -> list[str]:
        """The vendor's command by its paths inside; it is started in the model's folder."""
        if not self.command:
            return []
        first, *rest = self.command
        if self._ours():
            return [self.layout.python[0], *rest]
        if (self.folder / first).is_file() and (self.folder / first).resolve().is_relative_to(self.folder.resolve()):
            return [f"{self.layout.folder}/{first}", *rest]
        return list(self.command)

    def _ours(self) -> bool:
        """Whether the vendor's command wants our own interpreter."""
        return bool(self.command) and self.command[0] in PYTHON and not frozen()

    def _rlimits(self) -> dict[str, int]:
        """Limits that the kernel keeps for each process: a net under the watch, which counts them together."""
        limits = self.limits
        # A build of torch for a GPU maps its libraries, some gigabytes, before it does anything.
        mapped = self.layout.library_bytes if self.runtime in ("torchscript", "pt2", "pickle") or self._ours() else 0
        mapped += self.threads * ARENA_BYTES
        kept = {"AS": limits.memory_bytes + mapped, "FSIZE": limits.scratch_bytes, "NOFILE": FILES_OPEN, "CORE": 0}
        return kept | ({"NPROC": limits.processes} if self.counted else {})

    def _files(self) -> dict[str, Any]:
        layout, inside = self.layout, [place for _, place in self.layout.binds]
        if self.level in OWN_ROOT:
            inside += ["/bin", "/sbin", "/lib", "/lib64", "/proc"]
        return {
            "read": [*inside, *READABLE_DEVICES],
            "write": [layout.scratch, *WRITABLE_DEVICES],
            "binds": [list(pair) for pair in layout.binds],
            "links": [list(pair) for pair in layout.links],
            "scratch_bytes": self.limits.scratch_bytes,
        }

    def _bubblewrap(self) -> list[str]:
        """A root of its own that is read-only throughout, its own processes, network, host name and user."""
        program = shutil.which("bwrap") or "bwrap"
        told = [program, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        told += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "isoline", "--cap-drop", "ALL"]
        if self.user:  # its rights end when the launcher becomes that user
            told += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        else:
            told += ["--unshare-user", "--uid", "65534", "--gid", "65534"]
        for name, value in self.environment().items():
            told += ["--setenv", name, value]
        for folder in sorted({str(above) for _, place in self.layout.binds for above in Path(place).parents} - {"/"}):
            told += ["--perms", "0755", "--dir", folder]  # left to itself it makes them for its own user alone
        for source, place in self.layout.binds:
            told += ["--ro-bind", source, place]
        for target, place in self.layout.links:
            told += ["--symlink", target, place]
        scratch = self.layout.scratch
        told += ["--proc", "/proc", "--dev", "/dev"]
        told += ["--perms", "1777", "--size", str(self.limits.scratch_bytes), "--tmpfs", scratch]
        # Both are file systems in memory that would take as much as the machine has.
        return [*told, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", scratch, "--"]


def is_root() -> bool:
    """Whether this program runs as root."""
    return os.name == "posix" and os.geteuid() == 0


def _python(layout: Layout, search: Sequence[str]) -> list[str]:
    return [*layout.python, *(["|".join(search)] if search else [])]
