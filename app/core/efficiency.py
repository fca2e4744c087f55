"""Asking what a model takes: time, memory and energy of embedding."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.core import jobs, models
from app.core.evaluations import EMBEDDERS
from app.core.home import Home
from engine.contract.config import EfficiencyConfig, explain
from engine.contract.errors import UsageError


def measure(
    session: Session, home: Home, model: str, devices: Sequence[str], batches: Sequence[int], seconds: float
) -> str:
    """Queue an efficiency run.

    Raises:
        UsageError: unknown model, one that is no network, or settings out of range.
    """
    found = models.get(session, model)
    if found.source not in EMBEDDERS:
        reason = f"what a model of kind {found.source} costs is not measured here"
        raise UsageError(f"model {model}", reason, "Choose a network or a program")
    asked = {
        "store": str(home.store),
        "model": models.source_of(home, found),
        "devices": tuple(devices),
        "batches": tuple(batches),
        "seconds": seconds,
    }
    try:
        config = EfficiencyConfig.model_validate(asked)
    except ValidationError as error:
        raise UsageError("efficiency", explain(error), "Correct the named settings") from None
    return jobs.submit(session, home, config, model, model=model)
