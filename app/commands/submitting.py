"""What the verbs that start runs share: waiting with a progress line, or saying how to watch."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import add_json, add_workspace, named_workspace, wants_json
from app.commands.results import shown
from app.progress import follow
from engine.contract.errors import EXIT_DONE

if TYPE_CHECKING:
    from app.workspace import Workspace


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The option `--set KEY=VALUE`."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting, dotted keys; repeatable"
    )


def add_cohort(parser: argparse.ArgumentParser) -> None:
    """The option `--cohort C` of what reads recordings without labels."""
    parser.add_argument("--cohort", metavar="C", help="use the recordings of this cohort (default: all)")


def add_finish(parser: argparse.ArgumentParser) -> None:
    """The options `--wait`, `-w DIR` and `--json`."""
    parser.add_argument("--wait", action="store_true", help="stay until it has ended and print what came out")
    add_workspace(parser)
    add_json(parser)


def submitted(workspace: Workspace, job: str, title: str, arguments: argparse.Namespace) -> int:
    """Start what was queued; wait for it or say how to watch it."""
    workspace.pump()
    if arguments.wait:
        follow(workspace, job, f"{title} {job}")
        results = workspace.results(job)
        print(printing.as_json(results) if wants_json(arguments) else shown(results))
        return EXIT_DONE
    row = workspace.job(job)
    if wants_json(arguments):
        print(printing.as_json(row))
        return EXIT_DONE
    waits = " It starts when the job before it has ended and a window or `jobs watch` is open." * (
        row.state == "queued"
    )
    print(f"{job} is {row.state}.{waits}")
    there = named_workspace(arguments)
    print(f"Watch: isoline jobs watch {job}{there}")
    print(f"Stop:  isoline jobs stop {job}{there}")
    return EXIT_DONE
