"""What comes over the wire is looked at before it is believed."""

import ctypes
import errno
import io
import json
import os
import struct
import time
import zipfile

import numpy as np
import pytest

from engine.zoo.sandbox import job, npz, seccomp
from engine.zoo.sandbox.batching import Mismatch, one_by_one
from engine.zoo.sandbox.channel import Channel
from engine.zoo.sandbox.graph import Graph, Tensor, as_told, from_told
from engine.zoo.sandbox.onnx_file import read
from engine.zoo.sandbox.pipes import Ended, Hung, PolledPipes, ThreadedPipes
from engine.zoo.sandbox.wire import TooLarge, Unreadable, opened, packed, planned

ARRAYS = {
    "a": np.arange(24, dtype=">f8").reshape(2, 3, 4),
    "b": np.array([True, False]),
    "c": np.float16(1.5) * np.ones(()),
    "empty": np.zeros((0, 5), np.int64),
    "turned": np.arange(6, dtype=np.int16).reshape(2, 3).T,
}


@pytest.mark.parametrize("kind", [PolledPipes, ThreadedPipes])
def test_arrays_come_out_as_they_went_in(kind):
    (out, there), (back, home) = os.pipe(), os.pipe()
    channel = Channel(kind(there, back))
    deadline = time.monotonic() + 10
    channel.send({"verb": "run"}, ARRAYS, deadline)
    os.write(home, os.read(out, 2**16))
    head, arrays = channel.receive(deadline, 10_000)
    assert head["verb"] == "run"
    for name, sent in ARRAYS.items():
        assert arrays[name].shape == sent.shape
        assert np.array_equal(arrays[name], sent)
    os.close(home)
    with pytest.raises(Ended):
        channel.line(deadline)
    os.close(out)
    with pytest.raises(Ended):
        channel.write(memoryview(b"x"), deadline)
    for descriptor in (there, back):
        os.close(descriptor)


@pytest.mark.parametrize("kind", [PolledPipes, ThreadedPipes])
def test_who_says_nothing_is_not_waited_for(kind):
    (_, there), (back, home) = os.pipe(), os.pipe()
    channel = Channel(kind(there, back))
    started = time.monotonic()
    with pytest.raises(Hung):
        channel.line(started + 0.1)
    os.write(home, b"early")
    time.sleep(0.05)
    with pytest.raises(Unreadable):
        channel.send({"verb": "run"}, {}, time.monotonic() + 5)
    os.close(home)


@pytest.mark.parametrize(
    "told",
    [
        {"name": "a", "dtype": "|O", "shape": [2]},
        {"name": "a", "dtype": "<U5", "shape": [2]},
        {"name": "a", "dtype": ">f4", "shape": [2]},
        {"name": "", "dtype": "<f4", "shape": [2]},
        {"name": 3, "dtype": "<f4", "shape": [2]},
        {"name": "a", "dtype": "<f4", "shape": [-1]},
        {"name": "a", "dtype": "<f4", "shape": [True]},
        {"name": "a", "dtype": "<f4", "shape": [2.0]},
        {"name": "a", "dtype": "<f4", "shape": [1] * 40},
        {"name": "a", "dtype": "<f4", "shape": "12"},
        {"name": "a", "dtype": ["<f4"], "shape": [2]},
        "a",
    ],
)
def test_an_array_that_is_not_one_is_refused(told):
    with pytest.raises(Unreadable):
        planned({"arrays": [told]}, 1000)


def test_a_length_is_refused_before_it_is_allocated():
    with pytest.raises(TooLarge):
        planned({"arrays": [{"name": "a", "dtype": "<f8", "shape": [2**39, 2**39, 2**39]}]}, 2**30)
    half = {"dtype": "|u1", "shape": [600]}
    with pytest.raises(TooLarge):
        planned({"arrays": [{"name": "a", **half}, {"name": "b", **half}]}, 1000)
    with pytest.raises(Unreadable):
        planned({"arrays": [{"name": "a", **half}, {"name": "a", **half}]}, 10_000)
    with pytest.raises(Unreadable):
        packed({}, {"a": np.array(["text"])})
    for line in (b"[1]", b"{", b"[" * 100_000, b"\xff"):
        with pytest.raises(Unreadable):
            opened(line)


def test_npz_of_numpy_is_read_as_numpy_reads_it():
    plain = {name: np.asarray(array) for name, array in ARRAYS.items()}
    for save in (np.savez, np.savez_compressed):
        held = io.BytesIO()
        save(held, **plain)
        found = npz.read(held.getvalue(), 10_000)
        with np.load(io.BytesIO(held.getvalue())) as theirs:
            for name in plain:
                assert found[name].shape == theirs[name].shape
                assert np.array_equal(found[name], theirs[name])
    with np.load(io.BytesIO(npz.written(plain))) as theirs:
        assert np.array_equal(theirs["a"], ARRAYS["a"])


def zipped(**members):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return held.getvalue()


def npy(header, content=b""):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        zipped(a=b""),
        zipped(a=b"\x93NUMPY\x09\x00" + bytes(20)),
        zipped(a=npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", bytes(8))),
        zipped(a=npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", bytes(4))),
        zipped(a=npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", bytes(4))),
        zipped(a=npy(b"__import__('os').system('true')", bytes(4))),
        zipped(a=npy(b"{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", bytes(4))),
        zipped(a=b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"x"),
    ],
)
def test_npz_of_anything_else_is_refused(content):
    with pytest.raises(Unreadable):
        npz.read(content, 10_000)


def test_an_npz_that_unpacks_to_gigabytes_is_refused_unread():
    bomb = zipped(a=npy(b"{'descr': '|u1', 'fortran_order': False, 'shape': (50000000,), }", bytes(50_000_000)))
    assert len(bomb) < 100_000
    with pytest.raises(TooLarge):
        npz.read(bomb, 2**20)


def test_windows_one_by_one_become_a_batch_again():
    x = {"x": np.arange(6.0).reshape(3, 2)}
    told = one_by_one(lambda row: {"batch": row["x"] * 2, "alone": row["x"][0], "scalar": row["x"].sum()}, x)
    assert np.array_equal(told["batch"], x["x"] * 2)
    assert np.array_equal(told["alone"], x["x"])
    assert told["scalar"].tolist() == [1.0, 5.0, 9.0]
    for wrong in ({"x": np.zeros((2, 1)), "y": np.zeros((3, 1))}, {"x": np.zeros((0, 2))}, {"x": np.zeros(())}, {}):
        with pytest.raises(Mismatch):
            one_by_one(lambda row: row, wrong)
    with pytest.raises(Mismatch):
        one_by_one(lambda row: {"y": np.zeros(int(row["x"][0, 0]))}, x)


def test_a_description_of_a_graph_survives_the_wire_and_a_false_one_does_not():
    graph = Graph((Tensor("x", "float32", (None, 12)),), (Tensor("y", "", None),), 7, {"": 18}, {"Add": 2})
    assert from_told(json.loads(json.dumps(as_told(graph)))) == graph
    for told in (None, [], {}, {**as_told(graph), "inputs": [1]}, {**as_told(graph), "opset": [1]}):
        with pytest.raises(Unreadable):
            from_told(told)


def test_every_cut_of_a_graph_is_refused_or_read_and_never_breaks(tmp_path):
    onnx = pytest.importorskip("onnx")
    kind = onnx.TensorProto.FLOAT
    signal, answer = (onnx.helper.make_tensor_value_info(name, kind, [1]) for name in ("a", "b"))
    weights = onnx.helper.make_tensor("w", kind, [3, 5], np.zeros(15))
    node = onnx.helper.make_node("Add", ["a", "w"], ["b"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [signal], [answer], [weights]))
    content = model.SerializeToString()
    told = read(content)
    assert (told.parameters, told.operators, told.external) == (15, {"Add": 1}, set())
    rng = np.random.default_rng(0)
    for _ in range(500):
        broken = bytearray(content[: rng.integers(len(content))])
        for place in rng.integers(0, max(1, len(broken)), 3):
            if broken:
                broken[place] = rng.integers(256)
        try:
            read(bytes(broken))
        except (ValueError, IndexError, RecursionError):
            continue


@pytest.mark.parametrize("machine", [seccomp.X86, seccomp.ARM])
def test_the_filter_says_of_every_call_what_it_should(machine):
    """The program is run by a small interpreter of classic BPF, the kernel's is the one that counts."""
    column = 0 if machine == seccomp.X86 else 1
    strict = seccomp.refusing(machine, marking_files=False, forks=False, programs=False)
    loose = seccomp.refusing(machine, marking_files=True, forks=True, programs=True)

    def says(program, number, *arguments, arch=seccomp.AUDIT_ARCH[machine]):
        data = struct.pack("<iIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
        return verdict(program, data)

    refused = seccomp.REFUSE | errno.EPERM
    for pair in (seccomp.REACHING_OUT | seccomp.KERNEL).values():
        if pair[column] is not None:
            assert says(loose, pair[column]) == says(strict, pair[column]) == refused
    for pair in (seccomp.MARKING_FILES | seccomp.FORKS | seccomp.PROGRAMS).values():
        if pair[column] is not None:
            assert (says(loose, pair[column]), says(strict, pair[column])) == (seccomp.ALLOW, refused)
    for pair in seccomp.NOT_THERE.values():
        assert says(loose, pair[column]) == seccomp.REFUSE | errno.ENOSYS
    clone, ioctl, prlimit = (call[column] for call in (seccomp.CLONE, seccomp.IOCTL, seccomp.PRLIMIT))
    thread = seccomp.CLONE_THREAD
    assert [says(p, clone, thread) for p in (loose, strict)] == [seccomp.ALLOW, seccomp.ALLOW]
    assert [says(p, clone, 17) for p in (loose, strict)] == [seccomp.ALLOW, refused]
    assert [says(p, clone, thread | 0x10000000) for p in (loose, strict)] == [refused, refused]
    assert says(loose, ioctl, 1, seccomp.TIOCSTI) == says(loose, ioctl, 1, seccomp.TIOCLINUX) == refused
    assert says(loose, ioctl, 1, 0x5413) == seccomp.ALLOW
    assert (says(loose, prlimit, 0), says(loose, prlimit, 1)) == (seccomp.ALLOW, refused)
    assert says(loose, 0) == seccomp.ALLOW
    assert says(loose, 0, arch=0x40000003) == seccomp.KILL


def verdict(program, data):
    value, at = 0, 0
    while True:
        code, when, otherwise, k = struct.unpack_from("HBBI", program, 8 * at)
        at += 1
        if code == seccomp.LOAD:
            (value,) = struct.unpack_from("<I", data, k)
        elif code == seccomp.RETURN:
            return k
        else:
            true = {
                seccomp.JUMP_EQUAL: value == k,
                seccomp.JUMP_ANY_BIT: bool(value & k),
                seccomp.JUMP_NOT_BELOW: value >= k,
            }[code]
            at += when if true else otherwise


@pytest.mark.skipif(struct.calcsize("P") != 8, reason="the sizes are those of 64-bit systems")
def test_what_windows_is_handed_has_the_sizes_of_its_reference():
    # winnt.h: JOBOBJECT_BASIC_LIMIT_INFORMATION, JOBOBJECT_EXTENDED_LIMIT_INFORMATION, TOKEN_MANDATORY_LABEL.
    assert [ctypes.sizeof(kind) for kind in (job._Basic, job._Extended, job._Sid)] == [64, 144, 16]
    assert (job._Extended.process_memory.offset, job._Basic.processes.offset) == (112, 40)
