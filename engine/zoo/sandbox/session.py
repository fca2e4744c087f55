"""The door to a vendor's model: it runs in a process that is shut in, and answers requests until it is closed."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

import numpy as np

from engine.contract.errors import WorldError
from engine.contract.sandbox import Confinement, Limits, SandboxState
from engine.zoo.sandbox import tree
from engine.zoo.sandbox.asking import Failed, Program, Speaker, Worker
from engine.zoo.sandbox.batching import nonfinite
from engine.zoo.sandbox.channel import Channel
from engine.zoo.sandbox.faults import world_error
from engine.zoo.sandbox.graph import Graph
from engine.zoo.sandbox.launcher import NOT_STARTED, REFUSED
from engine.zoo.sandbox.means import chosen, state_of, user_for
from engine.zoo.sandbox.pipes import Ended, Hung, pipes
from engine.zoo.sandbox.starting import OWN_ROOT, Plan
from engine.zoo.sandbox.watch import Watch
from engine.zoo.sandbox.wire import TooLarge, Unreadable, opened
from engine.zoo.taken import Taken

Kind = Literal["onnx", "torchscript", "pt2", "command", "pickle"]
Answer = TypeVar("Answer")
EXITS = {REFUSED: "sandbox_unavailable", NOT_STARTED: "sandbox_not_started"}
"""What the launcher's own exit codes mean."""


class Session:
    """One model of a vendor's, loaded in a process of its own that reaches nothing.

    Use it as a context manager, from one thread at a time. After an error that ended the process (`closed` is then
    true) every further request is refused; open a new session.

    Args:
        kind: how the model is given; "pickle" is for the converter of checkpoints alone.
        folder: the model's folder; all of it can be read inside, and nothing beside it. `Path()` for a command of the
            system's that has none.
        entry: file in `folder` that is loaded; empty for a command.
        command: program and arguments of a command; names of files in `folder`, where it is started, or of programs of
            the system. "python" is this interpreter, with numpy and the runtimes that are installed with it.
        limits: what the process may use.
        confinement: the way it is shut in; None takes the strongest that works here.
        threads: of the model's arithmetic.
        allow_incomplete: whether to run where the machine isolates only in part.

    Attributes:
        state: what isolates the process, as it told itself before anything of the vendor's was looked at.
        graph: what the model says of itself.
        nonfinite: values of the last answer that are no number or infinite, by output; outputs without any left out.
        closed: whether the process has ended.

    Raises:
        WorldError: the model cannot be loaded, or breaks a limit while it is; `fault` says which.
    """

    def __init__(
        self,
        kind: Kind,
        folder: Path,
        entry: str = "",
        *,
        command: Sequence[str] = (),
        limits: Limits | None = None,
        confinement: Confinement | None = None,
        threads: int = 1,
        allow_incomplete: bool = False,
    ) -> None:
        asked = limits or Limits()
        # The kernel counts threads as it counts processes, and each library may have its own.
        self._limits = asked.model_copy(update={"processes": asked.processes + 2 * threads})
        level = chosen(confinement, allow_incomplete=allow_incomplete)
        _check_files(kind, folder, entry, command)
        self._scratch = Path(tempfile.mkdtemp(prefix="isoline-"))
        self._remove = weakref.finalize(
            self, shutil.rmtree, self._scratch, ignore_errors=True
        )  # at our end at the latest
        if folder == Path():  # a command without files; the folder that we work in is none of its business
            folder = self._scratch / "none"
            folder.mkdir()
        runtime, user = "" if kind == "command" else kind, user_for(level, folder)
        plan = Plan(level, folder, self._scratch, self._limits, runtime, command, threads, user)
        on_disk = None if level in OWN_ROOT else self._scratch
        self._watch = Watch(plan.command_line(), plan.environment(), self._limits, on_disk)
        self.closed, self.nonfinite = False, dict[str, int]()
        try:
            channel = Channel(pipes(*self._watch.begin()))
        except OSError:
            self._remove()
            raise world_error("sandbox_unavailable") from None
        most = self._limits.output_bytes
        self._speaker: Speaker = Program(channel, most) if kind == "command" else Worker(channel, entry, most)
        deadline = time.monotonic() + self._limits.start_s
        try:
            self.state = self._asked(lambda: _state(channel, level, deadline), "sandbox_start_time")
            self.graph: Graph = self._asked(lambda: self._speaker.graph(deadline), "sandbox_start_time")
        except WorldError:
            self.close()
            raise

    def run(
        self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None, *, singly: bool = False
    ) -> dict[str, np.ndarray]:
        """What the model makes of one batch.

        Shapes, kinds of number, NaN and infinity are passed on as the model gives them, for the caller to judge;
        `nonfinite` counts the last two by output.

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
        self._watch.new_call()
        deadline = time.monotonic() + self._limits.call_s
        answer = self._asked(lambda: self._speaker.run(inputs, outputs, deadline, singly=singly), "sandbox_time")
        self.nonfinite = nonfinite(answer)
        return answer

    def taken(self) -> Taken | None:
        """What the process and all below it have taken so far; None where the system does not tell, as off Linux."""
        if self.closed or sys.platform != "linux":
            return None
        root = self._watch.process.pid
        words = "the process that is shut in, with the model and its runtime"
        return Taken(tree.used(root).cpu_s, tree.peak_bytes(root), words)

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
            self._remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _asked(self, ask: Callable[[], Answer], hung: str) -> Answer:
        """Ask, and turn whatever goes wrong into words; all but a refusal of the model's own ends the process."""
        try:
            return ask()
        except Failed as error:
            raise world_error(error.fault, error.detail) from None
        except (Ended, Hung, Unreadable) as error:
            self._watch.settle(error)
            self.close()
            raise self._broken(error, hung) from None
        except BaseException:  # interrupted in the middle of a message: the next one could not be told from it
            self.close()
            raise

    def _broken(self, error: Exception, hung: str) -> WorldError:
        if self._watch.verdict:
            return world_error(self._watch.verdict)
        if isinstance(error, Hung):
            return world_error(hung)
        if isinstance(error, Unreadable):
            return world_error("sandbox_output" if isinstance(error, TooLarge) else "sandbox_protocol", str(error))
        return world_error(EXITS.get(self._watch.process.returncode, "sandbox_died"))


def _state(channel: Channel, level: Confinement, deadline: float) -> SandboxState:
    """What the process says is in force, before anything of the vendor's is looked at."""
    layers = opened(channel.line(deadline)).get("layers")
    if not isinstance(layers, list):
        raise Unreadable("it does not say how it is shut in")
    return state_of(level, tuple(str(layer) for layer in layers))


def _check_files(kind: Kind, folder: Path, entry: str, command: Sequence[str]) -> None:
    """The file that is loaded stands in the folder, itself and not as a link that leads out."""
    if kind == "command":
        if not command or not folder.is_dir():
            raise world_error("model_missing")
        return
    path = folder / entry
    if not entry or not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise world_error("model_missing")
