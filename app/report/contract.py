"""The section on external models against their cards: what was found, whose numbers these are, what errors would do."""

from __future__ import annotations

from typing import Any

from reportlab.platypus import Paragraph

from app.governance.dossier import Dossier, VettingSection
from app.report import style
from app.report.cover import when
from app.report.style import MM
from app.report.tables import Context, estimate_ids, evidence_column, facts, hash_text, short, table
from engine.contract.vetting import RULES, VERDICTS, OutputParity, SensitivityItem, VetResults

PARITY = {
    "met": "met: on golden ECGs this program gives the maker's numbers",
    "not met": "not met: on golden ECGs this program does not give the maker's numbers",
    "no reference supplied": "the maker has supplied nothing to compare with",
}


def contract(dossier: Dossier, context: Context) -> list[Any]:
    """Of every external model that was vetted; those that were not are named."""
    lead = (
        "A model of somebody else's is measured here as its card says that it is fed. What follows is whether the file "
        "bears the card out, whether the maker's own numbers were met on recordings that both have run, and what "
        "would happen where one item of the contract were wrong. The item whose error leaves answers plausible and "
        "worse is the dangerous one: nobody would notice."
    )
    parts: list[Any] = [Paragraph(lead, style.BODY)]
    vetted = {one.model for one in dossier.vettings}
    missing = [m.card.name for m in dossier.models if m.card.source == "external" and m.card.name not in vetted]
    if missing:
        named = ", ".join(f"'{name}'" for name in missing)
        parts.append(Paragraph(f"<b>Not vetted:</b> {style.markup(named)}.", style.BODY))
    for one in dossier.vettings:
        parts += _of_model(one, context)
    return parts


def _of_model(one: VettingSection, context: Context) -> list[Any]:
    name, results = style.markup(one.model), one.results
    parts = context.short(f"{name}: card, file, and the maker's numbers.", facts(_summary(one, context)))
    if results.findings:
        caption = f"{name}: findings. Rules in order: {len(results.passed)} of {len(RULES)}; not looked at: "
        parts += context.long(f"{caption}{len(results.unchecked)}.", _findings(results))
    if results.sensitivity is not None:
        parts += _sensitivity(one, context)
    return parts


def _summary(one: VettingSection, context: Context) -> list[tuple[str, str]]:
    results, parity = one.results, one.parity
    counts = ", ".join(f"{len(results.weighing(weight))} {weight}" for weight in ("blocking", "serious", "note"))
    rows = [
        ("Vetted", f"run {style.markup(one.job_id)}, {style.markup(when(results.parity.date))}"),
        ("Findings", counts),
        ("Parity", f"<b>{style.markup(PARITY[parity.verdict], style.BOLD)}</b>"),
        *((f"Output {out.output}", _difference(out, n, one, context)) for n, out in enumerate(parity.outputs)),
        *((f"Input of {fed.record}", style.markup(fed.hint)) for fed in parity.inputs[:1] if fed.hint),
        ("Same input, same output", style.markup(results.determinism.state)),
        ("Golden ECGs", hash_text(parity.golden_sha256)),
        ("Contract", hash_text(parity.contract_sha256)),
    ]
    if one.certified_by not in ("", one.job_id):
        rows.append(("Parity measured", f"run {style.markup(one.certified_by)}, {style.markup(when(parity.date))}"))
    if parity.reference_sha256:
        rows.append(("Maker's file", hash_text(parity.reference_sha256)))
    if not one.current:
        rows.append(("Note", "<b>the card was changed after this vetting</b>"))
    return rows


def _difference(out: OutputParity, place: int, one: VettingSection, context: Context) -> str:
    cited = context.ledger.cite(one.certified_by or one.job_id, f"parity.outputs.{place}.largest_absolute")
    told = (
        f"largest difference {out.largest_absolute:.3g}&nbsp;{style.evidence_mark(cited)} at {style.markup(out.worst)}"
    )
    return f"{told}; tolerance {out.limit:.3g}, {out.values:,} numbers, fed {style.markup(out.fed)}"


def _findings(results: VetResults) -> Any:
    rows: list[list[Any]] = [[Paragraph(name, style.HEAD) for name in ("Weight", "Rule", "Found")]]
    for one in results.findings:
        weight = f"<b>{one.weight}</b>" if one.weight != "note" else one.weight
        about = f"<b>{style.markup(one.subject, style.BOLD)}</b>: " if one.subject else ""
        cells = [weight, style.markup(RULES[one.rule]), f"{about}{style.markup(short(one.found))}"]
        rows.append([Paragraph(cell, style.CELL_SMALL) for cell in cells])
    fixed = [18 * MM, 44 * MM]
    return table(rows, [*fixed, style.WIDTH - sum(fixed)])


def _sensitivity(one: VettingSection, context: Context) -> list[Any]:
    told = one.results.sensitivity
    assert told is not None
    order = ["works, only worse", *(word for word in VERDICTS if word != "works, only worse")]
    places = [(n, item) for n, item in enumerate(told.items) if item.verdict != "not tried"]
    places.sort(key=lambda place: (order.index(place[1].verdict), _loss(place[1])))
    heads = ("Made wrong", "Verdict", "Rank correlation", "Calls changed", "Change of macro AUROC", "Evidence")
    looks = (style.HEAD, style.HEAD, *(style.HEAD_RIGHT,) * 4)
    rows: list[list[Any]] = [[Paragraph(name, look) for name, look in zip(heads, looks, strict=True)]]
    rows += [_row(item, f"sensitivity.items.{n}", one, context) for n, item in places]
    where = f"{told.records:,} recordings of {told.patients:,} patients ({style.markup(told.where)})"
    mode = f", judged by {style.markup(told.mode)}" if told.mode else "; without labels a loss cannot be told"
    caption = (
        f"{style.markup(one.model)}: one item of the contract wrong, on {where}{mode}. Red: it loses at least "
        f"{told.loss:g} of AUROC, beyond chance, and looks like any other answer."
    )
    fixed = [28 * MM, 19 * MM, 15 * MM, 35 * MM, 16 * MM]
    body = table(rows, [style.WIDTH - sum(fixed), *fixed], more=[evidence_column(5)])
    return context.long(caption, body)


def _row(item: SensitivityItem, path: str, one: VettingSection, context: Context) -> list[Any]:
    dangerous = item.verdict == "works, only worse"
    verdict = style.markup(item.verdict, style.BOLD if dangerous else style.SANS)
    if dangerous:
        verdict = f'<font color="#{style.DANGER.hexval()[2:]}"><b>{verdict}</b></font>'
    ids = estimate_ids(context.ledger, one.job_id, f"{path}.change", item.change) if item.change else ""
    order = "" if item.spearman is None else style.decimal(item.spearman)
    calls = "" if item.changed_calls is None else f"{100 * item.changed_calls:.1f} %"
    cells = [
        Paragraph(style.markup(item.title), style.CELL_SMALL),
        Paragraph(verdict, style.CELL_SMALL),
        *(Paragraph(style.markup(cell), style.CELL_RIGHT) for cell in (order, calls, _change(item))),
    ]
    return [*cells, Paragraph(style.markup(ids, style.MONO), style.CODE_RIGHT)]


def _loss(item: SensitivityItem) -> float:
    """The largest loss first."""
    return item.change.value if item.change is not None and item.change.value is not None else 0.0


def _change(item: SensitivityItem) -> str:
    if item.change is None or item.change.value is None:
        return ""
    value = style.decimal(item.change.value, sign=True)
    if item.change.interval is None:
        return value
    return f"{value} ({style.interval(item.change.interval.low, item.change.interval.high, sign=True)})"
