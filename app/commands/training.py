"""The verb `pretrain`: fresh, from a model, with a probe along the way, or only what it would cost."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import Verbs, add_verb, named_workspace, opened, wants_json
from app.commands.results import shown
from app.commands.submitting import add_cohort, add_finish, add_settings, submitted
from app.progress import follow
from app.recipes import recipe_config
from engine.contract.errors import EXIT_DONE, EXIT_WORLD, UsageError, WorldError
from engine.contract.results import EstimateResults
from engine.recipes import recipe_names

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
            "isoline pretrain cpc-s4 -w ward7 --set ranks=8 --export run1 --store-as /scratch/store",
            "isoline pretrain -w ward7 --adopt run1",
        ],
        _pretrain,
    )
    pretrain.add_argument(
        "recipe", nargs="?", metavar="RECIPE", help="name of a shipped recipe (demo, ...) or a .toml file"
    )
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
        "--probe-label",
        action="append",
        default=[],
        metavar="L",
        help="probe this label; repeatable (default: the cohort's)",
    )
    pretrain.add_argument(
        "--estimate", action="store_true", help="run a few steps only and tell time, memory, disk and energy"
    )
    _add_elsewhere(pretrain)
    add_settings(pretrain)
    add_finish(pretrain)


def _add_elsewhere(pretrain: argparse.ArgumentParser) -> None:
    """The options of a run on another machine."""
    pretrain.add_argument(
        "--export", type=Path, metavar="DIR", help="start nothing: make a run folder for another machine or a cluster"
    )
    pretrain.add_argument(
        "--store-as",
        default="",
        metavar="PATH",
        help="with --export: where that machine will see the store (default: where it is), or relative to DIR",
    )
    pretrain.add_argument(
        "--adopt", type=Path, metavar="DIR", help="take back an exported run folder that is done; registers its model"
    )


def _pretrain(arguments: argparse.Namespace) -> int:
    if arguments.adopt is not None:
        return _adopted(arguments)
    if arguments.recipe is None:
        raise UsageError("pretrain", "no recipe was named", f"Name a TOML file, or one of: {', '.join(recipe_names())}")
    config = recipe_config(arguments.recipe, _asked(arguments))  # what is off in it is told before anything is opened
    with opened(arguments) as workspace:
        if arguments.parent:
            settled = workspace.parent_settings(arguments.parent)
            config = recipe_config(arguments.recipe, _asked(arguments), settled)
        if arguments.estimate:
            return _estimated(workspace, config, arguments)
        for note in workspace.pretraining_notes(config, arguments.cohort):
            print(printing.paragraph(f"Note: {note}"), file=sys.stderr)
        if arguments.export is not None:
            return _exported(workspace, config, arguments)
        job = workspace.pretrain(config, cohort=arguments.cohort, parent=arguments.parent)
        return submitted(workspace, job, "Pretrain", arguments)


def _exported(workspace: Workspace, config: PretrainConfig, arguments: argparse.Namespace) -> int:
    """Make the folder and say what to do with it."""
    folder, store_as = arguments.export, arguments.store_as
    job = workspace.export_pretraining(config, folder, arguments.cohort, arguments.parent, store_as)
    if wants_json(arguments):
        print(printing.as_json(workspace.job(job)))
        return EXIT_DONE
    place, there = shlex.quote(str(folder)), named_workspace(arguments)
    print(f"{job} was exported to {folder}. Nothing was started.")
    if config.probe is not None:
        print(f"The folder holds labels of '{config.probe.cohort}' until the run is done: keep it as safe as this one.")
    seen = store_as or "the same path as here"
    print(f"1. Bring the folder to the other machine, and the store ({workspace.path / 'store'}) to {seen}.")
    nodes = f"--nodes 1 --gpus {config.ranks}"
    print(f"2. There: isoline-engine slurm {place} {nodes} > job.sh && sbatch job.sh")
    print(f"   Without Slurm: isoline-engine pretrain {place}. The same command goes on with a run that was cut.")
    print(f"3. Bring the folder back: isoline pretrain --adopt {place}{there}")
    return EXIT_DONE


def _adopted(arguments: argparse.Namespace) -> int:
    if arguments.recipe is not None or arguments.export is not None:
        raise UsageError("pretrain --adopt", "it takes a run back and starts none", "Leave recipe and --export out")
    with opened(arguments) as workspace:
        job = workspace.adopt_pretraining(arguments.adopt)
        row, results = workspace.job(job), workspace.results(job)
    if row.state != "done":
        raise WorldError(f"job {job}", row.message, row.next_step or f"See: isoline jobs show {job}")
    print(printing.as_json(results) if wants_json(arguments) else f"{job} is done.\n{shown(results)}")
    return EXIT_DONE


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
