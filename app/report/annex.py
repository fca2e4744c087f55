"""Annexes: what ties every printed number to runs, files, seeds, versions and the audit trail."""

from __future__ import annotations

from typing import Any

from reportlab.platypus import Paragraph

from app.core.words import counted
from app.governance.dossier import Dossier, RunProvenance
from app.report import style
from app.report.evidence import ATTACHMENT
from app.report.style import MM
from app.report.tables import Context, facts, hash_text, table, text


def provenance(dossier: Dossier, context: Context) -> list[Any]:
    """Runs, models, split, audit chain, versions, and how to verify."""
    return [
        Paragraph(
            f"The evidence below travels inside this PDF as the attachment <i>{ATTACHMENT}</i>; its sha256 stands here "
            "and, shortened, on every page. <b>isoline verify</b> recomputes the hashes and the audit chain of the "
            "workspace and holds every number of this dossier against it.",
            style.BODY,
        ),
        facts(_chain_rows(dossier, context)),
        *context.long("Runs: hashes of what was asked and of what came out.", _runs(dossier.runs)),
        *context.short(
            "Models and their hashes: of the weights, of the scores, or of the definition where there is no file.",
            facts([(model.card.name, hash_text(model.sha256)) for model in dossier.models]),
        ),
        *context.short("Software.", facts(_versions(dossier))),
    ]


def evidence_table(dossier: Dossier, context: Context) -> list[Any]:
    """Every number that is printed: id, run, path in the run's results, value."""
    lead = (
        "Id of every printed figure, the run it comes from, its place in that run's results, its value. All "
        f"{len(dossier.evidence):,} numbers of these runs, counts and settings among them, stand with their ids in the "
        "attachment."
    )
    heads = [
        Paragraph(name, style.HEAD_RIGHT if name == "Value" else style.HEAD) for name in ("Id", "Run", "Path", "Value")
    ]
    rows: list[list[Any]] = [heads]
    for row in [row for row in dossier.evidence if row.id in context.ledger.cited]:
        value = "none" if row.value is None else style.decimal(row.value, 6)
        rows.append(
            [
                Paragraph(style.evidence_mark(row.id), style.CODE),
                Paragraph(style.markup(row.job_id, style.MONO), style.CODE),
                Paragraph(style.markup(row.path, style.MONO), style.CODE),
                Paragraph(style.markup(value, style.MONO), style.CODE_RIGHT),
            ]
        )
    wide = (style.WIDTH - 7 * MM) / 2
    fixed = [9.5 * MM, 10 * MM, 13 * MM]
    tight = [("TOPPADDING", (0, 1), (-1, -1), 0.8), ("BOTTOMPADDING", (0, 1), (-1, -1), 1.2)]
    return [
        Paragraph(lead, style.NOTE),
        table(rows, [fixed[0], fixed[1], wide - sum(fixed), fixed[2]], more=tight),
    ]


def _chain_rows(dossier: Dossier, context: Context) -> list[tuple[str, str]]:
    cohort = dossier.cohort
    return [
        ("sha256 of the evidence", hash_text(context.digest)),
        ("Workspace", hash_text(dossier.workspace_id)),
        ("Comparison", style.markup(dossier.comparison_job)),
        ("Split", f"{style.markup(cohort.split_id)}, scored {counted(cohort.openings, 'time')}"),
        ("sha256 of the split", hash_text(cohort.split_sha256)),
        ("sha256 of the test part", hash_text(dossier.comparison.test_sha256)),
        ("Audit trail", f"{dossier.audit_seq:,} is the last event before this export"),
        ("Head of the audit chain", hash_text(dossier.audit_head)),
    ]


def _runs(runs: tuple[RunProvenance, ...]) -> Any:
    heads = [Paragraph(name, style.HEAD) for name in ("Run", "Kind", "Seed", "sha256 of config, sha256 of results")]
    rows: list[list[Any]] = [heads]
    for run in runs:
        seed = "none" if run.seed is None else str(run.seed)
        hashes = f"{hash_text(run.config_sha256)}<br/>{hash_text(run.results_sha256)}"
        cells = [style.markup(run.job_id), style.markup(run.kind), seed, hashes]
        rows.append([Paragraph(cell, style.CELL_SMALL) for cell in cells])
    fixed = [18 * MM, 22 * MM, 18 * MM]
    dense = [("TOPPADDING", (0, 1), (-1, -1), 2), ("BOTTOMPADDING", (0, 1), (-1, -1), 2.4)]
    return table(rows, [*fixed, style.WIDTH - sum(fixed)], more=dense)


def _versions(dossier: Dossier) -> list[tuple[str, str]]:
    """Versions of the app, then what differs from it in runs."""
    rows = [(name, text(version)) for name, version in sorted(dossier.versions.items())]
    others: dict[str, list[str]] = {}
    for run in dossier.runs:
        other = {k: v for k, v in sorted(run.versions.items()) if dossier.versions.get(k) != v}
        listed = ", ".join(f"{name} {version}" for name, version in other.items())
        if listed:
            others.setdefault(listed, []).append(run.job_id)
    return [*rows, *[(f"also in {', '.join(jobs)}", style.markup(listed)) for listed, jobs in others.items()]]
