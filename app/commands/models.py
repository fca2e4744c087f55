"""Verbs on models: `model add|list|show`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import Verbs, add_asking, add_family, add_json, add_verb, add_workspace, opened, wants_json
from app.recipes import with_settings
from engine.contract.card import UNKNOWN
from engine.contract.errors import EXIT_DONE, UsageError, WorldError

if TYPE_CHECKING:
    from app.core.rows import ModelRow
    from app.workspace import Workspace
    from engine.contract.config import AnyBackboneConfig


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    kinds = add_family(verbs, "model", "register and look at models", ["isoline model list -w ward7"], _list)
    _add_add(kinds)
    add_asking(kinds, "list", "list the models", ["isoline model list -w ward7"], _list)
    add_asking(kinds, "show", "show a model's card", ['isoline model show "age + sex" -w ward7'], _show, "name")


def _add_add(kinds: Verbs) -> None:
    adding = add_verb(
        kinds,
        "add",
        "register a vendor's predictions, a checkpoint, random weights or the age + sex baseline",
        [
            "isoline model add predictions.csv --name vendor --trained-on 'PTB-XL folds 1-8' -w ward7",
            "isoline model add checkpoints/step-002000 -w ward7",
            "isoline model add --random --set width=64 -w ward7",
            "isoline model add --random --backbone transformer --set width=64 --set heads=4 -w ward7",
            "isoline model add --baseline -w ward7",
            "isoline model add --baseline --measurements -w ward7",
            "isoline model add --supervised -w ward7",
        ],
        _add,
    )
    adding.add_argument(
        "path",
        type=Path,
        nargs="?",
        metavar="PATH",
        help="predictions .csv (record, label, score) or checkpoint folder",
    )
    adding.add_argument("--random", action="store_true", help="random weights: what the architecture gives untrained")
    adding.add_argument(
        "--backbone", choices=("s4", "transformer", "net1d"), default="s4", help="of --random (default: s4)"
    )
    adding.add_argument("--baseline", action="store_true", help="logistic regression on age and sex alone")
    adding.add_argument(
        "--measurements", action="store_true", help="of --baseline: with the cart's own intervals, axes and rate"
    )
    adding.add_argument(
        "--probabilities", action="store_true", help="the scores are probabilities: calibration may be told of them"
    )
    adding.add_argument(
        "--supervised", action="store_true", help="the study's S4 to be trained from scratch: no stem, fed at 100 Hz"
    )
    adding.add_argument("--name", metavar="NAME", help="name in this workspace (default: from the file or the kind)")
    adding.add_argument(
        "--trained-on",
        default="",
        metavar="CORPUS",
        help="what its maker declares it was trained on ('PTB-XL folds 1-8'): held against cohorts it is scored on",
    )
    adding.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the random weights (default: 0)")
    adding.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="backbone setting of --random; repeatable"
    )
    add_workspace(adding)
    add_json(adding)


def _add(arguments: argparse.Namespace) -> int:
    chosen = [arguments.path is not None, arguments.random, arguments.baseline, arguments.supervised]
    if sum(chosen) != 1:
        raise UsageError("model", "name one source", "Give a PATH, or --random, --supervised or --baseline")
    if arguments.trained_on and arguments.path is None:
        raise UsageError("model", "it is trained on nothing before it is scored", "Leave out --trained-on")
    if arguments.measurements and not arguments.baseline:
        raise UsageError("--measurements", "they are those of a baseline", "Add --baseline")
    if arguments.probabilities and arguments.path is None:
        raise UsageError("--probabilities", "only scores from a file can be called so", "Leave it out")
    with opened(arguments) as workspace:
        row = _registered(workspace, arguments)
    if wants_json(arguments):
        print(printing.as_json(row))
        return EXIT_DONE
    print(f"Model registered: {row.name} (sha256 {row.sha256})")
    if row.source == "predictions":  # what of the supplied file counts, and what was left out
        for note in _texts(row.card.get("notes")):
            print(printing.paragraph(note, "  "))
    return EXIT_DONE


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else []


def _registered(workspace: Workspace, arguments: argparse.Namespace) -> ModelRow:
    if arguments.random:
        backbone = _backbone(arguments.backbone, arguments.set)
        name = arguments.name or f"random {_NAMES[arguments.backbone]}"
        return workspace.add_random_model(name, backbone, seed=arguments.seed)
    if arguments.supervised:
        return workspace.add_supervised_model(arguments.name or "S4 from scratch", seed=arguments.seed)
    if arguments.baseline:
        return workspace.add_baseline(arguments.name or "", arguments.measurements)
    path: Path = arguments.path
    if path.is_dir():
        return workspace.add_checkpoint(path, arguments.name, arguments.trained_on)
    if path.suffix.lower() == ".csv":
        return workspace.add_predictions(path, arguments.name, arguments.trained_on, arguments.probabilities)
    raise WorldError(
        f"model {path.name}",
        "it is neither a .csv of predictions nor a checkpoint folder",
        "Name a .csv with the columns record, label, score, or a folder with weights.safetensors and card.json",
    )


_NAMES = {"s4": "S4", "transformer": "Transformer", "net1d": "Net1D"}


def _backbone(name: str, settings: list[str]) -> AnyBackboneConfig:
    from pydantic import TypeAdapter, ValidationError

    from engine.contract.config import BackboneConfig, explain

    adapter: TypeAdapter[AnyBackboneConfig] = TypeAdapter(BackboneConfig)
    try:
        return adapter.validate_python(with_settings({"name": name}, settings))
    except ValidationError as error:
        raise UsageError("backbone", explain(error), "Correct the named settings") from None


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        rows = workspace.models()
    if wants_json(arguments):
        print(printing.as_json(rows))
    elif not rows:
        print("No models. Next: isoline model add PATH, or isoline pretrain demo")
    else:
        cells = [
            (r.name, r.version, r.source, r.sha256[:12], r.job_id, printing.moment(r.created), "; ".join(r.marks))
            for r in rows
        ]
        print(printing.table(("Name", "Version", "Source", "sha256", "Job", "Registered (UTC)", "Marks"), cells))
    return EXIT_DONE


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        row = workspace.model(arguments.name)
    if wants_json(arguments):
        print(printing.as_json(row))
        return EXIT_DONE
    pairs: list[tuple[str, object]] = [("Model", row.name), ("Version", row.version), ("Source", row.source)]
    pairs += [("Mark", mark) for mark in row.marks]
    pairs += [("sha256", row.sha256), ("Registered", printing.moment(row.created)), ("Made by job", row.job_id or "-")]
    print(printing.fields([*pairs, *_card_lines(row.card)]))
    return EXIT_DONE


def _card_lines(card: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = []
    for key, value in card.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            lines += _card_lines(value, f"{name}: ")
        elif isinstance(value, (list, tuple)):
            lines.append((name, ", ".join(str(item) for item in value) or "-"))
        elif key not in ("name", "version", "source"):
            lines.append((name, UNKNOWN if value is None else value))
    return lines
