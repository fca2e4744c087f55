"""Backbones as config: which one, and how large (method specification, section 2).

A stem of convolutions makes tokens of the signal; the body puts them into context. With `S4_STEM` a token stands for
two samples (300 tokens in 2.5 s at 240 Hz), with `SHORT_STEM` for one (600). The published Transformer and Net1D have
the short stem, so S4 has half the tokens of its rivals; with `S4_STEM` all have as many: the matched variant.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from engine.contract.page import Page


class StemShape(NamedTuple):
    """Kernels and strides of a stem's convolutions."""

    kernels: tuple[int, ...]
    strides: tuple[int, ...]


S4_STEM = StemShape((3, 1, 1, 1), (2, 1, 1, 1))
SHORT_STEM = StemShape((3, 1), (1, 1))

MOST_CONVOLUTIONS = 16
LONGEST_KERNEL = 999
"""Beyond these a number is a slip: a kernel would be longer than a crop."""


class Stemmed(Page):
    """What all backbones have: width, direction, dropout, and a stem."""

    width: int = Field(512, ge=8, le=2048, description="Features per token.")
    causal: bool = Field(False, description="Look at the past only. CPC needs it.")
    stem_kernels: tuple[int, ...] = Field(S4_STEM.kernels, description="Kernel of each stem convolution.")
    stem_strides: tuple[int, ...] = Field(S4_STEM.strides, description="Stride of each stem convolution.")
    stem_norm: bool = Field(
        True,
        description="Batch norm and ReLU after each convolution of the stem; without them a convolution of one sample"
        " is the plain projection of the study's supervised S4.",
    )

    @model_validator(mode="after")
    def _stem_is_whole(self) -> Stemmed:
        if len(self.stem_kernels) != len(self.stem_strides) or not self.stem_kernels:
            raise ValueError("stem_kernels and stem_strides need one entry per stem convolution")
        if any(k < 1 or k % 2 == 0 for k in self.stem_kernels) or any(s < 1 for s in self.stem_strides):
            raise ValueError("stem kernels are odd and positive, strides positive")
        if len(self.stem_kernels) > MOST_CONVOLUTIONS or max(self.stem_kernels) > LONGEST_KERNEL:
            raise ValueError(
                f"a stem has at most {MOST_CONVOLUTIONS} convolutions, each with a kernel of at most {LONGEST_KERNEL}"
            )
        return self

    @property
    def wide_blocks(self) -> int:
        """How many blocks at its end have features of the full width, which targets can be made of."""
        raise NotImplementedError

    def tokens(self, samples: int) -> int:
        """How many tokens the stem makes of so many samples."""
        for stride in self.stem_strides:
            samples = (samples - 1) // stride + 1
        return samples

    @property
    def direction(self) -> str:
        """As cards tell it."""
        return "causal" if self.causal else "bidirectional"


class S4Config(Stemmed):
    """Convolutional stem and S4 blocks (method specification, sections 2.1 and 2.2)."""

    name: Literal["s4"] = "s4"
    causal: bool = Field(True, description="Look at the past only. CPC needs it.")
    depth: int = Field(4, ge=1, le=24, description="Number of S4 blocks.")
    state_size: int = Field(8, ge=2, le=256, multiple_of=2, description="State size N of each channel's linear system.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Dropout, one mask per record and channel.")
    form: Literal["nplr", "diagonal"] = Field(
        "nplr", description="State matrix: HiPPO-LegS with its rank-1 correction (S4), or its diagonal part (S4D)."
    )
    dynamics: Literal["frozen", "trained"] = Field(
        "frozen", description="Step sizes and state matrices stay as they start, as in the study, or learn too."
    )

    @property
    def wide_blocks(self) -> int:
        """All blocks."""
        return self.depth

    @property
    def summary(self) -> str:
        """As cards tell it: "S4, causal, width 512, depth 4"."""
        name = {"nplr": "S4", "diagonal": "S4D"}[self.form]
        trained = ", trained dynamics" if self.dynamics == "trained" else ""
        return f"{name}, {self.direction}, width {self.width}, depth {self.depth}{trained}"


SUPERVISED_S4 = S4Config(causal=False, stem_kernels=(1,), stem_strides=(1,), stem_norm=False)
SUPERVISED_HZ = 100.0
"""The study's supervised baseline (method specification, 5.2): a plain projection of each sample, then four
bidirectional blocks; 2,183,239 parameters with a linear head of 71 outputs."""


class TransformerConfig(Stemmed):
    """Convolutional stem and pre-norm Transformer with rotary positions (method specification, section 2.3)."""

    name: Literal["transformer"] = "transformer"
    stem_kernels: tuple[int, ...] = Field(SHORT_STEM.kernels, description="Kernel of each stem convolution.")
    stem_strides: tuple[int, ...] = Field(SHORT_STEM.strides, description="Stride of each stem convolution.")
    depth: int = Field(6, ge=1, le=48, description="Number of blocks.")
    heads: int = Field(8, ge=1, le=64, description="Attention heads; the width is split among them.")
    feedforward: int = Field(4, ge=1, le=16, description="Width of the feed-forward part, in widths of the backbone.")
    rotary_base: float = Field(10_000.0, gt=1, le=1e8, description="Base of the rotary positions.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout on attention, feed-forward part and both branches.")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> TransformerConfig:
        if self.width % (2 * self.heads):
            raise ValueError(f"width {self.width} cannot be split into {self.heads} heads of even size")
        return self

    @property
    def wide_blocks(self) -> int:
        """All blocks."""
        return self.depth

    @property
    def summary(self) -> str:
        """As cards tell it."""
        return f"Transformer, {self.direction}, width {self.width}, depth {self.depth}, {self.heads} heads"


class Net1DConfig(Stemmed):
    """Convolutional stem and Net1D, a ResNeXt with squeeze and excitation (method specification, section 2.4).

    Stage widths scale with `width`: at 512 they are the published 64, 128, 128, 256, 256, 512, 512.
    """

    name: Literal["net1d"] = "net1d"
    width: int = Field(512, ge=32, le=2048, multiple_of=32, description="Features per token.")
    stem_kernels: tuple[int, ...] = Field(SHORT_STEM.kernels, description="Kernel of each stem convolution.")
    stem_strides: tuple[int, ...] = Field(SHORT_STEM.strides, description="Stride of each stem convolution.")
    stage_blocks: tuple[int, ...] = Field(
        (2, 2, 2, 3, 3, 4, 4), min_length=7, max_length=7, description="Blocks of each of the seven stages."
    )
    kernel: int = Field(16, ge=2, le=64, description="Kernel of first and grouped convolutions.")
    group_width: int = Field(16, ge=1, le=64, description="Channels of a group in the grouped convolutions.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout in each block; the published network has it off.")
    idle_norms: bool = Field(
        False, description="Keep the norm layers that the published network holds and never uses (36,864 parameters)."
    )

    @model_validator(mode="after")
    def _stages_have_blocks(self) -> Net1DConfig:
        if any(not 1 <= count <= 100 for count in self.stage_blocks):
            raise ValueError("every stage has 1 to 100 blocks")
        return self

    @property
    def wide_blocks(self) -> int:
        """Those of the last two stages."""
        return sum(self.stage_blocks[5:])

    @property
    def summary(self) -> str:
        """As cards tell it."""
        return f"Net1D, {self.direction}, width {self.width}, {sum(self.stage_blocks)} blocks"


AnyBackboneConfig = S4Config | TransformerConfig | Net1DConfig
BackboneConfig = Annotated[AnyBackboneConfig, Field(discriminator="name")]
