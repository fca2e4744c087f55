"""What a published foundation model is, told without its network: origin, licence, variants, what each must be fed.

The networks stand in `engine.zoo.published`, one file a family. The list of families stands apart from them, in
`engine.contract.published_families`, so that it can be printed without torch.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.card import Output, Part, Preprocessing

Verified = Literal["on layout only", "on real weights"]
"""What an importer was tried on: names and shapes of a public source, or the released file itself."""


class Width(Part):
    """One output of a network, and how many numbers it has."""

    name: str
    width: int


class Variant(Part):
    """One network of a family: a size, an objective, a number of leads."""

    name: str
    objective: str
    backbone: str
    preprocessing: Preprocessing
    outputs: tuple[Width, ...] = Field(min_length=1, description="The embedding first.")
    classes: tuple[str, ...] = Field((), description="Names of the answers it gives; none where it only embeds.")
    parameters: int = Field(description="Of what is loaded; heads and teachers that are left out are not counted.")
    files: tuple[str, ...] = Field((), description="What its makers call the released file.")
    container: str = Field("", description="The key that its file holds the weights under; empty: none.")
    pickled: bool = Field(True, description="Whether the released file must be converted; safetensors need not be.")

    @property
    def width(self) -> int:
        """Of the embedding."""
        return self.outputs[0].width

    @property
    def card_outputs(self) -> tuple[Output, ...]:
        """The outputs as a model card names them: the answers, each a probability by itself, come last."""
        embeddings = tuple(Output(name=output.name, kind="embedding") for output in self.outputs)
        if not self.classes:
            return embeddings
        return (*embeddings, Output(name="logits", kind="logits", classes=self.classes, activation="sigmoid"))


class Family(Part):
    """Published weights of one origin."""

    name: str
    title: str
    developer: str
    papers: tuple[str, ...]
    code: str = Field(description="The public source that its layout was read from.")
    licence: str
    licence_source: str = Field(description="Where the licence is told, or why it is not known.")
    non_commercial: bool | None = Field(description="Whether its licence forbids commercial use; none: unknown.")
    corpus: str = Field(description="What it was pretrained on: what must not stand in a test cohort unnoticed.")
    verified: Verified = "on layout only"
    dropped: tuple[str, ...] = Field((), description="What of its files is left out, and why.")
    departures: tuple[str, ...] = Field((), description="Where what is fed here differs from what its makers feed.")
    variants: tuple[Variant, ...] = Field(min_length=1)

    def variant(self, name: str) -> Variant | None:
        """By its name."""
        return next((variant for variant in self.variants if variant.name == name), None)

    @property
    def architectures(self) -> tuple[str, ...]:
        """How model cards and commands name its networks."""
        return tuple(f"{self.name}/{variant.name}" for variant in self.variants)


class Gap(Part):
    """A published model without an importer, and why."""

    name: str
    reason: str
