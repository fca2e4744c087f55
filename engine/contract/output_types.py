"""What a model puts out, and what may therefore be said about it.

A score that is no probability has ranks and thresholds but no calibration; a flag has one point of a curve and no
curve; text needs a mapping that somebody signed; where nothing comes out, that is counted.
"""

from __future__ import annotations

from typing import Literal

OutputType = Literal["probability", "score", "flag", "category", "none"]
Statement = Literal[
    "auroc",
    "auprc",
    "roc curve",
    "threshold choice",
    "confusion",
    "prevalence",
    "kappa",
    "mcnemar",
    "subgroup gaps",
    "calibration",
    "decision curve",
    "net benefit at one point",
    "risk distribution",
    "no-output rate",
    "intention to diagnose",
]

_ALWAYS: frozenset[Statement] = frozenset({"no-output rate", "intention to diagnose"})
_CALLS: frozenset[Statement] = _ALWAYS | {"confusion", "prevalence", "kappa", "mcnemar", "subgroup gaps"}
_RANKS: frozenset[Statement] = _CALLS | {"auroc", "auprc", "roc curve", "threshold choice"}

REPORTABLE: dict[OutputType, frozenset[Statement]] = {
    "probability": _RANKS | {"calibration", "decision curve", "risk distribution"},
    "score": _RANKS,
    "flag": _CALLS | {"net benefit at one point"},
    "category": _CALLS | {"net benefit at one point"},
    "none": _ALWAYS,
}
"""What may be reported; a score becomes a probability once it has been recalibrated on held-out patients, a category
counts as a flag once its mapping has been signed."""

WHY_NOT: dict[OutputType, str] = {
    "probability": "",
    "score": "a score that is no probability can be ranked and cut, not checked against observed shares",
    "flag": "a flag is one point: there is nothing to rank",
    "category": "categories count once somebody has signed what they map to",
    "none": "there is no output",
}


def may_report(output: OutputType, statement: Statement) -> bool:
    """Whether a statement may be made about a model with such outputs."""
    return statement in REPORTABLE[output]
