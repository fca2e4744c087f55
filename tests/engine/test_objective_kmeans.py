"""K-means against scikit-learn: the same Lloyd iteration from the same starts, starts as good on average."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans, kmeans_plusplus

from engine.objectives.kmeans import assign, kmeans, lloyd, spread


def clouds(count=600, width=5, centres=12, seed=0):
    generator = np.random.default_rng(seed)
    places = generator.normal(0, 4, (centres, width))
    return torch.from_numpy(places[generator.integers(0, centres, count)] + generator.normal(0, 1, (count, width)))


def uniforms(count, seed=0):
    return torch.rand(count, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_from_the_same_starts_it_ends_where_scikit_learn_does(dtype):
    rows = clouds().to(dtype)
    start = rows[:12]
    found = lloyd(rows, start, 300, 0.0)
    peer = KMeans(12, init=start.numpy(), n_init=1, max_iter=300, tol=0, algorithm="lloyd").fit(rows.numpy())
    torch.testing.assert_close(
        found.centres_KD.double(), torch.from_numpy(peer.cluster_centers_).double(), atol=1e-4, rtol=0
    )
    assert found.inertia == pytest.approx(peer.inertia_, rel=1e-5)
    assert assign(rows, found.centres_KD).tolist() == peer.labels_.tolist()


def test_over_many_starts_it_is_as_good_as_scikit_learn():
    rows = clouds(seed=1)
    ours = [kmeans(rows, uniforms(12, seed)).inertia for seed in range(30)]
    theirs = [
        KMeans(12, init=kmeans_plusplus(rows.numpy(), 12, random_state=seed, n_local_trials=1)[0], n_init=1)
        .fit(rows.numpy())
        .inertia_
        for seed in range(30)
    ]
    assert min(ours) == pytest.approx(min(theirs), rel=0.02)
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.06)


def test_starts_are_drawn_by_squared_distance():
    """Three rows on a line at 0, 1, 3: after 0 the row at 3 is nine times as likely as the row at 1."""
    rows = torch.tensor([[0.0], [1.0], [3.0]])
    first_is_0 = 0.1
    drawn = [int(spread(rows, torch.tensor([first_is_0, u]))[1]) for u in torch.linspace(0, 0.9999, 1001)]
    assert drawn.count(0) == 0
    assert drawn.count(1) == pytest.approx(100, abs=2)
    assert drawn.count(2) == pytest.approx(901, abs=2)


def test_starts_are_different_rows_while_there_are_any():
    rows = clouds(40, 3)
    assert sorted(spread(rows, uniforms(40)).tolist()) == list(range(40))


def test_rows_that_all_coincide_end_in_one_place_without_an_error():
    rows = torch.ones(20, 3)
    found = kmeans(rows, uniforms(4))
    assert found.inertia == 0
    assert torch.equal(found.centres_KD, torch.ones(4, 3))


def test_an_empty_centre_goes_to_the_row_that_is_farthest_from_its_own():
    rows = torch.tensor([[0.0], [0.2], [10.0]])
    found = lloyd(rows, torch.tensor([[0.1], [500.0]]), 20, 0.0)
    assert sorted(found.centres_KD.flatten().tolist()) == pytest.approx([0.1, 10.0])


def test_the_same_numbers_give_the_same_centres():
    rows = clouds()
    assert torch.equal(kmeans(rows, uniforms(8)).centres_KD, kmeans(rows, uniforms(8)).centres_KD)
    assert not torch.equal(kmeans(rows, uniforms(8)).centres_KD, kmeans(rows, uniforms(8, 1)).centres_KD)
