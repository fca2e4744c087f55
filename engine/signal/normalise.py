"""Z-scores of the leads by fixed statistics of PTB-XL, or none (method specification, section 1.2).

The study's constants stand in its code without names. Their order is I, II, V1 ... V6, III, aVR, aVL, aVF, and the
means themselves prove it: a mean is linear, so Einthoven (III = II - I) and Goldberger (aVR = -(I + II) / 2,
aVL = I - II / 2, aVF = II - I / 2) hold between the means of the limb leads. In this order Einthoven holds to 2e-7 mV
and Goldberger to 6e-5 mV; in canonical order they are off by 4e-4 mV and by up to 2.5e-3 mV. So every constant here has
its lead, and the order of an array follows from the names.

As released the constants meet leads in canonical order unnamed, so most leads are scaled by another lead's statistics
(section 9, item 3): III by 0.73 of what it should be, V4 by 2.18. `ptbxl_as_released` repeats that, to measure it.

Shapes: C leads, T samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.signal.leads import CANONICAL

Column = NDArray[np.float32]

LISTED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6", "III", "aVR", "aVL", "aVF")
"""The leads that the study's constants belong to, in the order in which it lists them."""

MEANS_MV = (
    *(-0.00184586, -0.00130277, 0.00017031, -0.00091313, -0.00148835, -0.00174687),
    *(-0.00077071, -0.00207407, 0.00054329, 0.00155546, -0.00114379, -0.00035649),
)
DEVIATIONS_MV = (
    *(0.16401004, 0.1647168, 0.23374124, 0.33767231, 0.33362807, 0.30583013),
    *(0.2731171, 0.27554379, 0.17128962, 0.14030828, 0.14606956, 0.14656108),
)

TEXTS = {
    "none": "none",
    "ptbxl": "z-score per lead by PTB-XL's mean and standard deviation, after clipping",
    "ptbxl_as_released": "z-score per lead by PTB-XL's statistics in another lead order, as released, after clipping",
}
"""What a model card says, by the name that a config uses."""

CONSTANTS = "z-score per lead by constants"
"""What a card says that gives means and deviations of its own, in the unit that is fed."""

_ORDERS = {"ptbxl": LISTED, "ptbxl_as_released": CANONICAL}
"""The leads that each constant is taken to belong to."""


def statistics(name: str, leads: Sequence[str] = CANONICAL) -> tuple[Column, Column] | None:
    """Mean and standard deviation of each lead in millivolts, two columns float32 [C, 1]; None for "none".

    Args:
        name: "none", "ptbxl" or "ptbxl_as_released".
        leads: the leads of the array that they are for, in its order.
    """
    if name == "none":
        return None
    places = [_ORDERS[name].index(lead) for lead in leads]
    means_C, deviations_C = np.asarray(MEANS_MV)[places], np.asarray(DEVIATIONS_MV)[places]
    return means_C[:, None].astype(np.float32), deviations_C[:, None].astype(np.float32)


def normalise(signal_CT: Column, text: str, leads: Sequence[str] = CANONICAL) -> Column:
    """A signal normalised as a card says.

    Args:
        signal_CT: millivolts, already clipped, without missing samples.
        text: what the card says, one of `TEXTS`.
        leads: of the array, in its order.
    """
    name = next(name for name, known in TEXTS.items() if known == text)
    told = statistics(name, leads)
    if told is None:
        return signal_CT
    means_C1, deviations_C1 = told
    return (signal_CT - means_C1) / deviations_C1


def normalise_by(signal_CT: Column, means: Sequence[float], deviations: Sequence[float]) -> Column:
    """Z-scores by constants, one a lead, in the signal's own unit."""
    means_C, deviations_C = np.asarray(means, dtype=np.float32), np.asarray(deviations, dtype=np.float32)
    return (signal_CT - means_C[:, None]) / deviations_C[:, None]
