"""From nine electrodes to twelve leads: what noise at an electrode, or a cable at a wrong place, does to all of them.

Every lead is a difference of potentials: I = LA - RA, II = LL - RA, V1 = C1 - (RA + LA + LL) / 3 (Wilson's central
terminal). So noise of one arm shows in five limb leads and, by a third, in all chest leads, and Einthoven's law goes
on to hold. Potentials are known up to a common one; the right arm's is taken as zero.

Shapes: E electrodes (RA, LA, LL, C1 to C6), C leads (12, canonical order), T samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]

ELECTRODES = ("RA", "LA", "LL", "C1", "C2", "C3", "C4", "C5", "C6")

_THIRD = 1.0 / 3.0
_LIMBS = (
    (-1.0, 1.0, 0.0),
    (-1.0, 0.0, 1.0),
    (0.0, -1.0, 1.0),
    (1.0, -0.5, -0.5),
    (-0.5, 1.0, -0.5),
    (-0.5, -0.5, 1.0),
)
LEADS_CE = np.zeros((12, 9))
"""Weight of every electrode in every lead."""
LEADS_CE[:6, :3] = _LIMBS
LEADS_CE[6:, :3] = -_THIRD
LEADS_CE[6:, 3:] = np.eye(6)
LEADS_CE.setflags(write=False)


def leads_of(potential_ET: NDArray[np.floating]) -> Signal:
    """Twelve leads from the potentials of nine electrodes, in the unit of the potentials."""
    return np.asarray(LEADS_CE @ potential_ET, dtype=np.float32)


def potentials_of(signal_CT: NDArray[np.floating]) -> NDArray[np.float64]:
    """Potentials of nine electrodes against the right arm, from leads I, II and V1 to V6.

    Args:
        signal_CT: twelve leads, no sample missing. III, aVR, aVL and aVF are not asked: they follow from I and II.
    """
    lead_one, lead_two = np.asarray(signal_CT[0], np.float64), np.asarray(signal_CT[1], np.float64)
    central = (lead_one + lead_two) * _THIRD
    chest = np.asarray(signal_CT[6:], np.float64) + central
    return np.vstack([np.zeros_like(lead_one), lead_one, lead_two, chest])


def exchanged(signal_CT: NDArray[np.floating], one: str, other: str) -> Signal:
    """The twelve leads as they are when the cables of two electrodes are exchanged.

    Args:
        signal_CT: twelve leads, no sample missing.
        one: an electrode of `ELECTRODES`.
        other: another one.
    """
    potential_ET = potentials_of(signal_CT)
    places = [ELECTRODES.index(one), ELECTRODES.index(other)]
    potential_ET[places] = potential_ET[places[::-1]]
    return leads_of(potential_ET)
