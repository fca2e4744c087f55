"""Who may enter a cohort: rules in a given order, and the flow of those whom each of them leaves out, and why.

The flow is that of reporting guidelines (STARD 2015, TRIPOD+AI 2024): how many were considered, how many each step left
out for which reason, how many are left. Every recording is counted once, at the first rule that it does not meet. Not
to know is a reason of its own.

Pure functions: no files, no database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.contract.eligibility import AnyRule, ChoiceRule, FindingRule, LeadsRule, PacingRule, RangeRule
from engine.signal.recording import OLDEST_SHOWN

KEPT = ""
UNITS = {"age": "years", "seconds": "s", "rate": "Hz", "year": ""}
PARTIAL = ("device", "format")
"""Of these a part of the name is enough: models carry suffixes, formats versions."""


@dataclass(frozen=True)
class Candidate:
    """What the rules may ask of a recording. None and empty words mean unknown."""

    patient: str
    age: float | None = None
    age_over_89: bool = False
    sex: str = "unknown"
    seconds: float | None = None
    rate: float | None = None
    year: int | None = None
    quality: str = "unknown"
    findings: tuple[str, ...] = ()
    device: str = ""
    setting: str = ""
    format: str = ""
    paced: bool | None = None
    leads: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One rule: how many came to it, how many it left out for which reason, how many went on."""

    rule: str
    records: int
    patients: int
    excluded: dict[str, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """Recordings that went on."""
        return self.records - sum(self.excluded.values())


@dataclass(frozen=True)
class Flow:
    """All steps in their order, and who came through.

    Attributes:
        chosen: places of the recordings that are left, in the order given.
        patients: how many patients they have.
    """

    steps: tuple[Step, ...]
    chosen: tuple[int, ...]
    patients: int


def flow_of(candidates: Sequence[Candidate], rules: Sequence[AnyRule]) -> Flow:
    """Let candidates through the rules, one rule after the other."""
    left = list(range(len(candidates)))
    steps = []
    for rule in rules:
        reasons = [reason_against(rule, candidates[place]) for place in left]
        counts = Counter(reason for reason in reasons if reason != KEPT)
        steps.append(Step(str(rule), len(left), _patients(candidates, left), dict(sorted(counts.items()))))
        left = [place for place, reason in zip(left, reasons, strict=True) if reason == KEPT]
    return Flow(tuple(steps), tuple(left), _patients(candidates, left))


def reason_against(rule: AnyRule, candidate: Candidate) -> str:
    """Why a rule leaves a recording out; empty when it does not."""
    match rule:
        case RangeRule():
            return _range(rule, candidate)
        case ChoiceRule():
            return _choice(rule, candidate)
        case PacingRule():
            return _pacing(rule, candidate)
        case LeadsRule():
            return _leads(rule, candidate)
        case FindingRule():
            return rule.finding if rule.finding.lower() in map(str.lower, candidate.findings) else KEPT


def asked_of(rule: AnyRule) -> tuple[str, ...]:
    """The fields of a `Candidate` that a rule looks at: recordings that are equal in them meet the same answer."""
    match rule:
        case RangeRule(what="age"):
            return "age", "age_over_89"
        case RangeRule() | ChoiceRule():
            return (rule.what,)
        case PacingRule():
            return ("paced",)
        case LeadsRule():
            return ("leads", "derived") if rule.measured else ("leads",)
        case FindingRule():
            return ("findings",)


def _range(rule: RangeRule, candidate: Candidate) -> str:
    value: float | None = getattr(candidate, rule.what)
    if value is None:
        return _not_known(rule.what, rule)
    if rule.what == "age" and candidate.age_over_89 and _cuts_above(rule):
        return KEPT if rule.unknown == "keep" else f"age above {OLDEST_SHOWN}, how much is not known"
    unit = f" {UNITS[rule.what]}".rstrip()
    if rule.at_least is not None and value < rule.at_least:
        return f"{rule.what} below {rule.at_least:g}{unit}"
    if rule.at_most is not None and value > rule.at_most:
        return f"{rule.what} above {rule.at_most:g}{unit}"
    return KEPT


def _cuts_above(rule: RangeRule) -> bool:
    """Whether a limit lies where ages are not told any more."""
    return any(limit is not None and limit > OLDEST_SHOWN for limit in (rule.at_least, rule.at_most))


def _choice(rule: ChoiceRule, candidate: Candidate) -> str:
    value = str(getattr(candidate, rule.what))
    if value in ("", "unknown"):
        return _not_known(rule.what, rule)
    wanted = [word.lower() for word in rule.among]
    met = any(word in value.lower() for word in wanted) if rule.what in PARTIAL else value.lower() in wanted
    return KEPT if met else f"{rule.what} {value}"


def _pacing(rule: PacingRule, candidate: Candidate) -> str:
    if candidate.paced is None:
        return _not_known("pacing", rule)
    return KEPT if candidate.paced == rule.paced else ("paced" if candidate.paced else "not paced")


def _leads(rule: LeadsRule, candidate: Candidate) -> str:
    absent = [lead for lead in rule.leads if lead not in candidate.leads]
    if absent:
        return f"no lead {', '.join(absent)}"
    computed = [lead for lead in rule.leads if rule.measured and lead in candidate.derived]
    return f"lead {', '.join(computed)} computed from others" if computed else KEPT


def _not_known(what: str, rule: RangeRule | ChoiceRule | PacingRule) -> str:
    return KEPT if rule.unknown == "keep" else f"{what} unknown"


def _patients(candidates: Sequence[Candidate], places: Sequence[int]) -> int:
    return len({candidates[place].patient for place in places})
