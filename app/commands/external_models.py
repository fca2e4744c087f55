"""The options of `model add` for somebody else's model: file, program or service, and its card."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.contract.errors import UsageError

if TYPE_CHECKING:
    from app.core.rows import ModelRow
    from app.workspace import Workspace
    from engine.contract.card import ModelCard

_ON_CARD = ("architecture", "product", "version", "reason")
"""Options that say what a field of the card would say."""


def add_external_options(adding: argparse.ArgumentParser) -> None:
    """The options."""
    group = adding.add_argument_group("a vendor's model")
    group.add_argument("--card", type=Path, metavar="CARD", help="its card (see: isoline model card new)")
    group.add_argument("--architecture", default="", metavar="NAME", help="of safetensors: the network of the weights")
    group.add_argument("--product", default="", metavar="NAME", help="what it is a version of")
    group.add_argument("--version", default="", metavar="TEXT", help="which version of the product it is")
    group.add_argument("--reason", default="", metavar="TEXT", help="why a model of non-commercial licence is used")
    group.add_argument("--endpoint", default="", metavar="URL", help="a service on this machine, and on no other")
    group.add_argument(
        "--command",
        type=_written,
        default=(),
        metavar="-- PROGRAM ...",
        help="a program in the folder PATH, with its arguments; stands last: all that follows belongs to it",
    )


def command_kept(words: Sequence[str]) -> list[str]:
    """The words with all that follows `--command` as one of them: a program's options are no options of ours."""
    told = list(words)
    if told[:2] != ["model", "add"] or "--command" not in told:
        return told
    place = told.index("--command")
    program = told[place + 1 :]
    return [*told[: place + 1], json.dumps(program[program[:1] == ["--"] :])]


def _written(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def asked_for_external(arguments: argparse.Namespace) -> bool:
    """Whether what was said is about somebody else's model."""
    return bool(arguments.card or arguments.endpoint or arguments.command)


def refuse_stray_card(arguments: argparse.Namespace) -> None:
    """Raise UsageError where something is said of a vendor's model, and none was named."""
    stray = next((name for name in ("card", *_ON_CARD) if getattr(arguments, name)), None)
    if stray is not None:
        raise UsageError(f"--{stray}", "it is of a vendor's model", "Name its file, or leave it out")


def register_external(workspace: Workspace, arguments: argparse.Namespace) -> ModelRow:
    """Register it."""
    if arguments.card is None:
        _refuse_without_card(arguments)
    from app.core.card_files import read_card

    card = _with_options(read_card(arguments.card), arguments)
    return workspace.add_external(
        arguments.path, card, name=arguments.name, address=arguments.endpoint, command=arguments.command
    )


def _refuse_without_card(arguments: argparse.Namespace) -> None:
    if arguments.path is not None and not arguments.command:
        from app.core.model_files import format_of

        format_of(arguments.path)  # what cannot be registered at all says so first
    about = " --for FILE" if arguments.path is not None and not arguments.command else ""
    raise UsageError(
        "model",
        "it has no card, and nobody knows what to feed it",
        f"Write one: isoline model card new{about} > card.toml",
    )


def _with_options(card: ModelCard, arguments: argparse.Namespace) -> ModelCard:
    told = {name: getattr(arguments, name) for name in _ON_CARD if getattr(arguments, name)}
    if not arguments.trained_on:
        return card.model_copy(update=told)
    from app.core.corpus_names import tells

    if tells(card.lineage.corpus):
        raise UsageError("model card", "it tells what the model was trained on", "Leave out --trained-on")
    return card.model_copy(update={**told, "lineage": card.lineage.model_copy(update={"corpus": arguments.trained_on})})
