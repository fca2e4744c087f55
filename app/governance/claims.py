"""What the intervals allow one to say, in whole sentences, and not a word more.

A claim is made only when an interval excludes what would refute it; otherwise the sentence says what the data do not
show. No sentence speaks of approval, of a norm met, or of use on patients.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.core.words import counted
from app.governance.dossier import ModelSection
from engine.contract.results import CompareResults, Difference, Estimate

CHANCE = 0.5


def claims_of(sections: Sequence[ModelSection], comparison: CompareResults) -> tuple[str, ...]:
    """Sentences about the models, then about each pair, then about single labels, then what none of it shows.

    Models (or pairs) of which the same can be said share a sentence, so that a committee reads few of them.
    """
    said = _by_verdict([(_separation(section), _ranked(section)) for section in sections])
    macro = [one for one in comparison.differences if one.label == "macro"]
    said += _by_verdict([(_verdict(one), _against(one)) for one in macro])
    said += _reach(macro)
    said += _by_label(comparison)
    if any(one.rows != one.columns for one in comparison.cka):
        said.append("CKA tells how alike the layers of two models are, not which of them is better.")
    said.append(
        "These figures describe how well scores rank the recordings of this sample. They show neither benefit nor "
        "safety, and say nothing about other patients, other devices or other labels."
    )
    return tuple(said)


def _by_verdict(rows: Sequence[tuple[str, str]]) -> list[str]:
    """One sentence a verdict, with all it holds for; verdicts carry `{}` where their subjects go."""
    groups: dict[str, list[str]] = {}
    for verdict, subject in rows:
        groups.setdefault(verdict, []).append(subject)
    return [verdict.replace("{}", "; ".join(subjects)) for verdict, subjects in groups.items()]


def _separation(section: ModelSection) -> str:
    macro = section.evaluation.macro
    over = f"macro AUROC over {_labels(section)}, {macro.records:,} recordings of {macro.patients:,} patients"
    if macro.value is None or macro.interval is None:
        return "No macro AUROC can be stated: {}."
    if macro.interval.low > CHANCE:
        return f"Better than chance at telling recordings with a label from those without ({over}): {{}}."
    if macro.interval.high < CHANCE:
        return f"Worse than chance on this sample, scores may be inverted ({over}): {{}}."
    return f"Not shown to separate better than chance ({over}): {{}}."


def _ranked(section: ModelSection) -> str:
    name, macro = _quoted(section.card.name), section.evaluation.macro
    if macro.value is None or macro.interval is None:
        return f"{name}, {_reason(macro)}"
    return f"{name} {told(macro)}"


def _verdict(difference: Difference) -> str:
    model, estimate = _quoted(difference.model), difference.estimate
    if estimate.value is None or estimate.interval is None:
        return f"{model} cannot be compared with {{}}."
    if estimate.interval.low > 0:
        return f"On this sample {model} separates better (difference in macro AUROC) than {{}}."
    if estimate.interval.high < 0:
        return f"On this sample {model} separates worse (difference in macro AUROC) than {{}}."
    return (
        f"These data do not show that {model} separates better or worse (difference in macro AUROC) than {{}}. "
        "That is no proof that they are equal."
    )


def _against(difference: Difference) -> str:
    name, estimate = _quoted(difference.reference), difference.estimate
    if estimate.value is None or estimate.interval is None:
        return f"{name}, {_reason(estimate)}"
    return f"{name} {told(estimate, signed=True)}"


def _reach(macro: Sequence[Difference]) -> list[str]:
    """How small a difference these data could have shown: half the widest interval of a pair."""
    pairs = [(one.estimate, one.estimate.interval) for one in macro if one.estimate.interval is not None]
    if not pairs:
        return []
    half = max((interval.high - interval.low) / 2 for _, interval in pairs)
    patients = min(estimate.patients for estimate, _ in pairs)
    told_once = (
        f"With {patients:,} patients the intervals of these differences reach up to {half:.2f} to either side: "
        "an advantage smaller than that could go unseen here."
    )
    return [told_once]


def _by_label(comparison: CompareResults) -> list[str]:
    """Which single labels stand out against which model; and that this is exploratory."""
    found: list[str] = []
    quiet: list[str] = []
    labels = 0
    for other in (model for model in comparison.models if model != comparison.examined):
        rows = [one for one in comparison.differences if one.reference == other and one.label != "macro"]
        if all(one.estimate.value is None for one in rows):
            continue  # told above: flags, for instance, are not ranked
        labels = max(labels, len(rows))
        better = [one.label for one in rows if one.estimate.interval is not None and one.estimate.interval.low > 0]
        worse = [one.label for one in rows if one.estimate.interval is not None and one.estimate.interval.high < 0]
        parts = [f"better: {', '.join(better)}"] if better else []
        parts += [f"worse: {', '.join(worse)}"] if worse else []
        (found if parts else quiet).append(f"{_quoted(other)} ({'; '.join(parts)})" if parts else _quoted(other))
    name = _quoted(comparison.examined)
    said = []
    if found:
        said.append(
            f"On single labels the interval of the difference excludes zero for {name} against {', '.join(found)}. "
            f"With {counted(labels, 'label')} looked at and no correction for it, this is exploratory."
        )
    if quiet:
        said.append(
            f"For no single label does the interval of the difference between {name} and {', '.join(quiet)} "
            "exclude zero."
        )
    return said


def _quoted(name: str) -> str:
    """A model's name in quotes."""
    return f"'{name}'"


def _reason(estimate: Estimate) -> str:
    return (estimate.not_estimable or "no interval could be computed").rstrip(".")


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
