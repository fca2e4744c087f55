"""Verbs on recordings that are in: `records`, `records show|filters|recheck`, `export`, `search`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import printing
from app.commands.parsing import Verbs, add_asking, add_json, add_verb, add_workspace, opened, wants_json
from app.core.words import counted
from app.progress import follow
from engine.contract.errors import EXIT_DONE, EXIT_WORLD, UsageError

if TYPE_CHECKING:
    from app.core.record_query import LabelCount
    from app.core.rows import RecordRow

_LABEL_IS = ("positive", "negative", "known", "unknown")
_RIGHT = ("Age", "Hz", "Seconds", "Year")


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    listing = add_verb(
        verbs,
        "records",
        "list the recordings",
        [
            "isoline records -w ward7 --label MI --sort age",
            "isoline records -w ward7 --finding flat --age 40-60",
            "isoline records filters -w ward7",
            "isoline records show 00001 -w ward7",
        ],
        _records,
    )
    _add_filters(listing)
    add_workspace(listing)
    add_json(listing)
    inner = listing.add_subparsers(metavar="VERB")
    told = "print all that is known of a recording, and what was done to it"
    show = add_asking(inner, "show", told, ["isoline records show 00001 -w ward7"], _show)
    show.add_argument("record", metavar="RECORD", help="record id, or the file's own name")
    told = "print what there is to filter by, with numbers of recordings"
    add_asking(inner, "filters", told, ["isoline records filters -w ward7"], _filters)
    told = "judge the quality of all recordings again, by the rules of this version"
    recheck = add_asking(inner, "recheck", told, ["isoline records recheck -w ward7"], _recheck)
    recheck.description = (
        f"{recheck.description} Verdicts of earlier imports are replaced, all at once, and the trail tells how many "
        "changed. It is a job: it can be stopped and resumed."
    )

    export = add_asking(
        verbs, "export", "write one recording as a NumPy file", ["isoline export 00001 --npz one.npz -w ward7"], _export
    )
    export.add_argument("record", metavar="RECORD", help="record id, or the file's own name")
    export.add_argument(
        "--npz", type=Path, required=True, metavar="FILE", help="holds signal [12, T] float32 in mV, leads, rate"
    )
    _add_search(verbs)


def _add_search(verbs: Verbs) -> None:
    search = add_asking(
        verbs,
        "search",
        "search files that are to be sent away for identifiers that were seen at import",
        ["isoline search report.pdf table.csv -w ward7"],
        _search,
    )
    search.description = (
        f"{search.description} Tells kind and place, never the identifier; exit code 1 when one is found."
    )
    search.add_argument("files", type=Path, nargs="+", metavar="FILE", help="text, CSV, JSON, SVG or PDF")


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--label", metavar="L", help="only those where this label is positive (see --label-is)")
    parser.add_argument("--label-is", choices=_LABEL_IS, default="positive", help="which value it must have")
    parser.add_argument("--text", default="", metavar="T", help="only those whose name, id or patient holds this text")
    parser.add_argument("--dataset", metavar="NAME", help="only those of this collection")
    parser.add_argument("--quality", choices=("good", "limited", "unusable", "unknown"), help="only this verdict")
    parser.add_argument("--finding", metavar="F", help="only those with this finding (flat, noise, limb_swap ...)")
    parser.add_argument("--device", metavar="D", help="only those of this maker, or maker and model")
    parser.add_argument("--format", metavar="F", help="only those of this file format")
    parser.add_argument("--sex", choices=("female", "male", "unknown"), help="only this sex")
    parser.add_argument("--age", metavar="A-B", help="only ages from A to B years; 90 stands for all above 89")
    parser.add_argument("--year", metavar="A-B", help="only recordings of the years A to B")
    parser.add_argument("--sort", default="imported", metavar="COLUMN", help="column to sort by (default: imported)")
    parser.add_argument("--descending", action="store_true", help="largest or latest first")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many")


def _records(arguments: argparse.Namespace) -> int:
    from app.core.record_query import RecordQuery

    ages, years = _span("age", arguments.age), _span("year", arguments.year)
    query = RecordQuery(
        text=arguments.text,
        label=arguments.label,
        label_is=arguments.label_is,
        dataset=arguments.dataset,
        quality=arguments.quality,
        finding=arguments.finding,
        device=arguments.device,
        format=arguments.format,
        sex=arguments.sex,
        age_from=ages[0],
        age_to=ages[1],
        year_from=None if years[0] is None else int(years[0]),
        year_to=None if years[1] is None else int(years[1]),
        sort=arguments.sort,
        descending=arguments.descending,
    )
    with opened(arguments) as workspace:
        rows = workspace.find_records(query, arguments.limit)
    if wants_json(arguments):
        print(printing.as_json(rows))
        return EXIT_DONE
    print(_listed(rows) if rows else "No recordings. Next: isoline import PATH...")
    return EXIT_DONE


def _span(what: str, text: str | None) -> tuple[float | None, float | None]:
    """Ends of a range: 40-60, 40-, -60, or 50 alone."""
    if text is None:
        return None, None
    first, dash, last = text.partition("-")
    try:
        ends = (float(first) if first else None, float(last) if last else None)
    except ValueError:
        raise UsageError(what, "it is no range of numbers", f"Write it as: --{what} 40-60") from None
    return ends if dash else (ends[0], ends[0])


def _listed(rows: Sequence[RecordRow]) -> str:
    headers = ("Record", "Name", "Dataset", "Patient", "Age", "Sex", "Year", "Hz", "Seconds", "Quality", "Labels")
    cells = [
        (
            row.record_id,
            row.source_name,
            row.dataset,
            row.patient,
            row.age_text,
            row.sex,
            row.year or "",
            f"{row.rate_hz:g}",
            f"{row.seconds:.1f}",
            row.quality,
            " ".join(label for label, value in row.labels.items() if value > 0),
        )
        for row in rows
    ]
    told = f"{counted(len(rows), 'recording')} of {counted(len({row.patient for row in rows}), 'patient')}"
    return printing.table(headers, cells, right=_RIGHT) + "\n\n" + told


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        row = workspace.record(arguments.record)
    print(printing.as_json(row) if wants_json(arguments) else shown(row))
    return EXIT_DONE


def _filters(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        facets = workspace.record_facets()
    if wants_json(arguments):
        print(printing.as_json(facets))
        return EXIT_DONE
    labels = [(f"{one.label} ({way})", n) for one in facets.labels for way, n in _ways(one, facets.records)]
    years = [(str(year), number) for year, number in facets.years]
    rows = [
        (option, value, f"{number:,}")
        for option, found in (
            ("--quality", facets.qualities),
            ("--finding", facets.findings),
            ("--sex", facets.sexes),
            ("--year", years),
            ("--device", facets.devices),
            ("--dataset", facets.datasets),
            ("--format", facets.formats),
            ("--label", labels),
        )
        for value, number in found
    ]
    print(printing.table(("Option", "Value", "Recordings"), rows, right=("Recordings",)))
    print(f"\n{counted(facets.records, 'recording')} in all")
    return EXIT_DONE


def _recheck(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        job = workspace.recheck()
        follow(workspace, job, "Recheck")
        results, moves = workspace.results(job), workspace.rechecked(job)
    if wants_json(arguments):
        print(printing.as_json({"job": job, "results": results, "changed": moves}))
    else:
        print(rechecked(results, moves))
    return EXIT_DONE


def rechecked(results: Any, moves: Mapping[str, int]) -> str:
    """What a recheck found and changed, for people."""
    verdicts = ", ".join(f"{number:,} {verdict}" for verdict, number in sorted(results.verdicts.items()))
    lines = [f"{counted(results.recordings, 'recording')} judged: {verdicts}"]
    lines += [f"{number:,} from {move}" for move, number in moves.items()] or ["No verdict has changed."]
    return "\n".join(lines)


def _ways(label: LabelCount, records: int) -> list[tuple[str, int]]:
    """Of how many recordings a label is positive, negative, unknown."""
    unknown = records - label.positives - label.negatives
    return [("positive", label.positives), ("negative", label.negatives), ("unknown", unknown)]


def shown(row: RecordRow) -> str:
    """All that is known of a recording, in four blocks: what it is, its device, its labels, where it comes from."""
    blocks = [_recording(row), _device(row), _content(row), _provenance(row)]
    return "\n\n".join(printing.fields([(name, value) for name, value in block if value]) for block in blocks)


def _recording(row: RecordRow) -> list[tuple[str, Any]]:
    known = "" if row.patient_known else " (not named by file or table: counts as a patient of its own)"
    return [
        ("Record", row.record_id),
        ("Name", row.source_name),
        ("Dataset", row.dataset),
        ("Patient", row.patient + known),
        ("Age", row.age_text),
        ("Sex", row.sex),
        ("Recorded", row.acquired),
        ("Signal", f"{row.seconds:.1f} s at {row.rate_hz:g} Hz, {len(row.leads)} leads"),
        ("Derived", ", ".join(row.derived_leads)),
        ("Extra leads", ", ".join(row.extra_leads)),
        ("Quality", "; ".join([row.quality, *row.quality_reasons])),
    ]


def _device(row: RecordRow) -> list[tuple[str, Any]]:
    from app.core.record_words import acquisition_facts

    return [(name, value or (name == "Device" and "not told by the file")) for name, value in acquisition_facts(row)]


def _content(row: RecordRow) -> list[tuple[str, Any]]:
    stated = [" ".join(str(part.get(n, "")) for n in ("code", "text")).strip() for part in row.statements]
    return [
        ("Labels", ", ".join(f"{label} = {value:g}" for label, value in row.labels.items()) or "none"),
        ("Stated in the file", "; ".join(stated)),
        ("Measured by cart", ", ".join(f"{name} {value:g}" for name, value in row.measurements.items())),
    ]


def _provenance(row: RecordRow) -> list[tuple[str, Any]]:
    return [
        ("Format", row.format),
        ("Read by", row.reader),
        ("File SHA-256", row.file_sha256),
        ("Signal SHA-256", row.signal_sha256),
        ("Done to it", "; ".join(row.transformations) or "nothing"),
        ("Removed", ", ".join(f"{number} {kind}" for kind, number in row.removed.items()) or "nothing"),
        ("Imported", f"{printing.moment(row.imported)} by {row.job_id}" if row.job_id else row.imported),
    ]


def _export(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        row = workspace.record(arguments.record)
        written = workspace.export_record(row.record_id, arguments.npz)
    if wants_json(arguments):
        print(printing.as_json({"record_id": row.record_id, "file": str(written)}))
    else:
        print(f"{row.record_id}: signal in mV, {row.seconds:.1f} s at {row.rate_hz:g} Hz, written to {written}")
    return EXIT_DONE


def _search(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        found = workspace.search_files(arguments.files)
        known = sum(workspace.identifier_counts().values())
    if wants_json(arguments):
        print(printing.as_json({str(path): list(hits) for path, hits in found.items()}))
    else:
        for path, hits in found.items():
            print(f"{printing.visible(path.name)}: {'nothing found' if not hits else ''}".rstrip())
            print("".join(f"  {hit.kind} in {hit.place}\n" for hit in hits), end="")
        print(f"\nSearched for {known:,} marks of identifiers.")
    return EXIT_WORLD if any(found.values()) else EXIT_DONE
