"""The S4 backbone (method specification, section 2.2; Gu et al. 2022, arXiv:2111.00396).

Each channel h is a linear system of N states driven by the tokens u,

    x' = A x + B u,    y = C x + D u,    step size dt_h,

with A, B the HiPPO-LegS matrices (see `s4_dynamics`). In the study A, B and dt are frozen and only C and D learn. So
the convolution kernel K_l = C Abar^l Bbar is linear in C over a basis that never changes, and that basis is computed
once, in float64. Where the dynamics are trained the basis follows them at every pass.

Shapes: B batch, L tokens, H channels (= width D), N states, J = N/2 conjugate halves, M = 2J real coordinates of C,
R directions (1 causal, 2 with the reverse pass).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.base import Backbone, Features, Products, through
from engine.backbones.s4_compiled import block_applies, compiled_block
from engine.backbones.s4_dynamics import System, diagonal_dynamics, discrete_system, response
from engine.backbones.s4_modes import Modes, find_modes
from engine.backbones.spectral import circle_length, convolve
from engine.backbones.stem import Stem
from engine.contract.config import S4Config
from engine.kernels.scan import applies, modal_scan
from engine.ranks.dropout import Dropout

SHORTEST_STEP, LONGEST_STEP = 1e-3, 1e-1
"""Range of dt, drawn log-uniformly; in units of tokens."""


def dynamics_at_start(width: int, state_size: int, form: str) -> dict[str, Tensor]:
    """Step sizes and HiPPO-LegS as float64 tensors: log_dt [H]; poles, p and b [1, J, 2], the same for all channels."""
    spread = math.log(LONGEST_STEP) - math.log(SHORTEST_STEP)
    log_dt = torch.rand(width, dtype=torch.float64) * spread + math.log(SHORTEST_STEP)
    legs = diagonal_dynamics(state_size)
    vectors = {"poles": legs.poles_J, "p": legs.p_J, "b": legs.b_J}
    if form == "diagonal":
        vectors = {"poles": legs.poles_J, "b": legs.b_J / 2}
    return {"log_dt": log_dt} | {
        name: torch.view_as_real(torch.from_numpy(value_J.copy())).unsqueeze(0) for name, value_J in vectors.items()
    }


class S4Convolution(nn.Module):
    """One S4 layer as a long convolution: y = K * u + D u, with K linear in C over a basis.

    C and D are always trained. Step sizes and dynamics are frozen buffers in float64, or parameters under the same
    names: then each channel has its own, and `poles` holds log(-real part), imaginary part, so that no step of the
    optimiser can make the system unstable.

    Args:
        width: channels.
        state_size: states N of each channel.
        causal: one kernel; otherwise a second one runs backwards.
        form: "nplr" (S4) or "diagonal" (S4D).
        dynamics: "frozen" or "trained".
    """

    log_dt: Tensor
    poles: Tensor
    p: Tensor
    b: Tensor

    def __init__(
        self,
        width: int,
        state_size: int,
        causal: bool,
        form: Literal["nplr", "diagonal"] = "nplr",
        dynamics: Literal["frozen", "trained"] = "frozen",
    ) -> None:
        super().__init__()
        directions, halves = (1 if causal else 2), state_size // 2
        self.form, self.trained = form, dynamics == "trained"
        for name, value in dynamics_at_start(width, state_size, form).items():
            if not self.trained:
                self.register_buffer(name, value)
                continue
            if name == "poles":
                value = torch.stack([torch.log(-value[..., 0]), value[..., 1]], -1)
            own = value if name == "log_dt" else value.expand(width, -1, -1)
            self.register_parameter(name, nn.Parameter(own.float().contiguous()))
        self.C = nn.Parameter(torch.randn(directions, width, halves, 2) * math.sqrt(0.5))
        self.D = nn.Parameter(torch.randn(width))
        self._basis_HML: Tensor | None = None
        self._modes: Modes | Literal["none"] | None = None

    def _load_from_state_dict(self, *arguments: Any) -> None:
        """Other dynamics make another basis."""
        super()._load_from_state_dict(*arguments)
        self._basis_HML = self._modes = None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Keep frozen dynamics in float64 when the module changes its precision; the basis follows at its next use."""
        frozen = dict(self.named_buffers(recurse=False))
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, value in frozen.items():
            setattr(self, name, value.to(getattr(self, name).device))
        self._basis_HML = self._modes = None
        return self

    def system(self) -> System:
        """The layer in discrete time, float64; with a gradient where the dynamics are trained."""
        poles_HJ2 = self.poles.double()
        if self.trained:
            poles_HJ2 = torch.stack([-poles_HJ2[..., 0].exp(), poles_HJ2[..., 1]], -1)
        p_HJ = torch.view_as_complex(self.p.double()) if self.form == "nplr" else None
        return discrete_system(
            torch.view_as_complex(poles_HJ2), p_HJ, torch.view_as_complex(self.b.double()), self.log_dt.double().exp()
        )

    def basis(self, length: int) -> Tensor:
        """The kernel's basis [H, M, length] in the precision of C; a frozen one is computed at first use and kept."""
        if self.trained:
            return response(*self.system(), length).to(self.C.dtype)
        if self._basis_HML is None or self._basis_HML.shape[-1] < length:
            # Not in inference mode even when the caller is: what is kept here must serve a later training step too.
            with torch.inference_mode(False), torch.no_grad():
                reach = 1 << (length - 1).bit_length()
                self._basis_HML = response(*self.system(), reach).to(self.C.dtype)
        basis_HML: Tensor = self._basis_HML[..., :length]
        return basis_HML

    def modes(self) -> Modes | None:
        """Frozen dynamics as independent real modes, found at first use; None where they have none."""
        if self.trained:
            return None
        if self._modes is None:
            with torch.inference_mode(False), torch.no_grad():
                self._modes = find_modes(self.system(), self.log_dt.exp()) or "none"
        return None if self._modes == "none" else self._modes

    def kernel(self, length: int) -> Tensor:
        """Convolution kernel [R, H, length]."""
        kernel_HRL: Tensor = torch.bmm(self.C.flatten(2).transpose(0, 1), self.basis(length))
        return kernel_HRL.transpose(0, 1)

    def forward(self, u_BLH: Tensor) -> Tensor:
        """y_BLH = convolution of u with the kernel, plus D u; never in less than the precision of C."""
        with torch.autocast(u_BLH.device.type, enabled=False):
            u_BLH = u_BLH.to(self.C.dtype)
            modes = self.modes() if applies(u_BLH) else None
            if modes is not None:
                return modal_scan(u_BLH, modes.pole_NH, modes.weights(self.C.flatten(2)), self.D)
            y_BLH = convolve(u_BLH, self.kernel(u_BLH.shape[1]))
            return torch.addcmul(y_BLH.contiguous(), self.D, u_BLH)


class S4Block(nn.Module):
    """Convolution, GELU, gated linear unit, residual, layer norm (post-norm; no separate feed-forward part).

    Args:
        config: shape of the block.
        place: name of the block within its model.
        tied: dropout has one mask for a crop's whole time; otherwise each value is drawn.
    """

    def __init__(self, config: S4Config, place: str, tied: bool = True) -> None:
        super().__init__()
        self.convolution = S4Convolution(config.width, config.state_size, config.causal, config.form, config.dynamics)
        self.output = nn.Linear(config.width, 2 * config.width)
        self.norm = nn.LayerNorm(config.width)
        self.inner_dropout = Dropout(config.dropout, f"{place}/convolution", tied)
        self.outer_dropout = Dropout(config.dropout, f"{place}/output", tied)

    def forward(self, x_BLD: Tensor) -> tuple[Tensor, Tensor]:
        """x_BLD -> x_BLD, and what was added to it before dropout and norm."""
        if block_applies(self, x_BLD):
            return compiled_block(self, x_BLD)
        return self.after(x_BLD, self.convolution(x_BLD))

    def after(self, x_BLD: Tensor, y_BLD: Tensor) -> tuple[Tensor, Tensor]:
        """What follows the convolution y of x, token by token."""
        z_BLD = self.inner_dropout(F.gelu(y_BLD))
        update_BLD = F.glu(self.output(z_BLD), dim=-1)
        return self.norm(x_BLD + self.outer_dropout(update_BLD)), update_BLD


class S4Backbone(Backbone):
    """Stem and S4 blocks."""

    def __init__(self, config: S4Config) -> None:
        super().__init__()
        self.stem = Stem(config.width, config.stem_kernels, config.stem_strides, config.stem_norm)
        self.blocks = nn.ModuleList(S4Block(config, f"block{i + 1}") for i in range(config.depth))
        self.width, self.causal, self.stride = config.width, config.causal, math.prod(config.stem_strides)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The stem, then each block after its norm."""
        return ("stem", *(f"block{i + 1}" for i in range(len(self.blocks))))

    def encode(self, latents_BLD: Tensor) -> Features:
        """Run the blocks."""
        layers, updates = through(self.blocks, latents_BLD)
        return Features(latents_BLD, layers, layers[-1], updates)

    def products(self, samples: int) -> Products:
        """Matrix products of stem and output layers; the FFTs apart (2.5 n log2 n for a real one of length n)."""
        assert isinstance(self.stem, Stem)
        stem, first, tokens = self.stem.multiply_adds(samples)
        depth, circle = len(self.blocks), circle_length(tokens)
        transforms, spectra = 2 * 2.5 * circle * math.log2(circle), 6 * (circle // 2 + 1)
        return Products(
            forward=2 * (stem + depth * tokens * 2 * self.width**2),
            first=2 * first,
            convolution=round(depth * self.width * (transforms + spectra)),
            convolution_backward=round(depth * self.width * (transforms + 2 * spectra)),
        )
