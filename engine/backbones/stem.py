"""The convolutional stem: leads to tokens (method specification, section 2.1).

The stem is the published one for causal backbones too: its convolutions are centred, so with kernels 3,1,1,1 and
strides 2,1,1,1 token t sees samples 2t-1 ... 2t+1, and with kernels 3,1 and strides 1,1 samples t-1 ... t+1: one past
its own in both. That is far less than what is predicted (CPC's gap is 26 samples; section 10, item 1), and it is why
causality is a matter of tokens: latents that change from token t on leave all tokens before t as they are.

Shapes: B batch, C leads, T samples, L tokens, D width, K kernel, N = B x L rows of a batch norm.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.ranks.reduce import global_sum, world_size

LEADS = 12


class BatchNorm(nn.BatchNorm1d):
    """Batch norm whose batch is that of all ranks; with one rank it is `nn.BatchNorm1d`, number for number.

    torch's SyncBatchNorm does the same on GPUs only. Under autocast statistics are made and kept in float32.
    """

    def forward(self, x_ND: Tensor) -> Tensor:
        """x_ND, normalised by the statistics of the batch in training and by the running ones otherwise."""
        if not self.training or world_size() == 1:
            return super().forward(x_ND)
        mean_D, variance_D, count = global_statistics(x_ND)
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            assert self.momentum is not None
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean_D.to(self.running_mean.dtype), self.momentum)
            unbiased_D = variance_D * (count / (count - 1))
            self.running_var.lerp_(unbiased_D.to(self.running_var.dtype), self.momentum)
        scale_D = self.weight * torch.rsqrt(variance_D + self.eps).to(self.weight.dtype)
        shift_D = self.bias - mean_D.to(self.weight.dtype) * scale_D
        return torch.addcmul(shift_D, x_ND, scale_D).to(x_ND.dtype)


def global_statistics(x_ND: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, biased variance and number of rows over all ranks, with gradients, in one sum over ranks; float64.

    Each rank's own mean and variance are made first, about its own mean; only these few numbers meet in float64, where
    E[x^2] - E[x]^2 loses nothing that matters.
    """
    x_ND = x_ND.to(torch.promote_types(x_ND.dtype, torch.float32))
    variance_D, mean_D = (told.double() for told in torch.var_mean(x_ND, 0, correction=0))
    rows = torch.full_like(mean_D[:1], len(x_ND))
    sums = global_sum(torch.cat([rows, rows * mean_D, rows * (variance_D + mean_D**2)]))
    count, first_D, second_D = torch.split(sums, [1, len(mean_D), len(mean_D)])
    mean_D = first_D / count
    return mean_D, (second_D / count - mean_D**2).clamp_min(0), count


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU, all channels-last: the convolution is one matrix product over its windows.

    Weights and statistics are named and shaped as those of `nn.Conv1d` (no bias) and `nn.BatchNorm1d`. Without norm
    the convolution stands alone, with a bias.
    """

    def __init__(self, channels: int, width: int, kernel: int, stride: int, norm: bool = True) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv = nn.Conv1d(channels, width, kernel, stride, padding=kernel // 2, bias=not norm)
        self.norm = BatchNorm(width) if norm else None

    def forward(self, x_BTC: Tensor) -> Tensor:
        """x_BTC -> tokens_BLD with L = (T - 1) // stride + 1."""
        return self.unpadded(F.pad(x_BTC, (0, 0, self.kernel // 2, self.kernel // 2)) if self.kernel > 1 else x_BTC)

    def unpadded(self, x_BTC: Tensor) -> Tensor:
        """x_BTC -> tokens_BLD of the windows that lie wholly in it."""
        windows_BLCK = x_BTC.unfold(1, self.kernel, self.stride)
        B, L, C, K = windows_BLCK.shape
        z_ND = F.linear(windows_BLCK.reshape(B * L, C * K), self.conv.weight.reshape(-1, C * K), self.conv.bias)
        if self.norm is not None:
            z_ND = F.relu(self.norm(z_ND))
        return z_ND.view(B, L, -1)

    def multiply_adds(self, samples: int) -> tuple[int, int]:
        """Multiply-adds of the product, and the number of tokens that come out."""
        tokens = (samples - 1) // self.stride + 1
        return tokens * self.conv.weight.numel(), tokens


class Stem(nn.Module):
    """A chain of convolution blocks. With kernels 3,1,1,1 and strides 2,1,1,1 a token sees 3 samples."""

    def __init__(self, width: int, kernels: Sequence[int], strides: Sequence[int], norm: bool = True) -> None:
        super().__init__()
        inputs = [LEADS] + [width] * (len(kernels) - 1)
        self.blocks = nn.ModuleList(
            ConvBlock(c, width, k, s, norm) for c, k, s in zip(inputs, kernels, strides, strict=True)
        )

    def forward(self, x_BCT: Tensor) -> Tensor:
        """Signals x_BCT to latents_BLD."""
        z_BLD = x_BCT.transpose(1, 2)
        for block in self.blocks:
            z_BLD = block(z_BLD)
        return z_BLD

    def multiply_adds(self, samples: int) -> tuple[int, int, int]:
        """Multiply-adds of the whole stem and of its first layer, and the number of tokens."""
        costs, length = [], samples
        for block in self.blocks:
            assert isinstance(block, ConvBlock)
            cost, length = block.multiply_adds(length)
            costs.append(cost)
        return sum(costs), costs[0], length
