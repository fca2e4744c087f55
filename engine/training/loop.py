"""The one training loop.

Everything that changes with time is a function of the step, so a run goes on from weights, optimiser and one integer,
and ends as if it had never been cut.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import Any

from engine.contract.card import ModelCard
from engine.contract.config import PretrainConfig, config_json
from engine.contract.errors import WorldError
from engine.contract.events import Checkpoint, EventWriter, Metric, Progress, Warned, finite
from engine.contract.run import RunFolder, Stopped
from engine.training.batches import TrainingBatches, ValidationBatches
from engine.training.checkpoint import newest_checkpoint, write_checkpoint
from engine.training.learner import Learner

TELL_EVERY_S = 1.0
NOT_OF_THE_RESULT = {"name", "store", "steps", "evaluate_every", "checkpoint_every", "keep_checkpoints", "threads"}
"""Config fields in which a checkpoint may differ from the run that goes on from it."""


class Loop:
    """Steps, looks, checkpoints, until the last step or until somebody asks to stop.

    Args:
        folder: the run; its stop file is watched, its checkpoints are written and resumed from.
        config: what was asked.
        learner: fresh, as at step 0.
        training: a batch for every step.
        validation: held-out crops; may be empty.
        events: where it says what it does.
        card: makes the model card of a step.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: PretrainConfig,
        learner: Learner,
        training: TrainingBatches,
        validation: ValidationBatches,
        events: EventWriter,
        card: Callable[[int, dict[str, bytes]], ModelCard],
    ) -> None:
        self._folder, self._config, self._learner = folder, config, learner
        self._training, self._validation, self._events, self._card = training, validation, events, card
        self.step, self.seconds = 0, 0.0
        self.metrics: dict[str, float] = {}
        self._saved: int | None = None
        self._pulse = Pulse(events, config)

    def run(self) -> None:
        """Train to the last step.

        Raises:
            Stopped: somebody asked; a checkpoint of this step stands.
            WorldError: no usable checkpoint, a loss that is not a number, a disk that is full.
        """
        self._resume()
        self._pulse.begin(self.step)
        while self.step < self._config.steps:
            if self._folder.stop_asked():
                self._save()
                self._pulse.end(self.step)
                raise Stopped
            self._advance()

    def _advance(self) -> None:
        begun = time.monotonic()
        told = self._learner.step(self._training.batch(self.step))
        self._refuse_nonsense(told)
        self.step += 1
        self.metrics |= told
        last = self.step == self._config.steps
        look = last or self.step % self._config.evaluate_every == 0
        if look:
            self.metrics |= self._learner.validate(self._validation)
            told |= {name: value for name, value in self.metrics.items() if name.startswith("validation_")}
        self.seconds += time.monotonic() - begun
        self._pulse.beat(self.step, told | self._constants(), at_once=look)
        if last or self.step % self._config.checkpoint_every == 0:
            self._save()

    def _constants(self) -> dict[str, float]:
        return {"learning_rate": self._config.learning_rate}

    def final(self) -> dict[str, float | None]:
        """Last metrics, all of them functions of the config and the recordings: no speeds, no times."""
        return finite(self.metrics | self._constants())

    def _refuse_nonsense(self, told: dict[str, float]) -> None:
        if all(map(math.isfinite, told.values())):
            return
        records = ", ".join(self._training.records(self.step))
        what = "loss" if not math.isfinite(told["loss"]) else "gradient"
        self._events.emit(Warned(message=f"the {what} of step {self.step + 1} is not a number; its records: {records}"))
        kept = (
            "No checkpoint was written yet"
            if self._saved is None
            else f"Step {self._saved} is kept as the last good one"
        )
        raise WorldError(
            "pretraining",
            f"the {what} is not a number at step {self.step + 1}",
            f"{kept}; start a copy of the run with a lower learning_rate, and look at the records it names",
        )

    def _save(self) -> None:
        if self._saved == self.step:
            return
        if not self._learner.is_finite():
            raise WorldError(
                "pretraining",
                f"weights are not numbers after step {self.step}",
                "Earlier checkpoints are kept; start a copy of the run with a lower learning_rate",
            )
        files = self._learner.files(self._about())
        files["card.json"] = config_json(self._card(self.step, files)).encode()
        path = write_checkpoint(self._folder.checkpoints, self.step, files, self._config.keep_checkpoints)
        self._saved = self.step
        self._events.sync()
        self._events.emit(Checkpoint(step=self.step, name=path.name))

    def _about(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "seconds": self.seconds,
            "metrics": self.metrics,
            "config": _result_fields(self._config),
        }

    def _resume(self) -> None:
        found = newest_checkpoint(self._folder.checkpoints)
        if found.path is None:
            if found.damaged:
                raise WorldError(
                    f"run {self._folder.path.name}",
                    f"none of its checkpoints is whole ({', '.join(found.damaged)})",
                    "Restore one from a backup, or start a copy of the run from the beginning",
                )
            return
        for name in found.damaged:
            self._events.emit(
                Warned(message=f"checkpoint {name} is damaged and passed over; going on from {found.path.name}")
            )
        about = self._learner.restore(found.path)
        if about["config"] != _result_fields(self._config):
            raise WorldError(
                f"checkpoint {found.path.name}",
                "it was made with another config than this run's",
                "Restore the run's config.json, or start a new run",
            )
        self.step, self.seconds, self.metrics = about["step"], about["seconds"], about["metrics"]
        self._saved = self.step


class Pulse:
    """Says about once a second how far the training is and how it fares."""

    def __init__(self, events: EventWriter, config: PretrainConfig) -> None:
        self._events, self._steps, self._batch = events, config.steps, config.batch_size

    def begin(self, step: int) -> None:
        """Training starts, or goes on, from this step."""
        self._first = self._last = step
        self._began = self._told = time.monotonic()
        message = "going on from a checkpoint" if step else "starting"
        self._events.emit(Progress(done=step, total=self._steps, unit="steps", message=message))

    def end(self, step: int) -> None:
        """Training ends early, at this step: the last beat may be some steps old."""
        self._events.emit(Progress(done=step, total=self._steps, unit="steps"))

    def beat(self, step: int, values: dict[str, float], at_once: bool) -> None:
        """A step is done; tell it when a second has passed, or at once."""
        now = time.monotonic()
        if now - self._told < TELL_EVERY_S and not at_once:
            return
        speed = (step - self._last) * self._batch / max(now - self._told, 1e-9)
        left = (now - self._began) / (step - self._first) * (self._steps - step)
        self._events.emit(Metric(step=step, values=finite(values | {"crops_per_s": speed})))
        self._events.emit(Progress(done=step, total=self._steps, unit="steps", seconds_left=round(left, 1)))
        self._told, self._last = now, step


def _result_fields(config: PretrainConfig) -> str:
    """The config without the fields that do not shape a step, as text."""
    return json.dumps(config.model_dump(mode="json", exclude=NOT_OF_THE_RESULT | {"device"}), sort_keys=True)
