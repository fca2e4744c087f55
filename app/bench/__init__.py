"""`isoline bench`: how fast this machine does what all else waits for, each thing beside an alternative.

Both sides of a pair run in the same call on the same data, and their results are held against each other first: a fast
wrong answer is no benchmark. What needs torch is measured by the engine, in its own process.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

from app.core.engine_command import engine_command
from app.printing import paragraph, table
from engine.contract.errors import UsageError, WorldError

DATA, EVALUATION, ENGINE = "data", "evaluation", "engine"
"""Names of the benchmarks; the engine runs its own."""


def check_name(which: str | None) -> None:
    """Make sure that there is a benchmark of this name. Raises UsageError otherwise."""
    known = (DATA, EVALUATION, ENGINE)
    if which not in (None, *known):
        raise UsageError(f"benchmark {which}", "there is none of this name", f"Choose from: {', '.join(known)}")


def engine_benchmark(*options: str) -> dict[str, Any]:
    """What `isoline-engine bench engine --json` tells: machine, rows, whether all results were equal.

    Raises:
        WorldError: the engine could not be started, or did not answer.
    """
    return _told_by_engine(ENGINE, *options)


def frozen_rows(*options: str) -> list[dict[str, Any]]:
    """Rows of `isoline-engine bench frozen --json`: what kept tokens are worth. Raises as `engine_benchmark`."""
    rows: list[dict[str, Any]] = _told_by_engine("frozen", *options)["rows"]
    return rows


def _told_by_engine(what: str, *options: str) -> dict[str, Any]:
    command = [*engine_command(), "bench", what, "--json", *options]
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, check=False, encoding="utf-8")
        report: dict[str, Any] = json.loads(said.stdout)
    except (OSError, ValueError):
        raise WorldError("engine", "its benchmark did not answer", "Try: isoline selftest") from None
    return report


def engine_in_words(report: dict[str, Any]) -> str:
    """The engine's rows as a table for people, and how to read it."""
    machine = report["machine"]
    heads = (
        "Milliseconds a crop, one thread",
        "Ours",
        "Plain",
        "Ratio",
        "Goal",
        "Of the floor",
        "Goal ",
        "Published",
        "MB",
        "",
    )
    rows = [
        (
            row["what"],
            f"{row['ours_ms']:.1f}",
            f"{row['reference_ms']:.1f}",
            f"{row['ratio']:.1f}",
            f"{row['goal_ratio']:.1f}",
            _percent(row["share"]),
            _percent(row["goal_share"]),
            f"{row['published_here_ms']:.1f}" if row["published_here_ms"] else "",
            _megabytes(row),
            _verdict(row),
        )
        for row in report["rows"]
    ]
    rates = [row["gemm"] for row in report["rows"]] or [machine["gemm"]]
    peak, there = (f"{rate:.0f} GFLOP/s" for rate in (machine["peak"], report["published"]["gemm"]))
    here = f"{min(rates):.0f} to {max(rates):.0f}"
    notes = (
        "Plain: the published algorithm, written plainly, on the same weights in the same run.",
        f"Floor: its products at {peak}, the most that one thread does here ({machine['peak_is']}).",
        f"Published: what it took elsewhere, scaled by a product there ({there}) and here beside each row ({here}).",
        "MB: what a call of the whole batch takes at most beyond what the process held, ours and plain, where known.",
        f"Compiled loops are {machine['kernels']}: {machine['kernels_reason']}.",
    )
    return "\n".join([table(heads, rows, right=heads[1:-1]), "", *map(paragraph, notes)])


def data_in_words(report: dict[str, Any]) -> str:
    """The rows of the data path as tables for people, and how to read them."""
    heads = ("Milliseconds of one core", "Ours", "Alternative", "", "Ratio", "Goal", "Of the floor", " ")
    rows = [
        (
            f"{row['what']} (a {row['unit']})",
            f"{row['ours_ms']:.3f}",
            f"{row['alternative_ms']:.3f}",
            row["alternative"],
            f"{row['ratio']:.1f}",
            f"{row['goal_ratio']:.0f}",
            _percent(row["share"]),
            _verdict(row | {"valid": True}),
        )
        for row in report["rows"]
    ]
    flat = report["flat"]
    sizes = [(f"{row['records']:,}", f"{row['crops_ms']:.3f}", f"{row['open_ms']:.1f}") for row in flat["rows"]]
    notes = [f"Floor of '{row['what']}': {row['floor']}, {row['floor_ms']:.3f} ms." for row in report["rows"]]
    if flat["left_out"]:
        notes.append(
            f"Left out, the disk has no room for their index: {', '.join(f'{n:,}' for n in flat['left_out'])}."
        )
    last = f"Largest over smallest: {flat['ratio']:.2f} (goal: at most {flat['goal']:g})." if flat["ratio"] else ""
    return "\n".join(
        [
            table(heads, rows, right=(*heads[1:3], *heads[4:7])),
            "",
            table(
                ("Recordings in the store", "Batch of crops", "To open it"),
                sizes,
                right=("Batch of crops", "To open it"),
            ),
            "",
            *map(paragraph, [*notes, last]),
        ]
    )


def evaluation_in_words(report: dict[str, Any]) -> str:
    """The rows of the evaluation path as a table for people."""
    heads = ("Milliseconds of one core", "Ours", "Alternative", "", "Ratio", "Goal", " ")
    rows = [
        (
            f"{row['what']} (a {row['unit']})",
            f"{row['ours_ms']:,.3f}",
            f"{row['alternative_ms']:,.3f}",
            row["alternative"],
            f"{row['ratio']:.1f}",
            "" if row["goal_ratio"] is None else f"{row['goal_ratio']:g}",
            _verdict(row | {"valid": True}),
        )
        for row in report["rows"]
    ]
    return table(heads, rows, right=(*heads[1:3], *heads[4:6]))


def _megabytes(row: dict[str, Any]) -> str:
    known = row["ours_mb"] is not None and row["reference_mb"] is not None
    return f"{row['ours_mb']:,.0f} / {row['reference_mb']:,.0f}" if known else ""


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _verdict(row: dict[str, Any]) -> str:
    if not row["equal"]:
        return "NOT EQUAL"
    if not row["valid"]:
        return "invalid: the plain one is slower than published"
    return "reached" if row["met"] else "not reached"
