"""On a GPU the same weights and the same draws give the same loss as on the CPU, and bfloat16 one that is near."""

import copy

import pytest
import torch

from engine.backbones.registry import build_backbone
from engine.contract.config import CPCConfig, Data2vecConfig, DinoSRConfig, HuBERTConfig, JEPAConfig, S4Config
from engine.objectives.base import Batch
from engine.objectives.registry import build_objective
from engine.ranks.draws import Draws

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU on this machine"),
]

TASKS = [CPCConfig(), JEPAConfig(), Data2vecConfig(), DinoSRConfig(), HuBERTConfig()]
every_task = pytest.mark.parametrize("config", TASKS, ids=lambda config: config.name)


def batch(step, device):
    x_BCT = torch.randn(4, 12, 600, generator=torch.Generator().manual_seed(step))
    draws = Draws(0, "train", step, (0, 1, 2, 3), torch.device(device))
    return Batch(x_BCT.to(device), draws, 4)


def build(config, width):
    """After a first batch on the CPU: prototypes are chosen there, where a rounding error chooses no other one."""
    backbone = build_backbone(S4Config(width=width, causal=config.name == "cpc"), seed=0)
    objective = build_objective(backbone, config, seed=0).train()
    objective(batch(0, "cpu"))
    return objective


@pytest.mark.parametrize("width", [32, 512])
@every_task
def test_loss_and_gradients_on_the_gpu_are_those_of_the_cpu(config, width):
    start, found = build(config, width), {}
    for device in ("cpu", "cuda"):
        objective = copy.deepcopy(start).to(device).train()
        loss = objective(batch(1, device))
        loss.total.backward()
        gradients = {name: p.grad.cpu() for name, p in objective.named_parameters() if p.grad is not None}
        found[device] = (loss.total.item(), gradients)
    assert found["cuda"][0] == pytest.approx(found["cpu"][0], rel=1e-3)
    assert found["cuda"][1].keys() == found["cpu"][1].keys()
    for name, expected in found["cpu"][1].items():
        scale = expected.abs().max().item()
        torch.testing.assert_close(found["cuda"][1][name], expected, rtol=0, atol=5e-3 * scale + 1e-7)


@every_task
def test_bfloat16_products_on_the_gpu_give_a_loss_that_is_near(config):
    start, found = build(config, 512), {}
    for enabled in (False, True):
        objective = copy.deepcopy(start).to("cuda").train()
        with torch.autocast("cuda", torch.bfloat16, enabled=enabled):
            loss = objective(batch(1, "cuda"))
        loss.total.backward()
        assert all(torch.isfinite(p.grad).all() for p in objective.parameters() if p.grad is not None)
        found[enabled] = loss.total.item()
    assert found[True] == pytest.approx(found[False], rel=0.05)
