"""The smooth calibration curve with its band, and how far it lies from the diagonal.

A logistic regression on a restricted cubic spline of the logit (R: glm(y ~ rms::rcs(qlogis(p), k), binomial)), knots
at Harrell's quantiles of the whole sample: 5 from 100 recordings in the smaller class on, else 3, and the same in every
resample. Its distances are the ICI, E50, E90 and Emax of Austin and Steyerberg. A flexible curve finds some distance by
chance even where there is none: of small samples these indices are too high, and those of resamples higher still. So
the lower end of their intervals is the resamples' upper percentile reflected at the value (as much too high as the
resamples are), and 0 where a test does not tell the curve from the diagonal; the upper end is the percentile.

Sources: Harrell, Regression Modeling Strategies (2015), 2.4.5; Austin and Steyerberg, Stat Med 38:4051-4065 (2019).

Legend: N recordings, P patients, B resamples, K coefficients, G points of a grid.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import fdtrc, logit

from engine.contract.calibration import CurvePoint
from engine.contract.estimate import Estimate, Interval
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.logistic_fits import coefficient_errors, fit, fit_resamples, sigmoid
from engine.metrics.patient_sums import SampleSize, bootstrap_interval

MANY = 100
"""Recordings in the smaller class from which on the curve has five knots."""
POINTS = 50
DISTANCES = ("ici", "e50", "e90", "emax")
_GROUPS = 500
_QUANTILES = {3: (0.10, 0.5, 0.90), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}


def spline_basis(x_N: Floats, knot_T: Floats) -> Floats:
    """Restricted cubic spline with a constant column, [N, K], K the number of knots: linear beyond the outer knots.

    Harrell's truncated power basis, divided by the square of the knots' span as Hmisc::rcspline.eval does.
    """

    def cubed(knot: float) -> Floats:
        return np.maximum(x_N - knot, 0.0) ** 3

    last, before = knot_T[-1], knot_T[-2]
    columns = [np.ones_like(x_N), x_N]
    for knot in knot_T[:-2]:
        bent = cubed(knot) - (cubed(before) * (last - knot) - cubed(last) * (before - knot)) / (last - before)
        columns.append(bent / (last - knot_T[0]) ** 2)
    return np.stack(columns, axis=1)


def knots(x_N: Floats, fewest: int) -> Floats | None:
    """Places of the knots on the logit; None where fewer than three are apart.

    Args:
        x_N: logits.
        fewest: recordings in the smaller class.
    """
    for number in (5, 3):
        if number == 5 and fewest < MANY:
            continue
        knot_T = np.quantile(x_N, _QUANTILES[number])
        if (np.diff(knot_T) > 1e-6).all():
            return np.asarray(knot_T, dtype=np.float64)
    return None


@dataclass(frozen=True)
class NoCurve:
    """Why there is no curve."""

    method: str
    size: SampleSize

    def distances(self, confidence: float) -> dict[str, Estimate]:
        """The distances, undefined."""
        return dict.fromkeys(DISTANCES, self.size.undefined(self.method))


@dataclass(frozen=True)
class SmoothCurve:
    """The curve of the whole sample and of every resample.

    Attributes:
        method: as printed.
        grid_G: probabilities at which it is drawn, from the 1st to the 99th percentile.
        observed_G: what the curve says there.
        band_GB: the same in every resample.
        distance_4: ICI, E50, E90, Emax of the whole sample, over all recordings.
        distance_4B: of every resample.
        p_value: that the curve is the diagonal; None where it cannot be tested.
    """

    method: str
    size: SampleSize
    grid_G: Floats = field(repr=False)
    observed_G: Floats = field(repr=False)
    band_GB: Floats = field(repr=False)
    distance_4: Floats = field(repr=False)
    distance_4B: Floats = field(repr=False)
    p_value: float | None = None

    @classmethod
    def of(
        cls, y_N: Floats, p_N: Floats, patient_N: Ints, weight_PB: Counts, size: SampleSize
    ) -> SmoothCurve | NoCurve:
        """Fit the curve. Probabilities lie in 0 to 1, labels are 0 and 1, both classes are there."""
        if ((p_N <= 0) | (p_N >= 1)).any():
            return NoCurve("some probabilities are exactly 0 or 1: their logit is infinite", size)
        x_N = logit(p_N)
        knot_T = knots(x_N, int(min(y_N.sum(), len(y_N) - y_N.sum())))
        if knot_T is None or len(np.unique(x_N)) <= len(knot_T):
            return NoCurve("too few different probabilities for a curve", size)
        # Orthogonal columns: Newton's steps then settle to the last digits.
        turn_KK = np.linalg.inv(np.linalg.qr(spline_basis(x_N, knot_T), mode="r")) * np.sqrt(len(x_N))
        x_NK = spline_basis(x_N, knot_T) @ turn_KK
        beta_K = fit(x_NK, y_N)
        if not np.isfinite(beta_K).all():
            return NoCurve("the probabilities separate the classes", size)
        beta_KB = fit_resamples(x_NK, y_N, patient_N, weight_PB, beta_K)
        lowest, highest = np.quantile(p_N, [0.01, 0.99])
        grid_G = np.linspace(lowest, highest, POINTS)
        at_GK = spline_basis(logit(grid_G), knot_T) @ turn_KK
        off_N = np.abs(sigmoid(x_NK @ beta_K) - p_N)
        return cls(
            method=f"logistic regression on a restricted cubic spline of the logit, {len(knot_T)} knots",
            size=size,
            grid_G=grid_G,
            observed_G=sigmoid(at_GK @ beta_K),
            band_GB=sigmoid(at_GK @ beta_KB),
            distance_4=np.array([off_N.mean(), *np.quantile(off_N, [0.5, 0.9]), off_N.max()]),
            distance_4B=_resampled_distances(p_N, patient_N, weight_PB, knot_T, turn_KK @ beta_KB),
            p_value=_off_diagonal(
                beta_K - np.linalg.inv(turn_KK)[:, 1],
                coefficient_errors(x_NK, y_N, patient_N, len(weight_PB), beta_K),
                size.fewest,
            ),
        )

    def points(self, confidence: float) -> list[CurvePoint]:
        """The curve with its pointwise band."""
        bands = [bootstrap_interval(row_B, confidence) for row_B in self.band_GB]
        return [
            CurvePoint(
                predicted=float(predicted),
                observed=float(observed),
                low=None if band is None else band.low,
                high=None if band is None else band.high,
            )
            for predicted, observed, band in zip(self.grid_G, self.observed_G, bands, strict=True)
        ]

    def _around(self, value: float, percentiles: Interval | None) -> Interval | None:
        """The interval of a distance, see the head of this file."""
        if percentiles is None:
            return None
        alike = self.p_value is None or self.p_value > 1 - percentiles.confidence
        low = 0.0 if alike else max(0.0, 2 * value - percentiles.high)
        below = "0 below, as the curve is not told from the diagonal" if alike else "reflected below"
        told = {"low": min(low, value), "high": max(percentiles.high, value)}
        return percentiles.model_copy(update={**told, "method": f"{percentiles.method} above, {below}"})

    def distances(self, confidence: float) -> dict[str, Estimate]:
        """ICI, E50, E90 and Emax with bootstrap intervals."""
        told = {}
        for name, value, value_B in zip(DISTANCES, self.distance_4, self.distance_4B, strict=True):
            interval = self._around(float(value), bootstrap_interval(value_B, confidence))
            reason = "" if interval is not None else "no interval: most resamples have no curve"
            told[name] = Estimate(value=float(value), interval=interval, not_estimable=reason, **self.size.counts())
        return told


def _off_diagonal(off_K: Floats, error_KP: Floats, fewest: int) -> float | None:
    """P-value that a curve's coefficients are those of the diagonal: a Wald test on the clustered covariance, by F."""
    freedom = fewest - len(off_K)
    covariance_KK = error_KP @ error_KP.T
    if freedom < 1 or not np.isfinite(covariance_KK).all() or np.linalg.matrix_rank(covariance_KK) < len(off_K):
        return None
    # Hotelling's form: the covariance is itself estimated from few patients.
    wald = float(off_K @ np.linalg.solve(covariance_KK, off_K))
    return float(fdtrc(len(off_K), freedom, wald * freedom / (len(off_K) * (fewest - 1))))


def _resampled_distances(p_N: Floats, patient_N: Ints, weight_PB: Counts, knot_T: Floats, beta_KB: Floats) -> Floats:
    """The four distances in every resample, [4, B], over at most 500 groups of neighbouring probabilities."""
    order = np.argsort(p_N, kind="stable")
    starts = np.unique(np.linspace(0, len(p_N), min(_GROUPS, len(p_N)) + 1).astype(np.intp)[:-1])
    sizes = np.diff(np.append(starts, len(p_N)))
    p_G = np.add.reduceat(p_N[order], starts) / sizes
    off_GB = np.abs(sigmoid(spline_basis(logit(p_G), knot_T) @ beta_KB) - p_G[:, None])
    told_4B = np.empty((4, beta_KB.shape[1]))
    for first in range(0, beta_KB.shape[1], 100):
        columns = slice(first, first + 100)
        weight_NB = weight_PB[:, columns].astype(np.float64)[patient_N[order]]
        weight_GB = np.add.reduceat(weight_NB, starts, axis=0)
        told_4B[:, columns] = _weighted_distances(off_GB[:, columns], weight_GB / weight_GB.sum(axis=0))
    return told_4B


def _weighted_distances(off_GB: Floats, share_GB: Floats) -> Floats:
    """Mean, median, 90th percentile and largest of weighted distances, a column each; NaN stays NaN."""
    order_GB = np.argsort(off_GB, axis=0)
    sorted_GB = np.take_along_axis(off_GB, order_GB, axis=0)
    reached_GB = np.cumsum(np.take_along_axis(share_GB, order_GB, axis=0), axis=0)
    places = [np.minimum((reached_GB < level - 1e-12).sum(axis=0), len(off_GB) - 1) for level in (0.5, 0.9, 1.0)]
    quantiles = [np.take_along_axis(sorted_GB, place[None], axis=0)[0] for place in places]
    return np.array([(off_GB * share_GB).sum(axis=0), *quantiles])
