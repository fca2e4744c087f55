"""Old against new version, run folder in, results out: hand-made tables, and what hostile evaluations do to it."""

import numpy as np
import pytest
from version_cases import LABELS, Versions, moved

from engine.contract.errors import EXIT_WORLD
from engine.contract.estimate import Estimate, Interval
from engine.contract.events import Finished, read_events
from engine.contract.version_change import VersionConfig
from engine.evaluation.version_pair import as_change
from engine.lifecycle import work
from engine.metrics.discrimination import auroc
from engine.metrics.precision_recall import average_precision


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Versions(tmp_path_factory.mktemp("versions"))


@pytest.fixture(scope="module")
def runs(bench):
    return bench.evaluate("old", bench.old), bench.evaluate("new", bench.new)


@pytest.fixture(scope="module")
def found(bench, runs):
    return bench.compare(*runs, subgroups=("sex", "age", "device"))


def of_test(bench):
    return np.array(bench.split) == "test"


def named(changes, name):
    return next(one for one in changes if one.name == name)


def failure(folder):
    assert work("version", folder.path) == EXIT_WORLD
    return [e for e in read_events(folder.events_path)[0] if isinstance(e, Finished)][-1].message


def test_differences_are_new_minus_old_on_the_recordings_tested(bench, found):
    rows = of_test(bench)
    for place, label in enumerate(found.labels):
        known = rows & np.isfinite(bench.y[:, place])
        y, old, new = (a[known, place] for a in (bench.y, bench.old, bench.new))
        for name, measure in (("AUROC", auroc), ("average precision", average_precision)):
            change = named(label.changes, name)
            assert change.difference.value == pytest.approx(measure(y, new) - measure(y, old), abs=1e-12)
            assert change.old.value == pytest.approx(measure(y, old))
            assert change.new.value == pytest.approx(measure(y, new))
        brier = named(label.changes, "Brier").difference
        assert brier.value == pytest.approx(np.mean((y - new) ** 2) - np.mean((y - old) ** 2), abs=1e-12)
    assert found.records == rows.sum()
    assert found.patients == len({p for p, row in zip(bench.patients, rows, strict=True) if row})


def test_flips_are_counted_by_direction_label_and_threshold(bench, runs, found):
    rows, place = of_test(bench), 0
    thresholds = [np.load(run.path / "predictions.npz")["thresholds"][:, place] for run in runs]
    order = [bench.ids.index(one) for one in np.load(runs[0].path / "predictions.npz")["record_id"]]
    y, old, new = (a[order, place] for a in (bench.y, bench.old, bench.new))
    for policy, cut in zip(found.labels[place].policies, (thresholds[1], thresholds[0]), strict=True):
        before, after = old >= thresholds[0], new >= cut
        for told, kind in zip(policy.flips, (y == 1, y == 0, np.isnan(y)), strict=True):
            assert told.records == kind.sum()
            assert told.to_positive == (kind & ~before & after).sum()
            assert told.to_negative == (kind & before & ~after).sum()
            assert told.stayed_positive == (kind & before & after).sum()
            assert told.stayed_negative == (kind & ~before & ~after).sum()
        sensitivity = named(policy.changes, "sensitivity")
        assert sensitivity.difference.value == pytest.approx(after[y == 1].mean() - before[y == 1].mean())
        assert policy.alerts_new.value == pytest.approx(100 * after.mean())
        assert policy.alerts_difference.value == pytest.approx(100 * (after.mean() - before.mean()))
        assert policy.same_call.value == pytest.approx((before == after).mean())
        both = policy.tests[0]
        assert (both.old_only, both.new_only) == ((before & ~after)[y == 1].sum(), (after & ~before)[y == 1].sum())
    assert rows.sum() == len(order)


def test_one_version_held_against_itself_flips_nothing_and_differs_by_exactly_nothing(bench, runs):
    again = bench.evaluate("again", bench.old)
    told = bench.compare(runs[0], again)
    assert told.macro.difference.value == 0
    assert told.macro.verdict == told.macro.direction == "unchanged"
    for label in told.labels:
        assert label.identical
        changes = [*label.changes, *(one for policy in label.policies for one in policy.changes)]
        assert {one.difference.value for one in changes} == {0}
        assert {one.verdict for one in changes} == {"unchanged"}
        assert not any(one.to_positive or one.to_negative for policy in label.policies for one in policy.flips)
        assert {test.p_clustered for policy in label.policies for test in policy.tests} == {1.0}
        assert label.flips == []
        assert label.output.direction == "unchanged"
        assert {one.direction for one in label.groups} <= {"unchanged", "insufficient evidence"}
    assert any("same hash" in note for note in told.notes)


def test_evaluations_of_different_splits_are_refused(bench, runs):
    other = bench.evaluate("other", bench.new, split=["test" if s == "train" else "train" for s in bench.split])
    assert "different recordings or folds" in failure(bench.queued(runs[0], other))


def test_labels_that_changed_since_the_evaluations_are_refused(bench, runs):
    folder = bench.queued(*runs)
    changed = bench.y.copy()
    changed[np.flatnonzero(of_test(bench))[0], 0] = 1 - np.nan_to_num(changed[np.flatnonzero(of_test(bench))[0], 0])
    arrays = dict(np.load(folder.labels_path))
    np.savez(folder.labels_path, **{**arrays, "y": changed})
    assert "labels have changed since then: AF" in failure(folder)


def test_a_version_without_any_output_for_a_label_tested_is_told_and_nothing_is_made_up(bench, runs):
    silent = bench.new.copy()
    silent[of_test(bench), 1] = np.nan
    told = bench.compare(runs[0], bench.evaluate("silent", silent)).labels[1]
    assert told.new_output == "none"
    assert told.changes[0].difference.value is None
    assert told.changes[0].verdict == "not shown"
    assert told.changes[0].direction == "insufficient evidence"
    assert all(policy.not_estimable for policy in told.policies)
    assert told.agreement.not_estimable
    assert told.output.new.value == 1
    assert told.output.lost == of_test(bench).sum()
    assert told.output.direction == "worse"
    assert told.drift == []
    assert {group.direction for group in told.groups} == {"insufficient evidence"}


def test_versions_that_never_speak_of_the_same_recording_are_refused(bench):
    rows = np.flatnonzero(of_test(bench))
    first, second = bench.old.copy(), bench.new.copy()
    first[rows[::2]], second[rows[1::2]] = np.nan, np.nan
    folder = bench.queued(bench.evaluate("evens", first), bench.evaluate("odds", second))
    assert "no recording that both versions" in failure(folder)


def test_recordings_without_output_are_counted_and_held_against_the_version(bench, runs):
    rng = np.random.default_rng(1)
    gaps = np.where(rng.random(bench.old.shape) < 0.2, np.nan, bench.old)
    told = bench.compare(runs[0], bench.evaluate("gaps", gaps)).labels[0]
    rows = of_test(bench)
    silent = np.isnan(gaps[rows, 0])
    assert told.output.new.value == pytest.approx(silent.mean())
    assert told.output.difference.interval.low > 0
    assert (told.output.lost, told.output.gained, told.output.direction) == (silent.sum(), 0, "worse")
    kept = next(one for one in told.policies if one.name == "kept")
    spoken, intended = (named(kept.changes, name) for name in ("sensitivity", "sensitivity_intended"))
    assert spoken.difference.value == 0
    assert intended.difference.value < 0
    lost = kept.flips[0].positive_to_none + kept.flips[0].negative_to_none
    assert lost == (silent & (bench.y[rows, 0] == 1)).sum()


def test_flags_against_probabilities_keep_no_threshold_and_rank_nothing(bench, runs):
    flags = bench.evaluate("flags", (bench.old > 0.5).astype(float), output="flag")
    told = bench.compare(flags, runs[1]).labels[0]
    assert (told.old_output, told.new_output) == ("flag", "probability")
    assert told.changes == []
    assert "no threshold that could be kept" in told.policies[1].not_estimable
    assert named(told.policies[0].changes, "sensitivity").difference.value is not None
    assert told.drift == []
    assert {flip.policy for flip in told.flips} == {"own"}
    assert any("nothing to rank" in one for one in told.left_out)


def test_two_flags_are_compared_at_their_one_point(bench):
    flags = [
        bench.evaluate(name, (score > 0.5).astype(float), output="flag")
        for name, score in (("f1", bench.old), ("f2", bench.new))
    ]
    told = bench.compare(*flags)
    assert told.macro.difference.value is None
    assert "nothing to rank" in told.macro.difference.not_estimable
    rows = of_test(bench) & (bench.y[:, 0] == 1)
    expected = (bench.new[rows, 0] > 0.5).mean() - (bench.old[rows, 0] > 0.5).mean()
    assert named(told.labels[0].policies[0].changes, "sensitivity").difference.value == pytest.approx(expected)


def test_a_label_that_one_version_lacks_is_named_and_not_compared(bench, runs):
    half = bench.evaluate("half", bench.new, labels=LABELS[:1])
    told = bench.compare(runs[0], half, labels=LABELS[:1])
    assert [label.label for label in told.labels] == ["AF"]
    assert any("Only the old version was evaluated on: LBBB" in note for note in told.notes)


def test_a_threshold_that_moved_is_found_again_and_the_kept_one_alerts_more(bench, runs):
    shifted = bench.evaluate("shifted", moved(bench.old, np.full(bench.old.shape, 1.0)))
    told = bench.compare(runs[0], shifted).labels[0]
    assert named(told.changes, "AUROC").difference.value == 0
    assert named(told.changes, "AUROC").direction != "worse"
    own, kept = told.policies
    assert not any(one.to_positive or one.to_negative for one in own.flips)
    assert kept.alerts_new.value > kept.alerts_old.value
    assert kept.flips[1].to_positive > 0
    for one in told.drift:
        assert one.threshold.value > one.old_threshold
        assert one.alerts_per_100 == pytest.approx(kept.alerts_old.value, abs=3)


def test_a_group_that_alone_gets_worse_is_found_and_small_groups_are_named(bench, runs):
    rng = np.random.default_rng(2)
    broken = bench.old.copy()
    rows = bench.device == "cart A"
    broken[rows] = rng.permutation(broken[rows])
    told = bench.compare(runs[0], bench.evaluate("broken", broken), subgroups=("device", "age"))
    groups = {one.name: one for one in told.labels[0].groups}
    cart = named(groups["device: cart A"].changes, "specificity")
    assert groups["device: cart B"].direction in ("unchanged", "no change shown", "worse", "better")
    assert named(groups["device: cart B"].changes, "AUROC").difference.value == 0
    assert cart.difference.value != 0
    assert cart.correction == "Benjamini-Hochberg"
    assert cart.adjusted_p >= cart.p_value
    few = groups["device: cart C"]
    assert (few.direction, few.changes) == ("insufficient evidence", [])
    assert "10 are needed" in few.reason
    rare = {one.name: one for one in told.labels[1].groups}["device: cart B"]
    assert [one.name for one in rare.changes] == ["specificity"]


def test_the_worst_flips_are_of_different_patients_new_errors_first(bench, found):
    flips = found.labels[0].flips
    kinds = [one.kind for one in flips]
    assert kinds == sorted(kinds, key=["new miss", "new false alarm", "miss mended", "false alarm gone"].index)
    owner = dict(zip(bench.ids, bench.patients, strict=True))
    for kind in set(kinds):
        of_kind = [one for one in flips if one.kind == kind]
        assert len({owner[one.record] for one in of_kind}) == len(of_kind) <= 10
        moves = [abs(one.moved) for one in of_kind]
        assert moves == sorted(moves, reverse=True)
    missed = [one for one in flips if one.kind == "new miss"]
    assert all(bench.y[bench.ids.index(one.record), 0] == 1 for one in missed)


@pytest.mark.parametrize(
    ("low", "high", "verdict", "direction"),
    [
        (0.01, 0.04, "superior", "better"),
        (-0.01, 0.03, "non-inferior", "no change shown"),
        (-0.015, -0.001, "non-inferior", "worse"),
        (-0.05, 0.01, "not shown", "no change shown"),
        (-0.06, -0.03, "inferior", "worse"),
    ],
)
def test_the_interval_alone_decides_against_margin_and_nothing(low, high, verdict, direction):
    told = Estimate(value=(low + high) / 2, interval=Interval(low=low, high=high, method="m"))
    change = as_change("AUROC", (told, told), told, None, 0.02, less_is_better=False, same=False)
    assert (change.verdict, change.direction) == (verdict, direction)
    turned = Estimate(value=-(low + high) / 2, interval=Interval(low=-high, high=-low, method="m"))
    less = as_change("Brier", (turned, turned), turned, None, 0.02, less_is_better=True, same=False)
    assert (less.verdict, less.direction) == (verdict, direction)


def test_the_same_run_twice_gives_the_same_numbers_and_another_seed_does_not_move_them(bench, runs, found):
    again = bench.compare(*runs, subgroups=("sex", "age", "device"))
    plain = {"seconds": 0.0}
    assert again.model_copy(update=plain) == found.model_copy(update=plain)
    other = bench.compare(*runs, subgroups=("sex", "age", "device"), seed=5)
    assert other.macro.difference.value == found.macro.difference.value


def test_one_evaluation_named_twice_is_no_config():
    with pytest.raises(ValueError, match="one and the same"):
        VersionConfig(evaluations=("a", "a"), names=("v1", "v2"), labels=("AF",))
