"""May the electrodes of the left arm and the left leg be exchanged?

That exchange turns lead III over, puts I and II in each other's place, and leaves aVR and the chest leads as they are.
All it changes is a sign: of III in every wave, of the likeness of III to each lead that stays (after Kors and van
Herpen, J Electrocardiol 34 Suppl, 2001), and of the way round the loop turns that III draws against it (Han and others,
J Electrocardiol 47, 2014, ask the rotation of the frontal loop alone). A sum of such features is as high as it would be
low after the exchange. The heights of waves, which readers go by (Abdollah and Milliken, Am J Cardiol 80, 1997), tell
less than the loops: docs/quality.md.

Shapes: L samples of a beat, S leads that stay (7), F features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.signal.leads import PRECORDIAL
from engine.signal.quality_beats import Beats
from engine.signal.quality_weights import LEFT_WEIGHTS

STAYING = ("aVR", *PRECORDIAL)
WAVES = {"P": (-0.24, -0.08), "QRS": (-0.06, 0.1), "T": (0.12, 0.4)}
"""Seconds around the middle of the QRS complex in which leads are compared."""
PARTS = {
    "P early": (-0.24, -0.16, 8.0),
    "P late": (-0.16, -0.08, 8.0),
    "QRS early": (-0.06, -0.01, 2.0),
    "QRS middle": (-0.01, 0.03, 2.0),
    "QRS late": (0.03, 0.09, 2.0),
    "ST": (0.09, 0.16, 5.0),
    "T early": (0.16, 0.28, 4.0),
    "T late": (0.28, 0.4, 4.0),
}
"""Seconds in which the mean of III is taken, and by how much it is enlarged before it is bent."""
FEATURES = (
    tuple(f"III {part}" for part in PARTS)
    + tuple(f"III~{lead} {wave}" for wave in WAVES for lead in STAYING)
    + tuple(f"III^{lead} {wave}" for wave in WAVES for lead in STAYING)
)
"""Names: III in a part of the beat; its likeness to a lead in a wave; which way round their loop turns."""
LEAST_HEIGHT, LEAST_STEP = 0.02, 0.01
"""Share of the QRS complexes' size, and of it in 8 ms, below which a wave counts as none."""
STEP_HZ = 125.0
_WEIGHTS_F = np.array([LEFT_WEIGHTS[name] for name in FEATURES])


def left_gain(beats: Beats) -> float:
    """How much more ordinary the recording looks with LA and LL exchanged back; log odds, below zero as a rule."""
    return float(-2 * left_features(beats) @ _WEIGHTS_F)


def left_features(beats: Beats) -> NDArray[np.float64]:
    """`FEATURES` of the median beat, [F], each between -1 and 1; exchanging LA and LL changes the sign of all."""
    median_CL = beats.median_CL.astype(np.float64)
    median_CL -= np.median(median_CL[:, beats.span(-0.1, -0.05)], axis=1, keepdims=True)
    size = np.sqrt((median_CL[:, beats.span(-0.06, 0.1)] ** 2).mean()) + 1e-6
    one, two = median_CL[:2]
    leads = np.vstack([two - one, -(one + two) / 2, median_CL[6:]])
    means = [strength * leads[0, beats.span(*span)].mean() / size for *span, strength in PARTS.values()]
    steps = np.gradient(leads, axis=1) * (beats.rate_hz / STEP_HZ)
    alike, turns = zip(*(_compared(leads, steps, beats.span(*span), size) for span in WAVES.values()), strict=True)
    return np.concatenate([np.tanh(means), *alike, *turns])


def _compared(
    leads: NDArray[np.float64], steps: NDArray[np.float64], wave: slice, size: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Likeness of III, the first row, to every other row, and the turn of their loop: twice the area it sweeps."""
    heights, slopes = leads[:, wave], steps[:, wave]
    count = heights.shape[1]
    height = np.sqrt((heights**2).mean(axis=1)) + LEAST_HEIGHT * size
    slope = np.sqrt((slopes**2).mean(axis=1)) + LEAST_STEP * size
    alike = heights[1:] @ heights[0] / count / (height[1:] * height[0])
    ahead = slopes[1:] @ heights[0] / count / (slope[1:] * height[0])
    behind = heights[1:] @ slopes[0] / count / (height[1:] * slope[0])
    return alike, (ahead - behind) / 2
