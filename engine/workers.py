"""Where training and evaluation meet: a pretraining that is probed along the way."""

from __future__ import annotations

from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, SilentWriter
from engine.contract.results import PretrainResults
from engine.contract.run import RunFolder
from engine.estimate.footprint import footprint, too_large_to_build
from engine.estimate.rehearsal import room_before
from engine.evaluation.alongside import LinearProbe
from engine.training import pretrain as training
from engine.training.device import pick_device


def pretrain(folder: RunFolder, config: PretrainConfig, events: EventWriter) -> PretrainResults:
    """Pretrain, or go on pretraining, what a run folder describes, with a linear probe when the config asks for one.

    Raises:
        Stopped: somebody asked; a checkpoint stands.
        WorldError: a model that the machine cannot hold, what the training refuses, or labels that were not opened
            for this run.
    """
    config = config.beside(folder.path)
    _check_size(config)
    # Of several ranks the first alone probes; the others never see a label.
    asked = config.probe is not None and not isinstance(events, SilentWriter)
    probe = LinearProbe(folder, config) if asked else None
    return training.run(folder, config, events, probe)


def _check_size(config: PretrainConfig) -> None:
    """Refuse what the system would end without a word while it is built."""
    device = pick_device(config.device)
    if device.type == "cuda":  # a GPU says itself that it is full
        return
    if refused := too_large_to_build(config, footprint(config), room_before(device).free, device.type):
        raise WorldError("memory", refused["refusal"], refused["advice"], fault="out_of_memory")
