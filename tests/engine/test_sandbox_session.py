"""Vendors' graphs in the sandbox: the same numbers as outside it, and none of what a file may try."""

import contextlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from sandbox_cases import QUICK, WINDOW, having, level, onnx_file  # noqa: F401

from engine.cli import main
from engine.contract.errors import UsageError, WorldError
from engine.contract.sandbox import Limits
from engine.zoo.sandbox import landlock, means
from engine.zoo.sandbox.convert import convert_checkpoint
from engine.zoo.sandbox.layout import in_place, moved
from engine.zoo.sandbox.means import ORDER, state
from engine.zoo.sandbox.session import Session
from engine.zoo.sandbox.starting import Plan

onnxruntime = pytest.importorskip("onnxruntime")


def test_a_graph_answers_in_the_sandbox_as_outside_it(shared, level):  # noqa: F811
    folder, name = shared / "vendor-models" / "openecg-codec", "codec_v6_int8.onnx"
    x = np.random.default_rng(0).normal(0, 0.3, (1, 5000)).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    bare = onnxruntime.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])
    with Session("onnx", folder, name, confinement=level, allow_incomplete=True) as session:
        told = session.run({"signal": x})
        alone = session.run({"signal": np.concatenate([x, -x, x])}, ["rhythm_logits"], singly=True)
        graph = session.graph
    for name, expected in zip(told, bare.run(None, {"signal": x}), strict=True):
        assert np.array_equal(told[name], expected)
    assert list(alone) == ["rhythm_logits"]
    assert alone["rhythm_logits"].shape == (3, 5000, 6)
    assert np.array_equal(alone["rhythm_logits"][[0, 2]], np.repeat(told["rhythm_logits"], 2, axis=0))
    assert [(one.name, one.dtype, one.shape) for one in graph.inputs] == [("signal", "float32", (None, 5000))]
    assert graph.outputs[0].shape == (1, 5000, 4)
    assert graph.opset == {"": 18}
    # onnx.load and a sum over the initializers' dims.
    assert graph.parameters == 1_224_673
    assert graph.operators["MatMulInteger"] == 19


def test_a_model_that_fails_on_an_input_goes_on_with_the_next(tmp_path):
    with Session("onnx", onnx_file(tmp_path / "m" / "a.onnx", batch=1), "a.onnx") as session:
        with pytest.raises(WorldError) as error:
            session.run({"signal": np.zeros((2, 12, 300), np.float32)})
        assert error.value.fault == "model_failed"
        assert str(tmp_path) not in str(error.value)
        assert "a.onnx" not in str(error.value)
        with pytest.raises(WorldError):
            session.run(WINDOW, ["no such output"])
        assert np.array_equal(session.run(WINDOW)["answer"], WINDOW["signal"])
        assert session.state.complete == (not session.state.missing)


REACHING = {
    "custom operator": ({"domain": "com.vendor", "operator": "Exfiltrate"}, "model_custom_operators"),
    "blob for a driver": ({"domain": "com.microsoft", "operator": "EPContext"}, "model_custom_operators"),
    "above": ({"external": "../secret.bin"}, "model_external_data"),
    "absolute": ({"external": "/etc/passwd"}, "model_external_data"),
    "around": ({"external": "inner/../../secret.bin"}, "model_external_data"),
    "by a link": ({"external": "link.bin"}, "model_external_data"),
    "absent": ({"external": "absent.bin"}, "model_external_data"),
}
FIRST = ("custom operator", "above", "by a link")
"""Those that the fast suite has the time for."""


@pytest.mark.parametrize(
    ("made", "fault"),
    [pytest.param(*REACHING[name], id=name, marks=[] if name in FIRST else pytest.mark.slow) for name in REACHING],
)
def test_a_graph_that_reaches_beyond_its_file_is_refused(tmp_path, made, fault):
    folder = onnx_file(tmp_path / "m" / "a.onnx", **made)
    (tmp_path / "secret.bin").write_bytes(bytes(1200))
    os.symlink(tmp_path / "secret.bin", folder / "link.bin")
    with pytest.raises(WorldError) as error:
        Session("onnx", folder, "a.onnx", limits=QUICK)
    assert error.value.fault == fault
    assert error.value.next_step


def test_external_weights_in_the_models_own_folder_are_read(tmp_path):
    folder = onnx_file(tmp_path / "m" / "a.onnx", external="weights.bin")
    (folder / "weights.bin").write_bytes(np.arange(300, dtype=np.float32).tobytes())
    with Session("onnx", folder, "a.onnx") as session:
        assert np.array_equal(session.run(WINDOW)["answer"][0, 5], np.arange(300))


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"\x08\x09PK\x03\x04 no graph")
    with pytest.raises(WorldError) as error:
        Session("onnx", tmp_path, "a.onnx")
    assert error.value.fault == "model_unreadable"


def test_only_a_file_of_the_folder_is_loaded(tmp_path):
    folder = onnx_file(tmp_path / "m" / "a.onnx")
    other = onnx_file(tmp_path / "other" / "b.onnx")
    os.symlink(other / "b.onnx", folder / "link.onnx")
    for entry in ("../other/b.onnx", str(other / "b.onnx"), "link.onnx", "absent.onnx", ""):
        with pytest.raises(WorldError) as error:
            Session("onnx", folder, entry)
        assert error.value.fault == "model_missing"


def test_what_isolates_only_in_part_is_used_by_agreement_alone(tmp_path):
    folder = onnx_file(tmp_path / "m" / "a.onnx")
    with pytest.raises(WorldError) as error:
        Session("onnx", folder, "a.onnx", confinement="none")
    assert error.value.fault == "sandbox_incomplete"
    with Session("onnx", folder, "a.onnx", confinement="none", allow_incomplete=True) as session:
        assert session.run(WINDOW)["answer"].shape == (1, 12, 300)
        assert not session.state.complete
        assert "it can reach the network" in session.state.missing


def test_the_check_tells_what_isolates_here(capsys):
    told = state()
    assert told.complete == (not told.missing)
    assert told.in_words
    assert main(["check"]) == 0
    assert told.in_words in capsys.readouterr().out
    assert ORDER[-1] == "none"


class WritesWhenRead:
    """A pickle that runs a command when it is read: the oldest attack of all."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        code = f"try:\n with open({self.path!r}, 'w') as stream: stream.write('x')\nexcept OSError: pass"
        return exec, (code,)


def checkpoint(path, **held):
    import torch

    torch.save(held, path)
    return path


@pytest.mark.slow
def test_a_pickle_that_writes_a_file_writes_none(tmp_path, level):  # noqa: F811
    import torch

    weights = {"head.weight": torch.arange(6.0).reshape(2, 3), "head.bias": torch.ones(2, dtype=torch.bfloat16)}
    trap = tmp_path / "trapped"
    source = checkpoint(tmp_path / "a.pt", state_dict=weights, trap=WritesWhenRead(str(trap)))
    with pytest.raises(pickle.UnpicklingError):
        torch.load(source, weights_only=True)
    done = convert_checkpoint(source, tmp_path / "a.safetensors", confinement=level, allow_incomplete=True)
    assert not trap.exists()
    assert (done.tensors, done.values) == (2, 8)
    found = load_file(tmp_path / "a.safetensors")
    assert all(torch.equal(found[name], weights[name]) for name in weights)
    torch.load(source, weights_only=False)  # what would have happened outside
    assert trap.exists()


@pytest.mark.slow
def test_the_converter_gives_the_known_weights_of_a_published_checkpoint(tmp_path, shared, capsys):
    folder = shared / "vendor-models" / "ecgresnet-ptbxl"
    for name in ("best_resnet_loss_bce", "best_resnet_loss_focal"):
        assert main(["convert-checkpoint", str(folder / f"{name}.pt"), str(tmp_path / f"{name}.safetensors")]) == 0
        found, known = load_file(tmp_path / f"{name}.safetensors"), load_file(folder / f"{name}.safetensors")
        assert found.keys() == known.keys()
        assert all(found[key].equal(known[key]) and found[key].dtype == known[key].dtype for key in known)
    assert "38 tensors with 252,043 values" in capsys.readouterr().out


@pytest.mark.slow
def test_a_checkpoint_of_several_weights_wants_to_be_told_which(tmp_path):
    import torch

    held = {"model": {"a": torch.ones(2)}, "ema": {"a": torch.zeros(2)}, "epoch": 3}
    source, target = checkpoint(tmp_path / "a.pt", **held), tmp_path / "a.safetensors"
    with pytest.raises(WorldError) as error:
        convert_checkpoint(source, target)
    assert error.value.fault == "checkpoint_weights"
    assert "ema, model" in str(error.value)
    assert not target.exists()
    convert_checkpoint(source, target, key="ema")
    assert load_file(target)["a"].tolist() == [0.0, 0.0]
    with pytest.raises(UsageError):
        convert_checkpoint(source, target, key="ema")


@pytest.mark.slow
def test_a_checkpoint_that_needs_its_makers_classes_is_refused(tmp_path):
    code = (
        "import sys, types, torch\nm = types.ModuleType('vendor_code')\nsys.modules['vendor_code'] = m\n"
        "exec('class Net(dict): pass', m.__dict__)\ntorch.save({'net': m.Net(a=1)}, sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.pt")], check=True)
    with pytest.raises(WorldError) as error:
        convert_checkpoint(tmp_path / "a.pt", tmp_path / "a.safetensors")
    assert error.value.fault == "checkpoint_classes"


SCRIPTS = """
import torch
from torch import nn, Tensor


class Grows(nn.Module):
    def forward(self, signal: Tensor) -> Tensor:
        held = [signal]
        while bool(held[0].sum() < 1):
            held.append(torch.ones(4194304) * len(held))
        return held[len(held) - 1]


class Loops(nn.Module):
    def forward(self, signal: Tensor) -> Tensor:
        count = 0
        while bool(signal.sum() < 1):
            count += 1
        return signal + count


class Honest(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(300, 2)

    def forward(self, signal: Tensor):
        print("hello from the vendor")
        return self.head(signal).mean(dim=1), {"nan": signal / 0}["nan"]
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """Folder with each of `SCRIPTS` as TorchScript, and the honest one exported as well."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "vendor_scripts.py").write_text(SCRIPTS)
    code = (
        "import sys, torch, warnings; warnings.simplefilter('ignore'); import vendor_scripts as v\n"
        "torch.manual_seed(0)\nhonest = v.Honest().eval()\n"
        "for name in ('Grows', 'Loops', 'Honest'):\n"
        "    torch.jit.script(honest if name == 'Honest' else getattr(v, name)()).save(name + '.pt')\n"
        "torch.save(honest.state_dict(), 'weights')\n"
        "batch = torch.export.Dim('batch')\n"
        "made = torch.export.export(honest.head, (torch.zeros(2, 12, 300),), dynamic_shapes=({0: batch},))\n"
        "torch.export.save(made, 'head.pt2')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=folder, capture_output=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("name", "fault"), [("Grows", "sandbox_memory"), ("Loops", "sandbox_time")])
def test_a_script_without_end_is_ended(scripts, level, name, fault):  # noqa: F811
    limits = Limits(memory_bytes=2**30, call_s=20 if name == "Grows" else 2)
    with Session(
        "torchscript", scripts, f"{name}.pt", limits=limits, confinement=level, allow_incomplete=True
    ) as session:
        with pytest.raises(WorldError) as error:
            session.run(WINDOW)
        assert error.value.fault == fault


@pytest.mark.slow
def test_a_script_and_an_exported_program_answer_as_outside(scripts, level):  # noqa: F811
    import torch

    weights = torch.load(scripts / "weights", weights_only=True)
    x = np.random.default_rng(1).normal(size=(3, 12, 300)).astype(np.float32)
    expected = torch.nn.functional.linear(torch.from_numpy(x), weights["head.weight"], weights["head.bias"]).numpy()
    with Session("torchscript", scripts, "Honest.pt", confinement=level, allow_incomplete=True) as session:
        told = session.run({"signal": x})
        assert [one.name for one in session.graph.inputs] == ["signal"]
        assert session.graph.parameters == 602
        assert session.nonfinite == {"output_1": x.size}
    np.testing.assert_allclose(told["output_0"], expected.mean(axis=1), atol=1e-6)
    with Session("pt2", scripts, "head.pt2", confinement=level, allow_incomplete=True) as session:
        (feed,), (out,) = session.graph.inputs, session.graph.outputs
        assert (feed.shape, feed.dtype, out.shape) == ((None, 12, 300), "float32", (None, 12, 2))
        np.testing.assert_allclose(session.run({feed.name: x})[out.name], expected, atol=1e-6)


@pytest.mark.slow
def test_an_exported_program_that_hides_a_pickle_writes_no_file(scripts, level):  # noqa: F811
    """Its sample inputs are a pickle, which torch runs when the program is loaded: inside, that gets nowhere."""
    import torch

    trap = scripts / f"trapped-{level}"
    payload = io.BytesIO()
    pickle.dump(WritesWhenRead(str(trap)), payload)
    hostile = scripts / f"hostile-{level}.pt2"
    with zipfile.ZipFile(scripts / "head.pt2") as kept, zipfile.ZipFile(hostile, "w") as made:
        for member in kept.infolist():
            sample = "sample_inputs" in member.filename
            made.writestr(member, payload.getvalue() if sample else kept.read(member))
    with contextlib.suppress(WorldError):
        Session("pt2", scripts, hostile.name, confinement=level, allow_incomplete=True, limits=QUICK).close()
    assert not trap.exists()
    with contextlib.suppress(Exception):
        torch.export.load(hostile)  # what would have happened outside
    assert trap.exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["bubblewrap", "namespaces", "landlock"])
def test_a_user_without_rights_has_the_same_sandbox(tmp_path, name):
    having(name)
    packages = os.path.dirname(os.path.dirname(np.__file__))
    root = os.path.dirname(os.path.dirname(os.path.abspath(main.__code__.co_filename)))
    where = Path(tempfile.mkdtemp())  # pytest's own folders are for root's eyes alone
    onnx_file(where / "model" / "a.onnx")
    where.chmod(0o755)
    code = (
        "import numpy as np; from pathlib import Path; from engine.zoo.sandbox.session import Session\n"
        f"with Session('onnx', Path('model'), 'a.onnx', confinement={name!r}, allow_incomplete=True) as s:\n"
        "    print(s.run({'signal': np.ones((1, 12, 300), np.float32)})['answer'].sum(), s.state.complete)"
    )
    python = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if not os.access(python, os.X_OK):
        pytest.skip("the system has no interpreter of this version that another user can run")
    done = subprocess.run(
        [python, "-c", code],
        user=65534,
        group=65534,
        extra_groups=[],
        cwd=where,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{root}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    shutil.rmtree(where)
    assert done.stdout.split() == ["3600.0", str(name != "landlock")], done.stderr


def test_a_packed_program_starts_its_worker_by_a_verb(tmp_path, level):  # noqa: F811
    plan = Plan(level, tmp_path, tmp_path, QUICK, command=("/bin/true",)).command_line()
    if level == "bubblewrap":
        shutting, inside = plan[: plan.index("--") + 1], plan[plan.index("--") + 1 :]
    else:
        shutting, inside = [], plan
    start = f"import sys; sys.path[:0] = {inside[-2].split('|')!r}; from engine.cli import main; sys.exit(main())"
    verb = [inside[0], "-I", "-S", "-B", "-c", start, "sandbox-worker", inside[-1]]
    done = subprocess.run([*shutting, *verb], capture_output=True, stdin=subprocess.DEVNULL, text=True)
    assert done.returncode == 0, done.stderr
    assert "seccomp" in json.loads(done.stdout)["layers"]


def test_a_packed_programs_sandbox_holds_its_own_folder_and_no_interpreter(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    monkeypatch.setattr(sys, "executable", str(bundle / "isoline-engine"))
    for layout in (moved(tmp_path), in_place(tmp_path, tmp_path)):
        assert layout.python == (str(bundle / "isoline-engine"), "sandbox-worker")
        assert str(bundle) in [source for source, _ in layout.binds]
        assert not any("site-packages" in source or ".pyenv" in source for source, _ in layout.binds)
        assert layout.search == ()


def test_where_bubblewrap_is_missing_the_next_strongest_is_taken(monkeypatch):
    having("namespaces")
    tried = dict.fromkeys(ORDER)
    monkeypatch.setattr(means, "_tried", lambda name, user: tried[name])
    told = {}
    for name in reversed(ORDER[:3]):
        tried[name] = ("seccomp",)
        told[name] = (means.strongest(), means.state().complete)
    assert told == {
        "landlock": ("landlock", False),
        "namespaces": ("namespaces", True),
        "bubblewrap": ("bubblewrap", True),
    }
    monkeypatch.setattr(landlock, "version", lambda: 4)
    assert "other processes of this user can be sent signals" in means.state_of("landlock", ("seccomp",)).missing
    with pytest.raises(WorldError) as error:
        means.chosen("job object", allow_incomplete=True)
    assert error.value.fault == "sandbox_unavailable"


def test_files_for_roots_eyes_alone_are_read_by_root_without_its_rights(tmp_path, level):  # noqa: F811
    folder = onnx_file(tmp_path / "m" / "a.onnx")
    (folder / "a.onnx").chmod(0o600)
    folder.chmod(0o700)
    with Session("onnx", folder, "a.onnx", confinement=level, allow_incomplete=True) as session:
        assert session.run(WINDOW)["answer"].shape == (1, 12, 300)
        assert "a user of its own without rights" not in session.state.means
