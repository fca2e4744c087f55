"""On a GPU the same weights and the same draws give the same loss as on the CPU."""

import pytest
import torch

from engine.backbones.registry import build_backbone
from engine.contract.config import CPCConfig, S4Config
from engine.objectives.base import Batch
from engine.objectives.registry import build_objective

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU on this machine"),
]


@pytest.mark.parametrize("width", [32, 512])
def test_loss_and_gradients_on_the_gpu_are_those_of_the_cpu(width):
    x_BCT = torch.randn(4, 12, 600, generator=torch.Generator().manual_seed(0))
    found = {}
    for device in ("cpu", "cuda"):
        backbone = build_backbone(S4Config(width=width, dropout=0), seed=0)
        objective = build_objective(backbone, CPCConfig(), seed=0).to(device)
        loss = objective.loss(Batch.whole(x_BCT.to(device)))
        loss.total.backward()
        gradients = {name: p.grad.cpu() for name, p in objective.named_parameters()}
        found[device] = (loss.total.item(), gradients)
    assert found["cuda"][0] == pytest.approx(found["cpu"][0], rel=1e-4)
    for name, expected in found["cpu"][1].items():
        scale = expected.abs().max().item()
        torch.testing.assert_close(found["cuda"][1][name], expected, rtol=0, atol=2e-3 * scale + 1e-8)
