"""S4 as the study's group releases it, onto our own S4 backbone.

Their kernel module keeps, for each channel, the diagonal w, the rank-1 vectors P and Q = conj(P), the input B and the
step log_dt as buffers, and C multiplied by I - A^L: with it the first L values of the kernel follow from L Fourier
nodes. L stands in the file as those nodes (omega: L / 2 + 1 of them): 300 for the study, 1,200 for ECG-CPC. Our layer
takes C itself, so it is solved for here, in float64; then any length can be fed, as with theirs, whose own doubling of
the length goes through the same C.

Method specification, section 2.2; the released code is `s42.py`, a copy of the state-space group's own.

Shapes: R directions, H channels, N states, J = N / 2 conjugate halves, M = 2 J real coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from engine.backbones.base import Backbone
from engine.backbones.registry import build_backbone
from engine.backbones.s4_dynamics import discrete_system
from engine.contract.backbone import S4Config
from engine.contract.errors import WorldError
from engine.zoo.published.importer import Dropped, Renaming, checked, renamed

STEM, BODY = "ts_encoder.encoder.", "ts_encoder.predictor.predictor."

NAMES: Renaming = (
    (r"^stem\.blocks\.(\d+)\.conv\.", rf"{STEM}layers.\1.0."),
    (r"^stem\.blocks\.(\d+)\.norm\.", rf"{STEM}layers.\1.1."),
    (r"^blocks\.(\d+)\.norm\.", rf"{BODY}norms.\1."),
    (r"^blocks\.(\d+)\.output\.", rf"{BODY}s4_layers.\1.output_linear.0."),
    (r"^blocks\.(\d+)\.convolution\.D$", rf"{BODY}s4_layers.\1.D"),
)
"""What is loaded as it is, but for axes of length 1."""

DROPPED = (
    Dropped(r"ts_encoder\.head(_ssl)?\..+", "heads of pretraining, which the study drops too"),
    Dropped(r"ts_encoder\.ema\..+", "the teacher"),
    Dropped(r"ts_encoder\.masking\..+", "what stood for a hidden token"),
    Dropped(r"ts_encoder\.(loss|quantizer)\..+", "codebooks of the objective"),
)

SAME = 1e-5
"""Dynamics that differ by less are the same: the files hold float32."""


class S4Embedder(nn.Module):
    """An S4 backbone whose layers are told as means over time."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, x_BCT: Tensor) -> dict[str, Tensor]:
        """The embedding [B, D], the mean over the tokens of the last block, and that of every layer."""
        layers = self.backbone(x_BCT).layers
        told = {name: x_BLD.mean(1) for name, x_BLD in zip(self.backbone.layer_names, layers, strict=True)}
        return {"embedding": told[self.backbone.layer_names[-1]], **told}


class S4Importer:
    """Importer of one released S4 network.

    Args:
        config: the backbone of ours that it is.
    """

    def __init__(self, config: S4Config) -> None:
        self._config = config

    def build(self, variant: str) -> nn.Module:
        """The network with fresh weights, in evaluation mode."""
        return S4Embedder(build_backbone(self._config, seed=0)).eval()

    def load(self, variant: str, state: Mapping[str, Tensor], thing: str) -> nn.Module:
        """The network with these weights; see `Importer.load`.

        Raises:
            WorldError: a tensor is missing, unexpected, of another shape or not finite; or the dynamics are not those
                of a released file: trained, or not conjugate.
        """
        embedder = S4Embedder(build_backbone(self._config, seed=0))
        own = embedder.backbone.state_dict()
        kept = checked(state, self.shapes(variant, state), DROPPED, thing)
        plain = {name: renamed(name, NAMES) for name in own}
        loaded = {name: kept[theirs].view(own[name].shape) for name, theirs in plain.items() if theirs in kept}
        for block in range(self._config.depth):
            layer = {name: kept[f"{_kernel(block)}{name}"] for name in _KERNEL_TENSORS}
            for name, value in translated(layer, thing).items():
                loaded[f"blocks.{block}.convolution.{name}"] = value
        embedder.backbone.load_state_dict(loaded, strict=True)
        return embedder.eval().requires_grad_(False)

    def shapes(self, variant: str, state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
        """What a file must hold; how many Fourier nodes, it says itself."""
        del variant
        with torch.device("meta"):
            own = build_backbone(self._config, seed=0).state_dict()
        H, J = self._config.width, self._config.state_size // 2
        told: dict[str, tuple[int, ...]] = {}
        for name, value in own.items():
            theirs = renamed(name, NAMES)
            if theirs != name:
                told[theirs] = tuple(value.shape)
        for block in range(self._config.depth):
            at, layer = _kernel(block), f"{BODY}s4_layers.{block}."
            told |= {f"{layer}D": (1, H), f"{layer}output_linear.0.bias": (2 * H, 1)}
            told |= {f"{at}C": tuple(own[f"blocks.{block}.convolution.C"].shape), f"{at}log_dt": (H,)}
            told |= {f"{at}w": (H, J, 2)} | {f"{at}{name}": (1, H, J, 2) for name in "BPQ"}
            nodes = state.get(f"{at}omega")
            count = len(nodes) if nodes is not None and nodes.ndim == 2 and len(nodes) > 1 else 2
            told |= {f"{at}omega": (count, 2), f"{at}z": (count, 2)}
        return told


_KERNEL_TENSORS = ("C", "log_dt", "B", "P", "Q", "w", "omega")


def _kernel(block: int) -> str:
    return f"{BODY}s4_layers.{block}.kernel.kernel."


def translated(layer: Mapping[str, Tensor], thing: str) -> dict[str, Tensor]:
    """One S4 layer's tensors as ours: poles, p, b, log_dt in float64, and C freed of its correction, [R, H, J, 2].

    Args:
        layer: C [R, H, J, 2], log_dt [H], B, P, Q [1, H, J, 2], w [H, J, 2] and omega [L / 2 + 1, 2] as released.
        thing: the model, as errors call it.
    """
    poles_HJ, p_HJ, q_HJ, b_HJ = (
        torch.view_as_complex(layer[name].double().reshape(layer["w"].shape).contiguous())
        for name in ("w", "P", "Q", "B")
    )
    for told_HJ in (poles_HJ, p_HJ, b_HJ):
        if not torch.allclose(told_HJ, told_HJ[:1], rtol=SAME, atol=SAME):
            raise _odd(thing, "its state matrices differ from channel to channel: they were trained")
    if not torch.allclose(q_HJ, p_HJ.conj(), rtol=SAME, atol=SAME) or bool((poles_HJ.real >= 0).any()):
        raise _odd(thing, "its state matrices are not the conjugate, stable ones of HiPPO-LegS")
    log_dt_H = layer["log_dt"].double()
    system = discrete_system(poles_HJ[:1], p_HJ[:1], b_HJ[:1], log_dt_H.exp())
    power_HMM = torch.linalg.matrix_power(system.A_HMM, kernel_length(layer["omega"], thing))
    left_HMM = torch.eye(power_HMM.shape[-1], dtype=torch.float64) - power_HMM
    C_HMR = layer["C"].double().flatten(2).permute(1, 2, 0)
    freed_HMR = torch.linalg.solve(left_HMM.transpose(1, 2), C_HMR)
    ours = {"poles": poles_HJ, "p": p_HJ, "b": b_HJ}
    return {
        "C": freed_HMR.permute(2, 0, 1).reshape(layer["C"].shape).float(),
        "log_dt": log_dt_H,
        **{name: torch.view_as_real(value_HJ[:1]) for name, value_HJ in ours.items()},
    }


def kernel_length(omega: Tensor, thing: str) -> int:
    """The length L that C was corrected for: the nodes are exp(-2 pi i k / L), k = 0 ... L / 2."""
    length = 2 * (len(omega) - 1)
    exact = np.exp(-2j * np.pi * np.arange(len(omega)) / length)
    told = omega[:, 0].double().numpy() + 1j * omega[:, 1].double().numpy()
    if np.abs(told - exact).max() > 1e-3:
        raise _odd(thing, "its Fourier nodes are not those of an even kernel length")
    return length


def _odd(thing: str, reason: str) -> WorldError:
    return WorldError(thing, reason, "Take the released file; retrained dynamics have no importer", fault="misfit")
