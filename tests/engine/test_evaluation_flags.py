"""Flags and signed categories: one point, held against naive counts; nothing of them is told that needs ranks."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.contract.evaluation import EvaluationSettings
from engine.contract.operating import ThresholdRule
from engine.contract.output_types import WHY_NOT
from engine.evaluation.flags import net_benefit_point, rate_groups, unranked
from engine.evaluation.judge import judge
from engine.evaluation.label_page import Beyond
from engine.evaluation.operating import cuts_of
from engine.metrics.estimates import measure
from engine.metrics.uncertainty import draw_multiplicities

FOLDS = ("fold-1", "fold-2")
SEXES = ("female", "male")
ASKED = EvaluationSettings(subgroups=("sex",), resamples=100)


def judged(y_NL, flag_NL, kinds, sexes=None):
    count, labels = len(y_NL), [f"label {n}" for n in range(y_NL.shape[1])]
    split = [FOLDS[row % 2] for row in range(count)]
    rows_N, people = np.arange(count), [f"p{row}" for row in range(count)]
    cuts = cuts_of(y_NL, flag_NL, split, rows_N, ThresholdRule(), {}, kinds)
    groups = {"sex": sexes} if sexes else {}
    beyond = Beyond(ASKED, y_NL, None, people, split, rows_N, [f"r{row}" for row in range(count)], groups)
    fixed = {"resamples": 100, "confidence": 0.95, "seed": 0}
    return judge(labels, y_NL, flag_NL, people, cuts=cuts, beyond=beyond, kinds=kinds, **fixed)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 1.0, float("nan")])), min_size=6, max_size=40))
def test_a_flag_has_the_rates_of_its_two_by_two_table_and_no_ranking(rows):
    y_N, flag_N = (np.array(side, dtype=float) for side in zip(*rows, strict=True))
    known_N = np.isfinite(flag_N)
    assume(len(set(y_N[known_N])) == 2)
    told = judged(y_N[:, None], flag_N[:, None], ("flag",)).labels[0]
    assert (told.auroc.value, told.auroc.not_estimable, told.curve) == (None, WHY_NOT["flag"], None)
    assert (told.auprc.value, told.auprc.not_estimable) == (None, WHY_NOT["flag"])
    assert (told.calibration, told.overall, told.recalibration) == (None, None, None)
    point, cells = told.operating, np.zeros((2, 2), int)
    for y, flag in zip(y_N[known_N].astype(int), flag_N[known_N].astype(int), strict=True):
        cells[y, flag] += 1
    assert (point.true_positives, point.false_positives) == (cells[1, 1], cells[0, 1])
    assert (point.false_negatives, point.true_negatives) == (cells[1, 0], cells[0, 0])
    assert point.measures["sensitivity"].value == pytest.approx(cells[1, 1] / cells[1].sum())
    assert point.measures["specificity"].value == pytest.approx(cells[0, 0] / cells[0].sum())
    silent = int((~known_N & (y_N == 1)).sum())
    assert point.positives_without_output == silent
    assert point.measures["sensitivity_intended"].value == pytest.approx(cells[1, 1] / (cells[1].sum() + silent))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.1, 0.9))
def test_the_net_benefit_of_a_flag_is_that_of_the_published_formula_at_one_risk(seed, share):
    rng = np.random.default_rng(seed)
    y_N, flag_N = (rng.random(60) < share).astype(float), (rng.random(60) < 0.5).astype(float)
    assume(0 < y_N.sum() < 60)
    weight_PB = draw_multiplicities(60, 100, 0)
    found = net_benefit_point(y_N, flag_N, np.arange(60), weight_PB, 0.95)
    risk, (point,) = y_N.mean(), found.points
    hits, alarms = (y_N * flag_N).sum(), ((1 - y_N) * flag_N).sum()
    assert point.threshold == pytest.approx(risk)
    assert point.model.value == pytest.approx(hits / 60 - alarms / 60 * risk / (1 - risk))
    assert point.treat_all == pytest.approx(0.0, abs=1e-12)


def test_gaps_of_sensitivity_and_specificity_are_told_by_group():
    rng = np.random.default_rng(0)
    y_N, sexes = (rng.random(400) < 0.5).astype(float), [SEXES[row % 2] for row in range(400)]
    flag_N = np.where([sex == "female" for sex in sexes], y_N, 1.0 - (rng.random(400) < 0.5))
    weight_PB = draw_multiplicities(400, 100, 0)
    pages = rate_groups(y_N, flag_N, np.arange(400), weight_PB, {"sex": sexes}, ASKED)
    assert [page.measure for page in pages] == ["Sensitivity", "Specificity"]
    men_N = np.array([sex == "male" for sex in sexes])
    told = {group.group: group for group in pages[0].groups}
    assert told["male"].estimate.value == pytest.approx(flag_N[men_N & (y_N == 1)].mean())
    assert told["male"].gap.value == pytest.approx(flag_N[men_N & (y_N == 1)].mean() - 1.0)
    assert (told["male"].state, pages[0].worst) == ("lower", "male")


def test_a_flag_that_is_never_raised_is_still_a_flag():
    y_N, never_N = np.array([1.0, 0.0] * 10), np.zeros(20)
    told = judged(y_N[:, None], never_N[:, None], ("flag",)).labels[0]
    assert told.auroc.not_estimable == WHY_NOT["flag"]
    assert told.operating.measures["sensitivity"].value == 0.0
    assert judged(y_N[:, None], never_N[:, None], ("score",)).labels[0].auroc.not_estimable == "all scores are equal"


def test_flags_stay_out_of_a_macro_auroc_that_scores_make():
    rng = np.random.default_rng(1)
    y_N = (rng.random(80) < 0.5).astype(float)
    score_N = y_N + rng.normal(size=80)
    both = judged(np.stack([y_N, y_N], 1), np.stack([score_N, (score_N > 0.5).astype(float)], 1), ("score", "category"))
    alone = judged(y_N[:, None], score_N[:, None], ("score",))
    assert both.macro.value == alone.macro.value
    assert [one.judged_as for one in both.labels] == ["score", "category"]
    assert any("left out: label 1" in note for note in both.notes)


def test_counts_stay_when_the_ranking_goes():
    y_N, flag_N = np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0, 1.0])
    whole = measure(y_N, flag_N, np.arange(4), draw_multiplicities(4, 100, 0))
    bare = unranked(whole)
    assert (bare.value, bare.records, bare.positive_patients) == (None, whole.records, whole.positive_patients)
    assert np.isnan(bare.resampled_B).all()
