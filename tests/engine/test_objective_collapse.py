"""The collapse watch: the published measure, alarms for what is dead and none for what is fresh."""

import math

import pytest
import torch

from engine.backbones.registry import build_backbone
from engine.contract.config import (
    CPCConfig,
    Data2vecConfig,
    DinoSRConfig,
    HuBERTConfig,
    JEPAConfig,
    Net1DConfig,
    S4Config,
    TransformerConfig,
)
from engine.metrics.embedding_spread import effective_rank
from engine.objectives.base import Batch
from engine.objectives.collapse import FIRST_STEP, Scatter, judge, watch
from engine.objectives.registry import build_objective

SMALL = S4Config(width=32, depth=2, causal=False)
STEM = {"stem_kernels": (3, 1, 1, 1), "stem_strides": (2, 1, 1, 1)}
SHAPES = {
    "s4": SMALL,
    "transformer": TransformerConfig(width=64, depth=3, heads=2, **STEM),
    "net1d": Net1DConfig(width=64, **STEM),
}
TASKS = {
    "cpc": CPCConfig(negatives=8),
    "jepa": JEPAConfig(),
    "data2vec": Data2vecConfig(),
    "dinosr": DinoSRConfig(codes=32),
    "hubert": HuBERTConfig(codes=(16, 32)),
}


def crops(count=8, samples=300, seed=0):
    """Beats of all shapes: bumps of random places, widths and heights on every lead, eight of which are free."""
    generator = torch.Generator().manual_seed(seed)
    time_T = torch.arange(samples) / 240
    x_BCT = torch.zeros(count, 8, samples)
    for _ in range(6):
        place, width, height = torch.rand(3, count, 8, 1, generator=generator)
        x_BCT += (2 * height - 1) * torch.exp(-0.5 * ((time_T - 1.25 * place) / (0.01 + 0.05 * width)) ** 2)
    mix = torch.randn(12, 8, generator=generator) / 3
    return torch.einsum("cd,bdt->bct", mix, x_BCT)


def batches(count=2, **shape):
    return [Batch.whole(crops(seed=i, **shape), 0, "validation", i) for i in range(count)]


def build(shape="s4", task="data2vec"):
    causal = task == "cpc"
    return build_objective(build_backbone(SHAPES[shape].model_copy(update={"causal": causal}), 0), TASKS[task], 0)


def values_of(rows_ND):
    scatter = Scatter(rows_ND.shape[1], rows_ND.device)
    for part_ND in rows_ND.split(37):
        scatter.add(part_ND)
    return scatter.singular_values()


def test_the_effective_rank_is_the_published_one_of_the_centred_rows():
    """Roy and Vetterli 2007: exp of the Shannon entropy of singular values over their sum."""
    rows = torch.randn(500, 20, generator=torch.Generator().manual_seed(0)) * torch.linspace(0.01, 3, 20) + 7
    values = torch.linalg.svdvals(rows.double() - rows.double().mean(0))
    shares = values / values.sum()
    assert effective_rank(values_of(rows)) == pytest.approx(math.exp(-(shares * shares.log()).sum()), rel=1e-6)


def test_equal_directions_count_fully_and_a_single_one_counts_one():
    assert effective_rank(torch.ones(17, dtype=torch.float64)) == pytest.approx(17)
    assert effective_rank(torch.tensor([0.0, 0.0, 3.0])) == pytest.approx(1)
    one = torch.randn(300, 1, generator=torch.Generator().manual_seed(0)) * torch.randn(1, 16) + 5
    assert effective_rank(values_of(one)) == pytest.approx(1, abs=1e-3)


def test_turning_the_features_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(400, 12, generator=generator) * torch.linspace(0.1, 2, 12)
    turn = torch.linalg.qr(torch.randn(12, 12, generator=generator)).Q
    assert effective_rank(values_of(rows @ turn)) == pytest.approx(effective_rank(values_of(rows)), rel=1e-5)


def test_one_vector_and_its_rounding_have_no_rank():
    vector = torch.randn(1, 64, generator=torch.Generator().manual_seed(0))
    noise = 1 + 1e-7 * torch.randn(500, 64, generator=torch.Generator().manual_seed(1))
    assert effective_rank(values_of(vector.expand(500, -1))) == 0
    assert effective_rank(values_of(vector * noise)) == 0


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_fresh_model_is_not_called_collapsed_in_its_first_steps(shape, task):
    measures = watch(build(shape, task), batches())
    assert judge(measures, 0) == judge(measures, FIRST_STEP - 1) == ""
    assert 1 < measures["effective_rank"] == pytest.approx(measures["effective_rank_share"] * SHAPES[shape].width)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_fresh_backbone_with_settled_batch_norms_has_more_rank_than_a_collapsed_one(shape):
    objective = build(shape)
    objective.backbone.stem.train()
    with torch.no_grad():
        for step in range(40):
            objective.backbone.stem(crops(seed=step))
    assert watch(objective, batches())["effective_rank_share"] > 0.12


def test_a_backbone_that_makes_the_same_of_everything_is_called_collapsed():
    objective = build()
    for block in objective.backbone.blocks:
        torch.nn.init.zeros_(block.norm.weight)
    measures = watch(objective, batches())
    assert measures["effective_rank"] == 0
    assert "features use 0.0 directions, 0.0% of the width" in judge(measures, FIRST_STEP)


def test_a_backbone_with_one_direction_left_is_called_collapsed():
    objective = build()
    norm = objective.backbone.blocks[-1].norm
    torch.nn.init.zeros_(norm.weight)
    norm.weight.data[3] = 1.0
    measures = watch(objective, batches())
    assert measures["effective_rank"] == pytest.approx(1, abs=1e-3)
    assert judge(measures, FIRST_STEP).startswith("features use 1.0 directions")


def test_a_teacher_that_makes_the_same_of_everything_is_told_by_its_targets():
    objective = build()
    for block in objective.teacher.network.blocks:
        torch.nn.init.zeros_(block.output.weight)
    measures = watch(objective, batches())
    assert measures["target_variance"] < 1e-10
    assert "targets hardly differ from token to token" in judge(measures, FIRST_STEP)


def test_a_head_that_says_the_same_of_everything_is_told_by_its_predictions():
    objective = build("s4", "dinosr")
    torch.nn.init.zeros_(objective.head.output.weight)
    reason = judge(watch(objective, batches()), FIRST_STEP)
    assert "predictions hardly differ from token to token" in reason


def test_a_single_code_for_everything_is_told():
    objective = build_objective(build_backbone(SMALL, 0), DinoSRConfig(codes=256, code_start="normal"), 0)
    for book in objective.codebooks:
        book.sums_KD[1:] = 1e3
    measures = watch(objective, batches())
    assert measures["codes_used"] == 2
    assert "2 codes are in use, 0.4% of all" in judge(measures, FIRST_STEP)


def test_the_look_leaves_weights_statistics_and_mode_as_they_were():
    objective = build("s4", "dinosr").train()
    objective(Batch.whole(crops()))
    before = {name: value.clone() for name, value in objective.state_dict().items()}
    watch(objective, batches())
    assert objective.training
    assert all(torch.equal(value, before[name]) for name, value in objective.state_dict().items())
    objective(Batch.whole(crops())).total.backward()


def test_the_measures_do_not_hang_on_how_crops_are_batched():
    objective = build("s4", "data2vec")
    together = Batch.whole(torch.cat([crops(seed=0), crops(seed=1)]), 0, "validation", 0)
    apart = watch(objective, batches())
    assert watch(objective, [together])["effective_rank"] == pytest.approx(apart["effective_rank"], rel=1e-6)


def test_without_crops_there_is_nothing_to_tell():
    assert watch(build(), []) == {}
    assert judge({}, 1000) == ""
