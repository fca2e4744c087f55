"""How much memory this process takes, and how much it may take.

A limit of its control group counts as the machine's: in a container the system's free memory is not ours to use.
Without a package for it: /proc and /sys on Linux, `resource` on macOS, the system's own library on Windows.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

PROC, CGROUP = Path("/proc"), Path("/sys/fs/cgroup")
UNLIMITED = 1 << 60
"""Control groups write a number near 2^63 for no limit."""


def resident_bytes() -> int:
    """Memory that this process holds now."""
    if sys.platform.startswith("linux"):
        return _status("VmRSS")
    if sys.platform == "win32":
        return _windows_counters()[1]
    return peak_bytes()


def peak_bytes() -> int:
    """The most memory that this process has held, since `forget_peak` where the system can forget."""
    if sys.platform.startswith("linux"):
        return _status("VmHWM")
    if sys.platform == "win32":
        return _windows_counters()[0]
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def forget_peak() -> None:
    """Begin a new peak (Linux; elsewhere the peak is that of the process's whole life)."""
    try:
        (PROC / "self/clear_refs").write_text("5")
    except OSError:
        return


def available_bytes() -> int | None:
    """Memory that may still be taken; None when the system does not tell."""
    told = [value for value in (_machine_free(), group_room(CGROUP)) if value is not None]
    return min(told) if told else None


def group_room(root: Path) -> int | None:
    """What the control group of this process leaves free; None without a limit.

    Pages of files that were read count as used there but are given back under pressure: they are room.
    """
    for limit, used, stat, key in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
    ):
        most, now = _number(root / limit), _number(root / used)
        if most is not None and now is not None and most < UNLIMITED:
            return max(0, most - now + _entry(root / stat, key))
    return None


def _machine_free() -> int | None:
    if sys.platform.startswith("linux"):
        return _entry(PROC / "meminfo", "MemAvailable:") * 1024 or None
    if sys.platform == "win32":
        return _windows_available()
    return _mac_available()


def _status(name: str) -> int:
    return _entry(PROC / "self/status", f"{name}:") * 1024


def _entry(path: Path, name: str) -> int:
    """The number behind a name in a file of lines "name number ..."; 0 when it is not there."""
    try:
        for line in path.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return 0


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # absent, or "max"
        return None


def _mac_available() -> int | None:
    """Free, inactive and speculative pages, as `vm_stat` lists them."""
    try:
        told = subprocess.run(["/usr/bin/vm_stat"], capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    pages = 0
    for line in told.splitlines():
        name, _, count = line.partition(":")
        if name in ("Pages free", "Pages inactive", "Pages speculative"):
            pages += int(count.strip(" ."))
    return pages * os.sysconf("SC_PAGE_SIZE") if pages else None


if sys.platform == "win32":
    from ctypes import wintypes

    class _Memory(ctypes.Structure):
        """MEMORYSTATUSEX of the Windows API."""

        _fields_ = (
            ("length", wintypes.DWORD),
            ("load", wintypes.DWORD),
            *((name, ctypes.c_ulonglong) for name in ("total", "available", "page", "page_free", "own", "own_free")),
            ("extended", ctypes.c_ulonglong),
        )

    class _Counters(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS of the Windows API."""

        _fields_ = (
            ("size", wintypes.DWORD),
            ("faults", wintypes.DWORD),
            ("peak", ctypes.c_size_t),
            ("working", ctypes.c_size_t),
            *((f"pool_{n}", ctypes.c_size_t) for n in range(6)),
        )

    def _windows_available() -> int | None:
        told = _Memory(length=ctypes.sizeof(_Memory))
        return int(told.available) if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(told)) else None

    def _windows_counters() -> tuple[int, int]:
        """Peak and present working set of this process."""
        told = _Counters(size=ctypes.sizeof(_Counters))
        kernel = ctypes.windll.kernel32
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        kernel.K32GetProcessMemoryInfo.argtypes = (wintypes.HANDLE, ctypes.c_void_p, wintypes.DWORD)
        kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ctypes.byref(told), told.size)
        return int(told.peak), int(told.working)
else:

    def _windows_available() -> int | None:
        return None

    def _windows_counters() -> tuple[int, int]:
        return 0, 0
