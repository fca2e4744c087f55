"""Asking for the same again: the settings of an earlier job, as a form or a recipe holds them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import jobs
from app.core.old_configs import in_todays_words
from app.core.schema import RegisteredModel
from engine.contract.errors import UsageError

_OWN = ("kind", "contract", "store")
"""What belongs to the job and not to what was asked."""


def settings(session: Session, job_id: str) -> dict[str, Any]:
    """The settings of a pretraining or a study; a parent stands there by its model's name.

    Raises:
        UsageError: a job of another kind.
    """
    job = jobs.get(session, job_id)
    if job.kind not in ("pretrain", "study"):
        raise UsageError(f"job {job_id}", f"it is a run of kind {job.kind}", "Name a pretraining or a study")
    data = {name: value for name, value in in_todays_words(jobs.config_of(job)).items() if name not in _OWN}
    if job.kind == "pretrain":
        data["parent"] = job.model or ""
    elif data.get("base", {}).get("parent"):
        data["base"] = {**data["base"], "parent": _named(session, str(data["base"]["parent"]))}
    return data


def _named(session: Session, checkpoint: str) -> str:
    """The model of a checkpoint in the models folder."""
    query = select(RegisteredModel.name).where(RegisteredModel.sha256 == PurePosixPath(checkpoint).name)
    return session.scalar(query.limit(1)) or ""
