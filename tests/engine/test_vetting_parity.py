"""Parity: our numbers against a vendor's, what he feeds, and what a certificate says of it."""

import numpy as np
import pytest
from vetting_cases import FEED, LOGITS, Fake, golden, loaded, sums, whole_card

from engine.contract.card import Output
from engine.contract.errors import WorldError
from engine.data.reference_outputs import Reference
from engine.evaluation.vetting.golden_run import answered, fed, golden_page
from engine.evaluation.vetting.input_hints import hint
from engine.evaluation.vetting.parity import Comparison, as_windows, certificate, compare
from engine.evaluation.vetting.subject import Subject

RECORDS = golden()
LEADS = FEED.leads


def truth(x_NCT):
    """Written out by hand: sigmoid of each window's logits, then the mean over windows."""
    logits_NK = np.stack([x_NCT[:, 0].std(axis=1), x_NCT[:, -1].std(axis=1)], axis=1).astype(np.float64) * 10 - 1
    return (1 / (1 + np.exp(-logits_NK))).mean(axis=0)


def our_answers(model=None, answer=sums):
    subject = Subject(lambda: Fake(answer))
    subject.taken = (1, 2, 64)
    model = model or loaded(answer)
    told, _ = answered(subject, model, fed(RECORDS, FEED))
    return told, model, subject


def compared(reference, share=1e-3, answer=sums):
    told, model, subject = our_answers(answer=answer)
    return compare(reference, told, model, subject, share)


def reference(change=lambda values: values, **more):
    numbers = {(one.name, "logits"): change(truth(one.x_NCL)) for one in fed(RECORDS, FEED)}
    return Reference(numbers, **more)


def test_the_same_numbers_meet():
    found = compared(reference())
    assert found.verdict == "met"
    (page,) = found.outputs
    assert (page.records, page.values, page.met) == (4, 8, True)
    assert page.largest_absolute < 1e-6
    assert page.limit == pytest.approx(1e-3)  # a probability's range counts as 1


def test_the_largest_difference_is_told_with_its_place():
    def moved(values):
        return values + np.array([0.0, 0.002])

    found = compared(reference(moved))
    assert found.verdict == "not met"
    (page,) = found.outputs
    assert page.largest_absolute == pytest.approx(0.002, abs=1e-6)
    assert page.worst.endswith(", B")
    theirs = np.concatenate([moved(truth(one.x_NCL)) for one in fed(RECORDS, FEED)])
    ours = np.concatenate([truth(one.x_NCL) for one in fed(RECORDS, FEED)])
    assert page.largest_relative == pytest.approx(np.abs((ours - theirs) / theirs).max(), rel=1e-3)
    assert compared(reference(moved), share=0.01).verdict == "met"


def test_the_tolerance_is_a_share_of_an_outputs_own_range():
    features = Output(name="logits", kind="embedding")

    def large(x_NCT):
        return {"logits": 1000 * x_NCT.std(axis=2)}

    model = loaded(large, (features,))
    told, _, subject = our_answers(model, large)
    numbers = {(one.name, "logits"): one.numbers["logits"] + 0.1 for one in told}
    page = compare(Reference(numbers), told, model, subject, 1e-3).outputs[0]
    spread = np.ptp(np.concatenate(list(numbers.values())))
    assert page.range == pytest.approx(spread)
    assert page.limit == pytest.approx(1e-3 * spread)
    assert page.met == (spread > 100)


def test_a_number_that_is_none_on_our_side_is_as_far_as_can_be():
    def broken(x_NCT):
        return {"logits": np.full((len(x_NCT), 2), np.nan)}

    found = compared(reference(), answer=broken)
    assert found.verdict == "not met"
    assert found.outputs[0].largest_absolute == 1.0


def test_a_reference_of_which_a_part_cannot_be_compared_is_not_met():
    given = reference()
    given.numbers["unheard", "logits"] = np.array([0.5, 0.5])
    assert compared(given).left_out == ["unheard, logits: there is no number of ours"]
    given = reference()
    given.numbers["g0", "logits"] = np.array([0.5, 0.5, 0.5])
    found = compared(given)
    assert "different shapes (3 and 2)" in found.left_out[0]
    assert found.verdict == "not met"


def test_places_that_the_vendor_left_open_are_not_compared():
    found = compared(reference(lambda values: np.array([values[0], np.nan])))
    assert (found.verdict, found.outputs[0].values) == ("met", 4)


def test_what_the_network_puts_out_for_each_window_can_be_compared_as_it_is():
    windows = {(one.name, "logits"): sums(one.x_NCL)["logits"].astype(float) for one in fed(RECORDS, FEED)}
    (page,) = compared(Reference(windows=windows)).outputs
    assert (page.compared, page.met, page.values) == ("windows", True, 4 * 4 * 2)


def test_the_vendors_input_tells_preprocessing_from_network():
    inputs = {one.name: 1000.0 * one.x_NCL.astype(float) for one in fed(RECORDS, FEED)}
    numbers = {(name, "logits"): truth(x) for name, x in inputs.items()}
    found = compared(Reference(numbers, inputs=inputs))
    assert found.verdict == "not met"
    by_fed = {page.fed: page.met for page in found.outputs}
    assert by_fed == {"our input": False, "the vendor's input": True}
    assert {one.hint for one in found.inputs} == {
        "the vendor feeds 1,000 times as large: microvolts in place of the contract's unit"
    }


def test_an_input_that_is_no_window_is_left_out_and_told():
    found = compared(reference(inputs={"g0": np.zeros((3, 7))}))
    assert found.left_out == ["g0: the vendor's input (3 x 7) is no window of the contract"]
    shorter = {"g0": fed(RECORDS, FEED)[0].x_NCL[:2].astype(float)}
    assert "cuts 2 windows, the contract 4" in compared(reference(inputs=shorter)).left_out[0]


def test_windows_are_known_whichever_way_their_axes_stand():
    x_NCT = np.random.default_rng(0).normal(size=(3, 12, 100))
    for given in (x_NCT, x_NCT.transpose(0, 2, 1), x_NCT[:, None]):
        np.testing.assert_allclose(as_windows(given, FEED), x_NCT.astype(np.float32))
    np.testing.assert_allclose(as_windows(x_NCT[0], FEED), x_NCT[:1].astype(np.float32))
    one_lead = FEED.model_copy(update={"leads": ("II",)})
    np.testing.assert_allclose(as_windows(x_NCT[:, 0], one_lead), x_NCT[:, :1].astype(np.float32))
    assert as_windows(np.full((1, 12, 100), np.nan), FEED) is None


SIGNAL = fed(RECORDS, FEED)[0].x_NCL.astype(float) * np.linspace(1, 3, 12)[None, :, None]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: -x, "opposite polarity"),
        (lambda x: x / 1000, "a thousandth: millivolts"),
        (lambda x: 2 * x, "2 times the contract's values"),
        (lambda x: x + np.arange(12)[:, None], "another level"),
        (lambda x: x * np.arange(1, 13)[:, None], "other constants"),
        (lambda x: np.random.default_rng(0).normal(size=x.shape), ""),
    ],
)
def test_a_difference_of_inputs_is_told_as_what_it_looks_like(change, said):
    told = hint(SIGNAL, change(SIGNAL), LEADS)
    assert said in told
    assert bool(told) == bool(said)


def test_leads_in_another_order_are_named():
    apart = np.random.default_rng(1).normal(size=(2, 12, 100))  # leads that do not resemble each other
    assert hint(apart, apart[:, ::-1], LEADS) == f"the vendor feeds the leads in the order {', '.join(LEADS[::-1])}"


def test_windows_that_begin_elsewhere_are_told_by_how_much():
    long = np.random.default_rng(2).normal(size=(1, 1, 500))
    assert hint(long[..., :400], long[..., 30:430], ("I",)) == "the vendor's windows seem to begin 30 samples later"
    assert hint(long[..., 30:430], long[..., :400], ("I",)) == "the vendor's windows seem to begin 30 samples earlier"


def test_a_certificate_holds_what_it_was_made_of():
    told = certificate(whole_card(version="6"), FEED, "m" * 64, "g" * 64, compared(reference()), "r" * 64, 1e-3)
    assert (told.verdict, told.version, told.reference_sha256) == ("met", "6", "r" * 64)
    assert {"isoline", "numpy"} <= set(told.versions)
    microvolts = FEED.model_copy(update={"units": "uV"})
    other = certificate(whole_card(), microvolts, "m" * 64, "g" * 64, Comparison(), "", 1e-3)
    assert other.verdict == "no reference supplied"
    assert other.contract_sha256 != told.contract_sha256


def test_golden_answers_are_kept_with_hashes_of_what_went_in_and_came_out():
    told, model, _ = our_answers()
    page = golden_page(RECORDS, fed(RECORDS, FEED), told, model.outputs)
    np.testing.assert_allclose(list(page.answers[0].values["logits"].values()), truth(told[0].x_NCL), atol=1e-6)
    assert len({one.output_sha256 for one in page.answers}) == 4
    again = golden_page(RECORDS, fed(RECORDS, FEED), our_answers()[0], model.outputs)
    assert again == page


def test_a_golden_ecg_that_the_contract_cannot_take_is_told_with_the_reason():
    long = FEED.model_copy(update={"window_s": 30.0})
    page = golden_page(RECORDS, fed(RECORDS, long), [], (LOGITS,))
    assert {one.refused for one in page.answers} == {"it lasts 4.00 s, the model needs 30 s"}


def test_an_ecg_that_the_model_fails_on_is_refused_alone():
    largest = max(float(np.abs(one.x_NCL).max()) for one in fed(RECORDS, FEED))

    def touchy(x_NCT):
        if np.abs(x_NCT).max() >= largest:
            raise WorldError("vendor model", "it fails on its input", "Ask", fault="model_failed")
        return sums(x_NCT)

    subject = Subject(lambda: Fake(touchy))
    subject.taken = (1, 2, 64)
    told, feeds = answered(subject, loaded(touchy), fed(RECORDS, FEED))
    assert len(told) == 3
    assert [one.refused for one in feeds].count("it fails on its input") == 1


def test_answers_of_different_shapes_are_the_models_fault():
    turn = iter(range(100))
    subject = Subject(lambda: Fake(lambda x: {"logits": np.zeros((len(x), 2 + next(turn)))}))
    subject.taken = (1, 2)
    told, feeds = answered(subject, loaded(), fed(RECORDS, FEED))
    assert told == []
    assert {one.refused for one in feeds} == {"its answers to different windows are of different shapes or names"}
