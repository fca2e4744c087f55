"""What the command line says of models: the list, one model with its card, its lineage, whom it is meant for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app import printing
from engine.contract.card import FORMATS, UNKNOWN

if TYPE_CHECKING:
    from app.core.card_gaps import CardGap
    from app.core.model_lineage import LineageGraph
    from app.core.off_label import OffLabel
    from app.core.rows import ModelRow

TOLD = ("predictions", "external")
"""Sources of which more is said after they were registered."""

_OF_VENDORS = (
    "product",
    "format",
    "architecture",
    "outputs",
    "files",
    "non_commercial",
    "reason",
    "eligibility",
    "declined",
    "assumed",
)
"""Fields that say something of a vendor's model alone."""


def after_adding(row: ModelRow, gaps: Sequence[CardGap]) -> list[str]:
    """What of a supplied file counts, and what was left out; of a model, what its card leaves open."""
    if row.source == "external":
        asked = [printing.paragraph(_ASKED, "  ")] if row.card.get("non_commercial") is None else []
        return [*_gap_lines(gaps), *asked, *(printing.paragraph(note, "  ") for note in _texts(row.card.get("notes")))]
    if row.source == "predictions":
        taken = f"Taken as: {row.card.get('output', 'unknown')}"
        return [
            printing.paragraph(taken, "  "),
            *(printing.paragraph(note, "  ") for note in _texts(row.card.get("notes"))),
        ]
    return []


_ASKED = (
    "Whether its licence allows commercial use is not known: ask its maker; where it forbids it, register it with "
    "non_commercial = true and a reason"
)


def listed(rows: Sequence[ModelRow]) -> str:
    """Models as a table."""
    heads = ["Name", "Version", "What it is", "sha256", "Job", "Registered (UTC)", "Marks"]
    cells = [
        [r.name, r.version, kind(r), r.sha256[:12], r.job_id, printing.moment(r.created), "; ".join(r.marks)]
        for r in rows
    ]
    products = [str(r.card.get("product", "")) for r in rows]
    if any(products):
        heads.insert(1, "Product")
        cells = [[row[0], product, *row[1:]] for row, product in zip(cells, products, strict=True)]
    return printing.table(heads, cells)


def kind(row: ModelRow) -> str:
    """What a model is, in a few words: "native", or "external, ONNX graph"."""
    told = next((words for name, words in FORMATS.items() if name == row.card.get("format")), "")
    return f"{row.source}, {told}" if told else row.source


def shown(row: ModelRow, gaps: Sequence[CardGap], versions: Sequence[ModelRow] = ()) -> str:
    """One model with its card."""
    pairs: list[tuple[str, object]] = [("Model", row.name), ("Version", row.version), ("Source", kind(row))]
    if versions:
        others = ", ".join(f"{one.version} ({one.name})" for one in versions)
        pairs.append(("Product", f"{row.card.get('product')}, registered versions: {others}"))
    pairs += [("Mark", mark) for mark in row.marks]
    pairs += [("sha256", row.sha256), ("Registered", printing.moment(row.created)), ("Made by job", row.job_id or "-")]
    if not gaps:
        return printing.fields([*pairs, *_card_lines(row.card)])
    files = row.card.get("files") or {}
    pairs += [("File", f"{name}  {sha256}") for name, sha256 in list(files.items())[:_FILES]]
    pairs += [("Files", f"{len(files):,}, of which {_FILES} are listed")] * (len(files) > _FILES)
    if row.card.get("reason"):
        pairs.append(("Why it is used all the same", row.card["reason"]))
    pairs += [("Note", note) for note in _texts(row.card.get("notes"))]
    told = printing.table(("Field", "State", "What stands there"), [(g.title, g.state, _short(g.told)) for g in gaps])
    open_ones = [printing.paragraph(f"{gap.title}: {gap.meaning}", "  ") for gap in gaps if gap.meaning]
    head = _gap_lines(gaps)[0] + (". What follows from what is not known:" if open_ones else "")
    return "\n".join([printing.fields(pairs), "", told, "", head, *open_ones])


def lineage(graph: LineageGraph) -> str:
    """A graph as lines: what came first, what came of it."""
    names = {node.key: node for node in graph.nodes}
    rows = []
    for edge in graph.edges:
        start, end = names[edge.start], names[edge.end]
        rows.append((f"{start.kind} {start.name}", edge.how, f"{end.kind} {end.name}", end.told))
    if not rows:
        return f"Nothing is known before or after {graph.nodes[0].name}"
    return printing.table(("What came first", "How", "What came of it", "About it"), rows)


def off_label(told: OffLabel, cohort: str) -> str:
    """How many recordings of a cohort a model is not meant for."""
    if not told.rules:
        said = f"says whom it is meant for in words alone ({told.population})"
        said = said if told.population not in ("", UNKNOWN) else "does not say whom it is meant for"
        next_step = "Next: add a version whose card has rules, in its field 'eligibility'"
        return printing.paragraph(f"The card of {told.model} {said}: nothing can be counted. {next_step}")
    head = f"{told.records:,} recordings of {cohort}: {told.outside:,} outside of whom {told.model} is meant for"
    head += f", {told.untold:,} of which it cannot be told" * bool(told.untold)
    rows = [
        (one.rule, f"{one.outside:,}", f"{one.untold:,}", "; ".join(f"{n:,} {why}" for why, n in one.reasons.items()))
        for one in told.rules
    ]
    return f"{head}\n{printing.table(('Rule', 'Outside', 'Not known', 'Why'), rows, right=('Outside', 'Not known'))}"


_FILES = 12


def _gap_lines(gaps: Sequence[CardGap]) -> list[str]:
    from app.core.card_gaps import counts

    told = ", ".join(f"{count} {state}" for state, count in counts(list(gaps)).items() if count)
    lines = [f"Card: {told}"]
    unknown = [gap.title for gap in gaps if gap.state in ("declined", "missing")]
    assumed = [gap.title for gap in gaps if gap.state == "assumed"]
    lines += [printing.paragraph(f"Not known: {', '.join(unknown)}", "  ")] * bool(unknown)
    lines += [printing.paragraph(f"Assumed, and to be asked for: {', '.join(assumed)}", "  ")] * bool(assumed)
    return lines


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else []


def _card_lines(card: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    """All of a card that says anything of a model that was made here."""
    lines: list[tuple[str, object]] = []
    for key, value in card.items():
        if key in _OF_VENDORS and not value:
            continue
        name = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            lines += _card_lines(value, f"{name}: ")
        elif isinstance(value, (list, tuple)):
            lines.append((name, ", ".join(str(item) for item in value) or "-"))
        elif key not in ("name", "version", "source"):
            lines.append((name, UNKNOWN if value is None else value))
    return lines
