"""All figures of an evaluation and of a comparison, as an export and as pictures."""

import sys
from shutil import copytree

import pytest
from compared_cases import compared, measured, rich
from fake_workspace import LABELS, MODELS, evaluation
from test_ui_examination_facts import drift_results, efficiency_results

from app.commands.figure_pictures import as_png
from app.report.model_figures import comparison_figures, evaluation_figures
from app.workspace import Workspace
from engine.contract.errors import WorldError


def names(figures):
    return [one.name for one in figures]


def test_an_evaluation_gives_curves_of_every_label_and_what_is_told_of_all():
    found = names(evaluation_figures(measured("demo", 0.4)))
    of_norm = ["roc-norm", "precision-recall-norm", "calibration-norm", "decision-curve-norm", "subgroups-norm-sex"]
    assert found[:7] == ["auroc", "errors", *of_norm]
    assert found[-1] == "few-labels"
    assert len(found) == 2 + 5 * len(LABELS) + 1


def test_an_evaluation_of_an_older_version_gives_its_aurocs():
    assert names(evaluation_figures(evaluation("demo"))) == ["auroc"]


def test_a_comparison_gives_differences_ranks_curves_and_layers():
    found = names(comparison_figures(compared(), [rich(model) for model in MODELS]))
    assert found[:5] == ["differences", "differences-brier", "ranking", "ranks-by-task", "auroc"]
    assert found[-3:] == ["cka-random-s4-random-s4", "cka-random-s4-demo", "layer-profile"]
    assert len(set(found)) == len(found)


def test_labels_that_differ_in_signs_alone_do_not_overwrite_each_other():
    bare = rich("demo")
    twins = [bare.labels[0].model_copy(update={"label": label}) for label in ("ST+", "ST-")]
    found = names(evaluation_figures(bare.model_copy(update={"labels": twins})))
    assert {"roc-st", "roc-st-2"} <= set(found)


@pytest.fixture
def workspace(six_recordings, tmp_path):
    copytree(six_recordings, tmp_path / "ws")
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


def test_every_figure_of_an_export_brings_its_numbers_and_can_be_made_a_picture(qapp, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr("app.core.results.results", lambda session, job_id: rich("demo"))
    files = workspace.export_figures("J0001", tmp_path / "out")
    drawn = {file.stem for file in files if file.suffix == ".svg"}
    assert {file.stem for file in files if file.suffix == ".csv"} == drawn | {"numbers"}
    pictures = as_png([file for file in files if file.stem == "roc-mi" and file.suffix == ".svg"])
    assert pictures[0].read_bytes().startswith(b"\x89PNG")


def test_a_comparison_is_drawn_under_its_own_names(workspace, tmp_path, monkeypatch):
    def told(session, job_id):
        return compared() if job_id == "J9" else rich("demo")

    monkeypatch.setattr("app.core.results.results", told)
    monkeypatch.setattr("app.core.jobs.get", lambda session, job_id: job_id)
    runs = [f"runs/J{n}" for n in range(len(MODELS))]
    monkeypatch.setattr("app.core.jobs.config_of", lambda job: {"evaluations": runs})
    workspace.export_figures("J9", tmp_path / "out")
    svg = (tmp_path / "out" / "roc-mi.svg").read_text()
    assert all(name in svg for name in MODELS)  # one model evaluated three times, told apart


def test_without_the_window_s_libraries_a_picture_is_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PySide6.QtGui", None)
    with pytest.raises(WorldError, match="libraries of the window"):
        as_png([tmp_path / "x.svg"])


def test_a_cost_is_held_against_what_each_measured_model_can_on_one_test_part(workspace, tmp_path, monkeypatch):
    own = efficiency_results()
    twin = own.model_copy(update={"model": "twin", "parameters": 99_000})
    scores = [evaluation("demo").model_copy(update={"model": name, "model_sha256": "0" * 64}) for name in ("m", "twin")]
    scores.append(scores[1].model_copy(update={"test_sha256": "1" * 64}))  # newer, but of another test part
    monkeypatch.setattr("app.core.results.results", lambda session, job_id: own)
    assert "throughput.svg" in {file.name for file in workspace.export_figures("J1", tmp_path / "alone")}
    told = {"efficiency": [twin, own], "evaluate": scores}
    monkeypatch.setattr("app.core.costs._newest", lambda session, kind, page: told[kind])
    workspace.export_figures("J1", tmp_path / "out")
    lines = (tmp_path / "out" / "cost-parameters.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [["m", "1234"], ["twin", "99000"]]
    assert not (tmp_path / "out" / "throughput.svg").exists()


def test_a_drift_check_leaves_with_its_figures_and_their_numbers(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr("app.core.results.results", lambda session, job_id: drift_results())
    files = {file.name for file in workspace.export_figures("J1", tmp_path / "out")}
    assert files == {
        "numbers.csv",
        *(f"drift-{name}.{end}" for name in ("groups", "facts", "shares") for end in ("svg", "csv")),
    }
    (head, first, device) = (tmp_path / "out" / "drift-groups.csv").read_text().splitlines()
    assert head.startswith("attribute,group,value,low,high")
    assert first.startswith(",All local recordings,0.75,0.7,0.8")
    assert device.startswith("device,X,0.9")
    assert device.endswith(",0.02")
