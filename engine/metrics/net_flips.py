"""McNemar's question where one patient gave several recordings: do two versions err on one side more than the other?

McNemar's exact test counts every disagreement as independent; ten recordings of one patient that all flip together are
then ten pieces of evidence. Here a patient counts once, by how many of his recordings flip one way more than the other:

- exact: were the versions alike, every patient's net flips might as well go the other way, so all signs are equally
  likely. The distribution of their sum is reckoned, not drawn. With one recording a patient it is McNemar's exact test.
- Obuchowski's chi squared for many patients, in the form that it takes when both versions are equal.

The exact test is told up to `EXACT_FLIPS` net flips; beyond, both agree and Obuchowski's is told. A clustered bootstrap
was left out: it tells intervals, and where few patients disagree its p values are too small.

Sources: McNemar, Psychometrika 12:153-157 (1947); Fisher's sign-flip argument (The Design of Experiments, 1935, section
21); Obuchowski, Stat Med 17:1495-1507 (1998), with Yang et al., Biom J 52:638-652 (2010), for the form.

Legend: N recordings, P patients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, gammaln

from engine.metrics.discrimination import Floats, Ints

Rows = NDArray[np.bool_]

EXACT_FLIPS = 20_000
"""Net flips up to which the exact distribution is reckoned."""


@dataclass(frozen=True)
class ClusteredTest:
    """One test over patients.

    Attributes:
        p_value: two-sided; None with fewer than two patients.
        statistic: Obuchowski's chi squared; None where nothing flips, or with fewer than two patients.
        patients: with recordings that flip more one way than the other.
        method: as printed.
    """

    p_value: float | None
    statistic: float | None
    patients: int
    method: str


def clustered_mcnemar(first_N: Rows, second_N: Rows, patient_N: Ints) -> ClusteredTest:
    """Whether two versions of paired answers differ, with patients as what was drawn.

    Args:
        first_N: whether the first is right (or calls, or has an output).
        second_N: the second, on the same recordings.
        patient_N: patient code of each recording.
    """
    people, codes_N = np.unique(patient_N, return_inverse=True)
    gap_N = second_N.astype(np.float64) - first_N
    net_P: Floats = np.bincount(codes_N, weights=gap_N, minlength=len(people)).astype(np.float64)
    flipping = int((net_P != 0).sum())
    exact = np.abs(net_P).sum() <= EXACT_FLIPS
    method = "exact, signs of patients' net flips" if exact else "Obuchowski 1998, chi squared"
    if len(people) < 2:
        return ClusteredTest(None, None, flipping, "not told: all recordings are of one patient")
    if not flipping:
        return ClusteredTest(1.0, None, 0, method)
    statistic = obuchowski(net_P)
    return ClusteredTest(sign_flip(net_P) if exact else float(chdtrc(1, statistic)), statistic, flipping, method)


def obuchowski(net_P: Floats) -> float:
    """Obuchowski's chi squared, 1 degree of freedom, from net flips of all patients; some must flip."""
    patients = len(net_P)
    return float((patients - 1) / patients * net_P.sum() ** 2 / np.sum(net_P**2))


def sign_flip(net_P: Floats) -> float:
    """Exact two-sided p value that net flips sum to so much, were each patient's sign a toss of a coin."""
    size_P = np.abs(net_P[net_P != 0]).astype(np.intp)
    share = np.ones(1)
    for size in np.unique(size_P).tolist():
        share = np.convolve(share, _tosses(int((size_P == size).sum()), size))
    sum_S = np.arange(len(share)) - (len(share) - 1) // 2
    return float(min(1.0, share[np.abs(sum_S) >= abs(round(float(net_P.sum())))].sum()))


def _tosses(count: int, size: int) -> Floats:
    """Chances of every sum of `count` terms +size or -size, from -count*size up in steps of one."""
    heads = np.arange(count + 1.0)
    log_C = gammaln(count + 1.0) - gammaln(heads + 1) - gammaln(count - heads + 1) - count * np.log(2.0)
    share = np.zeros(2 * count * size + 1)
    share[:: 2 * size] = np.exp(log_C)
    return share
