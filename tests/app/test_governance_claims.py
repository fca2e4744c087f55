from dataclasses import replace

import pytest

from app.governance.basis import Basis, Overlap
from app.governance.claims import claims_of, told
from app.governance.dossier import ModelSection, PretrainingSection
from app.governance.evidence import numbers
from app.governance.limits import limits_of
from engine.contract.card import ModelCard
from engine.contract.config import PretrainConfig
from engine.contract.results import (
    CKA,
    CompareResults,
    Difference,
    Estimate,
    EvaluateResults,
    Interval,
    LabelResult,
    PretrainResults,
)

BASIS = Basis(
    records=155,
    patients=150,
    datasets=("local",),
    patient_unknown=0,
    limited_quality=0,
    excluded={},
    folds=True,
    openings=1,
    overlaps=(),
)


def estimate(
    value: float | None, low: float = 0.0, high: float = 1.0, smallest: int = 60, reason: str = ""
) -> Estimate:
    interval = None if value is None else Interval(low=low, high=high, method="patient-clustered bootstrap")
    return Estimate(
        value=value,
        interval=interval,
        not_estimable=reason,
        records=155,
        patients=150,
        positive_patients=smallest,
        negative_patients=90,
    )


def section(
    name: str, macro: Estimate, source: str = "native", labels: dict[str, Estimate] | None = None
) -> ModelSection:
    labels = labels or {"MI": estimate(0.8, 0.7, 0.9)}
    evaluation = EvaluateResults(
        model=name,
        model_sha256="0" * 64,
        mode="linear probe",
        macro=macro,
        labels=[LabelResult(label=label, auroc=value) for label, value in labels.items()],
        split_id="S-1",
        split_kind="out-of-fold over 5 patient folds",
        test_sha256="1" * 64,
        records=155,
        patients=150,
        seed=0,
        resamples=2000,
        seconds=1.0,
    )
    return ModelSection(ModelCard(name=name, source=source), name.ljust(64, "0"), "J0003", evaluation)  # type: ignore[arg-type]


def comparison(macro: Estimate, by_label: dict[str, Estimate] | None = None) -> CompareResults:
    rows = {"macro": macro, **(by_label or {})}
    return CompareResults(
        examined="ours",
        models=["ours", "random"],
        differences=[
            Difference(model="ours", reference="random", label=label, estimate=value) for label, value in rows.items()
        ],
        cka=[CKA(rows="ours", columns="random", row_layers=["a"], column_layers=["a"], values=[[0.5]], records=155)],
        split_id="S-1",
        test_sha256="1" * 64,
        seed=0,
        resamples=2000,
        seconds=1.0,
    )


def said(macro: Estimate, difference: Estimate, by_label: dict[str, Estimate] | None = None) -> str:
    sections = [section("ours", macro), section("random", macro)]
    return " ".join(claims_of(sections, comparison(difference, by_label)))


def trained(seconds: float = 52.0) -> PretrainingSection:
    results = PretrainResults(
        checkpoint="c", weights_sha256="ours".ljust(64, "0"), steps=400, parameters=1, final={}, seconds=seconds
    )
    return PretrainingSection("J0002", PretrainConfig(name="ours"), results, ())


def limits(basis: Basis = BASIS, *sections: ModelSection, pretrainings: tuple[PretrainingSection, ...] = ()) -> str:
    chosen = sections or (section("ours", estimate(0.8, 0.7, 0.9), "random"),)
    return " ".join(limits_of(basis, chosen, pretrainings))


def test_a_difference_whose_interval_includes_zero_is_not_claimed() -> None:
    text = said(estimate(0.8, 0.7, 0.9), estimate(-0.05, -0.12, 0.02))
    assert "These data do not show that 'ours' separates better or worse (difference in macro AUROC) than" in text
    assert "'random' -0.050 (95 % interval -0.120 to +0.020)" in text
    assert "no proof that they are equal" in text
    assert "On this sample 'ours'" not in text


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.0), (0.0, 0.1)])
def test_an_interval_that_touches_zero_includes_it(low: float, high: float) -> None:
    assert "These data do not show" in said(estimate(0.8, 0.7, 0.9), estimate((low + high) / 2, low, high))


def test_a_difference_is_claimed_for_the_better_one_and_for_this_sample_only() -> None:
    other_better = said(estimate(0.8, 0.7, 0.9), estimate(-0.05, -0.08, -0.02))
    assert "On this sample 'ours' separates worse (difference in macro AUROC) than 'random' -0.050" in other_better
    ours_better = said(estimate(0.8, 0.7, 0.9), estimate(0.05, 0.02, 0.08))
    assert "On this sample 'ours' separates better (difference in macro AUROC) than 'random' +0.050" in ours_better


def test_separation_is_claimed_only_above_chance() -> None:
    difference = estimate(0.0, -0.1, 0.1)
    clear = said(estimate(0.8, 0.7, 0.9), difference)
    assert "Better than chance" in clear
    assert "(macro AUROC over the label MI, " in clear
    assert "'ours' 0.800 (95 % interval 0.700 to 0.900); 'random' 0.800" in clear
    assert "Not shown to separate better than chance" in said(estimate(0.55, 0.45, 0.65), difference)
    assert "Worse than chance" in said(estimate(0.3, 0.2, 0.4), difference)


def test_what_cannot_be_estimated_is_said_with_its_reason() -> None:
    nothing = estimate(None, reason="no label has both classes")
    text = said(nothing, nothing)
    assert "No macro AUROC can be stated: 'ours', no label has both classes; 'random', no label" in text
    assert "'ours' cannot be compared with 'random', no label has both classes." in text


def test_findings_on_single_labels_are_called_exploratory() -> None:
    clear, unclear = estimate(0.1, 0.05, 0.2), estimate(0.0, -0.1, 0.1)
    text = said(estimate(0.8, 0.7, 0.9), unclear, {"MI": clear, "AF": unclear})
    assert "stands out for 'ours' against 'random' (better: MI). With 2 labels looked at" in text
    assert "exploratory" in text
    assert "For no single label" in said(estimate(0.8, 0.7, 0.9), unclear, {"MI": unclear})


def test_findings_on_single_labels_follow_the_corrected_p_values_and_not_the_intervals() -> None:
    clear = estimate(0.1, 0.05, 0.2)
    rows = [
        Difference(model="ours", reference="random", label=label, estimate=clear, adjusted_p=p, correction="Holm")
        for label, p in (("MI", 0.0004), ("AF", 0.03), ("LBBB", 0.2))
    ]
    text = " ".join(claims_of([], comparison(clear).model_copy(update={"differences": rows})))
    assert "(better: MI (p < 0.001), AF (p 0.030))" in text
    assert "With 3 labels looked at, p values are corrected over all of them (Holm); this is exploratory." in text
    text = " ".join(claims_of([], comparison(clear).model_copy(update={"differences": rows[2:]})))
    assert "For no single label does the difference between 'ours' and 'random' have a corrected p value below" in text


def test_no_sentence_promises_more_than_numbers_can() -> None:
    everything = said(estimate(0.9, 0.85, 0.95), estimate(0.1, 0.05, 0.2)) + limits(pretrainings=(trained(),))
    for word in ("compliant", "clinically validated", "approved", "certified", "safe to use", "proven", "guarantee"):
        assert word not in everything.lower()


def test_every_claim_and_limit_is_a_whole_sentence() -> None:
    macro = estimate(0.8, 0.7, 0.9)
    rows = claims_of([section("ours", macro), section("random", macro)], comparison(estimate(0.0, -0.1, 0.1)))
    rows += limits_of(BASIS, [section("ours", macro)], [trained()])
    for row in rows:
        assert row[0].isupper() or row[0] in "'0123456789"
        assert row.endswith(".")
        assert ".." not in row


def test_a_value_is_told_with_its_interval_and_confidence() -> None:
    assert told(estimate(0.8125, 0.7554, 0.8611)) == "0.812 (95 % interval 0.755 to 0.861)"
    assert told(estimate(None)) == "not estimable"


def test_a_pretraining_that_saw_the_evaluated_recordings_is_told() -> None:
    seen = replace(BASIS, overlaps=(Overlap("ours", 155, 150),))
    assert "'ours' was pretrained on 155 of the 155 evaluated recordings" in limits(seen)
    assert "transductive" in limits(seen)
    people = replace(BASIS, overlaps=(Overlap("ours", 0, 12),))
    assert "other recordings of 12 of the 150 evaluated patients" in limits(people)
    clean = replace(BASIS, overlaps=(Overlap("ours", 0, 0),))
    assert "was pretrained on" not in limits(clean)


def test_a_model_from_elsewhere_may_have_seen_the_recordings() -> None:
    native = section("ours", estimate(0.8, 0.7, 0.9), "native")
    assert "was not pretrained in this workspace" in limits(BASIS, native)
    assert "was not pretrained in this workspace" not in limits(BASIS, native, pretrainings=(trained(),))


def test_a_brief_pretraining_is_told_with_its_steps_and_no_measured_time() -> None:
    assert "'ours' was pretrained for less than an hour (400 steps)" in limits(pretrainings=(trained(),))
    assert limits(pretrainings=(trained(),)) == limits(pretrainings=(trained(1800.0),))
    assert "less than an hour" not in limits(pretrainings=(trained(7200.0),))


def test_small_classes_are_named() -> None:
    labels = {"MI": estimate(0.8, 0.7, 0.9, smallest=49), "AF": estimate(0.8, 0.7, 0.9, smallest=50)}
    assert "Fewer than 50 patients stand in one class of MI:" in limits(
        BASIS, section("ours", estimate(0.8), "random", labels)
    )


def test_what_is_not_estimable_is_listed() -> None:
    labels = {"MI": estimate(None, reason="no positive recording")}
    assert "'ours', MI: not estimable (no positive recording)." in limits(
        BASIS, section("ours", estimate(0.8), "random", labels)
    )


def test_counts_of_the_sample_are_told_when_they_matter() -> None:
    plain = limits()
    assert "consecutive" in plain
    assert "Where the labels come from is not recorded" in plain
    assert "cross-validated" in plain
    assert "re-identify" in plain
    for absent in ("no patient was named", "limited signal quality", "have been opened", "left out", "supplied as"):
        assert absent not in plain
    grave = replace(
        BASIS, patient_unknown=20, limited_quality=3, openings=9, excluded={"signal unusable": 4}, folds=False
    )
    full = limits(grave, section("vendor", estimate(0.8), "predictions"))
    assert "For 20 of 155 recordings no patient was named" in full
    assert "3 of 155 recordings are of limited signal quality" in full
    assert "have been opened 9 times" in full
    assert "left out of the cohort: 4 signal unusable" in full
    assert "'vendor' was supplied as scores" in full
    assert "cross-validated" not in full


def test_every_number_of_a_result_is_found_once_with_its_path() -> None:
    found = dict(
        numbers({"kind": "x", "macro": {"value": None, "interval": None}, "n": 3, "ok": True, "v": [1.5, [2]]})
    )
    assert found == {"macro.value": None, "n": 3.0, "v.0": 1.5, "v.1.0": 2.0}


def test_how_small_a_difference_could_go_unseen_is_told() -> None:
    text = said(estimate(0.8, 0.7, 0.9), estimate(-0.05, -0.12, 0.02))
    assert "reach up to 0.07 to either side: an advantage smaller than that could go unseen" in text


def test_names_with_braces_stand_in_the_sentence_as_they_are() -> None:
    named = section("{}", estimate(0.8, 0.7, 0.9))
    assert "'{}' 0.800" in claims_of([named], comparison(estimate(0.0, -0.1, 0.1)))[0]


def test_a_model_of_a_study_has_seen_at_most_what_the_study_read_and_is_not_called_unknown() -> None:
    native = section("ours", estimate(0.8, 0.7, 0.9), "native")
    seen = replace(BASIS, overlaps=(Overlap("ours", 120, 118, at_most=True),))
    told = limits(seen, native)
    assert "'ours' was pretrained on at most 120 of the 155 evaluated recordings" in told
    assert "was not pretrained in this workspace" not in told
    assert "was not pretrained in this workspace" in limits(BASIS, native)
