"""The verb `pretrain`: fresh, from a model, with a probe along the way, or only what it would cost."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import Verbs, add_verb, opened, wants_json
from app.commands.results import shown
from app.commands.submitting import add_cohort, add_finish, add_settings, submitted
from app.progress import follow
from app.recipes import recipe_config
from engine.contract.errors import EXIT_DONE, EXIT_WORLD
from engine.contract.results import EstimateResults

if TYPE_CHECKING:
    from app.workspace import Workspace
    from engine.contract.config import PretrainConfig


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    pretrain = add_verb(
        verbs,
        "pretrain",
        "pretrain a backbone on the recordings, without labels",
        [
            "isoline pretrain demo -w ward7 --wait",
            "isoline pretrain demo -w ward7 --set backbone.width=64 --set steps=50",
            "isoline pretrain cpc-s4 -w ward7 --estimate",
            'isoline pretrain domain -w ward7 --from "demo CPC" --cohort ours --probe reference --wait',
        ],
        _pretrain,
    )
    pretrain.add_argument("recipe", metavar="RECIPE", help="name of a shipped recipe (demo, ...) or a .toml file")
    add_cohort(pretrain)
    pretrain.add_argument(
        "--from",
        dest="parent",
        metavar="MODEL",
        help="go on from this model: backbone and signal are its own, and the model that is made is derived work",
    )
    pretrain.add_argument(
        "--probe", metavar="C", help="score a linear probe on this labelled cohort before and after, and along the way"
    )
    pretrain.add_argument("--probe-every", type=int, metavar="N", help="steps between probes (default: the recipe's)")
    pretrain.add_argument(
        "--probe-label", action="append", default=[], metavar="L", help="repeatable (default: the cohort's labels)"
    )
    pretrain.add_argument(
        "--estimate", action="store_true", help="run a few steps only and tell time, memory, disk and energy"
    )
    add_settings(pretrain)
    add_finish(pretrain)


def _pretrain(arguments: argparse.Namespace) -> int:
    config = recipe_config(arguments.recipe, _asked(arguments))  # what is off in it is told before anything is opened
    with opened(arguments) as workspace:
        if arguments.parent:
            settled = workspace.parent_settings(arguments.parent)
            config = recipe_config(arguments.recipe, _asked(arguments), settled)
        if arguments.estimate:
            return _estimated(workspace, config, arguments)
        for note in workspace.pretraining_notes(config, arguments.cohort):
            print(printing.paragraph(f"Note: {note}"), file=sys.stderr)
        job = workspace.pretrain(config, cohort=arguments.cohort, parent=arguments.parent)
        return submitted(workspace, job, "Pretrain", arguments)


def _asked(arguments: argparse.Namespace) -> list[str]:
    """All that was asked for, as settings."""
    settings = list(arguments.set)
    if arguments.probe is not None:
        settings.append(f"probe.cohort={arguments.probe}")
    if arguments.probe_every is not None:
        settings.append(f"probe.every={arguments.probe_every}")
    if arguments.probe_label:
        settings.append(f"probe.labels={arguments.probe_label}")
    return settings


def _estimated(workspace: Workspace, config: PretrainConfig, arguments: argparse.Namespace) -> int:
    """Measure and tell; whoever asks for an estimate waits for it. Exit code 1 says that it cannot fit."""
    job = workspace.estimate(config, cohort=arguments.cohort)
    workspace.pump()
    follow(workspace, job, f"Estimate {job}")
    results = workspace.results(job)
    print(printing.as_json(results) if wants_json(arguments) else shown(results))
    return EXIT_DONE if isinstance(results, EstimateResults) and results.fits else EXIT_WORLD
