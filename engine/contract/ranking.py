"""Ranks of models over tasks, as results."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.estimate import Estimate, Model


class TaskRank(Model):
    """One model on one task."""

    model: str
    score: float | None = Field(description="None where it is undefined.")
    rank: int | None = Field(description="1 is best; whoever may equal the leader of a group shares its rank.")


class TaskRanks(Model):
    """All models on one task, in the order asked for."""

    task: str
    category: str
    models: list[TaskRank]
    counted: bool = Field(description="Whether it counts in averages: every model has a score.")


class AverageRank(Model):
    """A model over tasks."""

    model: str
    rank: Estimate
    first: float | None = Field(description="Share of the resamples in which nobody's average is better.")


class CategoryRanks(Model):
    """All models over the tasks of one category, or over all categories."""

    category: str
    tasks: int
    models: list[AverageRank]


class Ranking(Model):
    """Ranks of a set of models over tasks."""

    models: list[str]
    tasks: list[TaskRanks]
    categories: list[CategoryRanks]
    overall: CategoryRanks | None = Field(None, description="Mean over categories; None where no task counts.")
    average: Literal["median", "mean"]
    rule: str = Field(description="When two models share a rank, and how intervals were made.")
    notes: list[str] = Field([])
