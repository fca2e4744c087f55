"""What the steps measured, kept on the device until somebody wants to know: a step never waits to be read.

Shapes: P values of a step, N values of all steps since the last reading.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.ranks.reduce import global_sum
from engine.training.learner import Values


class NotANumber(Exception):
    """The loss or the gradient of a step is not finite.

    Attributes:
        step: the step, counted from 0.
        what: "loss" or "gradient".
    """

    def __init__(self, step: int, what: str) -> None:
        super().__init__(step, what)
        self.step, self.what = step, what


class Ledger:
    """Values of the steps since the last reading."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, tuple[str, ...], Tensor]] = []

    def note(self, step: int, values: Values) -> None:
        """Keep what a step told: this rank's shares."""
        self._rows.append((step, tuple(values), torch.stack([value.double() for value in values.values()])))

    def read(self) -> dict[str, float]:
        """Values of the last step, of all ranks; empty when there was none since the last reading.

        Raises:
            NotANumber: one of the steps since then went wrong; the first that did is named.
        """
        rows, self._rows = self._rows, []
        if not rows:
            return {}
        told_N = iter(global_sum(torch.cat([row_P for _, _, row_P in rows])).tolist())
        values: dict[str, float] = {}
        for step, names, _ in rows:
            values = {name: next(told_N) for name in names}
            if not all(map(math.isfinite, values.values())):
                raise NotANumber(step, "gradient" if math.isfinite(values["loss"]) else "loss")
        return values
