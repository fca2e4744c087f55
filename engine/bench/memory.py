"""How much memory a call needs at its highest, beyond what the process holds before it."""

from __future__ import annotations

import ctypes
from pathlib import Path

from engine.bench.measure import Call

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORGET_PEAK = "5"
"""Written to `clear_refs` it sets the high-water mark back to what is resident (Linux, proc(5))."""


def peak_megabytes(call: Call) -> float | None:
    """Megabytes that are resident at the highest point of a call, less those before it; None where nobody tells.

    Memory that an earlier call gave back is handed to the system first, so that it does not hide what this one takes.
    """
    try:
        _hand_back()
        CLEAR.write_text(FORGET_PEAK)
        before = _told("VmRSS")
        call()
        return max(0.0, _told("VmHWM") - before)
    except (OSError, KeyError):
        return None


def _told(name: str) -> float:
    """A line of the process's status in megabytes."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text(encoding="ascii").splitlines() if ":" in line)
    return int(lines[name].split()[0]) / 1024


def _hand_back() -> None:
    """Give free memory back to the system, where the C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
