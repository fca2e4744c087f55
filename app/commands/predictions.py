"""The options of `model add` for predictions that somebody else computed: no model at all."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engine.contract.errors import UsageError

if TYPE_CHECKING:
    from app.core.prediction_reading import Reading
    from app.core.prediction_table import ValueKind
    from app.core.rows import ModelRow
    from app.workspace import Workspace

_KINDS = ("probability", "score", "flag", "category")


def add_predictions_options(adding: argparse.ArgumentParser) -> None:
    """The options."""
    group = adding.add_argument_group("predictions")
    group.add_argument(
        "--as",
        dest="kinds",
        action="append",
        default=[],
        metavar="KIND",
        help=f"what its answers are: {', '.join(_KINDS)}; or of one label: LABEL=KIND; repeatable",
    )
    group.add_argument("--probabilities", action="store_true", help="as --as probability: calibration may be told")
    group.add_argument("--map", action="append", default=[], metavar="WORD=LABEL", help="what a category means")
    group.add_argument("--map-table", type=Path, metavar="CSV", help="the same as a table: category,label")
    group.add_argument("--mapped-by", default="", metavar="NAME", help="who says so")
    group.add_argument(
        "--no-output",
        action="append",
        default=[],
        metavar="WORD",
        help="a further word for an answer that was not given (known: nothing, NA, none, unknown ...)",
    )


def is_table(arguments: argparse.Namespace) -> bool:
    """Whether predictions were named."""
    if arguments.path is None or arguments.path.is_dir() or arguments.card is not None:
        refuse_strays(arguments)
        return False
    from app.core.prediction_table import is_table as looks_like_one

    if looks_like_one(arguments.path):
        return True
    refuse_strays(arguments)
    return False


def register_predictions(workspace: Workspace, arguments: argparse.Namespace) -> ModelRow:
    """Register them."""
    return workspace.add_predictions(
        arguments.path, arguments.name, arguments.trained_on, arguments.probabilities, _reading(arguments)
    )


def refuse_strays(arguments: argparse.Namespace) -> None:
    """Raise UsageError where something is said of predictions, and none were named."""
    told = {"--probabilities": arguments.probabilities, "--as": arguments.kinds, "--map": arguments.map}
    told |= {"--map-table": arguments.map_table, "--no-output": arguments.no_output}
    stray = next((name for name, said in told.items() if said), None)
    if stray is not None:
        raise UsageError(stray, "only scores from a file can be called so", "Leave it out")


def _reading(arguments: argparse.Namespace) -> Reading:
    from app.core.categories import category_map
    from app.core.prediction_reading import Reading

    whole: list[ValueKind] = []
    kinds: dict[str, ValueKind] = {}
    for told in (*arguments.kinds, *(["probability"] if arguments.probabilities else [])):
        label, _, kind = told.rpartition("=")
        if kind not in _KINDS:
            raise UsageError(f"--as {told}", f"'{kind}' is no kind of answer", f"Choose one of: {', '.join(_KINDS)}")
        if label:
            kinds[label] = kind
        else:
            whole.append(kind)
    if len(set(whole)) > 1:
        raise UsageError("--as", f"it says {' and '.join(whole)} of all labels", "Say one, or LABEL=KIND")
    known = category_map(arguments.map, arguments.mapped_by, arguments.map_table)
    if known.meanings and not whole and not kinds:
        whole = ["category"]
    return Reading(whole[0] if whole else None, kinds, known, tuple(arguments.no_output))
