"""How the engine is started, whatever the program was started from."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path


def engine_command() -> list[str]:
    """The command line of the engine, to which a verb and a run folder are appended.

    `ISOLINE_ENGINE` names another one: an environment with a GPU build of torch, for instance. A frozen program has
    its engine beside it, since `sys.executable` is then the window itself.
    """
    chosen = os.environ.get("ISOLINE_ENGINE", "").strip()
    if chosen:
        return shlex.split(chosen, posix=os.name != "nt")
    if getattr(sys, "frozen", False):
        suffix = ".exe" if os.name == "nt" else ""
        return [str(Path(sys.executable).with_name(f"isoline-engine{suffix}"))]
    return [sys.executable, "-m", "engine"]
