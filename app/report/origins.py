"""Sections on where things come from: identity of models, representation, local data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reportlab.platypus import KeepTogether, Paragraph, Table, TableStyle

from app.core.words import counted
from app.governance.dossier import DataSummary, Dossier, ModelSection
from app.report import style
from app.report.charts import HeatMap, ShareBar
from app.report.style import MM
from app.report.tables import Context, facts, hash_text, table, text
from engine.contract.card import FORMATS, RESEARCH_STAMP, UNKNOWN, ModelCard
from engine.contract.results import CKA

_SOURCES = {
    "native": "weights of this program's own format",
    "random": "same architecture, random weights",
    "baseline": "age and sex alone, no ECG",
    "predictions": "scores supplied as a file",
    "external": "a vendor's model",
}
_COLUMNS = 4


def identity(dossier: Dossier, context: Context) -> list[Any]:
    """Cards of all models side by side, four a table at most."""
    unknown = sum(value.strip().lower() in ("", UNKNOWN) for model in dossier.models for value in _declared(model))
    whole = sum(len(_declared(model)) for model in dossier.models)
    lead = (
        "What each model is, as far as it is documented. An entry that nobody could fill is printed as "
        f"{text(UNKNOWN)}, and is itself a finding: {unknown} of {whole} entries on developer, licence, intended use, "
        "population and output are unknown."
    )
    parts: list[Any] = [Paragraph(lead, style.BODY)]
    size = -(-len(dossier.models) // -(-len(dossier.models) // _COLUMNS))
    for start in range(0, len(dossier.models), size):
        told = "Identity of the models examined." if start == 0 else "Identity, continued."
        parts += context.long(told, _cards(dossier.models[start : start + size], dossier.comparison.examined))
    return parts


def representation(dossier: Dossier, context: Context) -> list[Any]:
    """CKA heat maps between the model examined and every model that has layers."""
    lead = (
        "How alike two models arrange the same recordings, layer by layer: 1 means equal up to rotation and scale, 0 "
        "unrelated. Supportive evidence: alike is not good, and unlike is not bad."
    )
    drawn = [_heat_map(dossier.comparison_job, k, cka, context) for k, cka in enumerate(dossier.comparison.cka)]
    half = (style.WIDTH - 8 * MM) / 2
    return [Paragraph(lead, style.BODY), *_side_by_side(drawn, half)]


def local_data(dossier: Dossier, context: Context) -> list[Any]:
    """Cohort and split, table 1, quality, labels."""
    cohort = dossier.cohort
    entries = [
        ("Cohort", f"{style.markup(cohort.name)}: {cohort.records:,} recordings of {cohort.patients:,} patients"),
        ("Split", f"{style.markup(cohort.split_kind)}, seed {cohort.seed}; no patient stands on two sides"),
        ("Split id", style.markup(cohort.split_id)),
        ("sha256 of the split", hash_text(cohort.split_sha256)),
        ("Times the test part was scored", style.count(cohort.openings)),
    ]
    return [
        Paragraph(
            "Counts of the recordings that this dossier rests on. Patients are counted by pseudonym; ages above 89 are "
            "held as 90+.",
            style.BODY,
        ),
        *context.short("Cohort and split.", facts(entries)),
        *context.short("Recordings and patients.", facts(_table_one(dossier.data))),
        *_label_table(dossier.data, context),
    ]


def _declared(model: ModelSection) -> list[str]:
    card = model.card
    return [card.developer, card.licence, card.intended_use, card.population, card.output]


def _cards(models: Sequence[ModelSection], examined: str) -> Any:
    heads: list[Any] = [""]
    for model in models:
        role = " · examined" if model.card.name == examined else ""
        name = f"{style.markup(model.card.name, style.BOLD)}<br/>"
        small = f'<font name="{style.SANS}" size="6.8" color="#{style.MUTED.hexval()[2:]}">version '
        heads.append(Paragraph(f"{name}{small}{style.markup(model.card.version)}{role}</font>", style.CELL_BOLD))
    stamped = any(model.card.stamp != RESEARCH_STAMP for model in models)
    columns = [[*_card_rows(model, stamped), *_vendor_rows(model.card, models)] for model in models]
    rows = [heads]
    for i, (name, _) in enumerate(columns[0]):
        cells = [Paragraph(column[i][1], style.CELL_SMALL) for column in columns]
        rows.append([Paragraph(name, style.CELL_MUTED), *cells])
    first = 22 * MM
    return table(rows, [first, *[(style.WIDTH - first) / len(models)] * len(models)])


def _card_rows(model: ModelSection, stamped: bool) -> list[tuple[str, str]]:
    card, line, pre = model.card, model.card.lineage, model.card.preprocessing
    fed = "no ECG" if card.source == "baseline" else text(UNKNOWN)
    if pre is not None:
        clip = f", clipped at ±{pre.clip_mv:g} mV" if pre.clip_mv is not None else ""
        leads = f"{counted(len(pre.leads), 'lead')} in {pre.units}"
        fed = style.markup(
            f"{leads}, {pre.rate_hz:g} Hz, windows of {pre.window_s:g} s{clip}; filters {pre.filters}; "
            f"normalisation {pre.normalisation}"
        )
    corpus = text(line.corpus)
    if line.records is not None:
        corpus += f": {line.records:,} recordings of {style.count(line.patients)} patients"
    return [
        ("What it is", style.markup(_what(card))),
        ("Developer", text(card.developer)),
        ("Licence", text(card.licence)),
        ("Intended use", text(card.intended_use)),
        ("Population", text(card.population)),
        ("Output", text(card.output)),
        ("Backbone", _or_none(card.source, text(line.backbone))),
        ("Parameters", _or_none(card.source, text(style.count(line.parameters)))),
        ("Objective", _or_none(card.source, text(line.objective))),
        ("Pretrained on", _or_none(card.source, corpus)),
        ("What it is fed", fed),
        ("Scored as", style.markup(model.evaluation.mode)),
        ("sha256", f'<font name="{style.MONO}" size="6.4">{model.sha256[:16]}…</font>'),
        *([("Stamp", style.markup(_stamp(card)))] if stamped else []),
    ]


def _what(card: ModelCard) -> str:
    told = _SOURCES.get(card.source, card.source)
    return f"{told}: {FORMATS[card.format]}" if card.format else told


def _vendor_rows(card: ModelCard, models: Sequence[ModelSection]) -> list[tuple[str, str]]:
    """What matters of vendors' models; in all columns of a table, or in none."""
    if all(model.card.source != "external" for model in models):
        return []
    if card.source != "external":
        return [(name, "does not apply") for name in _OF_VENDORS]
    commercial = {None: text(UNKNOWN), True: "forbidden by its licence", False: "allowed by its licence"}
    use = commercial[card.non_commercial] + (f"; used here because: {text(card.reason)}" if card.reason else "")
    declined, assumed = (
        style.markup(", ".join(name.rpartition(".")[2].replace("_", " ") for name in names)) or "nothing"
        for names in (card.declined, card.assumed)
    )
    rules = style.markup("; ".join(card.eligibility)) or text(UNKNOWN)
    return list(zip(_OF_VENDORS, (text(card.product or UNKNOWN), use, rules, declined, assumed), strict=True))


_OF_VENDORS = ("Product", "Commercial use", "Meant for, as rules", "Declined to tell", "Assumed in place of it")


def _stamp(card: ModelCard) -> str:
    parent = f" (derived from {card.lineage.parent_name})" if card.lineage.parent_name else ""
    return card.stamp + parent


def _or_none(source: str, value: str) -> str:
    return "does not apply" if source == "baseline" else value


def _heat_map(job_id: str, number: int, cka: CKA, context: Context) -> list[Any]:
    ids = [
        context.ledger.cite(job_id, f"cka.{number}.values.{i}.{j}")
        for i, row in enumerate(cka.values)
        for j, value in enumerate(row)
        if value is not None
    ]
    pair = f"{style.markup(cka.rows)} (rows) and {style.markup(cka.columns)} (columns)"
    if cka.rows == cka.columns:
        pair = f"{style.markup(cka.rows)} with itself"
    told = (
        f"CKA of {pair}, {cka.records:,} recordings; {style.markup(cka.method)}. Row by row: "
        f"{style.evidence_mark(style.span_ids(ids))}"
    )
    if any(value is None for row in cka.values for value in row):
        told += " n/e: not estimable."
    if cka.warning:
        told += f"<br/><b>Note.</b> {style.markup(cka.warning)}"
    chart = HeatMap(cka.values, cka.row_layers, cka.column_layers, cka.rows, cka.columns, style.WIDTH)
    return context.figure(chart, told)


def _side_by_side(drawn: Sequence[list[Any]], half: float) -> list[Any]:
    """Figures in pairs where both are narrow enough, else one below the other."""
    parts: list[Any] = []
    waiting = list(drawn)
    while waiting:
        first = waiting.pop(0)
        if waiting and max(first[0].width, waiting[0][0].width) <= half:
            pair = Table([[first, "", waiting.pop(0)]], [half, style.WIDTH - 2 * half, half], hAlign="LEFT")
            bare = [(f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]
            pair.setStyle(
                TableStyle([*bare, ("VALIGN", (0, 0), (-1, -1), "TOP"), ("FONT", (0, 0), (-1, -1), style.SANS)])
            )
            parts.append(pair)
        else:
            parts.append(KeepTogether(first))
    return parts


def _table_one(data: DataSummary) -> list[tuple[str, str]]:
    age = text(UNKNOWN)
    if data.age_median is not None:
        age = f"median {data.age_median:g} years"
        if data.age_low_quartile is not None and data.age_high_quartile is not None:
            age += f", quartiles {data.age_low_quartile:g} to {data.age_high_quartile:g}"
    if data.age_unknown:
        age += f"; {data.age_unknown:,} unknown"
    sexes = [("female", data.female), ("male", data.male), ("unknown", data.sex_unknown)]
    sex = ", ".join(f"{name} {style.share(n, data.records)}" for name, n in sexes if n or name != "unknown")
    length = f"{data.seconds_low:g} s"
    if data.seconds_high != data.seconds_low:
        length = f"{data.seconds_low:g} to {data.seconds_high:g} s"
    quality = ", ".join(f"{style.markup(name)} {style.share(n, data.records)}" for name, n in data.quality.items())
    return [
        ("Collections", style.markup(", ".join(data.datasets))),
        ("Recordings", f"{data.records:,}"),
        ("Patients", f"{data.patients:,}"),
        ("Age", age),
        ("Sex", sex),
        ("Sampling rate", ", ".join(f"{rate:g} Hz" for rate in data.rates_hz)),
        ("Length", length),
        ("Signal quality", quality),
        ("sha256 of the manifest", hash_text(data.manifest_sha256)),
    ]


def _label_table(data: DataSummary, context: Context) -> list[Any]:
    if not data.labels:
        return [Paragraph("No label is known for these recordings.", style.BODY)]
    names = ("Positive", "Negative", "Unknown", "Positive patients", "Negative patients")
    rows: list[list[Any]] = [
        [Paragraph("Label", style.HEAD), "", *[Paragraph(name, style.HEAD_RIGHT) for name in names]],
    ]
    wide = 34 * MM
    for label in data.labels:
        counts = (label.positives, label.negatives, label.unknown, label.positive_patients, label.negative_patients)
        figures = [Paragraph(style.count(n), style.CELL_RIGHT) for n in counts]
        bar = ShareBar(label.positives, label.negatives, label.unknown, wide)
        rows.append([Paragraph(text(label.label), style.CELL), bar, *figures])
    told = "Labels. Bar: positive filled, negative pale, unknown hatched. Unknown is not negative."
    fixed = [wide + 6, 17 * MM, 17 * MM, 17 * MM, 20 * MM, 20 * MM]
    middle = [("VALIGN", (1, 1), (1, -1), "MIDDLE")]
    return context.long(told, table(rows, [style.WIDTH - sum(fixed), *fixed], more=middle))
