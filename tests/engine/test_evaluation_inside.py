"""Layers and embeddings of the models of a comparison, on the recordings that both embedded."""

import numpy as np
import pytest

from engine.evaluation.inside import Embedded, similarities, spreads
from engine.metrics.cka import Patients, debiased_cka
from engine.metrics.uncertainty import draw_multiplicities

N = 60
PATIENTS = Patients(np.repeat(np.arange(30), 2), draw_multiplicities(30, 100, 0))
IDS = [f"r{n}" for n in range(N)]


def model(name, seed, ids=IDS, hole=None):
    rng = np.random.default_rng(seed)
    layers = {layer: rng.standard_normal((N, 6)).astype(np.float32) for layer in ("stem", "block1")}
    if hole is not None:
        layers["block1"][hole] = np.nan
    return Embedded(name, ids, layers)


def compared(*models, rbf_share=None):
    return similarities(models, PATIENTS, rbf_share=rbf_share, confidence=0.95, seed=0, on_pair=lambda done: None)


def test_the_first_model_is_compared_with_itself_and_every_other():
    told = compared(model("a", 1), model("b", 2), model("c", 3))
    assert [(one.rows, one.columns) for one in told] == [("a", "a"), ("a", "b"), ("a", "c")]
    np.testing.assert_allclose(np.diag(np.array(told[0].values)), 1, atol=1e-6)
    assert told[0].p_values[0][0] < 0.01 < told[1].p_values[0][0]


def test_recordings_are_matched_by_their_ids_and_those_that_one_model_refused_are_left_out():
    first, order = model("a", 1), np.random.default_rng(9).permutation(N)
    moved = Embedded("b", [IDS[n] for n in order], {name: x[order] for name, x in first.layers.items()})
    assert compared(first, moved)[1].values[1][1] == pytest.approx(1, abs=1e-6)
    holed = model("b", 2, hole=[3, 4, 5])
    told = compared(first, holed)[1]
    kept = np.setdiff1d(np.arange(N), [3, 4, 5])
    assert told.records == 57
    assert told.values[0][0] == pytest.approx(debiased_cka(first.layers["stem"][kept], holed.layers["stem"][kept]))


def test_a_gaussian_kernel_says_so_in_its_method():
    assert "RBF CKA, width 0.5 of the median distance" in compared(model("a", 1), rbf_share=0.5)[0].method


def test_the_last_layer_of_each_model_is_looked_at():
    told = spreads([model("a", 1), model("b", 2, hole=[0])], PATIENTS, 0.95)
    assert [(one.model, one.layer, one.records, one.features) for one in told] == [
        ("a", "block1", 60, 6),
        ("b", "block1", 59, 6),
    ]
    assert told[0].alignment.patients == 30
    assert told[0].uniformity.interval is not None
