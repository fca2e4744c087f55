"""Verbs against leaks: `leakage`, `fingerprint export|show`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, add_workspace, opened, wants_json
from app.core.words import counted
from app.progress import ProgressLine, follow
from engine.contract.errors import EXIT_DONE, EXIT_FOUND, EXIT_WORLD, UsageError
from engine.contract.results import LeakageResults

if TYPE_CHECKING:
    from engine.data.circularity import Circularity
    from engine.data.packs import PackHead

SHOWN = 20


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    check = add_verb(
        verbs,
        "leakage",
        "look for patients and recordings, changed copies included, that stand on two sides; exit code 5 when some do",
        [
            "isoline leakage main -w ward7",
            "isoline leakage main --against training --against ptb-xl.isofp -w ward7",
        ],
        _check,
    )
    check.add_argument("cohort", metavar="COHORT")
    check.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="X",
        help="also hold it against a cohort, a model's pretraining or a fingerprint pack (*.isofp); repeatable",
    )
    add_workspace(check)
    add_json(check)
    _add_fingerprint(verbs)


def _add_fingerprint(verbs: Verbs) -> None:
    line = "isoline fingerprint export main --out ward7.isofp --corpus 'Ward 7' -w ward7"
    parser = add_verb(verbs, "fingerprint", "make and look at fingerprint packs", [line], _lost)
    kinds = parser.add_subparsers(metavar="VERB")
    example = "isoline fingerprint export --store ward7/store --out ward7.isofp"
    export = add_verb(kinds, "export", "write the fingerprints of a cohort or a store", [line, example], _export)
    export.add_argument("cohort", nargs="?", metavar="COHORT")
    export.add_argument("--store", type=Path, metavar="DIR", help="all recordings of a store, in place of a cohort")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="the pack (*.isofp)")
    export.add_argument("--corpus", default="", metavar="NAME", help="name that findings call it by")
    export.add_argument("--licence", default="", metavar="TEXT", help="licence, and whom to name")
    export.add_argument("--note", default="", metavar="TEXT", help="what whoever checks against it must know")
    add_workspace(export)
    add_json(export)
    show = add_verb(
        kinds, "show", "tell what a pack holds, and whether it is whole", ["isoline fingerprint show x.isofp"], _show
    )
    show.add_argument("pack", type=Path, metavar="FILE")
    add_json(show)


def _check(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        job = workspace.leakage(arguments.cohort, arguments.against)
        workspace.pump()
        follow(workspace, job, f"Leakage {job}")
        results, labels = workspace.results(job), workspace.label_circularity(arguments.cohort)
    if not isinstance(results, LeakageResults):
        raise UsageError(f"job {job}", "it has no results of a search for leaks", "Ask again")
    circular = any(one.verdict == "circular" for one in labels)
    if wants_json(arguments):
        print(printing.as_json({"job": job, "found": results.leaks or circular, "leakage": results, "labels": labels}))
    else:
        print(f"{found_words(results)}\n\n{label_words(labels)}")
    return EXIT_FOUND if results.leaks or circular else EXIT_DONE


def found_words(results: LeakageResults) -> str:
    """A search for leaks for people: verdict, findings, notes, the pairs."""
    looked = f"{counted(results.records, 'recording')} of {counted(results.patients, 'patient')}"
    packs = [f"{pack.corpus} ({counted(pack.records, 'recording')})" for pack in results.packs]
    parts = [f"{name} {size:,}" for name, size in sorted(results.parts.items())]
    head = printing.fields(
        [
            ("Leaks", "yes" if results.leaks else "none found"),
            ("Looked at", looked),
            ("Parts", ", ".join(parts)),
            *([("Packs", ", ".join(packs))] if packs else []),
            ("Method", results.method),
        ]
    )
    told = [f"LEAK  {printing.visible(sentence)}" for sentence in results.findings]
    told += [f"note  {printing.visible(note)}" for note in results.notes]
    blocks = [head, "\n".join(told)] if told else [head]
    if results.pairs:
        rows = [
            (p.record, p.part, p.other, p.other_part, "equal" if p.exact else f"{p.score:.3f}", f"{p.overlap_s:.1f} s")
            for p in results.pairs[:SHOWN]
        ]
        blocks.append(printing.table(("Recording", "Part", "Copy", "Part", "Agreement", "Overlap"), rows))
        if results.pairs_found > SHOWN:
            blocks.append(f"{results.pairs_found:,} pairs in all; --json tells them")
    return "\n\n".join(blocks)


def label_words(labels: list[Circularity]) -> str:
    """Whether labels are the cart's own word, for people."""
    if not labels:
        return "Labels: the cohort has none"
    from app.core.label_origins import label_origins

    marks = {"circular": "CIRCULAR", "leaning": "leaning", "independent": "fine", "unknown": "unknown"}
    told = [f"  {marks[one.verdict]:9} {printing.visible(one.sentence)}" for one in label_origins(labels)]
    return "\n".join(["Labels", *told])


def _export(arguments: argparse.Namespace) -> int:
    if (arguments.cohort is None) == (arguments.store is None):
        raise UsageError("fingerprints", "name a cohort, or a store with --store", "Give one of them")
    texts = (arguments.corpus, arguments.licence, arguments.note)
    with ProgressLine("Fingerprints") as line:

        def draw(done: int, total: int, _: str) -> None:
            """Bring the line up to where the fingerprints stand."""
            line.show(done, total, "recordings")

        if arguments.store is not None:
            from app.core.leakage import write_store_pack
            from engine.data.store import Store

            corpus = arguments.corpus or arguments.out.stem
            _search_own_words(arguments, corpus)
            path, head = write_store_pack(
                Store.open(arguments.store), None, arguments.out, corpus, *texts[1:], on_progress=draw
            )
        else:
            with opened(arguments) as workspace:
                path, head = workspace.export_fingerprints(arguments.cohort, arguments.out, *texts, on_progress=draw)
        line.finish("done")
    return _tell(path, head, True, arguments)


def _search_own_words(arguments: argparse.Namespace, corpus: str) -> None:
    """A store that is a workspace's: what was seen at its import must not leave with the words of the pack."""
    home = arguments.store.resolve().parent
    if (home / "workspace.json").is_file():
        from app.workspace import Workspace

        texts = {"name of the corpus": corpus, "licence": arguments.licence, "note": arguments.note}
        with Workspace.open(home) as workspace:
            workspace.refuse_identifiers("fingerprint pack", arguments.out, texts)


def _show(arguments: argparse.Namespace) -> int:
    from engine.data.packs import open_pack, verify_pack

    pack = open_pack(arguments.pack)
    return _tell(arguments.pack, pack.head, verify_pack(pack), arguments)


def _tell(path: Path, head: PackHead, whole: bool, arguments: argparse.Namespace) -> int:
    if wants_json(arguments):
        print(printing.as_json({"file": path, "whole": whole, "size": path.stat().st_size, "head": head}))
    else:
        print(
            printing.fields(
                [
                    ("File", path),
                    ("Corpus", head.corpus),
                    ("Licence", head.licence or "not told"),
                    ("Note", head.note or "-"),
                    ("Holds", f"{counted(head.records, 'recording')}, {printing.size(path.stat().st_size)}"),
                    ("Method", f"fingerprint {head.method}, made by {head.made_by}"),
                    ("sha256", head.sha256 if whole else f"{head.sha256}, WHICH THE CONTENT DOES NOT MATCH"),
                ]
            )
        )
    return EXIT_DONE if whole else EXIT_WORLD


def _lost(arguments: argparse.Namespace) -> int:
    raise UsageError("fingerprint", "it needs a verb", "See: isoline fingerprint --help")
