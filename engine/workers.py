"""Where training and evaluation meet: a pretraining that is probed along the way."""

from __future__ import annotations

from engine.contract.config import PretrainConfig
from engine.contract.events import EventWriter
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
    probe = None if config.probe is None else LinearProbe(folder, config)
    return training.run(folder, config, events, probe)
