"""Lint: every rule with a case that it finds and one that it lets pass."""

import numpy as np
import pytest
from vetting_cases import FEED, LOGITS, Fake, golden, sums, whole_card

from engine.contract.card import Lineage, Output
from engine.contract.errors import WorldError
from engine.contract.vetting import RULES, GraphPort, Sensitivity, SensitivityItem, VettedGraph, VettedSandbox
from engine.evaluation.vetting.card_rules import WEIGHT_OF, check_isolation, check_the_card
from engine.evaluation.vetting.findings import Findings
from engine.evaluation.vetting.graph_rules import check_the_graph
from engine.evaluation.vetting.subject import ENDPOINT, Subject, check_the_batches, of_the_machine
from engine.evaluation.vetting.unit_rules import check_the_units
from engine.evaluation.vetting.value_rules import check_the_values
from engine.evaluation.vetting.weighing import weighed
from engine.signal.normalise import CONSTANTS


def of_card(**more):
    told = Findings()
    check_the_card(whole_card(**more), told)
    return told


def weights(told, rule):
    return [(one.subject, one.weight) for one in told.found if one.rule == rule]


def graph(*shape, dtype="float32", outputs=("logits",), more=()):
    ports = [GraphPort(name="signal", dtype=dtype, shape=list(shape)), *more]
    return VettedGraph(inputs=ports, outputs=[GraphPort(name=name, dtype="float32") for name in outputs])


def of_graph(told_graph, feed=FEED, outputs=(LOGITS,)):
    told = Findings()
    check_the_graph(told_graph, feed, outputs, told)
    return told


def of_values(array, output, windows=None):
    told = Findings()
    check_the_values({output.name: array}, [output], len(array) if windows is None else windows, told)
    return told


def spread(rows=20, classes=2, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, classes))


def test_a_whole_card_passes_every_rule_of_cards():
    told = of_card()
    assert told.found == []
    assert told.passed == ["contract", "declined", "missing", "licence", "population"]


@pytest.mark.parametrize("path", ["preprocessing.units", "preprocessing.means", "lineage.corpus", "population"])
def test_what_a_maker_declined_is_a_finding_with_the_weight_of_its_field(path):
    assert weights(of_card(declined=(path,)), "declined") == [(path, WEIGHT_OF.get(path, "note"))]


def test_what_was_declined_is_not_told_again_as_unknown():
    told = of_card(lineage=Lineage(objective="x", backbone="y", parameters=1), declined=("lineage.corpus",))
    assert weights(told, "missing") == []
    assert weights(told, "declined") == [("lineage.corpus", "serious")]


def test_what_nobody_told_and_was_assumed_is_a_finding():
    told = of_card(assumed=("preprocessing.units", "preprocessing.padding"))
    assert weights(told, "missing") == [("preprocessing.units", "serious"), ("preprocessing.padding", "note")]


def item(name, field, verdict):
    return SensitivityItem(name=name, field=field, title=name.capitalize(), verdict=verdict)


def test_what_is_assumed_weighs_what_an_error_in_it_was_seen_to_do():
    names = ("units", "polarity", "means", "rate_hz", "axes")
    told = of_card(assumed=tuple(f"preprocessing.{name}" for name in names))
    items = [
        item("gain_up", "units", "no difference"),
        item("inverted", "polarity", "works, only worse"),
        item("one_constant", "deviations", "not tried"),
        item("rate_half", "rate_hz", "works, differs"),
    ]
    page = Sensitivity(records=1, patients=1, where="shipped ECGs", loss=0.01, items=items)
    found = {one.subject.partition(".")[2]: one for one in weighed(told.found, page)}
    assert {name: found[name].weight for name in names} == {
        "units": "note", "polarity": "serious", "means": "serious", "rate_hz": "serious", "axes": "serious"
    }  # fmt: skip
    assert found["units"].found.endswith("made wrong it makes no difference")
    assert found["polarity"].found.endswith("nobody would notice (inverted)")
    assert found["rate_hz"].found.endswith("made wrong it changes the answers")
    assert found["means"].found == "nobody told it: what stands there is assumed"


def test_an_unknown_corpus_weighs_more_than_an_unknown_developer():
    told = of_card(developer="unknown", lineage=Lineage(objective="x", backbone="y", parameters=1))
    assert dict(weights(told, "missing")) == {"developer": "note", "lineage.corpus": "serious"}
    assert "cannot be searched for" in next(one.found for one in told.found if one.subject == "lineage.corpus")


def test_an_unknown_licence_is_serious_and_a_forbidden_use_without_a_reason_blocks():
    assert weights(of_card(licence="unknown"), "licence") == [("licence", "serious")]
    assert weights(of_card(non_commercial=True), "licence") == [("reason", "blocking")]
    assert weights(of_card(non_commercial=True, reason="a study"), "licence") == []
    told = of_card(permitted_use="unknown", non_commercial=None)
    assert dict(weights(told, "licence")) == {"permitted_use": "note", "non_commercial": "note"}


def test_a_card_without_rules_of_eligibility_gets_a_note():
    assert weights(of_card(eligibility=()), "population") == [("eligibility", "note")]


def test_a_contract_that_this_program_cannot_keep_blocks():
    assert weights(of_card(preprocessing=None), "contract") == [("preprocessing", "blocking")]
    told = of_card(preprocessing=FEED.model_copy(update={"filters": "wavelet"}))
    assert weights(told, "contract") == [("preprocessing", "blocking")]
    assert "wavelet" in told.found[0].found


def test_isolation_that_lacks_something_is_serious_and_an_endpoint_is_told():
    told = Findings()
    check_isolation(VettedSandbox(complete=True, means=["bubblewrap"]), told)
    assert told.passed == ["sandbox"]
    check_isolation(VettedSandbox(complete=False, missing=["the network"]), told)
    check_isolation(VettedSandbox(complete=False, told=ENDPOINT), told)
    assert [one.weight for one in told.found] == ["serious", "note"]
    assert "the network" in told.found[0].found


def test_a_graph_that_fits_its_card_passes():
    told = of_graph(graph("batch", 12, 100))
    assert told.found == []
    assert told.passed == ["inputs", "input-type", "axes", "leads", "window", "outputs"]


def test_a_file_that_tells_nothing_leaves_its_rules_unchecked():
    told = of_graph(None)
    assert set(told.unchecked) == {"inputs", "input-type", "axes", "leads", "window", "outputs"}
    assert not told.passed


def test_a_second_input_blocks():
    told = of_graph(graph("b", 12, 100, more=(GraphPort(name="age", dtype="float32", shape=["b"]),)))
    assert weights(told, "inputs") == [("", "blocking")]
    assert "signal, age" in told.found[0].found


def test_whole_numbers_as_input_block_and_half_precision_passes():
    assert weights(of_graph(graph("b", 12, 100, dtype="int64")), "input-type") == [("signal", "blocking")]
    assert "input-type" in of_graph(graph("b", 12, 100, dtype="float16")).passed
    assert "input-type" in of_graph(graph("b", 12, 100, dtype="")).unchecked


def test_another_number_of_axes_blocks_and_names_the_words_that_would_fit():
    told = of_graph(graph("b", 1, 12, 100))
    assert weights(told, "axes") == [("preprocessing.axes", "blocking")]
    assert "batch 1 lead time" in told.found[0].advice
    turned = of_graph(graph("b", 1, 12, 100), FEED.model_copy(update={"axes": "batch 1 lead time"}))
    assert turned.found == []


def test_leads_and_time_that_stand_the_other_way_round_are_told_so():
    told = of_graph(graph("b", 100, 12))
    assert weights(told, "axes") == [("preprocessing.axes", "blocking")]
    assert "batch time lead" in told.found[0].advice
    assert set(told.unchecked) == {"leads", "window"}
    assert of_graph(graph("b", 100, 12), FEED.model_copy(update={"axes": "batch time lead"})).found == []


def test_another_number_of_channels_blocks_and_a_free_axis_is_not_judged():
    assert weights(of_graph(graph("b", 8, 100)), "leads") == [("preprocessing.leads", "blocking")]
    assert "leads" in of_graph(graph("b", "channels", 100)).unchecked


def test_a_window_of_another_length_blocks_and_tells_which_rate_would_fit():
    told = of_graph(graph("b", 12, 500))
    assert weights(told, "window") == [("preprocessing.window_s", "blocking")]
    assert told.found[0].advice == "Correct the card: 5 s at 100 Hz, or 1 s at 500 Hz"
    assert "window" in of_graph(graph("b", 12, "time")).unchecked


def test_an_output_that_the_graph_lacks_blocks_and_one_that_the_card_lacks_is_a_note():
    told = of_graph(graph("b", 12, 100, outputs=("scores", "embedding")))
    assert weights(told, "outputs") == [("logits", "blocking"), ("scores", "note"), ("embedding", "note")]


def batches(most, shape=("batch", 12, 100)):
    told, subject = Findings(), Subject(lambda: Fake(sums, most))
    subject.try_sizes(np.ones((3, 12, 100), dtype=np.float32))
    check_the_batches(subject, graph(*shape), told)
    return told, subject


def test_a_declared_free_batch_that_fails_above_one_is_told_and_run_one_by_one():
    told, subject = batches(1)
    assert [(one.rule, one.weight) for one in told.found] == [("batch", "note")]
    assert "declares a free batch axis, and it fails on 2 and 64" in told.found[0].found
    assert subject.taken == (1,)
    assert len(subject.raw(np.ones((5, 12, 100)))["logits"]) == 5


def test_a_fixed_batch_of_one_is_told_as_what_it_is():
    told, _ = batches(1, (1, 12, 100))
    assert "its graph takes 1 window at a time" in told.found[0].found


def test_batches_that_work_pass():
    told, subject = batches(64)
    assert told.found == []
    assert subject.taken == (1, 2, 64)


def test_a_model_that_fails_on_one_window_does_not_run():
    told, _ = batches(0)
    assert [(one.rule, one.weight) for one in told.found] == [("runs", "blocking")]
    assert "batch" in told.unchecked


def test_outputs_that_do_not_begin_with_the_windows_are_no_batches():
    subject = Subject(lambda: Fake(lambda x: {"logits": x.sum(axis=0)}))
    subject.try_sizes(np.ones((3, 12, 100), dtype=np.float32))
    assert "does not begin with the axis of windows" in subject.refused[2]


def test_a_machine_that_cannot_run_models_is_no_finding():
    def start():
        raise WorldError("sandbox", "it cannot be set up", "Look", fault="sandbox_unavailable")

    with pytest.raises(WorldError) as caught:
        Subject(start).try_sizes(np.ones((1, 12, 100), dtype=np.float32))
    assert of_the_machine(caught.value)


def test_classes_that_do_not_match_their_axis_block_and_a_second_axis_is_suggested():
    assert of_values(spread(), LOGITS).found == []
    assert weights(of_values(spread(classes=5), LOGITS), "classes") == [("logits", "blocking")]
    over_time = LOGITS.model_copy(update={"over_time": "mean"})
    told = of_values(np.random.default_rng(0).normal(size=(4, 2, 50)), over_time)
    assert told.found[0].advice == "Say in the card that its classes stand second"


def test_time_that_the_card_does_not_reduce_blocks():
    told = of_values(np.random.default_rng(0).normal(size=(4, 50, 2)), LOGITS)
    assert weights(told, "classes") == [("logits", "blocking")]


def test_numbers_that_are_none_are_serious_and_none_at_all_blocks():
    array = spread()
    array[0] = np.nan
    assert weights(of_values(array, LOGITS), "values") == [("logits", "serious")]
    assert weights(of_values(np.full((9, 2), np.inf), LOGITS), "values") == [("logits", "blocking")]
    assert "values" in of_values(spread(), LOGITS).passed


def test_outputs_that_never_move_block_and_a_dead_class_is_named():
    assert weights(of_values(np.ones((9, 2)) * 3, LOGITS), "constant") == [("logits", "blocking")]
    dead = spread()
    dead[:, 1] = -4
    told = of_values(dead, LOGITS)
    assert weights(told, "constant") == [("logits", "serious")]
    assert told.found[0].found.endswith("for: B")
    flags = LOGITS.model_copy(update={"kind": "flag", "activation": "none"})
    assert of_values(np.zeros((9, 2)), flags).found == []


def test_features_that_never_move_are_a_note():
    features = np.concatenate([spread(), np.zeros((20, 3))], axis=1)
    told = of_values(features, Output(name="features", kind="embedding"))
    assert weights(told, "constant") == [("features", "note")]


def softmax(array):
    return np.exp(array) / np.exp(array).sum(axis=1, keepdims=True)


PROBABILITY = Output(name="p", kind="probability", classes=("A", "B"))


def test_probabilities_beyond_0_and_1_block_and_look_like_logits():
    told = of_values(3 * spread(), PROBABILITY)
    assert weights(told, "probabilities") == [("p", "blocking")]
    assert "look like logits" in told.found[0].found
    assert of_values(softmax(spread()), PROBABILITY).found == []
    assert of_values(1 / (1 + np.exp(-spread())), PROBABILITY).found == []  # each class by itself


def test_an_activation_on_top_of_probabilities_is_serious():
    twice = PROBABILITY.model_copy(update={"activation": "sigmoid"})
    assert weights(of_values(softmax(spread()), twice), "probabilities") == [("p", "serious")]


def test_rows_that_nearly_sum_to_1_are_no_softmax():
    told = of_values(0.97 * softmax(spread()), PROBABILITY)
    assert weights(told, "probabilities") == [("p", "serious")]
    assert "0.9700 and 0.9700" in told.found[0].found


def test_flags_are_0_or_1():
    flag = Output(name="f", kind="flag", classes=("AF",))
    assert of_values(np.array([[0.0], [1.0]]), flag).found == []
    assert weights(of_values(np.array([[0.2], [1.0]]), flag), "probabilities") == [("f", "serious")]


def test_logits_between_0_and_1_look_like_probabilities():
    told = of_values(softmax(spread()), LOGITS)
    assert weights(told, "logits") == [("logits", "serious")]
    assert "a softmax has been applied" in told.found[0].found
    assert "as a sigmoid makes them" in of_values(1 / (1 + np.exp(-spread())), LOGITS).found[0].found
    assert of_values(spread(), LOGITS).passed == ["classes", "values", "constant", "probabilities", "logits"]


def test_a_score_that_sums_to_1_may_be_a_probability():
    score = Output(name="s", kind="score", classes=("A", "B"))
    assert weights(of_values(softmax(spread()), score), "logits") == [("s", "note")]


def of_units(deviations, units="mV"):
    feed = FEED.model_copy(
        update={"normalisation": CONSTANTS, "means": (0.0,) * 12, "deviations": deviations, "units": units}
    )
    told = Findings()
    check_the_units(feed, golden(), told)
    return told


def test_constants_in_microvolts_give_away_a_contract_in_millivolts():
    ordinary = (0.15,) * 12
    assert of_units(ordinary).passed == ["units"]
    told = of_units(tuple(1000 * value for value in ordinary))
    assert weights(told, "units") == [("preprocessing.units", "serious")]
    assert told.found[0].advice == "Say in the card: units = uV"
    assert of_units(tuple(1000 * value for value in ordinary), "uV").passed == ["units"]
    assert of_units(ordinary, "uV").found[0].advice == "Say in the card: units = mV"
    assert weights(of_units((5.0,) * 12), "units") == [("preprocessing.deviations", "serious")]


def test_without_constants_the_unit_is_not_judged():
    told = Findings()
    check_the_units(FEED, golden(), told)
    assert "units" in told.unchecked


def test_findings_are_told_the_weightiest_first_and_every_rule_has_a_title():
    told = Findings()
    told.find("licence", "note", "a")
    told.find("axes", "blocking", "b")
    told.find("values", "serious", "c")
    assert [one.weight for one in told.ordered] == ["blocking", "serious", "note"]
    assert all(RULES[one.rule] for one in told.ordered)
