"""Batch norms see the batch of all ranks, and with one rank are torch's own."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from engine.backbones.stem import BatchNorm, Stem, global_statistics


def test_with_one_rank_it_is_torchs_own_to_the_bit():
    torch.manual_seed(0)
    ours, theirs = BatchNorm(6), nn.BatchNorm1d(6)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for _ in range(3):
        x_ND = torch.randn(50, 6) * 3 + 2
        assert torch.equal(ours(x_ND), theirs(x_ND))
    assert all(torch.equal(ours.state_dict()[name], value) for name, value in theirs.state_dict().items())
    assert torch.equal(ours.eval()(x_ND), theirs.eval()(x_ND))


def test_statistics_far_from_zero_lose_nothing():
    x_ND = torch.randn(400, 3) * 0.01 + 1000
    mean_D, variance_D, count = global_statistics(x_ND)
    exact = x_ND.double()
    torch.testing.assert_close(mean_D, exact.mean(0), rtol=1e-7, atol=0)
    torch.testing.assert_close(variance_D, exact.var(0, unbiased=False), rtol=1e-2, atol=0)
    assert count == 400


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_keeps_statistics_in_single_precision(dtype):
    stem = Stem(16, (3, 1), (1, 1))
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        latents_BLD = stem(torch.randn(2, 12, 50))
    latents_BLD.float().sum().backward()
    assert latents_BLD.dtype == dtype
    assert all(value.dtype in (torch.float32, torch.int64) for value in stem.state_dict().values())


def half_of_a_batch(number, meeting, state, x_BCT, results):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=number, world_size=2)
    stem = Stem(8, (3, 1), (2, 1))
    stem.load_state_dict(state)
    # Unequal shares: three crops here, five there.
    mine = (x_BCT[:3] if number == 0 else x_BCT[3:]).clone().requires_grad_()
    latents_BLD = stem(mine)
    latents_BLD.pow(3).sum().backward()
    with torch.autocast("cpu", torch.bfloat16):
        rough_BLD = stem(mine)
    told = {"latents": latents_BLD.detach(), "grad": mine.grad, "rough": rough_BLD.detach()}
    told |= {f"grad.{name}": p.grad for name, p in stem.named_parameters()}
    told |= {f"state.{name}": value.clone() for name, value in stem.state_dict().items()}
    results[number] = {
        name: value.numpy() if value.dtype != torch.bfloat16 else value.float().numpy() for name, value in told.items()
    }
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_ranks_make_one_batch(tmp_path):
    torch.manual_seed(1)
    stem = Stem(8, (3, 1), (2, 1))
    state = {name: value.clone() for name, value in stem.state_dict().items()}
    x_BCT = torch.randn(8, 12, 40) * 2 + 1
    with mp.Manager() as manager:
        results = manager.dict()
        mp.spawn(half_of_a_batch, (str(tmp_path / "meeting"), state, x_BCT, results), nprocs=2)
        parts = [{name: torch.from_numpy(value) for name, value in results[number].items()} for number in (0, 1)]
    whole = x_BCT.clone().requires_grad_()
    latents_BLD = stem(whole)
    latents_BLD.pow(3).sum().backward()
    with torch.autocast("cpu", torch.bfloat16):
        rough_BLD = stem(whole)
    close = {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(torch.cat([part["latents"] for part in parts]), latents_BLD.detach(), **close)
    torch.testing.assert_close(torch.cat([part["grad"] for part in parts]), whole.grad, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(
        torch.cat([part["rough"] for part in parts]), rough_BLD.detach().float(), rtol=0.05, atol=0.05
    )
    for name, p in stem.named_parameters():
        torch.testing.assert_close(sum(part[f"grad.{name}"] for part in parts), p.grad, rtol=1e-3, atol=1e-2)
    for name, value in stem.state_dict().items():
        for part in parts:
            torch.testing.assert_close(part[f"state.{name}"].float(), value.float(), rtol=1e-2, atol=1e-3)
