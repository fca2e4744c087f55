"""Whether a pair of backbone and objective works: it learns to predict held-out recordings, and does not collapse.

A pair works when, with the interval over seeds,

    its held-out loss is below its trivial level: what a model reaches that does not look at its input
    (CPC: ln(1 + negatives) per prediction; data2vec and JEPA: predicting the target's mean; DinoSR: the entropy of the
    codes' marginal; HuBERT++: the KL from that marginal),
    CPC's held-out rank-1 accuracy is at least five times that of guessing,

and the effective rank of its features is at least a tenth of their width.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.contract.results import Estimate, StudyRow
from engine.study.seeds import seed_mean, values_of

TIMES_CHANCE = 5
LEAST_RANK_SHARE = 0.10


def works(rows: Sequence[StudyRow]) -> tuple[bool | None, str]:
    """Whether the runs of a cell (one a seed) show that it works, and what it lacks otherwise.

    None when it cannot be told: a number is missing, or there is one seed and so no interval.
    """
    margins = [
        row.metrics["validation_loss"] - row.metrics["validation_trivial_loss"]  # type: ignore[operator]
        for row in rows
        if row.metrics.get("validation_loss") is not None and row.metrics.get("validation_trivial_loss") is not None
    ]
    shares = values_of(rows, "effective_rank_share")
    margin = seed_mean(margins)
    if margin.interval is None or not shares or margin.value is None:
        return None, "too few runs are done to tell"
    lacks = []
    if margin.interval.high >= 0:
        lacks.append(
            f"held-out loss minus its trivial level is {margin.value:+.4f} "
            f"({margin.interval.low:+.4f} to {margin.interval.high:+.4f})"
        )
    if weak := _weak_guess(rows):
        lacks.append(weak)
    share = sum(shares) / len(shares)
    if share < LEAST_RANK_SHARE:
        lacks.append(f"effective rank is {100 * share:.1f} % of the width")
    return not lacks, "; ".join(lacks)


def _weak_guess(rows: Sequence[StudyRow]) -> str:
    """What CPC's rank-1 accuracy lacks; empty for other objectives, which have no guessing level."""
    chances, accuracy = values_of(rows, "chance"), seed_mean(values_of(rows, "validation_accuracy"), share=True)
    if not chances:
        return ""
    if accuracy.interval is None:
        return "rank-1 accuracy is not known"
    needed = TIMES_CHANCE * chances[0]
    return "" if accuracy.interval.low >= needed else f"rank-1 accuracy is {_percent(accuracy)}, needed {needed:.2%}"


def _percent(estimate: Estimate) -> str:
    assert estimate.interval is not None
    return f"{estimate.value:.2%} ({estimate.interval.low:.2%} to {estimate.interval.high:.2%})"
