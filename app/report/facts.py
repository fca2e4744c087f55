"""What the workspace holds now, for `app.report.verify`: every hash is made anew, none is read from a column."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from app.core import audit, external_models, jobs, models, reports
from app.core.config_paths import config_sha256, portable_again
from app.core.digests import sha256_of
from app.core.home import Home
from app.core.rows import AuditVerdict
from app.core.schema import AuditEvent, Job, RegisteredModel
from app.report.verify import RunFacts
from engine.contract.model_source import ExternalModel


@dataclass(frozen=True)
class HomeFacts:
    """Answers of one workspace."""

    home: Home

    @property
    def workspace_id(self) -> str:
        """Id of this workspace."""
        return self.home.id

    def run(self, job_id: str) -> RunFacts | None:
        """The run as it stands now; None when there is no such run or it has no results."""
        with self.home.db.read() as session:
            job = session.scalar(select(Job).where(Job.job_id == job_id))
            if job is None or job.results is None:
                return None
            config, text = jobs.config_of(job), job.results
        folder = self.home.run(job_id)
        return RunFacts(
            config_sha256=config_sha256(config),
            results_sha256=hashlib.sha256(text.encode()).hexdigest(),
            results=json.loads(text),
            config_file_sha256=self._config_file(job_id),
            results_file_sha256=_hash(folder.results_path),
        )

    def model_sha256(self, sha256: str) -> str | None:
        """Recomputed hash of the model registered under `sha256`: of its file, or of its definition without one."""
        with self.home.db.read() as session:
            query = select(RegisteredModel).where(RegisteredModel.sha256 == sha256).limit(1)
            found = session.scalar(query)
            definition = None if found is None else dict(found.definition)
        if definition is None:
            return None
        if definition["source"] == "external":
            return external_models.files_sha256(self.home, ExternalModel.model_validate(definition))
        file = {"native": models.WEIGHTS, "predictions": models.SCORES}.get(definition["source"])
        if file is None:
            return models.definition_sha256(definition)
        return _hash(self.home.models / sha256 / file)

    def audit(self) -> AuditVerdict:
        """Whether the audit chain holds, walked from its first event."""
        with self.home.db.read() as session:
            return audit.verify(session)

    def audit_hash(self, seq: int) -> str | None:
        """Hash of the audit event number `seq`; None when the trail is shorter."""
        with self.home.db.read() as session:
            return session.scalar(select(AuditEvent.hash).where(AuditEvent.seq == seq))

    def exported(self) -> frozenset[str]:
        """sha256 of every PDF whose export stands in the audit trail."""
        with self.home.db.read() as session:
            return reports.exported_hashes(session)

    def _config_file(self, job_id: str) -> str | None:
        """Hash of config.json by the rule of the database: paths relative to the workspace, canonical JSON."""
        path = self.home.run(job_id).config_path
        if not path.exists():
            return None
        try:
            return config_sha256(portable_again(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return "unreadable"


def _hash(path: Path) -> str | None:
    return sha256_of(path) if path.is_file() else None
