"""One ECG in memory: twelve canonical leads in millivolts, with where it comes from.

Shapes: C leads (12, canonical order), T samples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.signal.acquisition import Acquisition, ExtraLeads, Statement
from engine.signal.leads import CANONICAL

OLDEST_SHOWN = 89
"""Ages above are shown as 90+ and stored as 90 (HIPAA Safe Harbor)."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One 12-lead ECG.

    Attributes:
        signal_CT: [12, T] float32 millivolts; NaN where a sample is missing, a whole row where a lead is absent.
        rate_hz: samples a second.
        present: per lead, whether it holds samples (measured or derived).
        derived: leads that were computed from others.
        resolution_mv: [12] float64 millivolts per step where the file held integers, else None.
        format: what the file was, for people: "WFDB format 16".
        file_sha256: hash over the bytes of header and signal files, in this order.
        source_name: stem of the file. It may identify a patient: never into events, logs or reports.
        age: years; `age_years` is what may be shown.
        patient: the file's own patient id, if any. Never into events, logs or reports.
        acquired: date and time of the recording as in the file, ISO 8601 where the format allows to tell. Never into
            events, logs or reports.
        reader: what read it, with its version: "isoline 0.1.0 wfdb", "ecgdatakit 2.0.3".
        transformations: what was done to the samples on reading, in order and in plain words; provenance.
        acquisition: device and settings.
        statements: what the cart or a reader stated. Texts may identify.
        measurements: the cart's own global measurements, by the names of `MEASUREMENTS`.
        extra: leads beyond the twelve.
        identifiers: (kind, text) of everything that may identify a person, place or device, as found in the file;
            kinds are `IDENTIFIER_KINDS`. Never into events, logs or reports.
    """

    signal_CT: NDArray[np.float32] = field(repr=False)
    rate_hz: float
    leads: tuple[str, ...] = CANONICAL
    present: tuple[bool, ...] = (True,) * 12
    derived: tuple[str, ...] = ()
    resolution_mv: NDArray[np.float64] | None = field(default=None, repr=False)
    format: str = ""
    file_sha256: str = ""
    source_name: str = field(default="", repr=False)
    age: float | None = field(default=None, repr=False)
    sex: Literal["female", "male", "unknown"] = field(default="unknown", repr=False)
    patient: str | None = field(default=None, repr=False)
    acquired: str | None = field(default=None, repr=False)
    reader: str = ""
    transformations: tuple[str, ...] = ()
    acquisition: Acquisition = field(default_factory=Acquisition, repr=False)
    statements: tuple[Statement, ...] = field(default=(), repr=False)
    measurements: Mapping[str, float] = field(default_factory=dict, repr=False)
    extra: ExtraLeads | None = field(default=None, repr=False)
    identifiers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.signal_CT.shape[0] != len(CANONICAL) or self.leads != CANONICAL:
            raise ValueError("a Recording holds the twelve leads in canonical order")
        if self.signal_CT.dtype != np.float32:
            raise ValueError("a Recording holds float32")

    @cached_property
    def signal_sha256(self) -> str:
        """Hash of rate, leads and samples: equal for the same signal, whatever the file format."""
        return signal_digest(self.signal_CT, self.rate_hz)

    @property
    def record_id(self) -> str:
        """Short id that says nothing about the patient: "r" and 12 hex digits of the signal's hash."""
        return "r" + self.signal_sha256[:12]

    @property
    def samples(self) -> int:
        """Samples per lead."""
        return int(self.signal_CT.shape[1])

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples / self.rate_hz

    @property
    def age_over_89(self) -> bool:
        """Whether the age may only be shown as 90+."""
        return self.age is not None and self.age > OLDEST_SHOWN

    @property
    def age_years(self) -> float | None:
        """Age that may be stored and shown: 90 stands for everything above 89."""
        return float(OLDEST_SHOWN + 1) if self.age_over_89 else self.age


def signal_digest(signal_CT: NDArray[np.float32], rate_hz: float) -> str:
    """SHA-256 (hex) over rate, lead names and little-endian float32 samples, with one NaN and one zero."""
    canonical = np.ascontiguousarray(signal_CT, dtype="<f4") + np.float32(0)  # -0.0 becomes 0.0
    missing = np.isnan(canonical)
    if missing.any():
        canonical[missing] = np.float32(np.nan)
    digest = hashlib.sha256(f"{float(rate_hz)!r}\n{','.join(CANONICAL)}\n{canonical.shape[1]}\n".encode())
    digest.update(canonical.data)
    return digest.hexdigest()
