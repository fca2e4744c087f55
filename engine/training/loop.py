"""The one training loop: steps, looks, probes, checkpoints.

Everything that changes with time is a function of the step, so a run goes on from weights, optimiser, the state of the
early stop and one integer, and ends as if it had never been cut.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from engine.contract.card import ModelCard
from engine.contract.config import PretrainConfig, config_json
from engine.contract.errors import WorldError
from engine.contract.events import Checkpoint, CollapseWatch, EventWriter, Probed, Warned, finite
from engine.contract.results import ProbePoint
from engine.contract.run import RunFolder, Stopped
from engine.objectives.collapse import judge, watch
from engine.training import faults
from engine.training.batches import TrainingBatches, ValidationBatches
from engine.training.checkpoint import checkpoint_name, sha256_of, write_checkpoint
from engine.training.distributed import GO, STOP, TELL, Ranks
from engine.training.feeding import Feed, ahead, open_feed
from engine.training.gauges import Gauges
from engine.training.keeping import Kept, better_than_last
from engine.training.learner import Learner
from engine.training.ledger import Ledger, NotANumber
from engine.training.lineage import FRESH, Origin, Standing
from engine.training.probing import Probe
from engine.training.pulse import Pulse
from engine.training.resuming import find_checkpoint, result_fields
from engine.training.state import WEIGHTS, is_finite, restore_state, state_files
from engine.training.stopping import EarlyStop

FITTING = 16
"""Training batches from which an objective makes its labels."""


class Data(NamedTuple):
    """What is learned from and what is held out."""

    training: TrainingBatches
    validation: ValidationBatches


class Loop:
    """Steps, looks, checkpoints, until the last step, an early stop, or until somebody asks to stop.

    Args:
        folder: the run; its stop file is watched, its checkpoints are written and resumed from.
        config: what was asked.
        learner: fresh, as at step 0.
        data: a batch for every step; held-out crops, which may be none.
        events: where it says what it does.
        ranks: the processes that share each batch; only the first speaks and writes.
        card: makes the model card of a step.
        origin: the parent of the weights, if any.
        probe: asked at the first and last step and in between, as the config says.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: PretrainConfig,
        learner: Learner,
        data: Data,
        events: EventWriter,
        ranks: Ranks,
        card: Callable[[Standing], ModelCard],
        origin: Origin = FRESH,
        probe: Probe | None = None,
    ) -> None:
        self._folder, self._config, self._data = folder, config, data
        self.learner = learner
        self._events, self._ranks, self._card, self._probe = events, ranks, card, probe
        self.step, self.seconds = 0, 0.0
        self.metrics: dict[str, float] = {}
        self.collapse: dict[str, float | None] = {}
        self.collapsed = ""
        self.probes: list[ProbePoint] = []
        self.early = EarlyStop(config.early_stop)
        self.origin = origin
        self._saved: int | None = None
        self._is_best = False
        self._ledger = Ledger()
        self._pulse = Pulse(events, config, Gauges(ranks.device))
        # A CPU has computed what it returns, so reading costs nothing; a GPU would be waited for.
        self._reads_each_step = ranks.device.type == "cpu" and ranks.share.world == 1

    def run(self) -> None:
        """Train to the end.

        Raises:
            Stopped: somebody asked; a checkpoint of this step stands.
            WorldError: no usable checkpoint, a loss that is not a number, a disk that is full, memory that ran out, a
                GPU or a rank that is gone.
        """
        self.resume()
        self._pulse.begin(self.step)
        if not self.is_over and not self._train():
            # Here and not where the exception was caught: it holds the tensors of the step that failed.
            raise self._out_of_memory()
        self._ranks.agree(GO)  # nobody leaves before rank 0 has written the last checkpoint

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to do."""
        return self.step == self._config.steps or self.early.over

    def final(self, kept: Kept | None = None) -> dict[str, float | None]:
        """Metrics of the last step, or of the one kept: functions of config and recordings, no speeds, no times."""
        metrics, step = (self.metrics, self.step) if kept is None else (kept.about["metrics"], kept.step)
        return finite(metrics | self._constants(step))

    def kept(self) -> Kept | None:
        """The checkpoint that is the result in place of the last one, once the run is over."""
        return better_than_last(self._folder, self._config, self.early, self.step)

    def _train(self) -> bool:
        """Do all that is to be done; False when memory ran out."""
        config, device = self._config, self._ranks.device
        feed = open_feed(self._data.training, config.loaders, device, self.step, config.steps)
        try:
            self._go(feed)
        except (RuntimeError, MemoryError) as error:
            if not faults.is_out_of_memory(error):
                raise self._explained(error) or error from None
            return False
        finally:
            feed.close()
        return True

    def _go(self, feed: Feed) -> None:
        if self.step == 0:
            self._ask_probe()
        while not self.is_over:
            word = self._ranks.agree(self._wish())
            if word == STOP:
                self._save()
                self._pulse.end(self.step)
                raise Stopped
            self._advance(feed, tell=word == TELL)

    def _wish(self) -> int:
        if self._folder.stop_asked():
            return STOP
        return TELL if self._pulse.is_due() else GO

    def _advance(self, feed: Feed, tell: bool) -> None:
        begun, self._is_best = time.monotonic(), False
        if self.learner.objective.fits_at(self.step):
            self.learner.fit((self._data.training.whole(self.step + i) for i in range(FITTING)), self.step)
        self._ledger.note(self.step, self.learner.step(feed.take(self.step)))
        self.step += 1
        last = self.step == self._config.steps
        look = last or self.step % self._config.evaluate_every == 0
        told: dict[str, float] = {}
        if tell or look or self._reads_each_step:
            told = self._read()
        if look:
            told |= self._look()
        self.seconds += time.monotonic() - begun
        if tell or look:
            self._pulse.beat(self.step, told | self._constants(self.step))
        if self.is_over or self._probe_is_due():
            self._ask_probe()
        if self.is_over or self._is_best or self.step % self._config.checkpoint_every == 0:
            self._save()

    def _constants(self, step: int) -> dict[str, float]:
        return {"learning_rate": self.learner.rate(max(0, step - 1))}

    def _read(self) -> dict[str, float]:
        """What the last step told; the run ends here if it or one before it was not finite."""
        try:
            told = self._ledger.read()
        except NotANumber as error:
            records = ", ".join(self._data.training.records(error.step))
            self._events.emit(
                Warned(message=f"the {error.what} of step {error.step + 1} is not a number; its records: {records}")
            )
            raise faults.not_a_number(error.what, error.step + 1, self._kept()) from None
        self.metrics |= told
        return told

    def _look(self) -> dict[str, float]:
        """Held-out loss, collapse watch, early stop."""
        told = self.learner.validate(ahead(self._data.validation))
        self.metrics |= told
        self._is_best = self.early.look(told.get("validation_loss"), self.step) and self._config.keeps_best
        return told | self._watch()

    def _watch(self) -> dict[str, float]:
        """The collapse watch on held-out crops, or where there are none on those of the first training batch."""
        held_out, training = self._data.validation, self._data.training
        crops = held_out if held_out.crops else [training.whole(0)]
        measures = watch(self.learner.objective, self.learner.here(crops))
        self.collapse, self.collapsed = finite(measures), judge(measures, self.step)
        self._events.emit(
            CollapseWatch(step=self.step, collapsed=bool(self.collapsed), measures=self.collapse, reason=self.collapsed)
        )
        return {"effective_rank": measures["effective_rank"]}

    def _probe_is_due(self) -> bool:
        every = self._config.probe.every if self._config.probe else 0
        return every > 0 and self.step % every == 0

    def _ask_probe(self) -> None:
        """One more point of the linear probe, at the end of what is the result; other ranks wait for the next word."""
        if self._probe is None or not self._ranks.first:
            return
        kept = self.kept() if self.is_over else None
        step = self.step if kept is None else kept.step
        if any(point.step == step for point in self.probes):
            return
        self.learner.objective.eval()
        backbone = self.learner.backbone if kept is None else kept.backbone().to(self._ranks.device)
        point = self._probe(backbone, step)
        self.probes.append(point)
        labels = {label.label: label.auroc.value for label in point.labels}
        self._events.emit(Probed(step=step, macro=point.macro.value, labels=labels))

    def _save(self) -> None:
        if self._saved == self.step:
            return
        self._read()
        if not is_finite(self.learner):
            raise faults.not_a_number("weights", self.step, self._kept())
        self._saved = self.step
        if not self._ranks.first:
            return
        files = state_files(self.learner, self._config, self._about())
        now = Standing(self.step, sha256_of(files[WEIGHTS]), self.origin, self.collapse, self.collapsed)
        files["card.json"] = config_json(self._card(now)).encode()
        best = self.early.best_step if self._config.keeps_best else None
        spare = "" if best is None else checkpoint_name(best)
        path = write_checkpoint(self._folder.checkpoints, self.step, files, self._config.keep_checkpoints, spare)
        self._events.sync()
        self._events.emit(Checkpoint(step=self.step, name=path.name))

    def _about(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "seconds": self.seconds,
            "metrics": self.metrics,
            "config": json.dumps(result_fields(self._config), sort_keys=True),
            "early_stop": self.early.state(),
            "collapse": self.collapse,
            "collapsed": self.collapsed,
            "probes": [point.model_dump(mode="json") for point in self.probes],
            "origin": self.origin.state(),
        }

    def resume(self) -> None:
        """Take up the newest checkpoint, if there is one.

        Raises:
            WorldError: there are checkpoints, and none can be gone on from.
        """
        found = find_checkpoint(self._folder, self._config, self._events)
        if found is None:
            return
        path, about = found
        restore_state(self.learner, path, self._ranks.device)
        self.step, self.seconds, self.metrics = about["step"], about["seconds"], about["metrics"]
        self.early.restore(about["early_stop"])
        self.collapse, self.collapsed = about["collapse"], about["collapsed"]
        self.probes = [ProbePoint.model_validate(point) for point in about["probes"]]
        self.origin = Origin.restored(about["origin"])
        self._saved = self.step

    def _kept(self) -> str:
        if self._saved is None:
            return "No checkpoint was written yet"
        return f"Step {self._saved} is kept as the last good one"

    def _explained(self, error: BaseException) -> WorldError | None:
        """What the machine did to the training; None when it is none of its known faults."""
        if faults.is_loader_lost(error):
            return faults.loader_lost(self._kept())
        return faults.device_lost(error, self._kept()) if faults.is_device_lost(error) else None

    def _out_of_memory(self) -> WorldError:
        """Look for what would fit, alone: the other ranks are not waited for."""
        self._ranks.part()
        asked = self._config.batch_size // self._config.accumulate // self._ranks.share.world
        fits = faults.largest_that_fits(self.learner.rehearse, asked // 2)
        return faults.out_of_memory(self._config, asked, fits, self._ranks.device.type)
