"""HuBERT++ against a plain transcription of section 3.6, and its landmarks (method specification, section 10)."""

import math

import pytest
import torch
from objective_cases import assert_same_to_the_bit, cut_and_whole

from engine.backbones.base import count_trainable
from engine.backbones.registry import build_backbone
from engine.contract.config import HuBERTConfig, Net1DConfig, S4Config
from engine.objectives.base import Batch
from engine.objectives.hubert import HuBERT, Temperatures
from engine.objectives.masking import span_mask
from engine.objectives.registry import build_objective

SMALL = S4Config(width=16, depth=2, causal=False, dropout=0)
NET = Net1DConfig(width=32, stage_blocks=(1, 1, 1, 1, 1, 1, 1), kernel=4)
FULL = S4Config(causal=False, dropout=0)


def build(backbone=SMALL, seed=0, **settings):
    return build_objective(build_backbone(backbone, seed), HuBERTConfig(**{"codes": (5, 8), **settings}), seed)


def batch(crops=3, samples=120, seed=0, step=0, stream="train", dtype=torch.float32):
    x_BCT = torch.randn(crops, 12, samples, generator=torch.Generator().manual_seed(seed)).to(dtype)
    return Batch.whole(x_BCT, 0, stream, step)


def sinkhorn(scores_NK):
    q_NK = torch.exp(scores_NK - scores_NK.max(1, keepdim=True).values)
    for _ in range(3):
        q_NK = q_NK / (q_NK.sum(0, keepdim=True) + 1e-8)
        q_NK = q_NK / (q_NK.sum(1, keepdim=True) + 1e-8)
    return q_NK


def unit(x, dim):
    return x / x.norm(dim=dim, keepdim=True)


def transcription(objective, given, teacher_temperature, student_temperature, factor=1.0):
    """Section 3.6: loss, prototypes afterwards, and the divergence without the term of the entropy."""
    config = objective.config
    masked_BL = span_mask(given.draws, (given.x_BCT.shape[-1] + 1) // 2, config)
    z_BLD = objective.backbone.stem(given.x_BCT)
    student = objective.backbone.encode(torch.where(masked_BL[..., None], objective.mask_token_D, z_BLD))
    logits_NO = objective.head(student.tokens_BLD).flatten(0, 1)
    x_ND = unit(objective.teacher.targets(given.x_BCT, given.draws).tokens_BLD, -1).flatten(0, 1)
    masked_N, first = masked_BL.flatten(), 0
    total, plain, moved = 0, 0, []
    for book in objective.codebooks:
        p_NK = logits_NO[:, first : first + book.codes]
        first += book.codes
        q_NK = sinkhorn(x_ND @ book.prototypes_KD.T / teacher_temperature)
        moved.append(unit(0.99 * book.prototypes_KD + 0.01 * unit(q_NK.T @ x_ND, 1), 1))
        log_p_NK = factor * torch.log(torch.softmax(p_NK / student_temperature, 1))
        kl_N = (q_NK * (torch.log(q_NK) - log_p_NK)).sum(1)
        share = config.masked_share
        divergence = share * kl_N[masked_N].mean() + (1 - share) * (kl_N[~masked_N].mean() if share < 1 else 0)
        probability_NK = torch.softmax(p_NK, 1)
        entropy = -(probability_NK * torch.log(probability_NK)).sum(1).mean()
        total, plain = total + divergence + 0.001 * entropy, plain + divergence
    return total, moved, plain


CASES = [
    ("intended", 0.75, 0, 1.0),
    ("intended", 0.75, 100, 1.0),
    ("intended", 1.0, 300, 1.0),
    ("as_released", 0.75, 100, 1.0),
    ("as_released", 1.0, 100, 10.0),
]


@pytest.mark.parametrize(("fidelity", "masked_share", "step", "factor"), CASES)
def test_the_loss_its_gradient_and_the_new_prototypes_are_the_formula(fidelity, masked_share, step, factor):
    probability = 0.065 if fidelity == "intended" else 0.65
    objective = build(fidelity=fidelity, masked_share=masked_share, mask_probability=probability).double()
    objective.loss(batch(dtype=torch.float64))  # starts the prototypes
    given = batch(seed=1, step=step, dtype=torch.float64)
    temperatures = {0: (0.15, 0.5), 100: (0.11, 0.30), 300: (0.07, 0.1)}[step]
    state = {name: value.clone() for name, value in objective.state_dict().items()}
    expected, moved, plain = transcription(objective, given, *temperatures, factor)
    expected.backward()
    gradients = {name: p.grad.clone() for name, p in objective.named_parameters() if p.grad is not None}
    objective.zero_grad()
    objective.load_state_dict(state)
    loss = objective.loss(given)
    loss.total.backward()
    torch.testing.assert_close(loss.total, expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(loss.parts["loss"], plain.detach(), rtol=1e-9, atol=0)
    for book, prototypes_KD in zip(objective.codebooks, moved, strict=True):
        torch.testing.assert_close(book.prototypes_KD, prototypes_KD.detach(), rtol=1e-9, atol=1e-12)
    for name, gradient in gradients.items():
        found = dict(objective.named_parameters())[name].grad
        torch.testing.assert_close(found, gradient, rtol=1e-7, atol=1e-10)


def test_temperatures_fall_along_half_a_cosine():
    """Landmark 11: halfway at step 100 of 200, and constant from 200 on."""
    config = HuBERTConfig()
    assert Temperatures.at(0, config) == pytest.approx((0.15, 0.5))
    assert Temperatures.at(100, config) == pytest.approx((0.11, 0.30))
    assert Temperatures.at(200, config) == Temperatures.at(10_000, config) == pytest.approx((0.07, 0.1))
    assert Temperatures.at(50, config).teacher == pytest.approx(0.07 + 0.08 * (1 + math.cos(math.pi / 4)) / 2)


def test_held_out_crops_are_looked_at_with_the_temperatures_of_the_last_step():
    objective = build()
    objective.loss(batch(step=100))
    assert int(objective.step) == 100
    objective.eval()
    given = batch(seed=4, step=3, stream="validation")
    expected, _, _ = transcription(objective, given, 0.11, 0.30)
    state = {name: value.clone() for name, value in objective.state_dict().items()}
    torch.testing.assert_close(objective.loss(given).total, expected, rtol=1e-5, atol=0)
    assert all(torch.equal(value, state[name]) for name, value in objective.state_dict().items())


def test_prototypes_start_on_different_tokens_of_the_first_batch():
    objective, given = build(code_decay=0.999999), batch(4)
    objective.loss(given)
    tokens_ND = unit(objective.teacher.targets(given.x_BCT, given.draws).tokens_BLD, -1).flatten(0, 1)
    for book in objective.codebooks:
        nearest = torch.cdist(book.prototypes_KD, tokens_ND).min(1)
        assert nearest.values.max() < 1e-3
        assert len(nearest.indices.unique()) == book.codes
        torch.testing.assert_close(book.prototypes_KD.norm(dim=1), torch.ones(book.codes))


def test_prototypes_start_once_and_on_another_seed_elsewhere():
    objective = build(code_decay=0.999999)
    objective.loss(batch())
    before = objective.codebooks[0].prototypes_KD.clone()
    objective.loss(batch(seed=5, step=1))
    torch.testing.assert_close(objective.codebooks[0].prototypes_KD, before, rtol=0, atol=1e-4)
    other, given = build(code_decay=0.999999), batch()
    other.loss(Batch.whole(given.x_BCT, 1, "train", 0))
    assert not torch.allclose(other.codebooks[0].prototypes_KD, before, atol=1e-2)


def test_a_look_before_the_first_step_leaves_nothing_behind():
    seen, fresh = build(), build()
    assert math.isfinite(seen.eval().loss(batch(seed=3, stream="validation")).total.item())
    losses = [objective.train().loss(batch()).total.item() for objective in (seen, fresh)]
    assert losses[0] == losses[1]


def test_centred_tokens_are_directions_from_their_mean_whatever_they_share():
    tokens_BLD = torch.randn(3, 20, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    shared_D = 50 * torch.ones(16, dtype=torch.float64)
    expected = unit(tokens_BLD - tokens_BLD.mean((0, 1)), -1)
    centred, plain = build(centred=True), build()
    torch.testing.assert_close(centred._directions(tokens_BLD + shared_D, 3), expected)
    assert (plain._directions(tokens_BLD + shared_D, 3) @ unit(shared_D, -1)).min() > 0.99
    assert torch.isfinite(centred.loss(batch()).total)


@pytest.mark.parametrize(
    ("backbone", "settings", "expected"),
    [
        (SMALL, {}, False),
        (NET, {}, True),
        (NET, {"fidelity": "as_released"}, False),
        (NET, {"centred": False}, False),
        (SMALL, {"centred": True}, True),
    ],
)
def test_tokens_are_centred_where_the_backbone_has_no_last_norm(backbone, settings, expected):
    tokens_BLD = torch.rand(3, 20, backbone.width) + 5
    mean_D = build(backbone, **settings)._directions(tokens_BLD, 3).mean((0, 1))
    assert (mean_D.norm() < 0.5) == expected


def test_the_trivial_loss_is_the_least_of_all_constant_answers():
    """A model whose logits are the logarithm of the assignments' weighted mean reaches it; any other loses more."""
    objective, given = build(entropy_weight=0.0), batch(5, step=1000)
    objective.loss(given)
    objective.eval()
    trivial = objective.loss(given).parts["trivial_loss"].item()
    last = objective.head[2]
    torch.nn.init.zeros_(last.weight)
    masked_N = span_mask(given.draws, 60, objective.config).flatten()
    x_ND = unit(objective.teacher.targets(given.x_BCT, given.draws).tokens_BLD, -1).flatten(0, 1)
    answers = []
    for book in objective.codebooks:
        q_NK = sinkhorn(x_ND @ book.prototypes_KD.T / 0.07)
        answers.append(0.75 * q_NK[masked_N].mean(0) + 0.25 * q_NK[~masked_N].mean(0))
    last.bias.data = torch.cat(answers).log() * 0.1
    assert objective.loss(given).parts["loss"].item() == pytest.approx(trivial, rel=1e-4)
    last.bias.data += 0.02 * torch.randn(13, generator=torch.Generator().manual_seed(0))
    assert objective.loss(given).parts["loss"].item() > trivial * 1.001


def test_prototypes_live_in_checkpoints_and_a_cut_run_goes_on_as_if_it_had_not_been():
    resumed, whole = cut_and_whole(build, batch)
    assert "codebooks.1.prototypes_KD" in resumed.state_dict()
    assert_same_to_the_bit(resumed, whole, batch)


def test_trainables_are_those_of_the_study():
    objective = build(FULL, codes=(128, 256))
    assert count_trainable(objective) == 3_409_280
    assert count_trainable(objective.head) == 459_648
    assert isinstance(objective, HuBERT)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_first_batch_has_the_divergences_and_entropies_of_the_landmark(seed, monkeypatch):
    """Landmark, for 128 and 256 codes (as released, B = 32): KL 0.28-0.71 / 0.31-0.77, teacher entropy 4.25-4.69 /
    4.88-5.35, student entropy 4.83 / 5.52.
    """
    objective = build(FULL, seed, fidelity="as_released", codes=(128, 256))
    told, compared = [], objective._compared
    monkeypatch.setattr(objective, "_compared", lambda *given: told.append(compared(*given)) or told[-1])
    with torch.no_grad():
        objective.loss(batch(32, 600, seed))
    ranges = [((0.26, 0.71), (4.25, 4.69), 4.83), ((0.31, 0.77), (4.88, 5.35), 5.52)]
    for (_, parts), (divergence, teacher, student) in zip(told, ranges, strict=True):
        assert divergence[0] < parts["loss"].item() < divergence[1]
        assert teacher[0] < parts["teacher_entropy"].item() < teacher[1]
        assert parts["student_entropy"].item() == pytest.approx(student, abs=0.015)
