"""What the intervals allow one to say, in whole sentences, and not a word more.

A claim is made only when an interval excludes what would refute it; otherwise the sentence says what the data do not
show. No sentence speaks of approval, of a norm met, or of use on patients.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.governance.dossier import ModelSection
from engine.contract.results import CompareResults, Difference, Estimate

CHANCE = 0.5


def claims_of(sections: Sequence[ModelSection], comparison: CompareResults) -> tuple[str, ...]:
    """Sentences about each model, then about each pair, then about single labels, then what none of it shows."""
    said = [_separation(section) for section in sections]
    said += [_difference(d) for d in comparison.differences if d.label == "macro"]
    said += [_by_label(comparison, model) for model in comparison.models if model != comparison.reference]
    if any(one.rows != one.columns for one in comparison.cka):
        said.append(
            "CKA tells how alike the layers of two models are; it does not tell which of them is better, and is "
            "supportive evidence only."
        )
    said.append(
        "These figures describe how well scores rank the recordings of this sample. They show neither benefit nor "
        "safety, and say nothing about other patients, other devices or other labels."
    )
    return tuple(said)


def _separation(section: ModelSection) -> str:
    name, macro = section.card.name, section.evaluation.macro
    labels = _labels(section)
    if macro.value is None or macro.interval is None:
        reason = macro.not_estimable or "no interval could be computed"
        return f"For '{name}' no macro AUROC can be stated: {reason.rstrip('.')}."
    figure = f"macro AUROC over {labels} {told(macro)}, {macro.records:,} recordings of {macro.patients:,} patients"
    if macro.interval.low > CHANCE:
        return (
            f"On this sample '{name}' tells recordings with a label from those without, better than chance: {figure}."
        )
    if macro.interval.high < CHANCE:
        return f"On this sample '{name}' ranks recordings worse than chance: {figure}. Its scores may be inverted."
    return f"These data do not show that '{name}' separates better than chance: {figure}."


def _difference(difference: Difference) -> str:
    model, reference, estimate = difference.model, difference.reference, difference.estimate
    if estimate.value is None or estimate.interval is None:
        reason = estimate.not_estimable or "no interval could be computed"
        return f"'{model}' and '{reference}' cannot be compared: {reason.rstrip('.')}."
    figure = f"difference in macro AUROC ('{model}' minus '{reference}') {told(estimate, signed=True)}"
    if estimate.interval.low > 0:
        return f"On this sample '{model}' separates better than '{reference}': {figure}."
    if estimate.interval.high < 0:
        return f"On this sample '{reference}' separates better than '{model}': {figure}."
    return (
        f"These data do not show that '{reference}' separates better than '{model}', nor the reverse: {figure}. "
        "That is no proof that the two are equal."
    )


def _by_label(comparison: CompareResults, model: str) -> str:
    rows = [d for d in comparison.differences if d.model == model and d.label != "macro"]
    better = [d.label for d in rows if d.estimate.interval is not None and d.estimate.interval.low > 0]
    worse = [d.label for d in rows if d.estimate.interval is not None and d.estimate.interval.high < 0]
    pair = f"'{model}' and '{comparison.reference}'"
    if not better and not worse:
        return f"For no single label does the interval of the difference between {pair} exclude zero."
    parts = [f"in favour of '{model}' for {', '.join(better)}"] if better else []
    parts += [f"in favour of '{comparison.reference}' for {', '.join(worse)}"] if worse else []
    return (
        f"Label by label, the interval of the difference between {pair} excludes zero {' and '.join(parts)}; "
        f"with {len(rows)} labels looked at and no correction for it, this is exploratory."
    )


def told(estimate: Estimate, signed: bool = False) -> str:
    """A value with its interval: "0.812 (95 % interval 0.755 to 0.861)"."""
    form = "+.3f" if signed else ".3f"
    if estimate.value is None or estimate.interval is None:
        return "not estimable"
    interval = estimate.interval
    ends = f"{interval.low:{form}} to {interval.high:{form}}"
    return f"{estimate.value:{form}} ({interval.confidence:.0%} interval {ends})".replace("%", " %")


def _labels(section: ModelSection) -> str:
    count = len(section.evaluation.labels)
    return f"{count} labels" if count != 1 else f"the label {section.evaluation.labels[0].label}"
