"""Attention of narrow heads by torch's default products beside oneDNN's: `bench_attention.py [ROUNDS]`.

All else goes by oneDNN while a model is trained on a CPU; `engine/kernels/attention.py` takes the heads out. One
thread, process time, in turns, 32 crops, forward and backward; results are compared first.
"""

import statistics
import sys
import time

import torch
import torch.nn.functional as F

from engine.kernels.attention import attention
from engine.kernels.products import by_onednn, onednn_is_exact

SHAPES = ((4, 150, 16), (8, 300, 16), (4, 300, 32), (8, 300, 64))
"""Heads, tokens, features of a head."""


def by_torch_alone(q, k, v):
    """Attention as torch would route it."""
    return F.scaled_dot_product_attention(q, k, v)


def milliseconds(call, inputs):
    """CPU time of a call and of its way back."""
    begun = time.process_time()
    call(*inputs).sum().backward()
    return 1e3 * (time.process_time() - begun)


def main(rounds):
    """Compare results, then time both."""
    torch.set_num_threads(1)
    for heads, tokens, features in SHAPES:
        torch.manual_seed(0)
        inputs = [torch.randn(32, tokens, heads, features).transpose(1, 2).requires_grad_() for _ in range(3)]
        with by_onednn():
            ours, theirs = attention(*inputs, False), by_torch_alone(*inputs)
            error = float((ours - theirs).detach().abs().max() / theirs.detach().abs().max())
            pairs = [
                (milliseconds(lambda *x: attention(*x, False), inputs), milliseconds(by_torch_alone, inputs))
                for _ in range(rounds)
            ]
        our_ms, their_ms = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(
            f"{heads} heads of {features:2} features, {tokens} tokens: ours {our_ms:6.1f} ms, "
            f"by oneDNN {their_ms:6.1f} ms, ratio {their_ms / our_ms:.2f}, largest difference {error:.0e}"
        )


if __name__ == "__main__":
    if not onednn_is_exact():
        sys.exit("oneDNN rounds products of float32 on this processor, so Isoline does not use it here")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
