import json
import re
from dataclasses import replace

import pytest
from pdf_text import page_texts
from report_factory import certificate, estimate, evidence_of, make_dossier

from app.governance.dossier import Dossier
from app.governance.evidence import printable
from app.report.build import render
from app.report.evidence import evidence_document
from engine.contract.calibration import CalibrationResults, CurvePoint, OverallResults
from engine.contract.operating import AtPrevalence, OperatingPoint, ThresholdCurve
from engine.contract.results import Estimate, Interval, LabelResult
from engine.contract.subgroups import GroupResult, SubgroupResults
from engine.contract.utility import NetBenefit, UtilityResults

METHOD = "Wilson score, design effect 1.18 over patients, 67.7 effective recordings"


def number(value: float, half: float = 0.05, method: str = METHOD) -> Estimate:
    return Estimate(
        value=value, interval=Interval(low=value - half, high=value + half, method=method), records=155, patients=155
    )


def calibration() -> CalibrationResults:
    told = {name: number(0.1) for name in ("intercept", "ici", "e50", "e90", "emax", "ece")}
    curve = [CurvePoint(predicted=x / 10, observed=x / 11, low=x / 14, high=x / 10) for x in range(1, 9)]
    return CalibrationResults(observed_expected=number(1.071), slope=number(0.837), curve=curve, **told)


def groups() -> SubgroupResults:
    poor = Estimate(not_estimable="insufficient evidence: the group has 3 positive patients")
    shown = GroupResult(
        group="female",
        state="lower",
        estimate=number(0.612),
        complement=number(0.733),
        gap=number(-0.121),
        adjusted_p=0.0004,
        correction="Holm",
    )
    lacking = GroupResult(group="80+", state="insufficient evidence", estimate=poor, complement=poor, gap=poor)
    return SubgroupResults(
        attribute="sex", measure="AUROC", overall=number(0.7), groups=[shown, lacking], least_patients=10
    )


def full(label: str) -> LabelResult:
    """A label of which everything is told."""
    rates = {"sensitivity": 0.771, "specificity": 0.652, "ppv": 0.433, "npv": 0.894}
    point = OperatingPoint(
        threshold=0.313,
        rule="largest Youden index",
        chosen_on="training patients",
        true_positives=24,
        false_negatives=7,
        false_positives=31,
        measures={name: number(value) for name, value in rates.items()},
        elsewhere=[
            AtPrevalence(
                prevalence=0.025,
                ppv=number(0.0537, 0.01),
                npv=number(0.991, 0.004),
                alerts_per_100=number(35.87, 4),
                screened_per_finding=Estimate(not_estimable="no finding"),
            )
        ],
    )
    benefits = [
        NetBenefit(
            threshold=0.01 + 0.1 * step,
            model=number(0.2 - 0.03 * step),
            treat_all=0.2 - 0.1 * step,
            avoided=number(0.1),
            gain=number(0.02),
        )
        for step in range(5)
    ]
    return LabelResult(
        label=label,
        auroc=estimate(0.74, 31),
        operating=point,
        curve=ThresholdCurve(
            thresholds=[0.9, 0.1],
            true_positives=[3, 31],
            false_positives=[1, 124],
            positives=31,
            negatives=124,
            distinct=2,
        ),
        calibration=calibration(),
        overall=OverallResults(brier=number(0.153), scaled_brier=number(0.2), log_loss=number(0.4)),
        utility=UtilityResults(prevalence=0.2, points=benefits),
        subgroups=[groups()],
    )


def text_of(dossier: Dossier) -> str:
    return re.sub(r"\s+", " ", " ".join(page_texts(render(dossier))).replace("\u00a0", " "))


@pytest.fixture(scope="module")
def told() -> Dossier:
    """A dossier of which the first model's evaluation tells everything, the others' AUROC alone."""
    return make_dossier(
        labels={"MI": 31},
        evaluations={0: {"labels": [full("MI")]}},
        pretrainings=(),
        example=None,
    )


@pytest.fixture(scope="module")
def text(told: Dossier) -> str:
    return text_of(told)


def test_the_rates_at_a_threshold_stand_with_intervals_rule_and_whom_it_was_chosen_on(text: str) -> None:
    for needle in ("0.771 0.721 to 0.821", "0.433 0.383 to 0.483", "0.313; largest Youden index", "24, 7, 31"):
        assert needle in text
    assert "chosen on training patients" in text


def test_predictive_values_at_a_local_prevalence_stand_with_alerts_and_their_intervals(text: str) -> None:
    for needle in ("2.5 %", "0.054 0.044 to 0.064", "0.991 0.987 to 0.995", "35.9 31.9 to 39.9", "no finding"):
        assert needle in text


def test_a_section_in_use_stands_for_models_whose_evaluation_tells_of_it_and_no_other(told: Dossier, text: str) -> None:
    assert f"In use: {told.models[0].card.name}" in text
    assert text.count("In use: ") == 2, "once in the contents, once as a heading"


def test_calibration_is_told_as_numbers_and_drawn_beside_the_decision_curve(text: str) -> None:
    for needle in ("1.071 1.021 to 1.121", "0.837 0.787 to 0.887", "MI: calibration", "MI: decision curve"):
        assert needle in text


def test_a_gap_is_told_with_its_verdict_and_corrected_p(text: str) -> None:
    assert "−0.121" in text
    assert "lower" in text
    assert "corrected by Holm" in text
    assert "< 0.001" in text


def test_a_group_of_too_few_patients_is_named_and_has_no_number(text: str) -> None:
    assert "Insufficient evidence" in text
    assert "sex: 80+ (MI)" in text
    assert "need 10 patients of each class" in text


def test_a_method_is_named_once_whatever_sizes_it_was_used_on(text: str) -> None:
    assert "a Wilson score. " in text
    assert "67.7 effective" not in text


def test_the_annex_of_the_selftest_names_each_statistic_and_what_it_was_held_against(text: str) -> None:
    for needle in ("Self-test of the statistics", "All 45 numbers equal", "net benefit", "dcurves 1.1.7", "abab"):
        assert needle in text


def test_the_signed_evidence_carries_the_certificate(told: Dossier) -> None:
    document = json.loads(evidence_document(told))
    assert document["selftest"]["references_sha256"] == "ab" * 32
    assert document["selftest"]["right"] is True


def test_a_wrong_number_says_that_the_figures_cannot_be_relied_on(told: Dossier) -> None:
    text = text_of(replace(told, certificate=certificate(wrong=1)))
    assert "1 of 45 numbers are wrong on this machine" in text
    assert "cannot be relied on" in text
    assert "rare, at 0.1" in text


def test_a_selftest_that_could_not_be_run_is_said_with_its_reason(told: Dossier) -> None:
    text = text_of(replace(told, certificate=None, untested="engine: it cannot be started"))
    assert "The self-test has no result: engine: it cannot be started." in text


def test_curves_and_worst_recordings_stay_out_of_the_evidence_and_what_is_printed_stays_in(told: Dossier) -> None:
    paths = [path for path, _ in printable(told.models[0].evaluation.model_dump(mode="json"))]
    assert "labels.0.calibration.slope.value" in paths
    assert "labels.0.operating.measures.ppv.interval.low" in paths
    assert not [path for path in paths if re.search(r"\.curve\.|\.points\.(?!0\.model\.)|\.failures\.", path)]


def test_differences_carry_corrected_p_and_what_they_show_against_the_margin(told: Dossier) -> None:
    rows = told.comparison.differences
    judged = [
        one.model_copy(update={"adjusted_p": 0.0421, "correction": "Holm", "verdict": "not shown"}) for one in rows
    ]
    changed = told.comparison.model_copy(update={"differences": judged, "margin": 0.03})
    plain = {one.evaluation_job: one.evaluation.model_dump(mode="json") for one in told.models}
    plain[told.comparison_job] = changed.model_dump(mode="json")
    text = text_of(replace(told, comparison=changed, evidence=evidence_of(plain), leaks=None))
    assert "p 0.042 (Holm); non-inferiority not shown, margin 0.03" in text
    assert "p values are corrected for the number of comparisons (Holm), intervals are not." in text


def test_differences_that_nobody_corrected_say_so(text: str) -> None:
    assert "Differences are not adjusted for the number of comparisons." in text


def test_of_flags_agreement_net_benefit_at_one_point_and_gaps_of_rates_are_printed() -> None:
    point = NetBenefit(threshold=0.2, model=number(0.123), treat_all=0.0, avoided=number(0.1), gain=number(0.123))
    whole = full("MI")
    rates = {"kappa": number(0.456), "sensitivity_intended": number(0.567), "specificity_intended": number(0.678)}
    assert whole.operating is not None
    operating = whole.operating.model_copy(update={"measures": whole.operating.measures | rates})
    pages = [
        page.model_copy(update={"measure": name}) for name in ("Sensitivity", "Specificity") for page in [groups()]
    ]
    nowhere = Estimate(not_estimable="a flag is one point: there is nothing to rank")
    flag = {"auroc": nowhere, "calibration": None, "overall": None, "recalibration": None, "curve": None}
    flag |= {"judged_as": "flag", "operating": operating, "subgroups": pages}
    label = whole.model_copy(update=flag | {"utility": UtilityResults(prevalence=0.2, points=[point])})
    text = text_of(make_dossier(labels={"MI": 31}, evaluations={0: {"labels": [label]}}, pretrainings=(), example=None))
    assert "Flags: one point, so nothing is ranked" in text
    for value in ("0.456", "0.123", "0.567", "0.678"):
        assert value in text
    assert "Sensitivity and Specificity in each group" in text
    assert "sex: 80+ (sensitivity of MI, specificity of MI)" in text
    assert "there are flags, no probabilities" in text
