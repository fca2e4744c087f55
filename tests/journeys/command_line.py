"""The real command in a process of its own, as a person at a terminal starts it."""

import os
import subprocess
import sys


def isoline(*words, code=0):
    """Run it; returns what it printed for scripts."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("ISOLINE_WORKSPACE", None)
    command = [sys.executable, "-m", "app", *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=400, check=False)
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def as_options(settings):
    """Settings as the command's options."""
    return [word for setting in settings for word in ("--set", setting)]
