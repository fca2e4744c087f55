"""What the Evaluate page says of an evaluation, in words and rows; plain functions of results, without widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app import printing
from app.core.evaluation_rows import EvaluationRow
from app.core.rows import JobRow
from app.ui.form_words import sentence
from app.ui.interval_table import MINUS
from app.ui.run_facts import Fact
from app.ui.signs import STATE_WORDS
from app.ui.tiles import Figure
from app.useful_risks import useful_risks
from engine.contract.calibration import CalibrationResults, OverallResults
from engine.contract.evaluation import EvaluateResults, HeadHistory, LabelResult, TargetResult
from engine.contract.operating import NAMES, OperatingPoint
from engine.contract.results import Estimate
from engine.contract.subgroups import GroupResult, SubgroupResults


@dataclass(frozen=True)
class ListedEvaluation:
    """One line of the list, as its delegate draws it."""

    row: EvaluationRow

    @property
    def job(self) -> JobRow:
        """The run."""
        return self.row.job

    @property
    def text(self) -> str:
        """The second line: what was done, and how far it is."""
        job, told = self.row.job, [self.row.job.job_id, self.row.mode]
        if job.state != "done":
            told[1:1] = [STATE_WORDS[job.state]]
            if job.progress.total and job.state != "queued":
                told.insert(2, f"{100 * job.progress.done // job.progress.total} %")
        return "  ".join(told)

    @property
    def collapsed(self) -> bool:
        """An evaluation has nothing that could collapse; the list's delegate asks."""
        return False

    @property
    def score(self) -> str:
        """The number that sums it up: macro AUROC, else the mean error of its measured numbers."""
        if self.row.macro is not None:
            return _short(self.row.macro)
        return f"{_short(self.row.macro_mae)} SD" if self.row.macro_mae is not None else ""

    @property
    def score_tip(self) -> str:
        """That number with its interval."""
        if self.row.macro is not None:
            return f"Macro AUROC {printing.estimate(self.row.macro)}"
        if self.row.macro_mae is not None:
            return f"Mean error of measured numbers {printing.estimate(self.row.macro_mae)} standard deviations"
        return "No results yet"


@dataclass(frozen=True)
class SubgroupLine:
    """One group of an attribute against everybody else."""

    attribute: str
    measure: str
    group: GroupResult


def about(results: EvaluateResults) -> str:
    """On whom and how, in one line."""
    told = [
        f"{results.mode[:1].upper()}{results.mode[1:]}",
        f"{results.records:,} recordings of {results.patients:,} patients, {results.split_kind}",
    ]
    if results.task:
        told.insert(0, f"Task {results.task}")
    if results.missing_scores:
        told.append(f"{results.missing_scores:,} without a score")
    return ". ".join(told) + "."


def headline(results: EvaluateResults) -> list[Figure]:
    """The numbers that come first."""
    told = []
    if results.labels:
        told.append(Figure("Macro AUROC", _short(results.macro), _interval(results.macro), tip=_method(results.macro)))
    if results.macro_mae is not None:
        below, tip = _interval(results.macro_mae), "Mean absolute error in standard deviations of the training patients"
        told.append(Figure("Mean error, SD", _short(results.macro_mae), below, tip=tip))
    told.append(Figure("Recordings", f"{results.records:,}", f"{results.patients:,} patients"))
    gaps = [group.state for label in results.labels for one in label.subgroups for group in one.groups]
    if gaps:
        lower = gaps.count("lower")
        unsure = f"{gaps.count('insufficient evidence'):,} of {len(gaps):,} cannot be told"
        told.append(Figure("Groups that do worse", f"{lower:,}", unsure, "warn" if lower else "muted"))
    return told


def warnings_of(results: EvaluateResults) -> list[str]:
    """What speaks against relying on the numbers: leaks that were found, and what nobody has looked for."""
    if results.leaks is None:
        return []
    return [*(f"Leak: {told}" for told in results.leaks.findings), *results.leaks.unsearched]


def label_facts(label: LabelResult) -> list[Fact]:
    """All that is told of one label, line by line; nothing where nothing was told."""
    told = [Fact("AUROC", number(label.auroc))]
    if label.auroc.beside is not None:
        beside = label.auroc.beside
        told.append(Fact("Interval beside it", f"{beside.low:.3f} to {beside.high:.3f}, {beside.method}"))
    if label.auprc is not None:
        told.append(Fact("AUPRC", number(label.auprc)))
    if label.prevalence is not None:
        told.append(Fact("Prevalence", f"{number(label.prevalence)}: the AUPRC that chance gives"))
    if label.effective is not None and label.effective.records:
        told.append(Fact("Effective recordings", f"{label.effective.records:,.0f}, as far as precision goes"))
    told += _operating(label.operating)
    told += _calibration(label.calibration, label.overall)
    if label.utility is not None:
        told.append(Fact("Worth acting on", f"at risks of {useful_risks(label.utility)}"))
    if label.recalibration is not None:
        one = label.recalibration
        brier = None if one.correction == "none" else one.brier_change
        change = "" if brier is None else f", Brier {number(brier, signed=True)}"
        offered = f"{one.correction}{change}. {sentence(one.reason)}"
        told.append(Fact("Correction offered", one.not_estimable or offered))
    return told


def _operating(point: OperatingPoint | None) -> list[Fact]:
    """The threshold and what it finds and misses, here and elsewhere."""
    if point is None:
        return []
    if point.not_estimable:
        return [Fact("Threshold", f"none: {point.not_estimable}")]
    values = [point.threshold] if point.threshold is not None else point.thresholds
    cut = f"{values[0]:.3g}" if len(values) == 1 else f"{min(values):.3g} to {max(values):.3g}, each fold its own"
    told = [Fact("Threshold", f"{cut.replace('-', MINUS)} ({point.how})")]
    told += [Fact(NAMES[name], number(value)) for name, value in point.measures.items()]
    for there in point.elsewhere:
        where = f"At a prevalence of {100 * there.prevalence:.3g} %"
        alerts = "" if there.alerts_per_100.value is None else f", {there.alerts_per_100.value:.1f} alerts per 100"
        told.append(Fact(where, f"PPV {number(there.ppv)}, NPV {number(there.npv)}{alerts}"))
    return told


def _calibration(told: CalibrationResults | None, overall: OverallResults | None) -> list[Fact]:
    """Whether predicted risks come true, each number with what is ideal."""
    facts = []
    if told is not None:
        facts += [
            Fact("Observed / expected", f"{number(told.observed_expected)}, ideal 1"),
            Fact("Calibration slope", f"{number(told.slope)}, ideal 1"),
            Fact("Calibration intercept", f"{number(told.intercept, signed=True)}, ideal 0"),
            Fact("Mean distance (ICI)", f"{number(told.ici)}, ideal 0"),
        ]
    if overall is not None:
        facts.append(Fact("Brier score", f"{number(overall.brier)}; scaled {number(overall.scaled_brier)}, ideal 1"))
    return facts


def subgroup_lines(subgroups: Sequence[SubgroupResults]) -> list[SubgroupLine]:
    """Every group of every attribute."""
    return [SubgroupLine(one.attribute, one.measure, group) for one in subgroups for group in one.groups]


def subgroups_told(subgroups: Sequence[SubgroupResults]) -> str:
    """What has to be known to read the table of groups."""
    if not subgroups:
        return "No subgroups were asked for, or nothing is known of the patients' sex, age or device."
    least = max(one.least_patients for one in subgroups)
    unknown = sum(one.unknown_records for one in subgroups)
    corrected = sorted({group.correction for one in subgroups for group in one.groups if group.correction})
    told = [f"Each group against everybody else. Fewer than {least:,} patients of a class are insufficient evidence."]
    if corrected:
        told.append(f"p values corrected by {' and '.join(corrected)}.")
    if unknown:
        told.append(f"{unknown:,} times a recording's group is not known.")
    return " ".join(told)


def target_values(target: TargetResult) -> dict[str, str]:
    """The numbers of one measured number by the title of their column."""
    told = target.regression
    low, high = told.lower_limit, told.upper_limit
    limits = number(low) if low.value is None or high.value is None else f"{low.value:.3g} to {high.value:.3g}"
    return {
        "Mean absolute error": number(told.mae),
        "RMSE": _short(told.rmse),
        "R²": number(told.r2),
        "Bias": number(told.bias, signed=True),
        "Limits of agreement": limits.replace("-", MINUS),
        "Slope": _short(told.slope),
    }


def training_facts(histories: Sequence[HeadHistory], checkpoint: str) -> list[Fact]:
    """Which epoch was kept in each trained part."""
    told = []
    for one in histories:
        best = next((epoch for epoch in one.epochs if epoch.epoch == one.best_epoch), None)
        score = "" if best is None or best.validation is None else f", {best.validation:.3f} on validation patients"
        told.append(Fact(f"Trained for {one.part}", f"epoch {one.best_epoch:,} of {len(one.epochs):,}{score}"))
    return [*told, *([Fact("Trained model", f"{checkpoint} in the run's folder")] if checkpoint else [])]


def number(value: Estimate, signed: bool = False) -> str:
    """A number with its interval, with a minus as wide as the plus."""
    return printing.estimate(value, signed).replace("-", MINUS) if value.value is not None else printing.estimate(value)


def _short(value: Estimate | None) -> str:
    return "n/e" if value is None or value.value is None else f"{value.value:.3f}"


def _interval(value: Estimate) -> str:
    if value.interval is None:
        return "no interval"
    return f"{value.interval.low:.3f} to {value.interval.high:.3f}"


def _method(value: Estimate) -> str:
    return value.interval.method if value.interval is not None else value.not_estimable
