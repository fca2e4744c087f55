"""Verbs on labels: `label list|import|from-devices`."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import printing
from app.commands.parsing import Verbs, add_asking, add_family, opened, wants_json
from app.core.words import counted
from engine.contract.errors import EXIT_DONE, EXIT_WORLD, UsageError

if TYPE_CHECKING:
    from app.core.label_import import LabelPreview
    from app.core.label_values import LabelMapping
    from app.workspace import Workspace

FAULTS_SHOWN = 10
_JOINS = ("record", "file", "patient")
_LISTS = ("scp", "snomed", "icd10")
_MEANINGS = (*_JOINS, "age", "sex", "binary", "number", *_LISTS, "ignore")


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    kinds = add_family(
        verbs,
        "label",
        "list labels, or bring them in from a table or from what the carts stated",
        [
            "isoline label import ptbxl_database.csv --preview -w ward7",
            "isoline label import codes.xlsx --join patient --as diagnoses=icd10 --complete diagnoses -w ward7",
            "isoline label from-devices -w ward7",
        ],
        _list,
    )
    add_asking(kinds, "list", "list the labels with their counts", ["isoline label list -w ward7"], _list)
    text = "make labels of what the carts stated, marked as theirs"
    devices = add_asking(kinds, "from-devices", text, ["isoline label from-devices -w ward7"], _from_devices)
    devices.add_argument(
        "--complete", action="store_true", help="what a cart did not state counts as negative (default: unknown)"
    )
    _add_import(kinds)


def _add_import(kinds: Any) -> None:
    bring = add_asking(
        kinds,
        "import",
        "bring in labels from a table (CSV, Excel)",
        ["isoline label import labels.csv --preview -w ward7", "isoline label import labels.csv -w ward7"],
        _import,
    )
    bring.description = f"{bring.description} Unknown is not negative: an empty cell says nothing."
    bring.add_argument("table", type=Path, metavar="FILE", help="table with one header line")
    bring.add_argument("--preview", action="store_true", help="only tell what the columns mean and how many rows match")
    bring.add_argument("--join", choices=_JOINS, help="what names a recording (default: what matches the most rows)")
    bring.add_argument("--on", metavar="COLUMN", help="the column that names it")
    bring.add_argument(
        "--as",
        dest="meanings",
        action="append",
        default=[],
        metavar="COLUMN=MEANING",
        help=f"what a column means: {', '.join(_MEANINGS[2:])}; repeatable",
    )
    bring.add_argument(
        "--complete",
        action="append",
        default=[],
        metavar="COLUMN",
        help="the lists of this column are complete: what is missing from one counts as negative; repeatable",
    )
    bring.add_argument(
        "--min-likelihood",
        type=float,
        default=0.0,
        metavar="P",
        help="SCP-ECG statements below P %% are unknown (default: 0)",
    )
    bring.add_argument(
        "--icd-characters", type=int, default=5, metavar="N", help="cut ICD-10 codes to 3, 4 or 5 (default: 5)"
    )


def _import(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        mapping = _mapping(workspace, arguments)
        if arguments.preview:
            told = workspace.preview_labels(arguments.table, mapping)
        else:
            told = workspace.import_labels(arguments.table, mapping)
    print(printing.as_json(_plain(told)) if wants_json(arguments) else shown(told, arguments.preview))
    return EXIT_WORLD if told.faults or not told.matched else EXIT_DONE


def _mapping(workspace: Workspace, arguments: argparse.Namespace) -> LabelMapping:
    """The guesses, changed by what the user says."""
    mapping = workspace.suggest_labels(arguments.table, arguments.join, arguments.on)
    columns = dict(mapping.columns)
    for word in arguments.meanings:
        column, _, meaning = word.rpartition("=")
        if not column or meaning not in _MEANINGS:
            raise UsageError("--as", f"{word} is not COLUMN=MEANING", f"Meanings: {', '.join(_MEANINGS)}")
        columns[column] = meaning
    known = {guess.column for guess in workspace.preview_labels(arguments.table, mapping).columns}
    wrong = sorted({*columns, *arguments.complete} - known)
    if wrong:
        raise UsageError(f"column {wrong[0]}", "the table has none of this name", f"It has: {', '.join(sorted(known))}")
    return dataclasses.replace(
        mapping,
        columns={column: meaning for column, meaning in columns.items() if meaning != "ignore"},
        complete=frozenset(arguments.complete),
        minimum_likelihood=arguments.min_likelihood,
        icd_characters=arguments.icd_characters,
    )


def shown(told: LabelPreview, preview: bool) -> str:
    """What a table does or would do: columns with reasons, matches, labels, notes, faults by line."""
    taken = {**told.mapping.columns, told.mapping.on: f"names the {told.mapping.join}"}
    columns = printing.table(
        ("Column", "Taken as", "Looks like", "Why"),
        [(g.column, taken.get(g.column, "-"), g.meaning, g.reason) for g in told.columns],
    )
    head = printing.fields(
        [
            ("Rows", f"{told.rows:,}"),
            ("Matched", f"{told.matched:,}, {counted(told.recordings, 'recording')}"),
            ("Unmatched", f"{told.unmatched:,} name no recording of the workspace{_lines(told)}"),
            ("Left out", f"{len(told.faults):,} for a fault"),
            ("Replaced", f"{counted(told.changes, 'value')} known otherwise before"),
        ]
    )
    labels = printing.table(
        ("Label", "Positive", "Negative", "Unknown"),
        [(one.label, one.positives, one.negatives, one.unknown) for one in told.labels],
        right=("Positive", "Negative", "Unknown"),
    )
    faults = [f"line {line}: {reason}. {step}." for line, reason, step in told.faults[:FAULTS_SHOWN]]
    more = len(told.faults) - FAULTS_SHOWN
    faults += [f"and {more:,} more lines"] if more > 0 else []
    notes = [printing.paragraph(note) for note in (*told.notes, *_how_to_complete(told))]
    end = "Nothing was written. Leave --preview out to import." if preview else "Labels are written."
    blocks = [columns, head, labels, "\n".join(notes), "\n".join(faults), end]
    return "\n\n".join(block for block in blocks if block)


def _lines(told: LabelPreview) -> str:
    """The first lines that name none, never what stands in them."""
    shown = ", ".join(str(line) for line in told.unmatched_lines[:FAULTS_SHOWN])
    return f" (lines {shown}{', ...' if told.unmatched > FAULTS_SHOWN else ''})" if shown else ""


def _how_to_complete(told: LabelPreview) -> list[str]:
    mapping = told.mapping
    lists = [name for name, meaning in mapping.columns.items() if meaning in _LISTS and name not in mapping.complete]
    return [f"Lists that are complete are named so: --complete {shlex.quote(lists[0])}"] if lists else []


def _plain(told: LabelPreview) -> dict[str, Any]:
    data = dataclasses.asdict(told)
    data["mapping"]["complete"] = sorted(told.mapping.complete)
    return data


def _from_devices(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        counts = workspace.labels_from_devices(arguments.complete)
    if wants_json(arguments):
        print(printing.as_json(counts))
        return EXIT_DONE
    print(printing.table(("Label", "Positive"), list(counts.items()), right=("Positive",)))
    print("\nThese are statements of the carts: another program's opinion, not the truth.")
    return EXIT_DONE


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        rows = workspace.labels()
    if wants_json(arguments):
        print(printing.as_json(rows))
        return EXIT_DONE
    if not rows:
        print("No labels. Next: isoline label import FILE --preview")
        return EXIT_DONE
    cells = [(r.label, r.positives, r.negatives, r.unknown, r.positive_patients, r.negative_patients) for r in rows]
    heads = ("Label", "Positive", "Negative", "Unknown", "Patients with", "Patients without")
    print(printing.table(heads, cells, right=heads[1:]))
    return EXIT_DONE
