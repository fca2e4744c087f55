"""Verbs on the store: `store show|verify|derived|forget`."""

from __future__ import annotations

import argparse

from app import printing
from app.commands.parsing import Verbs, add_asking, add_family, opened, wants_json
from app.core.words import counted
from app.progress import follow
from engine.contract.errors import EXIT_DONE, EXIT_WORLD, WorldError
from engine.contract.results import VerifyResults

MEGABYTE = 1e6


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    text = "look at the store of recordings and check it"
    kinds = add_family(verbs, "store", text, ["isoline store -w ward7"], _show)
    add_asking(kinds, "show", "tell what the store holds", ["isoline store show -w ward7"], _show)
    text = "read every sample, further leads and resampled copies too, and hold it against its checksum"
    check = add_asking(kinds, "verify", text, ["isoline store verify -w ward7"], _verify)
    check.description = (
        f"{check.description} It is a job: it can be stopped and resumed. Exit code 1 when one is damaged."
    )
    text = "list recordings that were resampled once and kept"
    add_asking(kinds, "derived", text, ["isoline store derived -w ward7"], _derived)
    text = "delete what was resampled once and kept; it can be made again"
    examples = ["isoline store forget -w ward7", "isoline store forget 0123456789abcdef -w ward7"]
    forget = add_asking(kinds, "forget", text, examples, _forget)
    forget.add_argument("keys", nargs="*", metavar="KEY", help="of `store derived` (default: all)")


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        told = workspace.store_summary()
    if wants_json(arguments):
        print(printing.as_json(told))
        return EXIT_DONE
    rates = ", ".join(f"{counted(count, 'recording')} at {rate} Hz" for rate, count in told.rates.items())
    pairs: list[tuple[str, object]] = [
        ("Recordings", f"{told.recordings:,}"),
        ("Rates", rates or "none"),
        ("Length", f"{told.hours:,.2f} hours"),
        ("Size", megabytes(told.size_bytes)),
        ("Exact", f"{counted(told.exact, 'recording')} kept as the integers of their files in every lead"),
    ]
    print(printing.fields(pairs))
    return EXIT_DONE


def _verify(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        job = workspace.verify_store()
        follow(workspace, job, "Verify")
        results = workspace.results(job)
    if not isinstance(results, VerifyResults):
        raise WorldError(f"job {job}", "it has no results", f"See: isoline jobs show {job}")
    if wants_json(arguments):
        print(printing.as_json(results))
    else:
        print(verdict(results))
    return EXIT_WORLD if results.damaged else EXIT_DONE


def verdict(results: VerifyResults) -> str:
    """What a verification found, for people."""
    read = f"{counted(results.recordings, 'recording')} read, {megabytes(results.bytes)}"
    read += f", further leads of {results.extra:,}" * bool(results.extra)
    read += f", {results.derived:,} in resampled copies" * bool(results.derived)
    if not results.damaged:
        return f"{read}: every one is as it was written."
    lines = [f"{fault.record_id or 'store':13}  {fault.what}" for fault in results.faults]
    more = results.damaged - len(lines)
    lines += [f"and {more:,} more"] * bool(more)
    return "\n".join([*lines, "", f"{read}: {results.damaged:,} damaged. Import them again, or restore a backup."])


def _derived(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        rows = workspace.derived_stores()
    if wants_json(arguments):
        print(printing.as_json(rows))
    elif not rows:
        print("Nothing was resampled and kept.")
    else:
        headers = ("Key", "Hz", "Clipped at", "Recordings", "Size", "")
        cells = [
            (
                row.key,
                "" if row.rate_hz is None else f"{row.rate_hz:g}",
                "" if row.clip_mv is None else f"{row.clip_mv:g} mV",
                f"{row.records:,}",
                megabytes(row.size_bytes),
                "being made" if row.in_use else "",
            )
            for row in rows
        ]
        print(printing.table(headers, cells, right=("Hz", "Recordings", "Size")))
    return EXIT_DONE


def _forget(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        freed = workspace.forget_derived(arguments.keys)
    print(printing.as_json({"bytes": freed}) if wants_json(arguments) else f"{megabytes(freed)} freed.")
    return EXIT_DONE


def megabytes(size: int) -> str:
    """Bytes for people: "12.3 MB"."""
    return f"{size / MEGABYTE:,.1f} MB"
