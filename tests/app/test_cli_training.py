"""The verbs that train, on a workspace whose engine does quick, known work."""

import inspect
import json
import re
import shutil
from pathlib import Path

import pytest
from core_cases import make_workspace, use_quick_engine

from app import cli, commands
from app.commands.studies import written_out
from app.recipes import recipe_config, study_config
from app.workspace import Workspace
from engine.contract.config import JEPAConfig
from engine.contract.errors import UsageError

GRID = """
name = "grid"
[base]
steps = 4
batch_size = 2
backbone = { name = "s4", width = 8, depth = 1 }
[axes]
records = [4, 0]
seed = [0, 1]
"""
TINY = [*("--set", "backbone.width=8"), *("--set", "backbone.depth=1"), *("--set", "steps=10")]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    path = make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=24)
    with Workspace.open(path) as workspace:
        workspace.create_cohort("folds", labels=["NORM"], folds=3)
    return path


@pytest.fixture
def isoline(template, tmp_path, monkeypatch, capsys):
    """Run a verb on a workspace of its own; returns exit code, output and what was said beside it."""
    use_quick_engine(monkeypatch, tmp_path / "engine")
    shutil.copytree(template, tmp_path / "ward")
    monkeypatch.chdir(tmp_path)

    def run(*words):
        capsys.readouterr()
        code = cli.main([*(str(word) for word in words), "-w", str(tmp_path / "ward")])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def grid(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text(GRID)
    return path


def test_a_pretraining_with_a_probe_says_which_patients_both_share(isoline):
    code, out, err = isoline("pretrain", "demo", *TINY, "--probe", "folds", "--probe-every", "5", "--json")
    assert code == 0
    assert "of its 24 patients" in err.replace("\n", " ")
    config = json.loads(isoline("jobs", "show", json.loads(out)["job_id"], "--json")[1])["config"]
    assert config["probe"] == {"every": 5, "cohort": "folds", "labels": ["NORM"], "folds": True}


def test_an_estimate_waits_and_its_exit_code_says_whether_it_fits(isoline):
    code, out, _ = isoline("pretrain", "demo", *TINY, "--estimate")
    assert code == 0
    assert re.search(r"Verdict +it fits\nTime +1 min 30 s for 10 steps\n", out)
    code, out, _ = isoline("pretrain", "demo", *TINY, "--set", "batch_size=1024", "--estimate", "--json")
    assert code == 1
    assert json.loads(out)["refusal"] == "memory is short"


def test_a_parent_that_is_no_checkpoint_exits_with_2(isoline):
    isoline("model", "add", "--random", "--set", "width=8")
    code, _, err = isoline("pretrain", "demo", "--from", "random S4")
    assert code == 2
    assert "a model of kind random cannot be gone on from" in err


@pytest.mark.parametrize(("backbone", "named"), [("transformer", "Transformer"), ("net1d", "Net1D"), ("s4", "S4")])
def test_random_weights_of_any_backbone_are_registered(isoline, backbone, named):
    width = ["--set", "width=64"]
    assert isoline("model", "add", "--random", "--backbone", backbone, *width)[0] == 0
    row = json.loads(isoline("model", "show", f"random {named}", "--json")[1])
    assert f"{named}, " in row["card"]["lineage"]["backbone"]


def test_a_study_is_started_watched_shown_exported_and_one_of_its_models_kept(isoline, grid, tmp_path):
    code, out, _ = isoline("study", grid, "--wait")
    assert code == 0
    assert re.search(r"Run +records +seed +State +Held-out loss +Trivial level\n +1 +4 +0 +done +4 +5\n", out)
    listed = json.loads(isoline("jobs", "--json")[1])[0]
    assert (listed["kind"], listed["name"], listed["progress"]["unit"]) == ("study", "grid", "runs")
    shown = isoline("study", "show", listed["job_id"])[1]
    assert "4 of 4 runs done" in shown
    told = json.loads(isoline("study", "show", listed["job_id"], "--json")[1])
    assert [row["number"] for row in told["rows"]] == [1, 2, 3, 4]
    code, out, _ = isoline("study", "export", listed["job_id"], tmp_path / "figures", "--json")
    assert code == 0
    names = {Path(path).name for path in json.loads(out)}
    assert {"study.csv", "held-out-loss.svg"} <= names == {path.name for path in (tmp_path / "figures").iterdir()}
    assert isoline("study", "keep", listed["job_id"], "2", "--name", "kept")[0] == 0
    assert "kept" in isoline("model", "list")[1]


def test_the_preview_of_a_study_tells_its_cost_from_the_largest_run_and_starts_nothing(isoline, grid):
    code, out, _ = isoline("study", grid, "--preview")
    assert code == 0
    assert "What it costs: add --estimate" in out
    code, out, _ = isoline("study", grid, "--preview", "--estimate")
    assert code == 0
    assert "4 runs: at most 6 min 00 s one after the other" in " ".join(out.split())
    told = json.loads(isoline("study", grid, "--preview", "--estimate", "--json")[1])
    assert [row["number"] for row in told["runs"]] == [1, 2, 3, 4]
    assert told["largest"]["seconds"] == 90.0
    assert {job["kind"] for job in json.loads(isoline("jobs", "--json")[1])} == {"import", "estimate"}


@pytest.fixture
def stops_what_it_waits_for(monkeypatch):
    """Somebody asks each job to stop as soon as it is waited for."""
    honest = Workspace.wait

    def wait(self, job_id, *more):
        while self.job(job_id).state == "queued":
            self.pump()
        if self.job(job_id).state == "running":
            self.stop(job_id)
        return honest(self, job_id, *more)

    monkeypatch.setattr(Workspace, "wait", wait)


def test_a_run_that_was_stopped_as_asked_exits_with_4_and_says_how_to_go_on(
    isoline, monkeypatch, stops_what_it_waits_for
):
    monkeypatch.setenv("FAKE_PAUSE", "5")
    code, out, err = isoline("pretrain", "demo", *TINY, "--wait")
    assert (code, out) == (4, "")
    assert "job J0002: stopped as asked. Resume it to go on." in err
    assert isoline("jobs", "resume", "J0002", "--wait")[0] == 4
    code, out, _ = isoline("jobs", "resume", "J0002", "--json")
    assert (code, json.loads(out)["job_id"]) == (0, "J0002")
    assert isoline("jobs", "watch")[0] == 4


def test_a_run_that_failed_exits_with_1_also_beside_one_that_was_stopped(isoline):
    assert isoline("pretrain", "demo", *TINY, "--set", "name=bug", "--wait")[0] == 1


def test_too_few_recordings_are_told_before_anything_is_queued(isoline):
    code, _, err = isoline("pretrain", "demo", *TINY, "--set", "batch_size=30")
    assert code == 1
    assert "22 training records are fewer than a batch of 30. Set batch_size to 22 or less" in err.replace("\n", " ")
    assert isoline("pretrain", "demo", *TINY, "--set", "rate_hz=1000", "--set", "batch_size=1")[0] == 1
    assert [job["kind"] for job in json.loads(isoline("jobs", "--json")[1])] == ["import"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pretrain", "demo", "--set", "steps=true"], "steps: a number is needed, not true"),
        (["study", "GRID", "--set", "axes.nonsense=[1, 2]"], "no pretraining has a field nonsense"),
        (["study", "GRID", "--set", "base.nonsense=1"], "base.nonsense: there is no such setting"),
        (["study", "GRID", "--set", "axes.steps=[true]"], "steps: a number is needed, not true"),
        (["study", "GRID", "--set", 'axes.start=["fresh"]'], "base.parent names what is gone on from"),
        (["study", "GRID", "--set", 'axes.objective=["x"]'], "axes.objective: x is not among"),
        (
            ["study", "objective-backbone", "--set", "base.objective.name=jepa"],
            "base.objective is given beside the axis",
        ),
    ],
)
def test_what_was_asked_wrongly_exits_with_2_whoever_finds_it(isoline, grid, words, told):
    code, out, err = isoline(*(grid if word == "GRID" else word for word in words))
    assert (code, out) == (2, "")
    assert told in " ".join(err.split())


def test_a_warm_up_longer_than_the_training_is_noted(isoline):
    code, _, err = isoline("pretrain", "demo", *TINY, "--set", "warmup_steps=40")
    assert code == 0
    assert "Note: warmup_steps = 40 is more than steps = 10" in err


def test_a_setting_of_a_study_that_does_not_exist_exits_with_2(isoline, grid):
    assert isoline("study", grid, "--set", "nonsense=1")[0] == 2
    code, _, err = isoline("study", grid, "--set", "base.nonsense=1")
    assert code == 2
    assert "base.nonsense" in err
    assert isoline("study", "no-such-study")[0] == 2


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        (["study", "scaling", "--wait"], ["study", "start", "scaling", "--wait"]),
        (["study", "-w", "ward", "scaling"], ["study", "start", "-w", "ward", "scaling"]),
        (["study", "start", "scaling"], ["study", "start", "scaling"]),
        (["study", "scaling", "--cohort", "list"], ["study", "start", "scaling", "--cohort", "list"]),
        (["study", "--help"], ["study", "--help"]),
        (["study"], ["study"]),
        (["jobs", "list"], ["jobs", "list"]),
    ],
    ids=lambda words: " ".join(words),
)
def test_the_word_start_of_a_study_may_be_left_out(words, whole):
    assert written_out(words) == whole


def test_the_shipped_studies_are_listed_with_how_many_runs_they_are(capsys):
    assert cli.main(["study", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert all(row["axes"] for row in told)
    assert cli.main(["study"]) == 0
    assert "What varies" in capsys.readouterr().out


def test_what_a_parent_settles_goes_before_the_recipe_and_what_is_set_before_both():
    settled = {"backbone": {"name": "s4", "width": 8, "causal": False}, "window_s": 5.0}
    known = {"objective": "jepa", "objective_settings": {"name": "jepa", "targets": 2}}
    config = recipe_config("domain", ["steps=7"], {**settled, **known})
    assert (config.backbone.width, config.window_s, config.steps) == (8, 5.0, 7)
    assert config.objective == JEPAConfig(targets=2)
    assert recipe_config("demo", [], {**settled, "backbone": {"name": "s4"}, **known}).objective.name == "cpc"
    study = study_config("domain-pretraining", ["base.parent=theirs", "base.clip_mv=4"], {**settled, **known})
    assert (study.base["window_s"], study.base["clip_mv"], study.base["backbone"]["width"]) == (5.0, 4, 8)


def test_a_recipe_of_another_backbone_than_the_parents_is_refused_by_its_field():
    settled = {"backbone": {"name": "s4", "width": 8, "causal": False}, "window_s": 5.0}
    with pytest.raises(UsageError, match=r"jepa-net1d: backbone\.name is net1d in it, .* is of s4"):
        recipe_config("jepa-net1d", [], settled)


def test_every_method_of_the_workspace_that_changes_data_has_a_verb():
    changing = {
        name
        for name, method in inspect.getmembers(Workspace, inspect.isfunction)
        if re.search(r"db\.write\(\)|return (\w+\.)?\w+\(self\._home\b|pump\.(beat|wait)", inspect.getsource(method))
    }
    assert {"pretrain", "estimate", "study", "export_study", "keep_study_model", "import_files", "resume"} <= changing
    folder = Path(commands.__file__).parent
    spoken = "\n".join(
        path.read_text(encoding="utf-8") for path in [*folder.glob("*.py"), folder.parent / "progress.py"]
    )
    only_read = {"dossier", "signal"}  # they need more of the workspace than its database, and change nothing
    assert {name for name in changing if f"workspace.{name}(" not in spoken} == only_read
