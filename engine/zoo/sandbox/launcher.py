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

from engine.zoo.sandbox import landlock, namespaces, seccomp
from engine.zoo.sandbox.supervising import supervise

FILES_OPEN = 512
REFUSED = 97
"""Exit code when a layer that was asked for cannot be had: nothing of the vendor's has run."""


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
        os.chdir(plan["folder"])
        os.execvpe(plan["command"][0], plan["command"], dict(os.environ))
    from engine.zoo.sandbox.serving import serve

    return serve(plan["runtime"], plan["folder"], plan["threads"], filtered="seccomp" in layers)


def _shut_in(plan: Mapping[str, Any]) -> list[str]:
    level, layers = plan["level"], []
    if level == "namespaces":
        namespaces.enter(plan["binds"], plan["links"], plan["scratch_bytes"])
        sys.path[: len(plan["search"])] = plan["search"]
    if level in ("landlock", "namespaces", "none"):
        supervise()
    if level != "none":
        layers.append(level)
    layers += _limit(plan["rlimits"])
    if plan["landlock"]:
        landlock.restrict(plan["read"], plan["write"])
        layers += ["landlock"] if level != "landlock" else []
    if plan["seccomp"]:
        seccomp.install(marking_files=level != "landlock", birth=True)
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
