"""Where training and evaluation meet: a pretraining that is probed along the way."""

from __future__ import annotations

from engine.contract.config import PretrainConfig
from engine.contract.events import EventWriter, SilentWriter
from engine.contract.results import PretrainResults
from engine.contract.run import RunFolder
from engine.evaluation.alongside import LinearProbe
from engine.training import pretrain as training


def pretrain(folder: RunFolder, config: PretrainConfig, events: EventWriter) -> PretrainResults:
    """Pretrain, or go on pretraining, what a run folder describes, with a linear probe when the config asks for one.

    Raises:
        Stopped: somebody asked; a checkpoint stands.
        WorldError: what the training refuses, or labels that were not opened for this run.
    """
    # Of several ranks the first alone probes; the others never see a label.
    asked = config.probe is not None and not isinstance(events, SilentWriter)
    probe = LinearProbe(folder, config) if asked else None
    return training.run(folder, config, events, probe)
