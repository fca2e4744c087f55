"""One reader under guard: what it opens, how long it takes, what it allocates and what it says are watched.

Run by `run_fuzz.py` as a process of its own that may be killed; also called directly by the tests.
"""

from __future__ import annotations

import os
import resource
import sys
import time
import traceback
import warnings
from pathlib import Path

SECONDS = 2.0
BASE_BYTES = 64 * 2**20
SECRET = "ZZSECRETZZ"
NO_FILES = ("<string>", "<unknown>")
"""Where a literal is no Python, Python 3.13 itself looks for its source under these names, to show the line."""

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from engine.contract.errors import WorldError  # noqa: E402
from engine.contract.mapping import SignalTable  # noqa: E402
from engine.signal.readers import find_sources, read_recording  # noqa: E402
from engine.signal.recording import Recording  # noqa: E402

MAPPING = SignalTable(rate_hz=500, unit="mV")
"""What a person would tell of the tables and arrays among the seeds; other formats do not ask."""


class Guard:
    """Watches every file that is opened below `folder`'s level; library files of Python itself are its own affair."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder.resolve())
        self.own = tuple(str(Path(place).resolve()) for place in {sys.prefix, sys.base_prefix, str(ROOT / "engine")})
        self.own += (
            str(ROOT / "tests" / "fuzz"),
            "/proc/",
            "/usr/",
            "/lib",
            "/etc/localtime",
            "/dev/null",
            "/sys/devices",
        )
        self.strays: list[str] = []
        self.watching = False
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.watching or event not in ("open", "socket.connect", "os.system", "subprocess.Popen"):
            return
        if event != "open":
            self.strays.append(event)
            return
        path, mode = arguments[0], arguments[1]
        if not isinstance(path, str | bytes) or path in NO_FILES:
            return
        # Not resolved by the file system: that would open it.
        place = os.path.abspath(os.fsdecode(path))
        if isinstance(mode, str) and any(letter in mode for letter in "wax+"):
            self.strays.append(f"write ({mode})")
        elif not place.startswith((self.folder, *self.own)):
            self.strays.append(f"read outside the folder: {place}")

    def read(self, path: Path) -> str:
        """Read the file: "read", "refused", or what was wrong."""
        self.strays.clear()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        started = time.process_time()
        self.watching = True
        try:
            outcome, decoded = _attempt(path)
        finally:
            self.watching = False
        spent = time.process_time() - started
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
        if self.strays:
            return f"bad: {self.strays[0][:200]}"
        if spent > SECONDS:
            return "bad: slow"
        if grown > BASE_BYTES + 3 * decoded:
            return "bad: memory"
        return outcome


def _attempt(path: Path) -> tuple[str, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            recording = read_recording(find_sources([path], MAPPING)[0], mapping=MAPPING)
        except WorldError as error:
            said = f"{error} {error.fault}"
            leaks = SECRET in said or path.name in said or str(path.parent) in said
            return ("bad: the refusal quotes the file" if leaks else "refused"), 0
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            own = [frame for frame in frames if "/engine/" in frame.filename] or frames
            return f"bad: {type(error).__name__} at {Path(own[-1].filename).name}:{own[-1].name}", 0
    return _judge(recording), recording.signal_CT.size * 8 + (
        recording.extra.signal_XT.size * 8 if recording.extra else 0
    )


def _judge(recording: Recording) -> str:
    signal_CT = recording.signal_CT
    sound = signal_CT.shape[0] == 12 and signal_CT.shape[1] > 0 and not np.isinf(signal_CT).any()
    sound = sound and 1 <= recording.rate_hz <= 100_000 and SECRET not in repr(recording)
    sound = sound and all(np.isfinite(value) for value in recording.measurements.values())
    sound = sound and (recording.age is None or 0 <= recording.age <= 300)
    return "read" if sound else "bad: a recording that cannot be"


def limit_memory(decoded: int) -> None:
    """From here on this process gets no more address space than base + 64 MB + three times the decoded size."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    ceiling = now + BASE_BYTES + 3 * decoded
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, resource.getrlimit(resource.RLIMIT_AS)[1]))
