"""Shares and their intervals: exact or score intervals where recordings are independent, clustered ones elsewhere.

Which interval is reported:

- one recording a patient: Wilson's from 50 recordings on, Clopper and Pearson's below;
- several: the design effect (linearised variance of the ratio over the binomial one) shrinks the recordings to as many
  independent ones, the fewer the fewer patients carry the variance; Wilson's interval on these from 50 patients on,
  below it Clopper and Pearson's; the patient-clustered bootstrap stands beside;
- no event, or nothing but events: nothing varies, so Clopper and Pearson's on patients, and the rule of three beside.

Sources: Wilson, JASA 22:209-212 (1927); Clopper and Pearson, Biometrika 26:404-413 (1934); Korn and Graubard, Survey
Methodology 24:193-201 (1998); Rao and Scott, Biometrics 48:577-585 (1992); Hanley and Lippman-Hand, JAMA 249:1743-1745
(1983), the rule of three.

Legend: P patients, B resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri, stdtrit  # not scipy.stats, which takes a second to load

from engine.contract.estimate import Estimate, Interval
from engine.metrics.discrimination import Floats
from engine.metrics.uncertainty import Bounds, freedom_of, logit_percentile_interval, percentile_interval

FEW_PATIENTS = 50
"""Patients below which exact intervals are reported."""
_CELLS = 4_000_000


def wilson(events: float, trials: float, confidence: float) -> Bounds:
    """Wilson's score interval; counts need not be whole."""
    z = float(ndtri(0.5 + confidence / 2))
    share, spread = events / trials, z**2 / trials
    middle = (share + spread / 2) / (1 + spread)
    reach = z / (1 + spread) * float(np.sqrt(share * (1 - share) / trials + spread / (4 * trials)))
    low = 0.0 if events <= 0 else middle - reach
    return max(0.0, low), 1.0 if events >= trials else min(1.0, middle + reach)


def clopper_pearson(events: float, trials: float, confidence: float) -> Bounds:
    """Clopper and Pearson's exact interval by quantiles of the beta distribution; counts need not be whole."""
    tail = (1 - confidence) / 2
    low = 0.0 if events <= 0 else float(betaincinv(events, trials - events + 1, tail))
    high = 1.0 if events >= trials else float(betaincinv(events + 1, trials - events, 1 - tail))
    return low, high


def rule_of_three(trials: int, confidence: float) -> float:
    """The most that a share may be when it was never met in so many trials, one-sided: 3 / n at 95 %."""
    return min(1.0, float(-np.log(1 - confidence)) / trials)


def resampled_sums(count_KP: Floats, weight_PB: NDArray[np.generic]) -> Floats:
    """Counts of every resample, [K, B], from counts per patient [K, P]. Exact for whole numbers."""
    step = max(1, _CELLS // max(1, weight_PB.shape[0]))
    parts = [
        count_KP @ weight_PB[:, start : start + step].astype(np.float64) for start in range(0, weight_PB.shape[1], step)
    ]
    return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class Ratio:
    """A share of counts that come by patient.

    Attributes:
        events_P: of each patient.
        trials_P: recordings of his among which they were counted.
        resampled_B: the share in every common resample, NaN where there is no trial.
    """

    events_P: Floats
    trials_P: Floats
    resampled_B: Floats

    @classmethod
    def of(cls, events_P: Floats, trials_P: Floats, weight_PB: NDArray[np.generic]) -> Ratio:
        """With its resamples."""
        events_B, trials_B = resampled_sums(np.stack([events_P, trials_P]), weight_PB)
        return cls(events_P, trials_P, shares(events_B, trials_B))

    @property
    def patients(self) -> int:
        """Patients with a trial."""
        return int((self.trials_P > 0).sum())

    @property
    def one_each(self) -> bool:
        """Whether every patient has one trial at most."""
        return bool(self.trials_P.max(initial=0) <= 1)

    @property
    def error_P(self) -> Floats:
        """Each patient's events beyond what the share gives his trials."""
        return np.asarray(self.events_P - self.events_P.sum() / self.trials_P.sum() * self.trials_P)

    def variance(self) -> float:
        """Linearised variance of the ratio over patients; needs two of them."""
        patients, trials = self.patients, self.trials_P.sum()
        return float(patients / (patients - 1) * np.sum(self.error_P**2) / trials**2)

    def freedom(self) -> float:
        """Degrees of freedom of that variance: patients less one, fewer where few of them carry it."""
        return min(self.patients - 1.0, freedom_of(self.error_P))

    def design_effect(self) -> float:
        """Variance over the binomial one, at least 1: recordings of one patient never count for more than they are."""
        trials = self.trials_P.sum()
        share = self.events_P.sum() / trials
        return max(1.0, float(self.variance() / (share * (1 - share) / trials)))


def shares(events_B: Floats, trials_B: Floats) -> Floats:
    """Quotients; NaN where there is no trial."""
    return np.asarray(np.divide(events_B, trials_B, out=np.full(len(events_B), np.nan), where=trials_B > 0))


def proportion_estimate(ratio: Ratio, nothing: str, confidence: float = 0.95) -> Estimate:
    """A share with the interval that its data allow, the bootstrap beside it.

    Args:
        ratio: the counts.
        nothing: the state when there is no trial: "no positive recordings".
        confidence: of the intervals.
    """
    events, trials, patients = int(ratio.events_P.sum()), int(ratio.trials_P.sum()), ratio.patients
    counts = {"records": trials, "patients": patients, "positive_records": events}
    if trials == 0:
        return Estimate(not_estimable=nothing, **counts)
    if patients < 2:
        return Estimate(value=events / trials, not_estimable="no interval: all recordings are of one patient", **counts)
    if 0 < events < trials:
        interval = _inner(ratio, confidence)
        beside = bootstrap(ratio.resampled_B, confidence, logit_percentile_interval, "logit percentile")
        return Estimate(value=events / trials, interval=interval, beside=beside, **counts)
    edge = patients if events else 0
    what = "only events" if events else "no events"
    interval = _told(clopper_pearson(edge, patients, confidence), f"Clopper-Pearson on patients ({what})", confidence)
    most = rule_of_three(patients, confidence)
    beside = _told((1 - most, 1.0) if events else (0.0, most), "rule of three on patients, one-sided", confidence)
    return Estimate(value=events / trials, interval=interval, beside=beside, **counts)


def _inner(ratio: Ratio, confidence: float) -> Interval:
    events, trials, patients = float(ratio.events_P.sum()), float(ratio.trials_P.sum()), ratio.patients
    if ratio.one_each:
        if patients < FEW_PATIENTS:
            return _told(clopper_pearson(events, trials, confidence), "Clopper-Pearson", confidence)
        return _told(wilson(events, trials, confidence), "Wilson score", confidence)
    effect, share, tail = ratio.design_effect(), events / trials, 0.5 + confidence / 2
    worth = trials / effect * float(stdtrit(trials - 1, tail) / stdtrit(ratio.freedom(), tail)) ** 2
    if patients >= FEW_PATIENTS:
        told = f"Wilson score, design effect {effect:.2f} over patients, {worth:.1f} effective recordings"
        return _told(wilson(share * worth, worth, confidence), told, confidence)
    told = f"Clopper-Pearson on {worth:.1f} effective recordings (Korn and Graubard 1998)"
    return _told(clopper_pearson(share * worth, worth, confidence), told, confidence)


def bootstrap(
    resampled_B: Floats,
    confidence: float,
    bounds: Callable[[Floats, float], Bounds] = percentile_interval,
    how: str = "",
) -> Interval | None:
    """The patient-clustered bootstrap interval; None when more than half of the resamples are undefined."""
    undefined = int((~np.isfinite(resampled_B)).sum())
    if 2 * undefined > len(resampled_B):
        return None
    left_out = f" ({undefined:,} undefined left out)" if undefined else ""
    told = f"patient-clustered bootstrap, {len(resampled_B):,} resamples{left_out}, {how or 'percentile'}"
    return _told(bounds(resampled_B, confidence), told, confidence)


def _told(bounds: Bounds, method: str, confidence: float) -> Interval:
    return Interval(low=bounds[0], high=bounds[1], method=method, confidence=confidence)


def rescaled(estimate: Estimate, scale: Callable[[float], float], unbounded: str) -> Estimate:
    """The same statement on another scale, rising or falling; where it has no end there, there is no interval.

    Args:
        estimate: of a share.
        scale: monotone; infinite where the scale has no end.
        unbounded: the state when the value itself has no finite place on the scale.
    """
    if estimate.value is None:
        return estimate
    value = scale(estimate.value)
    if not np.isfinite(value):
        return estimate.model_copy(update={"value": None, "interval": None, "beside": None, "not_estimable": unbounded})
    interval, beside = _moved(estimate.interval, scale), _moved(estimate.beside, scale)
    endless = estimate.interval is not None and interval is None
    told = "no interval: it has no upper limit" if endless else estimate.not_estimable
    return estimate.model_copy(update={"value": value, "interval": interval, "beside": beside, "not_estimable": told})


def _moved(interval: Interval | None, scale: Callable[[float], float]) -> Interval | None:
    if interval is None:
        return None
    low, high = sorted([scale(interval.low), scale(interval.high)])
    return interval.model_copy(update={"low": low, "high": high}) if np.isfinite(high) else None
