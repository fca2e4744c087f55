"""A vendor's model behind an address of this machine: the hospital's own process, asked over HTTP, not sandboxed.

The program that ships in a container cannot be shut in by us; its owner starts it, and it listens on the loopback. Any
other address is refused, as is whatever would lead to one: redirects, proxies, and names that resolve elsewhere.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import numpy as np

from engine.contract.errors import WorldError
from engine.contract.sandbox import Limits, SandboxState
from engine.zoo.sandbox import npz
from engine.zoo.sandbox.asking import Failed, chosen, described
from engine.zoo.sandbox.batching import Arrays, Mismatch, nonfinite, one_by_one
from engine.zoo.sandbox.faults import world_error
from engine.zoo.sandbox.graph import Graph
from engine.zoo.sandbox.wire import LINE_BYTES, TooLarge, Unreadable, opened

CONTENT = "application/x-npz"
CHUNK = 2**20
STATE = SandboxState(
    means=(),
    complete=False,
    missing=("it is a program of your own on this machine, started by you and not by Isoline",),
)


class Endpoint:
    """A model behind an address on the loopback; asked and closed like a `Session`.

    A GET of the address may describe the model as JSON (docs/vendor_protocol.md); a POST of an .npz file is answered by
    one. One connection for each request: nothing is kept that another program could take over.

    Args:
        address: "http://127.0.0.1:8000/model"; hosts are 127.0.0.0/8, ::1, and localhost where it is one of them.
        limits: time for a call and size of an answer.

    Raises:
        WorldError: the address is not on the loopback, or nobody answers there.
    """

    def __init__(self, address: str, *, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._host, self._port, self._path = loopback(address)
        self.state, self.closed, self.nonfinite = STATE, False, dict[str, int]()
        status, body = self._asked("GET", b"", self._limits.start_s)
        try:
            self.graph: Graph = described(opened(body[:LINE_BYTES])) if status == 200 else Graph((), ())
        except Unreadable as error:
            raise world_error("sandbox_protocol", str(error)) from None

    def run(
        self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None, *, singly: bool = False
    ) -> dict[str, np.ndarray]:
        """What the model makes of one batch; see `Session.run`.

        Raises:
            WorldError: it fails, answers too late, too much, or not by the protocol.
        """
        try:
            answer = chosen(one_by_one(self._once, inputs) if singly else self._once(inputs), outputs)
        except (Failed, Mismatch) as error:
            raise world_error(error.fault, getattr(error, "detail", "")) from None
        except Unreadable as error:
            raise world_error(
                "sandbox_output" if isinstance(error, TooLarge) else "sandbox_protocol", str(error)
            ) from None
        self.nonfinite = nonfinite(answer)
        return answer

    def close(self) -> None:
        """Nothing is held open."""
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _once(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        status, body = self._asked("POST", npz.written(inputs), self._limits.call_s)
        if status != 200:
            raise Failed("model_failed", f"it answers with status {status}")
        return npz.read(body, self._limits.output_bytes)

    def _asked(self, verb: str, body: bytes, patience_s: float) -> tuple[int, bytes]:
        """Status and body of one answer; the time runs for all of it, not for each piece."""
        deadline = time.monotonic() + patience_s
        connection = http.client.HTTPConnection(self._host, self._port, timeout=patience_s)
        try:
            connection.connect()
            link = connection.sock  # the connection lets go of it where the answer ends with its closing
            connection.request(verb, self._path, body or None, {"Content-Type": CONTENT} if body else {})
            with connection.getresponse() as answer:
                if 300 <= answer.status < 400:
                    raise world_error("endpoint_redirect")
                return answer.status, self._read(answer, link, deadline)
        except TimeoutError:
            raise world_error("sandbox_time") from None
        except (OSError, http.client.HTTPException):
            raise world_error("endpoint_silent") from None
        finally:
            connection.close()

    def _read(self, answer: http.client.HTTPResponse, link: socket.socket, deadline: float) -> bytes:
        most = self._limits.output_bytes + 2**20
        parts: list[bytes] = []
        total = 0
        while not answer.isclosed():  # from Python 3.13 on the last piece closes it, and the link with it
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            link.settimeout(left)
            part = answer.read1(CHUNK)
            if not part:
                break
            parts.append(part)
            total += len(part)
            if total > most:
                raise world_error("sandbox_output")
        return b"".join(parts)


def loopback(address: str) -> tuple[str, int, str]:
    """Numeric host, port and path of an http address on this machine.

    Raises:
        WorldError: it is none, or a name of it leads elsewhere.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        raise _refused() from None
    if parts.scheme != "http" or parts.username is not None or parts.fragment:
        raise _refused()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if any(ord(c) <= 32 or ord(c) > 126 for c in path):
        raise _refused()
    if host == "localhost":
        host = _resolved(port)
    try:
        if not ipaddress.ip_address(host).is_loopback:
            raise _refused()
    except ValueError:
        raise _refused() from None
    return host, port, path


def _resolved(port: int) -> str:
    """The number that localhost stands for; a hosts file may say anything, so all of its numbers are looked at."""
    try:
        found = [str(one[4][0]) for one in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)]
    except OSError:
        raise _refused() from None
    if not found or not all(ipaddress.ip_address(number).is_loopback for number in found):
        raise _refused()
    return next((number for number in found if ":" not in number), found[0])


def _refused() -> WorldError:
    return world_error("endpoint_address")
