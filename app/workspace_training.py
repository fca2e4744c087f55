"""The part of the workspace that trains: pretrainings, estimates of their cost, studies. No logic of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.core import duplicates, elsewhere, engine_check, parents, pretrainings, studies
from app.core.home import Home
from app.core.rows import ModelRow
from engine import recipes
from engine.contract.config import PretrainConfig, StudyConfig
from engine.contract.results import StudyResults, StudyRow
from engine.contract.scaling import DataBudget


class Training:
    """What a `Workspace` can do about training."""

    _home: Home

    def recipes(self) -> list[str]:
        """Names of the shipped pretraining recipes."""
        return recipes.recipe_names()

    def recipe(self, name: str) -> dict[str, Any]:
        """The settings of a recipe, by name or path of a TOML file. Raises UsageError when there is none."""
        return recipes.load_recipe(name)

    def studies(self) -> list[str]:
        """Names of the shipped studies."""
        return recipes.study_names()

    def study_recipe(self, name: str) -> dict[str, Any]:
        """The settings of a study, by name or path of a TOML file. Raises UsageError when there is none."""
        return recipes.load_study(name)

    def devices(self) -> list[dict[str, str]]:
        """Name and description of each device that the engine can compute on; takes seconds.

        Raises:
            WorldError: the engine does not answer.
        """
        return engine_check.devices()

    def pretrain(self, config: PretrainConfig, cohort: str | None = None, parent: str | None = None) -> str:
        """Queue a pretraining on a cohort (of a held-out split only its training part) or on all recordings.

        Args:
            config: what is trained. With `config.probe`, the labels of its cohort are opened for the run.
            cohort: name of the cohort whose recordings are read.
            parent: name of a native model that is gone on from; backbone and signal must be its own.

        Raises:
            UsageError: unknown cohort, model or label.
            WorldError: too few recordings that are long enough, or a config that does not fit its parent.
        """
        with self._home.db.write() as session:
            return pretrainings.pretrain(session, self._home, config, cohort, parent)

    def export_pretraining(
        self,
        config: PretrainConfig,
        folder: Path,
        cohort: str | None = None,
        parent: str | None = None,
        store_as: str = "",
    ) -> str:
        """Make a run folder that another machine, or a cluster, can work on; gives back the id of its job.

        Args:
            config: what is trained. With `config.probe`, the labels of its cohort go along.
            folder: the run folder that is made.
            cohort: name of the cohort whose recordings are read.
            parent: name of a native model that is gone on from; its checkpoint goes along.
            store_as: where the other machine will see the store, also relative to the run folder; empty leaves it.

        Raises:
            UsageError: unknown cohort, model or label.
            WorldError: too few recordings, a config that does not fit its parent, or a folder that cannot be made.
        """
        with self._home.db.write() as session:
            return elsewhere.export(session, self._home, config, Path(folder), cohort, parent, store_as)

    def adopt_pretraining(self, folder: Path) -> str:
        """Take a finished run that was exported back; its model is registered. Gives back the id of its job.

        Raises:
            UsageError: no run folder that was exported from this workspace.
            WorldError: it is not done, not the run that was exported, or was taken back already.
        """
        return elsewhere.adopt(self._home, Path(folder))

    def pretraining_notes(self, config: PretrainConfig, cohort: str | None = None) -> list[str]:
        """What should be known before a start: a leak, patients that the probe shares with the pretraining."""
        with self._home.db.read() as session:
            return pretrainings.notes(session, self._home, config, cohort)

    def parent_settings(self, model: str) -> dict[str, Any]:
        """What a native model settles for whoever goes on from it: backbone, rate, window, clip, normalisation.

        Also the name of its objective, and the objective's settings where it was pretrained in this workspace.

        Raises:
            UsageError: no such model, or one that is no checkpoint of Isoline.
            WorldError: its files are missing or damaged.
        """
        with self._home.db.read() as session:
            return parents.settings(session, self._home, model)

    def duplicate(self, job_id: str) -> dict[str, Any]:
        """The settings of a pretraining or a study, to be asked for again; a parent stands there by its name.

        Raises:
            UsageError: a job of another kind.
        """
        with self._home.db.read() as session:
            return duplicates.settings(session, job_id)

    def estimate(self, config: PretrainConfig, cohort: str | None = None) -> str:
        """Queue a few steps of a pretraining that tell its time, memory, disk and energy.

        It goes before all that waits, but not beside what runs: each would measure the other.

        Raises:
            UsageError: unknown cohort.
            WorldError: too few recordings that are long enough.
        """
        with self._home.db.write() as session:
            return pretrainings.estimate(session, self._home, config, cohort)

    def study(self, config: StudyConfig, cohort: str | None = None) -> str:
        """Queue a study on a cohort or on all recordings.

        Raises:
            UsageError: unknown cohort, model or label.
            WorldError: an axis that no pretraining has, no run that can work, or too few recordings.
        """
        with self._home.db.write() as session:
            return pretrainings.study(session, self._home, config, cohort)

    def study_preview(self, config: StudyConfig, cohort: str | None = None) -> list[StudyRow]:
        """The runs that a study would have, those that cannot work with the reason; nothing is queued.

        Raises:
            UsageError: unknown cohort, model or label.
            WorldError: an axis that no pretraining has, no run that can work, or too few recordings.
        """
        with self._home.db.read() as session:
            return pretrainings.preview(session, self._home, config, cohort)

    def estimate_study(self, config: StudyConfig, cohort: str | None = None) -> str:
        """Queue the estimate of a study's largest run; with `study_preview` it tells the most that the study costs.

        Raises:
            UsageError: unknown cohort, model or label.
            WorldError: an axis that no pretraining has, no run that can work, or too few recordings.
        """
        with self._home.db.write() as session:
            return pretrainings.estimate_study(session, self._home, config, cohort)

    def study_rows(self, job_id: str) -> list[StudyRow]:
        """The latest state of each run of a study, also while it works. Raises UsageError when it is no study."""
        with self._home.db.read() as session:
            return studies.rows(session, job_id)

    def study_summary(self, job_id: str) -> StudyResults:
        """Means over seeds, ranks and fits of a study's runs, also while it works.

        Raises:
            UsageError: it is no study.
        """
        with self._home.db.read() as session:
            return studies.summary(session, job_id)

    def study_budget(self, job_id: str, worth: float, times: Sequence[float] = (2, 5, 10)) -> list[DataBudget]:
        """What so many times the data would buy by a study over data sizes, and whether that is worth it.

        Args:
            job_id: of the study.
            worth: least fall of the error that is worth the data.
            times: over the largest size that was tried.

        Raises:
            UsageError: it is no study, or has too few sizes of data.
        """
        with self._home.db.read() as session:
            return studies.budgets(session, job_id, worth, times)

    def export_study(self, job_id: str, folder: Path) -> list[Path]:
        """Write the table of a study and its figures: study.csv and one SVG each; gives back the files.

        Raises:
            UsageError: no study.
            WorldError: the folder cannot be written.
        """
        from app.report.study_export import export

        return export(self._home, job_id, Path(folder))

    def keep_study_model(self, job_id: str, number: int, name: str | None = None) -> ModelRow:
        """Register the model that a run of a study has made.

        Raises:
            UsageError: no such run, or one that is not done; the name is taken.
            WorldError: its checkpoint is missing or damaged.
        """
        return studies.keep_model(self._home, job_id, number, name)
