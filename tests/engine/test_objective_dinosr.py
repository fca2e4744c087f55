"""DinoSR against a plain transcription of section 3.3, and its landmarks (method specification, section 10)."""

import math

import pytest
import torch
from objective_cases import assert_same_to_the_bit, cut_and_whole

from engine.backbones.base import count_trainable
from engine.backbones.registry import build_backbone
from engine.contract.config import DinoSRConfig, S4Config
from engine.objectives.base import Batch
from engine.objectives.dinosr import DinoSR
from engine.objectives.masking import span_mask
from engine.objectives.registry import build_objective

SMALL = S4Config(width=16, depth=3, causal=False, dropout=0)
FULL = S4Config(causal=False, dropout=0)


def build(backbone=SMALL, seed=0, **settings):
    config = DinoSRConfig(**{"codes": 12, "head_dropout": 0, "head_state_size": 4, **settings})
    return build_objective(build_backbone(backbone, seed), config, seed)


def batch(crops=3, samples=120, seed=0, step=0, stream="train"):
    x_BCT = torch.randn(crops, 12, samples, generator=torch.Generator().manual_seed(seed))
    return Batch.whole(x_BCT, 0, stream, step)


def standardised(x):
    return (x - x.mean()) / torch.sqrt(x.var(correction=0) + 1e-5)


def transcription(objective, given):
    """Section 3.3, one token at a time: labels by the old codewords, cross-entropy of masked tokens by each layer."""
    config = objective.config
    masked_BL = span_mask(given.draws, (given.x_BCT.shape[-1] + 1) // 2, config)
    z_BLD = objective.backbone.stem(given.x_BCT)
    hidden_BLD = torch.where(masked_BL[..., None], objective.mask_token_D, z_BLD)
    logits_BLO = objective.head(objective.backbone.encode(hidden_BLD).tokens_BLD)
    teacher = objective.teacher.targets(given.x_BCT, given.draws)
    layers = [teacher.tokens_BLD] if config.fidelity == "as_released" else teacher.updates[-2:]
    words = [book.codewords_KD.clone() for book in objective.codebooks]
    losses, hit, right = [], [set() for _ in layers], 0
    for b, t in [(b, t) for b in range(len(masked_BL)) for t in range(masked_BL.shape[1])]:
        for g, layer_BLD in enumerate(layers):
            x_D = standardised(standardised(layer_BLD[b, t]))
            code = min(range(config.codes), key=lambda v: float(((x_D - words[g][v]) ** 2).sum()))
            hit[g].add(code)
            if masked_BL[b, t]:
                scores = logits_BLO[b, t, g * config.codes : (g + 1) * config.codes]
                losses.append(torch.logsumexp(scores, 0) - scores[code])
                right += int(scores.argmax()) == code
    return torch.stack(losses).mean(), sum(map(len, hit)), right / len(losses)


@pytest.mark.parametrize("fidelity", ["intended", "as_released"])
def test_the_loss_and_its_gradient_are_the_formula(fidelity):
    objective = build(fidelity=fidelity, mask_probability=0.065 if fidelity == "intended" else 0.65).double()
    objective.loss(Batch.whole(batch(seed=1).x_BCT.double()))  # starts the codewords
    given = batch()
    given = Batch.whole(given.x_BCT.double(), 0, "train", 1)
    state = {name: value.clone() for name, value in objective.state_dict().items()}
    expected, used, right = transcription(objective, given)
    expected.backward()
    gradients = {name: p.grad.clone() for name, p in objective.named_parameters() if p.grad is not None}
    objective.zero_grad()
    objective.load_state_dict(state)
    loss = objective.loss(given)
    loss.total.backward()
    torch.testing.assert_close(loss.total, expected, rtol=1e-10, atol=0)
    assert loss.parts["codes_used"].item() == used
    assert loss.parts["accuracy"].item() == pytest.approx(right)
    for name, expected_gradient in gradients.items():
        found = dict(objective.named_parameters())[name].grad
        torch.testing.assert_close(found, expected_gradient, rtol=1e-8, atol=1e-10)


def test_the_trivial_loss_is_the_entropy_of_the_labels_of_masked_tokens():
    objective, given = build(codes=5), batch(6)
    objective.loss(batch(6, seed=1))
    vectors = objective._vectors(objective.teacher.targets(given.x_BCT, given.draws))
    masked_N = span_mask(given.draws, 60, objective.config).flatten()
    entropies = []
    for book, x_ND in zip(objective.codebooks, vectors, strict=True):
        codes_M = torch.cdist(x_ND, book.codewords_KD).argmin(1)[masked_N]
        shares = torch.bincount(codes_M).double() / len(codes_M)
        entropies.append(-(shares[shares > 0] * shares[shares > 0].log()).sum())
    assert objective.loss(given).parts["trivial_loss"].item() == pytest.approx(float(sum(entropies)) / 2, rel=1e-5)


def test_as_released_the_second_half_of_the_logits_is_dead():
    objective = build(fidelity="as_released", mask_probability=0.65)
    objective.loss(batch()).total.backward()
    rows = objective.head.output.weight.grad.abs().sum(1)
    assert objective.codes == 12
    assert (rows[:12] > 0).all()
    assert (rows[12:] == 0).all()


def test_intended_every_logit_learns():
    objective = build()
    objective.loss(batch()).total.backward()
    assert objective.codes == 24
    assert (objective.head.output.weight.grad.abs().sum(1) > 0).all()


def test_all_tokens_move_the_codebooks_in_training_and_none_in_evaluation():
    objective = build()
    objective.loss(batch(step=1))
    before = [book.counts_K.clone() for book in objective.codebooks]
    objective.loss(batch(3))
    for book, counts_K in zip(objective.codebooks, before, strict=True):
        assert float(book.counts_K.sum()) == pytest.approx(0.9 * float(counts_K.sum()) + 0.1 * 3 * 60)
    state = {name: value.clone() for name, value in objective.eval().state_dict().items()}
    objective.loss(batch(seed=1))
    assert all(torch.equal(value, state[name]) for name, value in objective.state_dict().items())


@pytest.mark.parametrize("fidelity", ["intended", "as_released"])
def test_codewords_start_on_tokens_of_the_first_batch_or_as_released_as_normal_vectors(fidelity):
    objective, given = build(fidelity=fidelity), batch(4)
    vectors = objective._vectors(objective.teacher.targets(given.x_BCT, given.draws))
    normal = [book.codewords_KD.clone() for book in objective.codebooks]
    objective._start(vectors, given)
    for book, x_ND, before_KD in zip(objective.codebooks, vectors, normal, strict=True):
        nearest = torch.cdist(book.codewords_KD, x_ND, compute_mode="donot_use_mm_for_euclid_dist").min(1)
        if fidelity == "intended":
            assert nearest.values.max() < 1e-3
            assert len(nearest.indices.unique()) == 12
        else:
            assert torch.equal(book.codewords_KD, before_KD)
            assert nearest.values.min() > 0.1


def test_on_ecgs_that_are_much_alike_more_codes_are_used_than_from_normal_vectors():
    given = batch(8)
    given.x_BCT.mul_(0.05)
    used = [build(codes=64, code_start=start).loss(given).parts["codes_used"].item() for start in ("tokens", "normal")]
    assert used[0] > 100 > 2 * used[1]


def test_a_look_before_the_first_step_leaves_nothing_behind():
    seen, fresh = build(), build()
    assert math.isfinite(seen.eval().loss(batch(seed=3, stream="validation")).total.item())
    losses = [objective.train().loss(batch()).total.item() for objective in (seen, fresh)]
    assert losses[0] == losses[1]


def test_a_batch_without_a_masked_token_loses_nothing_and_teaches_nothing():
    objective = build(fidelity="as_released", mask_probability=1e-9)
    loss = objective.loss(batch())
    loss.total.backward()
    assert loss.total.item() == 0
    assert all(not p.grad.any() for p in objective.parameters() if p.grad is not None)
    assert all(math.isfinite(value) for value in loss.parts.values())


def test_a_run_that_is_cut_goes_on_as_if_it_had_not_been():
    resumed, whole = cut_and_whole(build, batch)
    assert_same_to_the_bit(resumed, whole, batch)


def test_trainables_are_those_of_the_study():
    objective = build(FULL, codes=256, head_state_size=64)
    assert count_trainable(objective) == 3_804_672
    assert count_trainable(objective.head) == 855_040
    assert isinstance(objective, DinoSR)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_at_random_initialisation_the_loss_is_a_little_above_that_of_guessing(seed):
    """Landmark: 5.67 to 5.77 with ln 256 = 5.545, and 235 to 256 codes hit by the first batch (as released, B = 32).

    Found over four pairs of seeds: 5.65 to 5.72.
    """
    objective = build(FULL, seed, fidelity="as_released", codes=256, head_state_size=64)
    with torch.no_grad():
        parts = objective.loss(batch(32, 600, seed)).parts
    assert 5.62 < parts["loss"].item() < 5.82
    assert 235 <= parts["codes_used"].item() <= 256
