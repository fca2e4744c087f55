"""Objectives as config (method specification, section 3): what is predicted from what.

`fidelity` says whether an objective is as its method intends, or as the published code behaves, faults included
(section 9). The faults that each one reproduces stand in its class text.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from engine.contract.page import Page

FIDELITY_TEXT = "As the method intends, or as the published code behaves, faults included."


class AnyFidelity(Page):
    """Base of all objectives."""

    fidelity: Literal["intended", "as_released"] = Field("intended", description=FIDELITY_TEXT)

    loss_unit: ClassVar[str]
    """What the logged loss is counted in, for axes and tables."""
    trivial_name: ClassVar[str]
    """What a model reaches that ignores its input, in two or three words for legends and tables."""
    trivial_text: ClassVar[str]
    """The same as a sentence, for captions."""

    @property
    def fault_note(self) -> str:
        """What a summary adds when the published faults are reproduced."""
        return ", as released" if self.fidelity == "as_released" else ""


class CPCConfig(AnyFidelity):
    """Contrastive predictive coding (section 3.5). As released, a backbone that sees the future is let through."""

    name: Literal["cpc"] = "cpc"

    loss_unit = "nats per prediction"
    trivial_name = "chance level"
    trivial_text = "Below the chance level, the model tells the true future of a recording from other moments of it."
    offsets: tuple[int, ...] = Field(
        (14,), min_length=1, max_length=64, description="How many tokens ahead is predicted (14 = 116.7 ms at 120/s)."
    )
    negatives: int = Field(128, ge=1, le=4096, description="Negatives per position, drawn from the same crop.")
    temperature: float = Field(1.0, gt=0, le=100, description="What the similarities are divided by.")

    @model_validator(mode="after")
    def _offsets_differ(self) -> CPCConfig:
        if any(not 1 <= offset <= 500 for offset in self.offsets) or len(set(self.offsets)) < len(self.offsets):
            raise ValueError("offsets are different whole numbers from 1 to 500")
        return self

    @property
    def least_tokens(self) -> int:
        """A crop must have this many tokens."""
        return max(self.offsets) + 2

    @property
    def summary(self) -> str:
        """As cards and reports tell it."""
        return f"CPC, {', '.join(map(str, self.offsets))} tokens ahead, {self.negatives} negatives{self.fault_note}"


class Taught(AnyFidelity):
    """What the four objectives with a teacher share.

    As released the teacher is a network of its own random weights that never follows the student, in training mode.
    """

    decay: float = Field(0.9996, ge=0, le=1, description="Share of itself that the teacher keeps at each step.")
    decay_end: float | None = Field(
        None, ge=0, le=1, description="Where a linear ramp of the decay ends (I-JEPA: 0.996 to 1); none keeps it."
    )
    decay_steps: int = Field(30_000, ge=1, description="Steps of that ramp.")
    teacher: Literal["ema", "frozen_random"] | None = Field(
        None, description="Whether the teacher follows the student; none leaves it to the fidelity."
    )
    teacher_eval_mode: bool | None = Field(
        None, description="Teacher without dropout and on running batch statistics; none leaves it to the fidelity."
    )
    teacher_statistics: Literal["averaged", "copied"] = Field(
        "copied", description="Batch statistics of a teacher that follows: the student's, or averaged as its weights."
    )

    @property
    def follows(self) -> bool:
        """Whether the teacher follows the student."""
        return self.teacher == "ema" if self.teacher else self.fidelity == "intended"

    @property
    def quiet_teacher(self) -> bool:
        """Whether the teacher is in evaluation mode."""
        return self.fidelity == "intended" if self.teacher_eval_mode is None else self.teacher_eval_mode

    @property
    def least_tokens(self) -> int:
        """A crop must have this many tokens."""
        return 20


class SpanMasked(Taught):
    """Span masks: each token is a span's midpoint with `mask_probability`; as released with a tenth of it."""

    mask_probability: float = Field(0.065, gt=0, le=1, description="Share of tokens that start a masked span.")
    mask_span: int = Field(10, ge=1, le=200, description="Tokens of a masked span.")

    @property
    def midpoint_probability(self) -> float:
        """Probability that a token is a midpoint: the released code divides it by the span (section 9, item 4)."""
        return self.mask_probability / (self.mask_span if self.fidelity == "as_released" else 1)


class Predictor(Page):
    """The head of data2vec, JEPA and DinoSR: one bidirectional S4 block and a linear map."""

    head_state_size: int = Field(64, ge=2, le=256, multiple_of=2, description="State size of the S4 block in the head.")
    head_dropout: float = Field(0.2, ge=0, lt=1, description="Dropout in the head, element by element.")


class Data2vecConfig(SpanMasked, Predictor):
    """Regress what the teacher's top blocks make of masked tokens (section 3.2)."""

    name: Literal["data2vec"] = "data2vec"

    loss_unit = "smooth L1"
    trivial_name = "predicting the mean"
    trivial_text = "Below the level of predicting the mean, the model tells one moment of a recording from another."
    top_layers: int = Field(2, ge=1, le=24, description="How many of the teacher's last blocks make the target.")
    beta: float = Field(1.0, ge=0, le=10, description="Where the smooth L1 loss turns from square to linear; 0 is L1.")

    @property
    def summary(self) -> str:
        """As cards and reports tell it."""
        return f"data2vec, top {self.top_layers} blocks{self.fault_note}"


class DinoSRConfig(SpanMasked, Predictor):
    """Predict which codeword the teacher's top blocks fall to (section 3.3).

    As released only the final output has a codebook, and the logits of the second stay dead (section 9, item 5); and
    codewords start as normal vectors, as the study has it.
    """

    name: Literal["dinosr"] = "dinosr"

    loss_unit = "nats per token"
    trivial_name = "entropy of the codes"
    trivial_text = (
        "Below the entropy of the codes, the model knows more of hidden moments than how common each code is."
    )
    top_layers: int = Field(2, ge=1, le=24, description="Teacher blocks with a codebook each.")
    codes: int = Field(256, ge=2, le=8192, description="Codewords of each codebook.")
    code_decay: float = Field(0.9, ge=0, lt=1, description="Share of itself that a codeword keeps at each step.")
    code_start: Literal["tokens", "normal"] | None = Field(
        None,
        description="Where codewords start: on tokens of the first batch, or as normal vectors, as in the study, of "
        "which few are ever used; none leaves it to the fidelity.",
    )

    @property
    def starts_on_tokens(self) -> bool:
        """Whether codewords start on tokens of the first batch."""
        return self.code_start == "tokens" if self.code_start else self.fidelity == "intended"

    @property
    def summary(self) -> str:
        """As cards and reports tell it."""
        return f"DinoSR, top {self.top_layers} blocks, {self.codes} codes each{self.fault_note}"


class JEPAConfig(Taught, Predictor):
    """Regress the teacher's output in target blocks from a context block (section 3.4).

    As released a target block is always 64 tokens long and may be visible in the context (section 9, item 6).
    """

    name: Literal["jepa"] = "jepa"

    loss_unit = "smooth L1"
    trivial_name = "predicting the mean"
    trivial_text = "Below the level of predicting the mean, the model tells one moment of a recording from another."
    targets: int = Field(4, ge=1, le=16, description="Target blocks of each crop.")
    target_scale: tuple[float, float] = Field((0.15, 0.20), description="Length of a target block, share of the crop.")
    context_scale: tuple[float, float] = Field((0.85, 1.0), description="Length of the context block, likewise.")
    least_context: int = Field(10, ge=1, le=500, description="Tokens that the context keeps at least.")
    beta: float = Field(1.0, ge=0, le=10, description="Where the smooth L1 loss turns from square to linear; 0 is L1.")

    @model_validator(mode="after")
    def _scales_are_ranges(self) -> JEPAConfig:
        for low, high in (self.target_scale, self.context_scale):
            if not 0 < low <= high <= 1:
                raise ValueError("target_scale and context_scale are ranges within 0 to 1, the lower end first")
        if self.targets * self.target_scale[1] >= 1:
            raise ValueError(
                f"{self.targets} targets of up to {self.target_scale[1]:g} of a crop can leave nothing to see: "
                "their product must be below 1"
            )
        return self

    @property
    def summary(self) -> str:
        """As cards and reports tell it."""
        return f"JEPA, {self.targets} target blocks{self.fault_note}"


class HuBERTConfig(SpanMasked):
    """HuBERT++: soft assignments to prototypes, balanced by Sinkhorn's iteration (section 3.6); or plain HuBERT.

    With `targets = "offline_kmeans"` the labels are hard, from k-means on descriptors of the signal first and on a
    middle layer later, and only masked tokens count (Hsu et al. 2021, arXiv:2106.07447).
    """

    name: Literal["hubert"] = "hubert"

    loss_unit = "nats per token"
    trivial_name = "frequency of the codes"
    trivial_text = (
        "Below the frequency of the codes, the model knows more of hidden moments than how common each code is."
    )
    targets: Literal["sinkhorn", "offline_kmeans"] = Field("sinkhorn", description="HuBERT++, or plain HuBERT.")
    codes: tuple[int, ...] = Field((128, 256), min_length=1, max_length=8, description="Size of each codebook.")
    teacher_temperature: tuple[float, float] = Field((0.15, 0.07), description="Of the targets, first and last.")
    student_temperature: tuple[float, float] = Field((0.5, 0.1), description="Of the predictions, first and last.")
    temperature_steps: int = Field(200, ge=1, description="Steps of the half-cosine between them.")
    sinkhorn_iterations: int = Field(3, ge=1, le=100, description="Balancing iterations.")
    masked_share: float = Field(0.75, ge=0, le=1, description="Weight of masked tokens; the rest is of the others.")
    entropy_weight: float = Field(0.001, ge=0, le=1, description="Weight of the student's entropy in the loss.")
    code_decay: float = Field(0.99, ge=0, lt=1, description="Share of itself that a prototype keeps at each step.")
    centred: bool | None = Field(
        None,
        description="Take the batch's mean token off the teacher's tokens before they are assigned; none does it, as "
        "intended, for Net1D, which has no last norm, so that its tokens all point much the same way.",
    )
    second_stage: float = Field(
        0.4, gt=0, lt=1, description="Plain HuBERT: share of the steps after which labels come from the model itself."
    )

    @model_validator(mode="after")
    def _temperatures_are_positive(self) -> HuBERTConfig:
        if min(*self.teacher_temperature, *self.student_temperature) <= 0:
            raise ValueError("temperatures are positive")
        if any(not 2 <= size <= 8192 for size in self.codes):
            raise ValueError("a codebook has 2 to 8192 codes")
        return self

    @property
    def summary(self) -> str:
        """As cards and reports tell it."""
        name = "HuBERT++" if self.targets == "sinkhorn" else "HuBERT, offline k-means"
        return f"{name}, {' and '.join(map(str, self.codes))} codes{self.fault_note}"


AnyObjectiveConfig = CPCConfig | JEPAConfig | Data2vecConfig | DinoSRConfig | HuBERTConfig
ObjectiveConfig = Annotated[AnyObjectiveConfig, Field(discriminator="name")]
