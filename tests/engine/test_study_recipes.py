"""Every shipped study is one that can start, headed by its command, its cost and what comes of it."""

import ast
from pathlib import Path

import pytest

from engine.contract.config import StudyConfig
from engine.contract.errors import UsageError
from engine.contract.run import ManifestRow
from engine.recipes import STUDIES, load_recipe, load_study, recipe_names, study_names
from engine.study.grid import cells
from engine.study.subsets import Subsets

MANIFEST = [
    *[ManifestRow(f"r{n:03}", f"p{n:03}", "train") for n in range(200)],
    *[ManifestRow(f"v{n:03}", f"q{n:03}", "validation") for n in range(20)],
]
CORPORA = {row.record_id: ("heedb", "mimic")[n % 2] for n, row in enumerate(MANIFEST)}
OBJECTIVES = ("cpc", "data2vec", "dinosr", "hubert", "jepa")


def planned(name, **axes):
    """A study's runs on two hundred recordings; sizes beyond them are replaced by one that is there."""
    fields = load_study(name)
    sizes = fields["axes"].get("records", [])
    if sizes:
        fields["axes"]["records"] = [n for n in sizes if n <= 100] if min(sizes) <= 100 and max(sizes) > 0 else [64]
    if "start" in fields["axes"]:
        fields["base"]["parent"] = "checkpoints/step-000500"
    fields["axes"] |= axes
    config = StudyConfig.model_validate(fields)
    sizes = [int(n) for n in config.axes.get("records", ())]
    return config, cells(config, Subsets(MANIFEST, sizes, config.layout, config.subset_seed, CORPORA))


@pytest.mark.parametrize("name", study_names())
def test_a_study_is_headed_by_command_cost_and_result(name):
    text = (STUDIES / f"{name}.toml").read_text(encoding="utf-8")
    head = text[: text.index("\n\n")]
    for word in ("# Command:", f"isoline study {name}", "# Cost:", "# Result:"):
        assert word in head


@pytest.mark.parametrize("name", study_names())
def test_no_run_of_a_shipped_study_is_refused(name):
    config, made = planned(name)
    assert config.name == name
    assert [(cell.name, cell.refusal) for cell in made if cell.config is None] == []


def test_every_ablation_of_the_study_has_a_recipe():
    needed = {
        "objective-backbone",
        "pairs",
        "scaling-steps",
        "scaling-epochs",
        "s4-width",
        "rate",
        "input-length",
        "matched-corpora",
        "domain-pretraining",
        "hubert-plus-against-plain",
        "fidelity",
        "demo-study",
    }
    assert needed <= set(study_names())


def test_every_objective_has_a_recipe_on_every_backbone():
    whole = [load_recipe(name) for name in recipe_names() if name != "domain"]  # that one has its parent's
    told = {(data["objective"]["name"], data["backbone"]["name"]) for data in whole}
    assert {(o, b) for o in OBJECTIVES for b in ("s4", "transformer", "net1d")} <= told


def test_the_study_of_pairs_is_all_fifteen_at_size_small_with_as_many_tokens():
    _, made = planned("pairs")
    assert len(made) == 45
    assert {cell.values["backbone"] for cell in made[:15]} == {"s4"}  # the cheapest first
    for cell in made:
        run = cell.config
        assert (run.backbone.width, run.backbone.tokens(run.samples), run.batch_size, run.steps) == (128, 300, 32, 600)
        assert run.backbone.causal == (run.objective.name == "cpc")
        assert getattr(run.objective, "decay", 0.99) == 0.99
    assert {cell.config.backbone.depth for cell in made if cell.config.backbone.name != "net1d"} == {4, 6}


def test_fidelity_runs_every_objective_both_ways():
    _, made = planned("fidelity")
    told = {(cell.config.objective.name, cell.config.objective.fidelity, cell.config.normalisation) for cell in made}
    assert len(told) == 10
    assert ("jepa", "as_released", "ptbxl_as_released") in told
    assert ("cpc", "as_released", "none") in told


def test_fixed_epochs_are_ten_of_each_size():
    _, made = planned("scaling-epochs", records=[128, 64])
    assert [cell.config.steps for cell in made] == [20, 20, 10, 10]


def test_longer_inputs_have_more_tokens():
    _, made = planned("input-length")
    assert sorted({cell.config.backbone.tokens(cell.config.samples) for cell in made}) == [300, 600, 1200]


def test_an_unknown_study_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="demo-study"):
        load_study("no-such-study")


def test_studies_are_packed_with_the_engine():
    project = (Path(STUDIES).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    line = next(line for line in project.splitlines() if line.startswith("engine = ["))
    assert "recipes/studies/*.toml" in ast.literal_eval(line.partition("=")[2].strip())
