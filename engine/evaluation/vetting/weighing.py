"""What is not known of a contract weighs what an error in it would do: known once it has been tried."""

from __future__ import annotations

from engine.contract.vetting import Sensitivity, SensitivityItem, VetFinding, Weight

OPEN = ("declined", "missing")
"""Rules whose findings say that a field of the contract is assumed."""

FIELDS = {"means": "deviations"}
"""Fields that are tried under another one's name."""


def weighed(findings: list[VetFinding], told: Sensitivity) -> list[VetFinding]:
    """Findings on assumed fields with what was seen where the field was made wrong on purpose."""
    return [_weighed(one, told) if one.rule in OPEN else one for one in findings]


def _weighed(finding: VetFinding, told: Sensitivity) -> VetFinding:
    part, _, name = finding.subject.partition(".")
    field = FIELDS.get(name, name)
    tried = [item for item in told.items if item.field == field and item.verdict != "not tried"]
    if part != "preprocessing" or not tried:
        return finding
    weight, words = _seen(tried)
    return finding.model_copy(update={"weight": weight or finding.weight, "found": f"{finding.found}; {words}"})


def _seen(tried: list[SensitivityItem]) -> tuple[Weight | None, str]:
    silent = [item for item in tried if item.verdict == "works, only worse"]
    if silent:
        return (
            "serious",
            f"made wrong it costs AUROC and nobody would notice ({silent[0].title[:1].lower()}{silent[0].title[1:]})",
        )
    if all(item.verdict == "no difference" for item in tried):
        return "note", "made wrong it makes no difference"
    if all(item.verdict == "breaks loudly" for item in tried):
        return None, "made wrong it shows at once"
    return None, "made wrong it changes the answers"
