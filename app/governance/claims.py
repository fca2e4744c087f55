"""What the intervals allow one to say, in whole sentences, and not a word more.

A claim is made only when an interval excludes what would refute it; otherwise the sentence says what the data do not
show. No sentence speaks of approval, of a norm met, or of use on patients.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.core.words import counted
from app.governance.dossier import ModelSection
from engine.contract.results import CompareResults, Difference, Estimate

CHANCE, SHOWN = 0.5, 0.05


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
    """Which single labels stand out against which model once all are corrected for; and that this is exploratory."""
    found: list[str] = []
    quiet: list[str] = []
    told = [one for one in comparison.differences if one.label != "macro" and one.estimate.value is not None]
    for other in (model for model in comparison.models if model != comparison.examined):
        rows = [one for one in told if one.reference == other]
        if not rows:
            continue  # told above: flags, for instance, are not ranked
        better, worse = ([_with_p(one) for one in rows if _stands_out(one) == side] for side in (1, -1))
        parts = [f"better: {', '.join(better)}"] if better else []
        parts += [f"worse: {', '.join(worse)}"] if worse else []
        (found if parts else quiet).append(f"{_quoted(other)} ({'; '.join(parts)})" if parts else _quoted(other))
    name, labels = _quoted(comparison.examined), len({one.label for one in told})
    by = " and ".join(sorted({one.correction for one in told if one.correction}))
    said = []
    if found:
        how = f"p values are corrected over all of them ({by})" if by else "no p value could be corrected"
        said.append(
            f"On single labels the difference stands out for {name} against {', '.join(found)}. "
            f"With {counted(labels, 'label')} looked at, {how}; this is exploratory."
        )
    if quiet:
        test = "have a corrected p value below 0.05" if by else "have an interval that excludes zero"
        said.append(f"For no single label does the difference between {name} and {', '.join(quiet)} {test}.")
    return said


def _stands_out(one: Difference) -> int:
    """1 better, -1 worse, 0 where the corrected p value does not say so; without a p value, the interval decides."""
    value, span = one.estimate.value or 0.0, one.estimate.interval
    if one.adjusted_p is not None:
        shown = one.adjusted_p < SHOWN
    else:
        shown = span is not None and (span.low > 0 or span.high < 0)
    return (1 if value > 0 else -1) if shown else 0


def _with_p(one: Difference) -> str:
    if one.adjusted_p is None:
        return one.label
    return f"{one.label} (p < 0.001)" if one.adjusted_p < 0.001 else f"{one.label} (p {one.adjusted_p:.3f})"


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
