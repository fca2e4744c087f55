"""Eligibility rules: which recordings may enter a cohort, one rule after the other.

A rule never guesses. What it asks for may be unknown of a recording; then the recording is left out for that reason, or
kept where the rule says so (`unknown = "keep"`). A rule is written as people say it: "age 18..89", "sex female",
"paced no", "leads I II V1", "quality good limited", "without flat", "year 2015..", "seconds 10.. or unknown".
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from engine.contract.card import Preprocessing
from engine.contract.errors import UsageError
from engine.contract.page import Page

Unknown = Literal["exclude", "keep"]
RANGES = ("age", "seconds", "rate", "year")
CHOICES = ("sex", "quality", "device", "setting", "format")
TWELVE: tuple[str, ...] = Preprocessing.model_fields["leads"].default
OR_UNKNOWN = " or unknown"
HOW = "Write it like: age 18..89, sex female, paced no, leads I II V1, quality good limited, without FINDING"


class RangeRule(Page):
    """A number within limits, both included: age in years, seconds, rate in Hz, year of the recording."""

    kind: Literal["range"] = "range"
    what: Literal["age", "seconds", "rate", "year"]
    at_least: float | None = Field(None, description="Smallest value that is let in; empty for no limit.")
    at_most: float | None = Field(None, description="Largest value that is let in; empty for no limit.")
    unknown: Unknown = "exclude"

    @model_validator(mode="after")
    def _some_limit(self) -> RangeRule:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a range needs a limit")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("the smallest value is above the largest")
        return self

    def __str__(self) -> str:
        return f"{self.what} {_number(self.at_least)}..{_number(self.at_most)}{_tail(self.unknown)}"


class ChoiceRule(Page):
    """One of some words: sex, quality verdict, device, setting, file format. Case does not matter."""

    kind: Literal["choice"] = "choice"
    what: Literal["sex", "quality", "device", "setting", "format"]
    among: tuple[str, ...] = Field(min_length=1, description="What is let in; of a device or format, part of its name.")
    unknown: Unknown = "exclude"

    def __str__(self) -> str:
        words = (f'"{word}"' if " " in word else word for word in self.among)
        return f"{self.what} {' '.join(words)}{_tail(self.unknown)}"


class PacingRule(Page):
    """Whether a pacemaker was at work, as the file or its cart says."""

    kind: Literal["paced"] = "paced"
    paced: bool = Field(False, description="No leaves paced recordings out, yes keeps only them.")
    unknown: Unknown = "exclude"

    def __str__(self) -> str:
        return f"paced {'yes' if self.paced else 'no'}{_tail(self.unknown)}"


class LeadsRule(Page):
    """Leads that must hold samples."""

    kind: Literal["leads"] = "leads"
    leads: tuple[str, ...] = Field(min_length=1)
    measured: bool = Field(False, description="Leads that were computed from others do not count.")

    @model_validator(mode="after")
    def _known_leads(self) -> LeadsRule:
        strange = [lead for lead in self.leads if lead not in TWELVE]
        if strange:
            raise ValueError(f"{strange[0]} is none of the twelve leads {' '.join(TWELVE)}")
        return self

    def __str__(self) -> str:
        return f"{'measured' if self.measured else 'leads'} {' '.join(self.leads)}"


class FindingRule(Page):
    """A finding of the quality check that keeps a recording out."""

    kind: Literal["without"] = "without"
    finding: str = Field(
        min_length=1, description="Short name of a finding of the quality check: flat, noise, mains ..."
    )

    def __str__(self) -> str:
        return f"without {self.finding}"


AnyRule = RangeRule | ChoiceRule | PacingRule | LeadsRule | FindingRule
Rule = Annotated[AnyRule, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[AnyRule] = TypeAdapter(Rule)


def parse_rule(text: str) -> AnyRule:
    """A rule from its words. Raises UsageError for words that are none."""
    said = " ".join(text.split())
    unknown: Unknown = "keep" if said.lower().endswith(OR_UNKNOWN) else "exclude"
    said = said[: -len(OR_UNKNOWN)] if unknown == "keep" else said
    what, _, rest = said.partition(" ")
    try:
        fields = _fields(what.lower(), rest)
        if unknown == "keep":
            fields["unknown"] = unknown
        return _ADAPTER.validate_python(fields)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
    except ValueError as error:
        reason = str(error)
    raise UsageError(f"rule '{text}'", reason, HOW)


def _fields(what: str, rest: str) -> dict[str, Any]:
    if what in RANGES:
        return {"kind": "range", "what": what} | _limits(rest)
    if what in CHOICES:
        return {"kind": "choice", "what": what, "among": _words(rest)}
    if what == "paced" and rest.lower() in ("yes", "no"):
        return {"kind": "paced", "paced": rest.lower() == "yes"}
    if what in ("leads", "measured"):
        return {"kind": "leads", "leads": rest.split(), "measured": what == "measured"}
    if what == "without":
        return {"kind": "without", "finding": rest}
    raise ValueError("it is no rule")


def _limits(text: str) -> dict[str, float | None]:
    low, dots, high = text.partition("..")
    high = high if dots else low
    try:
        return {"at_least": float(low) if low.strip() else None, "at_most": float(high) if high.strip() else None}
    except ValueError:
        raise ValueError("its limits are no numbers") from None


def _words(text: str) -> list[str]:
    """Words, those in quotation marks as one."""
    parts = text.split('"')
    if len(parts) % 2 == 0:
        raise ValueError("a quotation mark is left open")
    return [word for n, part in enumerate(parts) for word in ([part] if n % 2 else part.split())]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _tail(unknown: Unknown) -> str:
    return OR_UNKNOWN if unknown == "keep" else ""
