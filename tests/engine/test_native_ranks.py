"""Counts along sorted scores by compiled code: scikit-learn's numbers, numpy's bits, tested before use."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from engine.metrics.discrimination import Ranked, auroc
from engine.metrics.precision_recall import average_precision, resampled_precision
from engine.metrics.uncertainty import draw_multiplicities
from engine.native import ranks
from engine.native.loading import SWITCH, Kernels

needs_library = pytest.mark.skipif(not ranks.ready(), reason=f"compiled code is off: {ranks.ranks().reason}")
compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(compiler is None, reason="there is no C compiler here")


def build(folder, right="", wrong=""):
    """The source, changed, as a library without vector instructions."""
    source, library = folder / "ranks.c", folder / "ranks.so"
    text = ranks.SOURCE.read_text(encoding="utf-8")
    assert right in text
    source.write_text(text.replace(right, wrong) if right else text, encoding="utf-8")
    flags = ["-std=c11", "-O1", "-shared", "-fPIC", f"-DISOLINE_SOURCE={ranks.digest_of(ranks.SOURCE)}"]
    subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
    return library


@needs_compiler
def test_a_plain_build_of_the_rank_sums_passes_its_self_test(tmp_path):
    assert ranks.load(build(tmp_path)).library is not None


@needs_compiler
@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("drawn * below[b]", "drawn * positive[b]", "rank_sums"),
        ("<< twice", "<< 1", "rank_sums"),
        ("area_B + start, area", "area_B, area", "average_precisions"),
        ("gained[b] = 0", "gained[b] = 1", "average_precisions"),
    ],
)
def test_a_wrong_build_of_the_rank_sums_is_not_used(tmp_path, right, wrong, name):
    assert ranks.load(build(tmp_path, right, wrong)).reason == f"failed its self-test: {name}"


@pytest.mark.parametrize("resamples", [1, 127, 128, 300])
@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_every_resample_equals_scikit_learn_whatever_ties(resamples, decimals):
    rng = np.random.default_rng(resamples + decimals)
    patient_N = rng.integers(40, size=150)
    y_N = (rng.random(150) < 0.3).astype(float)
    score_N = np.round(rng.normal(size=150) + y_N, decimals)
    weight_PB, ranked = draw_multiplicities(40, resamples, seed=1), Ranked.of(y_N, score_N, patient_N)
    areas_B, precision_B = ranked.resampled(weight_PB), resampled_precision(ranked, weight_PB)
    for column in range(0, resamples, 61):
        weight_N = weight_PB[patient_N, column].astype(float)
        assert areas_B[column] == pytest.approx(roc_auc_score(y_N, score_N, sample_weight=weight_N), abs=1e-12)
        told = average_precision_score(y_N, score_N, sample_weight=weight_N)
        assert precision_B[column] == pytest.approx(told, abs=1e-12)
    alone = average_precision(y_N, score_N)
    assert alone == pytest.approx(average_precision_score(y_N, score_N), abs=1e-12)


@needs_library
@given(
    rows=st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 4)), min_size=0, max_size=30),
    seed=st.integers(0, 99),
)
def test_compiled_and_numpy_agree_to_the_bit_and_on_what_is_undefined(rows, seed):
    y_N, score_N, patient_N = (np.array([row[place] for row in rows], dtype=float) for place in range(3))
    ranked = Ranked.of(y_N, score_N, patient_N.astype(np.intp))
    weight_PB = np.random.default_rng(seed).integers(0, 3, size=(5, 9), dtype=np.int16)
    by_numpy = weight_PB.astype(np.float64)
    assert ranked.compiled_weights(by_numpy) is None
    np.testing.assert_array_equal(ranked.resampled(weight_PB), ranked.resampled(by_numpy))
    np.testing.assert_allclose(
        resampled_precision(ranked, weight_PB), resampled_precision(ranked, by_numpy), rtol=0, atol=1e-14
    )


@needs_library
def test_weights_that_the_loops_cannot_hold_are_left_to_numpy():
    ranked = Ranked.of(np.array([0.0, 1.0] * 4), np.arange(8.0), np.zeros(8, dtype=np.intp))
    assert ranked.compiled_weights(np.array([[1, -1]], dtype=np.int16)) is None
    assert not ranks.fits(np.array([[30_000]], dtype=np.int16), 40_000)
    assert ranked.resampled(np.array([[30_000]], dtype=np.int16))[0] == auroc([0, 1] * 4, np.arange(8))


@needs_library
def test_a_step_of_a_patient_without_weights_is_refused():
    weight_PB, act_M = np.ones((2, 4), dtype=np.int16), np.zeros(1, dtype=np.uint8)
    with pytest.raises(TypeError, match="without weights"):
        ranks.rank_sums(np.array([2], dtype=np.int32), act_M, weight_PB)
    with pytest.raises(TypeError, match="side by side"):
        ranks.rank_sums(np.array([1], dtype=np.int64), act_M, weight_PB)


def test_switched_off_the_same_numbers_come_from_numpy(monkeypatch):
    monkeypatch.setenv(SWITCH, "off")
    assert ranks.ranks.__wrapped__().reason == f"switched off by {SWITCH}"
    monkeypatch.setattr(ranks, "ranks", lambda: Kernels(None, "off"))
    weight_PB = draw_multiplicities(6, 50, seed=2)
    ranked = Ranked.of(np.array([0.0, 1, 1, 0, 0, 1]), np.array([1.0, 1, 2, 2, 0, 3]), np.arange(6))
    off = ranked.resampled(weight_PB), resampled_precision(ranked, weight_PB)
    monkeypatch.undo()
    np.testing.assert_array_equal(off[0], ranked.resampled(weight_PB))
    np.testing.assert_allclose(off[1], resampled_precision(ranked, weight_PB), rtol=0, atol=1e-14)
