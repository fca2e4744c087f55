"""How many recordings of each cohort a model's maker does not mean it for: counted off the window's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.off_label import OffLabel

if TYPE_CHECKING:
    from app.workspace import Workspace

MOST_COHORTS = 3
"""Cohorts that are told one by one, the newest first; of more, how many there are."""


def off_label_counts(workspace: Workspace, name: str) -> list[tuple[str, OffLabel]]:
    """Each cohort with the card's rules held against it, the newest first."""
    return [(row.name, workspace.off_label(name, row.name)) for row in reversed(workspace.cohorts())]


def off_label_words(counts: list[tuple[str, OffLabel]]) -> tuple[str, str]:
    """A title and a line for each cohort; both empty where every recording is one that the model is meant for."""
    touched = [(cohort, told) for cohort, told in counts if told.outside or told.untold]
    if not touched:
        return "", ""
    lines = [_line(cohort, told) for cohort, told in touched[:MOST_COHORTS]]
    more = len(touched) - MOST_COHORTS
    lines += [f"And {more:,} more, see: isoline model eligible"] * (more > 0)
    certain = any(told.outside for _, told in touched)
    title = "Not meant for some recordings here" if certain else "Not certainly meant for some recordings here"
    return title, "\n".join(lines)


def _line(cohort: str, told: OffLabel) -> str:
    rules = [
        f"{one.rule}: {', '.join(_some(one.outside, one.untold))}" for one in told.rules if one.outside or one.untold
    ]
    whole = " and ".join(_some(told.outside, told.untold))
    return f"Cohort {cohort}: {whole}, of {told.records:,} recordings ({'; '.join(rules)})"


def _some(outside: int, untold: int) -> list[str]:
    return [f"{outside:,} off label"] * bool(outside) + [f"{untold:,} not known"] * bool(untold)
