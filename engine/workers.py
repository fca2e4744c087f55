"""Where training and evaluation meet: a pretraining that is probed along the way."""

from __future__ import annotations

from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, SilentWriter
from engine.contract.results import PretrainResults
from engine.contract.run import RunFolder
from engine.estimate.footprint import footprint, too_large_to_build
from engine.estimate.rehearsal import largest_foretold, room_before
from engine.evaluation.alongside import LinearProbe
from engine.training import pretrain as training
from engine.training.device import pick_device
from engine.training.faults import out_of_memory
from engine.training.placement import placed


def pretrain(folder: RunFolder, config: PretrainConfig, events: EventWriter) -> PretrainResults:
    """Pretrain, or go on pretraining, what a run folder describes, with a linear probe when the config asks for one.

    Raises:
        Stopped: somebody asked; a checkpoint stands.
        WorldError: a model that the machine cannot hold, what the training refuses, or labels that were not opened
            for this run.
    """
    config, first = config.beside(folder.path), not isinstance(events, SilentWriter)
    if first:  # what the other ranks hold already would count twice
        _check_size(config)
    # Of several ranks the first alone probes; the others never see a label.
    asked = config.probe is not None and first
    probe = LinearProbe(folder, config) if asked else None
    return training.run(folder, config, events, probe)


def _check_size(config: PretrainConfig) -> None:
    """Refuse what the system would end without a word while it is built."""
    device = pick_device(config.device)
    if device.type == "cuda":  # a GPU says itself that it is full
        return
    place = placed(config.ranks)
    found, free, ranks = footprint(config), room_before(device).free, place.local_world if place else config.ranks
    if refused := too_large_to_build(config, found, free, device.type, ranks):
        raise WorldError("memory", refused["refusal"], refused["advice"], fault="out_of_memory")
    part = config.batch_size // config.accumulate // config.ranks
    if (fits := largest_foretold(lambda crops: found.of(crops, ranks), part, free)) < part:
        raise out_of_memory(config, part, fits, device.type)
