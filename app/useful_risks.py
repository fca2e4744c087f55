"""At which risks a decision by the model is worth more than treating all or none, in words."""

from __future__ import annotations

from itertools import groupby

from engine.contract.utility import NetBenefit, UtilityResults


def useful_risks(utility: UtilityResults) -> str:
    """The thresholds at which the whole interval of the gain lies above 0: "0.05 to 0.31", or "none for certain".

    The gain is the model's net benefit minus the better one of treating everybody and nobody (Vickers and Elkin 2006).
    """
    if utility.not_estimable:
        return f"not estimable: {utility.not_estimable}"
    points = sorted(utility.points, key=lambda point: point.threshold)
    runs = [[point.threshold for point in run] for gains, run in groupby(points, key=_gains) if gains]
    return ", ".join(_span(run) for run in runs) or "none for certain"


def _gains(point: NetBenefit) -> bool:
    return point.gain.interval is not None and point.gain.interval.low > 0


def _span(run: list[float]) -> str:
    return f"{run[0]:.2f}" if len(run) == 1 else f"{run[0]:.2f} to {run[-1]:.2f}"
