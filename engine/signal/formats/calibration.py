"""The calibration pulse that Philips carts write behind the ECG, in every lead at once: found and cut off.

All Philips files at hand (Sierra 1.03 to 1.04.01, and an aECG converted from one) end in rest, a pulse of 1 mV and
0.2 s, and rest. No heart does that: III is II - I, so it is not 1 mV where I and II are. Left in, it would stand as a
beat in the data. What follows the last sample of ECG is cut, and the cut is told in the transformations.

Shapes: C channels, T samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.signal.assemble import Channel, lead_name

TAIL_S = 1.0
PULSE_MV, PULSE_S, TOLERANCE_MV = 1.0, 0.15, 0.05
"""The pulse is 1 mV; an export that filters again bends it by up to 0.02 mV (measured on the converted aECG)."""


def cut_pulse(channels: Sequence[Channel], rate_hz: float) -> tuple[list[Channel], tuple[str, ...]]:
    """The channels without a calibration pulse at their end, and what was done, for the transformations."""
    known = [channel for channel in channels if lead_name(channel.name.removeprefix("-")) is not None]
    lengths = {len(channel.samples_T) for channel in known}
    tail = int(TAIL_S * rate_hz)
    if len(known) < 8 or len(lengths) != 1 or not 0 < tail < min(lengths):
        return list(channels), ()
    tail_CT = np.array([(c.samples_T[-tail:].astype(np.float64) - c.zero) * c.mv_per_step for c in known])
    pulse = (np.abs(tail_CT - PULSE_MV) < TOLERANCE_MV).all(axis=0)
    inside = np.flatnonzero(pulse)
    if len(inside) < PULSE_S * rate_hz or inside[-1] - inside[0] + 1 != len(inside):
        return list(channels), ()
    rest = (np.abs(tail_CT) < TOLERANCE_MV / 2).all(axis=0)
    busy = np.flatnonzero(~rest[: max(inside[0] - int(0.02 * rate_hz), 0)])
    keep = lengths.pop() - tail + (int(busy[-1]) + 1 if len(busy) else 0)
    cut = [replace(channel, samples_T=channel.samples_T[:keep]) for channel in channels]
    return cut, (f"the last {(len(known[0].samples_T) - keep) / rate_hz:.2f} s cut off: a calibration pulse of 1 mV",)
