"""What is known of a recording without looking at its samples: the humble comparator that every model must beat.

Age and sex, and what the cart itself measured: rate, intervals, axes, as they stand in the recordings' files.

Legend: N recordings, M measurements.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.contract.model_source import BaselineFeature
from engine.evaluation.opened import Opened

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def known_features(opened: Opened, chosen: Sequence[BaselineFeature], train_N: Rows) -> Floats:
    """Features with what is missing filled from the training part and marked by an indicator of its own.

    Args:
        opened: age, sex and measurements of the recordings.
        chosen: which of them.
        train_N: which recordings may be learned from. A missing number is their median, a missing sex their mean.

    Returns:
        Two columns for each number: the value, and whether it was missing.

    Raises:
        WorldError: measurements are asked for, and no recording has any.
    """
    columns: list[Floats] = []
    if "age" in chosen:
        columns += _filled(opened.age_N, train_N)
    if "sex" in chosen:
        columns += _filled(opened.sex_N, train_N, mean=True)
    if "measurements" in chosen:
        if not opened.measured:
            reason = "no recording of the cohort has measurements of the cart"
            raise WorldError("baseline", reason, "Choose the baseline of age and sex, or recordings that have some")
        for value_N in opened.measured_NM.T:
            columns += _filled(value_N, train_N)
    return np.column_stack(columns)


def _filled(value_N: Floats, train_N: Rows, mean: bool = False) -> list[Floats]:
    missing_N = ~np.isfinite(value_N)
    learned = value_N[train_N & ~missing_N]
    fill = float(np.mean(learned) if mean else np.median(learned)) if len(learned) else 0.0
    return [np.where(missing_N, fill, value_N), missing_N.astype(np.float64)]
