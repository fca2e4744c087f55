"""Figures of a study."""

from __future__ import annotations

from engine.contract.results import StudyResults


def figures(results: StudyResults) -> dict[str, str]:
    """SVG text by figure name."""
    return {}
