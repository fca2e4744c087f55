"""What a sandboxed process runs first: it shuts itself in, tells what is in force, and only then becomes the worker.

Started with one argument, a JSON object made by `engine.zoo.sandbox.starting`. Standard library alone until the door is
shut; nothing of the vendor's has been looked at by then.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from engine.zoo.sandbox import job, landlock, namespaces, rights, seccomp
from engine.zoo.sandbox.supervising import supervise

FILES_OPEN = 512
REFUSED = 97
"""Exit code when a layer that was asked for cannot be had: nothing of the vendor's has run."""
NOT_STARTED = 98
"""Exit code when the vendor's program is not there or is none."""


def main(told: str) -> int:
    """Shut this process in as `told` says, then serve a model or become the vendor's program."""
    plan = json.loads(told)
    try:
        layers = _shut_in(plan)
    except OSError as error:
        # The number and the step, no file name.
        sys.stderr.write(json.dumps({"refused": error.errno, "step": str(error.args[-1])[:80]}) + "\n")
        return REFUSED
    os.write(1, json.dumps({"layers": layers}).encode() + b"\n")
    if plan["command"]:
        return _become(plan)
    from engine.zoo.sandbox.serving import serve

    return serve(plan["runtime"], plan["folder"], plan["threads"], filtered="seccomp" in layers)


def _become(plan: Mapping[str, Any]) -> int:
    """Be the vendor's program; where the system cannot turn one program into another, wait for it."""
    os.chdir(plan["folder"])
    variables = dict(os.environ)
    if plan["modules"]:
        variables["PYTHONPATH"] = os.pathsep.join(plan["modules"])
    if os.name == "nt":
        import subprocess

        return subprocess.call(plan["command"], env=variables)
    try:
        os.execvpe(plan["command"][0], plan["command"], variables)
    except OSError:
        sys.stderr.write("the program cannot be started\n")
        return NOT_STARTED


def _shut_in(plan: Mapping[str, Any]) -> list[str]:
    level, layers = plan["level"], []
    if level == "namespaces" and not plan["entered"]:
        namespaces.enter(plan["binds"], plan["links"], plan["scratch_bytes"], own_users=not plan["user"])
        supervise()
        # Anew, from the files that stand inside: nothing that was opened outside comes along.
        os.execv(plan["python"][0], [*plan["python"], json.dumps({**plan, "entered": True})])
    if level in ("landlock", "none") and os.name == "posix":
        supervise()
    if level != "none":
        layers.append(level)
    if level == "job object":
        job.give_up_rights()
        layers.append("restricted token")
    layers += _limit(plan["rlimits"])
    if plan["user"]:
        rights.change_user(plan["user"])
        layers.append("user")
    elif level != "none" and os.name == "posix" and os.geteuid() == 0:
        rights.drop_capabilities()
        layers.append("capabilities")
    if plan["landlock"]:
        landlock.restrict(plan["read"], plan["write"])
        layers += ["landlock"] if level != "landlock" else []
    if plan["seccomp"]:
        seccomp.install(marking_files=level != "landlock", forks=plan["forks"], programs=True)
        layers.append("seccomp")
    os.chdir(plan["scratch"])
    return layers


def _limit(wanted: Mapping[str, int]) -> list[str]:
    """Limits that the kernel keeps by itself, never above those that this process came with."""
    try:
        import resource
    except ImportError:
        return []
    for name, value in wanted.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (most, most))
    return ["rlimits"]
