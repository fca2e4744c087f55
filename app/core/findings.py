"""Short names of what speaks against a recording's quality, to filter by: the reason without leads and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LEADS = re.compile(r"\b(?:in|of|to|from|on)?\s*(?:III|II|I|aVR|aVL|aVF|V[1-9])(?![\w-])(?:\s*(?:,|and)\s*)?")
_ENDS = (":", " in ", " (")


def finding_of(reason: str) -> str:
    """What a reason is about.

    >>> finding_of("flat line in V1, V2"), finding_of("gain suspect: the leads swing by 8 mV a second")
    ('flat line', 'gain suspect')
    """
    for sign in _ENDS:
        reason = reason.partition(sign)[0]
    return " ".join(_LEADS.sub(" ", reason).split()) or "other"


def findings_of(reasons: Iterable[str]) -> list[str]:
    """The findings of a recording, none twice."""
    return list(dict.fromkeys(finding_of(reason) for reason in reasons))
