"""What the sandbox costs a vendor's graph, against the bare runtime, after making sure that both give the same numbers.

Run: `python tests/benchmarks/bench_sandbox.py VENDOR_MODELS [ROUNDS]`, VENDOR_MODELS the folder with `ecgresnet-ptbxl`
and `openecg-codec`. One thread. Bare onnxruntime and sessions take turns, some requests each; figures are medians of
the clock, and the sum of the processor's time of host and sandbox, which others' work lengthens less. Exit code 1 when
a value differs.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from engine.zoo.sandbox.means import works
from engine.zoo.sandbox.session import Session
from engine.zoo.sandbox.tree import used

LEVELS = ("bubblewrap", "namespaces", "landlock")
BATCH = 64
EPSILON = 1e-5
TURN = 10
"""Requests one after another, as in a run; then it is the other's turn."""


def main(models: Path, rounds: int) -> int:
    """Print one line for each model and way of shutting it in."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model").mkdir(mode=0o755)
        Path(folder).chmod(0o755)
        resnet = Path(folder) / "model" / "ecgresnet.onnx"
        resnet.write_bytes(ecgresnet(load_file(models / "ecgresnet-ptbxl" / "best_resnet_loss_bce.safetensors")))
        windows = rng.normal(0, 0.3, (BATCH, 12, 300)).astype(np.float32)
        request(Path(folder) / "model" / "first.onnx", windows)
        print(f"{'':46}{'start':>8}{'bare':>11}{'sandbox':>11}{'clock':>9}{'processor':>11}")
        right = measure(f"ECGResNet, {BATCH} x 12 x 300", resnet, {"signal": windows}, rounds, singly=False)
        codec = models / "openecg-codec" / "codec_v6_int8.onnx"
        signals = rng.normal(0, 0.3, (BATCH, 5000)).astype(np.float32)
        right &= measure(f"openecg, {BATCH} windows singly", codec, {"signal": signals}, rounds // 20, singly=True)
    return 0 if right else 1


def measure(name: str, path: Path, inputs: dict[str, np.ndarray], rounds: int, *, singly: bool) -> bool:
    """Time one model under each way; whether all numbers are equal."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    bare = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    rows = [{n: a[i : i + 1] for n, a in inputs.items()} for i in range(BATCH)] if singly else [inputs]

    def outside() -> list[np.ndarray]:
        parts = [bare.run(None, row) for row in rows]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    equal, turn = True, 1 if singly else TURN
    for level in LEVELS:
        if not works(level):
            print(f"{name:34}{level} does not work here")
            continue
        started = time.perf_counter()
        with Session("onnx", path.parent, path.name, confinement=level, allow_incomplete=True) as session:
            start = time.perf_counter() - started
            expected, found = outside(), list(session.run(inputs, singly=singly).values())
            equal &= all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))
            ours, theirs, spent = [], [], np.zeros(3)
            for _ in range(max(3, rounds // turn)):
                before = processor(session)
                theirs += [timed(outside) for _ in range(turn)]
                between = processor(session)
                ours += [timed(lambda session=session: session.run(inputs, singly=singly)) for _ in range(turn)]
                spent += [between[0] - before[0], *(np.array(processor(session)) - between)]
        clock, cpu = statistics.median(ours) / statistics.median(theirs) - 1, spent[1:].sum() / spent[0] - 1
        print(
            f"{name + ', ' + level:46}{start:6.2f} s{statistics.median(theirs) * 1e3:8.2f} ms"
            f"{statistics.median(ours) * 1e3:8.2f} ms{clock:+9.1%}{cpu:+11.1%}"
        )
    print(f"{name}: numbers {'equal' if equal else 'DIFFER'}")
    return equal


def request(path: Path, windows: np.ndarray) -> None:
    """Time a request to a graph that hands back the first sample: all that the sandbox adds to a model's own work."""
    path.write_bytes(first_sample())
    for level in filter(works, LEVELS):
        with Session("onnx", path.parent, path.name, confinement=level, allow_incomplete=True) as session:
            took = [timed(lambda session=session: session.run({"signal": windows})) for _ in range(200)]
        told = f"{statistics.median(took) * 1e3:.2f} ms, least {min(took) * 1e3:.2f} ms"
        print(f"a request of {windows.nbytes / 1e6:.2f} MB alone, {level}: {told}")


def first_sample() -> bytes:
    """A graph that works as little as one can."""
    cut = [helper.make_tensor(n, TensorProto.INT64, [1], [v]) for n, v in (("from", 0), ("to", 1), ("axis", 2))]
    signal = helper.make_tensor_value_info("signal", TensorProto.FLOAT, ["batch", 12, 300])
    sample = helper.make_tensor_value_info("sample", TensorProto.FLOAT, ["batch", 12, 1])
    node = helper.make_node("Slice", ["signal", "from", "to", "axis"], ["sample"])
    graph = helper.make_graph([node], "first", [signal], [sample], cut)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


def processor(session: Session) -> tuple[float, float]:
    """Seconds of the processor so far: of this process, and of all that the session started."""
    return time.process_time(), used(session._watch.process.pid).cpu_s


def timed(act: Callable[[], object]) -> float:
    """Seconds of one run."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def ecgresnet(weights: dict[str, np.ndarray]) -> bytes:
    """ECGResNet as its weights and their README describe it, as an ONNX graph of standard operators."""
    nodes = []

    def add(kind: str, inputs: list[str], **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [f"t{len(nodes)}"], **attributes))
        return f"t{len(nodes) - 1}"

    def normed(x: str, name: str) -> str:
        parts = [f"{name}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
        return add("BatchNormalization", [x, *parts], epsilon=EPSILON)

    def convolved(x: str, name: str, padding: int, stride: int) -> str:
        return add("Conv", [x, f"{name}.weight"], pads=[padding, padding], strides=[stride])

    x = add("Relu", [normed(convolved("signal", "stem.0", 7, 2), "stem.1")])
    x = add("MaxPool", [x], kernel_shape=[3], strides=[2], pads=[1, 1])
    for block, stride in (("blocks.0", 1), ("blocks.1", 2)):
        y = add("Relu", [normed(convolved(x, f"{block}.conv1", 3, stride), f"{block}.bn1")])
        y = normed(convolved(y, f"{block}.conv2", 3, 1), f"{block}.bn2")
        if f"{block}.shortcut.0.weight" in weights:
            x = normed(convolved(x, f"{block}.shortcut.0", 0, stride), f"{block}.shortcut.1")
        x = add("Relu", [add("Add", [x, y])])
    x = add("ReduceMean", [x, "axes"], keepdims=0)
    nodes.append(helper.make_node("Gemm", [x, "head.weight", "head.bias"], ["logits"], transB=1))
    held = [numpy_helper.from_array(a, n) for n, a in weights.items() if not n.endswith("num_batches_tracked")]
    held.append(numpy_helper.from_array(np.array([2], np.int64), "axes"))
    signal = helper.make_tensor_value_info("signal", TensorProto.FLOAT, ["batch", 12, "samples"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 5])
    graph = helper.make_graph(nodes, "ecgresnet", [signal], [logits], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100))
