"""The stem as published: convolution, batch norm, ReLU, with time last (method specification, section 2.1).

Shapes: B batch, C leads, T samples, L tokens, D width.
"""

from __future__ import annotations

from torch import Tensor, nn

from engine.backbones.stem import ConvBlock, Stem


def plain_stem(ours: Stem) -> nn.Sequential:
    """x_BCT -> x_BDL with the weights and statistics of ours."""
    layers: list[nn.Module] = []
    for block in ours.blocks:
        assert isinstance(block, ConvBlock)
        assert block.norm is not None
        inputs, width = block.conv.in_channels, block.conv.out_channels
        convolution = nn.Conv1d(inputs, width, block.kernel, block.stride, padding=block.kernel // 2, bias=False)
        norm = nn.BatchNorm1d(width)
        convolution.load_state_dict(block.conv.state_dict())
        norm.load_state_dict(block.norm.state_dict())
        layers += [convolution, norm, nn.ReLU()]
    return nn.Sequential(*layers)


class TimeLastNorm(nn.Module):
    """Layer norm over the features of x_BDL."""

    def __init__(self, ours: nn.LayerNorm) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(ours.normalized_shape[0])
        self.norm.load_state_dict(ours.state_dict())

    def forward(self, x_BDL: Tensor) -> Tensor:
        """x_BDL -> x_BDL."""
        normed_BDL: Tensor = self.norm(x_BDL.transpose(1, 2)).transpose(1, 2)
        return normed_BDL
