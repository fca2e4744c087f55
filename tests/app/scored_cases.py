"""Scores of tested recordings whose counts at its thresholds are those of `evaluation_cases.full_label`."""

import numpy as np

from app.core.scored_records import ScoredRecords

GROUPS = ((10, 0.9, 0.99), (10, 0.4, 0.89), (7, 0.1, 0.39)), ((1, 0.95, 0.95), (29, 0.4, 0.89), (143, 0.1, 0.39))
"""Of recordings with the label, then of those without it: how many, and between which scores."""


def scored_of_the_full_label() -> ScoredRecords:
    scores = [np.concatenate([np.linspace(low, high, count) for count, low, high in groups]) for groups in GROUPS]
    ids = [f"p{n:03d}" for n in range(len(scores[0]))] + [f"n{n:03d}" for n in range(len(scores[1]))]
    truth = np.repeat([1.0, 0.0], [len(scores[0]), len(scores[1])])
    return ScoredRecords.of(ids, np.concatenate(scores), truth)


def many_scored(count: int = 100_000, positive: float = 0.02) -> ScoredRecords:
    """As many as a large hospital tests; the label is rare."""
    generator = np.random.default_rng(5)
    truth = (generator.random(count) < positive).astype(float)
    scores = generator.normal(2.0 * truth, 1.0)
    return ScoredRecords.of([f"r{n:06d}" for n in range(count)], scores, truth)
