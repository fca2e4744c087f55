"""The convolutional stem: leads to tokens (method specification, section 2.1).

Shapes: B batch, C leads, T samples, L tokens, D width, K kernel.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

LEADS = 12


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU, all channels-last: the convolution is one matrix product over its windows.

    Weights and statistics are named and shaped as those of `nn.Conv1d` (no bias) and `nn.BatchNorm1d`.
    """

    def __init__(self, channels: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv = nn.Conv1d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x_BTC: Tensor) -> Tensor:
        """x_BTC -> tokens_BLD with L = (T - 1) // stride + 1."""
        padded_BTC = F.pad(x_BTC, (0, 0, self.kernel // 2, self.kernel // 2)) if self.kernel > 1 else x_BTC
        windows_BLCK = padded_BTC.unfold(1, self.kernel, self.stride)
        B, L, C, K = windows_BLCK.shape
        z_ND = F.linear(windows_BLCK.reshape(B * L, C * K), self.conv.weight.reshape(-1, C * K))
        z_ND = F.relu(self.norm(z_ND))
        return z_ND.view(B, L, -1)

    def multiply_adds(self, samples: int) -> tuple[int, int]:
        """Multiply-adds of the product, and the number of tokens that come out."""
        tokens = (samples - 1) // self.stride + 1
        return tokens * self.conv.weight.numel(), tokens


class Stem(nn.Module):
    """A chain of convolution blocks. With kernels 3,1,1,1 and strides 2,1,1,1 a token sees 3 samples."""

    def __init__(self, width: int, kernels: Sequence[int], strides: Sequence[int]) -> None:
        super().__init__()
        inputs = [LEADS] + [width] * (len(kernels) - 1)
        self.blocks = nn.ModuleList(ConvBlock(c, width, k, s) for c, k, s in zip(inputs, kernels, strides, strict=True))

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
