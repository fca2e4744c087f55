"""Cells of the dossier that hold a number over its interval, with the letter of its method and its evidence ids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reportlab.platypus import Paragraph

from app.report import style
from app.report.tables import Context, Methods, collect_methods, estimate_ids, short
from engine.contract.results import Estimate, Interval

OWN_NUMBERS = re.compile(
    r", design effect [\d.,]+ over patients, [\d.,]+ effective recordings"
    r"| \(\d+ undefined left out\)"
    r"|(?<= on )[\d.,]+ (?=effective)"
)
"""What a method's name says of one interval alone."""


@dataclass
class IntervalCells:
    """Sets estimates of one table: value over interval, and gathers their evidence ids."""

    job_id: str
    context: Context
    methods: Methods

    @classmethod
    def of(cls, job_id: str, context: Context, estimates: Iterable[Estimate]) -> IntervalCells:
        """Cells of the run that gave these estimates, whose methods have letters."""
        return cls(job_id, context, collect_methods(_printed(estimates)))

    def cell(self, estimate: Estimate, places: int = 3, sign: bool = False) -> Paragraph:
        """Value and interval; the reason where there is no value."""
        if estimate.value is None:
            return Paragraph(f"<i>{style.markup(short(estimate.not_estimable) or 'not told')}</i>", style.CELL_MUTED)
        value = style.markup(style.decimal(estimate.value, places, sign))
        span = estimate.interval
        if span is None:
            return Paragraph(f"{value}<br/><i>no interval</i>", style.CELL_SMALL)
        ends = style.markup(style.interval(span.low, span.high, places, sign)).replace(" to ", "&nbsp;to&nbsp;")
        letter = self.methods.letter(_plainly(span))
        return Paragraph(
            f'{value}<br/><font size="6.4">{ends}&nbsp;<super size="5">{letter}</super></font>', style.CELL_SMALL
        )

    def evidence(self, told: Iterable[tuple[str, Estimate]]) -> Paragraph:
        """Ids of all numbers of a row as one range: a list of them would be longer than the row is high."""
        ledger = self.context.ledger
        ids = [_ids(ledger, self.job_id, path, one) for path, one in told]
        ends = sorted(end for one in ids if one for end in one.split("–"))
        return Paragraph(style.evidence_mark(style.span_ids(ends)), style.CELL_SMALL)


def _ids(ledger: Any, job_id: str, path: str, estimate: Estimate) -> str:
    """Ids of what is printed here: the value and the reported interval."""
    return estimate_ids(ledger, job_id, path, estimate.model_copy(update={"beside": None}))


def _printed(estimates: Iterable[Estimate]) -> list[Estimate]:
    """Estimates with the interval that is printed here, and its method as it is named here."""
    return [
        one.model_copy(update={"beside": None, "interval": one.interval and _plainly(one.interval)})
        for one in estimates
    ]


def _plainly(span: Interval) -> Interval:
    """The interval, its method without the sizes and counts that differ from cell to cell: results hold them."""
    return span.model_copy(update={"method": OWN_NUMBERS.sub("", span.method)})
