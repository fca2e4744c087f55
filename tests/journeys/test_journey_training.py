"""Training from the command line with real engine processes: cost, parent, child, dossier, study, figures."""

import json

import pytest
from command_line import as_options, isoline
from pypdf import PdfReader

from engine.contract.card import DERIVED_STAMP

pytestmark = pytest.mark.slow

SMALL = (
    *("backbone.width=16", "backbone.depth=2", "batch_size=8", "objective.negatives=16", "steps=20"),
    *("checkpoint_every=10", "evaluate_every=10", "threads=1"),
)
GRID = """
name = "grid"
[base]
steps = 4
batch_size = 8
threads = 1
device = "cpu"
evaluate_every = 2
[backbones.small]
name = "s4"
width = 16
depth = 2
[backbones.other]
name = "transformer"
width = 16
heads = 2
depth = 1
stem_kernels = [3, 1]
stem_strides = [2, 2]
[axes]
backbone = ["small", "other"]
seed = [0, 1]
"""


def settings(*more):
    return as_options((*SMALL, *more))


@pytest.fixture(scope="module")
def ward(tmp_path_factory, samples):
    path = tmp_path_factory.mktemp("journey") / "ward"
    isoline("init", path)
    isoline("import", samples, "--labels", samples / "labels.csv", "-w", path)
    isoline("cohort", "create", "main", "--label", "NORM", "--folds", "3", "-w", path)
    return path


@pytest.fixture(scope="module")
def family(ward):
    """A model, and one that went on from it under a probe."""
    isoline("pretrain", "demo", *settings('name="theirs"'), "-w", ward, "--wait")
    more = ["--set", "steps=20", "--set", "threads=1", "--set", "batch_size=8", "--set", 'name="ours"']
    told = isoline("pretrain", "domain", "--from", "theirs", "--probe", "main", *more, "-w", ward, "--wait", "--json")
    return json.loads(told)


def test_the_cost_is_told_before_anything_is_started(ward):
    told = json.loads(isoline("pretrain", "demo", *settings("steps=1000"), "--estimate", "-w", ward, "--json"))
    assert told["fits"]
    assert told["steps"] == 1000
    assert told["seconds"] > 0


def test_a_model_that_went_on_is_stamped_in_the_list_in_the_dossier_and_among_its_limits(ward, family, tmp_path):
    assert [change["label"] for change in family["forgetting"]] == ["macro", "NORM"]
    listed = isoline("model", "list", "-w", ward)
    assert f"{DERIVED_STAMP} (from theirs)" in listed
    for model in ("ours", "theirs"):
        isoline("evaluate", model, "--cohort", "main", "--resamples", "100", "-w", ward, "--wait")
    isoline("compare", "ours", "theirs", "--resamples", "100", "-w", ward, "--wait")
    isoline("report", "--out", tmp_path / "dossier.pdf", "-w", ward)
    isoline("verify", tmp_path / "dossier.pdf", "-w", ward)
    text = " ".join(" ".join(page.extract_text().split()) for page in PdfReader(tmp_path / "dossier.pdf").pages)
    assert f"'ours' was made from 'theirs' by further pretraining: {DERIVED_STAMP}" in text
    assert "Forgetting: AUROC of the last probe minus that of the first" in text
    assert "Linear probe along the way on cohort main" in text


def test_a_study_ends_in_a_table_figures_and_a_model_that_is_kept(ward, tmp_path):
    (tmp_path / "grid.toml").write_text(GRID)
    told = isoline("study", tmp_path / "grid.toml", "-w", ward, "--wait")
    assert "Held-out loss" in told
    job = next(row for row in json.loads(isoline("jobs", "-w", ward, "--json")) if row["kind"] == "study")
    assert (job["state"], job["progress"]["done"], job["progress"]["total"]) == ("done", 4, 4)
    written = json.loads(isoline("study", "export", job["job_id"], tmp_path / "figures", "-w", ward, "--json"))
    assert {"study.csv", "held-out-loss.svg"} <= {path.rpartition("/")[2] for path in written}
    assert len((tmp_path / "figures" / "study.csv").read_text().splitlines()) == 5
    isoline("study", "keep", job["job_id"], "3", "--name", "of the grid", "-w", ward)
    card = json.loads(isoline("model", "show", "of the grid", "-w", ward, "--json"))["card"]
    assert card["lineage"]["backbone"].startswith("Transformer, causal")
