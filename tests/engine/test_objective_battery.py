"""One battery over every backbone with every objective: what the registries promise, each pair keeps."""

import copy
import itertools
import math
from dataclasses import replace

import pytest
import torch

from engine.backbones.registry import BACKBONES, build_backbone
from engine.contract.config import (
    CPCConfig,
    Data2vecConfig,
    DinoSRConfig,
    HuBERTConfig,
    JEPAConfig,
    Net1DConfig,
    PretrainConfig,
    S4Config,
    TransformerConfig,
)
from engine.objectives.base import Batch
from engine.objectives.registry import OBJECTIVES, build_objective

WIDTH, SAMPLES, CROPS = 32, 64, 4
SHAPES = {
    "s4": S4Config(width=WIDTH, depth=2),
    "transformer": TransformerConfig(width=WIDTH, depth=2, heads=2, feedforward=2),
    "net1d": Net1DConfig(width=WIDTH, stage_blocks=(1, 1, 1, 1, 1, 1, 1), kernel=4, idle_norms=True),
}
TASKS = {
    "cpc": CPCConfig(offsets=(3, 7), negatives=20),
    "jepa": JEPAConfig(decay=0.9),
    "data2vec": Data2vecConfig(decay=0.9),
    "dinosr": DinoSRConfig(decay=0.9, codes=16),
    "hubert": HuBERTConfig(decay=0.9, codes=(8, 16)),
}
PAIRS = list(itertools.product(SHAPES, TASKS))
TAUGHT = [pair for pair in PAIRS if pair[1] != "cpc"]
every_pair = pytest.mark.parametrize(("shape", "task"), PAIRS)
every_taught_pair = pytest.mark.parametrize(("shape", "task"), TAUGHT)


def build(shape, task, fidelity="intended", seed=0, **settings):
    """CPC looks at the past only, unless as released; the other four look both ways."""
    causal = task == "cpc" and fidelity == "intended"
    config = TASKS[task].model_copy(update={"fidelity": fidelity, **settings})
    backbone = SHAPES[shape].model_copy(update={"causal": causal})
    return build_objective(build_backbone(backbone, seed), config, seed)


def batch(step=0, seed=0, crops=CROPS):
    x_BCT = torch.randn(crops, 12, SAMPLES, generator=torch.Generator().manual_seed(seed))
    return Batch.whole(x_BCT, 0, "train", step)


def trained(objective):
    return {name: p for name, p in objective.named_parameters() if p.requires_grad}


def optimizer_of(objective, rate=3e-3):
    return torch.optim.AdamW([p for group in objective.parameter_groups().values() for p in group], lr=rate)


def step(objective, optimizer, given):
    optimizer.zero_grad()
    loss = objective(given)
    loss.total.backward()
    optimizer.step()
    objective.after_step(given.draws.position)
    return loss


def gap(weights, others):
    """Euclidean distance of two sets of weights."""
    return math.sqrt(sum(float((a - b).detach().square().sum()) for a, b in zip(weights, others, strict=True)))


def test_the_battery_has_every_backbone_and_every_objective():
    assert set(SHAPES) == set(BACKBONES)
    assert set(TASKS) == set(OBJECTIVES)
    assert len(PAIRS) == 15


@every_pair
def test_loss_and_parts_are_finite_and_every_trained_parameter_gets_a_gradient(shape, task):
    objective = build(shape, task).train()
    loss = objective(batch())
    loss.total.backward()
    assert loss.total.shape == ()
    assert {"loss", "trivial_loss"} <= set(loss.parts)
    assert all(math.isfinite(value) and not value.requires_grad for value in loss.parts.values())
    for name, p in trained(objective).items():
        assert p.grad is not None, name
        assert torch.isfinite(p.grad).all(), name
        assert p.grad.any(), name


@every_pair
def test_every_trained_parameter_is_in_one_group_and_the_teacher_in_none(shape, task):
    objective = build(shape, task)
    grouped = [id(p) for group in objective.parameter_groups().values() for p in group]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {id(p) for p in trained(objective).values()}
    assert not any("teacher" in name for name in trained(objective))


@every_pair
def test_the_same_seed_gives_the_same_loss_and_another_step_other_draws(shape, task):
    one, same, later = (build(shape, task).train()(batch(step=number)).total for number in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, later)


@every_pair
def test_evaluating_is_deterministic_and_changes_nothing(shape, task):
    objective = build(shape, task)
    objective.train()(batch())
    objective.eval()
    before = copy.deepcopy(objective.state_dict())
    with torch.no_grad():
        assert torch.equal(objective(batch(step=1)).total, objective(batch(step=1)).total)
    assert all(torch.equal(value, before[name]) for name, value in objective.state_dict().items())


@every_pair
def test_the_loss_falls_on_a_batch_that_can_be_learnt_by_heart(shape, task):
    """Always the same draws, and a teacher that stands still: what is left is to learn four crops."""
    objective = build(shape, task, **({} if task == "cpc" else {"teacher": "frozen_random"})).train()
    optimizer = optimizer_of(objective, rate=1e-2)
    steps = 25 if (shape, task) == ("net1d", "hubert") else 12  # centred tokens of noise take longer to know by heart
    losses = [step(objective, optimizer, batch()).parts["loss"].item() for _ in range(steps)]
    assert all(map(math.isfinite, losses))
    assert sum(losses[-3:]) / 3 < 0.9 * losses[0]


@every_pair
def test_a_state_dict_brings_everything_back(shape, task):
    one, other = build(shape, task), build(shape, task, seed=1)
    optimizer = optimizer_of(one)
    for number in range(2):
        step(one, optimizer, batch(number))
    other.load_state_dict(copy.deepcopy(one.state_dict()), strict=True)
    assert torch.equal(one.train()(batch(2)).total, other.train()(batch(2)).total)


@every_pair
def test_a_crop_draws_the_same_whatever_crops_stand_beside_it(shape, task):
    """Negatives, masks and dropout: the crops 2 and 3 of a batch get the features that they get without 0 and 1."""
    objective = build(shape, task).train()
    seen = []
    objective.backbone.register_forward_hook(lambda *call: seen.append(call[-1].tokens_BLD))
    encode = objective.backbone.encode

    def watched(latents_BLD):
        features = encode(latents_BLD)
        seen.append(features.tokens_BLD)
        return features

    objective.backbone.encode = watched
    for module in objective.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.eval()
    whole = batch()
    objective(whole)
    together = seen[0]
    seen.clear()
    objective(Batch(whole.x_BCT[2:], replace(whole.draws, crops=(2, 3)), whole.size))
    torch.testing.assert_close(seen[0], together[2:], rtol=1e-4, atol=1e-5)


@every_pair
def test_products_in_bfloat16_change_the_loss_little_and_it_is_still_summed_in_float32(shape, task):
    """Codes are chosen on a first batch in float32: a rounding error chooses others, and then all is another."""
    exact, objective = build(shape, task).train(), build(shape, task).train()
    exact(batch())
    objective(batch())
    with torch.autocast("cpu", torch.bfloat16):
        loss = objective(batch(1))
    loss.total.backward()
    assert loss.total.dtype == torch.float32
    assert {value.dtype for value in loss.parts.values()} == {torch.float32}
    assert loss.total.item() == pytest.approx(exact(batch(1)).total.item(), rel=0.06)
    assert all(torch.isfinite(p.grad).all() for p in trained(objective).values())


@every_taught_pair
def test_the_teacher_follows_as_intended_and_stays_as_released(shape, task):
    """With a decay of 0.9 it is soon nearer to the student than its start is; as released it is bit-identical."""
    for fidelity in ("intended", "as_released"):
        objective = build(shape, task, fidelity).train()
        network = objective.teacher.network
        start = [p.clone() for p in network.parameters()]
        optimizer = optimizer_of(objective)
        for number in range(3):
            step(objective, optimizer, batch(number))
        student = list(objective.backbone.parameters())
        if fidelity == "intended":
            assert 0 < gap(network.parameters(), student) < gap(start, student)
        else:
            assert all(torch.equal(a, b) for a, b in zip(network.parameters(), start, strict=True))
        assert all(p.grad is None for p in network.parameters())


def test_after_100_steps_a_teacher_of_the_published_decay_is_nearer_to_the_student_than_its_start():
    """Landmark 14: a decay of 0.9996 forgets 4 % of its start in 100 steps."""
    objective = build("s4", "data2vec", decay=0.9996).train()
    start = [p.clone() for p in objective.teacher.network.parameters()]
    optimizer = optimizer_of(objective)
    for number in range(100):
        step(objective, optimizer, batch(number))
    student = list(objective.backbone.parameters())
    assert gap(objective.teacher.network.parameters(), student) < gap(start, student)


@every_pair
def test_as_released_the_pair_runs_and_the_page_accepts_it(shape, task):
    loss = build(shape, task, "as_released").train()(batch())
    loss.total.backward()
    assert math.isfinite(loss.total.item())
    config = PretrainConfig(
        backbone=SHAPES[shape].model_copy(update={"causal": False}),
        objective=TASKS[task].model_copy(update={"fidelity": "as_released"}),
    )
    assert config.leaks == (task == "cpc")
