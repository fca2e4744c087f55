"""A signal that comes in pieces makes the tokens that it makes as a whole."""

import pytest
import torch

from engine.backbones.registry import build_backbone
from engine.backbones.s4 import S4Convolution
from engine.backbones.streaming import LONGEST_CHUNK, BackboneStream, ConvolutionStream
from engine.contract.backbone import S4Config

SMALL = S4Config(width=16, depth=3)


def pieces(length, size):
    """Pieces of one size, or of many sizes for none."""
    sizes, at = ([size] if size else [1, 2, 3, 7, 40, 1, 200]), 0
    while at < length:
        for step in sizes:
            yield slice(at, min(at + step, length))
            at += step


@pytest.mark.parametrize("size", [1, 5, None, 3 * LONGEST_CHUNK + 1])
@pytest.mark.parametrize(("form", "dynamics"), [("nplr", "frozen"), ("diagonal", "frozen"), ("nplr", "trained")])
def test_a_layer_in_pieces_is_the_convolution(form, dynamics, size):
    torch.manual_seed(0)
    layer = S4Convolution(6, 8, True, form, dynamics).double()
    u_BLH = torch.randn(2, 450, 6, dtype=torch.float64)
    with torch.no_grad():
        whole_BLH = layer(u_BLH)
        stream = ConvolutionStream(layer, crops=2)
        parts = [stream.push(u_BLH[:, piece]) for piece in pieces(450, size)]
    torch.testing.assert_close(torch.cat(parts, 1), whole_BLH, atol=1e-10, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_does_not_grow_with_time(dtype):
    torch.manual_seed(1)
    layer = S4Convolution(8, 8, causal=True).to(dtype)
    u_BLH = torch.randn(1, 20_000, 8, dtype=dtype)
    with torch.no_grad():
        whole_BLH = layer.double()(u_BLH.double())
        stream = ConvolutionStream(layer.to(dtype), crops=1)
        parts = torch.cat([stream.push(u_BLH[:, piece]) for piece in pieces(20_000, 100)], 1)
    error_L = (parts.double() - whole_BLH).abs().amax((0, 2)) / whole_BLH.abs().max()
    assert error_L.max() < (1e-6 if dtype == torch.float32 else 1e-13)


def in_pieces(backbone, x_BCT, size):
    stream = BackboneStream(backbone, crops=len(x_BCT))
    parts = [stream.push(x_BCT[..., piece]) for piece in pieces(x_BCT.shape[-1], size)]
    return [*parts, stream.finish()]


def run_in(backbone):
    """Batch norms with statistics and weights of their own, as after a training."""
    backbone.train()(torch.randn(8, 12, 100))
    return backbone.eval()


@pytest.mark.parametrize("size", [1, 2, 37, None, 1000])
@pytest.mark.parametrize("samples", [600, 601, 7])
def test_a_backbone_in_pieces_makes_the_tokens_of_one_pass(samples, size):
    backbone = run_in(build_backbone(SMALL, seed=0)).double()
    x_BCT = torch.randn(2, 12, samples, dtype=torch.float64)
    with torch.no_grad():
        whole_BLD = backbone(x_BCT).tokens_BLD
    torch.testing.assert_close(torch.cat(in_pieces(backbone, x_BCT, size), 1), whole_BLD, atol=1e-10, rtol=0)


def test_in_single_precision_it_is_equal_to_single_precision():
    backbone = run_in(build_backbone(S4Config(width=64), seed=0))
    x_BCT = torch.randn(1, 12, 600)
    with torch.no_grad():
        whole_BLD = backbone(x_BCT).tokens_BLD
    torch.testing.assert_close(torch.cat(in_pieces(backbone, x_BCT, 50), 1), whole_BLD, atol=2e-5, rtol=0)


@pytest.mark.parametrize(
    "stem", [((3, 1), (1, 1)), ((5, 3), (3, 2)), ((1,), (4,)), ((3, 1), (5, 3)), ((7, 7, 7), (1, 2, 1))]
)
@pytest.mark.parametrize("size", [1, 4, None])
def test_stems_of_any_kernel_and_stride_stream(stem, size):
    kernels, strides = stem
    config = SMALL.model_copy(update={"stem_kernels": kernels, "stem_strides": strides})
    backbone = run_in(build_backbone(config, seed=0)).double()
    for samples in (60, 61, 62, 63):
        x_BCT = torch.randn(1, 12, samples, dtype=torch.float64)
        with torch.no_grad():
            whole_BLD = backbone(x_BCT).tokens_BLD
        parts = torch.cat(in_pieces(backbone, x_BCT, size), 1)
        assert parts.shape[1] == config.tokens(samples)
        torch.testing.assert_close(parts, whole_BLD, atol=1e-10, rtol=0)


def test_a_token_comes_out_as_soon_as_its_last_sample_has_come():
    """Token t sees samples 2t-1 ... 2t+1."""
    counts, stream = [], BackboneStream(build_backbone(SMALL, seed=0).eval())
    for _ in range(6):
        counts.append(stream.push(torch.randn(1, 12, 1)).shape[1])
    assert counts == [0, 1, 0, 1, 0, 1]
    assert stream.finish().shape == (1, 0, 16)


def test_what_cannot_be_streamed_is_refused():
    with pytest.raises(ValueError, match="causal"):
        BackboneStream(build_backbone(SMALL.model_copy(update={"causal": False}), seed=0).eval())
    with pytest.raises(ValueError, match="evaluation"):
        BackboneStream(build_backbone(SMALL, seed=0).train())
    with pytest.raises(ValueError, match="bidirectional"):
        ConvolutionStream(S4Convolution(4, 8, causal=False), crops=1)
