"""Verbs on recordings: `init`, `import`, `records`, `export`."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, add_workspace, opened, wants_json
from app.core.words import counted
from app.progress import follow
from engine.contract.errors import EXIT_DONE, EXIT_WORLD, WorldError

if TYPE_CHECKING:
    from app.core.rows import FileOutcome, RecordRow
    from app.workspace import Workspace


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    init = add_verb(verbs, "init", "make an empty workspace", ["isoline init ward7"], _init)
    init.add_argument("dir", type=Path, metavar="DIR", help="folder that is made; it must be absent or empty")

    bring = add_verb(
        verbs,
        "import",
        "read recordings into a workspace",
        [
            "isoline import ecgs/ -w ward7 --labels labels.csv",
            "isoline import a.hea b.hea -w ward7 --json",
        ],
        _import,
    )
    bring.description = f"{bring.description} One line a file; exit code 1 when a file was refused or is there already."
    bring.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="files, or folders that are searched")
    bring.add_argument("--labels", type=Path, metavar="CSV", help="table with a column 'record' and one per label")
    bring.add_argument("--dataset", default="local", metavar="NAME", help="collection they belong to (default: local)")
    add_workspace(bring)
    add_json(bring)

    show = add_verb(verbs, "records", "list the recordings", ["isoline records -w ward7 --label MI"], _records)
    show.add_argument("--label", metavar="L", help="only those where this label is positive")
    show.add_argument("--text", default="", metavar="T", help="only those whose name, id or patient holds this text")
    show.add_argument("--dataset", metavar="NAME", help="only those of this collection")
    add_workspace(show)
    add_json(show)

    export = add_verb(
        verbs, "export", "write one recording as a NumPy file", ["isoline export 00001 --npz one.npz -w ward7"], _export
    )
    export.add_argument("record", metavar="RECORD", help="record id, or the file's own name")
    export.add_argument(
        "--npz", type=Path, required=True, metavar="FILE", help="holds signal [12, T] float32 in mV, leads, rate"
    )
    add_workspace(export)


def _init(arguments: argparse.Namespace) -> int:
    from app.workspace import Workspace

    with Workspace.create(arguments.dir) as workspace:
        print(f"Workspace made: {workspace.path}")
    print(f"Next: isoline import PATH... -w {arguments.dir}")
    return EXIT_DONE


def _import(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        job, refused = _queued(workspace, arguments.paths, arguments.dataset, arguments.labels)
        follow(workspace, job, "Import")
        outcomes = [*workspace.outcomes(job), *refused]
    print(printing.as_json(outcomes) if wants_json(arguments) else _told(outcomes))
    return EXIT_DONE if all(outcome.status == "imported" for outcome in outcomes) else EXIT_WORLD


def _queued(
    workspace: Workspace, paths: Sequence[Path], dataset: str, labels: Path | None
) -> tuple[str, list[FileOutcome]]:
    """Queue the import; a labels file that cannot be used is refused and the recordings go in without it."""
    from app.core.rows import FileOutcome

    if labels is None:
        return workspace.import_files(paths, dataset=dataset), []
    try:
        return workspace.import_files(paths, dataset=dataset, labels=labels), []
    except WorldError as error:
        job = workspace.import_files(paths, dataset=dataset)
        return job, [FileOutcome(str(labels), "csv", "refused", error.reason, error.next_step, None)]


def _told(outcomes: Sequence[FileOutcome]) -> str:
    width = max((len(outcome.file) for outcome in outcomes), default=0)
    lines = []
    for outcome in outcomes:
        line = f"{outcome.status:<9}  {outcome.file:<{width}}  {outcome.record_id or '':<13}"
        lines.append(f"{line}  {_why(outcome)}".rstrip())
    counts = Counter(outcome.status for outcome in outcomes)
    total = ", ".join(f"{counts[status]:,} {status}" for status in ("imported", "duplicate", "refused"))
    return "\n".join([*lines, "", total])


def _why(outcome: FileOutcome) -> str:
    return ". ".join(part for part in (outcome.reason, outcome.next_step) if part)


def _records(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        rows = workspace.records(text=arguments.text, label=arguments.label, dataset=arguments.dataset)
    if wants_json(arguments):
        print(printing.as_json(rows))
        return EXIT_DONE
    print(_listed(rows) if rows else "No recordings. Next: isoline import PATH...")
    return EXIT_DONE


def _listed(rows: Sequence[RecordRow]) -> str:
    headers = ("Record", "Name", "Dataset", "Patient", "Age", "Sex", "Hz", "Seconds", "Quality", "Labels")
    cells = [
        (
            row.record_id,
            row.source_name,
            row.dataset,
            row.patient,
            row.age_text,
            row.sex,
            f"{row.rate_hz:g}",
            f"{row.seconds:.1f}",
            row.quality,
            " ".join(label for label, value in row.labels.items() if value > 0),
        )
        for row in rows
    ]
    told = f"{counted(len(rows), 'recording')} of {counted(len({row.patient for row in rows}), 'patient')}"
    return printing.table(headers, cells, right=("Age", "Hz", "Seconds")) + "\n\n" + told


def _export(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        row = workspace.record(arguments.record)
        written = workspace.export_record(row.record_id, arguments.npz)
    print(f"{row.record_id}: signal in mV, {row.seconds:.1f} s at {row.rate_hz:g} Hz, written to {written}")
    return EXIT_DONE
