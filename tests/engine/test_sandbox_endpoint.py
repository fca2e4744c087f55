"""A vendor's model behind an address: asked on the loopback alone, whatever it answers."""

import contextlib
import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from engine.contract.errors import WorldError
from engine.contract.sandbox import Limits
from engine.zoo import endpoint
from engine.zoo.endpoint import Endpoint, loopback
from engine.zoo.sandbox import npz

X = {"signal": np.arange(24, dtype=np.float32).reshape(2, 3, 4)}
DESCRIBED = {"inputs": [{"name": "signal", "dtype": "float32", "shape": [None, 3, 4]}], "outputs": [{"name": "mean"}]}


def mean(handler, arrays):
    return 200, npz.written({"mean": arrays["signal"].mean(axis=2)})


@contextmanager
def serving(act=mean, described=DESCRIBED):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(200 if described else 404, json.dumps(described).encode())

        def do_POST(self):
            arrays = npz.read(self.rfile.read(int(self.headers["Content-Length"])), 2**20)
            self.answer(*act(self, arrays))

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if 300 <= status < 400:
                self.send_header("Location", "http://192.0.2.1/")
            self.end_headers()
            with contextlib.suppress(OSError):  # who has heard enough hangs up
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/model"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("described", [DESCRIBED, None])
def test_an_endpoint_answers_a_batch_and_single_windows(described, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    with serving(described=described) as address, Endpoint(address) as model:
        assert [one.name for one in model.graph.inputs] == (["signal"] if described else [])
        assert np.array_equal(model.run(X)["mean"], X["signal"].mean(axis=2))
        assert np.array_equal(model.run(X, ["mean"], singly=True)["mean"], X["signal"].mean(axis=2))
        assert not model.state.complete
        assert model.state.means == ()
        assert "not by Isoline" in model.state.in_words


@pytest.mark.parametrize(
    "address",
    [
        "http://192.0.2.1/model",
        "http://10.0.0.1:8000",
        "http://0.0.0.0:8000",
        "http://[::]:8000",
        "http://169.254.169.254/latest",
        "http://example.org/model",
        "http://127.0.0.1.example.org/",
        "http://localhost.example.org/",
        "http://user@127.0.0.1:8000/",
        "http://127.0.0.1:99999/",
        "https://127.0.0.1/",
        "file:///etc/passwd",
        "127.0.0.1:8000",
        "http://127.0.0.1/a b",
        "http://[::ffff:192.0.2.1]/",
        "",
    ],
)
def test_any_other_address_is_refused_before_anything_is_sent(address, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("something was sent"))
    with pytest.raises(WorldError) as error:
        Endpoint(address)
    assert error.value.fault == "endpoint_address"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://127.0.0.1:8000/a/b?c=1", ("127.0.0.1", 8000, "/a/b?c=1")),
        ("http://127.9.9.9", ("127.9.9.9", 80, "/")),
        ("http://[::1]:81", ("::1", 81, "/")),
    ],
)
def test_addresses_of_this_machine_are_taken_apart(address, expected):
    assert loopback(address) == expected


def test_localhost_is_taken_where_all_it_stands_for_is_this_machine(monkeypatch):
    found = [(0, 0, 0, "", ("127.0.0.1", 80))]
    monkeypatch.setattr(endpoint.socket, "getaddrinfo", lambda *_, **__: found)
    assert loopback("http://localhost:8000") == ("127.0.0.1", 8000, "/")
    found.append((0, 0, 0, "", ("192.0.2.1", 80)))
    with pytest.raises(WorldError):
        loopback("http://localhost:8000")


@pytest.mark.parametrize(
    ("act", "fault"),
    [
        (lambda handler, arrays: (302, b""), "endpoint_redirect"),
        (lambda handler, arrays: (500, b"broken"), "model_failed"),
        (lambda handler, arrays: (200, b"no zip"), "sandbox_protocol"),
        (lambda handler, arrays: (200, bytes(2**22)), "sandbox_output"),
        (lambda handler, arrays: (200, npz.written({"mean": np.zeros(2**19)})), "sandbox_output"),
        (lambda handler, arrays: (time.sleep(0.4), (200, b""))[1], "sandbox_time"),
        (lambda handler, arrays: (200, npz.written({"other": np.zeros(2)})), "model_output"),
    ],
    ids=["redirect", "status", "no arrays", "flood", "large arrays", "late", "other output"],
)
def test_an_answer_that_is_none_is_told_by_its_fault(act, fault):
    with serving(act) as address:
        model = Endpoint(address, limits=Limits(call_s=0.2 if fault == "sandbox_time" else 5, output_bytes=2**20))
        with pytest.raises(WorldError) as error:
            model.run(X, ["mean"])
    assert error.value.fault == fault


def test_nobody_at_the_address_is_told():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(WorldError) as error:
        Endpoint(f"http://127.0.0.1:{port}/")
    assert error.value.fault == "endpoint_silent"
