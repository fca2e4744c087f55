"""Evaluations, a comparison and costs of models with all that the figures of a comparison are drawn from."""

from fake_workspace import LABELS, MODELS, comparison, estimate, evaluation

from engine.contract.calibration import CalibrationResults, CurvePoint
from engine.contract.efficiency import BatchCost, EfficiencyResults, Flops
from engine.contract.evaluation import FewLabelPoint, FewLabelResults, TargetResult
from engine.contract.operating import OperatingPoint, ThresholdCurve
from engine.contract.ranking import AverageRank, CategoryRanks, Ranking, TaskRank, TaskRanks
from engine.contract.regression import RegressionResults
from engine.contract.results import CompareResults, Estimate, EvaluateResults, LabelResult, ScalingFit
from engine.contract.subgroups import GroupResult, SubgroupResults
from engine.contract.utility import NetBenefit, UtilityResults

ORDER = {name: place for place, name in enumerate(MODELS)}
CURVE = ThresholdCurve(
    thresholds=[0.9, 0.6, 0.2],
    true_positives=[0, 6, 10],
    false_positives=[0, 5, 40],
    positives=10,
    negatives=90,
    distinct=3,
)


def rich(model: str) -> EvaluateResults:
    """An evaluation whose labels carry curves, calibration, utility and subgroups, and one with few labels."""
    bare = evaluation(model)
    return bare.model_copy(update={"labels": [_rich(label) for label in bare.labels], "few_labels": few_labels()})


def _rich(label: LabelResult) -> LabelResult:
    point = OperatingPoint(
        threshold=0.6,
        rule="largest Youden index",
        chosen_on="training patients",
        true_positives=6,
        false_negatives=4,
        false_positives=5,
        true_negatives=85,
    )
    more = {
        "auprc": estimate(0.4, 0.1),
        "curve": CURVE,
        "operating": point,
        "calibration": calibration(),
        "utility": utility(),
        "subgroups": [subgroups()],
    }
    return label.model_copy(update=more)


def calibration() -> CalibrationResults:
    curve = [CurvePoint(predicted=x, observed=0.9 * x, low=0.8 * x, high=min(1.0, 1.1 * x)) for x in (0.1, 0.4, 0.8)]
    names = ("observed_expected", "intercept", "ici", "e50", "e90", "emax", "ece")
    return CalibrationResults(**dict.fromkeys(names, estimate(0.1, 0.05)), slope=estimate(0.9, 0.2), curve=curve)


def utility() -> UtilityResults:
    points = [
        NetBenefit(
            threshold=at,
            model=estimate(0.1 - 0.1 * at, 0.05, bounded=False),
            treat_all=0.1 - at,
            avoided=estimate(0.1, 0.1),
            gain=estimate(0.0, 0.1, bounded=False),
        )
        for at in (0.05, 0.2, 0.5)
    ]
    return UtilityResults(prevalence=0.1, points=points)


def subgroups() -> SubgroupResults:
    few = Estimate(not_estimable="3 patients with the label, 10 are needed", records=3, patients=3)
    groups = [
        GroupResult(
            group="female",
            state="lower",
            estimate=estimate(0.6, 0.1),
            complement=estimate(0.8, 0.1),
            gap=estimate(-0.2, 0.1, bounded=False),
        ),
        GroupResult(group="male", state="insufficient evidence", estimate=few, complement=few, gap=few),
    ]
    return SubgroupResults(
        attribute="sex", measure="AUROC", overall=estimate(0.7, 0.1), groups=groups, least_patients=10
    )


def few_labels() -> FewLabelResults:
    points = [
        FewLabelPoint(
            share=share, patients=100 * share, records=120 * share, macro=estimate(value, 0.03), repeats=[value] * 5
        )
        for share, value in ((1.0, 0.8), (0.5, 0.75), (0.25, 0.65))
    ]
    law = ScalingFit(series="demo", metric="1 - macro AUROC", a=0.8, b=0.5, c=0.12, points=3)
    return FewLabelResults(points=points, fit=law)


def ranked(models: tuple[str, ...] = MODELS) -> Ranking:
    """Ranks over the labels, best model last."""
    told = [
        AverageRank(model=name, rank=estimate(3.0 - n, 0.5, bounded=False), first=None) for n, name in enumerate(models)
    ]
    tasks = [
        TaskRanks(
            task=label,
            category="labels",
            models=[TaskRank(model=name, score=0.7, rank=1) for name in models],
            counted=True,
        )
        for label in LABELS
    ]
    every = CategoryRanks(category="labels", tasks=len(LABELS), models=told)
    return Ranking(
        models=list(models), tasks=tasks, categories=[every], overall=every, average="median", rule="shares the rank"
    )


def compared() -> CompareResults:
    """A comparison with ranks, tests, a margin, and differences of another measure."""
    bare = comparison()
    test = {"p_value": 0.02, "adjusted_p": 0.0004, "correction": "Holm", "verdict": "non-inferior"}
    tested = [one.model_copy(update=test if one.label == "macro" else {}) for one in bare.differences]
    further = [
        one.model_copy(update={"measure": "Brier", "estimate": estimate(-0.01, 0.02, bounded=False)})
        for one in bare.differences
        if one.label == "MI"
    ]
    return bare.model_copy(update={"ranking": ranked(), "differences": tested, "further": further, "margin": 0.05})


def measured(model: str, error: float) -> EvaluateResults:
    """An evaluation that predicts a number, too."""
    names = RegressionResults.model_fields.keys() - {"between_sd", "within_sd", "notes"}
    found = RegressionResults(**{name: estimate(12.0, 2.0, bounded=False) for name in names})
    target = TargetResult(target="QTc", unit="ms", regression=found, standardised_mae=estimate(error, 0.1))
    return rich(model).model_copy(update={"targets": [target], "macro_mae": estimate(error, 0.1)})


def costs(model: str, parameters: int, p50_ms: float | None = 3.0) -> EfficiencyResults:
    """What a model takes, its time measured on one processor."""
    flops = {name: 2_000_000 for name in Flops.model_fields if name != "note"}
    problem = "" if p50_ms else "out of memory"
    return EfficiencyResults(
        model=model,
        model_sha256=evaluation(model).model_sha256,
        backbone="s4",
        crop_s=2.5,
        rate_hz=240,
        tokens=600,
        parameters=parameters,
        trainable=parameters,
        flops=Flops(**flops),
        costs=[BatchCost(device="cpu", device_name="a processor", threads=1, batch=1, p50_ms=p50_ms, problem=problem)],
        seconds=1.0,
    )
