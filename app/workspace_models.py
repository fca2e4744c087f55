"""What the workspace does with the models that it is asked to examine or to compare with. No logic of its own."""

from __future__ import annotations

from pathlib import Path

from app.core import models, scores
from app.core.home import Home
from app.core.rows import ModelRow
from engine.contract.config import AnyBackboneConfig


class Models:
    """The part of `Workspace` that is about models."""

    _home: Home

    def add_random_model(
        self, name: str, backbone: AnyBackboneConfig, seed: int = 0, rate_hz: float = 240.0, window_s: float = 2.5
    ) -> ModelRow:
        """Register a backbone with random weights, as comparator."""
        with self._home.db.write() as session:
            return models.add_random(session, name, backbone, seed, rate_hz, window_s)

    def add_baseline(self, name: str = "age + sex") -> ModelRow:
        """Register the logistic regression on age and sex, as comparator."""
        with self._home.db.write() as session:
            return models.add_baseline(session, name)

    def add_predictions(self, csv: Path, name: str | None = None, trained_on: str = "") -> ModelRow:
        """Register scores that somebody else computed (columns record, label, score).

        `trained_on` is what the model's maker declares; it is held against every cohort that the model is scored on.

        Raises:
            WorldError: unreadable, a column is missing, or no row names a recording of the workspace.
            UsageError: the name is taken, or it is registered with another declaration.
        """
        return scores.add(self._home, Path(csv), name, trained_on)

    def add_checkpoint(self, folder: Path, name: str | None = None, trained_on: str = "") -> ModelRow:
        """Register a checkpoint of Isoline's own format; `trained_on` tells what its card leaves open.

        Raises:
            WorldError: unreadable, or its weights are not those its card names.
            UsageError: the name is taken, or its card tells otherwise what it was trained on.
        """
        return models.add_checkpoint(self._home, Path(folder), name, trained_on=trained_on)

    def models(self) -> list[ModelRow]:
        """All models in the order of their registration."""
        with self._home.db.read() as session:
            return models.all_rows(session)

    def model(self, name: str) -> ModelRow:
        """One model. Raises UsageError when there is none of this name."""
        with self._home.db.read() as session:
            return models.as_row(models.get(session, name))
