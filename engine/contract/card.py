"""The model card: what a model is, where it comes from, what it must be fed, what it may be used for.

"unknown" is an answer, and a finding. A card travels with the weights and is frozen once the model is registered.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

UNKNOWN = "unknown"
RESEARCH_STAMP = "research use and technical due diligence, not a clinical validation or an approval"
DERIVED_STAMP = "derived model, research use, not the vendor's product"


class Part(BaseModel):
    """Base: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Preprocessing(Part):
    """The preprocessing contract: what reaches the model, in which order and unit."""

    leads: tuple[str, ...] = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    rate_hz: float
    window_s: float
    aggregation: str = Field("mean over non-overlapping windows", description="How windows become one record.")
    units: str = "mV"
    clip_mv: float | None = 3.0
    filters: str = "none"
    normalisation: str = "none"
    missing: str = "linear interpolation per lead, an absent lead is zero"


LEAK_NOTE = "leaks the future: its backbone sees what the objective asks it to predict"
COLLAPSE_NOTE = "collapsed while it was pretrained"


class Lineage(Part):
    """How the weights came to be."""

    objective: str = UNKNOWN
    fidelity: str = UNKNOWN
    backbone: str = UNKNOWN
    parameters: int | None = None
    corpus: str = UNKNOWN
    corpus_sha256: str = UNKNOWN
    records: int | None = None
    patients: int | None = None
    steps: int | None = None
    seed: int | None = None
    run_id: str = UNKNOWN
    parent_sha256: str = ""
    parent_name: str = ""
    collapse: dict[str, float | None] = Field({}, description="Last measures of the collapse watch.")
    collapsed: str = Field("", description="Why the run counts as collapsed; empty when it does not.")


class ModelCard(Part):
    """Identity, origin, contract and permitted use of one model version."""

    name: str
    version: str = "1"
    source: Literal["native", "random", "baseline", "predictions"]
    developer: str = UNKNOWN
    licence: str = UNKNOWN
    intended_use: str = UNKNOWN
    population: str = UNKNOWN
    output: str = Field(UNKNOWN, description="'embedding', 'uncalibrated score', 'probability', 'binary flag'")
    weights_sha256: str = UNKNOWN
    lineage: Lineage = Lineage()
    preprocessing: Preprocessing | None = None
    stamp: str = RESEARCH_STAMP
    notes: tuple[str, ...] = ()
