"""Plain HuBERT: two stages of labels, only masked tokens, and a state that goes on after a cut at any moment."""

import math

import pytest
import torch
import torch.nn.functional as F

from engine.backbones.registry import build_backbone
from engine.contract.config import HuBERTConfig, Net1DConfig, S4Config, TransformerConfig
from engine.objectives.base import Batch
from engine.objectives.descriptors import NARROW, REACH, WIDE, describe
from engine.objectives.masking import span_mask
from engine.objectives.offline import OfflineHuBERT
from engine.objectives.registry import build_objective

SMALL = S4Config(width=16, depth=3, causal=False, dropout=0)
NET = Net1DConfig(width=32, stage_blocks=(1, 1, 1, 1, 1, 1, 1), kernel=4)
TRANSFORMER = TransformerConfig(width=64, depth=2, heads=2, feedforward=1)


def build(backbone=SMALL, seed=0, last_step=10, **settings):
    config = HuBERTConfig(**{"targets": "offline_kmeans", "codes": (4, 6), **settings})
    objective = build_objective(build_backbone(backbone, seed), config, seed)
    objective.last_step = last_step
    return objective


def batch(crops=3, samples=120, seed=0, step=0):
    """Waves of random lengths, so that there is something to tell apart."""
    generator = torch.Generator().manual_seed(seed)
    time_T = torch.arange(samples) / 240
    rates, phases = 2 + 30 * torch.rand(2, crops, 12, 1, generator=generator)
    x_BCT = torch.sin(2 * math.pi * rates * time_T + phases) + 0.1 * torch.randn(
        crops, 12, samples, generator=generator
    )
    return Batch.whole(x_BCT, 0, "train", step)


def batches(step, count=3):
    return (batch(seed=100 + step + i, step=step + i) for i in range(count))


def trained(objective, steps, optimizer=None):
    optimizer = optimizer or torch.optim.AdamW(objective.parameters(), lr=3e-3)
    objective.train()
    for step in steps:
        if objective.fits_at(step):
            objective.fit(batches(step), step)
            for parameter in objective.restarted():
                optimizer.state.pop(parameter, None)
        optimizer.zero_grad()
        objective(batch(seed=step, step=step)).total.backward()
        optimizer.step()
        objective.after_step(step)
    return optimizer


def test_labels_are_made_before_the_first_step_and_once_more_at_the_share_that_is_asked():
    objective, fitted = build(second_stage=0.4), []
    for step in range(10):
        if objective.fits_at(step):
            fitted.append(step)
            objective.fit(batches(step), step)
    assert fitted == [0, 4]


def test_without_knowing_the_last_step_there_is_one_stage():
    objective = build(last_step=None)
    assert objective.fits_at(0)
    objective.fit(batches(0), 0)
    assert not any(objective.fits_at(step) for step in range(1000))


def test_a_loss_before_the_labels_is_refused():
    with pytest.raises(RuntimeError, match="call fit"):
        build().loss(batch())


@pytest.mark.parametrize("backbone", [SMALL, NET, TRANSFORMER], ids=["s4", "net1d", "transformer"])
def test_the_loss_is_the_cross_entropy_of_masked_tokens_with_the_nearest_centres(backbone):
    objective = build(backbone)
    trained(objective, range(5))  # into the second stage
    objective.eval()
    given = batch(seed=7)
    with torch.no_grad():
        features = objective.labeler(given.x_BCT).layers
    vectors_NF = features[len(features) // 2].flatten(0, 1)
    width = vectors_NF.shape[1]
    vectors_NF = (vectors_NF - objective.offset_P[:width]) * objective.scale_P[:width]
    z_BLD = objective.backbone.stem(given.x_BCT)
    masked_BL = span_mask(given.draws, z_BLD.shape[1], objective.config)
    hidden_BLD = torch.where(masked_BL[..., None], objective.mask_token_D, z_BLD)
    logits_MO = objective.head(objective.backbone.encode(hidden_BLD).tokens_BLD)[masked_BL]
    expected = 0
    for centres_KP, logits_MK in zip(objective.centres_KP.split([4, 6]), logits_MO.split([4, 6], 1), strict=True):
        labels_N = torch.cdist(vectors_NF, centres_KP[:, :width]).argmin(1)
        expected = expected + F.cross_entropy(logits_MK, labels_N[masked_BL.flatten()])
    torch.testing.assert_close(objective.loss(given).total, expected, rtol=1e-5, atol=0)


def test_the_second_stage_labels_with_the_model_as_it_stood_and_a_new_head():
    objective = build(second_stage=0.5)
    trained(objective, range(5))
    then = {name: value.clone() for name, value in objective.backbone.state_dict().items()}
    head = {name: value.clone() for name, value in objective.head.state_dict().items()}
    objective.fit(batches(5), 5)
    assert all(not torch.equal(value, head[name]) for name, value in objective.head.state_dict().items())
    assert objective.restarted() == list(objective.head.parameters())
    trained(objective, range(5, 8))
    assert all(torch.equal(value, then[name]) for name, value in objective.labeler.state_dict().items())
    assert any(not torch.equal(value, then[name]) for name, value in objective.backbone.state_dict().items())


def test_the_labeler_learns_nothing_and_is_always_quiet():
    objective = build().train()
    assert not objective.labeler.training
    assert not any(p.requires_grad for p in objective.labeler.parameters())
    inside = {id(p) for group in objective.parameter_groups().values() for p in group}
    assert inside == {id(p) for p in objective.parameters() if p.requires_grad}
    assert not inside & {id(p) for p in objective.labeler.parameters()}


@pytest.mark.parametrize("cut", [1, 4, 5, 6])
def test_a_run_that_is_cut_goes_on_as_if_it_had_not_been(cut):
    whole, first, again = build(second_stage=0.5), build(second_stage=0.5), build(seed=9, second_stage=0.5)
    trained(whole, range(8))
    state = trained(first, range(cut)).state_dict()
    again.load_state_dict(first.state_dict())
    optimizer = torch.optim.AdamW(again.parameters(), lr=3e-3)
    optimizer.load_state_dict(state)
    trained(again, range(cut, 8), optimizer)
    for name, value in again.state_dict().items():
        assert torch.equal(value, whole.state_dict()[name]), name


def test_the_same_crops_give_the_same_labels_and_another_seed_others():
    made = []
    for seed in (0, 0, 1):
        objective = build()
        objective.fit((Batch.whole(b.x_BCT, seed, "train", b.draws.position) for b in batches(0)), 0)
        made.append(objective.centres_KP.clone())
    assert torch.equal(made[0], made[1])
    assert not torch.allclose(made[0], made[2])


def test_labels_of_the_first_stage_split_the_tokens_among_all_codes():
    objective = build()
    objective.fit(batches(0), 0)
    parts = objective.loss(batch(4, seed=100)).parts
    assert parts["codes_used"].item() >= 8
    assert parts["target_variance"].item() == pytest.approx(1, abs=0.5)
    assert 0.5 * math.log(24) < parts["trivial_loss"].item() <= math.log(24)
    assert isinstance(objective, OfflineHuBERT)


def test_an_absent_lead_leaves_labels_as_finite_as_ever():
    objective = build()

    def without_v6():
        for given in batches(0):
            given.x_BCT[:, 11] = 0
            yield given

    objective.fit(without_v6(), 0)
    assert torch.isfinite(objective.centres_KP).all()
    assert (objective.scale_P.view(-1)[:48].view(4, 12)[:, 11] == 0).all()


def test_descriptors_are_level_slope_curvature_and_movement():
    x_T = torch.randn(200, generator=torch.Generator().manual_seed(0))
    found_LE = describe(x_T.expand(1, 12, -1), 2)[0]
    assert found_LE.shape == (100, 48)

    def level(t):
        return x_T[t - NARROW // 2 : t + NARROW // 2 + 1].mean()

    for token in (30, 51):
        t = 2 * token
        before, here, after = level(t - REACH), level(t), level(t + REACH)
        moved = x_T[t - WIDE // 2 : t + WIDE // 2 + 1].std(correction=0)
        expected = torch.stack([here, after - before, after - 2 * here + before, moved])
        torch.testing.assert_close(found_LE[token].view(4, 12), expected[:, None].expand(-1, 12), rtol=1e-4, atol=1e-5)


def test_a_token_has_the_same_descriptors_whatever_the_stride():
    x_BCT = batch().x_BCT
    assert torch.equal(describe(x_BCT, 1)[:, ::2], describe(x_BCT, 2))


def test_a_constant_signal_has_a_level_and_nothing_else():
    found_BLE = describe(torch.full((1, 12, 30), 0.7), 1)
    torch.testing.assert_close(found_BLE[..., :12], torch.full((1, 30, 12), 0.7))
    assert found_BLE[..., 12:].abs().max() < 1e-3
