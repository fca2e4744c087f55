"""The part of the workspace that holds versions of one product against each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.core import version_changes
from app.core.home import Home
from app.core.rows import JobRow
from engine.contract.evaluation import Attribute

if TYPE_CHECKING:
    from app.report.change_record import WrittenRecord


class Versions:
    """Old against new version. Mixed into `Workspace`, which has `_home`."""

    _home: Home

    def compare_versions(
        self,
        old_job: str,
        new_job: str,
        margin: float = 0.02,
        brier_margin: float = 0.01,
        subgroups: Sequence[Attribute] | None = None,
        resamples: int = 2000,
        seed: int = 0,
    ) -> str:
        """Queue a version regression: finished evaluations of an old and a new version on one split.

        Args:
            old_job: evaluation of the version in use.
            new_job: evaluation of the version that would take its place.
            margin: loss of AUROC, average precision, sensitivity or specificity that would be accepted, set before.
            brier_margin: rise of the Brier score that would be accepted.
            subgroups: attributes within whose groups they are held together; sex, age and device when None.
            resamples: patient-clustered bootstrap resamples.
            seed: of every random draw.

        Raises:
            UsageError: one job named twice, unfinished, of different splits, or without a common label.
        """
        asked = (old_job, new_job, margin, brier_margin, subgroups, resamples, seed)
        with self._home.db.write() as session:
            return version_changes.compare(session, self._home, *asked)

    def version_changes(self, models: Sequence[str]) -> list[JobRow]:
        """Version regressions in which old and new are two of these models, the newest first."""
        with self._home.db.read() as session:
            return version_changes.between(session, models)

    def export_change_record(self, job_id: str, out: Path) -> WrittenRecord:
        """Write the draft of a change record from a version regression, and note its hash in the trail.

        Args:
            job_id: a version regression that is done.
            out: a file that ends in .pdf or .md.

        Raises:
            UsageError: no such finished version regression, or another ending.
            WorldError: the file cannot be written, or would hold an identifier seen at import.
        """
        from app.report.change_record import export

        return export(self._home, job_id, Path(out))
