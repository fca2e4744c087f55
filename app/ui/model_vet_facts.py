"""What a vetting found, as lines of tables: the contract held against the model, parity, answers, sensitivity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.core.words import counted
from app.ui.evaluation_facts import number
from app.ui.form_words import sentence
from app.ui.model_words import FIELDS
from app.ui.run_fact import Fact
from app.ui.run_facts import local_time
from app.ui.tiles import Figure
from engine.contract.vetting import (
    RULES,
    VERDICTS,
    WEIGHTS,
    GoldenAnswer,
    InputParity,
    OutputParity,
    SensitivityItem,
    SensitivityVerdict,
    VetResults,
)

Kind = Literal["blocking", "serious", "note", "unchecked", "passed"]

KIND_SIGNS: dict[Kind, tuple[str, str]] = {
    "blocking": ("failed", "bad"),
    "serious": ("warning", "warn"),
    "note": ("question", "muted"),
    "unchecked": ("queued", "muted"),
    "passed": ("done", "good"),
}
"""Sign and colour of each kind of line; the worst stand first."""

VERDICT_SIGNS: dict[SensitivityVerdict, tuple[str, str]] = {
    "works, only worse": ("failed", "bad"),
    "works, differs": ("warning", "warn"),
    "breaks loudly": ("done", "good"),
    "no difference": ("stopped", "muted"),
    "not tried": ("queued", "muted"),
}
"""As above: most dangerous is what nobody would notice."""

NO_LABELS = "Whether a fault costs anything is not known without labels: vet the model on a labelled cohort."
PARITY_ROLES = {"met": "good", "not met": "bad", "no reference supplied": "warn"}


@dataclass(frozen=True)
class LintLine:
    """One rule, and what was found."""

    kind: Kind
    rule: str
    found: str
    advice: str = ""

    @property
    def weight(self) -> str:
        """What the kind says."""
        return {"passed": "in order", "unchecked": "could not be looked at"}.get(self.kind) or WEIGHTS[self.kind]  # type: ignore[index]


def lint_lines(results: VetResults) -> list[LintLine]:
    """All rules: those that something was found by, the gravest first, those that could not be looked at, the rest."""
    found = [
        LintLine(one.weight, _rule(one.rule), _found(one.subject, one.found), sentence(one.advice))
        for one in results.findings
    ]
    lines = [line for kind in KIND_SIGNS for line in found if line.kind == kind]
    lines += [LintLine("unchecked", _rule(rule), sentence(why)) for rule, why in results.unchecked.items()]
    return [*lines, *(LintLine("passed", _rule(rule), "") for rule in results.passed)]


def headline(results: VetResults) -> list[Figure]:
    """The numbers that come first."""
    blocking, serious = len(results.weighing("blocking")), len(results.weighing("serious"))
    role = "bad" if blocking else "warn" if serious else "good"
    below = f"{blocking} blocking, {serious} serious" if results.findings else "nothing found"
    figures = [
        Figure("Findings", f"{len(results.findings)}", below, role),
        Figure("Parity", results.parity.verdict, _parity_below(results), PARITY_ROLES[results.parity.verdict]),
        Figure("Same input, same output", results.determinism.state, *_determinism_below(results)),
    ]
    if results.sensitivity is not None and results.sensitivity.clean is None:
        figures.append(Figure("Silent faults", "not known", "no labels to lose on", "warn", NO_LABELS))
    elif results.sensitivity is not None:
        silent = len(results.dangerous)
        told = (
            ("works, only worse", "bad")
            if silent
            else (f"of {counted(len(results.sensitivity.items), 'item')}", "good")
        )
        figures.append(Figure("Silent faults", f"{silent}", *told))
    return figures


def parity_facts(results: VetResults) -> list[Fact]:
    """What the certificate rests on, whether answers repeat, and what the model says of the shipped ECGs."""
    told, again = results.parity, results.determinism
    facts = [
        Fact("Certificate", f"{told.verdict}, {told.model} version {told.version}, {local_time(told.date)}"),
        Fact("Tolerance", f"{told.tolerance:g} of each output's range"),
        *(Fact("Not compared", sentence(reason)) for reason in told.left_out),
        *(Fact(f"Fed to {one.record}", input_words(one)) for one in told.inputs),
        Fact("Same input, same output", _again(results)),
        *(Fact(f"  {one.output}", f"differs by {one.by_call:.3g} from call to call") for one in again.outputs),
        *(Fact("Note", sentence(note)) for note in (again.note, *results.notes) if note),
    ]
    facts += [Fact(answer.name, answer_words(answer)) for answer in (results.golden.answers if results.golden else [])]
    hashes = (
        ("Model", told.model_sha256),
        ("Contract", told.contract_sha256),
        ("Shipped ECGs", told.golden_sha256),
        ("Reference", told.reference_sha256),
    )
    facts += [Fact(f"{name}, sha256", digest) for name, digest in hashes if digest]
    return [*facts, *(Fact("Version", f"{name} {version}") for name, version in told.versions.items())]


def parity_words(one: OutputParity) -> str:
    """The largest difference against what is allowed."""
    return f"{one.largest_absolute:.3g} (limit {one.limit:.3g})"


def input_words(one: InputParity) -> str:
    """What we feed against what the vendor feeds."""
    told = "as the vendor feeds it" if one.met else "not as the vendor feeds it"
    hint = f"; {one.hint}" if one.hint else ""
    return f"{told}, largest difference {one.largest_absolute:.3g} of a range of {one.range:.3g}{hint}"


def answer_words(answer: GoldenAnswer) -> str:
    """What the model says of one shipped ECG."""
    if answer.refused:
        return f"refused: {answer.refused}"
    told = []
    for output, values in answer.values.items():
        numbers = ", ".join(f"{name} {_short(value)}" for name, value in values.items())
        told.append(f"{output}: {numbers}")
    return f"{counted(answer.windows, 'window')}. {'; '.join(told)}"


def sensitivity_items(results: VetResults) -> list[SensitivityItem]:
    """What was made wrong on purpose, the most dangerous first."""
    items = results.sensitivity.items if results.sensitivity else []
    order = list(VERDICT_SIGNS)
    return sorted(items, key=lambda item: order.index(item.verdict))


def sensitivity_words(results: VetResults) -> str:
    """On what the items were tried."""
    told = results.sensitivity
    if told is None:
        return "Not measured in this vetting."
    where = f"{counted(told.records, 'recording')} of {counted(told.patients, 'patient')}, {told.where}"
    clean = f" As the contract stands: macro AUROC {number(told.clean)}, {told.mode}." if told.clean else ""
    return f"Each item of the contract was made wrong on purpose on {where}.{clean or f' {NO_LABELS}'}"


def verdict_tip(item: SensitivityItem) -> str:
    """All that is known of an item."""
    lines = [item.title, VERDICTS[item.verdict], sentence(item.why)]
    lines += [f"{counted(item.refused, 'recording')} refused"] if item.refused else []
    lines += [f"{counted(item.lost, 'recording')} without a number"] if item.lost else []
    lines += [f"{one.label}: {number(one.change, signed=True)}" for one in item.labels]
    return "\n".join(line for line in lines if line)


def _short(value: float | None) -> str:
    """Three decimals: probabilities of a millionth are zero to whoever reads them side by side."""
    return "none" if value is None else f"{value:.3f}" if abs(value) < 1000 else f"{value:.4g}"


def _rule(rule: str) -> str:
    return RULES.get(rule, rule)


def _found(subject: str, found: str) -> str:
    name = FIELDS[subject].title if subject in FIELDS else subject
    return f"{name}: {found}" if name else sentence(found)


def _parity_below(results: VetResults) -> str:
    outputs = results.parity.outputs
    if not outputs:
        return "on shipped ECGs"
    return f"{sum(one.met for one in outputs)} of {counted(len(outputs), 'output')}"


def _determinism_below(results: VetResults) -> tuple[str, str]:
    state = results.determinism.state
    if state == "not measured":
        return "", "muted"
    return f"{results.determinism.repeats} calls", "good" if state == "deterministic" else "warn"


def _again(results: VetResults) -> str:
    told = results.determinism
    sizes = f", in batches of {', '.join(map(str, told.batches))}" if told.batches else ""
    return f"{told.state}: {told.repeats} calls of one input{sizes}" if told.repeats else told.state
