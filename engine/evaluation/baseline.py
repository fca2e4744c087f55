"""Age and sex as features: the humble comparator that every model must beat.

Legend: N recordings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def demographic_features(age_N: Floats, sex_N: Floats, chosen: Sequence[str], train_N: NDArray[np.bool_]) -> Floats:
    """Age and sex with what is missing filled from the training part and marked by an indicator of its own.

    Args:
        age_N: years, NaN where unknown.
        sex_N: 1 female, 0 male, NaN where unknown.
        chosen: "age", "sex" or both.
        train_N: which recordings may be learned from. A missing age is their median, a missing sex their mean.

    Returns:
        [N, 2] for each chosen one: the value, and whether it was missing.
    """
    columns: list[Floats] = []
    for name, value_N, middle in (("age", age_N, np.median), ("sex", sex_N, np.mean)):
        if name not in chosen:
            continue
        missing_N = ~np.isfinite(value_N)
        learned = value_N[train_N & ~missing_N]
        fill = float(middle(learned)) if len(learned) else 0.0
        columns += [np.where(missing_N, fill, value_N), missing_N.astype(np.float64)]
    return np.column_stack(columns)
