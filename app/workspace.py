"""The one object that window, command line and scripts talk to. A facade without logic of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from app.core import (
    audit,
    jobs,
    launch,
    pump,
    reports,
    results,
    runs,
    storage,
)
from app.core.changes import Changes
from app.core.home import Home
from app.core.inputs import Gathered, gathered
from app.core.label_sheet import read_sheet
from app.core.rows import (
    AuditRow,
    AuditVerdict,
    DerivedRow,
    FileOutcome,
    JobDetail,
    JobRow,
    MetricSeries,
    ReportRow,
    StoreSummary,
    Verification,
)
from app.governance.collect import collect
from app.governance.dossier import Dossier
from app.workspace_cohorts import Cohorts
from app.workspace_data import Data
from app.workspace_examinations import Examinations
from app.workspace_leakage import Sentinel
from app.workspace_models import Models
from app.workspace_reviews import FailureReviews
from app.workspace_training import Training
from app.workspace_versions import Versions
from engine.contract.config import Deidentification, ImportConfig
from engine.contract.evaluation import Mode
from engine.contract.events import AnyEvent
from engine.contract.mapping import SignalTable
from engine.contract.results import AnyResults
from engine.signal.preview import Preview, first_table, preview_table


class Workspace(Cohorts, Data, Examinations, FailureReviews, Models, Sentinel, Training, Versions):
    """A folder with recordings, models, runs and reports, and its audit trail. Use it as a context manager."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._processes = launch.Processes()

    @classmethod
    def create(cls, path: Path) -> Workspace:
        """Make a workspace in an absent or empty folder.

        Raises:
            WorldError: the folder is in use, on a network drive, or cannot be written.
        """
        return cls(Home.create(Path(path)))

    @classmethod
    def open(cls, path: Path) -> Workspace:
        """Open a workspace and bring its schema up to date.

        Raises:
            WorldError: there is none, it is on a network drive, damaged, or of a newer version.
        """
        return cls(Home.open(Path(path)))

    @property
    def path(self) -> Path:
        """The folder."""
        return self._home.path

    @property
    def id(self) -> str:
        """The id that reports name."""
        return self._home.id

    def close(self) -> None:
        """Give back the database. Running jobs go on."""
        self._home.db.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    # Recordings

    def import_files(
        self,
        paths: Sequence[Path] | Gathered,
        dataset: str = "local",
        labels: Path | None = None,
        workers: int = 0,
        deidentify: Deidentification | None = None,
        mapping: SignalTable | None = None,
    ) -> str:
        """Queue the import of files and folders; gives back the job's id.

        Args:
            paths: files, or folders that are searched; or what `find_files` found in them.
            dataset: name of the collection they belong to.
            labels: table with a column `record`, optionally `patient_id`, `age`, `sex`, and one column a label.
            workers: processes that read at once; 0 takes one a core.
            deidentify: what is kept of dates and free text; by default the year, and no free text.
            mapping: what tables and arrays do not say themselves: leads, unit, rate.

        Raises:
            WorldError: nothing to read, or a labels file without the column `record`.
        """
        sheet = None if labels is None else read_sheet(Path(labels), self._home.key)
        found = paths if isinstance(paths, Gathered) else gathered(paths, mapping)
        with self._home.db.write() as session:
            config = ImportConfig(
                store=str(self._home.store),
                dataset=dataset,
                workers=workers,
                deidentify=deidentify or Deidentification(),
                mapping=mapping,
            )
            return runs.bring_in(session, self._home, found.sources, found.refused, config, sheet)

    def find_files(self, paths: Sequence[Path], mapping: SignalTable | None = None) -> Gathered:
        """Search files and folders for recordings, which takes long where there are many; changes nothing.

        Raises:
            WorldError: nothing to read.
        """
        return gathered(paths, mapping)

    def preview(self, paths: Sequence[Path], mapping: SignalTable | None = None) -> Preview | None:
        """What the first table or array among files and folders holds, and what is taken for what, before an import.

        None when there is no table or array: other formats say themselves what they are.
        """
        table = first_table(paths)
        return None if table is None else replace(preview_table(table, mapping), file=table.name)

    def outcomes(self, job_id: str) -> list[FileOutcome]:
        """What became of each input file, and which rows of the labels file were left out."""
        with self._home.db.read() as session:
            return results.outcomes(session, job_id)

    # Store

    def store_summary(self) -> StoreSummary:
        """How many recordings of which rates the store holds, and how many bytes."""
        return storage.summary(self._home)

    def verify_store(self) -> str:
        """Queue the reading of the whole store against its checksums. Raises WorldError when there is none."""
        with self._home.db.write() as session:
            return storage.verify(session, self._home)

    def derived_stores(self) -> list[DerivedRow]:
        """Recordings that were resampled once and kept, one row a way of preparing them."""
        return storage.derived(self._home)

    def forget_derived(self, keys: Sequence[str] = ()) -> int:
        """Delete derived stores, all when none is named; gives back how many bytes that frees.

        Raises:
            WorldError: there is none of this key, or a run is making it.
        """
        with self._home.db.write() as session:
            return storage.forget(session, self._home, keys)

    # Runs

    def embed(self, model: str, cohort: str, keep_for: Sequence[Mode] = ()) -> str:
        """Queue the embedding of a cohort, and the keeping of what heads of further modes need. Raises UsageError."""
        with self._home.db.write() as session:
            return runs.embed(session, self._home, model, cohort, keep_for)

    def compare(
        self,
        evaluation_jobs: Sequence[str],
        seed: int = 0,
        resamples: int = 2000,
        margin: float | None = None,
        confirmatory: bool = False,
    ) -> str:
        """Queue a comparison of finished evaluations of one cohort; the first is of the model examined.

        Args:
            evaluation_jobs: their jobs.
            seed: of the resampling.
            resamples: of the bootstrap.
            margin: loss of AUROC that would be accepted, set before: non-inferiority is judged by it.
            confirmatory: whether the labels were named in advance: Holm's correction over them.

        Raises:
            UsageError: fewer than two, unfinished, or of different splits.
        """
        with self._home.db.write() as session:
            return runs.compare(session, self._home, evaluation_jobs, seed, resamples, margin, confirmatory)

    def jobs(self) -> list[JobRow]:
        """All jobs, the newest first."""
        with self._home.db.read() as session:
            return jobs.all_rows(session)

    def job(self, job_id: str) -> JobRow:
        """One job. Raises UsageError when there is none of this id."""
        with self._home.db.read() as session:
            return jobs.as_row(jobs.get(session, job_id))

    def job_detail(self, job_id: str) -> JobDetail:
        """All that the database knows of a job; needs no run folder."""
        with self._home.db.read() as session:
            return results.detail(session, job_id)

    def metrics(self, job_id: str) -> list[MetricSeries]:
        """The curves of a run."""
        with self._home.db.read() as session:
            return results.metrics(session, job_id)

    def results(self, job_id: str) -> AnyResults | None:
        """What came out of a run that is done, else None."""
        with self._home.db.read() as session:
            return results.results(session, job_id)

    def events(self, job_id: str, after_seq: int = -1, limit: int = 500) -> list[AnyEvent]:
        """What a run said after event `after_seq`, at most `limit` events."""
        with self._home.db.read() as session:
            return results.events(session, job_id, after_seq, limit)

    def pump(self) -> Changes:
        """Take in what runs said, find out which died, start the next; cheap, call it at 4 Hz."""
        return pump.beat(self._home, self._processes)

    def stop(self, job_id: str) -> None:
        """Ask a job to checkpoint and end. Raises UsageError when it neither waits nor works."""
        with self._home.db.write() as session:
            jobs.ask_stop(session, self._home, job_id)

    def resume(self, job_id: str) -> None:
        """Put a stopped, failed or interrupted job back into the queue. Raises UsageError when it is neither."""
        with self._home.db.write() as session:
            jobs.requeue(session, self._home, job_id)

    def wait(
        self, job_id: str, on_progress: Callable[[JobRow], None] | None = None, timeout_s: float | None = None
    ) -> JobRow:
        """Stay until a job has ended (in whatever state). Raises WorldError when the time is over."""
        return pump.wait(self._home, self._processes, job_id, on_progress, timeout_s)

    # Dossier and trail

    def dossier(self, comparison_job: str, title: str | None = None) -> Dossier:
        """All that the report of a comparison prints. Raises UsageError when it is not a finished comparison."""
        return collect(self._home, comparison_job, title)

    def export_report(self, out: Path, comparison_job: str | None = None, title: str | None = None) -> ReportRow:
        """Write the PDF of a comparison (the latest that is done) and note its hash in the trail.

        Raises:
            UsageError: no such finished comparison.
            WorldError: the PDF cannot be written.
        """
        from app.report.export import export

        return export(self._home, Path(out), comparison_job, title)

    def reports(self) -> list[ReportRow]:
        """All exported reports, the newest first."""
        with self._home.db.read() as session:
            return reports.all_rows(session)

    def verify_report(self, pdf: Path) -> Verification:
        """Hold an exported PDF against this workspace. Raises WorldError when it is not a report of Isoline."""
        from app.report.facts import HomeFacts
        from app.report.verify import verify

        return verify(Path(pdf), HomeFacts(self._home))

    def audit(self, limit: int = 200, before: int | None = None) -> list[AuditRow]:
        """The newest events of the trail first; `before` pages on to older ones."""
        with self._home.db.read() as session:
            return audit.rows(session, limit, before)

    def verify_audit(self) -> AuditVerdict:
        """Recompute the chain of the audit trail."""
        with self._home.db.read() as session:
            return audit.verify(session)
