"""How readers of this program sign what they read: with the program's version, as other packages do with theirs."""

from __future__ import annotations

from engine.contract.version import VERSION


def own_reader(form: str) -> str:
    """The provenance of a recording read by our own reader of a format: "isoline 0.1.0 wfdb"."""
    return f"isoline {VERSION} {form}"
