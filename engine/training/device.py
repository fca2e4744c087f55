"""Where training runs: devices, threads."""

from __future__ import annotations

import os
import platform

import torch

from engine.contract.errors import WorldError


def describe_devices() -> list[dict[str, str]]:
    """Name and description of every device that torch can use here, the CPU first."""
    told = platform.processor() or platform.machine() or "processor"
    devices = [{"name": "cpu", "description": f"{told}, {usable_cores()} cores"}]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        facts = torch.cuda.get_device_properties(index)
        memory = facts.total_memory / 2**30
        devices.append({"name": f"cuda:{index}", "description": f"{facts.name}, {memory:.0f} GiB"})
    return devices


def pick_device(wish: str) -> torch.device:
    """The device for "auto", "cpu" or "cuda".

    Raises:
        WorldError: a GPU is asked for and torch sees none.
    """
    present = torch.cuda.is_available()
    if wish == "cuda" and not present:
        raise WorldError("device cuda", "torch sees no GPU here", "Set device = cpu, or install a GPU build of torch")
    return torch.device("cuda" if present and wish != "cpu" else "cpu")


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_threads(wish: int) -> int:
    """Set torch's CPU threads and hand the number back; 0 leaves one core for the window.

    Sums in float32 depend on it in their last bits, so a run that is to be repeated exactly keeps its number.
    """
    threads = wish or max(1, usable_cores() - 1)
    torch.set_num_threads(threads)
    return threads
