"""How alike the layers of models are, and how their embeddings lie, as results."""

from __future__ import annotations

from pydantic import Field

from engine.contract.estimate import Estimate, Model

Matrix = list[list[float | None]]


class CKA(Model):
    """Debiased CKA between layers of two models, one row a layer of the first; None where it is undefined."""

    rows: str
    columns: str
    row_layers: list[str]
    column_layers: list[str]
    values: Matrix
    records: int
    warning: str = ""
    method: str = "linear CKA, unbiased HSIC (Song et al. 2012), mean-pooled features per record"
    low: Matrix = Field([], description="Lower end of the band over patients; empty where none was made.")
    high: Matrix = Field([], description="Upper end of the band.")
    band: str = Field("", description="How the band was made.")
    p_values: Matrix = Field([], description="Share of permutations that give as much; empty where none were made.")
    chance: Matrix = Field([], description="What permutations stay below as often as the band is confident.")
    null: str = Field("", description="How the permutations were made.")

    def profile(self) -> list[tuple[str, float | None]]:
        """Each layer with the layer of the same name in the other model, in the first's order."""
        place = {name: column for column, name in enumerate(self.column_layers)}
        both = [(row, name) for row, name in enumerate(self.row_layers) if name in place]
        return [(name, self.values[row][place[name]]) for row, name in both]


class EmbeddingSpread(Model):
    """How the embeddings of one layer lie: how many directions they use, and how far apart they are."""

    model: str
    layer: str
    records: int
    patients: int
    features: int
    effective_rank: Estimate = Field(description="Of centred features: from 1 to the number of features.")
    alignment: Estimate = Field(description="Mean squared distance of two recordings of one patient, on the sphere.")
    uniformity: Estimate = Field(description="Log of the mean Gaussian potential of two patients: lower is more even.")
    warning: str = ""
