"""Draws are a function of seed, stream, position and the number of the crop, and of nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.ranks.draws import Draws, current_draws, draw_seed, drawing
from engine.ranks.dropout import Dropout

WHOLE = Draws(seed=5, stream="train", position=40, crops=tuple(range(8)))


def murmur_finaliser(words):
    """Appleby's 32-bit finaliser in unsigned arithmetic."""
    words = words.copy()
    words ^= words >> np.uint32(16)
    words *= np.uint32(0x85EBCA6B)
    words ^= words >> np.uint32(13)
    words *= np.uint32(0xC2B2AE35)
    words ^= words >> np.uint32(16)
    return words


def reference_words(draws, what, crop, count):
    key = draw_seed(draws.seed, f"{draws.stream}/{what}", draws.position, crop)
    low, high = np.uint32(key & 0xFFFFFFFF), np.uint32((key >> 31) & 0xFFFFFFFF)
    return murmur_finaliser(murmur_finaliser(np.arange(count, dtype=np.uint32) ^ low) ^ high)


def test_the_finaliser_is_the_published_one():
    """Values of MurmurHash3's fmix32 that other implementations give."""
    words = np.array([0, 1, 2, 0xDEADBEEF], dtype=np.uint32)
    assert murmur_finaliser(words).tolist() == [0, 0x514E28B7, 0x30F4C306, 0x0DE5C6A9]


# One block of several crops, several blocks a crop with a rest, a whole number of blocks.
@pytest.mark.parametrize("count", [1, 7, 1000, 70_001, 1 << 17])
def test_words_are_the_hash_in_unsigned_arithmetic(count):
    words_BN = WHOLE.bits("a", count).numpy().view(np.uint32)
    for crop, words_N in zip(WHOLE.crops, words_BN, strict=True):
        assert np.array_equal(words_N, reference_words(WHOLE, "a", crop, count))


def test_what_is_made_of_the_words_follows_from_them():
    words_BN = np.stack([reference_words(WHOLE, "a", crop, 30_000) for crop in WHOLE.crops])
    assert np.array_equal(WHOLE.uniform("a", 30_000).numpy(), (words_BN >> 8) * np.float32(2**-24))
    assert np.array_equal(WHOLE.integers("a", 299, 30_000).numpy(), (words_BN.astype(np.int64) * 299) >> 32)
    halves_BN = words_BN.view(np.int16)[:, :59_999]
    assert np.array_equal(WHOLE.keep("a", 0.1, 59_999).numpy(), halves_BN >= round(0.1 * 2**16) - 2**15)


@pytest.mark.parametrize("kind", ["bits", "uniform", "integers", "keep"])
def test_a_crop_draws_alike_on_whatever_rank_and_beside_whatever_crops(kind):
    def drawn(crops):
        draws = replace(WHOLE, crops=crops)
        first = {"integers": (300,), "keep": (0.3,)}.get(kind, ())
        return getattr(draws, kind)("a", *first, 37, 501)

    whole = drawn(WHOLE.crops)
    assert torch.equal(torch.cat([drawn((0, 1, 2)), drawn((3, 4, 5, 6, 7))]), whole)
    assert torch.equal(drawn((6, 1)), whole[[6, 1]])


def test_nothing_depends_on_what_was_drawn_before():
    first = WHOLE.uniform("a", 20)
    torch.manual_seed(0)
    torch.rand(5)
    WHOLE.uniform("b", 99)
    assert torch.equal(WHOLE.uniform("a", 20), first)


def test_a_shape_is_a_view_of_the_same_numbers():
    assert torch.equal(WHOLE.uniform("a", 4, 5, 6), WHOLE.uniform("a", 120).view(-1, 4, 5, 6))
    assert WHOLE.uniform("a").shape == (8,)
    assert WHOLE.keep("a", 0.5, 3, 7).shape == (8, 3, 7)


@pytest.mark.parametrize(
    "other",
    [
        replace(WHOLE, seed=6),
        replace(WHOLE, stream="validation"),
        replace(WHOLE, position=41),
        replace(WHOLE, crops=tuple(range(8, 16))),
        WHOLE.within("teacher"),
    ],
)
def test_another_seed_stream_step_or_crop_draws_independently(other):
    one, two = WHOLE.uniform("a", 20_000).flatten().double(), other.uniform("a", 20_000).flatten().double()
    # The correlation of n independent pairs has standard deviation 1 / sqrt(n) = 0.0025.
    assert abs(torch.corrcoef(torch.stack([one, two]))[0, 1]) < 0.0125


def test_crops_and_names_draw_independently():
    rows = torch.cat([WHOLE.uniform("a", 20_000), WHOLE.uniform("b", 20_000)]).double()
    correlation = torch.corrcoef(rows) - torch.eye(len(rows))
    assert correlation.abs().max() < 5 / 20_000**0.5


def test_neighbours_within_a_crop_are_independent():
    u = WHOLE.uniform("a", 100_000).double() - 0.5
    for lag in (1, 2, 3, 300, 512, 65_536):
        assert abs((u[:, lag:] * u[:, :-lag]).mean() * 12) < 5 / (8 * (100_000 - lag)) ** 0.5


def test_uniform_numbers_are_uniform():
    u = WHOLE.uniform("a", 100_000).flatten()
    assert 0 <= u.min() < u.max() < 1
    counts = torch.histc(u, 100, 0, 1)
    # Chi-square with 99 degrees of freedom: mean 99, standard deviation 14.
    assert 50 < ((counts - 8000) ** 2 / 8000).sum() < 170


def test_integers_reach_all_values_alike():
    counts = torch.bincount(WHOLE.integers("a", 299, 100_000).flatten(), minlength=299)
    assert len(counts) == 299
    expected = 800_000 / 299
    assert 180 < ((counts - expected) ** 2 / expected).sum() < 430


def test_both_halves_of_a_word_keep_with_the_probability_asked_for():
    kept = WHOLE.keep("a", 0.2, 200_000).float().view(8, -1, 2)
    assert (kept.mean((0, 1)) - 0.8).abs().max() < 5 * (0.16 / 800_000) ** 0.5
    assert abs(torch.corrcoef(kept.view(-1, 2).T)[0, 1]) < 5 / 800_000**0.5


def test_probabilities_at_the_ends_keep_all_or_next_to_none():
    assert WHOLE.keep("a", 0.0, 100_000).all()
    assert WHOLE.keep("a", 1 - 1e-9, 100_000).float().mean() < 5e-5


def test_shared_draws_are_the_same_for_every_rank():
    assert torch.equal(WHOLE.shared_uniform("a", 3), replace(WHOLE, crops=(2, 3)).shared_uniform("a", 3))
    assert WHOLE.shared_uniform("a").shape == ()
    assert not torch.equal(WHOLE.shared_uniform("a", 3), WHOLE.uniform("a", 3)[0])


def test_dropout_draws_by_crop_within_draws_and_from_torch_outside():
    dropout = Dropout(0.5, "here").train()
    x_BLD = torch.ones(8, 5, 6)
    with drawing(WHOLE):
        dropped = dropout(x_BLD)
        assert current_draws() == WHOLE
    assert current_draws() is None
    assert torch.equal(dropped, 2 * WHOLE.keep("dropout/here", 0.5, 5, 6).float())
    with drawing(replace(WHOLE, crops=(3,))):
        assert torch.equal(dropout(x_BLD[:1]), dropped[3:4])
    torch.manual_seed(0)
    free = dropout(x_BLD)
    assert not torch.equal(dropout(x_BLD), free)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_scales_by_the_share_it_keeps_in_any_precision(dtype, tied):
    dropout = Dropout(0.1, "here", tied).train()
    x_BLD = torch.linspace(1, 2, 8 * 5 * 600).view(8, 5, 600).to(dtype).requires_grad_()
    with drawing(WHOLE):
        dropped_BLD = dropout(x_BLD)
    dropped_BLD.sum().backward()
    keep_BLD = WHOLE.keep("dropout/here", 0.1, 1 if tied else 5, 600).expand(8, 5, 600)
    expected_BLD = torch.where(keep_BLD, x_BLD.detach().double() / 0.9, 0.0)
    # Rounded once, so without bias: 1 / 0.9 in bfloat16 would be 0.15 % too small.
    assert abs(dropped_BLD.double().mean() / expected_BLD.mean() - 1) < 1e-4
    torch.testing.assert_close(dropped_BLD, expected_BLD.to(dtype), atol=0, rtol=1e-6 if dtype == torch.float32 else 0)
    assert torch.equal(x_BLD.grad != 0, keep_BLD)


@pytest.mark.gpu
def test_a_gpu_draws_the_same_bits():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    there = WHOLE.to(torch.device("cuda"))
    assert torch.equal(there.bits("a", 70_001).cpu(), WHOLE.bits("a", 70_001))
    assert torch.equal(there.keep("a", 0.1, 70_001).cpu(), WHOLE.keep("a", 0.1, 70_001))
    assert torch.equal(there.integers("a", 299, 1000).cpu(), WHOLE.integers("a", 299, 1000))
