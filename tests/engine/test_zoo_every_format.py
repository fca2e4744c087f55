"""One network in every format a vendor may bring: the same features, through sandbox, endpoint or none."""

import sys
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from test_sandbox_endpoint import serving

from engine.contract.card import Output, Preprocessing
from engine.contract.model_source import ExternalModel
from engine.data.digests import sha256_of
from engine.zoo.architectures.ecgresnet import ECGResNet
from engine.zoo.external import load_external
from engine.zoo.sandbox import npz

FEED = Preprocessing(rate_hz=100, window_s=3)
NAMES = ("logits", "embedding")
PROGRAM = """
import io, json, sys
import numpy as np
import onnxruntime

net = onnxruntime.InferenceSession("net.onnx", providers=["CPUExecutionProvider"])
for line in sys.stdin.buffer:
    request = json.loads(line)
    content, body = sys.stdin.buffer.read(request["bytes"]), b""
    if request["verb"] == "run":
        signal = np.load(io.BytesIO(content))["signal"]
        logits, embedding = net.run(["logits", "embedding"], {"signal": signal})
        made = io.BytesIO()
        np.savez(made, logits=logits, embedding=embedding)
        body = made.getvalue()
    sys.stdout.buffer.write(json.dumps({"bytes": len(body)}).encode() + b"\\n" + body)
    sys.stdout.buffer.flush()
"""


class Pair(torch.nn.Module):
    """The outputs in the order of their names, as an exporter wants them."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, signal):
        told = self.net(signal)
        return told["logits"], told["embedding"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Weights, TorchScript, .pt2 and ONNX of one network, and the program that runs the last."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("formats")
    torch.manual_seed(0)
    net = ECGResNet().eval()
    x_BCT = torch.zeros(2, 12, 300)
    for name in ("weights", "onnx", "script", "pt2", "program"):
        (folder / name).mkdir()
    save_file(net.state_dict(), folder / "weights" / "net.safetensors")
    batch = torch.export.Dim("batch", min=1, max=4096)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of exporters that torch is about to replace: vendors still use them
        torch.jit.trace(net, x_BCT, strict=False).save(str(folder / "script" / "net.pt"))
        torch.export.save(torch.export.export(net, (x_BCT,), dynamic_shapes=({0: batch},)), folder / "pt2" / "net.pt2")
        torch.onnx.export(
            Pair(net).eval(),
            (x_BCT,),
            str(folder / "onnx" / "net.onnx"),
            dynamo=False,
            input_names=["signal"],
            output_names=list(NAMES),
            dynamic_axes={name: {0: "batch"} for name in ("signal", *NAMES)},
        )
    (folder / "program" / "net.onnx").write_bytes((folder / "onnx" / "net.onnx").read_bytes())
    (folder / "program" / "run.py").write_text(PROGRAM, encoding="utf-8")
    return folder, net


def source(folder, entry="", **more):
    paths = [path for path in sorted(folder.iterdir()) if path.is_file()]
    given = {
        "name": "net",
        "folder": str(folder),
        "entry": entry,
        "files": {path.name: sha256_of(path) for path in paths},
        "sha256": "0" * 64,
        "preprocessing": FEED,
        "outputs": (
            Output(name="logits", kind="logits", classes=tuple("ABCDE"), activation="sigmoid"),
            Output(name="embedding", kind="embedding"),
        ),
        "allow_incomplete": sys.platform != "linux",
    }
    return ExternalModel(**{**given, **more})


@pytest.fixture(scope="module")
def expected(files):
    x_NCT = np.random.default_rng(1).normal(0, 0.3, (5, 12, 300)).astype(np.float32)
    with torch.inference_mode():
        told = files[1](torch.from_numpy(x_NCT))
    features = torch.cat([told["logits"].sigmoid().mean(0), told["embedding"].mean(0)]).numpy()
    return x_NCT, features


def features_of(model, x_NCT):
    with load_external(model, threads=1).opened() as loaded:
        told = loaded.features([x_NCT])
        assert loaded.notes == []
        return told[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "entry", "more"),
    [
        ("safetensors", "weights", "net.safetensors", {"architecture": "ecgresnet"}),
        ("onnx", "onnx", "net.onnx", {}),
        ("torchscript", "script", "net.pt", {}),
        ("pt2", "pt2", "net.pt2", {}),
        ("command", "program", "", {"command": ("python", "run.py")}),
    ],
)
def test_a_network_says_the_same_in_every_format(files, expected, kind, name, entry, more):
    x_NCT, truth = expected
    told = features_of(source(files[0] / name, entry, format=kind, **more), x_NCT)
    np.testing.assert_allclose(told, truth, atol=2e-5)


@pytest.mark.slow
def test_a_network_behind_an_address_says_the_same(files, expected):
    x_NCT, truth = expected

    def answer(_, arrays):
        with torch.inference_mode():
            told = files[1](torch.from_numpy(arrays["signal"]))
        return 200, npz.written({name: told[name].numpy() for name in NAMES})

    with serving(answer, None) as address:
        told = features_of(source(files[0] / "weights", files={}, format="endpoint", address=address), x_NCT)
    np.testing.assert_allclose(told, truth, atol=2e-5)
