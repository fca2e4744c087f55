"""A network of a known architecture, built here from weights that are data alone: nothing of it needs a sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.contract.errors import WorldError
from engine.zoo.architectures import ecgresnet
from engine.zoo.published.registry import ARCHITECTURES, load_architecture

PLAIN: dict[str, Callable[[dict[str, Tensor]], nn.Module]] = {"ecgresnet": ecgresnet.build}
"""Networks of one file each; each takes the weights, to see sizes that its name does not tell. Published families with
several networks stand in `engine.zoo.published`."""


class WeightsRunner:
    """Runs a network in this process.

    Args:
        path: of the safetensors file.
        architecture: name of the network.
        thing: the model, as errors call it.

    Raises:
        WorldError: no such network, a damaged file, or weights of another network: the first tensor that does not
            fit is named.
    """

    def __init__(self, path: Path, architecture: str, thing: str) -> None:
        self._thing = thing
        self._module = _loaded(path, architecture, thing).eval()

    def run(self, x_NCT: NDArray[np.float32], singly: bool = False) -> dict[str, NDArray[np.generic]]:
        """All outputs of a batch; `singly` gives it the windows one by one."""
        parts = torch.split(torch.from_numpy(x_NCT), 1 if singly else len(x_NCT))
        with torch.inference_mode():
            told = [self._module(part) for part in parts]
        return {name: torch.cat([one[name] for one in told]).numpy() for name in told[0]}

    @property
    def parameters(self) -> int | None:
        """Number of weights that are trained; running means and the like are none."""
        return sum(weights.numel() for weights in self._module.parameters())

    def close(self) -> None:
        """Nothing is held open."""


def _loaded(path: Path, architecture: str, thing: str) -> nn.Module:
    if architecture not in (*PLAIN, *ARCHITECTURES):
        known = ", ".join(sorted((*PLAIN, *ARCHITECTURES)))
        raise WorldError(thing, f"no architecture '{architecture}' is known", f"Name one of: {known}")
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        reason = f"its weights cannot be read ({type(error).__name__})"
        raise WorldError(thing, reason, "Take an undamaged safetensors file") from None
    if architecture in ARCHITECTURES:
        return load_architecture(architecture, tensors, thing)
    module = PLAIN[architecture](tensors)
    _refuse_misfit(module.state_dict(), tensors, architecture, thing)
    module.load_state_dict(tensors, strict=True)
    return module


def _refuse_misfit(wanted: dict[str, Tensor], given: dict[str, Tensor], architecture: str, thing: str) -> None:
    """Name the first tensor that lacks, is too much, or has another shape; nothing is loaded in part."""
    for name in sorted(wanted.keys() | given.keys()):
        if name not in given:
            reason = f"its weights lack '{name}'"
        elif name not in wanted:
            reason = f"its weights hold '{name}', which the network has not"
        elif wanted[name].shape != given[name].shape:
            shapes = " and not ".join(str(tuple(of[name].shape)) for of in (given, wanted))
            reason = f"its '{name}' is {shapes}"
        else:
            continue
        raise WorldError(thing, reason, f"Check that it is of the architecture '{architecture}'", fault="misfit")
