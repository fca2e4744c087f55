"""Early stop: end when the held-out loss has not become better for so many looks."""

from __future__ import annotations

from typing import Any


class EarlyStop:
    """Counts looks without a better held-out loss; what it knows stands in the checkpoint.

    Args:
        patience: looks without a better loss until it is over; 0 never ends.
    """

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self.best: float | None = None
        self.best_step: int | None = None
        self.waited = 0

    @property
    def over(self) -> bool:
        """Whether it is time to end."""
        return 0 < self._patience <= self.waited

    def look(self, loss: float | None, step: int) -> bool:
        """Take note of a look after `step` steps, whether it is the best so far; one without a loss says nothing."""
        if loss is None:
            return False
        if self.best is None or loss < self.best:
            self.best, self.best_step, self.waited = loss, step, 0
            return True
        self.waited += 1
        return False

    def state(self) -> dict[str, Any]:
        """What must survive a kill."""
        return {"best": self.best, "best_step": self.best_step, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what a checkpoint knows."""
        self.best, self.waited = state["best"], state["waited"]
        self.best_step = state.get("best_step")  # none in checkpoints from before it was kept
