"""A workspace in memory for the cohort builder: rules that leave out a known number, answers that can be held back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.core.cohort_choices import CohortChoices
from app.core.record_query import LabelCount
from app.core.rows import CohortFlow, CohortRow
from engine.contract.eligibility import parse_rule
from engine.contract.errors import WorldError
from engine.data.eligibility import Step

CONSIDERED = 1000
CHOICES = CohortChoices(
    records=CONSIDERED,
    values={
        "sex": (("female", 520), ("male", 470), ("unknown", 10)),
        "quality": (("good", 900), ("limited", 100)),
        "device": tuple((f"Cart {place}", 100 - place) for place in range(9)),
        "setting": (("ward", 30),),
        "format": (),
        "without": (("wander", 120),),
    },
    labels=tuple(LabelCount(f"label {place:03d}", 10 + place, 90) for place in range(300)),
    datasets=(("ptbxl", 700), ("ward 7", 300)),
    official=(("ptbxl", 700),),
    years=(1999, 2021),
)


class FakeCohorts:
    """Each rule leaves out a hundred recordings, and with them fifty patients."""

    path = Path("/data/ward 7")

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.made: list[dict[str, Any]] = []
        self.held: dict[int, threading.Event] = {}
        self.threads: set[int] = set()
        self.refuse: WorldError | None = None

    def hold(self, rules: int) -> threading.Event:
        """Let the answer for so many rules wait until the event is set."""
        self.held[rules] = threading.Event()
        return self.held[rules]

    def cohort_choices(self) -> CohortChoices:
        self.threads.add(threading.get_ident())
        return CHOICES

    def eligible(self, labels: Sequence[str], dataset: str | None, rules: Sequence[str], official: bool) -> CohortFlow:
        self.threads.add(threading.get_ident())
        self.asked.append((tuple(labels), dataset, tuple(rules), official))
        if len(rules) in self.held:
            assert self.held[len(rules)].wait(20)
        steps = []
        for place, rule in enumerate(rules):
            left = CONSIDERED - 100 * place
            steps.append(Step(str(parse_rule(rule)), left, left // 2, {"a reason": 100}))
        left = max(CONSIDERED - 100 * len(rules), 0)
        return CohortFlow(CONSIDERED, CONSIDERED // 2, tuple(steps), left, left // 2, torn=3 if official else 0)

    def create_cohort(self, name: str, **asked: Any) -> CohortRow:
        self.threads.add(threading.get_ident())
        if self.refuse is not None:
            raise self.refuse
        self.made.append({"name": name, **asked})
        return CohortRow(name, 900, 450, "S-1", "5 patient folds", "ab", 0, 0, "2026-11-22T09:00:00Z")
