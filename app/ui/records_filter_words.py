"""The filters of the Records page in words: chips of what is set, and choices with their numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.core.record_query import Facets, RecordQuery
from app.ui.quality_words import finding_words

LABEL_IS = (
    ("positive", "is positive"),
    ("negative", "is negative"),
    ("known", "is known"),
    ("unknown", "is unknown"),
)
"""What can be asked of a label; unknown is not negative."""

Choice = tuple[str, str]
"""Value and words."""


@dataclass(frozen=True)
class Chip:
    """One filter that is set: in words, and the query without it."""

    words: str
    without: RecordQuery


@dataclass(frozen=True)
class Field:
    """A filter that is one choice of several.

    Attributes:
        name: of the field of `RecordQuery`.
        title: beside the choice, with the key that leads there.
        counts: values and numbers of recordings among the facets.
        words: a value in words.
        chip: what a chip says before the words.
    """

    name: str
    title: str
    counts: Callable[[Facets], Sequence[tuple[str, int]]]
    words: Callable[[str], str] = str
    chip: str = ""


FIELDS = (
    Field("quality", "&Quality", lambda f: f.qualities, str.capitalize, "Quality: "),
    Field("finding", "&Finding", lambda f: f.findings, finding_words),
    Field("sex", "&Sex", lambda f: f.sexes, str.capitalize, "Sex: "),
    Field("device", "&Device", lambda f: f.devices, chip="Device: "),
    Field("dataset", "Datase&t", lambda f: f.datasets, chip="Dataset: "),
    Field("format", "F&ormat", lambda f: f.formats, chip="Format: "),
)


def choices(field: Field, facets: Facets, left: Facets | None) -> list[Choice]:
    """What can be chosen of a filter.

    Args:
        field: the filter.
        facets: what there is in the workspace; decides what is offered, and in which order.
        left: counted among what the other filters leave; None while that is not known.
    """
    numbers = {} if left is None else dict(field.counts(left))
    told = [(value, field.words(value)) for value, _ in field.counts(facets)]
    return told if left is None else [(value, _numbered(words, numbers.get(value, 0))) for value, words in told]


def label_choices(facets: Facets, left: Facets | None, label_is: str) -> list[Choice]:
    """Labels, with the number of recordings of which this holds; as `choices` does it for the other filters."""
    if left is None:
        return [(one.label, one.label) for one in facets.labels]
    known = {one.label: (one.positives, one.negatives) for one in left.labels}
    told = []
    for one in facets.labels:
        yes, no = known.get(one.label, (0, 0))
        numbers = {"positive": yes, "negative": no, "known": yes + no, "unknown": left.beside_label - yes - no}
        told.append((one.label, _numbered(one.label, numbers[label_is])))
    return told


def _numbered(words: str, number: int) -> str:
    return f"{words}  ({number:,})"


def chips(query: RecordQuery) -> list[Chip]:
    """Every filter that is set, but for the text, which stands in the search field."""
    told = []
    if query.label is not None:
        told.append(Chip(f"{query.label} {dict(LABEL_IS)[query.label_is]}", replace(query, label=None)))
    for field in FIELDS:
        value = getattr(query, field.name)
        if value is not None:
            without: dict[str, Any] = {field.name: None}
            told.append(Chip(field.chip + field.words(value), replace(query, **without)))
    age, year = span_words("Age", query.age_from, query.age_to), span_words("Year", query.year_from, query.year_to)
    if age:
        told.append(Chip(age, replace(query, age_from=None, age_to=None)))
    if year:
        told.append(Chip(year, replace(query, year_from=None, year_to=None)))
    return told


def without_filters(query: RecordQuery) -> RecordQuery:
    """All recordings in the same order."""
    return RecordQuery(sort=query.sort, descending=query.descending)


def span_words(what: str, first: float | None, last: float | None) -> str:
    """A range in words, or nothing when both ends are open.

    >>> span_words("Age", 40, None), span_words("Age", None, 60), span_words("Year", 2004, 2004)
    ('Age 40 or more', 'Age up to 60', 'Year 2004')
    """
    if first is None and last is None:
        return ""
    if last is None:
        return f"{what} {first:g} or more" if what == "Age" else f"{what} {first:g} or later"
    if first is None:
        return f"{what} up to {last:g}"
    return f"{what} {first:g}" if first == last else f"{what} {first:g} to {last:g}"
