"""`isoline`: the buttons of the program, headless. Every verb is one method of `Workspace`."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import app
import engine
from app.commands import (
    cohorts,
    datasets,
    dossiers,
    efficiency,
    evaluations,
    examinations,
    external_models,
    failures,
    installation,
    jobs,
    labels,
    leakage,
    models,
    outcomes,
    planning,
    recordings,
    records,
    runs,
    stores,
    studies,
    tasks,
    thresholds,
    training,
    version,
)
from app.progress import RunStopped
from engine.contract.errors import (
    EXIT_BUG,
    EXIT_DONE,
    EXIT_STOPPED,
    EXIT_USAGE,
    EXIT_WORLD,
    UsageError,
    WorldError,
    crash_text,
)
from engine.contract.version import VERSION

EPILOG = """\
exit codes: 0 done, 1 what was found is wrong (file, disk, model, too few recordings), 2 what was asked is wrong
            (unknown verb, name, setting or axis, a setting out of range), 3 a bug, 4 a run was stopped as asked,
            5 a check found what should not be (a leak)

start here:
  isoline demo                 the whole way on shipped real ECGs, ends with a PDF
  isoline VERB --help          what a verb does, with an example
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; without one, open the window. The exit codes stand in `EPILOG`."""
    _speak_plainly()
    words = sys.argv[1:] if argv is None else argv
    arguments = build_parser().parse_args(external_models.command_kept(studies.written_out(words)))
    try:
        refuse_strangers()
        code = int(arguments.act(arguments))
        sys.stdout.flush()
        return code
    except UsageError as error:
        return _complain(str(error), EXIT_USAGE)
    except RunStopped as error:
        return _complain(str(error), EXIT_STOPPED)
    except WorldError as error:
        return _complain(str(error), EXIT_WORLD)
    except KeyboardInterrupt:
        return _complain("\nInterrupted. Jobs that are running go on; see them with: isoline jobs", EXIT_WORLD)
    except BrokenPipeError:
        return _reader_left()
    except Exception as error:
        return _complain(crash_text(error), EXIT_BUG)


def refuse_strangers() -> None:
    """Refuse to work with an `engine` of somebody else: both names are common, and either may shadow ours.

    Raises:
        WorldError: the two packages do not stand side by side.
    """
    homes = [Path(str(package.__file__)).resolve().parent.parent for package in (app, engine)]
    if homes[0] != homes[1]:
        raise WorldError(
            "installation",
            "another package named 'app' or 'engine' stands before Isoline's",
            "Install Isoline into an environment of its own",
        )


def build_parser() -> argparse.ArgumentParser:
    """The parser with all verbs; nothing heavy is imported for it."""
    parser = argparse.ArgumentParser(
        prog="isoline",
        description="Vet ECG AI on your own recordings: probe, pretrain, compare, and export a verifiable dossier.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"isoline {VERSION}")
    parser.set_defaults(act=installation.open_window, window=None)
    verbs = parser.add_subparsers(metavar="VERB", title="verbs")
    for group in (
        installation,
        datasets,
        recordings,
        records,
        labels,
        stores,
        cohorts,
        leakage,
        models,
        training,
        studies,
        tasks,
        planning,
        evaluations,
        runs,
        efficiency,
        examinations,
        failures,
        thresholds,
        version,
        jobs,
        outcomes,
        dossiers,
    ):
        group.add(verbs)
    return parser


def _speak_plainly() -> None:
    """A console that cannot show a character gets a question mark instead of a crash."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _complain(text: str, code: int) -> int:
    sys.stdout.flush()
    print(text, file=sys.stderr)
    return code


def _reader_left() -> int:
    """Whoever read our output (head, less) has gone: that is no error, and Python must not complain at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_DONE
