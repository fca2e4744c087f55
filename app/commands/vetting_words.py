"""A vetting and its certificate, for people."""

from __future__ import annotations

from collections.abc import Sequence

from app import printing
from engine.contract.vetting import (
    RULES,
    VERDICTS,
    Determinism,
    OutputParity,
    ParityCertificate,
    Sensitivity,
    SensitivityItem,
    VetFinding,
    VetResults,
)

SHOWN = 12
"""Hexadecimal digits of a hash in tables."""


def vetting_words(results: VetResults) -> str:
    """A vetting: what was found, parity, whether answers stay the same, what a wrong contract does."""
    counts = ", ".join(f"{len(results.weighing(weight))} {weight}" for weight in ("blocking", "serious", "note"))
    head: list[tuple[str, object]] = [
        ("Model", f"{results.model}, version {results.version} (sha256 {results.model_sha256[:SHOWN]})"),
        ("Findings", counts),
        ("In order", f"{len(results.passed)} of {len(RULES)} rules"),
        ("Parity", parity_line(results.parity)),
        ("Same answers", determinism_line(results.determinism)),
    ]
    blocks = [printing.fields(head)]
    if results.findings:
        blocks.append("\n".join(finding_words(one) for one in results.findings))
    if results.unchecked:
        blocks.append("\n".join(_unchecked(results)))
    if results.sensitivity is not None:
        blocks.append(sensitivity_words(results.sensitivity))
    blocks += [printing.paragraph(f"{note}.") for note in results.notes]
    return "\n\n".join(blocks)


def _unchecked(results: VetResults) -> list[str]:
    """What could not be looked at, by reason."""
    reasons: dict[str, list[str]] = {}
    for rule, why in results.unchecked.items():
        reasons.setdefault(why, []).append(RULES[rule])
    return [printing.paragraph(f"Not looked at ({why}): {'; '.join(rules)}.") for why, rules in reasons.items()]


def finding_words(finding: VetFinding) -> str:
    """A finding with its weight, what it is about, and what to do."""
    about = f": {finding.subject}" if finding.subject else ""
    advice = f". {finding.advice}" if finding.advice else ""
    return printing.paragraph(f"{finding.weight.upper()}: {RULES[finding.rule]}{about}: {finding.found}{advice}.", "  ")


def parity_line(told: ParityCertificate) -> str:
    """The verdict with the largest difference."""
    ours = [one for one in told.outputs if one.fed == "our input"]
    if not ours:
        return told.verdict
    worst = max(ours, key=lambda one: one.largest_absolute / one.range)
    return f"{told.verdict}: largest difference {worst.largest_absolute:.3g} (limit {worst.limit:.3g}, {worst.output})"


def determinism_line(told: Determinism) -> str:
    """Whether the same input gives the same output."""
    if told.state == "not measured":
        return f"not measured: {told.note}"
    note = f"; {told.note}" if told.note else ""
    return f"{told.state} ({told.repeats} calls, batches of {', '.join(map(str, told.batches))}{note})"


def sensitivity_words(told: Sensitivity) -> str:
    """What each contract item does when it is wrong, the dangerous ones first."""
    order = list(VERDICTS)
    head = f"With one item of the contract wrong, on {told.records:,} recordings of {told.patients:,} patients ("
    head += f"{told.where}{f', {told.mode}' if told.mode else ''}):"
    if told.clean is not None:
        head += f" macro AUROC with the contract right {printing.estimate(told.clean)}"
    ranked = sorted(
        (item for item in told.items if item.verdict != "not tried"),
        key=lambda item: (item.verdict != "works, only worse", order.index(item.verdict), _loss(item)),
    )
    rows = [_row(item, told.clean is not None) for item in ranked]
    heads: tuple[str, ...] = ("Made wrong", "Verdict", "Rank corr.", "Calls changed")
    if told.clean is not None:
        heads = (*heads, "Change of macro AUROC")
    blocks = [printing.paragraph(head), printing.table(heads, rows, right=heads[2:4])]
    blocks += [printing.paragraph(f"{item.title}: {item.why}.") for item in ranked if item.verdict == "breaks loudly"]
    if idle := [item.title for item in told.items if item.verdict == "not tried"]:
        blocks.append(printing.paragraph(f"Not tried, since the contract has no such item: {'; '.join(idle)}."))
    return "\n\n".join([*blocks, *(printing.paragraph(f"{note}.") for note in told.notes)])


def _loss(item: SensitivityItem) -> float:
    """The largest loss first."""
    return item.change.value if item.change is not None and item.change.value is not None else 0.0


def _row(item: SensitivityItem, labelled: bool) -> tuple[str, ...]:
    verdict = item.verdict.upper() if item.verdict == "works, only worse" else item.verdict
    calls = "-" if item.changed_calls is None else f"{100 * item.changed_calls:.1f} %"
    order = "-" if item.spearman is None else f"{item.spearman:.3f}"
    change = () if not labelled else ("-" if item.change is None else printing.estimate(item.change, signed=True),)
    return (item.title, verdict, order, calls, *change)


def certificate_words(told: ParityCertificate) -> str:
    """A parity certificate as text that may be handed on."""
    head: list[tuple[str, object]] = [
        ("Parity certificate", told.verdict),
        ("Model", f"{told.model}, version {told.version}"),
        ("Model sha256", told.model_sha256),
        *((f"File {name}", sha256) for name, sha256 in told.files.items()),
        ("Contract sha256", told.contract_sha256),
        ("Golden ECGs sha256", told.golden_sha256),
        ("Reference sha256", told.reference_sha256 or "no reference supplied"),
        ("Tolerance", f"{told.tolerance:g} of the range of each output"),
        ("Made with", ", ".join(f"{name} {version}" for name, version in told.versions.items())),
        ("Date (UTC)", told.date),
    ]
    blocks = [printing.fields(head)]
    if told.outputs:
        blocks.append(_outputs(told.outputs))
    if told.inputs:
        heads = ("Input of", "Largest difference", "Range", "Within", "Looks like")
        rows = [
            (one.record, f"{one.largest_absolute:.3g}", f"{one.range:.3g}", _yes(one.met), one.hint)
            for one in told.inputs
        ]
        blocks.append(printing.table(heads, rows, right=heads[1:3]))
    blocks += [printing.paragraph(f"Left out: {text}.") for text in told.left_out]
    blocks.append(printing.paragraph(MEANING[told.verdict]))
    return "\n\n".join(blocks)


MEANING = {
    "met": "On these recordings this program gives the vendor's numbers, to the tolerance. That says nothing of "
    "whether the numbers are right.",
    "not met": "On these recordings this program does not give the vendor's numbers: what is measured here is not yet "
    "the vendor's product.",
    "no reference supplied": "Nobody has told what the vendor's own program gives: whether what is measured here is "
    "the vendor's product cannot be known. Export the golden ECGs for him: isoline model golden NAME --out DIR",
}
"""What a verdict means, under the certificate."""


def _outputs(outputs: Sequence[OutputParity]) -> str:
    heads = (
        "Output",
        "Of",
        "Fed",
        "Recordings",
        "Numbers",
        "Largest difference",
        "Limit",
        "Relative",
        "Within",
        "Where",
    )
    rows = [
        (
            one.output,
            one.compared,
            one.fed,
            f"{one.records:,}",
            f"{one.values:,}",
            f"{one.largest_absolute:.3g}",
            f"{one.limit:.3g}",
            "-" if one.largest_relative is None else f"{one.largest_relative:.3g}",
            _yes(one.met),
            one.worst,
        )
        for one in outputs
    ]
    return printing.table(heads, rows, right=heads[3:8])


def _yes(met: bool) -> str:
    return "yes" if met else "NO"
