"""`isoline datasets`: what is listed, and that it needs no workspace."""

import json

from app.cli import main
from engine.datasets.registry import DATASETS, TASKS


def test_every_dataset_has_its_line(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["datasets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(DATASETS)]] == list(DATASETS)
    assert f"{len(DATASETS)} datasets, {len(TASKS)} tasks" in "\n".join(lines)


def test_json_holds_every_task_of_every_dataset(capsys):
    assert main(["datasets", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {task["name"] for each in told for task in each["tasks"]} == set(TASKS)
    assert {each["verified"] for each in told} == {"real data", "layout only"}


def test_one_dataset_tells_licence_access_citation_and_split(capsys):
    assert main(["datasets", "mimic"]) == 0
    out = capsys.readouterr().out
    for word in ("Licence", "Access:", "Cite:", "Caution:", "mimic-laboratory", "Split:"):
        assert word in out


def test_an_unknown_dataset_is_a_usage_error_that_names_the_known_ones(capsys):
    assert main(["datasets", "ptb"]) == 2
    assert "ptbxl" in capsys.readouterr().err
