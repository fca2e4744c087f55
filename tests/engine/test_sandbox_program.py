"""A vendor's program in the sandbox, at each level of confinement: what it tries, and what becomes of it."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sandbox_cases import QUICK, WINDOW, having, level, marked, nobody_left, program, vendor  # noqa: F401

from engine.contract.errors import WorldError
from engine.zoo.sandbox.repeating import differences
from engine.zoo.sandbox.session import Session
from engine.zoo.sandbox.starting import OWN_ROOT

TRIES = """
def run(content):
    import ctypes, socket, signal
    told = {}
    def tried(name, act):
        try:
            told[name] = act()
        except BaseException as error:
            told[name] = type(error).__name__
    for path in FILES:
        tried("read " + path, lambda: open(path, "rb").read(10).hex() and "read")
    for path in FOLDERS:
        tried("list " + path, lambda: sorted(os.listdir(path)) and "listed")
    for path in ("/usr/bin", "/etc", "", "/dev", "/dev/shm", "/home", "/root", ".", OUTSIDE):
        tried("write " + path, lambda: open(path + "/x", "w").write("x") and "written")
    tried("write itself", lambda: open("model.py", "a").write("x") and "written")
    for path in FILES:
        tried("chmod " + path, lambda: os.chmod(path, 0o777) or "changed")
    for kind in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
        tried(f"socket {int(kind)}", lambda: socket.socket(kind, socket.SOCK_DGRAM) and "opened")
    tried("connect", lambda: socket.create_connection(("127.0.0.1", PORT), 2) and "connected")
    tried("kill", lambda: os.kill(HOST, 0) or "reached")
    libc = ctypes.CDLL(None, use_errno=True)
    for name, arguments in {"ptrace": (16, HOST, 0, 0), "unshare": (0x10000000,), "setns": (0, 0), "chroot": (b"/",),
                            "mount": (b"none", b"/tmp", b"tmpfs", 0, 0), "umount2": (b"/", 2)}.items():
        told[name] = "done" if getattr(libc, name)(*arguments) == 0 else os.strerror(ctypes.get_errno())
    told["keyctl"] = "done" if libc.syscall(250, 0, -3, 1) >= 0 else os.strerror(ctypes.get_errno())
    told["variables"] = sorted(os.environ)
    told["scratch"] = open(os.environ["TMPDIR"] + "/own", "w").write("x")
    print(json.dumps(told), file=sys.stderr, flush=True)
    npz(answer=[0.0])
"""


def test_a_program_reaches_no_file_socket_or_process_and_no_variable(tmp_path, level, monkeypatch):  # noqa: F811
    monkeypatch.setenv("SECRET_TOKEN", "hospital")
    outside = tmp_path / "workspace"
    outside.mkdir()
    (outside / "labels.csv").write_text("patient")
    home = Path.home()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        body = TRIES.replace("FILES", repr(["/etc/passwd", "/etc/shadow", str(outside / "labels.csv")]))
        body = body.replace("FOLDERS", repr([str(home), str(outside), "/etc", "/var", "/work"]))
        body = body.replace("OUTSIDE", repr(str(outside))).replace("HOST", str(os.getpid()))
        with program(tmp_path / "vendor", body.replace("PORT", str(listening.getsockname()[1])), level) as session:
            answer = session.run(WINDOW)
            until = time.monotonic() + 5
            while not session.said.endswith("}\n") and time.monotonic() < until:
                time.sleep(0.01)
            told = json.loads(session.said)
    assert answer["answer"] == [0.0]
    variables, scratch = told.pop("variables"), told.pop("scratch")
    assert {name for name in variables if not name.endswith("_THREADS")} == {"PATH", "LANG", "TMPDIR", "PYTHONPATH"} | (
        {"PWD"} & set(variables)
    )
    assert scratch == 1
    got = {name: came for name, came in told.items() if came in ("read", "listed", "written", "changed", "done")}
    assert got == {}
    assert not {"opened", "connected", "reached"} & set(told.values())
    assert sorted(path.name for path in outside.iterdir()) == ["labels.csv"]
    assert sorted(path.name for path in (tmp_path / "vendor").iterdir()) == ["model.py"]


BEYOND = {
    "hangs": ("os.read(0, 1)", "sandbox_time"),
    "burns": ("while True: pass", "sandbox_cpu"),
    "allocates": (
        "import time; held = []\n    while not time.sleep(0.01): held.append(b'x' * 2**23)",
        "sandbox_memory",
    ),
    "floods its answers": ("while True: write.write(b'x' * 2**20)", "sandbox_output"),
    "floods its errors": ("while True: sys.stderr.write('x' * 2**20)", "sandbox_output"),
    "leaves": ("os._exit(3)", "sandbox_died"),
    "breaks off": ("write.write(b'{\"bytes\": 100}\\n123'); write.flush(); os._exit(0)", "sandbox_died"),
    "crashes": ("os.kill(os.getpid(), 11)", "sandbox_died"),
}


QUICKEST = ("allocates", "floods its answers", "breaks off")
"""Those that the fast suite has the time for."""


@pytest.mark.parametrize(
    ("body", "fault"),
    [pytest.param(*BEYOND[name], id=name, marks=[] if name in QUICKEST else pytest.mark.slow) for name in BEYOND],
)
def test_a_program_beyond_its_limits_is_ended_and_the_error_says_which(tmp_path, body, fault):
    limits = QUICK.model_copy(
        update={
            "call_s": 1.0 if fault == "sandbox_time" else 20.0,
            "cpu_s": 0.7,
            "memory_bytes": 2**28,
            "output_bytes": 2**24,
        }
    )
    started = time.monotonic()
    with program(tmp_path / "vendor", f"def run(content):\n    {body}", None, limits) as session:
        with pytest.raises(WorldError) as error:
            session.run(WINDOW)
        assert error.value.fault == fault
        assert error.value.next_step
        assert time.monotonic() - started < 15
        assert session.closed
        with pytest.raises(WorldError) as again:
            session.run(WINDOW)
        assert again.value.fault == "sandbox_closed"


def test_no_more_processes_are_born_than_may_be(tmp_path, level):  # noqa: F811
    # At most 200: a test that is wrong shall not take the machine with it.
    body = """
def run(content):
    import time
    born = 0
    try:
        while born < 200:
            if not os.fork():
                os.setsid()
                time.sleep(60)
                os._exit(0)
            born += 1
    except OSError:
        pass
    npz(born=[born])
"""
    with program(tmp_path / "vendor", body, level, QUICK.model_copy(update={"processes": 20})) as session:
        born = session.run(WINDOW)["born"][0]
    assert 0 < born < 25 if level in OWN_ROOT else born == 0


def test_a_process_left_behind_ends_with_the_session(tmp_path, level):  # noqa: F811
    body = """
def run(content):
    import time
    if not os.fork():
        os.setsid()
        if not os.fork():
            time.sleep(1000)
        os._exit(0)
    npz(answer=[1.0])
"""
    if level not in OWN_ROOT:
        pytest.skip("no process may be started there at all")
    with program(tmp_path / "vendor", body, level) as session:
        assert session.run(WINDOW)["answer"] == [1.0]


def test_a_full_scratch_folder_is_the_programs_own_trouble(tmp_path, level):  # noqa: F811
    body = """
def run(content):
    with open(os.environ["TMPDIR"] + "/big", "wb") as stream:
        for _ in range(64):
            stream.write(b"x" * 2**20)
    npz(answer=[1.0])
"""
    limits = QUICK.model_copy(update={"scratch_bytes": 2**23})
    with program(tmp_path / "vendor", body, level, limits) as session:
        with pytest.raises(WorldError) as error:
            session.run(WINDOW)
        assert error.value.fault in ("sandbox_died", "sandbox_disk")
        scratch = session._scratch
    assert not scratch.exists()


BREAKING = {
    "words": ("write.write(b'hello world\\n'); write.flush()", "sandbox_protocol"),
    "no zip": ("answer(b'no zip at all')", "sandbox_protocol"),
    "negative": ("write.write(b'{\"bytes\": -1}\\n'); write.flush()", "sandbox_protocol"),
    "endless": ("write.write(b'{\"bytes\": 99999999999999}\\n'); write.flush()", "sandbox_output"),
    "objects": ("import numpy as np; npz(answer=np.array([{'a': 1}], dtype=object))", "sandbox_protocol"),
    "text": ("import numpy as np; npz(answer=np.array(['text']))", "sandbox_protocol"),
    "two answers": ("answer(b'x' * 10); answer()", "sandbox_protocol"),
    "says no": ("answer(error='the lead is missing')", "model_failed"),
}
BREAKING_FIRST = ("words", "objects", "says no")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param(*BREAKING[name], id=name, marks=[] if name in BREAKING_FIRST else pytest.mark.slow)
        for name in BREAKING
    ],
)
def test_an_answer_that_breaks_the_protocol_is_refused(tmp_path, body, fault):
    with program(tmp_path / "vendor", f"def run(content):\n    {body}") as session:
        with pytest.raises(WorldError) as error:
            session.run(WINDOW)
        assert error.value.fault == fault
        assert session.closed == (fault != "model_failed")


def test_nan_shapes_and_kinds_are_passed_on_for_the_caller_to_judge(tmp_path):
    body = """
def run(content):
    import numpy as np
    npz(a=np.array([np.nan, np.inf, 1.0]), b=np.zeros((7, 3, 2), np.int8), c=np.float16(2),
        d=np.array([[1, 2], [3, 4]], order="F"))
"""
    with program(tmp_path / "vendor", body) as session:
        answer = session.run(WINDOW)
        assert session.nonfinite == {"a": 2}
    assert np.isnan(answer["a"][0])
    assert (answer["b"].shape, answer["b"].dtype) == ((7, 3, 2), np.int8)
    assert answer["c"].shape == ()
    assert answer["d"].tolist() == [[1, 2], [3, 4]]


def test_other_answers_to_the_same_input_are_measured(tmp_path):
    body = """
def run(content):
    run.count = getattr(run, "count", 0) + 1
    npz(steady=[1.0, float("nan")], drifting=[0.25 * run.count], shrinking=[0.0] * (5 - run.count))
"""
    with program(tmp_path / "vendor", body) as session:
        assert differences(session, WINDOW) == {"steady": 0.0, "drifting": 0.5, "shrinking": float("inf")}


def test_a_session_outlives_the_thread_that_opened_it(tmp_path):
    opened = []
    folder = vendor(tmp_path / "vendor", "def run(content):\n    npz(answer=[4.0])")
    thread = threading.Thread(target=lambda: opened.append(Session("command", folder, command=("python", "model.py"))))
    having("bubblewrap")
    thread.start()
    thread.join()
    with opened[0] as session:
        assert session.run(WINDOW)["answer"] == [4.0]


LEFT_BEHIND = "if not os.fork():\n    import time; os.setsid(); time.sleep(1000)"


@pytest.mark.slow
def test_nothing_is_left_when_the_host_is_killed(tmp_path, level):  # noqa: F811
    folder = vendor(tmp_path / "vendor", LEFT_BEHIND if level in OWN_ROOT else "")
    mark = f"mark{os.getpid()}{level}"
    code = (
        "import sys, time; from pathlib import Path; from engine.zoo.sandbox.session import Session\n"
        f"s = Session('command', Path({str(folder)!r}), command=('python', 'model.py', {mark!r}), "
        f"confinement={level!r}, allow_incomplete=True)\nprint('up', flush=True); time.sleep(1000)"
    )
    host = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert host.stdout.readline() == b"up\n"
        assert len(marked(mark)) > 1  # the host's own command line has it, too
    finally:
        host.kill()
        host.wait()
        host.stdout.close()
    assert nobody_left(mark)


def test_the_program_of_the_documentation_works_as_it_stands(tmp_path):
    page = (Path(__file__).resolve().parents[2] / "docs" / "vendor_protocol.md").read_text(encoding="utf-8")
    (tmp_path / "model.py").write_text(page.split("```python\n")[1].split("```")[0], encoding="utf-8")
    x = np.random.default_rng(0).normal(size=(3, 12, 5000)).astype(np.float32)
    with Session("command", tmp_path, command=("python", "model.py")) as session:
        assert (session.graph.inputs[0].shape, session.graph.outputs[0].name) == ((None, 12, 5000), "score")
        np.testing.assert_allclose(session.run({"signal": x})["score"][:, 0], x.std(axis=(1, 2)), rtol=1e-6)


def test_a_command_without_a_folder_sees_none_of_ours(tmp_path, monkeypatch):
    (tmp_path / "labels.csv").write_text("patient")
    monkeypatch.chdir(tmp_path)
    words = 'read line; echo "{\\"error\\": \\"$(echo $(ls))\\", \\"bytes\\": 0}"; sleep 10'
    with pytest.raises(WorldError) as error:
        Session("command", Path(), command=("sh", "-c", words), limits=QUICK)
    assert str(error.value).startswith("vendor model: it fails on its input. ")
    for command in ((), ("no such program",)):
        with pytest.raises(WorldError) as error:
            Session("command", tmp_path, command=command, limits=QUICK)
        assert error.value.fault in ("model_missing", "sandbox_not_started")
