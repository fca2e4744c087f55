"""Short names of what speaks against a recording's quality, for reasons that were told before they had names."""

from __future__ import annotations

from collections.abc import Iterable

_OLD = {
    "no samples in": "missing",
    "samples missing in": "missing",
    "flat line in": "flat",
    "stuck at its extreme": "clipped",
    "gain suspect": "gain",
    "impossible amplitude": "gain",
    "every lead spans the same": "gain",
    "limb leads contradict each other": "einthoven",
}
"""How version 0.1 worded its reasons, and what `engine.signal.quality_finding` calls them."""


def finding_of(reason: str) -> str:
    """What a reason of version 0.1 is about.

    >>> finding_of("flat line in V1, V2"), finding_of("gain suspect: the leads swing by 8 mV a second")
    ('flat', 'gain')
    """
    return next((name for start, name in _OLD.items() if reason.startswith(start)), "other")


def findings_of(reasons: Iterable[str]) -> list[str]:
    """The findings of a recording, none twice."""
    return list(dict.fromkeys(finding_of(reason) for reason in reasons))
