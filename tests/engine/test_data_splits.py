"""Splits never leak a patient, depend on the seed alone, and keep the shares of labels."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.errors import WorldError
from engine.data.splits import holdout, patient_folds, refuse_leak, split_digest

patients_lists = st.lists(st.integers(0, 40).map(lambda i: f"p{i:03d}"), min_size=1, max_size=150)


@given(patients=patients_lists, k=st.integers(2, 6), seed=st.integers(0, 9), data=st.data())
def test_no_patient_is_ever_in_two_folds(patients, k, seed, data):
    if len(set(patients)) < k:
        with pytest.raises(WorldError, match="parts need as many patients"):
            patient_folds(patients, None, k, seed)
        return
    flat = data.draw(st.lists(st.sampled_from([0.0, 1.0, np.nan]), min_size=len(patients), max_size=len(patients)))
    labels = np.array(flat)[:, None]
    folds = patient_folds(patients, labels, k, seed)
    assert sorted(set(folds)) == list(range(k))
    assert len(set(zip(patients, folds, strict=True))) == len(set(patients))


@given(patients=patients_lists, fraction=st.floats(0.05, 0.95), seed=st.integers(0, 9))
def test_no_patient_is_on_both_sides_of_a_holdout(patients, fraction, seed):
    if len(set(patients)) < 2:
        return
    held = holdout(patients, fraction, seed)
    assert held.dtype == np.bool_
    assert 0 < held.sum() < len(patients)
    assert len(set(zip(patients, held, strict=True))) == len(set(patients))


@given(patients=patients_lists.filter(lambda p: len(set(p)) >= 5), order=st.randoms(use_true_random=False))
def test_the_order_of_the_records_does_not_matter(patients, order):
    where = list(range(len(patients)))
    order.shuffle(where)
    labels = np.array([[float(p[-1] in "02468")] for p in patients])
    folds = patient_folds(patients, labels, 5, 3)
    shuffled = patient_folds([patients[i] for i in where], labels[where], 5, 3)
    np.testing.assert_array_equal(shuffled, folds[where])


def test_another_seed_gives_another_division():
    patients = [f"p{i}" for i in range(100)]
    assert (patient_folds(patients, None, 5, 0) != patient_folds(patients, None, 5, 1)).any()
    assert (patient_folds(patients, None, 5, 0) == patient_folds(patients, None, 5, 0)).all()


def test_the_division_never_changes_with_a_version_of_a_library():
    folds = patient_folds([f"p{i}" for i in range(12)], None, 3, 0)
    order = sorted(range(12), key=lambda i: hashlib.sha256(f"0\tp{i}".encode()).digest())
    # All patients weigh the same, so they are dealt out in turn in the order of their hashes.
    assert [int(folds[i]) for i in order] == [0, 1, 2] * 4


def test_every_label_is_shared_out_evenly():
    rng = np.random.default_rng(5)
    patients = [f"p{i}" for i in range(400)]
    labels = (rng.random((400, 3)) < [0.05, 0.2, 0.5]).astype(float)
    folds = patient_folds(patients, labels, 5, 0)
    for column in labels.T:
        counts = np.array([column[folds == fold].sum() for fold in range(5)])
        assert counts.max() - counts.min() <= 2
    assert np.ptp(np.bincount(folds)) <= 6


def test_a_holdout_takes_its_share_of_records_and_of_positives():
    rng = np.random.default_rng(6)
    patients = [f"p{i // 2}" for i in range(600)]
    labels = (rng.random((600, 1)) < 0.1).astype(float)
    held = holdout(patients, 0.2, 1, labels)
    assert held.mean() == pytest.approx(0.2, abs=0.02)
    assert labels[held].sum() == pytest.approx(0.2 * labels.sum(), abs=3)


def test_unknown_labels_are_neither_positive_nor_negative():
    patients = [f"p{i}" for i in range(60)]
    labels = np.full((60, 1), np.nan)
    labels[:10], labels[10:20] = 1, 0
    folds = patient_folds(patients, labels, 5, 0)
    for fold in range(5):
        inside = labels[folds == fold, 0]
        assert (inside == 1).sum() == 2
        assert (inside == 0).sum() == 2


@pytest.mark.parametrize("k", [0, 1])
def test_one_fold_is_no_split(k):
    with pytest.raises(WorldError):
        patient_folds(["a", "b"], None, k, 0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0, 2.0])
def test_a_holdout_of_nothing_or_all_is_refused(fraction):
    with pytest.raises(WorldError):
        holdout(["a", "b"], fraction, 0)


def test_the_digest_names_the_division_and_not_the_order():
    one = split_digest(["r1", "r2", "r3"], ["fold-0", "fold-1", "fold-0"])
    assert one == split_digest(["r3", "r1", "r2"], ["fold-0", "fold-0", "fold-1"])
    assert one != split_digest(["r1", "r2", "r3"], ["fold-0", "fold-0", "fold-0"])
    assert one == hashlib.sha256(b"r1\tfold-0\nr2\tfold-1\nr3\tfold-0\n").hexdigest()


def plain_iterative_stratification(patients, labels, k, seed):
    """Sechidis et al. 2011, algorithm 1, line by line, with patients in place of examples.

    Every label counts twice (who has it, who is known not to have it), and being a record at all is the last label;
    among equals the one whose SHA-256 of seed and name comes first, and the first fold.
    """
    names = sorted(set(patients), key=lambda name: hashlib.sha256(f"{seed}\t{name}".encode()).digest())
    sets = [labels[:, i] == value for value in (1, 0) for i in range(labels.shape[1])]
    sets.append(np.ones(len(patients), dtype=bool))
    count = {name: [sum(marked[i] for i, p in enumerate(patients) if p == name) for marked in sets] for name in names}
    desired = [[sum(count[name][m] for name in names) / k for m in range(len(sets))] for _ in range(k)]
    left, fold = list(names), {}
    labels_left = set(range(len(sets)))
    while left:
        remaining = {m: sum(count[name][m] > 0 for name in left) for m in labels_left}
        rarest = min(remaining, key=lambda m: (remaining[m], m))
        labels_left.remove(rarest)
        for name in [name for name in left if count[name][rarest] > 0]:
            choice = [j for j in range(k) if j not in fold.values()] if len(left) <= k - len(set(fold.values())) else []
            best = max(choice or range(k), key=lambda j: (round(desired[j][rarest], 9), round(desired[j][-1], 9), -j))
            fold[name] = best
            left.remove(name)
            for m in range(len(sets)):
                desired[best][m] -= count[name][m]
    return np.array([fold[name] for name in patients])


@pytest.mark.parametrize("seed", range(4))
def test_folds_are_those_of_the_published_algorithm_transcribed_plainly(seed):
    rng = np.random.default_rng(seed)
    patients = [f"p{i:03d}" for i in rng.integers(60, size=110)]
    labels = (rng.random((110, 6)) < [0.02, 0.05, 0.1, 0.3, 0.5, 0.9]).astype(float)
    labels[rng.random((110, 6)) < 0.2] = np.nan
    plain = plain_iterative_stratification(patients, labels, 5, seed)
    np.testing.assert_array_equal(patient_folds(patients, labels, 5, seed), plain)


def deviation(labels, folds, k=5):
    """How far the share of a label in a fold is from its share in all: mean over folds, [L]."""
    inside = np.array([labels[folds == fold].mean(axis=0) for fold in range(k)])
    return np.abs(inside - labels.mean(axis=0)).mean(axis=0)


def test_many_labels_are_shared_out_far_better_than_by_chance():
    rng = np.random.default_rng(3)
    owner = np.repeat(np.arange(1500), rng.integers(1, 5, size=1500))
    patients = [f"p{i}" for i in owner]
    prevalence = np.geomspace(0.003, 0.4, 40)
    habit = rng.normal(size=(1500, 40))[owner]
    labels = (rng.random((len(owner), 40)) < prevalence * np.exp(habit - 0.5)).astype(float)
    ours = deviation(labels, patient_folds(patients, labels, 5, 0))
    chance = np.mean([deviation(labels, patient_folds(patients, None, 5, seed)) for seed in range(10)], axis=0)
    assert np.median(ours / chance) < 0.4
    # The rarest are served first; what is left for the commonest is as even as chance at worst.
    assert (ours[:30] < 0.75 * chance[:30]).all()
    assert (ours[30:] < 1.5 * chance[30:]).all()


def test_a_patient_in_two_parts_is_refused():
    refuse_leak(["a", "a", "b"], ["train", "train", "test"])
    with pytest.raises(WorldError, match="1 patients are in more than one part") as told:
        refuse_leak(["a", "a", "b"], ["train", "test", "test"])
    assert told.value.fault == "leak"
