"""Is the ground truth the cart's own statement? A model that learnt from carts agrees with carts.

For each label: how many of its values came from the cart itself, and which of the cart's statements says the same,
measured by Cohen's kappa over the recordings that carry statements. With a label that repeats a statement one measures
how well a model imitates the cart, not how well it finds disease.

Source: Cohen J. A coefficient of agreement for nominal scales. Educational and Psychological Measurement 20 (1960).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

CIRCULAR, PARTLY = 0.8, 0.6
"""Kappa from which on a label counts as the statement, and from which on it leans on it."""

FEWEST = 10
"""Recordings that must have the label, and be without it, before an agreement counts."""

Verdict = Literal["circular", "leaning", "independent", "unknown"]


@dataclass(frozen=True)
class Spoken:
    """What a cart said of one recording.

    Attributes:
        codes: what it stated, as codes or short texts.
        confirmed: whether a person confirmed it; None when nobody told.
    """

    codes: frozenset[str]
    confirmed: bool | None = None


@dataclass(frozen=True)
class Circularity:
    """How far one label is the cart's own word.

    Attributes:
        label: its name.
        verdict: circular, leaning, independent, or unknown where nothing can be told.
        sentence: the finding in plain words.
        known: recordings whose label is known.
        positives: recordings that have it.
        from_cart: known values that were taken from the cart itself.
        with_statements: known recordings that carry statements of the cart.
        statement: the statement that agrees best; empty when there is none.
        kappa: Cohen's kappa of label and statement; None where it cannot be told.
        both: recordings with label and statement.
        label_only: with the label, without the statement.
        statement_only: with the statement, without the label.
        unconfirmed: of the recordings with statements, those that no person confirmed, as far as that is told.
    """

    label: str
    verdict: Verdict
    sentence: str
    known: int
    positives: int
    from_cart: int
    with_statements: int
    statement: str = ""
    kappa: float | None = None
    both: int = 0
    label_only: int = 0
    statement_only: int = 0
    unconfirmed: int = 0


def circularity(
    label: str, values: Mapping[str, bool], from_cart: Collection[str], spoken: Mapping[str, Spoken]
) -> Circularity:
    """How far a label is the cart's own statement.

    Args:
        label: its name.
        values: by record id, whether the recording has the label; unknown ones are absent.
        from_cart: record ids whose value was taken from the cart's statements.
        spoken: by record id, what the cart said; recordings without statements are absent.
    """
    own = len([record for record in values if record in from_cart])
    told = {record: value for record, value in values.items() if record in spoken}
    statement, kappa, both, label_only, statement_only = _closest(told, spoken)
    unconfirmed = sum(spoken[record].confirmed is False for record in told)
    verdict = _verdict(len(values), own, kappa)
    return Circularity(
        label=label,
        verdict=verdict,
        sentence=_sentence(label, verdict, len(values), own, len(told), statement, kappa),
        known=len(values),
        positives=sum(values.values()),
        from_cart=own,
        with_statements=len(told),
        statement=statement,
        kappa=None if kappa is None else round(kappa, 4),
        both=both,
        label_only=label_only,
        statement_only=statement_only,
        unconfirmed=unconfirmed,
    )


def cohens_kappa(both: int, first_only: int, second_only: int, neither: int) -> float | None:
    """Cohen's kappa of two yes-or-no judgements; None when one of them says the same of all.

    >>> cohens_kappa(20, 5, 10, 15)  # the example of the textbooks
    0.4
    """
    total = both + first_only + second_only + neither
    first, second = both + first_only, both + second_only
    if not 0 < first < total or not 0 < second < total:
        return None
    chance = (first * second + (total - first) * (total - second)) / total**2
    return round(((both + neither) / total - chance) / (1 - chance), 12)


def _closest(told: Mapping[str, bool], spoken: Mapping[str, Spoken]) -> tuple[str, float | None, int, int, int]:
    """The statement with the largest kappa, and how it meets the label."""
    having = {record for record, value in told.items() if value}
    if len(having) < FEWEST or len(told) - len(having) < FEWEST:
        return "", None, 0, 0, 0
    stated: dict[str, set[str]] = defaultdict(set)
    for record in told:
        for code in spoken[record].codes:
            stated[code].add(record)
    best: tuple[str, float | None, int, int, int] = ("", None, 0, 0, 0)
    for code, records in sorted(stated.items()):
        both = len(records & having)
        counts = (both, len(having) - both, len(records) - both)
        kappa = cohens_kappa(*counts, len(told) - sum(counts))
        if kappa is not None and (best[1] is None or kappa > best[1]):
            best = (code, kappa, *counts)
    return best


def _verdict(known: int, own: int, kappa: float | None) -> Verdict:
    if own > known / 2 or (kappa is not None and kappa >= CIRCULAR):
        return "circular"
    if own or (kappa is not None and kappa >= PARTLY):
        return "leaning"
    return "unknown" if kappa is None else "independent"


def _sentence(
    label: str, verdict: Verdict, known: int, own: int, told: int, statement: str, kappa: float | None
) -> str:
    if own:
        return f"{label}: {own:,} of {known:,} values are the cart's own statement"
    if kappa is None:
        reason = "no recording carries statements of the cart" if not told else "too few recordings to tell"
        return f"{label}: whether it repeats the cart's statement cannot be told, {reason}"
    how = {"circular": "repeats", "leaning": "leans on"}.get(verdict, "does not repeat")
    return f'{label} {how} the cart\'s statement "{statement}" (kappa {kappa:.2f}, {told:,} recordings)'
