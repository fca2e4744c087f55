"""The numbers that a vendor's own outputs give for the labels of an evaluation: nothing is trained.

Legend: N recordings, L labels, K classes of an output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.answers import Answer

Floats = NDArray[np.float64]


def own_scores(layers: Mapping[str, NDArray[np.float32]], chosen: Sequence[Answer]) -> tuple[Floats, Floats | None]:
    """Scores [N, L], and those of them that are probabilities (NaN columns else); None where none is.

    Args:
        layers: of an embedding run: per output [N, K].
        chosen: one a label.
    """
    score_NL = np.stack([layers[one.output][:, one.place].astype(np.float64) for one in chosen], axis=1)
    score_NL[~np.isfinite(score_NL)] = np.nan
    likely_L = np.array([one.judged_as == "probability" for one in chosen])
    return score_NL, np.where(likely_L, score_NL, np.nan) if likely_L.any() else None
