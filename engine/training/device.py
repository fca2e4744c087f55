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


def pick_device(wish: str, local_rank: int = 0, local_world: int = 1) -> torch.device:
    """The device for "auto", "cpu" or "cuda"; one GPU for each of the ranks on this machine.

    Args:
        wish: what the config asks for.
        local_rank: number of this rank on this machine.
        local_world: ranks on this machine.

    Raises:
        WorldError: a GPU is asked for and torch sees none, or there are fewer than ranks.
    """
    present = torch.cuda.is_available()
    if wish == "cuda" and not present:
        raise WorldError("device cuda", "torch sees no GPU here", "Set device = cpu, or install a GPU build of torch")
    if not present or wish == "cpu":
        return torch.device("cpu")
    if local_world == 1:
        return torch.device("cuda")
    seen = torch.cuda.device_count()
    if seen < local_world:
        raise WorldError(
            "device cuda", f"{local_world} ranks need as many GPUs here, there are {seen}", f"Set ranks = {seen}"
        )
    return torch.device("cuda", local_rank)


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_threads(wish: int, local_world: int = 1) -> int:
    """Set torch's CPU threads and hand the number back; 0 leaves one core for the window and shares out the others.

    Sums in float32 depend on it in their last bits, so a run that is to be repeated exactly keeps its number.
    """
    threads = wish or max(1, (usable_cores() - 1) // local_world)
    torch.set_num_threads(threads)
    return threads
