"""Memory, heat and energy of the GPU. NVIDIA's management library comes with the driver and is asked directly."""

from __future__ import annotations

import ctypes
import os
from typing import Any

import torch

_LIBRARY = "nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1"
_GPU_SENSOR = 0


class Gauges:
    """What a device can tell of itself; a CPU tells nothing."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._nvml = _open() if device.type == "cuda" else None
        self._handle = self._find() if self._nvml else None

    def read(self) -> dict[str, float]:
        """`memory_gb`, the most that tensors took so far in GB, and `temperature_c`; without waiting for the GPU."""
        if self._device.type != "cuda":
            return {}
        told = {"memory_gb": torch.cuda.max_memory_allocated(self._device) / 1e9}
        degrees = ctypes.c_uint()
        if self._handle and self._asked("nvmlDeviceGetTemperature", self._handle, _GPU_SENSOR, ctypes.byref(degrees)):
            told["temperature_c"] = float(degrees.value)
        return told

    def joules(self) -> float | None:
        """Energy that the GPU has taken since its driver was loaded; None where it does not count."""
        millijoules = ctypes.c_ulonglong()
        asked = "nvmlDeviceGetTotalEnergyConsumption"
        known = self._handle and self._asked(asked, self._handle, ctypes.byref(millijoules))
        return millijoules.value / 1e3 if known else None

    def watts(self) -> float | None:
        """Power that the GPU takes now; None where it does not tell."""
        milliwatts = ctypes.c_uint()
        known = self._handle and self._asked("nvmlDeviceGetPowerUsage", self._handle, ctypes.byref(milliwatts))
        return milliwatts.value / 1e3 if known else None

    def _find(self) -> ctypes.c_void_p | None:
        """The device in the library's list: its numbers differ from torch's, so it goes by its UUID."""
        uuid = f"GPU-{torch.cuda.get_device_properties(self._device).uuid}".encode()
        handle = ctypes.c_void_p()
        return handle if self._asked("nvmlDeviceGetHandleByUUID", uuid, ctypes.byref(handle)) else None

    def _asked(self, name: str, *arguments: Any) -> bool:
        return bool(getattr(self._nvml, name)(*arguments) == 0)


def _open() -> Any:
    """The library, ready; None without a driver that has it."""
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    return library if library.nvmlInit_v2() == 0 else None
