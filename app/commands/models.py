"""Verbs on models: `model add|list|show|versions|lineage|eligible|agree|vet|certificate|golden`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app import printing
from app.commands import families, model_cards, model_words, trying, vetting
from app.commands.external_models import (
    add_external_options,
    asked_for_external,
    refuse_stray_card,
    register_external,
)
from app.commands.parsing import Verbs, add_asking, add_family, add_json, add_verb, add_workspace, opened, wants_json
from app.commands.predictions import add_predictions_options, is_table, refuse_strays, register_predictions
from app.recipes import with_settings
from engine.contract.errors import EXIT_DONE, UsageError

if TYPE_CHECKING:
    from app.core.rows import ModelRow
    from app.workspace import Workspace
    from engine.contract.config import AnyBackboneConfig


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    kinds = add_family(verbs, "model", "register and look at models", ["isoline model list -w ward7"], _list)
    _add_add(kinds)
    model_cards.add(kinds)
    vetting.add(kinds)
    trying.add(kinds)
    families.add(kinds)
    add_asking(kinds, "list", "list the models", ["isoline model list -w ward7"], _list)
    add_asking(kinds, "show", "show a model's card", ['isoline model show "age + sex" -w ward7'], _show, "name")
    example = ["isoline model versions openecg -w ward7"]
    add_asking(kinds, "versions", "list the registered versions of a product", example, _versions, "product")
    example = ['isoline model lineage "openecg v6" -w ward7']
    add_asking(kinds, "lineage", "what a model came from, and what was made of it", example, _lineage, "name")
    example = ['isoline model eligible "openecg v6" clinic -w ward7']
    text = "count the recordings of a cohort that a model's maker does not mean it for, rule by rule"
    add_asking(kinds, "eligible", text, example, _eligible, "name", "cohort")
    example = ['isoline model agree "openecg v6" --incomplete-sandbox -w ward7']
    text = "agree that a model runs where the sandbox cannot isolate it fully"
    agreeing = add_asking(kinds, "agree", text, example, _agree, "name")
    agreeing.add_argument("--incomplete-sandbox", action="store_true", required=True, help="what is agreed to")


def _add_add(kinds: Verbs) -> None:
    adding = add_verb(
        kinds,
        "add",
        "register a vendor's model or predictions, a checkpoint, random weights or the age + sex baseline",
        [
            "isoline model add model.onnx --card card.toml -w ward7",
            "isoline model add folder --card card.toml -w ward7 --command -- python predict.py",
            "isoline model add --endpoint http://127.0.0.1:8000/predict --card card.toml -w ward7",
            "isoline model add predictions.csv --name vendor --trained-on 'PTB-XL folds 1-8' -w ward7",
            "isoline model add rhythms.csv --map 'AF=atrial fibrillation' --map 'SR=' --mapped-by 'Dr. Roe' -w ward7",
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
        help="a model's file, predictions .csv or .parquet, a checkpoint folder, or the folder of a --command",
    )
    _add_own(adding)
    adding.add_argument("--name", metavar="NAME", help="name in this workspace (default: from card, file or kind)")
    adding.add_argument(
        "--trained-on",
        default="",
        metavar="CORPUS",
        help="what its maker declares it was trained on ('PTB-XL folds 1-8'): held against cohorts it is scored on",
    )
    add_external_options(adding)
    add_predictions_options(adding)
    add_workspace(adding)
    add_json(adding)


def _add_own(adding: argparse.ArgumentParser) -> None:
    adding.add_argument("--random", action="store_true", help="random weights: what the architecture gives untrained")
    adding.add_argument(
        "--backbone", choices=("s4", "transformer", "net1d"), default="s4", help="of --random (default: s4)"
    )
    adding.add_argument("--baseline", action="store_true", help="logistic regression on age and sex alone")
    adding.add_argument(
        "--measurements", action="store_true", help="of --baseline: with the cart's own intervals, axes and rate"
    )
    adding.add_argument(
        "--supervised", action="store_true", help="the study's S4 to be trained from scratch: no stem, fed at 100 Hz"
    )
    adding.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the random weights (default: 0)")
    adding.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="backbone setting of --random; repeatable"
    )


def _add(arguments: argparse.Namespace) -> int:
    named = arguments.path is not None or bool(arguments.endpoint)
    chosen = [named, arguments.random, arguments.baseline, arguments.supervised]
    if sum(chosen) != 1:
        raise UsageError("model", "name one source", "Give a PATH, --endpoint, --random, --supervised or --baseline")
    if arguments.trained_on and not named:
        raise UsageError("model", "it is trained on nothing before it is scored", "Leave out --trained-on")
    if not named:
        refuse_strays(arguments)
        refuse_stray_card(arguments)
    if arguments.measurements and not arguments.baseline:
        raise UsageError("--measurements", "they are those of a baseline", "Add --baseline")
    with opened(arguments) as workspace:
        row = _registered(workspace, arguments)
        gaps = workspace.model_card_gaps(row.name) if row.source == "external" else []
    if wants_json(arguments):
        print(printing.as_json(row))
        return EXIT_DONE
    print(f"Model registered: {row.name} (sha256 {row.sha256})")
    print("\n".join(model_words.after_adding(row, gaps)), end="\n" if row.source in model_words.TOLD else "")
    return EXIT_DONE


def _registered(workspace: Workspace, arguments: argparse.Namespace) -> ModelRow:
    if arguments.random:
        backbone = _backbone(arguments.backbone, arguments.set)
        name = arguments.name or f"random {_NAMES[arguments.backbone]}"
        return workspace.add_random_model(name, backbone, seed=arguments.seed)
    if arguments.supervised:
        return workspace.add_supervised_model(arguments.name or "S4 from scratch", seed=arguments.seed)
    if arguments.baseline:
        return workspace.add_baseline(arguments.name or "", arguments.measurements)
    if is_table(arguments):
        return register_predictions(workspace, arguments)
    if not asked_for_external(arguments) and arguments.path.is_dir():
        return workspace.add_checkpoint(arguments.path, arguments.name, arguments.trained_on)
    return register_external(workspace, arguments)


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
        print(model_words.listed(rows))
    return EXIT_DONE


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        row = workspace.model(arguments.name)
        gaps = workspace.model_card_gaps(arguments.name) if row.source == "external" else []
        product = str(row.card.get("product", ""))
        versions = workspace.model_versions(product) if product else []
    print(printing.as_json(row) if wants_json(arguments) else model_words.shown(row, gaps, versions))
    return EXIT_DONE


def _versions(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        rows = workspace.model_versions(arguments.product)
    if not rows:
        raise UsageError(f"product {arguments.product}", "no model is a version of it", "See: isoline model list")
    print(printing.as_json(rows) if wants_json(arguments) else model_words.listed(rows))
    return EXIT_DONE


def _lineage(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        graph = workspace.model_lineage(arguments.name)
    print(printing.as_json(graph) if wants_json(arguments) else model_words.lineage(graph))
    return EXIT_DONE


def _eligible(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        told = workspace.off_label(arguments.name, arguments.cohort)
    print(printing.as_json(told) if wants_json(arguments) else model_words.off_label(told, arguments.cohort))
    return EXIT_DONE


def _agree(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        row = workspace.agree_to_incomplete_sandbox(arguments.name)
    print(printing.as_json(row) if wants_json(arguments) else f"Agreed to, and kept in the audit trail: {row.name}")
    return EXIT_DONE
