"""The page of subgroups: where a model does better or worse, and where too few patients tell."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.estimate import Estimate, Model

GroupState = Literal["lower", "higher", "no gap shown", "within margin", "insufficient evidence"]


class GroupResult(Model):
    """One group against everybody else."""

    group: str
    state: GroupState = Field(description="By the interval of the gap; 'within margin' when it shows equivalence.")
    estimate: Estimate
    complement: Estimate
    gap: Estimate = Field(description="Group minus complement, on common resamples.")
    p_value: float | None = Field(None, description="That the gap is 0.")
    adjusted_p: float | None = Field(None, description="Corrected over all groups that are told together.")
    correction: str = Field(
        "", description="'Holm' for confirmatory attributes, 'Benjamini-Hochberg' for explored ones."
    )


class SubgroupResults(Model):
    """One attribute of the patients or recordings, one measure."""

    attribute: str
    measure: str
    overall: Estimate
    groups: list[GroupResult]
    interaction_p: float | None = Field(None, description="That all estimable groups are equal.")
    worst: str | None = Field(None, description="The estimable group that does worst: picked, so rather too bad.")
    unestimable: list[str] = Field([], description="Groups that nothing can be said of, each with its reason.")
    unknown_records: int = Field(0, description="Recordings whose group is not known: in no group nor complement.")
    least_patients: int = Field(description="Patients of each class that a group and its complement need.")
