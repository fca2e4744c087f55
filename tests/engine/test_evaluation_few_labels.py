"""Few-label curves: nested subsets, repeats that cannot learn a label, the law and the labels needed."""

import numpy as np
import pytest

from engine.contract.evaluation import FewLabels
from engine.evaluation.few_labels import _subset, few_label_results, nested_order, probes
from engine.evaluation.probe import parts_of


def made(patients=160, seed=0):
    rng = np.random.default_rng(seed)
    y_N = (rng.random(2 * patients) < 0.4).astype(float)
    y_N = np.repeat(y_N[::2], 2)
    x_ND = rng.standard_normal((2 * patients, 6))
    x_ND[:, 0] += 1.3 * y_N
    names = [f"p{n // 2:03}" for n in range(2 * patients)]
    split = ["test" if n // 2 % 2 else "train" for n in range(2 * patients)]
    return x_ND, y_N[:, None], names, split


def test_a_smaller_subset_is_part_of_every_larger_one_and_holds_whole_patients():
    _, y_NL, names, split = made()
    part = parts_of(split)[0]
    before = np.zeros(len(names), dtype=bool)
    for share in (0.1, 0.25, 0.5, 1.0):
        chosen_N = _subset(part, np.array(names), y_NL, share, np.random.default_rng((3, 1, 0)))
        assert (chosen_N >= before).all()
        assert not (chosen_N & ~part.train_N).any()
        assert chosen_N[::2].tolist() == chosen_N[1::2].tolist()
        before = chosen_N
    assert (before == part.train_N).all()


def test_every_beginning_of_an_order_holds_the_labels_in_about_their_shares():
    y_PL = np.zeros((100, 1))
    y_PL[:20] = 1
    order = nested_order(y_PL, np.random.default_rng(0))
    for size in (10, 25, 50, 75):
        assert abs(y_PL[order[:size]].mean() - 0.2) <= 1 / size + 1e-9


def test_a_curve_rises_with_labelled_patients_and_tells_how_many_a_target_needs():
    x_ND, y_NL, names, split = made()
    settings = FewLabels(shares=(1.0, 0.5, 0.25, 0.1), repeats=6, target=0.75)
    told = few_label_results(settings, x_ND, y_NL, names, split, series="m", seed=1)
    assert [point.share for point in told.points] == [1.0, 0.5, 0.25, 0.1]
    assert [len(point.repeats) for point in told.points] == [1, 6, 6, 6]
    assert [round(point.patients) for point in told.points] == [80, 40, 20, 8]
    assert told.points[0].macro.value > told.points[-1].macro.value
    assert told.points[0].macro.not_estimable == "no interval: all training patients are one subset"
    assert told.points[1].macro.interval.low < told.points[1].macro.value < told.points[1].macro.interval.high
    assert told.fit.metric == "1 - macro AUROC"
    assert told.needed.target == 0.25
    again = few_label_results(settings, x_ND, y_NL, names, split, series="m", seed=1)
    assert again == told


def test_a_repeat_that_cannot_learn_a_label_has_no_macro_and_is_counted():
    x_ND, y_NL, names, split = made(60)
    rare_N = np.zeros(len(names))
    rare_N[np.flatnonzero(np.array(split) == "train")[:4]] = 1
    rare_N[np.flatnonzero(np.array(split) == "test")[:4]] = 1
    told = few_label_results(
        FewLabels(shares=(1.0, 0.1), repeats=8), x_ND, np.c_[y_NL, rare_N], names, split, series="m", seed=0
    )
    lost = told.points[1].repeats.count(None)
    assert 0 < lost <= 8
    assert any(f"{lost} of 8 repeats cannot learn every label" in note for note in told.notes)


def test_all_patients_are_one_subset_and_one_probe():
    assert probes(FewLabels(shares=(1.0, 0.5, 0.25), repeats=7)) == 15


def test_fewer_than_five_repeats_are_refused():
    with pytest.raises(ValueError, match="greater than or equal to 5"):
        FewLabels(repeats=4)
