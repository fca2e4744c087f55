"""What a search for leaks is asked: which recordings must not meet again, and where."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.page import Page
from engine.contract.version import CONTRACT_VERSION

AGAINST = "against"
"""Begins the part, in the manifest, of recordings that those of the cohort are compared with: "against main"."""


class LeakageConfig(Page):
    """Look for patients and recordings, copies included, that stand on two sides."""

    kind: Literal["leakage"] = "leakage"
    contract: int = CONTRACT_VERSION
    store: str
    cohort: str = ""
    packs: tuple[str, ...] = Field((), description="Fingerprint packs of corpora that models were trained on.")
