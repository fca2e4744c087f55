"""How embeddings lie: how many directions they use, how near a patient's recordings are, how evenly all are spread.

    effective rank   exponential of the entropy of the normalised singular values of centred features (Roy and Vetterli,
                     EUSIPCO 2007): from 1 to the number of features; the collapse watch of a pretraining uses the same
    alignment        mean squared distance of two recordings of one patient, features on the unit sphere
    uniformity       log of the mean of exp(-2 d^2) over recordings of different patients, on the unit sphere

Alignment and uniformity: Wang and Isola, ICML 2020 (arXiv:2005.10242), with alpha 2 and t 2; their positive pairs are
two views of an image, here two recordings of a patient.

Legend: N recordings, P patients, B resamples, D features, G groups of patients.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from engine.contract.estimate import Estimate, Interval
from engine.contract.similarity import EmbeddingSpread
from engine.metrics.discrimination import Counts, Ints
from engine.metrics.patient_sums import PatientSums, SampleSize, estimate
from engine.metrics.uncertainty import percentile_interval

Floats = NDArray[np.float64]
Real = NDArray[np.floating]

TEMPERATURE = 2.0
GROUPS = 20
"""Groups of patients that are left out in turn for the interval of the effective rank."""
LEAST_PATIENTS = 200
"""Of fewer the rank's own shrinking with the sample spoils the interval: of 100 it held the truth in 92.8 %."""
MOST_SPREAD = 4096
"""Recordings beyond which uniformity, whose cost grows with their square, is made on evenly spaced ones."""
BLOCK = 512


def effective_rank(singular_values: NDArray[np.floating]) -> float:
    """Exponential of the entropy of the normalised singular values, from 1 to their number; 0 when all are 0."""
    value_D = np.asarray(singular_values, dtype=np.float64)
    total = value_D.sum()
    if total == 0:
        return 0.0
    share_D = value_D[value_D > 0] / total
    return float(np.exp(-(share_D * np.log(share_D)).sum()))


def embedding_spread(
    model: str, layer: str, x_ND: Real, code_N: Ints, weight_PB: Counts, confidence: float = 0.95
) -> EmbeddingSpread:
    """How the embeddings of one layer lie.

    Args:
        model: whose they are.
        layer: which one.
        x_ND: features, finite.
        code_N: patient of each recording, 0..P-1.
        weight_PB: the multiplicities that all statistics of this test set share.
        confidence: of the intervals.
    """
    x = np.asarray(x_ND, dtype=np.float64)
    records, features = x.shape
    patients = len(np.unique(code_N))
    lengths_N = np.linalg.norm(x, axis=1)
    sphere = x / np.where(lengths_N > 0, lengths_N, 1)[:, None] if records else x
    warning = ""
    if records <= features:
        warning = (
            f"no more recordings ({records}) than features ({features}): the effective rank is at most {records - 1}"
        )
    return EmbeddingSpread(
        model=model,
        layer=layer,
        records=records,
        patients=patients,
        features=features,
        effective_rank=_rank(x, code_N, confidence),
        alignment=_alignment(sphere, code_N, weight_PB, confidence),
        uniformity=_uniformity(sphere, code_N, weight_PB, confidence),
        warning=warning,
    )


def _rank(x_ND: Floats, code_N: Ints, confidence: float) -> Estimate:
    """Effective rank with the interval of the delete-a-group jackknife on the log scale (Kott 2001)."""
    counts = {"records": len(x_ND), "patients": len(np.unique(code_N))}
    if len(x_ND) < 2:
        return Estimate(not_estimable=f"{len(x_ND)} recordings", **counts)
    value = _rank_of(_moments(x_ND))
    if value == 0:
        return Estimate(not_estimable="the features do not vary", **counts)
    if counts["patients"] < LEAST_PATIENTS:
        return Estimate(value=value, not_estimable=f"no interval: fewer than {LEAST_PATIENTS} patients", **counts)
    moments = [_moments(x_ND[code_N % GROUPS == group]) for group in range(GROUPS)]
    whole = [sum(parts) for parts in zip(*moments, strict=True)]
    left_out = [_rank_of([a - b for a, b in zip(whole, group, strict=True)]) for group in moments]
    log_G = np.log(np.maximum(left_out, 1e-300))
    variance = (GROUPS - 1) / GROUPS * float(((log_G - log_G.mean()) ** 2).sum())
    reach = float(stdtrit(GROUPS - 1, 0.5 + confidence / 2)) * np.sqrt(variance)
    interval = Interval(
        low=float(value * np.exp(-reach)),
        high=float(min(value * np.exp(reach), x_ND.shape[1])),
        method=f"jackknife over {GROUPS} groups of patients, log scale, t",
        confidence=confidence,
    )
    return Estimate(value=value, interval=interval, **counts)


def _moments(x_ND: Floats) -> list[Floats]:
    """Number, sum and sum of squares: what the covariance of any union of parts follows from."""
    return [np.array(float(len(x_ND))), x_ND.sum(axis=0), x_ND.T @ x_ND]


def _rank_of(moments: list[Floats]) -> float:
    count, sum_D, square_DD = moments
    mean_D = sum_D / count
    covariance_DD = square_DD / count - np.outer(mean_D, mean_D)
    if np.trace(covariance_DD) <= 1e-12 * np.trace(square_DD) / count:
        return 0.0
    value_D = np.maximum(np.linalg.eigvalsh(covariance_DD), 0)
    # Rounding leaves directions that are not there with 1e-16 of the largest: their root would count.
    value_D[value_D < len(value_D) * np.finfo(np.float64).eps * value_D.max()] = 0
    return effective_rank(np.sqrt(value_D))


def _alignment(x_ND: Floats, code_N: Ints, weight_PB: Counts, confidence: float) -> Estimate:
    """Over pairs of recordings of one patient; a patient with k recordings has k (k - 1) / 2 of them."""
    patients = len(weight_PB)
    count_P = np.bincount(code_N, minlength=patients).astype(np.float64)
    sum_PD = np.zeros((patients, x_ND.shape[1]))
    np.add.at(sum_PD, code_N, x_ND)
    square_P = np.bincount(code_N, weights=(x_ND**2).sum(axis=1), minlength=patients)
    pair_P = count_P * (count_P - 1) / 2
    # Sum over pairs of |a - b|^2 = k sum |a|^2 - |sum a|^2.
    distance_P = np.where(pair_P > 0, count_P * square_P - (sum_PD**2).sum(axis=1), 0.0)
    several = int((pair_P > 0).sum())
    counts = {"records": int(count_P[pair_P > 0].sum()), "patients": several}
    if not several:
        return Estimate(not_estimable="no patient has two recordings", **counts)
    if several < 2:
        value = float(distance_P.sum() / pair_P.sum())
        return Estimate(value=value, not_estimable="no interval: one patient has two recordings", **counts)
    paired = np.flatnonzero(pair_P > 0)
    sums = PatientSums.of(np.stack([distance_P, pair_P])[:, paired], paired, weight_PB)
    return estimate(sums.sampled(lambda sum_M: sum_M[0] / sum_M[1]), SampleSize(**counts), confidence, "log")


def _uniformity(x_ND: Floats, code_N: Ints, weight_PB: Counts, confidence: float) -> Estimate:
    """The mean potential is a U-statistic of order 2: a resample moves it by twice the patients' shares."""
    some_N = np.linspace(0, len(x_ND) - 1, min(len(x_ND), MOST_SPREAD)).round().astype(np.intp)
    x_ND, code_N = x_ND[some_N], code_N[some_N]
    counts = {"records": len(x_ND), "patients": len(np.unique(code_N))}
    if counts["patients"] < 2:
        return Estimate(not_estimable=f"{counts['patients']} patients", **counts)
    potential_N, pairs_N = _potentials(x_ND, code_N)
    mean = float(potential_N.sum() / pairs_N.sum())
    shares_P = np.bincount(code_N, weights=potential_N - mean * pairs_N, minlength=len(weight_PB))
    drawn_B = mean + 2 / pairs_N.sum() * (shares_P @ weight_PB.astype(np.float64))
    interval = _percentiles(np.log(np.maximum(drawn_B, 1e-300)), confidence)
    return Estimate(value=float(np.log(mean)), interval=interval, **counts)


def _potentials(x_ND: Floats, code_N: Ints) -> tuple[Floats, Floats]:
    """For each recording the sum of exp(-t d^2) to those of other patients, and their number."""
    potential_N, pairs_N = np.empty(len(x_ND)), np.empty(len(x_ND))
    square_N = (x_ND**2).sum(axis=1)
    for start in range(0, len(x_ND), BLOCK):
        at = slice(start, start + BLOCK)
        distance_nN = np.maximum(square_N[at, None] + square_N - 2 * x_ND[at] @ x_ND.T, 0)
        apart_nN = code_N[at, None] != code_N
        potential_N[at] = np.where(apart_nN, np.exp(-TEMPERATURE * distance_nN), 0).sum(axis=1)
        pairs_N[at] = apart_nN.sum(axis=1)
    return potential_N, pairs_N


def _percentiles(drawn_B: Floats, confidence: float) -> Interval:
    low, high = percentile_interval(drawn_B, confidence)
    method = f"patient-clustered bootstrap, {len(drawn_B):,} resamples, percentile"
    return Interval(low=low, high=high, method=method, confidence=confidence)
