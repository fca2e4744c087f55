"""How alike two versions score the same recordings: bias and limits of agreement, correlation of ranks, quantiles.

Limits of agreement are of single recordings; their intervals, like all others here, are over patients.

Sources: Bland and Altman, Lancet 327:307-310 (1986), and Stat Methods Med Res 8:135-160 (1999); Spearman's rank
correlation with midranks; quantiles by linear interpolation (Hyndman and Fan 1996, type 7), in resamples by the inverse
of the distribution function (type 1).

Legend: N recordings, P patients, B resamples, Q quantiles.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.contract.estimate import Estimate
from engine.contract.version_change import QuantileShift, ScoreAgreement
from engine.metrics.association import ranks_of
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.patient_sums import PatientSums, SampleSize, bootstrap_interval, estimate

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
LEAST_RECORDINGS = 4
_CELLS = 4_000_000


def score_agreement(
    old_N: Floats, new_N: Floats, patient_N: Ints, weight_PB: Counts, confidence: float = 0.95
) -> ScoreAgreement:
    """Agreement of two versions' scores.

    Args:
        old_N: finite scores of the old version.
        new_N: those of the new one, of the same recordings.
        patient_N: patient code of each recording, 0..P-1.
        weight_PB: the multiplicities that all statistics of this test set share.
        confidence: of the intervals.
    """
    size = SampleSize.of(patient_N)
    if size.records < LEAST_RECORDINGS:
        problem = f"{size.records} recordings have scores of both, {LEAST_RECORDINGS} are needed"
        return ScoreAgreement(not_estimable=problem, records=size.records, patients=size.patients)
    gap_N = new_N - old_N
    centre = float(gap_N.mean())  # sums of squares about the mean do not cancel
    away_N = gap_N - centre
    sums = PatientSums.of(np.array([np.ones(len(gap_N)), away_N, away_N**2]), patient_N, weight_PB)

    def limit(reach: float) -> Estimate:
        def statistic(sum_M: Floats) -> Floats:
            bias = sum_M[1] / sum_M[0]
            variance = (sum_M[2] - sum_M[0] * bias**2) / (sum_M[0] - 1)
            return np.asarray(centre + bias + reach * np.sqrt(np.maximum(variance, 0.0)))

        return estimate(sums.sampled(statistic), size, confidence)

    return ScoreAgreement(
        records=size.records,
        patients=size.patients,
        identical=int((gap_N == 0).sum()),
        mean_difference=limit(0.0),
        spread=float(gap_N.std(ddof=1)),
        lower_limit=limit(-1.96),
        upper_limit=limit(1.96),
        spearman=_spearman(old_N, new_N, patient_N, weight_PB, confidence),
        quantiles=_quantiles(old_N, new_N, patient_N, weight_PB, confidence),
    )


def _spearman(old_N: Floats, new_N: Floats, patient_N: Ints, weight_PB: Counts, confidence: float) -> Estimate:
    size = SampleSize.of(patient_N)
    if np.all(old_N == old_N[0]) or np.all(new_N == new_N[0]):
        return size.undefined("one version gives every recording the same score")
    value = _correlation(ranks_of(old_N), ranks_of(new_N))
    resampled_B = np.empty(weight_PB.shape[1])
    step = max(1, _CELLS // len(old_N))
    for start in range(0, weight_PB.shape[1], step):
        weight_NB = weight_PB[patient_N, start : start + step].astype(np.float64)
        old_NB, new_NB = (_weighted_ranks(one_N, weight_NB) for one_N in (old_N, new_N))
        resampled_B[start : start + step] = _weighted_correlation(old_NB, new_NB, weight_NB)
    interval = bootstrap_interval(resampled_B, confidence)
    told = "" if interval is not None else "no interval: the resamples do not vary"
    return Estimate(value=value, interval=interval, not_estimable=told, **size.counts())


def _correlation(first_N: Floats, second_N: Floats) -> float:
    first_N, second_N = first_N - first_N.mean(), second_N - second_N.mean()
    return float(np.clip(first_N @ second_N / np.sqrt((first_N @ first_N) * (second_N @ second_N)), -1, 1))


def _weighted_ranks(score_N: Floats, weight_NB: Floats) -> Floats:
    """Midranks of every resample, [N, B]: recordings drawn twice count twice."""
    order_N = np.argsort(score_N, kind="stable")
    ordered = score_N[order_N]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    held_GB = np.add.reduceat(weight_NB[order_N], starts, axis=0)
    rank_GB = np.cumsum(held_GB, axis=0) - (held_GB - 1) / 2
    group_N = np.empty(len(score_N), dtype=np.intp)
    group_N[order_N] = np.searchsorted(starts, np.arange(len(score_N)), side="right") - 1
    return np.asarray(rank_GB[group_N])


def _weighted_correlation(first_NB: Floats, second_NB: Floats, weight_NB: Floats) -> Floats:
    whole_B = weight_NB.sum(axis=0)
    away = [x_NB - (weight_NB * x_NB).sum(axis=0) / whole_B for x_NB in (first_NB, second_NB)]
    with np.errstate(invalid="ignore", divide="ignore"):
        told_B = (weight_NB * away[0] * away[1]).sum(axis=0) / np.sqrt(
            (weight_NB * away[0] ** 2).sum(axis=0) * (weight_NB * away[1] ** 2).sum(axis=0)
        )
    return np.where(np.isfinite(told_B), told_B, np.nan)


def _quantiles(
    old_N: Floats, new_N: Floats, patient_N: Ints, weight_PB: Counts, confidence: float
) -> list[QuantileShift]:
    size = SampleSize.of(patient_N)
    drawn = [resampled_quantiles(one_N, patient_N, weight_PB, SHARES) for one_N in (old_N, new_N)]
    told = []
    for place, share in enumerate(SHARES):
        old, new = (float(np.quantile(one_N, share)) for one_N in (old_N, new_N))
        interval = bootstrap_interval(drawn[1][place] - drawn[0][place], confidence)
        reason = "" if interval is not None else "no interval: the resamples do not vary"
        shift = Estimate(value=new - old, interval=interval, not_estimable=reason, **size.counts())
        told.append(QuantileShift(share=share, old=old, new=new, shift=shift))
    return told


def resampled_quantiles(
    score_N: Floats, patient_N: Ints, weight_PB: NDArray[np.generic], shares: tuple[float, ...]
) -> Floats:
    """Quantiles of every resample, [Q, B]: the smallest score up to which a share of the drawn recordings lies."""
    order_N = np.argsort(score_N, kind="stable")
    ordered, resamples = score_N[order_N], weight_PB.shape[1]
    told_QB = np.full((len(shares), resamples), np.nan)
    step = max(1, _CELLS // max(1, len(ordered)))
    for start in range(0, resamples, step):
        up_to_NB = np.cumsum(weight_PB[patient_N[order_N], start : start + step].astype(np.float64), axis=0)
        whole_B = up_to_NB[-1]
        for place, share in enumerate(shares):
            first_B = (up_to_NB >= np.maximum(share * whole_B, 1) - 1e-9).argmax(axis=0)
            told_QB[place, start : start + step] = np.where(whole_B > 0, ordered[first_B], np.nan)
    return told_QB
