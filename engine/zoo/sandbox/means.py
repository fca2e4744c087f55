"""Which ways of shutting a process in this machine has: each is tried, none is believed by its name."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

import engine
from engine.contract.errors import WorldError
from engine.contract.sandbox import Confinement, Limits, SandboxState
from engine.zoo.sandbox import landlock, seccomp
from engine.zoo.sandbox.faults import world_error
from engine.zoo.sandbox.starting import OWN_ROOT, Plan, is_root

ORDER: tuple[Confinement, ...] = ("bubblewrap", "namespaces", "landlock", "job object", "none")
TRIAL_S = 20
OWN_USERS = 0x7000_0000
"""Numbers of users from here on belong to nobody: systems and directories give out far lower ones."""

LAYERS = {
    "bubblewrap": "bubblewrap (own network, processes, users and files)",
    "namespaces": "namespaces (own network, processes, users and files)",
    "landlock": "Landlock (files, TCP)",
    "job object": "job object (memory and processes together, all end at once)",
    "restricted token": "restricted token of low integrity",
    "seccomp": "seccomp filter (no sockets, no mounts, no tracing)",
    "user": "a user of its own without rights",
    "capabilities": "none of root's rights",
    "rlimits": "resource limits",
    "watch": "watchdog of memory, processes and time",
}


def strongest() -> Confinement:
    """The first of `ORDER` that works here."""
    return next(level for level in ORDER if works(level))


def works(level: Confinement) -> bool:
    """Whether a process can be shut in this way here."""
    return layers_of(level) is not None


def state() -> SandboxState:
    """What would isolate a vendor's process on this machine."""
    level = strongest()
    return state_of(level, layers_of(level) or ())


def layers_of(level: Confinement) -> tuple[str, ...] | None:
    """The layers in force when a process is shut in this way, as one that does nothing tells; None where it fails."""
    return (_tried(level, OWN_USERS) if is_root() and level in OWN_ROOT else None) or _tried(level, 0)


def user_for(level: Confinement, folder: Path) -> int:
    """A user that nobody else is, for root's process to become; 0 where it keeps its own.

    It keeps its own where the system allows no change, or where the model's files are for root's eyes alone.
    """
    if not is_root() or level not in OWN_ROOT or _tried(level, OWN_USERS) is None:
        return 0
    needed = [Path(path) for path in (np.__file__, engine.__file__, os.path.realpath(sys.executable))]
    if not all(_for_all(path) for path in (folder, *folder.rglob("*"), *needed)):
        return 0
    return OWN_USERS + secrets.randbelow(2**24)


def _for_all(path: Path) -> bool:
    """Whether a user without rights can read a file, or look into a folder, whoever it belongs to."""
    told = path.lstat()
    if stat.S_ISLNK(told.st_mode):  # what it leads to counts, where it is there inside
        return True
    needed = 0o5 if stat.S_ISDIR(told.st_mode) else 0o4
    return told.st_mode & needed == needed or (told.st_gid == 0 and told.st_mode >> 3 & needed == needed)


@cache
def _tried(level: Confinement, user: int) -> tuple[str, ...] | None:
    """The layers in force when a process that does nothing is shut in this way, as `user`."""
    if level == "none":
        return ("rlimits",) if os.name == "posix" else ()
    if level == "job object":
        return ("job object", "restricted token") if sys.platform == "win32" else None
    if sys.platform != "linux" or not seccomp.architecture():
        return None
    if (level == "bubblewrap" and shutil.which("bwrap") is None) or (level == "landlock" and not landlock.version()):
        return None
    with tempfile.TemporaryDirectory(prefix="isoline-") as folder:
        os.chmod(folder, 0o755)  # made for root's eyes alone
        plan = Plan(level, Path(folder), Path(folder), Limits(), command=("/bin/true",), user=user)
        try:
            done = subprocess.run(
                plan.command_line(),
                env=plan.environment(),
                capture_output=True,
                timeout=TRIAL_S,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            return tuple(json.loads(done.stdout)["layers"]) if done.returncode == 0 else None
        except (OSError, subprocess.SubprocessError, ValueError, KeyError):
            return None


def state_of(level: Confinement, layers: tuple[str, ...]) -> SandboxState:
    """What `layers`, as the process itself told them, isolate and what they do not."""
    missing: list[str] = []
    if level == "landlock":
        missing.append("names and sizes of the machine's files can be looked up, though not what is in them")
        if landlock.version() < landlock.SIGNALS_FROM:
            missing.append("other processes of this user can be sent signals")
    if level == "job object":
        missing += [
            "it can reach the network",
            "it can read the user's files",
            "written for Windows, tried on none yet",
        ]
    if level == "none":
        missing += ["it can reach the network", "it can read and change the user's files", "it can reach processes"]
    told = [LAYERS[layer] for layer in layers if layer in LAYERS]
    if sys.platform == "linux":
        told.append(LAYERS["watch"])
    elif level == "none":
        missing.append("memory of all its processes together is not watched")
    return SandboxState(means=tuple(told), complete=not missing, missing=tuple(missing))


def chosen(confinement: Confinement | None, *, allow_incomplete: bool) -> Confinement:
    """The way that a session is shut in.

    Raises:
        WorldError: the one asked for does not work here, or what there is isolates only in part and nobody agreed.
    """
    level = confinement or strongest()
    if not works(level):
        raise world_error("sandbox_unavailable", level)
    if level not in OWN_ROOT and not allow_incomplete:
        raise WorldError(
            "sandbox",
            "this machine cannot isolate a vendor's model fully",
            "Install bubblewrap, or agree to run this model with what there is",
            fault="sandbox_incomplete",
        )
    return level
