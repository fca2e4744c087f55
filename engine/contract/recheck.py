"""The pages of a recheck: recordings that are in are judged again, by the rules of the version that does it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.estimate import Model
from engine.contract.page import Page
from engine.contract.version import CONTRACT_VERSION


class RecheckConfig(Page):
    """Judge the quality of every recording in the store again, by the rules of this version."""

    kind: Literal["recheck"] = "recheck"
    contract: int = CONTRACT_VERSION
    store: str = Field(description="Folder of the store that is read.")


class RecheckResults(Model):
    """What judging again gave; the verdicts themselves stand in the run folder, one line a recording."""

    kind: Literal["recheck"] = "recheck"
    recordings: int = Field(description="Recordings that were judged.")
    verdicts: dict[str, int] = Field(description="By verdict: how many recordings have it now.")
    findings: dict[str, int] = Field({}, description="By finding: how many recordings have it now.")
