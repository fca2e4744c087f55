"""A version regression from asking to words, and the draft of its change record, on two files of scores."""

import json
import re
from pathlib import Path

import pytest
from version_workspace import compared

from app import cli
from app.commands.version_words import version_words
from app.report.change_record import evidence_of_change
from app.report.version_figures import figures, overview
from app.ui.version_facts import version_facts
from engine.contract.errors import UsageError, WorldError
from engine.contract.version_change import VersionResults


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        workspace, job = compared(tmp_path_factory.mktemp("versions"), patch)
        yield workspace, job
        workspace.close()


def evaluations(workspace):
    return sorted(row.job_id for row in workspace.jobs() if row.kind == "evaluate")


def test_a_version_regression_keeps_what_was_asked_and_names_the_new_version_first(done):
    workspace, job = done
    detail = workspace.job_detail(job)
    assert (detail.job.kind, detail.job.name, detail.job.cohort) == ("version", "v2 in place of v1", "main")
    assert detail.config["names"] == ["v1", "v2"]
    assert detail.config["evaluations"] == [f"runs/{one}" for one in evaluations(workspace)]
    assert (detail.config["margin"], detail.config["brier_margin"]) == (0.02, 0.01)
    assert isinstance(workspace.results(job), VersionResults)


def test_holding_versions_against_each_other_opens_no_split(done):
    workspace, _ = done
    assert workspace.cohort("main").openings == 2


def test_a_regression_is_found_by_the_models_that_it_is_between(done):
    workspace, job = done
    assert [row.job_id for row in workspace.version_changes(["v1", "v2", "other"])] == [job]
    assert workspace.version_changes(["v1", "other"]) == []


def test_what_is_no_pair_of_versions_is_refused_before_anything_is_queued(done):
    workspace, job = done
    old, new = evaluations(workspace)
    before = len(workspace.jobs())
    with pytest.raises(UsageError, match="same evaluation"):
        workspace.compare_versions(old, old)
    with pytest.raises(UsageError, match="run of kind version"):
        workspace.compare_versions(old, job)
    with pytest.raises(UsageError, match="none of this id"):
        workspace.compare_versions(old, "J0999")
    with pytest.raises(UsageError, match="between 0 and 1"):
        workspace.compare_versions(old, new, margin=2)
    workspace.create_cohort("other", labels=["NORM"], folds=3)
    elsewhere = workspace.evaluate("v2", "other")
    with pytest.raises(UsageError, match="run of kind evaluate, queued"):
        workspace.compare_versions(old, elsewhere)
    assert workspace.wait(elsewhere, timeout_s=60).state == "done"
    with pytest.raises(UsageError, match="different splits"):
        workspace.compare_versions(old, elsewhere)
    assert len(workspace.jobs()) == before + 1


def test_words_facts_and_figures_tell_the_same_difference(done):
    workspace, job = done
    found = workspace.results(job)
    told = f"{found.macro.difference.value:+.3f}"
    assert told in version_words(found)
    assert told in next(fact.value for fact in version_facts(found.model_dump(mode="json")) if fact.name == "In short")
    names = [one.name for one in figures(found)]
    assert {"version-differences", "version-alerts", "version-flips-own", "version-flips-kept"} <= set(names)
    assert overview(found).drawing.height > 300


def test_the_verbs_start_a_regression_and_tell_it_as_words_and_as_json(done, capsys):
    workspace, job = done
    old, new = evaluations(workspace)[:2]
    there = ["-w", str(workspace.path)]
    assert cli.main(["version", old, new, "--margin", "0.05", "--resamples", "100", "--wait", *there, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["margin"] == 0.05
    assert cli.main(["results", job, *there]) == 0
    assert "New minus old" in capsys.readouterr().out
    assert cli.main(["figures", job, "--out", str(workspace.path.parent / "drawn"), *there]) == 0
    assert "version-alerts.svg" in capsys.readouterr().out
    assert cli.main(["version", old, old, *there]) == 2


@pytest.mark.slow
def test_the_record_is_written_as_a_pdf_that_verify_knows_and_as_markdown(done, capsys):
    workspace, job = done
    folder = workspace.path.parent
    there = ["-w", str(workspace.path)]
    assert cli.main(["change-record", job, "--out", str(folder / "change.pdf"), *there]) == 0
    assert "a person reads, completes and signs it" in capsys.readouterr().out
    verified = workspace.verify_report(folder / "change.pdf")
    assert verified.ok, [check for check in verified.checks if not check.ok]
    assert cli.main(["change-record", job, "--out", str(folder / "change.md"), *there, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"].endswith("change.md")
    actions = [row.action for row in workspace.audit(limit=2)]
    assert actions == ["change record written", "report exported"]


def test_every_number_of_the_record_has_an_id_that_resolves_to_the_results(done):
    workspace, job = done
    file = workspace.path.parent / "numbers.md"
    workspace.export_change_record(job, file)
    text = file.read_text(encoding="utf-8")
    cited = set(re.findall(r"E\d{4,}", text.split("## 12.")[0]))
    listed = dict(re.findall(r"\| (E\d{4,}) \| J\d+ \| \S+ \| (\S+) \|", text))
    assert len(cited) > 30
    assert cited <= set(listed)
    macro = workspace.results(job).macro.difference.value
    assert any(value.replace("−", "-") == f"{macro:.6f}" for value in listed.values())


def test_the_record_says_what_was_not_known_and_never_that_anything_is_approved(done):
    workspace, job = done
    file = workspace.path.parent / "words.md"
    workspace.export_change_record(job, file)
    text = file.read_text(encoding="utf-8")
    for heading in ("What changed", "What regressed", "What could not be told", "What a committee has to decide"):
        assert heading in text
    assert "The cards do not say that these are two versions of one product" in text
    assert "whether it has seen these recordings cannot be told" in text
    assert "predetermined change control plan (PCCP)" in text
    assert "- [ ] do not install" in text
    assert not re.search(r"\b(compliant|validated|approved)\b", text)


def test_a_record_is_of_a_finished_regression_and_of_a_known_kind_of_file(done):
    workspace, job = done
    with pytest.raises(UsageError, match="run of kind evaluate"):
        workspace.export_change_record(evaluations(workspace)[0], Path("x.pdf"))
    with pytest.raises(UsageError, match=r"written as \.pdf or \.md"):
        workspace.export_change_record(job, Path("x.docx"))
    with pytest.raises(WorldError, match="cannot be written"):
        workspace.export_change_record(job, workspace.path / "nowhere" / "x.md")


def test_the_evidence_names_both_models_and_all_three_runs(done):
    from app.governance.change_record import collect

    workspace, job = done
    record = collect(workspace._home, job)
    told = json.loads(evidence_of_change(record))
    assert [one["name"] for one in told["models"]] == ["v1", "v2"]
    assert [one["kind"] for one in told["runs"]] == ["evaluate", "evaluate", "version"]
    assert told["version_job"] == job


def test_the_dossier_of_both_versions_tells_what_the_new_one_changes_from_its_own_evidence(done):
    from app.report.build import _plain_results, _sections
    from app.report.evidence import Ledger
    from app.report.tables import Context

    workspace, _ = done
    old, new = evaluations(workspace)[:2]
    comparison = workspace.compare([new, old], resamples=100)
    assert workspace.wait(comparison, timeout_s=60).state == "done"
    dossier = workspace.dossier(comparison)
    newest = max(row.job_id for row in workspace.jobs() if row.kind == "version")
    assert [one.job_id for one in dossier.version_changes] == [newest]
    assert newest in {run.job_id for run in dossier.runs}
    context = Context(Ledger(dossier.evidence, _plain_results(dossier)), "0" * 64)
    section = next(one for one in _sections(dossier, context) if one.title.startswith("New version: "))
    assert section.title == "New version: v2 in place of v1"
    assert len(section.body()) > 5
    assert context.ledger.cited
