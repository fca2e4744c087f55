"""An evaluation with something in every table, as terminal and window show it. The numbers are made up."""

from engine.contract.calibration import CalibrationResults, CurvePoint, OverallResults
from engine.contract.evaluation import (
    EpochScore,
    EvaluateResults,
    FewLabelPoint,
    FewLabelResults,
    HeadHistory,
    LabelResult,
    TargetResult,
)
from engine.contract.gallery import Failure
from engine.contract.operating import AtPrevalence, EffectiveSize, OperatingPoint, ThresholdCurve
from engine.contract.recalibration import RecalibrationResults
from engine.contract.regression import RegressionResults
from engine.contract.results import Estimate, Interval
from engine.contract.scaling import LabelsNeeded, ScalingFit
from engine.contract.subgroups import GroupResult, SubgroupResults
from engine.contract.utility import NetBenefit, UtilityResults

METHOD = "clustered analytic, logit"
CHOSEN = {"rule": "largest Youden index", "chosen_on": "training patients"}
UNDEFINED = Estimate(not_estimable="no positive recording")


def number(value: float, half: float = 0.05, **more: object) -> Estimate:
    """A number with an interval of that half width."""
    interval = Interval(low=value - half, high=value + half, method=METHOD)
    return Estimate(value=value, interval=interval, records=200, patients=150, **more)


FULL = number(0.842, 0.06, positive_records=27, positive_patients=21, negative_patients=129)


def full_evaluation(model: str = "m") -> EvaluateResults:
    """Two labels, of which one has no positives, and one measured number."""
    return EvaluateResults(
        model=model,
        model_sha256="0" * 64,
        mode="finetuned",
        macro=FULL,
        labels=[full_label(), LabelResult(label="HYP", auroc=UNDEFINED, operating=no_threshold())],
        targets=[heart_rate()],
        macro_mae=number(0.41),
        task="ptbxl-super",
        few_labels=few_labels(),
        training=[HeadHistory(part="test", best_epoch=2, epochs=[epoch(1, 0.7), epoch(2, 0.81), epoch(3, 0.8)])],
        checkpoint="checkpoints/test",
        split_id="s1",
        split_kind="held-out test patients",
        test_sha256="0" * 64,
        records=1155,
        patients=150,
        notes=["8 recordings have no score."],
        seed=0,
        resamples=2000,
        seconds=61.0,
    )


def epoch(n: int, score: float) -> EpochScore:
    return EpochScore(epoch=n, train_loss=0.5, validation=score)


def no_threshold() -> OperatingPoint:
    return OperatingPoint(**CHOSEN, not_estimable="no positives")


def full_label() -> LabelResult:
    """A label of which everything is told."""
    return LabelResult(
        label="MI",
        auroc=FULL,
        auprc=number(0.51),
        prevalence=Estimate(value=0.174, not_estimable="one seed"),
        effective=EffectiveSize(design_effect=1.5, records=1234.4),
        operating=operating(),
        curve=ThresholdCurve(
            thresholds=[0.9, 0.4, 0.1],
            true_positives=[10, 20, 27],
            false_positives=[1, 30, 173],
            positives=27,
            negatives=173,
            distinct=3,
        ),
        calibration=calibration(),
        overall=OverallResults(brier=number(0.11), scaled_brier=number(0.23), log_loss=number(0.4)),
        utility=utility(),
        recalibration=RecalibrationResults(
            correction="intercept", reason="the slope's interval holds 1", brier_change=number(-0.01, 0.004)
        ),
        subgroups=[by_sex()],
        failures=[
            Failure(record="r1", label="MI", kind="false positive", score=0.97, share=0.9),
            Failure(record="r2", label="MI", kind="false negative", score=0.02, share=0.95),
        ],
    )


def operating() -> OperatingPoint:
    measures = dict.fromkeys(("sensitivity", "specificity", "ppv", "npv", "alerts_per_100"), FULL)
    there = AtPrevalence(prevalence=0.02, ppv=FULL, npv=FULL, alerts_per_100=FULL, screened_per_finding=UNDEFINED)
    return OperatingPoint(**CHOSEN, threshold=0.4, measures=measures, elsewhere=[there])


def calibration() -> CalibrationResults:
    curve = [CurvePoint(predicted=x, observed=x * 0.9, low=x * 0.8, high=x) for x in (0.1, 0.4, 0.8)]
    ideal = {name: number(1.07) for name in ("observed_expected", "slope")}
    zero = {name: number(0.031, 0.01) for name in ("intercept", "ici", "e50", "e90", "emax", "ece")}
    return CalibrationResults(**ideal, **zero, curve=curve, curve_method="loess")


def utility() -> UtilityResults:
    points = [net_benefit(0.05, -0.01), net_benefit(0.1, 0.02), net_benefit(0.2, 0.03), net_benefit(0.4, 0.0)]
    return UtilityResults(prevalence=0.174, points=points)


def net_benefit(threshold: float, gain: float) -> NetBenefit:
    gains = number(gain, 0.005)
    return NetBenefit(threshold=threshold, model=number(0.1), treat_all=0.05, avoided=number(0.2), gain=gains)


def by_sex(attribute: str = "sex", measure: str = "AUROC") -> SubgroupResults:
    few = Estimate(not_estimable="3 patients with the label")
    groups = [
        GroupResult(
            group="female",
            state="lower",
            estimate=number(0.79),
            complement=number(0.87),
            gap=number(-0.08, 0.03),
            p_value=0.004,
            adjusted_p=0.008,
            correction="Holm",
        ),
        GroupResult(group="unknown", state="insufficient evidence", estimate=few, complement=FULL, gap=few),
    ]
    return SubgroupResults(attribute=attribute, measure=measure, overall=FULL, groups=groups, least_patients=10)


def heart_rate() -> TargetResult:
    names = ("mae", "rmse", "r2", "bias", "lower_limit", "upper_limit", "slope")
    values = dict(zip(names, (4.2, 6.1, 0.83, -0.4, -11.0, 10.2, 0.97), strict=True))
    told = RegressionResults(**{name: number(value) for name, value in values.items()})
    return TargetResult(target="heart rate", unit="1/min", regression=told, standardised_mae=number(0.41))


def few_labels() -> FewLabelResults:
    points = [
        FewLabelPoint(
            share=s, patients=150 * s, records=1155 * s, macro=number(0.85 - 0.05 / s / 10), repeats=[0.8] * 5
        )
        for s in (1.0, 0.5, 0.25)
    ]
    fit = ScalingFit(series="macro", metric="1 - AUROC", a=0.6, b=0.21, c=0.05, points=3)
    needed = Estimate(not_estimable="more than ten times the labelled patients that there are")
    return FewLabelResults(
        points=points,
        fit=fit,
        needed=LabelsNeeded(series="macro", metric="1 - AUROC", target=0.1, labels=needed, fit=fit),
        notes=["Five repeats a size"],
    )
