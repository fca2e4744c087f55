"""Marks on a model's worst mistakes as plain rows, and the words that count them; free of the database.

The window's first screen loads this, and starts without a database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from engine.contract.gallery import Failure

FailureVerdict = Literal["model wrong", "label wrong", "recording poor", "cannot tell"]
VERDICTS: tuple[FailureVerdict, ...] = get_args(FailureVerdict)
"""What a look at a mistake can end with."""


@dataclass(frozen=True)
class Review:
    """What somebody made of one mistake.

    Attributes:
        reviewed: when, UTC.
    """

    verdict: FailureVerdict
    note: str
    reviewed: str


@dataclass(frozen=True)
class Elsewhere:
    """What was made of the same recording and label as a mistake of another evaluation."""

    job_id: str
    review: Review


@dataclass(frozen=True)
class ReviewedFailure:
    """One of the worst mistakes of an evaluation, and what was made of it; None while nobody has looked.

    `elsewhere`: the newest mark on the same recording and label in another evaluation. A label that is wrong is wrong
    for every model; the look counts here only once it is given here.
    """

    failure: Failure
    review: Review | None
    elsewhere: Elsewhere | None = None


LONGEST_NOTE = 280
"""Letters of a note."""

Reviews = dict[tuple[str, str], Review]
"""By label and recording."""
ReviewsElsewhere = dict[tuple[str, str], Elsewhere]
"""By label and recording, of other evaluations."""


def told(reviews: Iterable[Review | None]) -> str:
    """How far mistakes were looked at: "7 of 20 reviewed: 6 label wrong, 1 cannot tell"."""
    every = list(reviews)
    seen = [one for one in every if one is not None]
    head = f"{len(seen):,} of {len(every):,} reviewed"
    return f"{head}: {verdicts_told(seen)}" if seen else head


def verdicts_told(reviews: Iterable[Review]) -> str:
    """How often each verdict was given: "6 label wrong, 1 cannot tell"."""
    counts = Counter(one.verdict for one in reviews)
    return ", ".join(f"{counts[verdict]:,} {verdict}" for verdict in VERDICTS if counts[verdict])
