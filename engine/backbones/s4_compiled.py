"""One S4 block on a CPU by compiled loops: scan with GELU, the linear layer, then gate, residual and norm in one pass.

The same function as `S4Block.forward`, with a third of the passes over memory, forwards and backwards.

Shapes: B batch, L tokens, D width, M coordinates of C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine.kernels.glu_norm import WIDEST, glu_norm
from engine.kernels.scan import applies, modal_scan
from engine.ranks.dropout import Dropout

if TYPE_CHECKING:
    from engine.backbones.s4 import S4Block


def block_applies(block: S4Block, x_BLD: Tensor) -> bool:
    """Whether compiled loops can do this block: float32 on a CPU, real modes, masks that are tied over time."""
    if not applies(x_BLD) or x_BLD.shape[-1] > WIDEST or block.norm.weight.dtype != torch.float32:
        return False
    return block.inner_dropout.tied and block.outer_dropout.tied and block.convolution.modes() is not None


def compiled_block(block: S4Block, x_BLD: Tensor) -> tuple[Tensor, Tensor]:
    """x_BLD -> x_BLD, and what was added to it before dropout and norm."""
    convolution, norm = block.convolution, block.norm
    modes = convolution.modes()
    assert modes is not None
    weight_RNH = modes.weights(convolution.C.flatten(2))
    z_BLD = modal_scan(
        x_BLD, modes.pole_NH, weight_RNH, convolution.D, gelu=True, scale_BH=_mask(block.inner_dropout, x_BLD)
    )
    gate_BLE = block.output(z_BLD).float()
    return glu_norm(gate_BLE, x_BLD, _mask(block.outer_dropout, x_BLD), norm.weight, norm.bias, norm.eps)


def _mask(dropout: Dropout, x_BLD: Tensor) -> Tensor | None:
    """The mask [B, D] of a tied dropout; None where it does nothing."""
    if not dropout.training or dropout.probability == 0:
        return None
    return dropout.mask(x_BLD, x_BLD.shape[-1])
