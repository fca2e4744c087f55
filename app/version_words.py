"""What a version regression found, line by line: command line, window and change record say it alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from app import printing
from app.core.words import counted
from engine.contract.version_change import (
    NEW_ERRORS,
    POLICIES,
    Change,
    DisagreementTest,
    Flip,
    Flips,
    GroupChange,
    LabelChange,
    PolicyChange,
    ThresholdDrift,
    Verdict,
    VersionResults,
)

MEASURES = {
    "macro AUROC": "Macro AUROC",
    "average precision": "Average precision",
    "Brier": "Brier score",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "sensitivity_intended": "Sensitivity, no output counted as missed",
    "specificity_intended": "Specificity, no output counted as a false alarm",
}
"""As printed, where that is not the name itself."""

SHORT_POLICIES = {"own": "own thresholds", "kept": "old threshold kept"}

TESTED = {
    "with label": "found among those with the label",
    "without label": "spared among those without it",
    "all recordings": "alerts among all",
}
"""What a test of disagreement is of."""


class Told(NamedTuple):
    """One change with where it stands.

    Attributes:
        place: path in the results: "labels.0.changes.1".
        label: its label; empty for the macro average.
        where: the policy of thresholds, or the group; empty where neither matters.
    """

    place: str
    label: str
    where: str
    change: Change


def whole_changes(results: VersionResults) -> Iterator[Told]:
    """The macro average, then every label's differences, those of thresholds included."""
    yield Told("macro", "", "", results.macro)
    for n, label in enumerate(results.labels):
        for k, change in enumerate(label.changes):
            yield Told(f"labels.{n}.changes.{k}", label.label, "", change)
        for p, policy in enumerate(label.policies):
            for k, change in enumerate(policy.changes):
                place = f"labels.{n}.policies.{p}.changes.{k}"
                yield Told(place, label.label, SHORT_POLICIES[policy.name], change)


def group_changes(results: VersionResults) -> Iterator[Told]:
    """Every difference within a group."""
    for n, label in enumerate(results.labels):
        for g, group in enumerate(label.groups):
            for k, change in enumerate(group.changes):
                yield Told(f"labels.{n}.groups.{g}.changes.{k}", label.label, group.name, change)


def untold_groups(results: VersionResults) -> Iterator[tuple[str, GroupChange]]:
    """Groups of which nothing can be said, with their labels."""
    return ((label.label, group) for label in results.labels for group in label.groups if not group.changes)


def measure(change: Change) -> str:
    """The name of a measure as printed."""
    return MEASURES.get(change.name, change.name)


def subject(told: Told) -> str:
    """What a change is of: "AF, Sensitivity (own thresholds)"."""
    name = measure(told.change)
    lower = name if name[1:2].isupper() or told.change.name == "Brier" else name[0].lower() + name[1:]
    whole = f"{told.label}, {lower}" if told.label else name
    return f"{whole} ({told.where})" if told.where else whole


def verdict(change: Change) -> str:
    """Against the margin: "non-inferior by a margin of 0.02"."""
    return _VERDICTS[change.verdict].format(f"{change.margin:g}")


_VERDICTS: dict[Verdict, str] = {
    "superior": "superior: better than before",
    "non-inferior": "non-inferior by a margin of {}",
    "not shown": "not shown to be within the margin of {}",
    "inferior": "inferior by more than the margin of {}",
    "unchanged": "unchanged: both say the same of every recording",
}


def p_words(change: Change) -> str:
    """The corrected p value, or the plain one where nothing is corrected."""
    value, told = (change.p_value, "") if change.adjusted_p is None else (change.adjusted_p, change.correction)
    if value is None:
        return ""
    return f"{p_value(value)} ({told})" if told else p_value(value)


def p_value(value: float) -> str:
    """A p value for people."""
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def stands(change: Change, results: VersionResults) -> bool:
    """Whether what a change shows still stands once all that is told beside it is corrected for."""
    value = change.p_value if change.adjusted_p is None else change.adjusted_p
    return value is not None and value < 1 - results.confidence


def change_row(told: Told) -> tuple[str, ...]:
    """Measure, old, new, difference, corrected p, verdict."""
    change = told.change
    sides = (printing.estimate(change.old), printing.estimate(change.new))
    return subject(told), *sides, printing.estimate(change.difference, signed=True), p_words(change), change.verdict


def flip_words(flips: Flips) -> str:
    """What became of the recordings of one kind, in a line."""
    parts = [
        f"{flips.to_negative:,} from positive to negative",
        f"{flips.to_positive:,} from negative to positive",
        f"{flips.stayed_positive:,} stay positive",
        f"{flips.stayed_negative:,} stay negative",
    ]
    lost, gained = flips.positive_to_none + flips.negative_to_none, flips.none_to_positive + flips.none_to_negative
    parts += [f"{lost:,} lose their output"] if lost else []
    parts += [f"{gained:,} get one"] if gained else []
    parts += [f"{flips.stayed_none:,} have none of either"] if flips.stayed_none else []
    return ", ".join(parts)


def disagreement_words(test: DisagreementTest) -> str:
    """A test of disagreement in a line."""
    clustered = "not told" if test.p_clustered is None else p_value(test.p_clustered)
    counts = f"{test.old_only:,} by the old version alone, {test.new_only:,} by the new one alone"
    return f"{counts}; p {clustered} over patients ({test.method}), McNemar's exact p {p_value(test.p_exact)}"


def alerts_words(policy: PolicyChange) -> str:
    """Alerts per 100 before and after."""
    assert policy.alerts_old is not None
    assert policy.alerts_new is not None
    assert policy.alerts_difference is not None
    old, new, gap = policy.alerts_old.value, policy.alerts_new.value, policy.alerts_difference
    span = "" if gap.interval is None else f" ({gap.interval.low:+.1f} to {gap.interval.high:+.1f})"
    return f"{old or 0:.1f} before, {new or 0:.1f} after: {gap.value or 0:+.1f}{span}"


def drift_words(drift: ThresholdDrift) -> str:
    """Where the threshold went."""
    old = "each fold's own threshold" if drift.old_threshold is None else f"{drift.old_threshold:.4g}"
    if drift.threshold.value is None:
        return f"{old} before; none on the new scores: {drift.threshold.not_estimable}"
    span = drift.threshold.interval
    reach = "" if span is None else f" ({span.low:.4g} to {span.high:.4g})"
    return f"{old} before, {drift.threshold.value:.4g}{reach} on the new scores"


def output_words(label: LabelChange) -> str:
    """Recordings without an output, before and after."""
    told = label.output
    before, after = (f"{100 * (one.value or 0):.1f} %" for one in (told.old, told.new))
    if not told.lost + told.gained:
        return f"{before} without an output of either"
    span = told.difference.interval
    reach = "" if span is None else f" ({100 * span.low:+.1f} to {100 * span.high:+.1f} points)"
    return f"{before} before, {after} after{reach}; {told.lost:,} lost, {told.gained:,} gained"


def agreement_words(label: LabelChange) -> str:
    """How alike the scores are."""
    told = label.agreement
    if told.not_estimable or not (told.mean_difference and told.lower_limit and told.upper_limit and told.spearman):
        return f"not estimable: {told.not_estimable}"
    bias = printing.estimate(told.mean_difference, signed=True)
    limits = f"{told.lower_limit.value or 0:+.3f} to {told.upper_limit.value or 0:+.3f}"
    return f"bias {bias}, limits of agreement {limits}, ranks {printing.estimate(told.spearman)}"


def moved(flip: Flip) -> str:
    """How far a recording moved among all, if they were 100 in the order of their scores."""
    return f"{100 * flip.moved:+.0f}"


def new_errors(label: LabelChange) -> list[Flip]:
    """The flips by which the new version is wrong where the old one was right."""
    return [flip for flip in label.flips if flip.kind in NEW_ERRORS]


def summary(results: VersionResults) -> str:
    """The whole in a sentence: the primary number, then how many differences speak for and against."""
    told = [one.change.direction for one in whole_changes(results)]
    groups = [one.change.direction for one in group_changes(results)]
    primary = f"Macro AUROC {printing.estimate(results.macro.difference, signed=True)}, {results.macro.verdict}"
    shown = f"{counted(told.count('worse'), 'number')} worse and {told.count('better'):,} better"
    return f"{primary}; {shown}, and {counted(groups.count('worse'), 'number')} worse within groups"


def policy_title(policy: PolicyChange) -> str:
    """A policy as the title of a block."""
    words = POLICIES[policy.name]
    return f"{words[0].upper()}{words[1:]}"
