"""The twelve leads, their canonical order, and what follows from what.

Limb leads obey Einthoven (II = I + III) and Goldberger (aVR = -(I + II) / 2, ...): any two of I, II, III give the rest.
"""

from __future__ import annotations

CANONICAL = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""Order of the leads in every array of this program."""

PRECORDIAL = CANONICAL[6:]

_BY_FOLDED = {name.casefold(): name for name in CANONICAL}

_DERIVED_FROM = {
    ("II", "III"): ("I", (("II", 1.0), ("III", -1.0))),
    ("I", "III"): ("II", (("I", 1.0), ("III", 1.0))),
    ("I", "II"): ("III", (("I", -1.0), ("II", 1.0))),
}
_GOLDBERGER = {
    "aVR": (("I", -0.5), ("II", -0.5)),
    "aVL": (("I", 1.0), ("II", -0.5)),
    "aVF": (("II", 1.0), ("I", -0.5)),
}

Recipe = tuple[tuple[str, float], ...]


def canonical_name(raw: str) -> str | None:
    """The canonical name of a lead, whatever its case; None for anything else (MLII is not II).

    >>> canonical_name("AVR"), canonical_name("v1"), canonical_name("MLII")
    ('aVR', 'V1', None)
    """
    return _BY_FOLDED.get(raw.strip().casefold())


def derivations(measured: set[str]) -> list[tuple[str, Recipe]]:
    """How to compute the limb leads that were not measured: (lead, weighted sum of leads), in a workable order.

    Empty when nothing lacks, or when fewer than two of I, II, III are there.
    """
    have = {lead for lead in ("I", "II", "III") if lead in measured}
    recipes: list[tuple[str, Recipe]] = []
    for pair, (lead, recipe) in _DERIVED_FROM.items():
        if have == set(pair):
            recipes.append((lead, recipe))
    if recipes or len(have) == 3:
        recipes += [(lead, recipe) for lead, recipe in _GOLDBERGER.items() if lead not in measured]
    return recipes


def lacking(measured: set[str]) -> list[str]:
    """Leads that are neither measured nor derivable, in canonical order."""
    reachable = measured | {lead for lead, _ in derivations(measured)}
    return [lead for lead in CANONICAL if lead not in reachable]
