"""What a threshold would mean where a label is more or less frequent: Bayes' rule with an interval.

Sensitivity and specificity are taken along; whether they hold elsewhere is a question of its own. On the logit scale
PPV is the log of the positive likelihood ratio plus the logit of the prevalence, and NPV the negative of the other's,
so both take the clustered log intervals of `confusion`; a prevalence that was itself counted adds its variance.

Sources: Mercaldo, Lau and Zhou, Stat Med 26:2170-2183 (2007); Zou and Donner, Stat Med 27:1693-1702 (2008), limits of a
sum from the limits of its parts.

Legend: B resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import expit, logit, ndtri

from engine.contract.errors import UsageError
from engine.contract.estimate import Estimate, Interval
from engine.contract.operating import AtPrevalence
from engine.metrics.confusion import (
    FN,
    FP,
    TN,
    TP,
    Confusion,
    by_limits,
    clustered_variance,
    freedom,
    lr_negative,
    lr_negative_gradient,
    lr_positive,
    lr_positive_gradient,
    on_scale,
    reciprocal,
)
from engine.metrics.discrimination import Floats
from engine.metrics.proportions import bootstrap, proportion_estimate, rescaled
from engine.metrics.uncertainty import logit_percentile_interval


def at_prevalence(confusion: Confusion, prevalence: float, counted: int = 0, confidence: float = 0.95) -> AtPrevalence:
    """PPV, NPV, alerts and number needed to screen at another prevalence.

    Args:
        confusion: the counts at the threshold.
        prevalence: share of positives, above 0 and below 1.
        counted: recordings that the prevalence was counted on; 0 when it is taken as exactly known.
        confidence: of the intervals.

    Raises:
        UsageError: a prevalence that is none.
    """
    if not 0 < prevalence < 1:
        raise UsageError("prevalence", "it is not between 0 and 1", "Give the share of positives, for instance 0.02")
    odds = float(logit(prevalence))
    spread = 1 / (counted * prevalence * (1 - prevalence)) if counted else 0.0
    told = _Place(confusion, odds, spread, confidence)
    sensitivity = proportion_estimate(confusion.ratio((TP,), (TP, FN)), "no positive recordings", confidence)
    return AtPrevalence(
        prevalence=prevalence,
        counted=counted,
        ppv=told.predictive(lr_positive, lr_positive_gradient, 1.0, "no recording is called positive"),
        npv=told.predictive(lr_negative, lr_negative_gradient, -1.0, "no recording is called negative"),
        alerts_per_100=told.alerts(),
        screened_per_finding=rescaled(sensitivity, lambda s: reciprocal(s * prevalence), "nothing is found"),
    )


class _Place:
    """The counts, and the place where they are to be read."""

    def __init__(self, confusion: Confusion, odds: float, spread: float, confidence: float) -> None:
        self._confusion, self._odds, self._spread, self._confidence = confusion, odds, spread, confidence
        self._total_4 = confusion.total_4
        self._counts = {"records": int(self._total_4.sum()), "patients": confusion.patients}

    def predictive(
        self,
        likelihood: Callable[[Floats], Floats],
        gradient: Callable[[Floats], Floats],
        sign: float,
        nothing: str,
    ) -> Estimate:
        """PPV (sign 1) or NPV (sign -1) by a likelihood ratio."""
        with np.errstate(invalid="ignore", divide="ignore"):
            place = sign * (np.log(likelihood(self._total_4)) + self._odds)
            value_B = expit(sign * (np.log(likelihood(self._confusion.count_4B)) + self._odds))
            gradient_4 = gradient(self._total_4)
        if np.isnan(place):
            return Estimate(not_estimable=self._missing() or nothing, **self._counts)
        value = float(expit(place))
        if self._confusion.patients < 2:
            return Estimate(value=value, not_estimable="no interval: all recordings are of one patient", **self._counts)
        if not np.isfinite(gradient_4).all():
            told = by_limits(self._confusion, lambda s, t: self._bayes(s, t, sign), self._confidence)
            return Estimate(value=value, interval=told, **self._counts)
        variance = clustered_variance(gradient_4, self._confusion) + self._spread
        trusted = freedom(gradient_4, self._confusion)
        bounds = on_scale(float(place), variance, trusted, self._confidence, expit)
        beside = bootstrap(value_B, self._confidence, logit_percentile_interval, "logit percentile")
        method = "Mercaldo 2007 logit, delta method over patients, t"
        return Estimate(value=value, interval=self._interval(bounds, method), beside=beside, **self._counts)

    def _bayes(self, sensitivity: float, specificity: float, sign: float) -> float:
        prevalence = float(expit(self._odds))
        if sign > 0:
            right, wrong = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
        else:
            right, wrong = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
        return right / (right + wrong) if right + wrong > 0 else 0.0

    def _missing(self) -> str:
        if self._total_4[TP] + self._total_4[FN] == 0:
            return "no positive recordings"
        return "no negative recordings" if self._total_4[FP] + self._total_4[TN] == 0 else ""

    def alerts(self) -> Estimate:
        """Alerts per 100 recordings: called positives and called negatives, each weighed by the prevalence.

        The interval recovers the variance of both rates from their own limits, which hold where few are called.
        """
        if missing := self._missing():
            return Estimate(not_estimable=missing, **self._counts)
        prevalence = float(expit(self._odds))
        parts = [self._confusion.ratio(*places) for places in (((TP,), (TP, FN)), ((FP,), (FP, TN)))]
        told = [proportion_estimate(part, "", self._confidence) for part in parts]
        shares = [one.value or 0.0 for one in told]
        weights = (prevalence, 1 - prevalence)
        rate = weights[0] * shares[0] + weights[1] * shares[1]
        if any(one.interval is None for one in told):
            return Estimate(value=100 * rate, not_estimable="no interval: a class has only one patient", **self._counts)
        counted = float(ndtri(0.5 + self._confidence / 2)) * self._spread**0.5 * weights[0] * weights[1]
        uncertain = (counted * (shares[0] - shares[1])) ** 2
        ends = [
            rate + sign * (uncertain + sum((w * reach) ** 2 for w, reach in zip(weights, reaches, strict=True))) ** 0.5
            for sign, reaches in zip((-1, 1), _reaches(told), strict=True)
        ]
        beside = bootstrap(
            100 * (weights[0] * parts[0].resampled_B + weights[1] * parts[1].resampled_B), self._confidence
        )
        method = "limits of both rates, variance recovered (Zou and Donner 2008)"
        interval = self._interval((max(0.0, 100 * ends[0]), min(100.0, 100 * ends[1])), method)
        return Estimate(value=100 * rate, interval=interval, beside=beside, **self._counts)

    def _interval(self, bounds: tuple[float, float], method: str) -> Interval:
        return Interval(low=bounds[0], high=bounds[1], method=method, confidence=self._confidence)


def _reaches(told: Sequence[Estimate]) -> tuple[list[float], list[float]]:
    """How far the lower limits lie below their values, and the upper ones above."""
    below, above = [], []
    for one in told:
        assert one.interval is not None
        assert one.value is not None
        below.append(one.value - one.interval.low)
        above.append(one.interval.high - one.value)
    return below, above
