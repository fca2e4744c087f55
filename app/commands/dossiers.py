"""Verbs on evidence: `report`, `verify`, `audit`."""

from __future__ import annotations

import argparse
from pathlib import Path

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, add_workspace, opened, wants_json
from app.core.words import counted
from engine.contract.errors import EXIT_DONE, EXIT_WORLD


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    report = add_verb(
        verbs,
        "report",
        "export the due-diligence PDF of a comparison",
        ["isoline report --out vendor.pdf -w ward7"],
        _report,
    )
    report.add_argument("--out", type=Path, required=True, metavar="FILE.pdf", help="file to write; needed")
    report.add_argument("--compare", metavar="JOB", help="comparison job (default: the latest that is done)")
    report.add_argument("--title", metavar="TEXT", help="title on the first page")
    add_workspace(report)
    add_json(report)

    verify = add_verb(
        verbs,
        "verify",
        "recompute hashes and chain of a PDF and say what matches",
        ["isoline verify vendor.pdf -w ward7"],
        _verify,
    )
    verify.add_argument("file", type=Path, metavar="FILE.pdf", help="a report that this workspace exported")
    add_workspace(verify)
    add_json(verify)

    audit = add_verb(
        verbs, "audit", "print the append-only trail, or check its chain", ["isoline audit --verify -w ward7"], _audit
    )
    audit.add_argument("--verify", action="store_true", help="recompute every hash of the chain")
    audit.add_argument("--limit", type=int, default=200, metavar="N", help="newest events to print (default: 200)")
    add_workspace(audit)
    add_json(audit)


def _report(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        row = workspace.export_report(arguments.out, comparison_job=arguments.compare, title=arguments.title)
    if wants_json(arguments):
        print(printing.as_json(row))
        return EXIT_DONE
    pairs = [("PDF", arguments.out), ("sha256", row.sha256), ("Comparison", row.comparison_job)]
    print(printing.fields([*pairs, ("Audit event", row.audit_seq)]))
    return EXIT_DONE


def _verify(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        told = workspace.verify_report(arguments.file)
    if wants_json(arguments):
        print(printing.as_json({"file": told.file, "ok": told.ok, "checks": told.checks}))
        return EXIT_DONE if told.ok else EXIT_WORLD
    cells = [("matches" if check.ok else "DIFFERS", check.what, check.found) for check in told.checks]
    print(printing.table(("", "What", "Found"), cells))
    if told.ok:
        print("\nAll of the above matches this workspace; its labels and card texts are not part of this check.")
    else:
        print("\nThis PDF does not match this workspace. Do not rely on it before the lines above are explained.")
    return EXIT_DONE if told.ok else EXIT_WORLD


def _audit(arguments: argparse.Namespace) -> int:
    if arguments.verify:
        return _audit_verdict(arguments)
    with opened(arguments) as workspace:
        rows = workspace.audit(limit=arguments.limit)
    if wants_json(arguments):
        print(printing.as_json(rows))
        return EXIT_DONE
    cells = [(r.seq, printing.moment(r.time), r.actor, r.action, r.subject, r.hash[:12]) for r in rows]
    print(printing.table(("No.", "Time (UTC)", "Who", "What", "Subject", "Hash"), cells, right=("No.",)))
    return EXIT_DONE


def _audit_verdict(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        verdict = workspace.verify_audit()
    if wants_json(arguments):
        print(printing.as_json(verdict))
    elif verdict.intact:
        print(f"The trail is intact: {counted(verdict.events, 'event')}, head {verdict.head}")
    else:
        print(f"The trail is broken: {verdict.fault}. Restore the workspace from a copy and keep this one as evidence.")
    return EXIT_DONE if verdict.intact else EXIT_WORLD
