"""Optimiser steps are timed as the loop does them; the plain side learns the same task; products are told by name."""

import pytest
import torch

from engine.bench.cases import TINY
from engine.bench.training_steps import our_step, our_steps, plain_steps, share_in_products, share_of
from engine.contract.config import CPCConfig, PretrainConfig, S4Config

CPU = torch.device("cpu")
CONFIG = PretrainConfig(
    backbone=S4Config(width=32, depth=2),
    objective=CPCConfig(offsets=(4,), negatives=8),
    window_s=80 / 240,
    batch_size=4,
    device="cpu",
)


def test_our_steps_are_those_of_a_training_and_are_the_same_each_time():
    once, again = (our_steps(CONFIG, CPU, steps=4) for _ in range(2))
    assert once.losses == again.losses
    assert len(once.losses) == 3 + 4
    assert once.losses[-1] < once.losses[0]
    assert once.per_s > 0
    assert once.memory_gb is None


def test_in_bfloat16_the_losses_are_near_those_of_float32():
    full, half = (our_steps(CONFIG.model_copy(update={"precision": p}), CPU, 4) for p in ("float32", "bfloat16"))
    assert half.losses != full.losses
    assert half.losses == pytest.approx(full.losses, rel=0.05)


def test_the_plain_side_learns_too():
    told = plain_steps(TINY, CPU, steps=4)
    assert told.losses[-1] < told.losses[0]
    assert told.per_s > 0


def test_products_are_told_by_the_names_of_their_kernels():
    kernels = [
        ("nvjet_hsh_128x256_64x4_2x1_v_bz_coopA_NNT", 5.0),
        ("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n", 2.0),
        ("void cudnn::engines_precompiled::nchwToNhwcKernel<float>", 1.0),
        ("regular_fft_factor<512>", 1.0),
        ("void at::native::vectorized_elementwise_kernel<4>", 1.0),
    ]
    assert share_of(kernels) == pytest.approx(0.7)
    assert share_of([]) is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has such a share")
def test_without_a_gpu_there_is_no_share_of_its_time():
    assert share_in_products(our_step(CONFIG, CPU), steps=1) is None
