"""What is asked of a cohort before it is made: what the window's form holds, and the command line that says the same.

One object goes both ways: the builder reads its form into a plan, a plan makes the cohort, and a cohort that there is
gives the plan that would make it again.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.core.rows import OFFICIAL, CohortFlow, CohortRow
from app.core.words import counted

SplitWay = Literal["folds", "holdout", "official"]
FEWEST_TO_HOLD_OUT = 2
_FOLDS = re.compile(r"(\d+) patient folds")
_SHARE = re.compile(r"([\d.]+)% of the patients held out")


@dataclass(frozen=True)
class CohortPlan:
    """Name, recordings and split of a cohort to be made.

    Attributes:
        name: of the cohort.
        labels: one of these must be known; empty lets in recordings without any.
        dataset: this collection only; None takes all.
        rules: in words, in the order in which they are applied.
        way: how patients are divided.
        folds: for the way "folds".
        share: of the patients in percent, for the way "holdout".
        seed: of the split.
    """

    name: str = ""
    labels: tuple[str, ...] = ()
    dataset: str | None = None
    rules: tuple[str, ...] = ()
    way: SplitWay = "folds"
    folds: int = 5
    share: float = 30.0
    seed: int = 0

    @property
    def official(self) -> bool:
        """Whether the official parts of a public corpus are taken."""
        return self.way == "official"

    @property
    def holdout(self) -> float | None:
        """The share of patients held out, between 0 and 1, where that is the way."""
        return self.share / 100 if self.way == "holdout" else None

    @property
    def asked_folds(self) -> int | None:
        """Number of folds, where that is the way."""
        return self.folds if self.way == "folds" else None

    def obstacle(self, flow: CohortFlow) -> str:
        """Why no cohort can be made of those who are left; empty where one can."""
        if not flow.considered:
            return "The workspace holds no such recording"
        if any(step.rule == OFFICIAL and not step.left for step in flow.steps):
            return "None of these recordings came with an official split: divide by patient"
        if not flow.records:
            return "No recording is left: widen a rule or take one away"
        needed = {"folds": self.folds, "holdout": FEWEST_TO_HOLD_OUT}.get(self.way, 1)
        if flow.patients < needed:
            there = "1 is left" if flow.patients == 1 else f"{flow.patients:,} are left"
            asked = f"{self.folds} folds need" if self.way == "folds" else "A held-out part needs"
            return f"{asked} at least {needed} patients, {there}"
        if flow.torn:
            return f"The official split has {counted(flow.torn, 'patient')} in more than one part: divide by patient"
        return ""

    def command(self, workspace: str) -> str:
        """The command line that makes the same cohort, quoted for the shell of this system."""
        words = ["isoline", "cohort", "create", self.name or "NAME"]
        for option, values in (("--label", self.labels), ("--rule", self.rules)):
            for value in values:
                words += [option, value]
        words += ["--dataset", self.dataset] if self.dataset is not None else []
        split = {"folds": ["--folds", str(self.folds)], "holdout": ["--holdout", f"{self.share / 100:.12g}"]}
        words += split.get(self.way, ["--official"])
        words += ["--seed", str(self.seed)] if self.seed else []
        return quoted([*words, "-w", workspace])


def plan_of(row: CohortRow, name: str = "") -> CohortPlan:
    """The plan that asks for what a cohort was made of; under its own name unless another is given."""
    asked = CohortPlan(name or row.name, row.labels, row.dataset, row.rules, seed=row.seed)
    if found := _FOLDS.match(row.split_kind):
        return replace(asked, way="folds", folds=int(found[1]))
    if found := _SHARE.match(row.split_kind):
        return replace(asked, way="holdout", share=float(found[1]))
    return replace(asked, way="official")


def free_name(wanted: str, taken: Sequence[str]) -> str:
    """A name that no cohort has yet: the wanted one, else with the next number behind it.

    >>> free_name("adults", ["adults", "adults 2"])
    'adults 3'
    """
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    return name


def quoted(words: Sequence[str]) -> str:
    """Words as one line that the shell of this system reads as the same words."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
