"""The door to a vendor's model: it runs in a process that is shut in, and answers requests until it is closed."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np

from engine.contract.errors import WorldError
from engine.contract.sandbox import Confinement, Limits, SandboxState
from engine.zoo.sandbox.channel import Channel, Ended, Hung
from engine.zoo.sandbox.faults import world_error
from engine.zoo.sandbox.graph import Graph, from_told
from engine.zoo.sandbox.launcher import REFUSED
from engine.zoo.sandbox.means import chosen, state_of
from engine.zoo.sandbox.starting import command_of, environment
from engine.zoo.sandbox.watch import Watch
from engine.zoo.sandbox.wire import TooLarge, Unreadable, opened

Kind = Literal["onnx", "torchscript", "pt2", "command"]


class Session:
    """One model of a vendor's, loaded in a process of its own that reaches nothing.

    Use it as a context manager, from one thread at a time. After an error that ended the process (`closed` is then
    true) every further request is refused; open a new session.

    Args:
        kind: how the model is given.
        folder: the model's folder; all of it can be read inside, and nothing beside it.
        entry: file in `folder` that is loaded; empty for a command.
        limits: what the process may use.
        confinement: the way it is shut in; None takes the strongest that works here.
        threads: of the model's arithmetic.
        allow_incomplete: whether to run where the machine isolates only in part.

    Raises:
        WorldError: the model cannot be loaded, or breaks a limit while it is; `fault` says which.
    """

    def __init__(
        self,
        kind: Kind,
        folder: Path,
        entry: str = "",
        *,
        limits: Limits | None = None,
        confinement: Confinement | None = None,
        threads: int = 1,
        allow_incomplete: bool = False,
    ) -> None:
        self._limits = limits or Limits()
        self._level = chosen(confinement, allow_incomplete=allow_incomplete)
        self._scratch = Path(tempfile.mkdtemp(prefix="isoline-"))
        self.closed = False
        self.nonfinite: dict[str, int] = {}
        runtime = command_of(
            self._level, folder, self._scratch, self._limits, runtime=kind, command=(), threads=threads
        )
        on_disk = None if self._level in ("bubblewrap", "namespaces") else self._scratch
        self._watch = Watch(runtime, environment(threads), self._limits, on_disk)
        try:
            self._channel = Channel(*self._watch.begin())
        except OSError:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise world_error("sandbox_unavailable") from None
        deadline = time.monotonic() + self._limits.start_s
        self.state = self._shut_in(deadline)
        self.graph = self._load(entry, deadline)

    def run(
        self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None, *, singly: bool = False
    ) -> dict[str, np.ndarray]:
        """What the model makes of one batch.

        NaN and infinity are passed on as they are; `nonfinite` counts them by output afterwards.

        Args:
            inputs: array by the name of the input.
            outputs: names of the outputs that are wanted; None takes all.
            singly: give the model the windows one by one and join its answers along the first axis, for a graph that
                takes no more than one; all of it in one request.

        Raises:
            WorldError: the model fails on it (the session goes on), or breaks a limit or the protocol (it is closed).
        """
        if self.closed:
            raise world_error("sandbox_closed")
        head = {"verb": "run", "singly": singly, "limit": self._limits.output_bytes}
        if outputs is not None:
            head["outputs"] = list(outputs)
        self._watch.new_call()
        answer, arrays = self._ask(head, inputs, time.monotonic() + self._limits.call_s)
        counts = answer.get("nonfinite")
        self.nonfinite = counts if isinstance(counts, dict) else {}
        return arrays

    @property
    def said(self) -> str:
        """The end of what the process wrote for people. It may quote anything: for a window, never for a log."""
        return self._watch.said

    def close(self) -> None:
        """End the process, and all that it started; a second time nothing happens."""
        if not self.closed:
            self.closed = True
            self._watch.stop()
            for stream in (self._watch.process.stdin, self._watch.process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
            shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _shut_in(self, deadline: float) -> SandboxState:
        """Wait until the process says which layers are in force."""
        try:
            layers = opened(self._channel.line(deadline)).get("layers")
            if not isinstance(layers, list):
                raise Unreadable("it does not say how it is shut in")
            return state_of(self._level, tuple(layers))
        except (Ended, Hung, Unreadable, KeyError) as error:
            raise self._broken(error, starting=True) from None

    def _load(self, entry: str, deadline: float) -> Graph:
        answer, _ = self._ask({"verb": "load", "entry": entry}, {}, deadline, starting=True)
        try:
            return from_told(answer.get("graph"))
        except Unreadable as error:
            raise self._broken(error) from None

    def _ask(
        self, head: Mapping[str, object], arrays: Mapping[str, np.ndarray], deadline: float, *, starting: bool = False
    ) -> tuple[dict[str, object], dict[str, np.ndarray]]:
        try:
            self._channel.send(head, arrays, deadline)
            answer, found = self._channel.receive(deadline, self._limits.output_bytes)
        except (Ended, Hung, Unreadable) as error:
            raise self._broken(error, starting=starting) from None
        fault = answer.get("fault")
        if fault:
            if starting:
                self.close()
            raise world_error(str(fault), str(answer.get("detail", "")))
        return answer, found

    def _broken(self, error: Exception, *, starting: bool = False) -> WorldError:
        """Close the session; what ended it, in words."""
        self.close()
        if self._watch.verdict:
            return world_error(self._watch.verdict)
        if isinstance(error, Hung):
            return world_error("sandbox_start_time" if starting else "sandbox_time")
        if isinstance(error, TooLarge):
            return world_error("sandbox_output")
        if isinstance(error, Unreadable):
            return world_error("sandbox_protocol", str(error))
        if self._watch.process.returncode == REFUSED:
            return world_error("sandbox_unavailable")
        return world_error("sandbox_died")
