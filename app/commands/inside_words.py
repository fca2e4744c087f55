"""Ranks of models and what is seen inside them, for people."""

from __future__ import annotations

from collections.abc import Sequence

from app import printing
from engine.contract.ranking import Ranking
from engine.contract.similarity import CKA, EmbeddingSpread


def ranking_words(ranking: Ranking) -> str:
    """Each model's average rank with its interval, then its rank on every task."""
    blocks = []
    if ranking.overall is not None:
        rows = [
            (one.model, _rank(one.rank.value, one.rank.interval), "-" if one.first is None else f"{one.first:.0%}")
            for one in sorted(ranking.overall.models, key=lambda one: one.rank.value or 0.0)
        ]
        tasks = f"{ranking.overall.tasks:,} task{'s' * (ranking.overall.tasks != 1)}"
        heads = (f"{ranking.average.capitalize()} rank over {tasks}", "Rank (interval)", "First in")
        blocks.append(printing.table(heads, rows, right=("First in",)))
    each = [(task.task, *("-" if one.rank is None else str(one.rank) for one in task.models)) for task in ranking.tasks]
    blocks.append(printing.table(("Rank on", *ranking.models), each, right=ranking.models))
    return "\n\n".join([*blocks, *(printing.paragraph(note) for note in [f"A model {ranking.rule}.", *ranking.notes])])


def _rank(value: float | None, interval: object) -> str:
    if value is None:
        return "-"
    low, high = getattr(interval, "low", None), getattr(interval, "high", None)
    return f"{value:g}" if low is None else f"{value:g} ({low:g} to {high:g})"


def similarity_words(pairs: Sequence[CKA]) -> str:
    """CKA of layers that have one name, with the band; between a model and itself of each layer with the last."""
    rows = []
    for pair in pairs:
        last = len(pair.column_layers) - 1
        place = {name: column for column, name in enumerate(pair.column_layers)}
        for row, layer in enumerate(pair.row_layers):
            column = last if pair.rows == pair.columns else place.get(layer)
            if column is None or (pair.rows == pair.columns and row == last):
                continue
            rows.append(
                (f"{pair.rows} {layer}", f"{pair.columns} {pair.column_layers[column]}", _cka(pair, row, column))
            )
    notes = dict.fromkeys(note for pair in pairs for note in (pair.warning, pair.method) if note)
    return "\n".join([printing.table(("Layer", "With", "CKA (band)"), rows), *map(printing.paragraph, notes)])


def _cka(pair: CKA, row: int, column: int) -> str:
    value = pair.values[row][column]
    if value is None:
        return "undefined"
    low, high = (ends[row][column] if ends else None for ends in (pair.low, pair.high))
    band = "" if low is None or high is None else f" ({low:.3f} to {high:.3f})"
    p = pair.p_values[row][column] if pair.p_values else None
    return f"{value:.3f}{band}" + ("" if p is None or p <= 0.05 else f", chance gives as much (p = {p:.2f})")


def spread_words(spreads: Sequence[EmbeddingSpread]) -> str:
    """How each model's embeddings lie."""
    rows = [
        (
            f"{one.model} {one.layer}",
            f"{printing.estimate(one.effective_rank)} of {one.features:,}",
            printing.estimate(one.alignment),
            printing.estimate(one.uniformity),
        )
        for one in spreads
    ]
    heads = ("Embeddings of", "Effective rank", "Alignment within patients", "Uniformity")
    notes = dict.fromkeys(f"{one.model}: {one.warning}" for one in spreads if one.warning)
    return "\n".join([printing.table(heads, rows), *map(printing.paragraph, notes)])
