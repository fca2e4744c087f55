"""`isoline import --preview`: what files hold, before anything is imported. Needs no workspace."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from app import printing
from app.commands.parsing import wants_json
from app.core.words import counted
from engine.contract.errors import EXIT_DONE, EXIT_WORLD, WorldError
from engine.contract.mapping import NOT_A_LEAD, SignalTable, read_mapping

if TYPE_CHECKING:
    from engine.signal.preview import Preview


def preview(arguments: argparse.Namespace) -> int:
    """Show each file; exit code 1 when one of them cannot be imported as it stands."""
    from engine.signal.preview import preview_table
    from engine.signal.readers import find_files

    mapping = read_mapping(arguments.map)
    shown: list[tuple[str, Preview]] = []
    faults: list[tuple[str, WorldError]] = []
    for path in find_files(arguments.paths, mapping):
        try:
            shown.append((path.name, preview_table(path, mapping)))
        except WorldError as error:
            faults.append((path.name, error))
    if wants_json(arguments):
        print(printing.as_json(_as_data(shown, faults)))
    else:
        print("\n\n".join([*(_told(name, found, mapping) for name, found in shown), *map(_refused, faults)]))
    return EXIT_WORLD if faults or any(found.fault for _, found in shown) else EXIT_DONE


def _as_data(shown: Sequence[tuple[str, Preview]], faults: Sequence[tuple[str, WorldError]]) -> list[dict[str, Any]]:
    refused = [{"file": name, "fault": error.reason, "next_step": error.next_step} for name, error in faults]
    return [{"file": name, **asdict(found)} for name, found in shown] + refused


def _told(name: str, found: Preview, mapping: SignalTable) -> str:
    many = f", {counted(found.recordings, 'recording')}: {', '.join(found.members)}" if found.members else ""
    more = ", ..." if found.recordings > len(found.members) > 0 else ""
    blocks = [f"{printing.visible(name)}: {found.format}{many}{more}"]
    if found.columns:
        blocks.append(_columns(found))
        blocks.append(printing.fields(_facts(found)))
    if found.fault:
        blocks.append(printing.paragraph(f"Cannot be imported as it stands: {found.fault}. {found.next_step}."))
    return "\n\n".join(blocks)


def _columns(found: Preview) -> str:
    rows = [
        (
            column.name,
            "" if column.lead == NOT_A_LEAD else column.lead,
            " ".join(f"{value:g}" for value in column.first),
            f"{column.smallest:g}",
            f"{column.largest:g}",
        )
        for column in found.columns
    ]
    return printing.table(
        ("Column", "Lead", "First numbers", "Smallest", "Largest"), rows, right=("Smallest", "Largest")
    )


def _facts(found: Preview) -> list[tuple[str, str]]:
    scales = sorted(set(found.mv_per_step))
    unit = ", ".join({1.0: "mV", 1e-3: "uV"}.get(scale, f"{scale:g} mV a step") for scale in scales)
    rate = "not known" if found.rate_hz is None else f"{found.rate_hz:g} Hz"
    length = f"{found.samples:,}" + (f" ({found.samples / found.rate_hz:g} s)" if found.rate_hz else "")
    return [
        ("Samples a lead", length),
        ("Leads", _from("known", found.reasons.get("leads", ""))),
        ("Unit", _from(unit, found.reasons.get("unit", ""))),
        ("Sampling rate", _from(rate, found.reasons.get("rate_hz", ""))),
    ]


def _from(what: str, reason: str) -> str:
    return f"{what}, from {reason}" if reason else "not known"


def _refused(fault: tuple[str, WorldError]) -> str:
    name, error = fault
    return f"{printing.visible(name)}: {error.reason}. {error.next_step}."
