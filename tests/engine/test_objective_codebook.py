"""DinoSR's codebook against a plain transcription of section 3.3, one token at a time."""

import pytest
import torch

from engine.objectives.assignment import nearest, summed_by_code
from engine.objectives.codebook import Codebook, standardised


def build(codes=6, width=10, decay=0.9, seed=0):
    torch.manual_seed(seed)
    return Codebook(codes, width, decay).double()


def rows(count=40, width=10, seed=1):
    return torch.randn(count, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def transcription(sums, counts, batch, decay):
    """Assignment by the old codewords, then the moving averages, in plain loops."""
    words = [s / max(n, 1e-8) for s, n in zip(sums, counts, strict=True)]
    codes = [min(range(len(words)), key=lambda v: float(((x - words[v]) ** 2).sum())) for x in batch]
    for v in range(len(words)):
        mine = [x for x, code in zip(batch, codes, strict=True) if code == v]
        sums[v] = decay * sums[v] + (1 - decay) * sum(mine, torch.zeros(batch.shape[1], dtype=batch.dtype))
        counts[v] = decay * counts[v] + (1 - decay) * len(mine)
    return codes


def test_codes_sums_and_counts_are_the_formula_over_many_steps():
    book = build()
    sums, counts = list(book.sums_KD.clone()), book.counts_K.tolist()
    for step in range(8):
        batch = rows(seed=step)
        assert book(batch).tolist() == transcription(sums, counts, batch, 0.9)
        torch.testing.assert_close(book.sums_KD, torch.stack(sums), rtol=1e-12, atol=1e-12)
        assert book.counts_K.tolist() == pytest.approx(counts, rel=1e-12)


def test_codewords_start_standardised_over_their_features():
    book = Codebook(32, 512, 0.9)
    assert book.codewords_KD.mean(1).abs().max() < 1e-6
    torch.testing.assert_close(book.codewords_KD.std(1, correction=0), torch.ones(32), rtol=1e-4, atol=0)
    assert torch.equal(book.counts_K, torch.ones(32))


def test_a_codeword_becomes_the_mean_of_what_falls_to_it():
    book = build(codes=2)
    cloud = rows(200) * 0.01 + standardised(rows(1, seed=5))
    for _ in range(200):
        codes = book(cloud)
    assert len(codes.unique()) == 1
    torch.testing.assert_close(book.codewords_KD[codes[0]], cloud.mean(0), rtol=1e-6, atol=1e-8)


def test_a_code_to_which_nothing_falls_keeps_its_codeword():
    book = build(codes=3)
    book.sums_KD[2] = 1e3
    before = book.codewords_KD[2].clone()
    for _ in range(50):
        book(rows())
    assert book.counts_K[2].item() == pytest.approx(0.9**50)
    torch.testing.assert_close(book.codewords_KD[2], before)


def test_evaluation_moves_nothing():
    book = build().eval()
    before = {name: value.clone() for name, value in book.state_dict().items()}
    book(rows())
    assert set(before) == {"sums_KD", "counts_K"}
    assert all(torch.equal(value, before[name]) for name, value in book.state_dict().items())


def test_a_restored_codebook_goes_on_as_the_one_that_was_saved():
    book, again = build(seed=0), build(seed=1)
    book(rows(seed=2))
    again.load_state_dict(book.state_dict())
    assert torch.equal(book(rows(seed=3)), again(rows(seed=3)))
    assert torch.equal(book.sums_KD, again.sums_KD)


def test_the_nearest_centre_is_the_nearest_by_distance():
    x, centres = rows(300, 7).float(), rows(50, 7, seed=3).float()
    assert torch.equal(nearest(x, centres), torch.cdist(x, centres).argmin(1))


def test_within_bfloat16_the_nearest_centre_is_still_the_nearest():
    x, centres = rows(300, 64).float(), rows(50, 64, seed=3).float()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(nearest(x, centres), torch.cdist(x, centres).argmin(1))


def test_sums_by_code_are_those_of_a_loop_and_zero_where_nothing_falls():
    x, codes = rows(100, 4), torch.randint(0, 5, (100,), generator=torch.Generator().manual_seed(0))
    codes[codes == 3] = 0
    found = summed_by_code(x, codes, 7)
    for v in range(7):
        torch.testing.assert_close(found.sums_KD[v], x[codes == v].sum(0), rtol=1e-12, atol=1e-13)
    assert found.counts_K.tolist() == [int((codes == v).sum()) for v in range(7)]
