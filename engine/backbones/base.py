"""What every backbone is: signal in, features out.

Shapes: B batch, C leads, T samples, L tokens, D width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from engine.contract.backbone import AnyBackboneConfig


@dataclass(frozen=True)
class Features:
    """What a backbone makes of a batch.

    Attributes:
        latents_BLD: output of the stem, before any context.
        layers: output of the stem, then of each block after its norm, [B, L, width of the layer].
        tokens_BLD: output of the last block, the last of the layers.
        updates: what each block adds to its input, before dropout, residual and norm: the targets of data2vec. The
            last of them have the width of the tokens.
    """

    latents_BLD: Tensor
    layers: Sequence[Tensor]
    tokens_BLD: Tensor
    updates: Sequence[Tensor] = ()


class Products(NamedTuple):
    """Matrix products of one forward pass in FLOPs, two for each multiply-add.

    Attributes:
        forward: all products of the pass.
        first: those of the first layer, whose input needs no gradient.
        convolution: what the fast convolutions cost on top; the published counts leave it out.
        convolution_backward: what their backward pass costs: as many transforms, and twice the products of spectra.
        phantom: what `torch.utils.flop_counter` adds in a backward pass that is not there: of a grouped convolution it
            counts the gradient of the weights as if every group met every other.
    """

    forward: int
    first: int
    convolution: int = 0
    phantom: int = 0
    convolution_backward: int = 0

    @property
    def forward_backward(self) -> int:
        """A training pass: each product again for its weights and again for its input, but for the first layer's."""
        return 3 * self.forward - self.first


class Backbone(nn.Module):
    """Base of all backbones. A subclass sets the attributes and implements `encode` and `products`.

    Attributes:
        config: what it was built from; `build_backbone` sets it.
        stem: leads to tokens, x_BCT -> latents_BLD.
        width: features per token, D.
        stride: samples per token.
        causal: whether a token sees only samples up to its own time.
    """

    config: AnyBackboneConfig
    stem: nn.Module
    width: int
    stride: int
    causal: bool

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of `Features.layers`, in their order."""
        raise NotImplementedError

    @property
    def layer_widths(self) -> tuple[int, ...]:
        """Features of each of `Features.layers`; all alike where a backbone does not say otherwise."""
        return (self.width,) * len(self.layer_names)

    def encode(self, latents_BLD: Tensor) -> Features:
        """Put tokens into context. Objectives that hide tokens replace them between stem and this."""
        raise NotImplementedError

    def products(self, samples: int) -> Products:
        """Cost of a crop of `samples` samples."""
        raise NotImplementedError

    def forward(self, x_BCT: Tensor) -> Features:
        """Features of a batch of signals in millivolts at the rate of the model."""
        features: Features = self.encode(self.stem(x_BCT))
        return features


def through(blocks: Iterable[nn.Module], latents_BLD: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Latents and what each block makes of them, and what each block adds on its own."""
    layers, updates = [latents_BLD], []
    for block in blocks:
        x_BLD, update_BLD = block(layers[-1])
        layers.append(x_BLD)
        updates.append(update_BLD)
    return layers, updates


def count_parameters(module: nn.Module) -> int:
    """Number of parameters, those that nothing trains included."""
    return sum(p.numel() for p in module.parameters())


def count_trainable(module: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
