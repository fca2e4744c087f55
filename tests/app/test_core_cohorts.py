import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from core_cases import QUICK, SAMPLES, hurt, make_workspace

from app.core import cohorts, jobs, probes
from app.core.cohort_plan import CohortPlan, plan_of
from app.workspace import Workspace
from engine.contract.eligibility import parse_rule
from engine.contract.errors import UsageError, WorldError
from engine.contract.run import ManifestRow, RunFolder
from engine.data.eligibility import Candidate, flow_of
from engine.data.splits import Part


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=24)


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Iterator[Workspace]:
    shutil.copytree(template, tmp_path / "ward7")
    with Workspace.open(tmp_path / "ward7") as opened:
        yield opened


def share_patients(workspace: Workspace) -> None:
    """Let every two recordings have one patient."""
    ids = sorted(row.record_id for row in workspace.records())
    for n, record_id in enumerate(ids):
        hurt(workspace, "UPDATE records SET patient = ? WHERE record_id = ?", f"p{n // 2:012d}", record_id)


@pytest.mark.parametrize("how", [{"folds": 3}, {"folds": None, "holdout": 0.25}])
def test_no_patient_is_on_two_sides(workspace: Workspace, how: dict[str, float]) -> None:
    share_patients(workspace)
    row = workspace.create_cohort("main", **how)  # type: ignore[arg-type]
    assert (row.records, row.patients) == (24, 12)
    patients = {record.record_id: record.patient for record in workspace.records()}
    sides: dict[str, set[str]] = {}
    for member in workspace.cohort_members("main"):
        sides.setdefault(patients[member.record_id], set()).add(member.split)
    assert all(len(parts) == 1 for parts in sides.values())


def test_the_same_recordings_give_the_same_split_in_every_workspace(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other_path = make_workspace(tmp_path_factory.mktemp("other") / "workspace", count=24, anew=True)
    mine = workspace.create_cohort("main", folds=3, seed=5)
    with Workspace.open(other_path) as other:
        theirs = other.create_cohort("another name", folds=3, seed=5)
        assert (mine.split_id, mine.split_sha256) == (theirs.split_id, theirs.split_sha256)
        assert workspace.cohort_members("main") == other.cohort_members("another name")
        assert {r.patient for r in workspace.records()}.isdisjoint({r.patient for r in other.records()})
    assert workspace.create_cohort("other seed", folds=3, seed=6).split_sha256 != mine.split_sha256


def test_the_engine_is_told_stand_ins_and_never_pseudonyms(workspace: Workspace) -> None:
    share_patients(workspace)
    workspace.create_cohort("main", folds=3)
    pseudonyms = {record.patient for record in workspace.records()}
    told = {member.patient for member in workspace.cohort_members("main")}
    assert len(told) == 12
    assert not told & pseudonyms


def test_stand_ins_depend_on_the_recordings_alone() -> None:
    assert cohorts.stand_ins([("r2", "a"), ("r1", "b"), ("r3", "a")]) == ["p2", "p1", "p2"]
    assert cohorts.stand_ins([("r3", "x"), ("r1", "y"), ("r2", "x")]) == ["p2", "p1", "p2"]


def test_a_cohort_keeps_its_members_when_more_recordings_come(workspace: Workspace) -> None:
    workspace.create_cohort("main", folds=3)
    before = workspace.cohort_members("main")
    new = sorted(SAMPLES.glob("*.hea"))[24:26]
    assert workspace.wait(workspace.import_files(new), timeout_s=60).state == "done"
    assert workspace.record_count() == 26
    assert workspace.cohort_members("main") == before


def test_who_is_left_out_is_counted(workspace: Workspace) -> None:
    ids = sorted(row.record_id for row in workspace.records())
    hurt(workspace, "UPDATE records SET quality = 'unusable' WHERE record_id = ?", ids[0])
    hurt(workspace, "UPDATE records SET seconds = 2.0 WHERE record_id = ?", ids[1])
    hurt(workspace, "DELETE FROM labels WHERE record_id = ?", ids[2])
    row = workspace.create_cohort("main", labels=["MI"], folds=3)
    assert row.records == 21
    assert workspace.audit()[0].detail["excluded"] == {
        "no label known": 1,
        "shorter than 2.5 s": 1,
        "signal unusable": 1,
    }


def test_impossible_requests_are_refused(workspace: Workspace) -> None:
    workspace.create_cohort("main", folds=3)
    with pytest.raises(UsageError, match="one of this name"):
        workspace.create_cohort("main")
    with pytest.raises(UsageError, match="no name"):
        workspace.create_cohort(" ")
    with pytest.raises(UsageError, match="Known labels: CD, HYP, MI, NORM, STTC"):
        workspace.create_cohort("b", labels=["nonsense"])
    with pytest.raises(UsageError, match="neither folds nor"):
        workspace.create_cohort("b", folds=None)
    with pytest.raises(WorldError, match="no recording is eligible"):
        workspace.create_cohort("b", dataset="elsewhere")
    with pytest.raises(WorldError):
        workspace.create_cohort("b", folds=25)
    with pytest.raises(UsageError, match="cohort nowhere"):
        workspace.cohort("nowhere")
    assert [row.name for row in workspace.cohorts()] == ["main"]


def test_labels_reach_a_run_in_the_order_of_its_manifest_with_unknown_as_nan(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.create_cohort("main", folds=3)
    workspace.add_baseline()
    ids = [member.record_id for member in workspace.cohort_members("main")]
    hurt(workspace, "DELETE FROM labels WHERE record_id = ? AND label = 'MI'", ids[0])
    hurt(workspace, "UPDATE records SET age = NULL, sex = 'unknown' WHERE record_id = ?", ids[1])
    job = workspace.evaluate("age + sex", "main", labels=["MI", "NORM"], settings=QUICK)
    folder = RunFolder(workspace.path / "runs" / job)
    cohorts_session = workspace._home.db
    with cohorts_session.read() as session:
        assert jobs.get(session, job).cohort == "main"
        probes.write_labels(session, folder.config(), folder)
    with np.load(folder.labels_path) as told:
        assert told["record_id"].tolist() == ids
        assert told["patient"].tolist() == [member.patient for member in workspace.cohort_members("main")]
        assert told["labels"].tolist() == ["MI", "NORM"]
        rows = {row.record_id: row for row in workspace.records()}
        expected = [[rows[i].labels.get(name, np.nan) for name in ("MI", "NORM")] for i in ids]
        np.testing.assert_array_equal(told["y"], np.array(expected))
        assert np.isnan(told["y"][0, 0])
        assert np.isnan(told["age"][1])
        assert np.isnan(told["sex"][1])
        sexes = [{"female": 1.0, "male": 0.0}[rows[i].sex] for i in ids if rows[i].sex != "unknown"]
        np.testing.assert_array_equal(np.delete(told["sex"], 1), sexes)
    assert "labels" not in (folder.path / "manifest.csv").read_text()


def test_every_evaluation_counts_once_as_an_opening_of_its_split(workspace: Workspace) -> None:
    workspace.create_cohort("main", folds=3)
    twin = workspace.create_cohort("twin", folds=3)
    workspace.add_baseline()
    first = workspace.evaluate("age + sex", "main", labels=["NORM"], settings=QUICK)
    assert workspace.cohort("main").openings == 0
    assert workspace.wait(first, timeout_s=60).state == "done"
    assert not (workspace.path / "runs" / first / "labels.npz").exists()
    workspace.wait(workspace.evaluate("age + sex", "twin", labels=["NORM"], settings=QUICK), timeout_s=60)
    assert workspace.cohort("main").openings == workspace.cohort("twin").openings == 2
    opened = [row for row in workspace.audit() if row.action == "test split opened"]
    assert [row.detail["count"] for row in opened] == [2, 1]
    assert opened[0].detail["split_sha256"] == twin.split_sha256
    assert opened[0].detail["split_id"] == twin.split_id
    assert workspace.create_cohort("third", folds=3).openings == 2


def test_rules_leave_out_whom_they_must_and_the_flow_is_kept_with_the_cohort(workspace: Workspace) -> None:
    ids = sorted(row.record_id for row in workspace.records())
    hurt(workspace, "UPDATE records SET age = 50, age_over_89 = 0, paced = 0")
    hurt(workspace, "UPDATE records SET quality = 'unusable' WHERE record_id = ?", ids[0])
    hurt(workspace, "UPDATE records SET age = 12 WHERE record_id = ?", ids[1])
    hurt(workspace, "UPDATE records SET age = NULL WHERE record_id = ?", ids[2])
    hurt(workspace, "UPDATE records SET paced = 1 WHERE record_id = ?", ids[3])
    rules = ["age 18..", "paced no"]
    preview = workspace.eligible(rules=rules)
    row = workspace.create_cohort("adults", folds=3, rules=rules)
    flow = workspace.cohort_flow("adults")
    assert flow == preview
    assert (flow.considered, flow.records, row.records) == (24, 20, 20)
    assert [(step.rule, step.records, step.excluded) for step in flow.steps] == [
        ("the signal is usable", 24, {"signal unusable": 1}),
        ("age 18..", 23, {"age below 18 years": 1, "age unknown": 1}),
        ("paced no", 21, {"paced": 1}),
    ]
    assert {member.record_id for member in workspace.cohort_members("adults")} == set(ids[4:])
    assert workspace.audit()[0].detail["rules"] == rules
    hurt(workspace, "UPDATE records SET age = 5")
    assert workspace.cohort_flow("adults") == flow
    with pytest.raises(UsageError, match="it is no rule"):
        workspace.create_cohort("tall", rules=["height 180.."])


def test_the_flow_is_the_one_that_the_engine_tells_of_every_single_recording(workspace: Workspace) -> None:
    ids = sorted(row.record_id for row in workspace.records())
    for place, record_id in enumerate(ids):
        age, over = (90, 1) if place % 5 == 0 else (None if place % 7 == 0 else 30 + 2 * place, 0)
        told = (
            age,
            over,
            ("", "GE", "Philips")[place % 3],
            ("", "ward", "emergency")[place % 3],
            (None, 0, 1)[place % 3],
        )
        values = "age = ?, age_over_89 = ?, maker = ?, setting = ?, paced = ?"
        hurt(workspace, f"UPDATE records SET {values} WHERE record_id = ?", *told, record_id)
    hurt(workspace, "UPDATE records SET derived = '[\"III\"]' WHERE record_id < ?", ids[9])
    share_patients(workspace)
    rules = ("age 40..95", "device ge or unknown", "setting ward emergency or unknown", "paced no or unknown")
    rules += ("measured I III", "seconds 5..", "rate 100..", "year 1900.. or unknown", "quality good limited unknown")
    candidates = [
        Candidate(
            row.patient, row.age, row.age == 90, row.sex, row.seconds, row.rate_hz, quality=row.quality,
            device=row.maker, setting=row.setting, format=row.format, paced=row.paced,
            leads=tuple(row.leads), derived=tuple(row.derived_leads),
        )
        for row in workspace.records()
    ]  # fmt: skip
    expected = flow_of(candidates, [parse_rule(rule) for rule in rules])
    flow = workspace.eligible(rules=rules)
    assert flow.steps == expected.steps
    assert (flow.records, flow.patients) == (len(expected.chosen), expected.patients)
    assert 0 < flow.records < 15


def test_a_finding_leaves_out_the_recordings_that_have_it(workspace: Workspace) -> None:
    hurt(workspace, "DELETE FROM findings")
    for record_id in sorted(row.record_id for row in workspace.records())[:3]:
        hurt(workspace, "INSERT INTO findings (record_id, finding) VALUES (?, 'wander')", record_id)
    flow = workspace.eligible(rules=["without wander", "without noise"])
    assert [step.excluded for step in flow.steps] == [{"wander": 3}, {}]
    assert dict(workspace.cohort_choices().of("without")) == {"wander": 3}
    with pytest.raises(UsageError, match="there is no such finding"):
        workspace.eligible(rules=["without flatness"])


def test_an_official_split_that_tears_patients_apart_is_told_before_a_cohort_is_made(workspace: Workspace) -> None:
    share_patients(workspace)
    ids = sorted(row.record_id for row in workspace.records())
    for place, record_id in enumerate(ids[:8]):
        part = "test" if place < 3 else "train"
        hurt(workspace, "UPDATE records SET part = ?, dataset = 'ptbxl' WHERE record_id = ?", part, record_id)
    flow = workspace.eligible(dataset="ptbxl", official=True)
    assert (flow.records, flow.torn) == (8, 1)
    assert dict(workspace.cohort_choices().official) == {"ptbxl": 8}
    assert CohortPlan(way="official").obstacle(flow) == (
        "The official split has 1 patient in more than one part: divide by patient"
    )
    with pytest.raises(WorldError, match="more than one part"):
        workspace.create_cohort("torn", dataset="ptbxl", official=True, folds=None)
    hurt(workspace, "UPDATE records SET part = 'test' WHERE record_id = ?", ids[3])
    made = workspace.create_cohort("official", dataset="ptbxl", official=True, folds=None)
    assert workspace.cohort_flow("official") == workspace.eligible(dataset="ptbxl", official=True)
    assert plan_of(made) == CohortPlan("official", dataset="ptbxl", way="official")


def test_a_cohort_of_before_tells_its_reasons_in_one_step(workspace: Workspace) -> None:
    workspace.create_cohort("main", folds=3)
    hurt(workspace, "UPDATE cohorts SET flow = '{}', excluded = '{\"signal unusable\": 2}'")
    (step,) = workspace.cohort_flow("main").steps
    assert (step.records, step.excluded, step.left) == (26, {"signal unusable": 2}, 24)


def counted_one_by_one(name: str, members: list[ManifestRow], known: dict[str, dict[str, float]]) -> Part:
    """A part of a split as one would count it by hand."""
    inside = [member for member in members if member.split == name]
    labels = [known[member.record_id] for member in inside]
    positives, negatives = (
        {label: sum(told.get(label) == value for told in labels) for label in ("MI", "NORM")} for value in (1, 0)
    )
    return Part(name, len(inside), len({member.patient for member in inside}), positives, negatives)


def test_the_parts_of_a_split_are_told_with_their_labels(workspace: Workspace) -> None:
    share_patients(workspace)
    workspace.create_cohort("main", labels=["MI", "NORM"], folds=3)
    parts = workspace.cohort_parts("main")
    assert [part.name for part in parts] == ["fold-0", "fold-1", "fold-2"]
    assert sum(part.records for part in parts) == 24
    assert sum(part.patients for part in parts) == 12
    known = {record.record_id: record.labels for record in workspace.records()}
    for label in ("MI", "NORM"):
        total = sum(labels.get(label) == 1 for labels in known.values())
        assert sum(part.positives[label] for part in parts) == total
    members = workspace.cohort_members("main")
    assert parts == [counted_one_by_one(name, members, known) for name in ("fold-0", "fold-1", "fold-2")]
    hurt(workspace, "UPDATE labels SET value = 0.5 WHERE label = 'MI' AND record_id = ?", members[0].record_id)
    assert list(workspace.cohort_parts("main")[0].positives) == ["NORM"]


def test_a_split_with_a_patient_on_two_sides_is_refused_wherever_it_is_used(workspace: Workspace) -> None:
    workspace.create_cohort("main", folds=3)
    workspace.add_baseline()
    members = workspace.cohort_members("main")
    sides = [next(m.record_id for m in members if m.split == side) for side in ("fold-0", "fold-1")]
    for record_id in sides:
        hurt(workspace, "UPDATE cohort_members SET patient = 'p1' WHERE record_id = ?", record_id)
    with pytest.raises(WorldError, match="in more than one part") as told:
        workspace.evaluate("age + sex", "main", labels=["NORM"])
    assert told.value.fault == "leak"
