"""Energy of the warm-up steps: read from a counter where there is one, else assumed, and said so.

GPU: the driver's energy counter, else its power reading. CPU: the processor packages' counters (RAPL on Linux), which
count everything that runs on them. Else so many watts for each core that was busy.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch

from engine.training.gauges import Gauges

RAPL = Path("/sys/class/powercap")
ASSUMED = "assumed"
"""How a source begins that is no counter."""
WATTS_PER_CORE = 8.0
KWH_PER_JOULE = 1 / 3.6e6
"""Assumed where no counter can be read: what a busy core of a present desktop or server processor takes, roughly."""


class EnergyMeter:
    """Watts over a stretch of work; made when the stretch begins.

    Args:
        device: where the work runs.
        threads: cores that it keeps busy.
        rapl: where Linux shows the processor's counters.
    """

    def __init__(self, device: torch.device, threads: int, rapl: Path = RAPL) -> None:
        self._gauges, self._threads, self._rapl = Gauges(device), threads, rapl
        self._device = device
        self._began = time.monotonic()
        self._gpu, self._cpu = self._gauges.joules(), _packages(rapl)

    def watts(self) -> tuple[float, str]:
        """Mean power since it was made, and where the number comes from."""
        seconds = max(time.monotonic() - self._began, 1e-9)
        if self._device.type == "cuda":
            return self._of_gpu(seconds)
        now = _packages(self._rapl)
        spent = [after - self._cpu[name] for name, after in now.items() if name in self._cpu]
        if spent and all(joules > 0 for joules in spent):  # a counter that turned over tells nothing
            return sum(spent) / seconds, "the processor's energy counter (RAPL), all that runs on it included"
        return self._threads * WATTS_PER_CORE, f"{ASSUMED}: {WATTS_PER_CORE:g} W for each of {self._threads} busy cores"

    def spent(self, seconds: float, core_seconds: float) -> tuple[float, str]:
        """Joules of so many seconds, and where the number comes from.

        Without a counter it is so much for each second that a core really worked.
        """
        watts, source = self.watts()
        if self._device.type == "cpu" and source.startswith(ASSUMED):
            return WATTS_PER_CORE * core_seconds, f"{ASSUMED}: {WATTS_PER_CORE:g} W for each core while it works"
        return watts * seconds, source

    def _of_gpu(self, seconds: float) -> tuple[float, str]:
        now = self._gauges.joules()
        if now is not None and self._gpu is not None and now > self._gpu:
            return (now - self._gpu) / seconds, "the GPU's energy counter, without the rest of the machine"
        watts = self._gauges.watts()
        if watts is not None:
            return watts, "the GPU's power reading, without the rest of the machine"
        limit = 300.0
        return limit, f"{ASSUMED}: {limit:g} W for the GPU"


def _packages(root: Path) -> dict[str, float]:
    """Joules so far of every processor package that may be read."""
    told = {}
    for path in root.glob("intel-rapl:*"):
        if path.name.count(":") == 1:  # a package; those with a second number are parts of it
            try:
                told[path.name] = int((path / "energy_uj").read_text()) / 1e6
            except (OSError, ValueError):
                continue
    return told
