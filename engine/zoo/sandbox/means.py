"""Which ways of shutting a process in this machine has: each is tried, none is believed by its name."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from engine.contract.errors import WorldError
from engine.contract.sandbox import Confinement, Limits, SandboxState
from engine.zoo.sandbox import landlock, seccomp
from engine.zoo.sandbox.starting import command_of, environment

ORDER: tuple[Confinement, ...] = ("bubblewrap", "namespaces", "landlock", "none")
TRIAL_S = 20

LAYERS = {
    "bubblewrap": "bubblewrap (own network, processes, users and files)",
    "namespaces": "namespaces (own network, processes, users and files)",
    "landlock": "Landlock",
    "seccomp": "seccomp filter",
    "rlimits": "resource limits",
    "watch": "watchdog of memory, processes and time",
}


def strongest() -> Confinement:
    """The first of `ORDER` that works here."""
    return next(level for level in ORDER if works(level))


@cache
def works(level: Confinement) -> bool:
    """Whether a process can be shut in this way here: one that does nothing is."""
    if level == "none":
        return True
    if sys.platform != "linux" or not seccomp.architecture():
        return False
    if level == "bubblewrap" and shutil.which("bwrap") is None:
        return False
    if level == "landlock" and not landlock.version():
        return False
    with tempfile.TemporaryDirectory(prefix="isoline-") as folder:
        scratch = Path(folder, "scratch")
        scratch.mkdir()
        command = command_of(level, Path(folder), scratch, Limits(), runtime="", command=("/bin/true",), threads=1)
        try:
            done = subprocess.run(
                command,
                env=environment(1),
                capture_output=True,
                timeout=TRIAL_S,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, subprocess.SubprocessError):
            return False
    return done.returncode == 0


def state_of(level: Confinement, layers: tuple[str, ...]) -> SandboxState:
    """What `layers`, as the process itself told them, isolate and what they do not."""
    missing: list[str] = []
    if level == "landlock":
        missing.append("names and sizes of the machine's files can be looked up, though not what is in them")
        if landlock.version() < landlock.SIGNALS_FROM:
            missing.append("other processes of this user can be sent signals")
    if level == "none":
        missing += ["it can reach the network", "it can read and change the user's files", "it can reach processes"]
    told = [LAYERS[layer] for layer in layers]
    if sys.platform == "linux":
        told.append(LAYERS["watch"])
    elif sys.platform != "win32":
        missing.append("memory of all its processes together is not watched")
    return SandboxState(means=tuple(told), complete=not missing, missing=tuple(missing))


def chosen(confinement: Confinement | None, *, allow_incomplete: bool) -> Confinement:
    """The way that a session is shut in.

    Raises:
        WorldError: the one asked for does not work here, or what there is isolates only in part and nobody agreed.
    """
    level = confinement or strongest()
    if not works(level):
        raise WorldError(
            "sandbox",
            f"{level} does not work on this machine",
            "Leave the choice to Isoline",
            fault="sandbox_unavailable",
        )
    if level not in ("bubblewrap", "namespaces") and not allow_incomplete:
        raise WorldError(
            "sandbox",
            "this machine cannot isolate a vendor's model fully",
            "Install bubblewrap, or agree to run this model with what there is",
            fault="sandbox_incomplete",
        )
    return level
