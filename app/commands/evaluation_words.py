"""An evaluation as the verbs print it: what was scored, how well, at which threshold, how well calibrated, for whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app import printing
from app.commands.flag_words import FLAGS, flag_words, silent_words
from app.core.law_words import law_words
from app.progress import duration
from app.useful_risks import useful_risks
from engine.contract.evaluation import EvaluateResults, FewLabelResults, LabelResult, TargetResult
from engine.contract.operating import NAMES, Measure, OperatingPoint
from engine.contract.results import Estimate
from engine.contract.subgroups import GroupResult, SubgroupResults

if TYPE_CHECKING:
    from app.core.evaluation_cost import EvaluationCost

MOST_GROUPS = 30
"""Groups that are printed one by one; of more, only those that do worse or better, and how many are in each state."""

Row = Sequence[object]


def evaluation_words(results: EvaluateResults) -> str:
    """All that was found, each table only where there is something in it; `--json` tells every number."""
    blocks = [
        _head(results),
        _discrimination(results),
        *_precision(results),
        *_targets(results),
        *_at_thresholds(results),
        *flag_words(results.labels),
        *silent_words(results.labels),
        *_elsewhere(results),
        *_calibration(results),
        *_recalibration(results),
        *_utility(results),
        *_subgroups(results),
        *_few_labels(results.few_labels),
        *_training(results),
        *_notes(results),
    ]
    return "\n\n".join(blocks)


def _head(results: EvaluateResults) -> str:
    told: list[tuple[str, object]] = [("Model", f"{results.model} ({results.mode})")]
    if results.task:
        told.append(("Task", results.task))
    told.append(("Data", f"{results.records:,} recordings of {results.patients:,} patients, {results.split_kind}"))
    if results.macro_mae is not None:
        told.append(("Measured numbers", f"mean error {printing.estimate(results.macro_mae)} SD over all of them"))
    return printing.fields(told)


def _discrimination(results: EvaluateResults) -> str:
    """Macro and per-label AUROC with interval, method and counts."""
    rows: list[Row] = (
        [("macro", printing.estimate(results.macro), "", _method(results.macro))] if results.labels else []
    )
    for item in results.labels:
        positives = "" if item.auroc.positive_records is None else f"{item.auroc.positive_records:,}"
        rows.append((item.label, printing.estimate(item.auroc), positives, _method(item.auroc)))
    if not rows:
        return "No labels of two classes: measured numbers only."
    return printing.table(("Label", "AUROC (interval)", "Positives", "Method"), rows, right=("Positives",))


def _method(value: Estimate) -> str:
    return value.interval.method if value.interval else ""


def _precision(results: EvaluateResults) -> list[str]:
    """Average precision beside what chance would give, and what the recordings are worth."""
    rows = [
        (
            item.label,
            printing.estimate(item.auprc),
            printing.estimate(item.prevalence) if item.prevalence is not None else "",
            f"{item.effective.records:,.0f}" if item.effective is not None and item.effective.records else "",
        )
        for item in results.labels
        if item.auprc is not None and item.judged_as not in FLAGS
    ]
    heads = ("Label", "AUPRC (interval)", "Prevalence, which chance gives", "Effective recordings")
    return [printing.table(heads, rows, right=heads[3:])] if rows else []


def _targets(results: EvaluateResults) -> list[str]:
    """How far predicted numbers lie from measured ones, in their own unit."""
    heads = ("Measured number", "Mean absolute error", "R²", "Bias", "Limits of agreement", "Recordings")
    rows = [_target_row(item) for item in results.targets]
    return [printing.table(heads, rows, right=heads[-1:])] if rows else []


def _target_row(item: TargetResult) -> Row:
    told = item.regression
    low, high = told.lower_limit.value, told.upper_limit.value
    limits = told.lower_limit.not_estimable if low is None or high is None else f"{low:.3g} to {high:.3g}"
    name = f"{item.target} ({item.unit})" if item.unit else item.target
    errors = (printing.estimate(told.mae), printing.estimate(told.r2), printing.estimate(told.bias, signed=True))
    return name, *errors, limits, f"{told.mae.records:,}"


def _at_thresholds(results: EvaluateResults) -> list[str]:
    """What each label's threshold finds and misses."""
    points = [(item.label, item.operating) for item in results.labels if item.operating is not None]
    if not points:
        return []
    shown: tuple[Measure, ...] = ("sensitivity", "specificity", "ppv", "npv")
    heads = ("Label", *(NAMES[name] for name in shown), "Alerts per 100")
    rows = [(label, *_at_threshold(point, shown)) for label, point in points]
    how = sorted({point.how for _, point in points})
    filled = [(*row, *[""] * (len(heads) - len(row))) for row in rows]
    told = printing.paragraph(f"At a threshold ({'; '.join(how)})")
    return [f"{told}\n{printing.table(heads, filled, right=heads[-1:])}"]


def _at_threshold(point: OperatingPoint, shown: Sequence[Measure]) -> Row:
    if point.not_estimable:
        return (f"no threshold: {point.not_estimable}",)
    alerts = point.measures["alerts_per_100"].value
    return *(printing.estimate(point.measures[name]) for name in shown), "" if alerts is None else f"{alerts:.1f}"


def _elsewhere(results: EvaluateResults) -> list[str]:
    """What the thresholds would mean at local prevalences, where some were given."""
    rows = [
        (
            item.label,
            f"{place.prevalence:.4g}",
            printing.estimate(place.ppv),
            printing.estimate(place.npv),
            *(
                "" if one.value is None else f"{one.value:.1f}"
                for one in (place.alerts_per_100, place.screened_per_finding)
            ),
        )
        for item in results.labels
        for place in (item.operating.elsewhere if item.operating is not None else [])
    ]
    heads = ("Label", "Prevalence", "PPV there", "NPV there", "Alerts per 100", "Screened per finding")
    return [printing.table(heads, rows, right=(heads[1], *heads[4:]))] if rows else []


def _calibration(results: EvaluateResults) -> list[str]:
    """Whether predicted risks come true."""
    rows = [
        (
            item.label,
            printing.estimate(told.observed_expected),
            printing.estimate(told.slope),
            printing.estimate(told.ici),
            printing.estimate(item.overall.scaled_brier) if item.overall is not None else "",
        )
        for item in results.labels
        if (told := item.calibration) is not None
    ]
    heads = ("Calibration", "Observed / expected (1)", "Slope (1)", "Mean distance, ICI (0)", "Scaled Brier (1)")
    return [f"{printing.table(heads, rows)}\nIn brackets what is ideal."] if rows else []


def _recalibration(results: EvaluateResults) -> list[str]:
    """What a correction that was fitted on held-out patients would change."""
    rows = []
    for item in results.labels:
        told = item.recalibration
        if told is None:
            continue
        brier = None if told.correction == "none" else told.brier_change
        change = "" if brier is None else printing.estimate(brier, signed=True)
        rows.append((item.label, told.not_estimable or told.correction, change, told.reason))
    return [printing.table(("Recalibration", "Correction", "Brier changes by", "Because"), rows)] if rows else []


def _utility(results: EvaluateResults) -> list[str]:
    """At which risks acting on the model beats acting on everybody and on nobody."""
    rows = [(item.label, useful_risks(item.utility)) for item in _scores(results) if item.utility is not None]
    heads = ("Decision curve", "Beats treating all and none when one acts at risks of")
    return [printing.table(heads, rows)] if rows else []


def _scores(results: EvaluateResults) -> list[LabelResult]:
    """Labels that are more than one point."""
    return [item for item in results.labels if item.judged_as not in FLAGS]


def _subgroups(results: EvaluateResults) -> list[str]:
    """Each group against everybody else; of very many, those with a gap, and how many there are of each state."""
    told = [(item.label, item.subgroups) for item in results.labels]
    told += [(item.target, item.subgroups) for item in results.targets]
    groups = [(name, one, group) for name, found in told for one in found for group in one.groups]
    if not groups:
        return []
    counts = Counter(group.state for *_, group in groups)
    many = len(groups) > MOST_GROUPS
    shown = [row for row in groups if not many or row[2].state in ("lower", "higher")]
    heads = ("Label", "Group", "State", "Measure", "Group (interval)", "Gap to all others", "Adjusted p")
    rows = [
        (
            name,
            f"{one.attribute} {group.group}",
            group.state,
            one.measure,
            *_group_and_gap(group),
            "" if group.adjusted_p is None else f"{group.adjusted_p:.3g}",
        )
        for name, one, group in shown
    ]
    summary = ", ".join(f"{count:,} {state}" for state, count in counts.most_common())
    words = printing.paragraph(f"Subgroups: {summary}. {_corrections(told)}".rstrip())
    return [f"{words}\n{printing.table(heads, rows)}" if rows else words]


def _group_and_gap(group: GroupResult) -> tuple[str, str]:
    """Both numbers; why there are none is said once."""
    if group.estimate.value is None:
        return group.estimate.not_estimable.removeprefix(f"{group.state}: "), ""
    gap = printing.estimate(group.gap, signed=True)
    return printing.estimate(group.estimate), gap.replace(f"not estimable: {group.state}: ", "not estimable: ")


def _corrections(told: Sequence[tuple[str, Sequence[SubgroupResults]]]) -> str:
    named = {group.correction for _, found in told for one in found for group in one.groups if group.correction}
    return f"p values corrected by {' and '.join(sorted(named))}." if named else ""


def _few_labels(results: FewLabelResults | None) -> list[str]:
    """The curve over fewer labelled patients, its law and the labels that a target needs."""
    if results is None:
        return []
    rows = [
        (f"{100 * one.share:.4g} %", f"{one.patients:,.0f}", f"{one.records:,.0f}", printing.estimate(one.macro))
        for one in results.points
    ]
    heads = ("Training patients", "Patients", "Recordings", "Macro AUROC, mean of repeats (interval)")
    told = [printing.table(heads, rows, right=heads[1:3])]
    if results.fit is not None:
        told.append(printing.paragraph(f"1 - macro AUROC over n labelled patients: {law_words(results.fit, size='n')}"))
    if results.needed is not None:
        wanted = f"Labelled patients for a macro AUROC of {1 - results.needed.target:.4g}"
        told.append(printing.paragraph(f"{wanted}: {_patients(results.needed.labels)}"))
    return ["\n".join([*told, *(printing.paragraph(note) for note in results.notes)])]


def _patients(labels: Estimate) -> str:
    if labels.value is None:
        return f"not estimable: {labels.not_estimable}"
    told = f"{labels.value:,.0f}"
    if labels.interval is None:
        return f"{told} (no interval: {labels.not_estimable.removeprefix('no interval: ')})"
    return f"{told} ({labels.interval.low:,.0f} to {labels.interval.high:,.0f})"


def _training(results: EvaluateResults) -> list[str]:
    """Which epoch was kept in each part, and where the trained model stands."""
    if not results.training:
        return []
    rows = [
        (
            one.part,
            one.best_epoch,
            len(one.epochs),
            _best(one.best_epoch, [(e.epoch, e.validation) for e in one.epochs]),
        )
        for one in results.training
    ]
    heads = ("Trained part", "Best epoch", "Epochs", "Its score on validation patients")
    told = printing.table(heads, rows, right=heads[1:])
    return [f"{told}\nThe trained model: {results.checkpoint} in the run's folder" if results.checkpoint else told]


def _best(best: int, epochs: Sequence[tuple[int, float | None]]) -> str:
    return next((f"{score:.3f}" for epoch, score in epochs if epoch == best and score is not None), "-")


def _notes(results: EvaluateResults) -> list[str]:
    """What limits the numbers: failures to look at, missing scores, leaks."""
    notes = [
        printing.paragraph(f"{note[:1].upper()}{note[1:]}", "  ") for note in (*results.notes, *_worst(results.labels))
    ]
    if results.leaks is not None:
        notes += [printing.paragraph(f"LEAK  {told}", "  ") for told in results.leaks.findings]
        notes += [printing.paragraph(f"OFF LABEL  {told}", "  ") for told in results.leaks.off_label]
        notes += [printing.paragraph(told, "  ") for told in results.leaks.unsearched]
    return ["\n".join(notes)] if notes else []


def _worst(labels: Sequence[LabelResult]) -> list[str]:
    count = sum(len(item.failures) for item in labels)
    what = "mistake is" if count == 1 else "mistakes are"
    told = f"{count:,} {what} listed by isoline failure list JOB; the window shows the traces, too"
    return [told] * (count > 0)


def cost_words(cost: EvaluationCost) -> str:
    """What an evaluation would compute, before it is started."""
    head: list[tuple[str, object]] = [("Evaluation", f"{cost.model} on {cost.cohort}, {cost.mode}")]
    head.append(("Predicts", f"{_count(cost.labels, 'label')}, {_count(cost.targets, 'measured number')}"))
    head.append(("Recordings", f"{cost.records:,}, of which {cost.to_embed:,} are to be embedded"))
    if cost.trainings:
        head.append(("Training", f"{cost.trainings:,} times {_count(cost.epochs, 'epoch')}, {cost.crops:,} crops"))
    head.append(("Time", "not known yet" if cost.seconds is None else f"about {duration(cost.seconds)}"))
    return "\n".join([printing.fields(head), *(printing.paragraph(told) for told in cost.basis)])


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
