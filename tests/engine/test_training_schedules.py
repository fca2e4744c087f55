"""Rates and the end of a run are functions of the step and of what was measured, against formulas written out here."""

import math

import pytest
import torch

from engine.contract.config import PretrainConfig, S4Config
from engine.training.learner import Learner, set_rates
from engine.training.schedules import rate_share
from engine.training.stopping import EarlyStop


def shares(**settings):
    config = PretrainConfig(**{"steps": 101, **settings})
    return [rate_share(step, config) for step in range(config.steps)]


def test_without_a_schedule_the_rate_never_changes():
    assert set(shares()) == {1.0}


def test_the_warm_up_rises_evenly_and_ends_at_the_full_rate():
    assert shares(warmup_steps=4)[:6] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_the_cosine_starts_after_the_warm_up_and_ends_at_the_final_rate():
    told = shares(schedule="cosine", warmup_steps=20, final_rate=0.1)
    assert told[20] == 1.0
    assert told[60] == pytest.approx(0.55)
    assert told[100] == pytest.approx(0.1)
    for step in range(20, 101):
        assert told[step] == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (step - 20) / 80)))


@pytest.mark.parametrize("settings", [{"warmup_steps": 200}, {"steps": 1}, {"steps": 5, "warmup_steps": 5}])
def test_odd_lengths_give_shares_between_nothing_and_all(settings):
    assert all(0 < share <= 1 or (share == 0 and settings["steps"] == 1) for share in shares(**settings))
    assert all(0 <= share <= 1 for share in shares(**{"schedule": "cosine", **settings}))


def test_pretraining_has_the_studys_rates_and_trained_dynamics_one_more():
    """Method specification, landmark 10.16: exactly 3e-3, 3e-4, 3e-5."""

    def rates(**backbone):
        config = PretrainConfig(backbone=S4Config(width=8, depth=1, **backbone))
        groups = Learner(config, torch.device("cpu")).optimizer.param_groups
        return {group["name"]: group["lr"] for group in groups}

    study = {"head": 3e-3, "backbone": pytest.approx(3e-4), "stem": pytest.approx(3e-5)}
    assert rates() == study
    assert rates(dynamics="trained") == study | {"dynamics": pytest.approx(3e-5)}


@pytest.mark.parametrize("asked", [0.0, 0.01])
def test_weight_decay_leaves_trained_dynamics_alone_unless_it_is_asked_for(asked):
    """S4's authors train step sizes and state matrices without weight decay (example.py of state-spaces/s4)."""
    settings = {} if not asked else {"dynamics_decay": asked}
    config = PretrainConfig(backbone=S4Config(width=8, depth=1, dynamics="trained"), **settings)
    groups = Learner(config, torch.device("cpu")).optimizer.param_groups
    decay = {group["name"]: group["weight_decay"] for group in groups}
    assert decay == {"head": 1e-3, "backbone": 1e-3, "stem": 1e-3, "dynamics": asked}


def test_a_step_without_gradients_moves_no_step_size():
    """Decay is the only thing that moves a parameter whose gradient is zero."""
    config = PretrainConfig(backbone=S4Config(width=8, depth=1, dynamics="trained"))
    learner = Learner(config, torch.device("cpu"))
    for parameter in learner.objective.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = {name: value.clone() for name, value in learner.backbone.named_parameters()}
    learner.optimizer.step()
    moved = {n.rpartition(".")[2] for n, value in learner.backbone.named_parameters() if not value.equal(before[n])}
    assert not moved & {"log_dt", "poles", "p", "b"}
    assert {"C", "D"} <= moved


def test_a_schedule_scales_every_group_alike():
    learner = Learner(PretrainConfig(backbone=S4Config(width=8, depth=1)), torch.device("cpu"))
    set_rates(learner.optimizer, 0.5)
    set_rates(learner.optimizer, 0.1)
    rates = {group["name"]: group["lr"] for group in learner.optimizer.param_groups}
    assert rates == pytest.approx({"head": 3e-4, "backbone": 3e-5, "stem": 3e-6})


def looks(patience, losses):
    early = EarlyStop(patience)
    for number, loss in enumerate(losses):
        early.look(loss, number)
        if early.over:
            return number
    return None


@pytest.mark.parametrize(
    ("patience", "losses", "end"),
    [
        (2, [3.0, 2.0, 2.5, 2.0], 3),
        (2, [3.0, 2.0, 2.5, 1.9, 2.0], None),
        (1, [1.0, 1.0], 1),
        (0, [1.0] * 50, None),
        (1, [None, None], None),
    ],
)
def test_it_is_over_after_so_many_looks_without_a_better_loss(patience, losses, end):
    assert looks(patience, losses) == end


def test_what_early_stopping_knows_survives_a_kill():
    early, again = EarlyStop(3), EarlyStop(3)
    for step, loss in enumerate((2.0, 3.0, 3.0)):
        early.look(loss, step)
    again.restore(early.state())
    again.look(2.5, 3)
    assert again.over
