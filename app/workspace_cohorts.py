"""What the workspace does with its cohorts: making them, and telling who is in which part and who was left out."""

from __future__ import annotations

from collections.abc import Sequence

from app.core import cohort_choices, cohorts, eligible, leakage
from app.core.cohort_choices import CohortChoices
from app.core.home import Home
from app.core.rows import CohortFlow, CohortRow
from engine.contract.run import ManifestRow
from engine.data.splits import Part


class Cohorts:
    """The part of `Workspace` that is about cohorts."""

    _home: Home

    def create_cohort(
        self,
        name: str,
        *,
        labels: Sequence[str] = (),
        dataset: str | None = None,
        folds: int | None = 5,
        holdout: float | None = None,
        official: bool = False,
        seed: int = 0,
        rules: Sequence[str] = (),
        search: bool = False,
    ) -> CohortRow:
        """Freeze a set of recordings with one patient-wise split. Where asked, the search for copies is queued.

        Args:
            name: a name that no other cohort has.
            labels: keep recordings with at least one of these known; empty keeps all.
            dataset: keep this collection only.
            folds: number of patient folds, every patient is scored once.
            holdout: in place of folds, the share of patients that is held out as test part.
            official: in place of both, the official parts of a public corpus.
            seed: another seed, another split.
            rules: eligibility rules in words ("age 18..", "paced no"), applied in this order.
            search: queue the search for copies that stand in two parts, as window and command line do. A cohort
                without one says "not searched for copies" wherever it is shown.

        Raises:
            UsageError: name taken, unknown label, no rule, neither folds nor holdout.
            WorldError: no recording is eligible, or too few patients.
        """
        with self._home.db.write() as session:
            made = cohorts.create(session, name, labels, dataset, folds, holdout, seed, rules, official)
            if search:
                leakage.check(session, self._home, made.name, ())
            return cohorts.row(session, made.name)

    def eligible(
        self,
        labels: Sequence[str] = (),
        dataset: str | None = None,
        rules: Sequence[str] = (),
        official: bool = False,
    ) -> CohortFlow:
        """Who a cohort of these rules would leave out, and why; nothing is made. Raises UsageError for no rule."""
        with self._home.db.read() as session:
            return eligible.choose(session, labels, dataset, rules, official).flow

    def cohort_choices(self) -> CohortChoices:
        """What the rules of a cohort can choose among in this workspace, with numbers of recordings."""
        with self._home.db.read() as session:
            return cohort_choices.of(session)

    def cohort_flow(self, name: str) -> CohortFlow:
        """Who was left out of a cohort at which step. Raises UsageError when there is none of this name."""
        with self._home.db.read() as session:
            return cohorts.flow(session, name)

    def cohort_parts(self, name: str) -> list[Part]:
        """What went into which part of a cohort's split: recordings, patients, labels."""
        with self._home.db.read() as session:
            return cohorts.table(session, name)

    def cohorts(self) -> list[CohortRow]:
        """All cohorts in the order of their making."""
        with self._home.db.read() as session:
            return cohorts.all_rows(session)

    def cohort(self, name: str) -> CohortRow:
        """One cohort. Raises UsageError when there is none of this name."""
        with self._home.db.read() as session:
            return cohorts.row(session, name)

    def cohort_members(self, name: str) -> list[ManifestRow]:
        """The recordings of a cohort and their parts of the split."""
        with self._home.db.read() as session:
            return cohorts.manifest(session, name)
