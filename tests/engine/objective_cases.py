"""Short trainings of one objective, for the tests of each."""

import torch


def trained(objective, steps, batch, optimizer_state=None):
    """The objective and its optimiser after some steps of AdamW; `batch(seed, step)` makes the crops of a step."""
    optimizer = torch.optim.AdamW(objective.parameters(), lr=3e-3)
    if optimizer_state:
        optimizer.load_state_dict(optimizer_state)
    objective.train()
    for step in steps:
        optimizer.zero_grad()
        objective(batch(seed=step, step=step)).total.backward()
        optimizer.step()
        objective.after_step(step)
    return objective, optimizer


def cut_and_whole(build, batch):
    """Four steps by an objective that was saved after two and went on in another one, and four at a stretch."""
    whole, cut = trained(build(seed=0), range(4), batch)[0], trained(build(seed=0), range(2), batch)
    again = build(seed=7)
    again.load_state_dict(cut[0].state_dict())
    return trained(again, range(2, 4), batch, cut[1].state_dict())[0], whole


def assert_same_to_the_bit(resumed, whole, batch):
    """Every parameter and buffer, and what a next batch costs."""
    for name, value in resumed.state_dict().items():
        assert torch.equal(value, whole.state_dict()[name]), name
    assert whole.loss(batch(step=9)).total.item() == resumed.loss(batch(step=9)).total.item()
