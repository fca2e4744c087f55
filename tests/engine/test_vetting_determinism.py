"""Whether the same window gets the same answer: again, in another order, in other batches."""

import numpy as np
import pytest
from vetting_cases import Fake, sums

from engine.evaluation.vetting.determinism import check_determinism, measure_determinism, not_measured
from engine.evaluation.vetting.findings import Findings
from engine.evaluation.vetting.subject import Subject

WINDOWS = np.random.default_rng(0).normal(size=(9, 12, 100)).astype(np.float32)


def measured(answer, most=10_000, repeats=5):
    fake = Fake(answer, most)
    subject = Subject(lambda: fake)
    subject.try_sizes(WINDOWS)
    found = measure_determinism(subject, WINDOWS, repeats)
    told = Findings()
    check_determinism(found, told)
    return found, told


def test_a_function_of_each_window_is_deterministic():
    found, told = measured(sums)
    assert found.state == "deterministic"
    assert found.batches == [1, 2, 8]
    assert (found.outputs[0].by_call, found.outputs[0].by_order, found.outputs[0].by_size) == (0.0, 0.0, 0.0)
    assert told.passed == ["determinism"]


def test_noise_in_a_model_differs_by_call_and_is_told_in_its_own_unit():
    rng = np.random.default_rng(1)
    found, told = measured(lambda x: {"logits": sums(x)["logits"] + 0.5 * (rng.random() - 0.5)})
    assert found.state == "differs by call"
    assert 0 < found.outputs[0].by_call <= 0.5
    assert [(one.rule, one.weight) for one in told.found] == [("determinism", "serious")]


def test_a_model_that_looks_at_its_batch_differs_by_batch():
    found, told = measured(lambda x: {"logits": sums(x)["logits"] - sums(x)["logits"].mean(axis=0)})
    assert found.state == "differs by batch"
    assert found.outputs[0].by_call == 0
    assert found.outputs[0].by_size > 0.01
    assert "depends on what else is in its batch" in told.found[0].found


def test_a_model_that_looks_at_a_windows_place_differs_by_order():
    def placed(x):
        return {"logits": sums(x)["logits"] + np.arange(len(x))[:, None]}

    found, _ = measured(placed)
    assert found.state == "differs by batch"
    assert found.outputs[0].by_order == pytest.approx(7, rel=0.05)


def test_rounding_is_no_difference():
    rng = np.random.default_rng(2)
    found, _ = measured(lambda x: {"logits": sums(x)["logits"] * (1 + 1e-7 * rng.random())})
    assert found.state == "deterministic"
    assert 0 < found.outputs[0].by_call < 1e-5


def test_a_model_that_takes_one_window_at_a_time_cannot_differ_by_batch():
    found, _ = measured(sums, most=1)
    assert (found.state, found.batches) == ("deterministic", [1])
    assert found.outputs[0].by_order is None
    assert "one window at a time" in found.note


def test_an_answer_that_is_missing_now_and_then_is_a_difference():
    turn = iter(range(1000))

    def flaky(x):
        told = sums(x)["logits"].astype(float)
        return {"logits": told if next(turn) % 3 else np.full_like(told, np.nan)}

    assert measured(flaky)[0].state == "differs by call"


def test_a_model_that_does_not_run_is_not_measured():
    told = Findings()
    check_determinism(not_measured("the model does not run"), told)
    assert told.unchecked == {"determinism": "the model does not run"}
