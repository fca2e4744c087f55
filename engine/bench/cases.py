"""What is measured: ours and the plain reference on the same weights and crops, and how far their results differ.

Shapes: B batch, C leads, T samples, L tokens, D width, S predictions, N candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from engine.backbones.base import Backbone
from engine.backbones.fused import for_inference
from engine.backbones.net1d import Net1DBackbone
from engine.backbones.registry import build_backbone
from engine.backbones.s4 import S4Backbone, S4Block
from engine.backbones.transformer import TransformerBackbone
from engine.bench.measure import Call
from engine.bench.reference.net1d import PlainNet1D
from engine.bench.reference.s4 import PlainS4, PlainS4Block
from engine.bench.reference.transformer import PlainTransformer
from engine.contract.backbone import S4_STEM, AnyBackboneConfig, Net1DConfig, S4Config, TransformerConfig
from engine.ranks.dropout import Dropout

FLOAT32, GRADIENTS, ROUNDED = 1e-5, 1e-3, 3e-2
"""How far results may differ, relative to their largest value: features, gradients, features in bfloat16.

Gradients pass through layers whose sums each order rounds differently; a ReLU that flips moves a stem's by 1e-3."""


@dataclass(frozen=True)
class Size:
    """How large the cases are; the published ones, or tiny ones that only show that all works."""

    width: int = 512
    samples: int = 600
    s4: int = 32
    cpc: int = 16
    others: int = 4
    negatives: int = 128
    offset: int = 14
    full: bool = True


FULL = Size()
TINY = Size(width=64, samples=80, s4=2, cpc=2, others=1, negatives=8, offset=4, full=False)


@dataclass(frozen=True)
class Case:
    """One row to be: two calls that do the same work.

    Attributes:
        gflop: products that the work needs, over the whole batch; 0 where no floor is told.
        error: largest difference of the two results, relative.
        tolerance: what it may be.
    """

    what: str
    batch: int
    ours: Call
    reference: Call
    gflop: float
    error: float
    tolerance: float


def difference(ours: Tensor, reference: Tensor) -> float:
    """Largest difference relative to the largest value; infinite where a number is missing on one side."""
    if ours.shape != reference.shape or not bool(torch.isfinite(ours).all() & torch.isfinite(reference).all()):
        return float("inf")
    return float((ours - reference).abs().max() / reference.abs().max().clamp_min(1e-30))


def signals(batch: int, samples: int) -> Tensor:
    """Crops x_BCT of noise."""
    return torch.randn(batch, 12, samples, generator=torch.Generator().manual_seed(1))


def set_dropout(module: nn.Module, probability: float) -> None:
    """Set every dropout, ours and torch's."""
    for part in module.modules():
        if isinstance(part, Dropout):
            part.probability = probability
        elif isinstance(part, nn.Dropout | nn.Dropout1d):
            part.p = probability


def s4_pair(size: Size) -> tuple[S4Backbone, PlainS4]:
    """The causal S4 and its reference, batch statistics moved off their start."""
    config = S4Config(width=size.width)
    ours = cast(S4Backbone, build_backbone(config, seed=0).train())
    with torch.no_grad():
        ours(signals(4, size.samples))
    return ours, PlainS4(ours, config.tokens(size.samples))


def embedding(size: Size, batch: int, bf16: bool = False) -> Case:
    """Features of a batch by S4, in evaluation mode."""
    ours, plain = s4_pair(size)
    ours.eval()
    plain.eval()
    x_BCT = signals(batch, size.samples)
    encode = for_inference(ours, "bf16" if bf16 else "float32")
    with torch.inference_mode():
        error = difference(encode(x_BCT).tokens_BLD, plain(x_BCT)[1])
    return Case(
        what=f"S4 embedding, batch {batch}{', bf16 (opt-in)' if bf16 else ''}",
        batch=batch,
        ours=inferring(lambda: encode(x_BCT)),
        reference=inferring(lambda: plain(x_BCT)),
        gflop=0.0 if bf16 else batch * ours.products(size.samples).forward / 1e9,
        error=error,
        tolerance=ROUNDED if bf16 else FLOAT32,
    )


def inferring(call: Call) -> Call:
    """The call in inference mode."""

    def inferred() -> object:
        with torch.inference_mode():
            return call()

    return inferred


@dataclass(frozen=True)
class Pair:
    """A backbone and its reference, and parameters that both have under different names."""

    ours: Backbone
    plain: nn.Module
    parameters: Sequence[tuple[Tensor, Tensor]]


def pair_of(config: AnyBackboneConfig, size: Size) -> Pair:
    """Ours and the reference for any of the three backbones."""
    ours = build_backbone(config, seed=0).train()
    if isinstance(ours, S4Backbone):
        s4 = PlainS4(ours, config.tokens(size.samples))
        return Pair(ours, s4, _s4_parameters(ours, s4))
    if isinstance(ours, TransformerBackbone):
        transformer = PlainTransformer(ours)
        return Pair(ours, transformer, [(ours.norm.weight, transformer.norm.weight)])
    assert isinstance(ours, Net1DBackbone)
    net1d = PlainNet1D(ours)
    return Pair(ours, net1d, [(ours.first.weight, net1d.first.convolution.weight)])


def _s4_parameters(ours: S4Backbone, plain: PlainS4) -> list[tuple[Tensor, Tensor]]:
    pairs: list[tuple[Tensor, Tensor]] = []
    for a, b in zip(ours.blocks, plain.blocks, strict=True):
        assert isinstance(a, S4Block)
        assert isinstance(b, PlainS4Block)
        pairs += [(a.convolution.D, b.D_H), (a.output.weight, b.weight_GH), (a.norm.weight, b.norm.norm.weight)]
    return pairs


def worst_gradient(pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Largest difference of two sets of gradients."""
    return max(difference(_gradient(a), _gradient(b)) for a, b in pairs)


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def backward(loss: Tensor) -> Tensor:
    """Gradients of a loss, which is handed back without its graph."""
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach()


def training(what: str, config: AnyBackboneConfig, batch: int, size: Size) -> Case:
    """Forward and backward pass of a backbone in training mode; compared without dropout, timed with the config's."""
    pair = pair_of(config, size)
    x_BCT = signals(batch, size.samples)
    weight_BLD = torch.randn(batch, config.tokens(size.samples), config.width, generator=_generator())

    def ours() -> Tensor:
        pair.ours.zero_grad()
        tokens_BLD: Tensor = pair.ours(x_BCT).tokens_BLD
        backward((tokens_BLD * weight_BLD).sum())
        return tokens_BLD.detach()

    def reference() -> Tensor:
        pair.plain.zero_grad()
        tokens_BLD: Tensor = pair.plain(x_BCT)[1]
        backward((tokens_BLD * weight_BLD).sum())
        return tokens_BLD.detach()

    for side in (pair.ours, pair.plain):
        set_dropout(side, 0.0)
    error = max(difference(ours(), reference()), worst_gradient(pair.parameters))
    for side in (pair.ours, pair.plain):
        set_dropout(side, config.dropout)
    gflop = batch * pair.ours.products(size.samples).forward_backward / 1e9
    return Case(what, batch, ours, reference, gflop, error, GRADIENTS)


def inference(what: str, config: AnyBackboneConfig, batch: int, size: Size) -> Case:
    """Features by Transformer or Net1D, in evaluation mode."""
    pair = pair_of(config, size)
    x_BCT = signals(batch, size.samples)
    with torch.no_grad():
        pair.ours(x_BCT)
        pair.plain(x_BCT)
    encode = for_inference(pair.ours.eval())
    pair.plain.eval()
    with torch.inference_mode():
        error = difference(encode(x_BCT).tokens_BLD, pair.plain(x_BCT)[1])
    gflop = batch * pair.ours.products(size.samples).forward / 1e9
    calls = inferring(lambda: encode(x_BCT)), inferring(lambda: pair.plain(x_BCT))
    return Case(what, batch, *calls, gflop, error, FLOAT32)


def transformer(size: Size) -> TransformerConfig:
    """With as many tokens as S4, as in the study of performance."""
    return TransformerConfig(width=size.width, stem_kernels=S4_STEM.kernels, stem_strides=S4_STEM.strides)


def net1d(size: Size) -> Net1DConfig:
    """With as many tokens as S4."""
    return Net1DConfig(width=size.width, stem_kernels=S4_STEM.kernels, stem_strides=S4_STEM.strides)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(2)
