"""Which evaluations a dialog's choices ask for, and what they would cost together; plain functions, without widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.core.rows import ModelRow
from app.progress import duration
from app.ui.form_words import sentence
from app.ui.own_classes import answered_by, classes_of, embeds, outputs_of
from engine.contract.config import EvaluationSettings
from engine.contract.evaluation import HEADS, MODES, Mode

if TYPE_CHECKING:
    from app.core.evaluation_cost import EvaluationCost
    from app.core.tasks import TaskRow
    from app.workspace import Workspace

TAKEN_BY: dict[Mode, tuple[str, ...]] = {
    "linear-adamw": ("native", "random"),
    "frozen": ("native", "random"),
    "finetune": ("native", "random"),
    "supervised": ("random",),
}
"""Sources of models that a mode can take, of those that train by steps; from scratch only random weights can be."""

UNTRAINED: tuple[Mode, ...] = ("linear", "own")
"""Modes in which nothing is trained by steps."""


@dataclass(frozen=True)
class Wish:
    """What is ticked and set."""

    models: Sequence[ModelRow]
    modes: Sequence[Mode]
    cohort: str
    labels: tuple[str, ...]
    targets: tuple[str, ...]
    task: str
    settings: Mapping[str, Any]
    classes: Mapping[str, str] = field(default_factory=dict)
    prevalence: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @property
    def pairs(self) -> list[tuple[ModelRow, Mode]]:
        """Each model in each mode that it can take."""
        return [(model, mode) for model in self.models for mode in self.modes if takes(model, mode)]

    @property
    def left_out(self) -> list[str]:
        """Models that a ticked mode does not fit, in words."""
        return [
            f"{MODES[mode]} leaves out {', '.join(model.name for model in self.models if not takes(model, mode))}"
            for mode in self.modes
            if not all(takes(model, mode) for model in self.models)
        ]

    def predicted_by(self, model: ModelRow, mode: Mode) -> dict[str, Any]:
        """Task or measured numbers, as the workspace takes them; a model's own outputs answer labels alone."""
        return {"targets": () if mode == "own" else self.targets, "task": self.task}

    def labels_of(self, model: ModelRow, mode: Mode) -> tuple[str, ...]:
        """The labels that are asked of it: of own outputs those that a class answers; where none does, all of them."""
        if mode != "own":
            return self.labels
        return answered_by(model, self.labels, self.classes) or self.labels

    def settings_of(self, model: ModelRow, mode: Mode) -> EvaluationSettings:
        """What is set, without what says nothing to this model in this mode."""
        asked = dict(self.settings) | {"mode": mode}
        if mode in UNTRAINED:
            asked.pop("training", None)
        elif mode not in ("finetune", "supervised") and asked.get("training"):
            asked["training"] = {**asked["training"], "keep_model": False}
        if mode != "linear" or model.source == "predictions":
            asked["few_labels"] = None
        if mode in ("linear", *HEADS):
            next_ones = (other for other in self.modes if other in HEADS and other != mode)
            asked["keep_for"] = tuple(other for other in next_ones if takes(model, other))
        if mode == "own":
            own = classes_of(model)
            asked["classes"] = {label: name for label, name in self.classes.items() if name in own}
        labels = self.labels_of(model, mode)
        asked["local_prevalence"] = {label: told for label, told in self.prevalence.items() if label in labels}
        given = self.thresholds if scores_itself(model, mode) else {}
        asked["given_thresholds"] = {label: score for label, score in given.items() if label in labels}
        return EvaluationSettings.model_validate(asked)


def task_text(task: TaskRow) -> str:
    """A task with what of it is here."""
    outputs = "" if task.outputs is None else f" of {task.outputs:,}"
    kind = "measured numbers" if task.kind == "regression" else "labels"
    return f"{task.title}  ({task.here:,}{outputs} {kind}, {task.records:,} recordings)"


def scores_itself(model: ModelRow, mode: Mode) -> bool:
    """Whether scores are the product's own, for which it may bring a threshold: those of a probe are ours."""
    return mode == "own" or model.source == "predictions"


def takes(model: ModelRow, mode: Mode) -> bool:
    """Whether a model can be evaluated in a mode: without a network there is nothing to train but a probe."""
    if mode == "own":
        return bool(outputs_of(model))
    if mode == "linear":
        return embeds(model)
    return model.source in TAKEN_BY[mode]


def launch(workspace: Workspace, wish: Wish) -> str:
    """Queue all of them, or none where one is refused; gives back the first job.

    Raises:
        UsageError: what one of the models or labels does not allow.
        WorldError: nothing to evaluate.
    """
    costs(workspace, wish)
    jobs = [
        workspace.evaluate(
            model.name,
            wish.cohort,
            wish.labels_of(model, mode),
            wish.settings_of(model, mode),
            **wish.predicted_by(model, mode),
            search=True,
        )
        for model, mode in wish.pairs
    ]
    return jobs[0]


def costs(workspace: Workspace, wish: Wish) -> list[EvaluationCost]:
    """The cost of each; raises as `launch`."""
    return [
        workspace.evaluation_cost(
            model.name,
            wish.cohort,
            wish.labels_of(model, mode),
            wish.settings_of(model, mode),
            **wish.predicted_by(model, mode),
        )
        for model, mode in wish.pairs
    ]


def cost_text(told: Sequence[EvaluationCost], left_out: Sequence[str]) -> str:
    """What all of them would take, in a few sentences."""
    if not told:
        return "Nothing to start: tick a model and a mode that it can take."
    jobs = "1 evaluation" if len(told) == 1 else f"{len(told):,} evaluations, one after the other"
    left = sum(cost.to_embed for cost in told)
    crops = sum(cost.crops for cost in told)
    parts = [f"{jobs} on {told[0].records:,} recordings"]
    parts.append(f"{left:,} recordings to embed" if left else "nothing to embed")
    if crops:
        parts.append(f"{sum(cost.trainings for cost in told):,} trainings on {crops:,} crops")
    lines = [f"{', '.join(parts)}: {_time(told)}."]
    if left_out:
        lines.append(f"{'; '.join(left_out)}: it does not fit")
    basis = list(dict.fromkeys(one for cost in told for one in cost.basis))
    # What every cost says is said last.
    basis.sort(key=lambda one: all(one in cost.basis for cost in told) and len(told) > 1)
    return " ".join(map(sentence, [*lines, *basis]))


def _time(told: Sequence[EvaluationCost]) -> str:
    known = [cost.seconds for cost in told if cost.seconds is not None]
    if not known:
        return "time not known yet"
    time = "seconds" if sum(known) < 5 else f"about {duration(sum(known))}"
    return time if len(known) == len(told) else f"{time} for {len(known):,} of them, the others are not known yet"
