"""What a write has touched, so that each page of the window knows whether to refresh."""

from __future__ import annotations

from enum import Flag, auto


class Changes(Flag):
    """Flags of what changed; a write hands one back, the window sends it on to every page."""

    NOTHING = 0
    RECORDS = auto()
    COHORTS = auto()
    MODELS = auto()
    JOBS = auto()
    RESULTS = auto()
    REPORTS = auto()
    REVIEWS = auto()
    ALL = RECORDS | COHORTS | MODELS | JOBS | RESULTS | REPORTS | REVIEWS
