"""Whether a corpus that a model was trained on, and a collection of recordings here, are the same by their names.

Names are written in many ways ("PTB-XL folds 1-8", "ptbxl-500"): words are compared, without case and punctuation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.datasets.registry import DATASETS

ELSEWHERE_KNOWN = ("ludb", "ptb", "incart", "mitbih", "cinc2017")
"""Public corpora that Isoline has no reader of a whole folder for, but that models are trained on."""

UNTOLD = frozenset(["", "unknown", "none", "local", "vendordeclined"])
_SHORTEST = 4
_LONGEST_WORDS = 4
_FOLDS = re.compile(r"\bfolds?\s+(\d+)(?:\s*(?:-|–|to)\s*(\d+))?", re.IGNORECASE)


@dataclass(frozen=True)
class Corpora:
    """What a text says of corpora.

    Attributes:
        names: public corpora that it names.
        phrases: all its words and neighbouring words, run together.
        folds: official folds that it names, first and last; None when it names none.
    """

    names: frozenset[str]
    phrases: frozenset[str]
    folds: tuple[int, int] | None = None


def corpora_in(text: str) -> Corpora:
    """The corpora that a text names.

    >>> sorted(corpora_in("LUDB and PTB-XL folds 1-8").names), corpora_in("PTB-XL, folds 1 to 8").folds
    (['ludb', 'ptbxl'], (1, 8))
    """
    words = re.findall(r"[a-z]+|\d+", text.casefold())
    known = {re.sub(r"[^a-z0-9]", "", name) for name in (*DATASETS, *ELSEWHERE_KNOWN)}
    phrases: set[str] = set()
    named: set[str] = set()
    for start in range(len(words)):
        ends = range(start + 1, min(start + _LONGEST_WORDS, len(words)) + 1)
        here = ["".join(words[start:end]) for end in ends]
        phrases |= set(here)
        # The longest: "HEEDB, Emory" names the part of Emory, not all of HEEDB; "PTB-XL" is not PTB.
        named |= set([phrase for phrase in here if phrase in known][-1:])
    found = _FOLDS.search(text)
    folds = None if found is None else (int(found[1]), int(found[2] or found[1]))
    return Corpora(frozenset(named), frozenset(phrases), folds)


def tells(text: str) -> bool:
    """Whether a card's entry on the corpus says anything."""
    return re.sub(r"[^a-z0-9]", "", text.casefold()) not in UNTOLD


def is_of(collection: str, declared: Corpora) -> bool:
    """Whether a collection of this workspace is of a corpus that was declared.

    >>> is_of("ptbxl-500", corpora_in("PTB-XL folds 1-8")), is_of("ward 7", corpora_in("PTB-XL"))
    (True, False)
    """
    own = corpora_in(collection)
    whole = re.sub(r"[^a-z0-9]", "", collection.casefold())
    if own.names and declared.names:
        return bool(own.names & declared.names)
    return len(whole) >= _SHORTEST and whole not in UNTOLD and whole in declared.phrases
