"""Verbs that bring recordings in: `init`, `import`."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app import printing
from app.commands.import_preview import preview
from app.commands.parsing import Verbs, add_json, add_verb, add_workspace, opened, wants_json
from app.progress import follow
from engine.contract.deidentification import Deidentification
from engine.contract.errors import EXIT_DONE, EXIT_WORLD, UsageError, WorldError
from engine.contract.mapping import SignalTable, read_mapping

if TYPE_CHECKING:
    from app.core.rows import FileOutcome
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
            "isoline import --preview ecg.csv --map rate_hz=500 --map unit=uV",
            "isoline import csvs/ -w ward7 --map ward7-csv.toml",
            "isoline import --dataset ptbxl PTB-XL/ -w ward7 --task ptbxl-super",
        ],
        _import,
    )
    bring.description = f"{bring.description} One line a file; exit code 1 when a file was refused or is there already."
    bring.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="files, or folders that are searched")
    bring.add_argument("--labels", type=Path, metavar="CSV", help="table with a column 'record' and one per label")
    bring.add_argument(
        "--dataset",
        default="local",
        metavar="NAME",
        help="collection they belong to (default: local); the name of a public corpus (see: isoline datasets) takes "
        "its one folder and reads its recordings, labels, patients and official split",
    )
    bring.add_argument(
        "--task", action="append", default=[], metavar="NAME", help="of a public corpus, only labels of this task"
    )
    _add_mapping(bring)
    _add_deidentification(bring)
    bring.add_argument("--workers", type=int, default=0, metavar="N", help="processes that read (default: one a core)")
    add_workspace(bring)
    add_json(bring)


def _add_mapping(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="what tables and arrays do not say themselves, or a TOML file of it; may be given again. Fields: "
        + ", ".join(SignalTable.model_fields),
    )
    parser.add_argument(
        "--preview", action="store_true", help="show what the files hold and what would be taken for what; import none"
    )


def _add_deidentification(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dates",
        choices=("year", "shift"),
        default="year",
        help="keep the year of a recording, or its date shifted by as many days for all of a patient (default: year)",
    )
    parser.add_argument(
        "--keep-free-text", action="store_true", help="keep the wording of the cart's statements (default: codes only)"
    )


def _init(arguments: argparse.Namespace) -> int:
    from app.workspace import Workspace

    with Workspace.create(arguments.dir) as workspace:
        print(f"Workspace made: {workspace.path}")
    print(f"Next: isoline import PATH... -w {arguments.dir}")
    return EXIT_DONE


def _import(arguments: argparse.Namespace) -> int:
    if arguments.preview:
        return preview(arguments)
    with opened(arguments) as workspace:
        job, refused = _queued(workspace, arguments)
        follow(workspace, job, "Import")
        outcomes = [*workspace.outcomes(job), *refused]
    print(printing.as_json(outcomes) if wants_json(arguments) else _told(outcomes))
    return EXIT_DONE if all(outcome.status == "imported" for outcome in outcomes) else EXIT_WORLD


def _queued(workspace: Workspace, arguments: argparse.Namespace) -> tuple[str, list[FileOutcome]]:
    """Queue the import; a labels file that cannot be used is refused and the recordings go in without it."""
    from app.core.rows import FileOutcome
    from engine.datasets.registry import DATASETS

    if arguments.dataset in DATASETS:
        return _queued_corpus(workspace, arguments), []
    if arguments.task:
        raise UsageError("--task", "only a public corpus has tasks", "Name it with --dataset; see: isoline datasets")
    labels: Path | None = arguments.labels
    mapping = read_mapping(arguments.map) if arguments.map else None

    def queued(labels: Path | None) -> str:
        """Queue the import, with or without the table of labels."""
        return workspace.import_files(
            arguments.paths,
            dataset=arguments.dataset,
            labels=labels,
            workers=arguments.workers,
            mapping=mapping,
            deidentify=Deidentification(dates=arguments.dates, keep_free_text=arguments.keep_free_text),
        )

    try:
        return queued(labels), []
    except WorldError as error:
        if labels is None:
            raise
        return queued(None), [FileOutcome(str(labels), "csv", "refused", error.reason, error.next_step, None)]


def _queued_corpus(workspace: Workspace, arguments: argparse.Namespace) -> str:
    if len(arguments.paths) != 1 or arguments.labels is not None or arguments.map:
        raise UsageError(
            f"dataset {arguments.dataset}",
            "a public corpus takes its one folder, and neither labels nor a mapping of yours",
            "Give your own collection another name, or name the folder alone",
        )
    return workspace.import_dataset(arguments.dataset, arguments.paths[0], arguments.task, arguments.workers)


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
