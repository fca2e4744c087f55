"""What each subject of the reference files is computed by: from a case's inputs to named numbers.

One function a subject; its arguments are the inputs of the subject's cases, its answer holds at least the quantities
that they expect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from engine.metrics import drift
from engine.selftest import discrimination, models, probabilities

Answer = Mapping[str, float]


def _drift(reference: Sequence[float], local: Sequence[float]) -> Answer:
    """Largest gap of two distribution functions."""
    value_N = np.array([*reference, *local], dtype=np.float64)
    local_N = np.arange(len(value_N)) >= len(reference)
    return {"gap": float(drift.distribution_gap(value_N, local_N[:, None])[0])}


SUBJECTS: dict[str, Callable[..., Answer]] = {
    "drift": _drift,
    **models.SUBJECTS,
    **discrimination.SUBJECTS,
    **probabilities.SUBJECTS,
}
