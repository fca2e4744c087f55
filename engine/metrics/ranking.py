"""Ranks of models over tasks, with the ranks' own uncertainty (method specification, section 6).

On a task models are sorted by score; a model shares the rank of the group's leader where the interval of the paired
difference to that leader holds 0, else it leads a new group at its place (1, 1, 3). A category's rank is the mean or
the median over its tasks, the overall one the mean over categories.

The interval of an average rank repeats all of it on every resample. The interval of a difference within a resample
would need resamples of the resample; instead that of the whole is moved to where the resample's difference lies.
What is undefined is left out, never 0.5: a task where a model has no score counts in no average, and in a resample
where a score is undefined its task does not count in that resample.

Legend: M models, T tasks, B resamples. Column b of every task is the same draw of patients where tasks share them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.contract.estimate import Estimate, Interval
from engine.contract.ranking import AverageRank, CategoryRanks, Ranking, TaskRank, TaskRanks
from engine.metrics.uncertainty import percentile_interval

Floats = NDArray[np.float64]
Average = Literal["median", "mean"]
ALL = "all categories"
LEAST_DEFINED = 0.5
"""Share of the resamples that an interval needs."""


@dataclass(frozen=True)
class Task:
    """Scores of all models on one task.

    Attributes:
        score_M: NaN where undefined.
        resampled_MB: under common resamples, NaN where undefined.
        higher_is_better: False for an error.
    """

    name: str
    category: str
    score_M: Floats
    resampled_MB: Floats
    higher_is_better: bool = True

    @property
    def good_M(self) -> Floats:
        """Scores of which more is better."""
        return self.score_M if self.higher_is_better else -self.score_M

    @property
    def good_MB(self) -> Floats:
        """Resampled scores of which more is better."""
        return self.resampled_MB if self.higher_is_better else -self.resampled_MB


def rank_models(
    models: Sequence[str], tasks: Sequence[Task], average: Average = "median", confidence: float = 0.95
) -> Ranking:
    """Rank any set of models over tasks.

    Args:
        models: names, in the order of every task's scores.
        tasks: with as many resamples each.
        average: over the tasks of a category.
        confidence: of paired differences and of the ranks' intervals.
    """
    ranked = [_ranks(task, confidence) for task in tasks]
    counted = [not np.isnan(rank_M).any() for rank_M, _ in ranked]
    pages = [
        TaskRanks(
            task=task.name,
            category=task.category,
            models=[
                TaskRank(model=model, score=_number(score), rank=None if np.isnan(rank) else int(rank))
                for model, score, rank in zip(models, task.score_M, rank_M, strict=True)
            ],
            counted=counts,
        )
        for task, (rank_M, _), counts in zip(tasks, ranked, counted, strict=True)
    ]
    groups: dict[str, list[tuple[Floats, Floats]]] = {}
    for task, ranks, counts in zip(tasks, ranked, counted, strict=True):
        if counts:
            groups.setdefault(task.category, []).append(ranks)
    within = {category: _averaged(group, average) for category, group in groups.items()}
    told = [_page(models, category, len(groups[category]), *within[category], confidence) for category in within]
    overall = _averaged(list(within.values()), "mean") if within else None
    left_out = [task.name for task, counts in zip(tasks, counted, strict=True) if not counts]
    return Ranking(
        models=list(models),
        tasks=pages,
        categories=told,
        overall=_page(models, ALL, sum(counted), *overall, confidence) if overall else None,
        average=average,
        rule=(
            f"shares the leader's rank where the {confidence:.0%} interval of the paired difference holds 0; "
            "intervals repeat the ranking on every resample"
        ),
        notes=[f"No average counts these tasks, where a model has no score: {', '.join(left_out)}"] if left_out else [],
    )


def shared_ranks(order: Sequence[str], may_equal: Callable[[str, str], bool]) -> dict[str, int]:
    """Ranks along an order, best first: who may equal the leader of a group shares its rank, else leads the next."""
    told: dict[str, int] = {}
    leader = ""
    for place, name in enumerate(order, start=1):
        if not leader or not may_equal(leader, name):
            leader = name
            told[name] = place
        else:
            told[name] = told[leader]
    return told


def _ranks(task: Task, confidence: float) -> tuple[Floats, Floats]:
    """Ranks of a task, [M], and in every resample, [M, B]; NaN where a score is undefined."""
    good_M, good_MB = task.good_M, task.good_MB
    low_MM, high_MM = _reaches(good_M, good_MB, confidence)
    whole_M = _grouped(good_M[:, None], low_MM, high_MM)[:, 0]
    return whole_M, _grouped(good_MB, low_MM, high_MM)


def _reaches(good_M: Floats, good_MB: Floats, confidence: float) -> tuple[Floats, Floats]:
    """How far below and above a paired difference (row minus column) its interval reaches; NaN where it has none."""
    count = len(good_M)
    low_MM, high_MM = np.full((count, count), np.nan), np.full((count, count), np.nan)
    for a in range(count):
        for b in range(count):
            gap_B = good_MB[a] - good_MB[b]
            if a != b and np.isfinite(gap_B).mean() >= LEAST_DEFINED and len(gap_B) > 1:
                bounds = percentile_interval(gap_B, confidence)
                low_MM[a, b], high_MM[a, b] = bounds - (good_M[a] - good_M[b])
    return low_MM, high_MM


def _grouped(good_MB: Floats, low_MM: Floats, high_MM: Floats) -> Floats:
    """Ranks of every column. Without an interval of their difference two models are alike only if equal."""
    count, columns = good_MB.shape
    order_MB = np.argsort(-good_MB, axis=0, kind="stable")  # undefined ones last
    rank_MB = np.full(good_MB.shape, np.nan)
    at_B = np.arange(columns)
    leader_B, leader_rank_B = order_MB[0], np.ones(columns)
    for place in range(count):
        here_B = order_MB[place]
        score_B = good_MB[here_B, at_B]
        gap_B = good_MB[leader_B, at_B] - score_B
        low_B, high_B = low_MM[leader_B, here_B], high_MM[leader_B, here_B]
        alike_B = (gap_B == 0) | ((gap_B + low_B <= 0) & (gap_B + high_B >= 0))
        leads_B = ~alike_B & np.isfinite(score_B)
        leader_B = np.where(leads_B, here_B, leader_B)
        leader_rank_B = np.where(leads_B, place + 1, leader_rank_B)
        rank_MB[here_B, at_B] = np.where(np.isfinite(score_B), leader_rank_B, np.nan)
    return rank_MB


def _averaged(ranks: Sequence[tuple[Floats, Floats]], average: Average) -> tuple[Floats, Floats]:
    """Mean or median over tasks, of the whole and of every resample; there undefined tasks are left out."""
    whole_TM = np.stack([whole_M for whole_M, _ in ranks])
    drawn_TMB = np.stack([drawn_MB for _, drawn_MB in ranks])
    drawn_TMB = np.where(np.isnan(drawn_TMB).any(axis=1, keepdims=True), np.nan, drawn_TMB)
    some_B = np.isfinite(drawn_TMB).any(axis=(0, 1))
    drawn_MB = np.full(drawn_TMB.shape[1:], np.nan)
    middle, of_some = (np.median, np.nanmedian) if average == "median" else (np.mean, np.nanmean)
    drawn_MB[:, some_B] = of_some(drawn_TMB[..., some_B], axis=0)
    return np.asarray(middle(whole_TM, axis=0), dtype=np.float64), drawn_MB


def _page(
    models: Sequence[str], category: str, tasks: int, whole_M: Floats, drawn_MB: Floats, confidence: float
) -> CategoryRanks:
    defined_B = np.asarray(np.isfinite(drawn_MB).all(axis=0))
    enough = len(defined_B) > 1 and defined_B.mean() >= LEAST_DEFINED
    best_MB = drawn_MB[:, defined_B] <= drawn_MB[:, defined_B].min(axis=0, initial=np.inf)
    return CategoryRanks(
        category=category,
        tasks=tasks,
        models=[
            AverageRank(
                model=model,
                rank=_estimate(float(whole), drawn_MB[row, defined_B] if enough else None, confidence),
                first=float(best_MB[row].mean()) if enough else None,
            )
            for row, (model, whole) in enumerate(zip(models, whole_M, strict=True))
        ],
    )


def _estimate(value: float, drawn_B: Floats | None, confidence: float) -> Estimate:
    if drawn_B is None:
        return Estimate(value=value, not_estimable="no interval: scores are undefined in most resamples")
    low, high = percentile_interval(drawn_B, confidence)
    method = f"{len(drawn_B):,} common resamples, each ranked anew, percentile"
    return Estimate(value=value, interval=Interval(low=low, high=high, method=method, confidence=confidence))


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def tasks_of(resampled: Mapping[str, Sequence[tuple[float | None, Floats]]], category: str) -> list[Task]:
    """Tasks of one category from each model's value and resamples, by the task's name."""
    return [
        Task(
            name,
            category,
            np.array([np.nan if value is None else value for value, _ in models]),
            np.stack([drawn_B for _, drawn_B in models]),
        )
        for name, models in resampled.items()
    ]
