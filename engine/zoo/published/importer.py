"""From a published state dict to a network of ours: every name and shape is as published, or the import is refused.

What is left out on purpose (heads, teachers, decoders) is listed by pattern, each with its reason; nothing else is ever
passed over. The networks are ours, so their tensors have names of ours: an importer tells the published name of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from engine.contract.errors import WorldError

SHOWN = 4
"""How many names an error spells out of each kind; it counts the others."""

Renaming = tuple[tuple[str, str], ...]
"""Patterns in a name of ours and what the published name has there, applied in order."""


class Dropped(NamedTuple):
    """Tensors of a published file that no output follows from."""

    pattern: str
    reason: str


class Importer(Protocol):
    """What every family's file offers."""

    def build(self, variant: str) -> nn.Module:
        """The network with fresh weights, in evaluation mode."""

    def shapes(self, variant: str, state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
        """What a file must hold, by published name; a length that the file itself tells is taken from the state."""

    def load(self, variant: str, state: Mapping[str, Tensor], thing: str) -> nn.Module:
        """The network with these weights, in evaluation mode.

        Args:
            variant: of the family.
            state: the published tensors by name.
            thing: the model, as errors call it.

        Raises:
            WorldError: a tensor is missing, unexpected, of another shape or not finite; it is named.
        """


class RenamedImporter:
    """An importer whose tensors are the published ones under other names.

    Args:
        networks: by variant, what builds each; cheap on the meta device.
        renaming: how names of ours become the published ones.
        dropped: what is left out.
        aliases: other spellings of published names, as newer libraries write them, and what they stand for.
    """

    def __init__(
        self,
        networks: Mapping[str, Callable[[], nn.Module]],
        renaming: Renaming,
        dropped: tuple[Dropped, ...] = (),
        aliases: Renaming = (),
    ) -> None:
        self._networks, self._renaming = networks, renaming
        self._dropped, self._aliases = dropped, aliases

    def build(self, variant: str) -> nn.Module:
        """The network with fresh weights, in evaluation mode."""
        return self._networks[variant]().eval()

    def shapes(self, variant: str, state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
        """What a file must hold; see `Importer.shapes`."""
        del state
        return self._shapes(self._blank(variant))

    def load(self, variant: str, state: Mapping[str, Tensor], thing: str) -> nn.Module:
        """The network with these weights, which it shares with the caller; see `Importer.load`."""
        network = self._blank(variant)
        own = {renamed(name, self._renaming): name for name in network.state_dict()}
        given = {renamed(name, self._aliases): value for name, value in state.items()}
        kept = checked(given, self._shapes(network), self._dropped, thing)
        network.load_state_dict({own[theirs]: value for theirs, value in kept.items()}, strict=True, assign=True)
        return network.requires_grad_(False)

    def _blank(self, variant: str) -> nn.Module:
        with torch.device("meta"):
            return self.build(variant)

    def _shapes(self, network: nn.Module) -> dict[str, tuple[int, ...]]:
        return {renamed(name, self._renaming): tuple(value.shape) for name, value in network.state_dict().items()}


def renamed(name: str, renaming: Renaming) -> str:
    """A name after all replacements."""
    for pattern, replacement in renaming:
        name = re.sub(pattern, replacement, name)
    return name


def checked(
    state: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], dropped: Iterable[Dropped], thing: str
) -> dict[str, Tensor]:
    """The tensors that a network takes, floating ones as float32; without what is dropped.

    Args:
        state: by published name.
        shapes: of all that the network takes, by published name.
        dropped: what may stand in the state beside it.
        thing: the model, as errors call it.

    Raises:
        WorldError: a tensor is missing, unexpected, of another shape or not finite; it is named.
    """
    patterns = [re.compile(part.pattern) for part in dropped]
    kept = {name: value for name, value in state.items() if not any(p.fullmatch(name) for p in patterns)}
    other = [name for name, value in kept.items() if name in shapes and tuple(value.shape) != shapes[name]]
    told = [
        _counted("lacks", [name for name in shapes if name not in kept]),
        _counted("holds what the network has not:", [name for name in kept if name not in shapes]),
        _counted(
            "has other shapes:", [f"{name} {_size(kept[name].shape)} for {_size(shapes[name])}" for name in other]
        ),
    ]
    if any(told):
        raise _misfit(thing, "its file " + "; it ".join(part for part in told if part))
    wild = [name for name, value in kept.items() if not bool(torch.isfinite(value).all())]
    if wild:
        raise _misfit(thing, "its file " + _counted("holds numbers that are not finite:", wild))
    return {name: value.float() if value.is_floating_point() else value for name, value in kept.items()}


def _misfit(thing: str, reason: str) -> WorldError:
    return WorldError(thing, reason, "Check which family and variant the file is of", fault="misfit")


def _counted(verb: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{verb} {', '.join(names[:SHOWN])}{more}"


def _size(shape: Iterable[int]) -> str:
    return "x".join(str(n) for n in shape) or "a single number"
