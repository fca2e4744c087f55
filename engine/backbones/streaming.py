"""A causal S4 backbone as a recurrence: samples go in as they come, tokens come out as soon as they are certain.

A linear system needs no past: all of it is in the state x. So what a chunk of tokens u_0 ... u_(L-1) makes is the
layer's own convolution within the chunk, plus what the state still has to say,

    y_t = (K * u)_t + D u_t + C A^(t+1) x,        x <- A^L x + sum over i of A^(L-1-i) b u_i,

which is the recurrence itself for L = 1 and the convolution for a chunk that holds everything. States are float64,
so that an hour of a recording is as exact as its first second.

Shapes: B batch, C leads, T samples, L tokens, H channels (= width D), M state coordinates, K kernel, P longest chunk.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.backbones.s4 import S4Backbone, S4Block, S4Convolution
from engine.backbones.s4_dynamics import response
from engine.backbones.stem import LEADS, ConvBlock, Stem

LONGEST_CHUNK = 128
"""Tokens that a layer takes at once; longer chunks are cut, so that memory does not grow with them."""


class ConvolutionStream:
    """The memory of one causal S4 layer.

    Args:
        layer: whose weights are read now; a stream does not follow a layer that learns.
        crops: signals that run side by side, B.
    """

    def __init__(self, layer: S4Convolution, crops: int) -> None:
        if layer.C.shape[0] != 1:
            raise ValueError("a bidirectional layer needs the whole signal and cannot be streamed")
        self._layer, (self._A_HMM, b_HM) = layer, layer.system()
        C_HM = layer.C[0].flatten(1).double()
        backwards_HMM = self._A_HMM.transpose(1, 2)
        first_HM = (backwards_HMM @ C_HM.unsqueeze(-1)).squeeze(-1)
        self._enters_HMP = response(self._A_HMM, b_HM, LONGEST_CHUNK)
        self._reads_HMP = response(backwards_HMM, first_HM, LONGEST_CHUNK)
        self._x_BHM = b_HM.new_zeros(crops, *C_HM.shape)

    def push(self, u_BLH: Tensor) -> Tensor:
        """u_BLH -> y_BLH; the state moves on."""
        chunks = torch.split(u_BLH, LONGEST_CHUNK, 1)
        return torch.cat([self._pushed(chunk_BLH) for chunk_BLH in chunks], 1)

    def _pushed(self, u_BLH: Tensor) -> Tensor:
        L = u_BLH.shape[1]
        told_BLH = torch.einsum("hml,bhm->blh", self._reads_HMP[..., :L], self._x_BHM)
        entered_BHM = torch.einsum("hml,blh->bhm", self._enters_HMP[..., :L].flip(-1), u_BLH.double())
        kept_HMM = torch.linalg.matrix_power(self._A_HMM, L)
        self._x_BHM = (kept_HMM @ self._x_BHM.unsqueeze(-1)).squeeze(-1) + entered_BHM
        y_BLH: Tensor = self._layer(u_BLH)
        return y_BLH + told_BLH.to(y_BLH.dtype)


class WindowStream:
    """The memory of one convolution of the stem: samples whose windows are not complete yet.

    Args:
        block: the convolution.
        crops: signals that run side by side, B.
    """

    def __init__(self, block: ConvBlock, crops: int) -> None:
        self._block, self._margin = block, block.kernel // 2
        weight = block.conv.weight
        self._held_BTC = weight.new_zeros(crops, self._margin, weight.shape[1])
        self._skip = 0

    def push(self, x_BTC: Tensor) -> Tensor:
        """x_BTC -> tokens_BLD of the windows that are complete now; L may be 0."""
        x_BTC = torch.cat([self._held_BTC, x_BTC], 1)
        x_BTC, self._skip = x_BTC[:, self._skip :], max(0, self._skip - x_BTC.shape[1])
        kernel, stride, T = self._block.kernel, self._block.stride, x_BTC.shape[1]
        if kernel > T:
            self._held_BTC = x_BTC
            return x_BTC.new_zeros(len(x_BTC), 0, len(self._block.conv.weight))
        used = ((T - kernel) // stride + 1) * stride
        self._held_BTC, self._skip = x_BTC[:, used:], max(0, used - T)
        return self._block.unpadded(x_BTC)

    def finish(self) -> Tensor:
        """Tokens that still waited for samples; there are none, so zeros stand for them as at any signal's end."""
        return self.push(F.pad(self._held_BTC[:, :0], (0, 0, 0, self._margin)))


class BackboneStream:
    """A causal S4 backbone that is fed by and by: the same tokens as in one pass, however the samples are cut.

    Args:
        backbone: in evaluation mode; its weights are read now.
        crops: signals that run side by side, B.

    Raises:
        ValueError: the backbone sees the future, or is in training mode, where batch norms need the whole batch.
    """

    @torch.no_grad()
    def __init__(self, backbone: S4Backbone, crops: int = 1) -> None:
        if not backbone.causal or backbone.training:
            raise ValueError("only a causal backbone in evaluation mode can be streamed")
        assert isinstance(backbone.stem, Stem)
        self._windows = [WindowStream(block, crops) for block in backbone.stem.blocks if isinstance(block, ConvBlock)]
        self._blocks = [
            (block, ConvolutionStream(block.convolution, crops))
            for block in backbone.blocks
            if isinstance(block, S4Block)
        ]

    @torch.no_grad()
    def push(self, x_BCT: Tensor) -> Tensor:
        """The next samples x_BCT of each signal -> tokens_BLD that follow from them; L may be 0."""
        assert x_BCT.shape[1] == LEADS
        x_BTD = x_BCT.transpose(1, 2)
        for windows in self._windows:
            x_BTD = windows.push(x_BTD)
        return self._in_context(x_BTD)

    @torch.no_grad()
    def finish(self) -> Tensor:
        """The last tokens_BLD, once all samples have come. The stream is then spent."""
        first, *others = self._windows
        x_BTD = first.finish()
        for windows in others:
            x_BTD = torch.cat([windows.push(x_BTD), windows.finish()], 1)
        return self._in_context(x_BTD)

    def _in_context(self, latents_BLD: Tensor) -> Tensor:
        x_BLD = latents_BLD
        if not x_BLD.shape[1]:
            return x_BLD
        for block, stream in self._blocks:
            x_BLD, _ = block.after(x_BLD, stream.push(x_BLD))
        return x_BLD
