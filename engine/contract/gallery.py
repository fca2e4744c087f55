"""The page of the failure gallery: the recordings that a model got most wrong, to be looked at."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.estimate import Model


class Failure(Model):
    """One recording that a model ranks far on the wrong side."""

    record: str
    label: str
    kind: Literal["false positive", "false negative"] = Field(
        description="A recording without the label that scores high, or one with it that scores low."
    )
    score: float
    share: float = Field(
        description="Of a false positive: share of the positives that it outscores; of a false negative: share of the"
        " negatives that outscore it. Ties count half; 0.5 is what chance would give."
    )
