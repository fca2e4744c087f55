"""Vendors of every kind for the tests of the sandbox: programs and graphs, honest and hostile."""

import os
import sys
import textwrap
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from engine.contract.sandbox import Limits
from engine.zoo.sandbox.means import works
from engine.zoo.sandbox.session import Session

LEVELS = ("bubblewrap", "namespaces", "landlock")
WINDOW = {"signal": np.zeros((1, 12, 300), np.float32)}
QUICK = Limits(start_s=20, call_s=20)

PROGRAM = """
import io, json, os, sys
read, write = sys.stdin.buffer, sys.stdout.buffer

def answer(body=b"", **head):
    write.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\\n" + body)
    write.flush()

def npz(**arrays):
    import numpy as np
    held = io.BytesIO()
    np.savez(held, **arrays)
    answer(held.getvalue())

def run(content):
    raise NotImplementedError

BODY

for line in read:
    ask = json.loads(line)
    content = read.read(ask["bytes"])
    answer() if ask["verb"] == "describe" else run(content)
"""


@pytest.fixture(params=["bubblewrap", *(pytest.param(name, marks=pytest.mark.slow) for name in LEVELS[1:])])
def level(request):
    """Each way of shutting a process in that this machine has."""
    return having(request.param)


def having(level):
    if sys.platform != "linux" or not works(level):
        pytest.skip(f"{level} does not work on this machine")
    return level


def vendor(folder: Path, body: str) -> Path:
    """A folder with a vendor's program that does `body` when it is asked."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.py").write_text(PROGRAM.replace("BODY", textwrap.dedent(body)), encoding="utf-8")
    return folder


@contextmanager
def program(folder, body, level=None, limits=QUICK):
    """A session of a vendor's program; whatever it started is gone at the end, or the test fails."""
    mark = uuid.uuid4().hex
    with Session(
        "command",
        vendor(folder, body),
        command=("python", "model.py", mark),
        limits=limits,
        confinement=level,
        allow_incomplete=True,
    ) as session:
        yield session
    assert nobody_left(mark)


def nobody_left(mark, patience_s=5.0):
    """Whether no process of this machine has `mark` in its command line any more."""
    until = time.monotonic() + patience_s
    while marked(mark):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def marked(mark):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark.encode() in Path("/proc", pid, "cmdline").read_bytes():
                found.append(int(pid))
        except OSError:
            continue
    return found


def onnx_file(path: Path, *, domain="", operator="Identity", external=None, batch=None, functions=()):
    """An ONNX graph of one operator on (batch, 12, 300), or one whose weights lie at `external`."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    signal = helper.make_tensor_value_info("signal", kind, [batch or "batch", 12, 300])
    answer = helper.make_tensor_value_info("answer", kind, [batch or "batch", 12, 300])
    weights = []
    nodes = [helper.make_node(operator, ["signal"], ["answer"], domain=domain)]
    if external is not None:
        tensor = onnx.TensorProto(name="bias", data_type=kind, dims=[300], data_location=onnx.TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value=external)
        weights, nodes = [tensor], [helper.make_node("Add", ["signal", "bias"], ["answer"])]
    graph = helper.make_graph(nodes, "vendor", [signal], [answer], initializer=weights)
    opsets = [helper.make_opsetid("", 18), *([helper.make_opsetid(domain, 1)] if domain else [])]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=list(functions))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path.parent
