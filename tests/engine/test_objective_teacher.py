"""The teacher follows as intended, or not at all as released (method specification, sections 3.1 and 10)."""

import copy

import pytest
import torch

from engine.backbones.registry import build_backbone
from engine.contract.config import Data2vecConfig, S4Config
from engine.objectives.teacher import Teacher
from engine.ranks.draws import Draws, drawing

SHAPE = S4Config(width=16, depth=2, causal=False)


def student(seed=0):
    return build_backbone(SHAPE, seed)


def teacher_of(backbone, seed=1, **settings):
    torch.manual_seed(seed)
    return Teacher(backbone, Data2vecConfig(**settings))


def signals():
    return torch.randn(3, 12, 80, generator=torch.Generator().manual_seed(0))


def draws(position=0):
    return Draws(0, "train", position, (0, 1, 2))


def test_as_intended_it_starts_as_the_student():
    backbone = student()
    own, given = teacher_of(backbone).network.state_dict(), backbone.state_dict()
    assert own.keys() == given.keys()
    assert all(torch.equal(own[name], given[name]) for name in given)
    assert all(own[name].data_ptr() != given[name].data_ptr() for name in given)


@pytest.mark.parametrize(("steps", "left"), [(267, 0.899), (1733, 0.5), (2670, 0.344), (15_730, 0.0018)])
def test_a_decay_of_09996_forgets_its_start_as_the_landmark_says(steps, left):
    teacher = teacher_of(student())
    share = 1.0
    for step in range(steps):
        share *= teacher.decay_at(step)
    assert share == pytest.approx(left, abs=6e-4)


def test_each_step_takes_its_share_of_weights_and_where_asked_of_batch_statistics():
    backbone = student()
    teacher = teacher_of(backbone, decay=0.9, teacher_statistics="averaged")
    before = copy.deepcopy(teacher.network.state_dict())
    with torch.no_grad():
        for p in backbone.parameters():
            p.add_(torch.randn(p.shape))
    backbone.train()
    backbone(signals())
    teacher.follow(backbone, 0)
    aims = backbone.state_dict()
    for name, value in teacher.network.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.9 * before[name] + 0.1 * aims[name], rtol=1e-5, atol=1e-6)
        else:
            assert torch.equal(value, aims[name]), name


def test_batch_statistics_can_be_the_students_at_once():
    """A quiet teacher then makes of a signal what the student makes of it in evaluation mode, whatever the decay."""
    backbone = student().train()
    teacher = teacher_of(backbone, decay=1.0, teacher_statistics="copied")
    for _ in range(5):
        backbone(0.1 * signals())
    before = teacher.targets(0.1 * signals(), draws()).tokens_BLD
    teacher.follow(backbone, 0)
    after = teacher.targets(0.1 * signals(), draws()).tokens_BLD
    assert not torch.equal(before, after)
    torch.testing.assert_close(after, backbone.eval()(0.1 * signals()).tokens_BLD.detach())


def test_the_ramp_is_a_function_of_the_step_alone():
    teacher = teacher_of(student(), decay=0.996, decay_end=1.0, decay_steps=1000)
    found = [teacher.decay_at(step) for step in (0, 250, 1000, 5000)]
    assert found == pytest.approx([0.996, 0.997, 1.0, 1.0])


def test_as_released_it_has_weights_of_its_own_that_a_seed_decides_and_never_follows():
    backbone = student()
    released = teacher_of(backbone, fidelity="as_released")
    again, other = (teacher_of(backbone, seed, fidelity="as_released") for seed in (1, 2))
    weights = {name: p.clone() for name, p in released.network.named_parameters()}
    drawn = [name for name in weights if not name.endswith(("norm.weight", "norm.bias"))]
    for name in drawn:
        assert not torch.equal(weights[name], backbone.get_parameter(name)), name
        assert torch.equal(weights[name], again.network.get_parameter(name)), name
        assert not torch.equal(weights[name], other.network.get_parameter(name)), name
    released.follow(backbone, 0)
    assert all(torch.equal(weights[name], p) for name, p in released.network.named_parameters())


def test_a_quiet_teacher_has_no_dropout_and_does_not_move_its_statistics():
    teacher = teacher_of(student()).train()
    before = copy.deepcopy(teacher.network.state_dict())
    one, two = (teacher.targets(signals(), draws(step)).tokens_BLD for step in (0, 1))
    assert torch.equal(one, two)
    assert all(torch.equal(value, before[name]) for name, value in teacher.network.state_dict().items())


def test_as_released_targets_have_dropout_and_batch_statistics_while_training_and_neither_when_evaluating():
    teacher = teacher_of(student(), fidelity="as_released").train()
    mean = teacher.network.stem.blocks[0].norm.running_mean.clone()
    one, same, two = (teacher.targets(signals(), draws(step)).tokens_BLD for step in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, two)
    moved = teacher.network.stem.blocks[0].norm.running_mean.clone()
    assert not torch.equal(mean, moved)
    teacher.eval()
    one, two = (teacher.targets(signals(), draws(step)).tokens_BLD for step in (0, 1))
    assert torch.equal(one, two)
    assert torch.equal(moved, teacher.network.stem.blocks[0].norm.running_mean)


def test_its_dropout_is_not_the_students():
    backbone = student().train()
    teacher = Teacher(backbone, Data2vecConfig(teacher="ema", teacher_eval_mode=False)).train()
    with drawing(draws()):
        mine = backbone(signals()).tokens_BLD
    assert not torch.equal(mine, teacher.targets(signals(), draws()).tokens_BLD)


@pytest.mark.parametrize("fidelity", ["intended", "as_released"])
@pytest.mark.parametrize(("kind", "follows"), [("ema", True), ("frozen_random", False)])
@pytest.mark.parametrize("quiet", [True, False])
def test_following_and_quiet_can_be_chosen_apart_from_the_fidelity(fidelity, kind, follows, quiet):
    teacher = teacher_of(student(), fidelity=fidelity, teacher=kind, teacher_eval_mode=quiet)
    assert teacher.follows == follows
    assert teacher.train().network.training == (not quiet)
    assert not teacher.eval().network.training


def test_no_gradient_reaches_it():
    teacher = teacher_of(student())
    features = teacher.targets(signals().requires_grad_(), draws())
    assert not features.tokens_BLD.requires_grad
    assert not any(p.requires_grad for p in teacher.parameters())


def test_trained_dynamics_are_followed_too():
    """A teacher's kernels come from its own dynamics of now, not from those that it started with."""
    shape = SHAPE.model_copy(update={"dynamics": "trained"})
    backbone = build_backbone(shape, 0)
    teacher = teacher_of(backbone, decay=0.0)
    before = teacher.targets(signals(), draws()).tokens_BLD
    with torch.no_grad():
        for name, p in backbone.named_parameters():
            if name.endswith("log_dt"):
                p.sub_(1.0)
    teacher.follow(backbone, 0)
    after = teacher.targets(signals(), draws()).tokens_BLD
    assert not torch.equal(before, after)
    torch.testing.assert_close(after, backbone.eval()(signals()).tokens_BLD.detach())
