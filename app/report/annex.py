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
    """Every number that is printed: id, run, path in the run's results, value; numbers of one estimate in one entry."""
    lead = (
        "Of every printed figure: the run it comes from, its place in that run's results, and there its ids, names and "
        f"values. All {len(dossier.evidence):,} numbers of these runs, counts and settings too, stand with their "
        "ids in the attachment."
    )
    entries: dict[tuple[str, str], list[str]] = {}
    for row in [row for row in dossier.evidence if row.id in context.ledger.cited]:
        stem, name = _of_estimate(row.path)
        value = "none" if row.value is None else style.decimal(row.value, 6)
        told = f"{style.markup(name, style.MONO)}:&nbsp;{style.markup(value, style.MONO)}"
        entries.setdefault((row.job_id, stem), []).append(f"{style.evidence_mark(row.id)}&nbsp;{told}")
    return [
        Paragraph(lead, style.NOTE),
        *(
            Paragraph(f"{style.markup(f'{job} {stem}'.strip(), style.MONO)} {' '.join(numbers)}", style.CODE_ENTRY)
            for (job, stem), numbers in entries.items()
        ),
    ]


def _of_estimate(path: str) -> tuple[str, str]:
    """A path as that of its estimate and a name in it: "labels.0.auroc" and "interval.low"."""
    stem, _, name = path.rpartition(".")
    above, _, span = stem.rpartition(".")
    return (above, f"{span}.{name}") if span in ("interval", "beside") else (stem, name)


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
