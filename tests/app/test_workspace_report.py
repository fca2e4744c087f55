import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from core_cases import QUICK, SAMPLES, hurt, sha256

from app.core import audit
from app.governance.collect import CURVES
from app.governance.dossier import Dossier
from app.report.evidence import value_at
from app.workspace import Workspace
from engine.contract.config import PretrainConfig, S4Config
from engine.contract.errors import UsageError, WorldError
from engine.contract.results import CompareResults, EvaluateResults


def done(workspace: Workspace, job: str) -> str:
    row = workspace.wait(job, timeout_s=240)
    assert row.state == "done", (row, workspace.job_detail(job).console_tail)
    return job


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, evaluated by two models that need no torch, and compared."""
    path = tmp_path_factory.mktemp("template") / "workspace"
    with Workspace.create(path) as workspace:
        done(workspace, workspace.import_files([SAMPLES], labels=SAMPLES / "labels.csv", dataset="sample"))
        workspace.create_cohort("main", labels=["NORM", "MI"], folds=5)
        workspace.add_baseline()
        workspace.add_predictions(SAMPLES / "predictions-age-sex.csv", "vendor")
        jobs = [done(workspace, workspace.evaluate(name, "main", settings=QUICK)) for name in ("age + sex", "vendor")]
        done(workspace, workspace.compare(jobs, resamples=100))
    return path


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Iterator[Workspace]:
    shutil.copytree(template, tmp_path / "ward7")
    with Workspace.open(tmp_path / "ward7") as opened:
        yield opened


@pytest.fixture(scope="module")
def exported(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with one report, which is typeset once for all who only read it."""
    path = tmp_path_factory.mktemp("exported") / "workspace"
    shutil.copytree(template, path)
    with Workspace.open(path) as workspace:
        workspace.export_report(path.with_name("out.pdf"), title="Ward 7")
    return path


@pytest.fixture
def reported(exported: Path, tmp_path: Path) -> Iterator[tuple[Workspace, Path]]:
    """A copy of the workspace, and the report that it exported."""
    shutil.copytree(exported, tmp_path / "ward7")
    with Workspace.open(tmp_path / "ward7") as opened:
        yield opened, exported.with_name("out.pdf")


def faults(workspace: Workspace, pdf: Path) -> set[str]:
    return {check.what for check in workspace.verify_report(pdf).checks if not check.ok}


@pytest.fixture(scope="module")
def collected(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Dossier]]:
    """A copy of the workspace, to be read only, and its dossier: collecting runs the self-test in a process."""
    path = tmp_path_factory.mktemp("collected") / "workspace"
    shutil.copytree(template, path)
    with Workspace.open(path) as opened:
        yield opened, opened.dossier("J0004")


def test_a_dossier_holds_what_the_database_holds(collected: tuple[Workspace, Dossier]) -> None:
    workspace, dossier = collected
    assert [section.card.name for section in dossier.models] == ["age + sex", "vendor"] == dossier.comparison.models
    assert dossier.data.records == workspace.record_count() == 155
    assert dossier.data.female + dossier.data.male + dossier.data.sex_unknown == 155
    ages = sorted(row.age for row in workspace.records() if row.age is not None)
    assert dossier.data.age_median == ages[len(ages) // 2]
    assert {label.label: label.positives for label in dossier.data.labels} == {
        row.label: row.positives for row in workspace.labels() if row.label in ("MI", "NORM")
    }
    assert dossier.cohort == workspace.cohort("main")
    assert [run.job_id for run in dossier.runs] == ["J0002", "J0003", "J0004"]
    assert (dossier.audit_seq, dossier.audit_head) == (workspace.verify_audit().events, workspace.verify_audit().head)
    assert dossier.example is not None
    assert dossier.example.record_id == min(row.record_id for row in workspace.records() if row.quality == "good")


def test_every_piece_of_evidence_resolves_to_its_number(collected: tuple[Workspace, Dossier]) -> None:
    workspace, dossier = collected
    assert len({row.id for row in dossier.evidence}) == len(dossier.evidence) > 50
    results = {job_id: workspace.job_detail(job_id).results for job_id in {row.job_id for row in dossier.evidence}}
    for row in dossier.evidence:
        assert value_at(results[row.job_id], row.path) == row.value


def test_a_dossier_holds_the_certificate_of_the_selftest_that_ran_for_it(collected: tuple[Workspace, Dossier]) -> None:
    told = collected[1].certificate
    assert told is not None
    assert told.right


def test_an_exported_report_verifies_and_stands_in_the_trail(reported: tuple[Workspace, Path]) -> None:
    workspace, pdf = reported
    (row,) = workspace.reports()
    assert (row.comparison_job, Path(row.file), row.sha256) == ("J0004", pdf, sha256(pdf.read_bytes()))
    event = workspace.audit(limit=1)[0]
    assert (event.seq, event.action, event.detail) == (row.audit_seq, "report exported", {"pdf_sha256": row.sha256})
    assert faults(workspace, pdf) == set()


def test_a_report_verifies_after_a_move_and_without_run_folders(
    reported: tuple[Workspace, Path], tmp_path: Path
) -> None:
    workspace, pdf = reported
    workspace.close()
    shutil.move(workspace.path, tmp_path / "moved")
    with Workspace.open(tmp_path / "moved") as moved:
        shutil.rmtree(moved.path / "runs" / "J0003")
        assert faults(moved, pdf) == set()


def test_changed_results_in_the_database_are_found(reported: tuple[Workspace, Path]) -> None:
    workspace, pdf = reported
    macro = workspace.results("J0002")
    assert isinstance(macro, EvaluateResults)
    assert macro.macro.value is not None
    hurt(
        workspace,
        "UPDATE jobs SET results = replace(results, ?, '0.999') WHERE job_id = 'J0002'",
        repr(macro.macro.value),
    )
    found = faults(workspace, pdf)
    assert "run J0002 (evaluate)" in found
    assert any(what.startswith("evidence") for what in found)


def test_a_changed_config_is_found(reported: tuple[Workspace, Path]) -> None:
    workspace, pdf = reported
    path = workspace.path / "runs" / "J0003" / "config.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"seed": 0', '"seed": 1'), encoding="utf-8")
    assert faults(workspace, pdf) == {"run J0003 (evaluate)"}


def test_changed_scores_of_a_vendor_are_found(reported: tuple[Workspace, Path]) -> None:
    workspace, pdf = reported
    file = workspace.path / "models" / workspace.model("vendor").sha256 / "predictions.npz"
    file.write_bytes(file.read_bytes() + b"x")
    assert faults(workspace, pdf) == {"model vendor"}


def test_a_trail_that_was_cut_or_rewritten_is_found(reported: tuple[Workspace, Path]) -> None:
    workspace, pdf = reported
    hurt(workspace, "DROP TRIGGER audit_refuses_delete")
    hurt(workspace, "DELETE FROM audit WHERE seq >= (SELECT max(seq) - 1 FROM audit)")
    assert workspace.verify_audit().intact  # a chain alone cannot show that its end is gone; the report can
    found = faults(workspace, pdf)
    assert "PDF file" in found
    assert any(what.startswith("audit event") for what in found)


def test_a_report_of_another_workspace_does_not_verify(exported: Path, tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "other") as other:
        assert {"workspace", "PDF file"} <= faults(other, exported.with_name("out.pdf"))


def test_asking_for_a_report_without_a_comparison_says_what_is_missing(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run of kind evaluate"):
        workspace.dossier("J0002")
    with Workspace.create(tmp_path / "other") as other, pytest.raises(UsageError, match="no comparison is done yet"):
        other.export_report(tmp_path / "out.pdf")
    with pytest.raises(WorldError):
        workspace.export_report(tmp_path / "nowhere" / "out.pdf")
    assert workspace.reports() == []


def test_an_event_is_appended_by_nothing_but_changes(workspace: Workspace, tmp_path: Path) -> None:
    before = workspace.verify_audit().events
    workspace.dossier("J0004")
    workspace.records()
    workspace.pump()
    with workspace._home.db.read() as session:
        assert audit.head(session)[0] == before


@pytest.mark.slow
def test_two_workspaces_reach_the_same_numbers_from_the_same_recordings(tmp_path: Path) -> None:
    config = PretrainConfig(name="ours", backbone=S4Config(width=16, depth=1), steps=6, batch_size=8, evaluate_every=3)
    found = []
    for name in ("first", "second"):
        with Workspace.create(tmp_path / name) as workspace:
            done(workspace, workspace.import_files([SAMPLES], labels=SAMPLES / "labels.csv"))
            workspace.create_cohort("main", labels=["NORM"], folds=5)
            done(workspace, workspace.pretrain(config))
            workspace.add_random_model("random S4", config.backbone)
            jobs = [
                done(workspace, workspace.evaluate(model, "main", settings=QUICK)) for model in ("ours", "random S4")
            ]
            compared = done(workspace, workspace.compare(jobs, resamples=100))
            workspace.export_report(tmp_path / f"{name}.pdf")
            assert faults(workspace, tmp_path / f"{name}.pdf") == set()
            dossier = workspace.dossier(compared)
            assert {curve.name for curve in dossier.pretrainings[0].curves} <= set(CURVES)
            assert any("'ours' was pretrained on 155 of the 155" in limit for limit in dossier.limits)
            results = workspace.results(compared)
            assert isinstance(results, CompareResults)
            found.append((results.model_copy(update={"seconds": 0.0}), dossier.cohort.split_sha256))
    assert found[0] == found[1]


def test_a_report_whose_title_names_what_was_seen_at_import_is_not_written(
    workspace: Workspace, tmp_path: Path
) -> None:
    name = workspace.records(limit=1)[0].source_name
    with pytest.raises(WorldError, match="file name in title") as caught:
        workspace.export_report(tmp_path / "out.pdf", title=f"About {name.upper().replace('_', ' ')}")
    assert name not in str(caught.value)
    assert list(tmp_path.glob("out.pdf*")) == []
    assert workspace.reports() == []
