"""From numbers to the one word that a reader needs: would anybody notice, and does it cost?"""

from __future__ import annotations

from dataclasses import dataclass

from engine.contract.vetting import SensitivityVerdict
from engine.evaluation.vetting.changes import Change
from engine.evaluation.vetting.losses import Loss

MANY = 0.5
"""Share of recordings that must be refused, lost or far off for an item to break loudly."""

SAME_ORDER, SAME_SIZE, SAME_CALLS = 0.999, 0.01, 0.005
"""Rank correlation, mean shift in standard deviations, and share of changed calls up to which nothing has changed."""


@dataclass(frozen=True)
class Seen:
    """What one item did.

    Attributes:
        records: that the model takes with the contract right.
        refused: of them, those that it refuses.
        lost: of them, those without a number.
        change: None where no recording has numbers on both sides.
        loss: None without labels.
    """

    records: int
    refused: int
    lost: int
    change: Change | None
    loss: Loss | None


def verdict(seen: Seen, least: float) -> tuple[SensitivityVerdict, str]:
    """The verdict, and what it rests on in a sentence.

    Args:
        seen: what the item did.
        least: loss of AUROC that matters.
    """
    if loud := _loud(seen):
        return "breaks loudly", loud
    assert seen.change is not None  # else all recordings are lost, which is loud
    if _same(seen.change):
        return "no difference", _told(seen.change)
    if seen.loss is None:
        return "works, differs", f"{_told(seen.change)}; without labels nobody can say whether they are worse"
    change = seen.loss.change
    beyond_chance = change.interval is not None and change.interval.high < 0
    if change.value is not None and change.value <= -least and beyond_chance:
        return "works, only worse", f"macro AUROC {_signed(change.value)}, and the outputs look like any others"
    if seen.loss.lost:
        worst = min(
            (one for one in seen.loss.labels if one.label in seen.loss.lost), key=lambda one: one.change.value or 0
        )
        return "works, only worse", f"AUROC of {worst.label} {_signed(worst.change.value or 0)}, beyond chance"
    return "works, differs", f"{_told(seen.change)}; no loss of AUROC of {least:g} was shown"


def _loud(seen: Seen) -> str:
    if seen.refused >= MANY * seen.records:
        return f"{seen.refused:,} of {seen.records:,} recordings are refused"
    if seen.refused + seen.lost >= MANY * seen.records or seen.change is None:
        return f"{seen.refused + seen.lost:,} of {seen.records:,} recordings are refused or have no number"
    if seen.change.still:
        return "the model says the same of every recording"
    if seen.change.beyond > MANY:
        return f"{100 * seen.change.beyond:.0f} % of the numbers lie far outside all that the model says otherwise"
    return ""


def _same(change: Change) -> bool:
    order = change.spearman is None or change.spearman >= SAME_ORDER
    size = change.shift is None or change.shift <= SAME_SIZE
    return order and size and (change.changed_calls or 0) <= SAME_CALLS


def _told(change: Change) -> str:
    parts = []
    if change.spearman is not None:
        parts.append(f"rank correlation {change.spearman:.3f}")
    if change.changed_calls is not None:
        parts.append(f"{100 * change.changed_calls:.1f} % of calls changed")
    if change.shift is not None and (change.changed_calls or 0) <= SAME_CALLS:
        parts.append(f"moved by {change.shift:.2g} standard deviations")
    return ", ".join(parts) or "nothing can be compared"


def _signed(value: float) -> str:
    return f"{value:+.3f}"
