"""What the verbs share in parsing: help with an example, `-w`, `--json`, and how a workspace is found."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.contract.errors import UsageError

if TYPE_CHECKING:
    from app.workspace import Workspace

Act = Callable[[argparse.Namespace], int]
Verbs = Any
"""The object that `ArgumentParser.add_subparsers` hands back; argparse gives it no public name."""


def add_verb(verbs: Verbs, name: str, text: str, examples: Sequence[str], act: Act) -> argparse.ArgumentParser:
    """One verb: its help ends with examples that can be pasted."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog="example:\n" + "\n".join(f"  {example}" for example in examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(act=act)
    return parser


def add_family(verbs: Verbs, name: str, text: str, examples: Sequence[str], act: Act) -> Verbs:
    """A verb with verbs of its own, which this gives back; said alone it does what `act` does, mostly their list."""
    parser = add_verb(verbs, name, text, examples, act)
    add_workspace(parser)
    add_json(parser)
    return parser.add_subparsers(metavar="VERB")


def add_asking(
    verbs: Verbs, name: str, text: str, examples: Sequence[str], act: Act, *about: str
) -> argparse.ArgumentParser:
    """A verb that asks a workspace and answers people or programs; `about` are the words that it needs."""
    parser = add_verb(verbs, name, text, examples, act)
    for word in about:
        parser.add_argument(word, metavar=word.upper())
    add_workspace(parser)
    add_json(parser)
    return parser


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """The option `-w DIR`."""
    parser.add_argument(
        "-w",
        "--workspace",
        type=Path,
        metavar="DIR",
        # A default here would overwrite what stood before a sub-verb: `jobs -w DIR list`.
        default=argparse.SUPPRESS,
        help="workspace folder (default: $ISOLINE_WORKSPACE, or the current folder if it is one)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option `--json`."""
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON for scripts")


def wants_json(arguments: argparse.Namespace) -> bool:
    """Whether `--json` was given."""
    return bool(getattr(arguments, "json", False))


def workspace_path(arguments: argparse.Namespace) -> Path:
    """The workspace that was named, by option, environment or current folder.

    Raises:
        UsageError: none of them names one.
    """
    named: Path | None = getattr(arguments, "workspace", None)
    if named is not None:
        return named
    if os.environ.get("ISOLINE_WORKSPACE"):
        return Path(os.environ["ISOLINE_WORKSPACE"])
    if Path("workspace.json").is_file():
        return Path.cwd()
    raise UsageError(
        "workspace", "none was named", "Add -w DIR, set ISOLINE_WORKSPACE, or run this inside a workspace folder"
    )


def named_workspace(arguments: argparse.Namespace) -> str:
    """` -w DIR` as it was given, to end a command that is printed for pasting."""
    named: Path | None = getattr(arguments, "workspace", None)
    return f" -w {shlex.quote(str(named))}" if named is not None else ""


def opened(arguments: argparse.Namespace) -> Workspace:
    """Open the named workspace."""
    path = workspace_path(arguments)
    from app.workspace import Workspace

    return Workspace.open(path)
