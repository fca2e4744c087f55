"""Runs that differ in their seed alone: means with Student intervals over seeds, and ranks that respect them.

With three seeds the interval is wide (t = 4.30) and it should be: it says how far another seed may fall. It does not
say how far other recordings would; that is what the probes' own intervals are for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from engine.contract.results import Estimate, Interval, StudyRow
from engine.contract.study import AxisValue

CONFIDENCE = 0.95
SHARES = ("accuracy", "validation_accuracy", "effective_rank_share", "chance")
AUROCS = ("probe_before", "probe_after", "ludb_before", "ludb_after")
"""Numbers between 0 and 1, whose intervals must lie there too; an AUROC's also of one label ("probe_after.NORM")."""
SEED = "seed"

Place = tuple[tuple[str, AxisValue], ...]


def by_place(rows: Sequence[StudyRow]) -> dict[Place, list[StudyRow]]:
    """Rows that are done, by their place on all axes but the seed, in the order in which places first occur."""
    places: dict[Place, list[StudyRow]] = {}
    for row in rows:
        group = places.setdefault(tuple((axis, v) for axis, v in row.values.items() if axis != SEED), [])
        if row.state == "done":
            group.append(row)
    return places


def seed_mean(values: Sequence[float], share: bool = False) -> Estimate:
    """Mean over seeds with its Student interval; none from one seed.

    With three seeds t is 4.30, and mean plus or minus so much may well pass 1. The interval of a share is therefore
    made on the logit scale, where the standard error is that of the mean divided by m (1 - m) (delta method): it holds
    the mean and stays between 0 and 1.

    Args:
        values: one a seed.
        share: whether the number lies between 0 and 1 by its nature, as an AUROC or an accuracy does.
    """
    if not values:
        return Estimate(not_estimable="no run has this number")
    from scipy.special import stdtrit  # not above: every command reads this file, and most need no statistics

    mean = float(np.mean(values))
    if len(values) < 2:
        return Estimate(value=mean, not_estimable="no interval: one seed")
    reach = float(stdtrit(len(values) - 1, 0.5 + CONFIDENCE / 2) * np.std(values, ddof=1) / np.sqrt(len(values)))
    method = f"Student's t over {len(values)} seeds{', logit scale' if share else ''}"
    low, high = _logit_reach(mean, reach) if share else (mean - reach, mean + reach)
    return Estimate(value=mean, interval=Interval(low=low, high=high, method=method))


def _logit_reach(mean: float, reach: float) -> tuple[float, float]:
    if not 0 < mean < 1:  # all values are 0, or all are 1
        return mean, mean
    middle, span = math.log(mean / (1 - mean)), reach / (mean * (1 - mean))
    return _share(middle - span), _share(middle + span)


def _share(logit: float) -> float:
    return 0.5 + 0.5 * math.tanh(logit / 2)


def is_share(name: str) -> bool:
    """Whether a number of a run lies between 0 and 1 by its nature."""
    return name in SHARES or name.partition(".")[0] in AUROCS


def means(rows: Sequence[StudyRow]) -> dict[str, Estimate]:
    """Every number of a cell's runs as mean over seeds."""
    names = sorted({name for row in rows for name, value in row.metrics.items() if value is not None})
    return {name: seed_mean(values_of(rows, name), is_share(name)) for name in names}


def values_of(rows: Sequence[StudyRow], name: str) -> list[float]:
    """One number of several runs, without those that lack it."""
    found = [row.metrics.get(name) for row in rows]
    return [value for value in found if value is not None]


def ranks(groups: Mapping[str, Sequence[StudyRow]], metric: str, higher_is_better: bool) -> dict[str, int]:
    """Ranks of cells by a number's mean: 1 is best, whoever may equal the leader of a group shares its rank.

    A cell may equal the leader when the interval of their difference, paired by seed, contains 0 (method
    specification, section 6). With one common seed there is no interval and the order of the values stands.
    """
    from engine.metrics.ranking import shared_ranks  # not above: every command reads this file, few need scipy

    sign = -1.0 if higher_is_better else 1.0
    scored = {name: by_seed(rows, metric) for name, rows in groups.items()}
    order = sorted((name for name in scored if scored[name]), key=lambda n: sign * np.mean(list(scored[n].values())))
    return shared_ranks(order, lambda leader, other: _may_equal(scored[leader], scored[other]))


def by_seed(rows: Sequence[StudyRow], metric: str) -> dict[AxisValue, float]:
    """One number of a cell's runs by their seed; 0 where the study has no such axis."""
    found = {row.values.get(SEED, 0): row.metrics.get(metric) for row in rows}
    return {seed: value for seed, value in found.items() if value is not None}


def _may_equal(leader: Mapping[AxisValue, float], other: Mapping[AxisValue, float]) -> bool:
    common = [seed for seed in leader if seed in other]
    gap = seed_mean([other[seed] - leader[seed] for seed in common]).interval
    if gap is None:
        return bool(common) and all(other[seed] == leader[seed] for seed in common)
    return gap.low <= 0 <= gap.high
