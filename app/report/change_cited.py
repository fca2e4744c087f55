"""Numbers of a version regression in words, each with the id of its evidence."""

from __future__ import annotations

from app import printing
from app.governance.change_record import ChangeRecord
from app.report import style
from app.report.evidence import Ledger
from app.version_words import Told, p_words, subject
from engine.contract.estimate import Estimate


class Cited:
    """Writes numbers with their ids, and knows which were written.

    Attributes:
        record: what is written about.
        ledger: its evidence, or that of the dossier that it stands in.
    """

    def __init__(self, record: ChangeRecord, ledger: Ledger | None = None) -> None:
        self.record = record
        self.ledger = ledger or Ledger(record.evidence, {record.job_id: record.results.model_dump(mode="json")})

    def estimate(self, place: str, told: Estimate, signed: bool = False) -> str:
        """A number with its interval and ids."""
        if told.value is None:
            return printing.estimate(told)
        return f"{printing.estimate(told, signed)}{self._mark(place, told)}"

    def threshold(self, place: str, told: Estimate) -> str:
        """A threshold to four figures: scores of vendors may be as small as they like."""
        if told.value is None:
            return printing.estimate(told)
        span = told.interval
        reach = "" if span is None else f" ({span.low:.4g} to {span.high:.4g})"
        return f"{told.value:.4g}{reach}{self._mark(place, told)}"

    def per_hundred(self, place: str, told: Estimate | None, signed: bool = False) -> str:
        """A number of alerts per 100, to one decimal."""
        if told is None or told.value is None:
            return "not estimable"
        sign = "+" if signed else ""
        span = told.interval
        reach = "" if span is None else f" ({span.low:{sign}.1f} to {span.high:{sign}.1f})"
        return f"{told.value:{sign}.1f}{reach}{self._mark(place, told)}"

    def percent(self, place: str, told: Estimate, signed: bool = False) -> str:
        """A share in percent, a difference of shares in points."""
        if told.value is None:
            return printing.estimate(told)
        sign, unit = ("+", " points") if signed else ("", " %")
        span = told.interval
        reach = "" if span is None else f" ({100 * span.low:{sign}.1f} to {100 * span.high:{sign}.1f})"
        return f"{100 * told.value:{sign}.1f}{unit}{reach}{self._mark(place, told)}"

    def number(self, place: str, words: str) -> str:
        """A number that is written already, with its id."""
        return f"{words} [{self.ledger.cite(self.record.job_id, place)}]"

    def change(self, told: Told) -> str:
        """A difference as a sentence without its full stop."""
        sides = [self.estimate(f"{told.place}.{name}", getattr(told.change, name)) for name in ("old", "new")]
        gap = self.estimate(f"{told.place}.difference", told.change.difference, signed=True)
        p = p_words(told.change)
        where = f"{told.place}.{'p_value' if told.change.adjusted_p is None else 'adjusted_p'}"
        corrected = f", p {self.number(where, p)}" if p else ""
        return f"{subject(told)}: {sides[0]} before, {sides[1]} after; difference {gap}{corrected}"

    def _mark(self, place: str, told: Estimate) -> str:
        paths = [f"{place}.value"]
        if told.interval is not None:
            paths += [f"{place}.interval.low", f"{place}.interval.high"]
        return f" [{style.span_ids([self.ledger.cite(self.record.job_id, path) for path in paths])}]"
