"""What more data would buy, and whether that is worth it; and how many labels a target needs.

Both ask a fitted law for a size that was not tried. Nothing is said beyond ten times the largest size that was, and
nothing firm where the two laws (with a floor and without) disagree, or where the law failed to foretell the largest
size when it was fitted without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from engine.contract.estimate import Estimate, Interval
from engine.contract.scaling import DataBudget, Forecast, LabelsNeeded
from engine.metrics.scaling_law import CONFIDENCE, Fitted, Floats, Observations, as_page, largest_left_out

TIMES = (2.0, 5.0, 10.0)
FARTHEST = 10.0
"""Times the largest size that was tried; beyond it a law of five points is a guess."""

Verdict = Literal["worth it", "not worth it", "cannot be told", "not asked"]


def data_budget(
    series: str,
    metric: str,
    observations: Observations,
    worth: float | None = None,
    times: Sequence[float] = TIMES,
    confidence: float = CONFIDENCE,
) -> DataBudget | None:
    """What so many times the data would buy; None with too few sizes for any law.

    Args:
        series: for people.
        metric: the error that falls.
        observations: what was found at which size.
        worth: least fall of the error that is worth the data; None where nobody has said.
        times: over the largest size that was tried.
        confidence: of the intervals.
    """
    plain = Fitted.of(observations, floor=False)
    if plain is None:
        return None
    floor = Fitted.of(observations, floor=True)
    check = largest_left_out(observations, floor is not None, confidence)
    missed = check is not None and check.holds is False
    return DataBudget(
        series=series,
        metric=metric,
        size_now=float(observations.size_N.max()),
        worth=worth,
        forecasts=[_forecast(one, floor or plain, plain, worth, missed, confidence) for one in times],
    )


def _forecast(
    times: float, fitted: Fitted, plain: Fitted, worth: float | None, missed: bool, confidence: float
) -> Forecast:
    now = float(fitted.observations.size_N.max())
    size = times * now
    if times > FARTHEST:
        reason = f"{times:g} times the largest size tried; nothing is said beyond {FARTHEST:g} times"
        none = Estimate(not_estimable=reason)
        return Forecast(
            times=times,
            size=size,
            error=none,
            gain=none,
            gain_without_floor=none,
            verdict="cannot be told",
            reason=reason,
        )
    gain, plain_gain = _gain(fitted, size, confidence), _gain(plain, size, confidence)
    verdict, reason = _verdict(gain, plain_gain, worth, missed)
    return Forecast(
        times=times,
        size=size,
        error=fitted.error_at(size, confidence),
        gain=gain,
        gain_without_floor=plain_gain,
        verdict=verdict,
        reason=reason,
    )


def _gain(fitted: Fitted, size: float, confidence: float) -> Estimate:
    """Error by the law at the largest size tried, minus that at another: both with the same draws."""
    now = float(fitted.observations.size_N.max())
    drawn = None if fitted.drawn is None else fitted.drawn.at(now) - fitted.drawn.at(size)
    interval = fitted.interval(drawn, confidence)
    return Estimate(
        value=float((fitted.law.at(now) - fitted.law.at(size))[0]),
        interval=interval,
        not_estimable="" if interval else fitted.observations.no_draws or "no interval",
        records=len(fitted.observations.size_N),
    )


def _verdict(gain: Estimate, plain: Estimate, worth: float | None, missed: bool) -> tuple[Verdict, str]:
    if worth is None:
        return "not asked", "no least gain was named"
    if gain.interval is None or plain.interval is None:
        return "cannot be told", gain.not_estimable or plain.not_estimable
    if missed:
        return "cannot be told", "fitted without the largest size, the law does not foretell it"
    sides = {_side(one, worth) for one in (gain.interval, plain.interval)}
    if sides == {"worth it"}:
        return "worth it", f"both laws foretell a gain of at least {worth:g}"
    if sides == {"not worth it"}:
        return "not worth it", f"both laws foretell a gain below {worth:g}"
    if "" in sides:
        return "cannot be told", f"the interval of the gain holds {worth:g}"
    return "cannot be told", "the laws with and without a floor disagree"


def _side(interval: Interval, worth: float) -> str:
    if interval.low >= worth:
        return "worth it"
    return "not worth it" if interval.high < worth else ""


def labels_needed(
    series: str,
    metric: str,
    observations: Observations,
    target: float,
    confidence: float = CONFIDENCE,
) -> LabelsNeeded:
    """How many labels bring the error down to a target, by the law a + b n^-c of a few-label curve.

    The law with a floor where there are four sizes, that without where there are three. An interval's upper end beyond
    ten times the largest size is not told: then the interval is missing, with the share of draws that stay below.

    Args:
        series: for people.
        metric: the error that falls.
        observations: errors at numbers of labels; repeats of one number are its seeds.
        target: error that is wanted.
        confidence: of the interval.
    """
    floor = Fitted.of(observations, floor=True)
    fitted = floor or Fitted.of(observations, floor=False)
    if fitted is None:
        reason = f"{observations.sizes} numbers of labels are too few for a law"
        return LabelsNeeded(
            series=series, metric=metric, target=target, labels=Estimate(not_estimable=reason), fit=None
        )
    farthest = FARTHEST * float(observations.size_N.max())
    value = float(fitted.law.size_for(target)[0])
    records = len(observations.size_N)
    if not np.isfinite(value):
        labels = Estimate(not_estimable="by the law the error never falls so low", records=records)
    elif value > farthest:
        labels = Estimate(not_estimable=f"more than {FARTHEST:g} times the largest number tried", records=records)
    else:
        interval, reason = _labels_interval(fitted, target, farthest, confidence)
        labels = Estimate(value=value, interval=interval, not_estimable=reason, records=records)
    page = as_page(series, metric, fitted, floor is not None, confidence)
    return LabelsNeeded(series=series, metric=metric, target=target, labels=labels, fit=page)


def _labels_interval(fitted: Fitted, target: float, farthest: float, confidence: float) -> tuple[Interval | None, str]:
    if fitted.drawn is None:
        return None, fitted.observations.no_draws
    size_D: Floats = np.minimum(fitted.drawn.size_for(target), 2 * farthest)
    interval = fitted.interval(size_D, confidence)
    if interval is None or interval.high > farthest:
        beyond = float(np.mean(size_D > farthest))
        reason = f"no interval: in {beyond:.0%} of the draws it takes more than {FARTHEST:g} times the largest number"
        return None, reason
    return interval, ""
