"""What the workspace does with the models that it is asked to examine or to compare with. No logic of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.core import (
    card_gaps,
    engine_check,
    evaluation_cost,
    evaluation_rows,
    evaluations,
    external_models,
    leakage,
    model_lineage,
    models,
    off_label,
    operating_at,
    scores,
    tasks,
)
from app.core.card_gaps import CardGap
from app.core.evaluation_cost import EvaluationCost
from app.core.evaluation_rows import EvaluationRow
from app.core.home import Home
from app.core.model_lineage import LineageGraph
from app.core.off_label import OffLabel
from app.core.prediction_reading import Reading
from app.core.rows import ModelRow
from app.core.scored_records import ScoredRecords
from app.core.tasks import TaskRow
from engine.contract.backbone import SUPERVISED_HZ, SUPERVISED_S4
from engine.contract.card import ModelCard
from engine.contract.config import AnyBackboneConfig, EvaluationSettings
from engine.contract.estimate import Estimate
from engine.contract.model_source import BaselineFeature
from engine.contract.operating import Measure
from engine.contract.sandbox import SandboxState


class Models:
    """The part of `Workspace` that is about models."""

    _home: Home

    def add_random_model(
        self, name: str, backbone: AnyBackboneConfig, seed: int = 0, rate_hz: float = 240.0, window_s: float = 2.5
    ) -> ModelRow:
        """Register a backbone with random weights, as comparator."""
        with self._home.db.write() as session:
            return models.add_random(session, name, backbone, seed, rate_hz, window_s)

    def add_supervised_model(self, name: str = "S4 from scratch", seed: int = 0) -> ModelRow:
        """Register the study's supervised baseline with random weights, to be trained in mode "supervised"."""
        return self.add_random_model(name, SUPERVISED_S4, seed, SUPERVISED_HZ)

    def add_baseline(self, name: str = "", measurements: bool = False) -> ModelRow:
        """Register the logistic regression on age and sex, as comparator; with the cart's own measurements if asked."""
        features: tuple[BaselineFeature, ...] = ("age", "sex", "measurements") if measurements else ("age", "sex")
        with self._home.db.write() as session:
            return models.add_baseline(session, name or " + ".join(features), features)

    def add_predictions(
        self,
        csv: Path,
        name: str | None = None,
        trained_on: str = "",
        probabilities: bool = False,
        reading: Reading | None = None,
    ) -> ModelRow:
        """Register answers that somebody else computed: one row an answer, or one column a label.

        Args:
            csv: the table, CSV or Parquet.
            name: in this workspace; the file's when left out.
            trained_on: what the model's maker declares; it is held against every cohort that the model is scored on.
            probabilities: whether the maker says that the scores are probabilities: calibration is told of these alone.
            reading: what else is said of its answers: flags, categories and what they mean, words for "no output".

        Raises:
            WorldError: unreadable, a column is missing, or no row names a recording of the workspace.
            UsageError: the name is taken, it is registered with another declaration, or scores that are said to be
                probabilities are none, or a category means nothing.
        """
        asked = replace(reading or Reading(), kind="probability") if probabilities else reading
        return scores.add(self._home, Path(csv), name, trained_on, asked)

    def add_checkpoint(self, folder: Path, name: str | None = None, trained_on: str = "") -> ModelRow:
        """Register a checkpoint of Isoline's own format; `trained_on` tells what its card leaves open.

        Raises:
            WorldError: unreadable, or its weights are not those its card names.
            UsageError: the name is taken, or its card tells otherwise what it was trained on.
        """
        return models.add_checkpoint(self._home, Path(folder), name, trained_on=trained_on)

    def add_external(
        self,
        path: Path | None,
        card: ModelCard,
        *,
        name: str | None = None,
        address: str = "",
        command: Sequence[str] = (),
    ) -> ModelRow:
        """Register a network, program or service of somebody else's; its files are copied, never run here.

        Args:
            path: its file, told by content; of a command the folder that its program stands in; None for a service.
            card: what is known of it; what its contract leaves out is marked as assumed.
            name: in this workspace; the card's when left out.
            address: of a service on this machine; any other address is refused.
            command: program and arguments of a vendor that ships a program.

        Raises:
            WorldError: unreadable, a pickled checkpoint, or weights outside of its folder.
            UsageError: the card has faults, its licence asks for a reason, or name or version are taken.
        """
        place = None if path is None else Path(path)
        return external_models.add(self._home, place, card, name, address, command)

    def model_card_gaps(self, name: str) -> list[CardGap]:
        """Field by field what is known, declined, missing or assumed of a model. Raises UsageError for no model."""
        with self._home.db.read() as session:
            return card_gaps.card_gaps(ModelCard.model_validate(models.get(session, name).card))

    def model_versions(self, product: str) -> list[ModelRow]:
        """The registered versions of a product, in the order of their registration."""
        with self._home.db.read() as session:
            return [models.as_row(found) for found in model_lineage.model_versions(session, product)]

    def model_lineage(self, name: str) -> LineageGraph:
        """What a model came from, what was made of it, and its examinations. Raises UsageError for no model."""
        with self._home.db.read() as session:
            return model_lineage.model_lineage(session, name)

    def off_label(self, name: str, cohort: str) -> OffLabel:
        """How many recordings of a cohort fall outside of whom a model's maker means it for, rule by rule.

        Raises:
            UsageError: no such model or cohort.
        """
        with self._home.db.read() as session:
            return off_label.off_label(session, name, cohort)

    def sandbox_state(self) -> SandboxState:
        """What isolates a vendor's process on this machine, asked of the engine: takes seconds.

        Raises:
            WorldError: the engine does not answer.
        """
        return engine_check.sandbox()

    def agree_to_incomplete_sandbox(self, name: str) -> ModelRow:
        """Let a model run where the sandbox cannot isolate it fully; it stands in the audit trail who agreed.

        Raises:
            UsageError: no such model, or one of which no foreign code is run.
        """
        with self._home.db.write() as session:
            return external_models.agree_to_incomplete_sandbox(session, name)

    def models(self) -> list[ModelRow]:
        """All models in the order of their registration."""
        with self._home.db.read() as session:
            return models.all_rows(session)

    def model(self, name: str) -> ModelRow:
        """One model. Raises UsageError when there is none of this name."""
        with self._home.db.read() as session:
            return models.as_row(models.get(session, name))

    def evaluate(
        self,
        model: str,
        cohort: str,
        labels: Sequence[str] = (),
        settings: EvaluationSettings | None = None,
        *,
        targets: Sequence[str] = (),
        task: str = "",
        search: bool = False,
    ) -> str:
        """Queue an evaluation; without labels and targets, of the cohort's labels (or all that have both classes).

        Args:
            model: what is scored.
            cohort: on which recordings.
            labels: which ones, of two classes.
            settings: all else that may be set; as it stands where left out.
            targets: measured numbers to predict.
            task: name of a task of the study, in place of labels and targets.
            search: queue before it, where nobody has done so and the cost is small, the search for copies of what the
                model was pretrained on in this workspace, as the command line does.

        Raises:
            UsageError: unknown model, cohort, label, target or task, or a mode that the model cannot take.
            WorldError: nothing to evaluate.
        """
        wanted = settings or EvaluationSettings()
        with self._home.db.write() as session:
            if search:
                leakage.check_seen(session, self._home, cohort, model)
            return evaluations.evaluate(session, self._home, model, cohort, labels, wanted, targets, task)

    def evaluation_cost(
        self,
        model: str,
        cohort: str,
        labels: Sequence[str] = (),
        settings: EvaluationSettings | None = None,
        *,
        targets: Sequence[str] = (),
        task: str = "",
    ) -> EvaluationCost:
        """What `evaluate` would compute and about how long it would take; changes nothing. Raises as `evaluate`."""
        wanted = settings or EvaluationSettings()
        with self._home.db.read() as session:
            asked = evaluations.asked(session, self._home, model, cohort, labels, wanted, targets, task)
            return evaluation_cost.evaluation_cost(session, self._home, asked, cohort)

    def tasks(self) -> list[TaskRow]:
        """The study's tasks in its order, each with what of it is in the workspace."""
        with self._home.db.read() as session:
            return tasks.task_rows(session)

    def measured_numbers(self) -> dict[str, int]:
        """Labels that hold numbers, which an evaluation may predict, with how many recordings have one."""
        with self._home.db.read() as session:
            return evaluations.measured_numbers(session)

    def evaluations(self) -> list[EvaluationRow]:
        """All evaluations, waiting, working and past, the newest first, each with the number that sums it up."""
        with self._home.db.read() as session:
            return evaluation_rows.evaluation_rows(session)

    def measures_at(
        self, job_id: str, label: str, threshold: float, prevalence: float | None = None
    ) -> dict[Measure, Estimate]:
        """What a finished evaluation finds and misses when recordings with at least this score are called positive.

        Args:
            job_id: the evaluation.
            label: one that it scored.
            threshold: a score.
            prevalence: what hangs on the share of positives is re-weighted to this one; the tested share when None.

        Raises:
            UsageError: no finished evaluation, it has not scored this label, or a prevalence that is none.
            WorldError: its scores are gone or damaged.
        """
        with self._home.db.read() as session:
            return operating_at.measures_at(session, self._home, job_id, label, threshold, prevalence)

    def scored(self, job_id: str, label: str) -> ScoredRecords:
        """Every tested recording of a finished evaluation with its score of a label, lowest first.

        Raises:
            UsageError: no finished evaluation, or it has not scored this label.
            WorldError: its scores are gone or damaged.
        """
        with self._home.db.read() as session:
            return operating_at.scored(session, self._home, job_id, label)
