"""Which finished comparison a page shows; Compare and Dossier ask alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.rows import JobRow
from app.ui.quiet_combo import QuietCombo
from app.ui.run_facts import local_time

if TYPE_CHECKING:
    from app.workspace import Workspace


def finished_comparisons(workspace: Workspace) -> list[JobRow]:
    """Comparisons that have results, the newest first; called off the window's thread."""
    done = [job for job in workspace.jobs() if job.kind == "compare" and job.state == "done"]
    return sorted(done, key=lambda job: job.job_id, reverse=True)


class ComparisonChoice(QuietCombo):
    """One comparison by id, name and the time at which it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Comparison")
        self.setMinimumWidth(240)

    def offer_jobs(self, jobs: list[JobRow]) -> None:
        """Offer these; what was chosen stays chosen."""
        self.offer([(f"{job.job_id}  {job.name}  ({local_time(job.finished)})", job.job_id) for job in jobs])
