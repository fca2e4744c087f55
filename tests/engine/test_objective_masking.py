"""Masks against plain loops and against the landmarks of the method specification (sections 3.2, 3.4 and 10)."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.contract.config import Data2vecConfig, JEPAConfig
from engine.objectives.masking import draw_blocks, draw_spans, hide, mask_token, span_mask
from engine.ranks.draws import Draws

RELEASED = {"fidelity": "as_released"}


def draws(crops, position=0):
    return Draws(0, "train", position, tuple(range(crops)))


def spans_by_hand(midpoints_BL, span):
    """Each midpoint masks its own neighbourhood, one token at a time."""
    masked = np.zeros_like(midpoints_BL)
    for b, t in zip(*np.nonzero(midpoints_BL), strict=True):
        for place in range(t - (span - 1) // 2, t + span // 2 + 1):
            if 0 <= place < midpoints_BL.shape[1] - 1 or place == t:
                masked[b, place] = True
    return masked


@pytest.mark.parametrize(("tokens", "span"), [(300, 10), (25, 10), (8, 10), (40, 1), (40, 7)])
def test_a_span_goes_from_four_before_its_midpoint_to_five_after(tokens, span):
    config = Data2vecConfig(mask_probability=0.05, mask_span=span)
    given = draws(50)
    midpoints = (given.uniform("spans", tokens) < 0.05).numpy()
    assert midpoints[:, -1].any()
    np.testing.assert_array_equal(span_mask(given, tokens, config).numpy(), spans_by_hand(midpoints, span))


def expected_masked(probability, tokens=300):
    """Exact mean: a token is masked when one of the places whose span reaches it is a midpoint."""
    reach = [min(tokens, t + 5) - max(0, t - 5) for t in range(tokens - 1)] + [1]
    return sum(1 - (1 - probability) ** n for n in reach)


@pytest.mark.parametrize(("settings", "mean", "sd"), [(RELEASED, 18.77, 13.2), ({}, 145.5, 25.6)])
def test_as_many_tokens_are_masked_as_the_landmark_says(settings, mean, sd):
    config = Data2vecConfig(**settings)
    counts = span_mask(draws(20_000), 300, config).sum(1).double()
    assert expected_masked(config.midpoint_probability) == pytest.approx(mean, abs=0.1)
    # 4.5 standard errors of the mean over 20,000 crops.
    assert counts.mean().item() == pytest.approx(expected_masked(config.midpoint_probability), abs=4.5 * sd / 141)
    assert counts.std().item() == pytest.approx(sd, rel=0.03)


def test_as_released_one_crop_in_seven_is_not_masked_at_all():
    none = (span_mask(draws(20_000), 300, Data2vecConfig(**RELEASED)).sum(1) == 0).double().mean().item()
    assert none == pytest.approx(0.9935**300, abs=4.5 * (0.1416 * 0.8584 / 20_000) ** 0.5)


def test_a_crop_draws_its_spans_whatever_crops_stand_beside_it():
    whole = draw_spans(draws(6), 50, Data2vecConfig())
    halves = [draw_spans(replace(draws(6), crops=part), 50, Data2vecConfig()) for part in ((0, 1, 2), (3, 4, 5))]
    assert torch.equal(torch.cat([half.masked_BL for half in halves]), whole.masked_BL)
    assert whole.total == whole.masked_BL.sum() == halves[0].total + halves[1].total


def blocks_over_steps(config, tokens, steps, crops):
    return [draw_blocks(draws(crops, step), tokens, config) for step in range(steps)]


def test_as_released_jepa_blocks_have_the_statistics_of_the_landmark():
    """Target length 64, mean union 176.4, mean context 105.3, P(fallback) 0.101, token 299 never a target."""
    drawn = blocks_over_steps(JEPAConfig(**RELEASED), 300, 500, 40)
    assert {blocks.length for blocks in drawn} == {64}
    union_BL = torch.cat([blocks.visits_BL > 0 for blocks in drawn])
    context_BL = torch.cat([blocks.context_BL for blocks in drawn])
    assert union_BL.sum(1).double().mean().item() == pytest.approx(176.4, abs=0.6)
    # Context lengths are drawn once a batch: 500 draws, and the mean context varies by 5 from batch to batch.
    assert context_BL.sum(1).double().mean().item() == pytest.approx(105.3, abs=1.2)
    seen = (union_BL & context_BL).any(1)
    assert seen.double().mean().item() == pytest.approx(0.101, abs=0.01)
    assert (context_BL[seen].sum(1) == 64).all()
    assert not union_BL[:, 299].any()
    assert union_BL[:, 298].any()


def test_as_intended_a_target_is_15_to_20_percent_long_fits_anywhere_and_is_never_seen():
    drawn = blocks_over_steps(JEPAConfig(), 300, 300, 20)
    assert {blocks.length for blocks in drawn} == set(range(45, 60))
    for blocks in drawn:
        assert (blocks.visits_BL.sum(1) == 4 * blocks.length).all()
        assert not (blocks.context_BL & (blocks.visits_BL > 0)).any()
        assert (blocks.context_BL.sum(1) >= 10).all()
    visits_L = torch.cat([blocks.visits_BL for blocks in drawn]).sum(0)
    assert visits_L[0] > 0
    assert visits_L[299] > 0


def test_a_target_starts_at_every_place_alike():
    config = JEPAConfig(targets=1, target_scale=(0.5, 0.5))
    visits_BL = draw_blocks(draws(22_000), 20, config).visits_BL
    starts = torch.bincount(visits_BL.argmax(1), minlength=20)
    assert starts[11:].sum() == 0
    # 22,000 draws over 11 places: 2,000 each, standard deviation 43.
    assert (starts[:11] - 2000).abs().max() < 4.5 * 43


def test_a_short_context_is_filled_up_from_tokens_that_are_no_target():
    config = JEPAConfig(context_scale=(0.1, 0.1), target_scale=(0.2, 0.2), least_context=15)
    blocks = draw_blocks(draws(500), 100, config)
    assert (blocks.context_BL.sum(1) == 15).all()
    assert not (blocks.context_BL & (blocks.visits_BL > 0)).any()


@pytest.mark.parametrize("fidelity", ["intended", "as_released"])
@pytest.mark.parametrize("tokens", [20, 37, 65, 300])
def test_every_crop_shows_and_asks_something_at_any_length(fidelity, tokens):
    for blocks in blocks_over_steps(JEPAConfig(fidelity=fidelity), tokens, 20, 8):
        assert (blocks.visits_BL.sum(1) == 4 * blocks.length).all()
        assert blocks.context_BL.any(1).all()


def test_lengths_are_those_of_the_batch_and_places_those_of_the_crop():
    config, whole = JEPAConfig(), draws(6)
    both = draw_blocks(whole, 300, config)
    for part in ((0, 1, 2), (3, 4, 5)):
        half = draw_blocks(replace(whole, crops=part), 300, config)
        assert half.length == both.length
        torch.testing.assert_close(half.visits_BL, both.visits_BL[list(part)])
        torch.testing.assert_close(half.context_BL, both.context_BL[list(part)])
    assert len({draw_blocks(draws(1, step), 300, config).length for step in range(20)}) > 5


def test_the_mask_token_is_standard_normal_and_in_the_graph_even_when_nothing_is_hidden():
    torch.manual_seed(0)
    token_D = mask_token(4000)
    assert abs(token_D.mean().item()) < 0.08
    assert token_D.std().item() == pytest.approx(1, abs=0.05)
    latents_BLD = torch.randn(2, 3, 4000)
    hidden_BL = torch.tensor([[True, False, False], [False, False, False]])
    shown_BLD = hide(latents_BLD, hidden_BL, token_D)
    assert torch.equal(shown_BLD[0, 0], token_D)
    assert torch.equal(shown_BLD[0, 1:], latents_BLD[0, 1:])
    hide(latents_BLD, torch.zeros_like(hidden_BL), token_D).sum().backward()
    assert torch.equal(token_D.grad, torch.zeros(4000))
