"""The part of the workspace that looks further than an evaluation: stress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from app.core import efficiency, examinations, golden, planning, results, trying, vetting
from app.core.home import Home
from app.core.planning import Plan
from app.core.trying import Tried
from app.core.vetting import Vetting
from engine.contract.drift import GroupedBy
from engine.contract.vetting import ParityCertificate
from engine.signal.perturbations import PERTURBATIONS, Perturbation

if TYPE_CHECKING:
    from app.report.figure import Figure


class Examinations:
    """Runs on models that are evaluated already. Mixed into `Workspace`, which has `_home`."""

    _home: Home

    def stress(
        self,
        model: str,
        cohort: str,
        labels: Sequence[str] = (),
        faults: Sequence[str] = (),
        margin: float = 0.05,
        resamples: int = 2000,
        seed: int = 0,
        mode: Literal["linear", "own"] = "linear",
        classes: Mapping[str, str] | None = None,
    ) -> str:
        """Queue a stress bench: the model's linear probe, or its own outputs, on test recordings broken on purpose.

        Args:
            model: a network.
            cohort: whose recordings, labels and split.
            labels: which ones; the cohort's when left out.
            faults: names of faults or of groups of them (see `faults`); all when left out.
            margin: loss of macro AUROC that counts as broken.
            resamples: patient-clustered bootstrap resamples.
            seed: of every random draw.
            mode: what answers: a linear probe, or a vendor's own outputs.
            classes: by label the class of its own outputs that answers it, where names differ.

        Raises:
            UsageError: unknown model, cohort, label or fault, or a model that takes no recordings.
            WorldError: nothing to evaluate.
        """
        asked = (model, cohort, labels, faults, margin, resamples, seed, mode, classes)
        with self._home.db.write() as session:
            return examinations.stress(session, self._home, *asked)

    def try_model(self, model: str, record_id: str) -> str:
        """Queue a trial: one recording shown to an external model; gives back the job's id.

        Raises:
            UsageError: unknown model or recording, or a model that is no external one.
        """
        with self._home.db.write() as session:
            return trying.try_model(session, self._home, model, record_id)

    def tried(self, job_id: str) -> Tried:
        """What a model was fed of a recording, and what it said.

        Raises:
            UsageError: no finished trial of this id.
            WorldError: what it kept is gone or damaged.
        """
        with self._home.db.read() as session:
            return trying.tried(session, self._home, job_id)

    def vet(
        self,
        model: str,
        cohort: str | None = None,
        labels: Sequence[str] = (),
        reference: Path | None = None,
        classes: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> str:
        """Queue a vetting: card against graph, golden ECGs, parity, determinism, what a wrong contract does.

        Args:
            model: an external one.
            cohort: on whose recordings contract items are broken; the shipped ECGs when left out.
            labels: of the cohort, on which a loss of AUROC is looked for; the test part of its split is opened.
            reference: the vendor's numbers for the golden ECGs (.csv, .json, .npz).
            classes: by label the class of the model that answers it, where their names differ.
            settings: further fields of a VetConfig: tolerance, loss, most, repeats, resamples, seed.

        Raises:
            UsageError: unknown model, cohort or label, or settings out of range.
            WorldError: the vendor's file is unreadable, or names what there is not.
        """
        with self._home.db.read() as session:
            card = vetting.external_card(session, model)
        given = vetting.supplied(card, reference)
        with self._home.db.write() as session:
            return vetting.vet(session, self._home, model, given, cohort, labels, classes, settings)

    def latest_vetting(self, model: str) -> Vetting | None:
        """The newest finished vetting of a registered model; None when there is none. Raises UsageError."""
        with self._home.db.read() as session:
            return vetting.latest(session, model)

    def parity_certificate(self, model: str) -> ParityCertificate:
        """The parity certificate of a registered model. Raises UsageError where it has not been vetted."""
        with self._home.db.read() as session:
            return vetting.certificate(session, model)

    def export_golden(self, model: str, folder: Path) -> list[Path]:
        """Write the golden ECGs for a vendor to run, with contract and template; gives back the files.

        Raises:
            UsageError: no external model of this name.
            WorldError: the folder exists already, cannot be written, or would hold an identifier seen at import.
        """
        with self._home.db.read() as session:
            card = vetting.external_card(session, model)
        return golden.export_golden(self._home, card, golden.golden_ecgs(), Path(folder))

    def efficiency(
        self, model: str, devices: Sequence[str] = (), batches: Sequence[int] = (1, 64), seconds: float = 5.0
    ) -> str:
        """Queue the measurement of what a model takes: parameters, FLOPs, time, memory, energy.

        Args:
            model: a network, or one of somebody else's.
            devices: "cpu", "cuda"; the processor, and the GPU where there is one, when left out.
            batches: crops at a time.
            seconds: how long each batch size is measured at least.

        Raises:
            UsageError: unknown model, one that is no network, or settings out of range.
        """
        with self._home.db.write() as session:
            return efficiency.measure(session, self._home, model, devices, batches, seconds)

    def plan(
        self,
        cohort: str,
        label: str,
        expected: Mapping[str, float],
        widths: Mapping[str, float] | None = None,
        correlation: float = 1.0,
    ) -> Plan:
        """How precise a test of a label will be, before it is opened; nothing is counted as an opening.

        Args:
            cohort: whose test part.
            label: of two classes.
            expected: what is expected of the model: auroc, slope, threshold, sensitivity, specificity, prevalence.
            widths: of intervals, by measure.
            correlation: of two recordings of one patient.

        Raises:
            UsageError: unknown cohort or label, or numbers out of range.
        """
        with self._home.db.read() as session:
            return planning.plan(session, cohort, label, expected, widths or {}, correlation)

    def drift(
        self,
        model: str,
        cohort: str,
        reference: str,
        labels: Sequence[str] = (),
        by: Sequence[GroupedBy] | None = None,
        seed: int = 0,
    ) -> str:
        """Queue a comparison of a cohort's recordings with a reference's, as a model sees them.

        Args:
            model: a network.
            cohort: the local recordings.
            reference: cohort of the recordings that the model is known on.
            labels: labels of the reference whose share among the local recordings is reckoned from scores.
            by: attributes of which every local group is held against the reference, too; device and year when None.
            seed: of every random draw.

        Raises:
            UsageError: unknown model, cohort or label, or a model that takes no recordings.
            WorldError: no recording of the reference is left.
        """
        with self._home.db.write() as session:
            return examinations.drift(session, self._home, model, reference, cohort, labels, by, seed)

    def export_figures(self, job_id: str, folder: Path) -> list[Path]:
        """Write every number of a finished run as a table and every figure as SVG; gives back the files.

        Raises:
            UsageError: no such job, or it has no results.
            WorldError: the folder cannot be written, or a file would hold an identifier seen at import.
        """
        from app.report.figure_export import export

        return export(self._home, job_id, folder)

    def run_figures(self, job_id: str) -> list[Figure]:
        """The figures of a run that is done, in the order of its view; none while it has no results.

        Raises:
            UsageError: no such job.
        """
        from app.report.figure_export import figures_of_run, overviews

        with self._home.db.read() as session:
            found = results.results(session, job_id)
            return [] if found is None else [*overviews(found), *figures_of_run(session, job_id, found)]

    def faults(self) -> tuple[Perturbation, ...]:
        """Every fault that a stress bench knows."""
        return PERTURBATIONS
