"""Pretrainings from a model and with a probe, estimates and studies: how they are asked for, and taken in."""

import csv
import json
import shutil
import sqlite3
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from core_cases import hurt, make_workspace, quick_copy, tiny_config, tiny_study

from app.core import database, records
from app.core.config_paths import portable, resolved
from app.core.database import SCHEMA_HEAD, Database
from app.governance.basis import of_studies
from app.governance.dossier import ModelSection
from app.workspace import Workspace
from engine.contract.card import DERIVED_STAMP, LEAK_NOTE, ModelCard, Preprocessing
from engine.contract.config import (
    CPCConfig,
    EstimateConfig,
    PretrainConfig,
    ProbeConfig,
    S4Config,
    StudyConfig,
    config_json,
)
from engine.contract.errors import UsageError, WorldError
from engine.contract.results import EstimateResults, StudyResults
from engine.contract.run import RunFolder
from engine.data.splits import split_digest
from engine.study.subsets import Subsets


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=24)
    with Workspace.open(path) as workspace:
        workspace.create_cohort("folds", labels=["NORM"], folds=3)
        workspace.create_cohort("held", labels=["NORM"], folds=None, holdout=0.3)
    return path


@pytest.fixture
def workspace(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        yield opened


def native(workspace: Workspace, tmp_path: Path, backbone: S4Config, name: str = "parent") -> str:
    """A checkpoint of which only the header says anything; the workspace reads no weights."""
    folder = tmp_path / name
    folder.mkdir()
    header = json.dumps({"__metadata__": {"isoline.backbone": config_json(backbone)}}).encode()
    (folder / "weights.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    card = ModelCard(name=name, source="native", preprocessing=Preprocessing(rate_hz=240.0, window_s=2.5))
    (folder / "card.json").write_text(card.model_dump_json())
    return workspace.add_checkpoint(folder).name


TINY = S4Config(width=8, depth=1)


def probed(cohort: str = "folds", **more: object) -> PretrainConfig:
    return tiny_config().model_copy(update={"probe": ProbeConfig(cohort=cohort, **more)})


def test_a_parent_settles_backbone_and_signal(workspace: Workspace, tmp_path: Path) -> None:
    native(workspace, tmp_path, TINY)
    told = workspace.parent_settings("parent")
    assert told == {
        "backbone": TINY.model_dump(mode="json"),
        "rate_hz": 240.0,
        "window_s": 2.5,
        "clip_mv": 3.0,
        "normalisation": "none",
        "objective": "unknown",
        "objective_settings": None,
    }


def test_a_job_goes_on_from_its_parent_also_in_a_moved_workspace(workspace: Workspace, tmp_path: Path) -> None:
    native(workspace, tmp_path, TINY)
    job = workspace.pretrain(tiny_config("child"), parent="parent")
    kept = workspace.job_detail(job).config["parent"]
    assert kept == f"models/{workspace.model('parent').sha256}"
    assert workspace.job(job).model == "parent"
    workspace.close()
    shutil.move(tmp_path / "ward7", tmp_path / "elsewhere")
    with Workspace.open(tmp_path / "elsewhere") as moved:
        assert moved.wait(job, timeout_s=30).state == "done"
        told = json.loads((moved.path / "runs" / job / "config.json").read_text())
        assert told["parent"] == str(moved.path / kept)
        assert moved.model("child").card["lineage"]["parent_name"] == "parent"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"backbone": S4Config(width=16, depth=1)}, "backbone.width is 8 in it, 16 was asked for"),
        ({"window_s": 5.0}, "window_s is 2.5 in it, 5.0 was asked for"),
        ({"normalisation": "ptbxl"}, "normalisation is none in it, ptbxl was asked for"),
    ],
)
def test_a_config_that_is_not_its_parents_is_refused_by_the_fields_name(
    workspace: Workspace, tmp_path: Path, changes: dict[str, object], field: str
) -> None:
    native(workspace, tmp_path, TINY)
    with pytest.raises(WorldError, match=field):
        workspace.pretrain(tiny_config().model_copy(update=changes), parent="parent")
    assert [job.kind for job in workspace.jobs()] == ["import"]


def test_only_a_checkpoint_can_be_gone_on_from(workspace: Workspace) -> None:
    workspace.add_random_model("random", TINY)
    with pytest.raises(UsageError, match="a model of kind random cannot be gone on from"):
        workspace.pretrain(tiny_config(), parent="random")
    with pytest.raises(UsageError, match="a parent is named as a model of the workspace"):
        workspace.pretrain(tiny_config().model_copy(update={"parent": "/somewhere"}))


def test_the_stamp_of_derived_work_stands_wherever_the_model_is_named(workspace: Workspace, tmp_path: Path) -> None:
    native(workspace, tmp_path, TINY)
    hurt(
        workspace,
        "UPDATE models SET card = json_set(card, '$.stamp', ?, '$.lineage.parent_name', 'theirs')",
        DERIVED_STAMP,
    )
    assert workspace.model("parent").marks == (f"{DERIVED_STAMP} (from theirs)",)


def test_a_probes_labels_are_opened_when_the_run_starts_and_counted(workspace: Workspace) -> None:
    job = workspace.pretrain(probed())
    folder = workspace.path / "runs" / job
    assert workspace.job_detail(job).config["probe"]["labels"] == ["NORM"]
    assert not (folder / "labels.npz").exists()
    assert workspace.cohort("folds").openings == 0
    assert workspace.wait(job, timeout_s=30).state == "done"
    assert not (folder / "labels.npz").exists()
    assert workspace.cohort("folds").openings == 1
    opened = next(row for row in workspace.audit() if row.action == "test split opened")
    assert (opened.subject, opened.detail["job"]) == ("folds", job)
    with (folder / "probe.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["record_id"], r["patient"], r["split"]) for r in rows] == [
        (m.record_id, m.patient, m.split) for m in workspace.cohort_members("folds")
    ]


def test_a_probe_is_scored_as_its_cohort_is_split(workspace: Workspace) -> None:
    folds, held = workspace.pretrain(probed("folds")), workspace.pretrain(probed("held"))
    assert workspace.job_detail(folds).config["probe"]["folds"] is True
    assert workspace.job_detail(held).config["probe"]["folds"] is False


def test_a_probe_without_a_cohort_or_with_an_unknown_label_is_refused(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="it names no cohort"):
        workspace.pretrain(probed(""))
    with pytest.raises(UsageError, match="no recording has it"):
        workspace.pretrain(probed("folds", labels=("NOPE",)))


def test_patients_that_probe_and_pretraining_share_are_told_before_and_after(workspace: Workspace) -> None:
    told = workspace.pretraining_notes(probed("held"))
    train = {m.record_id for m in workspace.cohort_members("held")}
    assert len(told) == 1
    assert f"of its {len(train)} patients" in told[0]
    assert "no labels" in told[0]
    assert "transductive" in told[0]
    job = workspace.pretrain(probed("held"))
    assert workspace.wait(job, timeout_s=30).state == "done"
    assert any("transductive" in note for note in workspace.model("tiny").card["notes"])


def test_a_leaking_pair_is_told_before_it_starts(workspace: Workspace) -> None:
    config = PretrainConfig(
        backbone=TINY.model_copy(update={"causal": False}), objective=CPCConfig(fidelity="as_released")
    )
    assert workspace.pretraining_notes(config) == [f"The model {LEAK_NOTE}"]
    assert workspace.pretraining_notes(tiny_config()) == []


def test_probes_and_collapse_become_curves(workspace: Workspace) -> None:
    config = tiny_config("collapses").model_copy(update={"probe": ProbeConfig(cohort="folds")})
    job = workspace.pretrain(config)
    assert workspace.wait(job, timeout_s=30).state == "done"
    series = {curve.name: (curve.steps, curve.values) for curve in workspace.metrics(job)}
    assert series["effective_rank"] == ((5, 10), (4.0, 1.0))
    assert series["probe_macro"] == ((0, 10), (0.5, 0.75))
    assert series["probe:NORM"] == ((0, 10), (None, 0.75))
    assert workspace.job_detail(job).collapsed == "flat"


def test_the_name_of_a_fault_is_kept_until_the_job_is_resumed(workspace: Workspace) -> None:
    row = workspace.wait(workspace.pretrain(tiny_config("refuses")), timeout_s=30)
    assert (row.state, row.fault) == ("failed", "disk_full")
    workspace.resume(row.job_id)
    assert workspace.job(row.job_id).fault == ""


def test_an_estimate_goes_before_all_that_waits_and_opens_no_labels(workspace: Workspace) -> None:
    waiting = workspace.pretrain(tiny_config("waits"))
    job = workspace.estimate(probed())
    workspace.pump()
    assert (workspace.job(waiting).state, workspace.job(job).state) == ("queued", "running")
    assert workspace.wait(job, timeout_s=30).state == "done"
    found = workspace.results(job)
    assert isinstance(found, EstimateResults)
    assert found.steps == 10
    assert workspace.cohort("folds").openings == 0
    workspace.wait(waiting, timeout_s=30)


def test_paths_inside_an_estimate_and_a_study_move_with_the_workspace(tmp_path: Path) -> None:
    inner = tiny_config().model_copy(update={"store": str(tmp_path / "store")})
    base = {"parent": str(tmp_path / "models" / "a")}
    study = StudyConfig(store=str(tmp_path / "store"), base=base, axes={"seed": (0,)})
    for config, part, name in ((EstimateConfig(pretrain=inner), "pretrain", "store"), (study, "base", "parent")):
        data = portable(config, tmp_path)
        assert not Path(data[part][name]).is_absolute()
        assert resolved(data, tmp_path) == config


def test_a_study_tells_where_each_run_stands_while_it_works(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PAUSE", "0.3")
    job = workspace.study(tiny_study())
    limit = time.monotonic() + 30
    while len(workspace.study_rows(job)) < 2:
        assert time.monotonic() < limit, workspace.job(job)
        workspace.pump()
        time.sleep(0.02)
    assert workspace.study_rows(job)[0].state == "done"
    assert workspace.study_summary(job).cells
    assert workspace.wait(job, timeout_s=30).state == "done"
    assert [(row.number, row.state) for row in workspace.study_rows(job)] == [(n, "done") for n in range(1, 5)]
    found = workspace.results(job)
    assert isinstance(found, StudyResults)
    assert workspace.study_rows(job) == found.rows
    progress = workspace.job(job).progress
    assert (progress.done, progress.total, progress.unit) == (4, 4, "runs")


def test_a_study_that_was_killed_goes_on_and_its_rows_stand_once(workspace: Workspace) -> None:
    job = workspace.study(tiny_study("is cut"))
    assert workspace.wait(job, timeout_s=30).state == "interrupted"
    assert len(workspace.study_rows(job)) == 2
    workspace.resume(job)
    assert workspace.wait(job, timeout_s=30).state == "done"
    assert [row.number for row in workspace.study_rows(job)] == [1, 2, 3, 4]


def test_the_model_of_a_studys_run_is_kept_on_request(workspace: Workspace) -> None:
    job = workspace.study(tiny_study())
    workspace.wait(job, timeout_s=30)
    row = workspace.keep_study_model(job, 2, "kept")
    assert workspace.model("kept").sha256 == row.sha256
    assert row.card["lineage"]["run_id"] == job
    with pytest.raises(UsageError, match="it is not there"):
        workspace.keep_study_model(job, 9)
    with pytest.raises(UsageError, match="it is a run of kind import"):
        workspace.keep_study_model("J0001", 1)


def test_a_study_of_collections_knows_of_which_each_recording_is(workspace: Workspace) -> None:
    job = workspace.study(tiny_study(corpus=("local",), seed=(0, 1)))
    assert workspace.wait(job, timeout_s=30).state == "done"
    lines = (workspace.path / "runs" / job / "corpora.csv").read_text().splitlines()
    assert lines[0] == "record_id,corpus"
    assert len(lines) == 25
    assert all(line.endswith(",local") for line in lines[1:])


def test_a_study_opens_its_probes_labels_once_for_each_of_its_models(workspace: Workspace) -> None:
    config = tiny_study()
    config = config.model_copy(update={"base": {**config.base, "probe": {"cohort": "held"}}})
    job = workspace.study(config)
    assert workspace.job_detail(job).config["base"]["probe"]["labels"] == ["NORM"]
    workspace.wait(job, timeout_s=30)
    assert workspace.cohort("held").openings == 4


@pytest.mark.parametrize(
    ("base", "axes", "reason"),
    [
        ({"no_such_field": 1}, {"seed": (0,)}, "no_such_field"),
        ({"validation_fraction": "many"}, {"seed": (0,)}, "validation_fraction"),
        ({}, {"no_such_axis": (0,)}, "no pretraining has a field no_such_axis"),
        ({"batch_size": 64}, {"seed": (0,)}, "fewer than a batch of 64"),
        ({"probe": {"cohort": "nowhere"}}, {"seed": (0,)}, "none of this name"),
    ],
)
def test_a_study_that_cannot_work_is_refused_before_it_is_queued(
    workspace: Workspace, base: dict[str, object], axes: dict[str, tuple[int]], reason: str
) -> None:
    with pytest.raises(WorldError, match=reason):
        workspace.study(StudyConfig(base=base, axes=axes))
    assert [job.kind for job in workspace.jobs()] == ["import"]


def test_a_longer_window_along_an_axis_decides_which_recordings_all_runs_read(workspace: Workspace) -> None:
    with pytest.raises(WorldError, match="two patients or more, each of 60 s at least, and none is that long"):
        workspace.study(tiny_study(window_s=(2.5, 60.0)))


def test_what_was_asked_is_asked_again_without_what_belonged_to_the_job(workspace: Workspace, tmp_path: Path) -> None:
    native(workspace, tmp_path, TINY)
    first = workspace.duplicate(workspace.pretrain(tiny_config("child"), parent="parent"))
    assert first["parent"] == "parent"
    assert not {"kind", "contract", "store"} & first.keys()
    again = PretrainConfig.model_validate({**first, "parent": ""})
    assert again == tiny_config("child")
    study = workspace.duplicate(workspace.study(tiny_study()))
    assert StudyConfig.model_validate(study) == tiny_study()
    with pytest.raises(UsageError, match="it is a run of kind import"):
        workspace.duplicate("J0001")


def test_the_labels_of_a_probe_are_those_of_its_own_cohort(workspace: Workspace) -> None:
    job = workspace.pretrain(probed(), cohort="held")
    folder = workspace.path / "runs" / job
    hold = workspace.wait(job, lambda _: None, timeout_s=30)
    assert hold.state == "done"
    pretrained_on = set((folder / "manifest.csv").read_text().splitlines())
    probed_on = {line.split(",")[0] for line in (folder / "probe.csv").read_text().splitlines()[1:]}
    assert probed_on == {member.record_id for member in workspace.cohort_members("folds")}
    assert len(pretrained_on) < len(probed_on)


def test_an_old_workspace_gets_the_new_columns_and_the_new_name_of_the_trivial_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Database(tmp_path / "isoline.db")
    monkeypatch.setattr(database, "SCHEMA_HEAD", "0001")
    old.migrate()
    old.close()
    monkeypatch.setattr(database, "SCHEMA_HEAD", SCHEMA_HEAD)
    with closing(sqlite3.connect(old.path)) as connection, connection:
        connection.execute("INSERT INTO jobs SELECT " + _job_values(connection))
        connection.execute("INSERT INTO metrics VALUES ('J0001', 'chance_loss', 3, 4.86), ('J0001', 'loss', 3, 4.0)")
    new = Database(old.path)
    new.migrate()
    assert new.revision() == SCHEMA_HEAD
    new.close()
    with closing(sqlite3.connect(old.path)) as connection:
        assert connection.execute("SELECT fault, collapsed FROM jobs").fetchall() == [("", "")]
        assert connection.execute("SELECT name FROM metrics ORDER BY name").fetchall() == [
            ("loss",),
            ("trivial_loss",),
        ]
        assert connection.execute("SELECT count(*) FROM study_runs").fetchone() == (0,)


def _job_values(connection: sqlite3.Connection) -> str:
    """One value a column of the old table of jobs."""
    told = {"job_id": "'J0001'", "state": "'done'", "number": "1"}
    columns = connection.execute("PRAGMA table_info(jobs)").fetchall()
    return ", ".join(told.get(name, "NULL" if not needed else "''") for _, name, _, needed, *_ in columns)


def test_the_devices_are_those_that_the_engine_tells(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOLINE_ENGINE", "no-such-engine-anywhere")
    with pytest.raises(WorldError, match="it does not say which devices it has"):
        workspace.devices()


def test_a_random_model_may_have_any_backbone(workspace: Workspace) -> None:
    assert np.size(workspace.models()) == 0
    row = workspace.add_random_model("bidirectional", S4Config(width=8, causal=False))
    assert "bidirectional" in row.card["lineage"]["backbone"]


def test_a_study_goes_on_from_a_model_that_is_named_and_is_refused_where_it_is_another(
    workspace: Workspace, tmp_path: Path
) -> None:
    native(workspace, tmp_path, TINY)
    config = tiny_study()
    base = {**config.base, "parent": "parent"}
    job = workspace.study(config.model_copy(update={"base": base}))
    assert workspace.job_detail(job).config["base"]["parent"] == f"models/{workspace.model('parent').sha256}"
    assert workspace.duplicate(job)["base"]["parent"] == "parent"
    for changes, field in (
        ({"backbone": {"name": "s4", "width": 16, "depth": 1}}, "backbone.width is 8 in it, 16"),
        ({"clip_mv": 5.0}, "clip_mv is 3.0 in it, 5.0"),
    ):
        with pytest.raises(WorldError, match=field):
            workspace.study(config.model_copy(update={"base": {**base, **changes}}))


def test_a_dossier_counts_what_the_study_of_a_kept_model_has_read(workspace: Workspace) -> None:
    job = workspace.study(tiny_study())
    workspace.wait(job, timeout_s=30)
    card = ModelCard.model_validate(workspace.keep_study_model(job, 1, "kept").card)
    section = ModelSection.__new__(ModelSection)
    object.__setattr__(section, "card", card)
    with workspace._home.db.read() as session:
        members = list(records.by_ids(session, [row.record_id for row in workspace.records()]).values())
        found = list(of_studies(session, members, [section]))
    assert [(one.model, one.records, one.patients, one.at_most) for one in found] == [("kept", 24, 24, True)]


def test_a_kept_model_counts_exactly_what_its_run_was_given_where_its_card_tells(workspace: Workspace) -> None:
    """Every checkpoint's card holds the hash of its own recordings; here it is put in as the true engine does."""
    job = workspace.study(tiny_study())
    workspace.wait(job, timeout_s=30)
    card = ModelCard.model_validate(workspace.keep_study_model(job, 1, "kept").card)
    manifest = RunFolder(workspace.path / "runs" / job).manifest()
    given = Subsets(manifest, [4, 0], "nested", 0).manifest({"records": 4})
    digest = split_digest([row.record_id for row in given], [row.split for row in given])
    lineage = card.lineage.model_copy(update={"corpus_sha256": digest})
    section = ModelSection.__new__(ModelSection)
    object.__setattr__(section, "card", card.model_copy(update={"lineage": lineage}))
    with workspace._home.db.read() as session:
        members = list(records.by_ids(session, [row.record_id for row in workspace.records()]).values())
        found = list(of_studies(session, members, [section]))
    assert len(given) < 24
    assert [(one.records, one.patients, one.at_most) for one in found] == [
        (len(given), len({row.patient for row in given}), False)
    ]


def test_labels_lent_to_the_runs_of_a_study_are_closed_when_it_dies_but_not_those_of_a_run_that_lives(
    workspace: Workspace,
) -> None:
    config = tiny_study("is cut")
    job = workspace.study(config.model_copy(update={"base": {**config.base, "probe": {"cohort": "held"}}}))
    folder = RunFolder(workspace.path / "runs" / job)
    lent = [folder.path / "runs" / name / "labels.npz" for name in ("0001", "0002")]
    for path in lent:
        path.parent.mkdir(parents=True)
        path.touch()
    with RunFolder(lent[1].parent).lock:
        assert workspace.wait(job, timeout_s=30).state == "interrupted"
    assert not folder.labels_path.exists()
    assert [path.exists() for path in lent] == [False, True]
