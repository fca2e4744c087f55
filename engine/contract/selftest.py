"""The page of the self-test: every statistic held against values that other software computed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.estimate import Model


class Deviation(Model):
    """A number that is not what the other software says."""

    subject: str
    case: str
    quantity: str
    expected: float
    found: float | None = Field(description="None where ours is undefined or failed.")
    tolerance: float
    problem: str = ""


class SubjectVerdict(Model):
    """One subject: what it was held against, and how far off the worst number is."""

    subject: str
    software: str = Field(description="What computed the expected values, with its version.")
    cases: int
    numbers: int
    wrong: int
    worst: float = Field(description="Largest difference as a share of its tolerance; above 1 is wrong.")


class Certificate(Model):
    """What a self-test found on this machine. The dossier carries it."""

    kind: Literal["selftest"] = "selftest"
    right: bool
    subjects: list[SubjectVerdict]
    deviations: list[Deviation] = Field([], description="At most 100, in the order of the subjects.")
    numbers: int
    references_sha256: str = Field(description="Over all reference files in the order of their names.")
    isoline: str
    python: str
    packages: dict[str, str] = Field(description="Version of each package that the numbers went through.")
    machine: str = Field(description="System and processor architecture; never a name of the machine.")
    made_at: str
    seconds: float
