"""Verbs on model cards: `model card new|check`."""

from __future__ import annotations

import argparse
from pathlib import Path

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, wants_json
from engine.contract.errors import EXIT_DONE, EXIT_WORLD, UsageError


def add(kinds: Verbs) -> None:
    """Register the verbs of this file."""
    parser = add_verb(
        kinds, "card", "write or check a model card", ["isoline model card new --for model.onnx > card.toml"], _which
    )
    verbs = parser.add_subparsers(metavar="VERB")
    text = "print a card to be filled in, with what a model's file tells of itself"
    new = add_verb(verbs, "new", text, ["isoline model card new --for model.onnx > card.toml"], _new)
    new.add_argument("--for", dest="path", type=Path, metavar="PATH", help="the model's file")
    text = "name every fault of a card with its field"
    check = add_verb(verbs, "check", text, ["isoline model card check card.toml"], _check)
    check.add_argument("path", type=Path, metavar="CARD")
    add_json(check)


def _which(arguments: argparse.Namespace) -> int:
    raise UsageError("model card", "say what to do", "isoline model card new, or isoline model card check CARD")


def _new(arguments: argparse.Namespace) -> int:
    from app.core.card_form import blank_card

    print(blank_card(arguments.path), end="")
    return EXIT_DONE


def _check(arguments: argparse.Namespace) -> int:
    from app.core.card_files import check_card, read_card, with_assumptions
    from app.core.card_gaps import card_gaps, counts

    faults = check_card(arguments.path)
    gaps = [] if faults else card_gaps(with_assumptions(read_card(arguments.path)))
    if wants_json(arguments):
        print(printing.as_json({"faults": faults, "fields": gaps}))
    elif faults:
        print("\n".join(printing.paragraph(printing.visible(fault)) for fault in faults))
    else:
        told = ", ".join(f"{count} {state}" for state, count in counts(gaps).items() if count)
        print(f"A model can be registered with this card. Fields: {told}")
    return EXIT_WORLD if faults else EXIT_DONE
