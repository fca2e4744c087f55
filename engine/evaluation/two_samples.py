"""Two samples of embeddings told apart: by a classifier, and by a kernel test.

The classifier is the linear probe, asked which side a recording is of. It is fitted on half of the patients and judged
on the other half: an AUROC near one half says that this model's features do not tell the sides apart. Scores pooled
over cross-validation folds would not do here. Where nothing is to be learnt they lie below chance (in a test of equal
samples the interval ended at 0.45), since what a fold lacks its training part has too much of.

Legend: N recordings of both sides, D features, Q permutations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.drift import DriftConfig, KernelTest
from engine.contract.estimate import Estimate
from engine.data.splits import patient_folds
from engine.evaluation.probe import cross_validated
from engine.metrics.drift import LARGEST, kernel_test
from engine.metrics.estimates import auroc_estimate, measure
from engine.metrics.uncertainty import draw_multiplicities, patient_codes

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def told_apart(config: DriftConfig, patients: Sequence[str], x_ND: Floats, local_N: Rows) -> Estimate:
    """AUROC of a linear probe, fitted on half of the patients, that tells the sides of the other half apart."""
    y_N = local_N.astype(np.float64)
    half_N = patient_folds(patients, y_N[:, None], 2, config.seed)
    parts = np.where(half_N == 0, "train", "test").tolist()
    told = cross_validated(x_ND, y_N[:, None], patients, parts, config.seed)
    if told.problems:
        return Estimate(not_estimable=next(iter(told.problems.values())))
    codes_N, count = patient_codes(patients)
    weight_PB = draw_multiplicities(count, config.resamples, config.seed)
    return auroc_estimate(measure(y_N, told.score_NL[:, 0], codes_N, weight_PB), config.confidence)


def kernel_of(config: DriftConfig, x_ND: Floats, local_N: Rows, sides_NQ: NDArray[np.bool_]) -> KernelTest | None:
    """The kernel test on standardised features, on at most `LARGEST` recordings a side; None with too few."""
    rows = _sample(np.asarray(np.isfinite(x_ND).all(axis=1)), local_N, config.seed)
    if min(local_N[rows].sum(), (~local_N[rows]).sum()) < 2:
        return None
    spread_D = x_ND[rows].std(axis=0)
    z_ND = (x_ND[rows] - x_ND[rows].mean(axis=0)) / np.where(spread_D > 0, spread_D, 1.0)
    found = kernel_test(z_ND, local_N[rows], sides_NQ[rows])
    return KernelTest(
        squared=found.squared,
        bandwidth=found.bandwidth,
        p_value=found.p_value,
        permutations=sides_NQ.shape[1],
        reference_records=int((~local_N[rows]).sum()),
        local_records=int(local_N[rows].sum()),
    )


def _sample(usable_N: Rows, local_N: Rows, seed: int) -> NDArray[np.intp]:
    """Places of at most `LARGEST` usable recordings a side, in their order."""
    rng, chosen = np.random.default_rng(seed), []
    for side_N in (~local_N, local_N):
        rows = np.flatnonzero(side_N & usable_N)
        chosen.append(rows if len(rows) <= LARGEST else rng.choice(rows, LARGEST, replace=False))
    return np.sort(np.concatenate(chosen))
