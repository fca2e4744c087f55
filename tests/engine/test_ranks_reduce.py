"""Sums over ranks: nothing with one, the whole and its gradient with two."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from engine.ranks.reduce import global_rows, global_sum, rank, world_size


def test_one_rank_gets_its_own_tensor_back():
    x = torch.randn(3, requires_grad=True)
    assert global_sum(x) is x
    assert (rank(), world_size()) == (0, 1)
    rows = global_rows(x)
    assert torch.equal(rows, x)
    assert not rows.requires_grad


def whole_loss(x):
    """Something that is no sum over crops: the mean of squares over the variance of all."""
    centred = x - x.mean()
    return (x**4).mean() / (centred**2).mean()


def share_of_loss(x, count):
    """One rank's share of the same, by sums over ranks."""
    mean = global_sum(x.sum()) / count
    variance = global_sum(((x - mean) ** 2).sum()) / count
    return (x**4).sum() / count / variance


def on_one_of_two(number, meeting, numbers, results):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=number, world_size=2)
    mine = numbers.view(2, -1)[number].clone().requires_grad_()
    share = share_of_loss(mine, len(numbers))
    share.backward()
    rows = global_rows(mine[:, None])
    results[number] = (rank(), world_size(), share.item(), mine.grad.tolist(), rows.flatten().tolist())
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_ranks_share_a_loss_that_is_no_sum_and_its_gradient(tmp_path):
    numbers = torch.randn(20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with mp.Manager() as manager:
        results = manager.dict()
        mp.spawn(on_one_of_two, (str(tmp_path / "meeting"), numbers, results), nprocs=2)
        first, second = results[0], results[1]
    whole = numbers.clone().requires_grad_()
    loss = whole_loss(whole)
    loss.backward()
    assert (first[:2], second[:2]) == ((0, 2), (1, 2))
    assert first[2] + second[2] == pytest.approx(loss.item(), rel=1e-12)
    torch.testing.assert_close(torch.tensor(first[3] + second[3], dtype=torch.float64), whole.grad)
    assert first[4] == second[4] == numbers.tolist()
