"""Showing one recording to an external model: the run that does it, and what it kept to be looked at."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import jobs, models, results
from app.core.home import Home
from app.core.schema import Record
from engine.contract.config import ExternalModel, TryConfig
from engine.contract.errors import UsageError, WorldError
from engine.contract.run import ManifestRow
from engine.contract.trying import SEEN, TryResults


@dataclass(frozen=True)
class Tried:
    """What a model was fed of a recording, and what it said.

    Attributes:
        x_NCL: windows as they were fed, float32 [windows, leads, samples]; None where it could not be fed.
    """

    job_id: str
    results: TryResults
    x_NCL: NDArray[np.float32] | None


def try_model(session: Session, home: Home, model: str, record_id: str) -> str:
    """Queue a trial; gives back the job's id.

    Raises:
        UsageError: unknown model or recording, or a model that is no external one.
    """
    found = models.get(session, model)
    if found.source != "external":
        raise UsageError(f"model {model}", f"a model of kind {found.source} has no contract to try", "Choose another")
    record = session.scalar(select(Record).where(Record.record_id == record_id))
    if record is None:
        raise UsageError("recording", "the workspace has none of this id", "See: isoline records")
    source = models.source_of(home, found)
    assert isinstance(source, ExternalModel)
    config = TryConfig(store=str(home.store), model=source)
    manifest = [ManifestRow(record.record_id, record.patient, "test")]
    return jobs.submit(session, home, config, f"{model} on one ECG", manifest, model=model)


def tried(session: Session, home: Home, job_id: str) -> Tried:
    """What came of a finished trial.

    Raises:
        UsageError: no finished trial of this id.
        WorldError: what it kept is gone or damaged.
    """
    told = results.results(session, job_id)
    if not isinstance(told, TryResults):
        raise UsageError(f"job {job_id}", "it is no finished trial of a model", "See: isoline jobs list")
    if told.refused:
        return Tried(job_id, told, None)
    try:
        with np.load(home.run(job_id).path / SEEN, allow_pickle=False) as kept:
            x_NCL = np.asarray(kept["x"], dtype=np.float32)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        raise WorldError(f"job {job_id}", "what the model was fed is gone or damaged", "Try it again") from None
    return Tried(job_id, told, x_NCL)
