"""What a wrong contract item does: how it is made, what is measured, and the verdict that a reader gets."""

import json

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score
from vetting_cases import FEED, LOGITS, Fake, golden, sums

from engine.contract.card import Output
from engine.contract.errors import WorldError
from engine.contract.vetting import VERDICTS
from engine.evaluation.vetting.changes import calls, change_of
from engine.evaluation.vetting.contract_faults import FAULTS, Usual, fed_wrong
from engine.evaluation.vetting.losses import Losses
from engine.evaluation.vetting.recordings import of_golden, spread
from engine.evaluation.vetting.verdicts import Seen, verdict
from engine.signal.condition import model_input
from engine.signal.leads import CANONICAL
from engine.signal.normalise import CONSTANTS

BY_NAME = {fault.name: fault for fault in FAULTS}
RECORD = golden(1)[0]
USUAL = Usual(frozenset({500.0}), 10.0)


def wrong(name, feed=FEED):
    return fed_wrong(BY_NAME[name], RECORD.signal_CT, RECORD.rate_hz, feed)


def right(feed=FEED):
    return model_input(RECORD.signal_CT, RECORD.rate_hz, feed)


def idle(name, feed=FEED, usual=USUAL):
    return BY_NAME[name].idle(feed, usual)


def row(lead):
    return CANONICAL.index(lead)


def test_nothing_wrong_is_what_the_contract_feeds():
    np.testing.assert_array_equal(fed_wrong(None, RECORD.signal_CT, RECORD.rate_hz, FEED), right())


def test_units_are_off_by_a_thousand_either_way():
    np.testing.assert_allclose(wrong("gain_up"), 1000 * right(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(wrong("gain_down"), right() / 1000, rtol=1e-4, atol=1e-9)


def test_microvolts_are_clipped_as_if_they_were_millivolts():
    clipped = FEED.model_copy(update={"clip_mv": 3.0})
    assert np.abs(wrong("gain_up", clipped)).max() == 3.0
    np.testing.assert_allclose(wrong("other_unit", clipped), 1000 * right(clipped), rtol=1e-4, atol=1e-3)
    assert idle("other_unit") == "the contract clips nothing"


def test_exchanged_arms_turn_lead_one_and_exchange_two_and_three():
    limb = RECORD.signal_CT.copy()
    limb[2] = limb[1] - limb[0]
    told = fed_wrong(BY_NAME["arms"], limb, RECORD.rate_hz, FEED)
    plain = model_input(limb, RECORD.rate_hz, FEED)
    np.testing.assert_allclose(told[:, 0], -plain[:, 0], atol=1e-5)
    np.testing.assert_allclose(told[:, 1], plain[:, 2], atol=1e-5)
    np.testing.assert_allclose(told[:, 2], plain[:, 1], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("backwards", CANONICAL[::-1]),
        ("cabrera", ("aVL", "I", "aVR", "II", "aVF", "III", *CANONICAL[6:])),
        ("chest_backwards", (*CANONICAL[:6], "V6", "V5", "V4", "V3", "V2", "V1")),
        ("chest_first", (*CANONICAL[6:], *CANONICAL[:6])),
    ],
)
def test_leads_stand_in_the_order_that_the_title_says(name, order):
    np.testing.assert_array_equal(wrong(name), right()[:, [row(lead) for lead in order]])


def test_a_model_of_one_lead_is_given_another():
    one = FEED.model_copy(update={"leads": ("II",)})
    np.testing.assert_array_equal(wrong("other_lead", one)[:, 0], right()[:, 0])
    assert idle("other_lead") == "the contract has several leads"
    assert idle("chest_first", one) == "the contract has too few leads for it"


def test_a_wrong_rate_stretches_time_and_feeds_no_more_windows_than_the_right_one():
    told = wrong("rate_half")
    assert told.shape == right().shape
    slow = model_input(RECORD.signal_CT, RECORD.rate_hz / 2, FEED)
    np.testing.assert_array_equal(told, slow[:4])
    assert len(wrong("rate_double")) == 2
    raw = wrong("unsampled")
    np.testing.assert_allclose(raw[0], RECORD.signal_CT[:, :100], atol=1e-6)


def test_a_rate_is_not_tried_where_it_would_be_another_item_again():
    at_500 = FEED.model_copy(update={"rate_hz": 500.0})
    assert idle("unsampled", at_500) == "all recordings have the contract's rate"
    assert "not resampled" in idle("rate_fifth")
    assert idle("rate_fifth", at_500) == ""


def test_normalisation_filter_and_polarity_are_left_out_or_added():
    constant = FEED.model_copy(
        update={"normalisation": CONSTANTS, "means": (0.0,) * 12, "deviations": tuple(range(1, 13))}
    )
    np.testing.assert_array_equal(wrong("no_normalisation", constant), right())
    np.testing.assert_allclose(wrong("one_constant", constant), right() / 6.5, rtol=1e-5)
    assert np.allclose(wrong("normalised").std(axis=2), 1, atol=1e-3)
    assert idle("no_normalisation")
    assert not idle("normalised")
    assert not idle("filtered")
    filtered = FEED.model_copy(update={"filters": "low-pass 30 Hz, Butterworth order 2, forward"})
    np.testing.assert_array_equal(wrong("no_filter", filtered), right())
    np.testing.assert_array_equal(wrong("inverted"), -right())


def test_windows_may_begin_later_be_fewer_or_be_half_empty():
    np.testing.assert_allclose(wrong("later")[0, :, :50], right()[0, :, 50:], atol=0.05)  # the filter sees other ends
    assert len(wrong("first_window")) == 1
    told = wrong("half_empty")
    assert told.shape == (1, 12, 100)
    assert not told[..., 50:].any()
    ten = FEED.model_copy(update={"window_s": 10.0})
    assert idle("later", ten) == "recordings are shorter than 1.5 windows"
    assert idle("first_window", ten) == "one window of each recording is fed anyhow"


def test_every_item_is_named_once_and_has_a_field_of_the_contract():
    assert len(BY_NAME) == len(FAULTS)
    assert {fault.field for fault in FAULTS} <= set(type(FEED).model_fields)


A, B = np.random.default_rng(0).normal(size=(2, 40, 2))
SCORES = Output(name="logits", kind="score", classes=("A", "B"))


def changed(one, other, output=LOGITS):
    return change_of((output,), {output.name: one}, {output.name: other})


def test_rank_correlation_is_that_of_scipy_ties_included():
    tied = np.round(A, 1)
    expected = np.mean([spearmanr(tied[:, k], B[:, k]).statistic for k in range(2)])
    assert changed(tied, B).spearman == pytest.approx(expected)


def test_the_shift_counts_in_deviations_of_the_right_side():
    told = changed(A, A + np.array([1.0, 2.0]))
    assert told.shift == pytest.approx(np.mean([1 / A[:, 0].std(), 2 / A[:, 1].std()]))
    assert told.spearman == pytest.approx(1)


def test_calls_are_the_largest_class_or_classes_of_one_half_and_up():
    exclusive = Output(name="p", kind="probability", classes=("A", "B", "C"))
    values = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])
    np.testing.assert_array_equal(calls(exclusive, values, values), [[1], [0]])
    apart = np.array([[0.9, 0.8, 0.1], [0.2, 0.5, 0.4]])
    np.testing.assert_array_equal(calls(exclusive, apart, apart), [[1, 1, 0], [0, 1, 0]])
    assert calls(SCORES, values, values) is None
    assert changed(apart, apart[::-1], exclusive).changed_calls == 1.0
    assert changed(A, B, SCORES).changed_calls is None


def test_recordings_without_numbers_on_either_side_are_left_out():
    broken = A.copy()
    broken[:10] = np.nan
    assert changed(A, broken).spearman == pytest.approx(1)
    assert changed(A, np.full_like(A, np.nan)) is None


def test_the_same_answer_for_everybody_and_answers_far_outside_are_seen():
    assert changed(A, np.zeros_like(A)).still
    assert not changed(A, B).still
    assert changed(A, A + 100, SCORES).beyond == 1.0
    assert changed(A, A, SCORES).beyond == 0.0
    assert changed(A, A + 100).beyond == 0.0  # a probability is plausible wherever it lies


def test_answers_are_looked_at_and_embeddings_only_where_there_are_none():
    features = Output(name="features", kind="embedding")
    told = change_of((features, LOGITS), {"features": A, "logits": A}, {"features": B, "logits": A})
    assert told.spearman == pytest.approx(1)
    assert change_of((features,), {"features": A}, {"features": B}).spearman < 0.5


PATIENTS = [f"p{n // 2}" for n in range(200)]
Y = (np.random.default_rng(1).random((200, 2)) < 0.4).astype(float)
GOOD = Y + np.random.default_rng(2).normal(0, 0.5, Y.shape)


def losses():
    return Losses(["x", "y"], Y, PATIENTS, GOOD, 300, 0.95, 0)


def test_a_loss_is_the_difference_of_areas_under_the_curve_with_an_interval():
    noisy = GOOD + np.random.default_rng(3).normal(0, 2, Y.shape)
    told = losses().of(noisy, 0.01)
    expected = [roc_auc_score(Y[:, k], noisy[:, k]) - roc_auc_score(Y[:, k], GOOD[:, k]) for k in range(2)]
    np.testing.assert_allclose([one.change.value for one in told.labels], expected)
    assert told.change.value == pytest.approx(np.mean(expected))
    assert told.change.interval.high < 0
    assert told.lost == ["x", "y"]


def test_a_loss_is_measured_on_recordings_that_both_sides_score():
    partly = GOOD.copy()
    partly[:50] = np.nan
    told = losses().of(partly, 0.01)
    assert told.change.value == pytest.approx(0)
    assert told.labels[0].auroc.records == 150
    assert told.lost == []


def seen(change=None, loss=None, refused=0, lost=0):
    return Seen(records=100, refused=refused, lost=lost, change=change, loss=loss)


def test_most_recordings_refused_or_without_numbers_is_loud():
    assert verdict(seen(changed(A, A), refused=50), 0.01) == ("breaks loudly", "50 of 100 recordings are refused")
    assert verdict(seen(changed(A, A), refused=30, lost=20), 0.01)[0] == "breaks loudly"
    assert verdict(seen(None), 0.01)[0] == "breaks loudly"
    assert verdict(seen(changed(A, A), refused=49), 0.01)[0] == "no difference"


def test_one_answer_for_all_or_answers_far_outside_are_loud():
    assert verdict(seen(changed(A, np.zeros_like(A))), 0.01)[1] == "the model says the same of every recording"
    assert verdict(seen(changed(A, A + 100, SCORES)), 0.01)[0] == "breaks loudly"


def test_a_loss_that_nobody_would_notice_is_the_dangerous_verdict():
    noisy = GOOD + np.random.default_rng(3).normal(0, 1, Y.shape)
    told, why = verdict(seen(changed(GOOD, noisy), losses().of(noisy, 0.01)), 0.01)
    assert told == "works, only worse"
    assert why.startswith("macro AUROC -0.")


def test_one_label_that_loses_beyond_chance_is_dangerous_too():
    one_worse = GOOD.copy()
    one_worse[:, 1] = np.random.default_rng(4).normal(size=200)
    one_worse[:, 0] = Y[:, 0] + 0.5 * (GOOD[:, 0] - Y[:, 0])  # the other gains what this one loses
    loss = losses().of(one_worse, 0.01)
    assert loss.lost == ["y"]
    told, why = verdict(seen(changed(GOOD, one_worse), loss), 0.6)
    assert (told, "AUROC of y" in why) == ("works, only worse", True)


def test_another_order_without_a_loss_or_without_labels_is_told_as_such():
    other = GOOD + np.random.default_rng(5).normal(0, 0.02, Y.shape)
    told, why = verdict(seen(changed(GOOD, other), losses().of(other, 0.05)), 0.05)
    assert told == "works, differs"
    assert "no loss of AUROC of 0.05 was shown" in why
    assert "without labels" in verdict(seen(changed(A, B)), 0.01)[1]
    assert set(VERDICTS) >= {"works, differs", "works, only worse", "breaks loudly", "no difference", "not tried"}


def test_recordings_are_chosen_evenly_and_the_same_ones_every_time():
    np.testing.assert_array_equal(spread(np.arange(10, dtype=np.intp), 4), [0, 3, 6, 9])
    np.testing.assert_array_equal(spread(np.arange(3, dtype=np.intp), 4), [0, 1, 2])
    told = of_golden(golden())
    assert (len(told), told.usual, told.where) == (4, Usual(frozenset({200.0}), 4.0), "shipped ECGs")


class Silent:
    """A run folder's way of telling progress, without a run."""

    total = 0

    def step(self, done):
        self.done = done


def bench(folder, answer=sums, most=10_000):
    from vetting_cases import loaded

    from engine.contract.run import RunFolder
    from engine.evaluation.vetting.bench import Bench

    fakes = []

    def start():
        fakes.append(Fake(answer, most))
        return fakes[-1]

    model = loaded(answer)
    model.start = start
    return Bench(RunFolder(folder), model, of_golden(golden()), 64, Silent()), fakes


EVERY = np.arange(4, dtype=np.intp)


def test_numbers_are_kept_and_taken_from_the_run_folder(tmp_path):
    one, _ = bench(tmp_path)
    told = one.numbers(BY_NAME["gain_up"], EVERY)
    two, fakes = bench(tmp_path)
    two.model.__dict__["layer_widths"] = (2,)
    np.testing.assert_array_equal(two.numbers(BY_NAME["gain_up"], EVERY).features_RF, told.features_RF)
    assert not fakes


def test_a_model_that_fails_on_one_recording_refuses_that_one_alone(tmp_path):
    def touchy(x):
        if np.abs(x).max() > 2:
            raise WorldError("vendor model", "it fails", "Ask", fault="model_failed")
        return sums(x)

    one, fakes = bench(tmp_path, touchy)
    one.model.layer_widths  # noqa: B018  it is asked in quiet
    told = one.numbers(None, EVERY)
    large = np.array([np.abs(model_input(g.signal_CT, g.rate_hz, FEED)).max() > 2 for g in golden()])
    assert large.any()
    assert not large.all()
    np.testing.assert_array_equal(told.refused_R, large)
    assert np.isfinite(told.features_RF[~large]).all()
    assert [fake.closed for fake in fakes] == [1, 1]  # each failure costs a start, when it is next asked


def test_the_whole_page_is_finite_and_survives_json(tmp_path):
    from engine.contract.vetting import Sensitivity, VetConfig
    from engine.evaluation.vetting.sensitivity import measure_sensitivity

    one, _ = bench(tmp_path)
    config = VetConfig.model_construct(loss=0.01, classes={}, labels=())
    told = measure_sensitivity(config, one, EVERY, None)
    assert Sensitivity.model_validate(json.loads(told.model_dump_json())) == told
    assert [item.name for item in told.items] == [fault.name for fault in FAULTS]
    by_name = {item.name: item for item in told.items}
    assert by_name["no_filter"].verdict == "not tried"
    assert by_name["inverted"].verdict == "no difference"  # a size does not know its sign
    assert by_name["chest_first"].verdict == "works, differs"
    assert by_name["gain_up"].why == "the model says the same of every recording"
    assert "Without labels" in " ".join(told.notes)
