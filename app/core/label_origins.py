"""How far labels are the cart's own word, said once where the same holds of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.data.circularity import Circularity, Verdict

NAMED = 5
"""Labels that are named where the same is said of more."""


@dataclass(frozen=True)
class LabelOrigin:
    """What is told of one label, or of several in the same words.

    Attributes:
        labels: their names, in words.
        verdict: of each of them.
        sentence: the finding; it begins with the names.
    """

    labels: str
    verdict: Verdict
    sentence: str


def label_origins(labels: Sequence[Circularity]) -> list[LabelOrigin]:
    """One entry for all labels of which the same is said, in the order in which they first come.

    A cohort whose files carry no statements has the same sentence for each of its labels, which may be seventy.
    """
    alike: dict[tuple[Verdict, str], list[Circularity]] = {}
    for one in labels:
        alike.setdefault((one.verdict, one.sentence.removeprefix(f"{one.label}: ")), []).append(one)
    return [_together(words, found) for (_, words), found in alike.items()]


def _together(words: str, found: Sequence[Circularity]) -> LabelOrigin:
    first = found[0]
    if len(found) == 1:
        return LabelOrigin(first.label, first.verdict, first.sentence)
    names = ", ".join(one.label for one in found[:NAMED])
    if len(found) > NAMED:
        names += f" and {len(found) - NAMED:,} more"
    return LabelOrigin(names, first.verdict, f"{names}: of each, {words}")
