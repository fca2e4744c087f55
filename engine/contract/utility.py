"""The page of clinical utility: what a decision by the model is worth against treating all or none."""

from __future__ import annotations

from pydantic import Field

from engine.contract.estimate import Estimate, Model


class NetBenefit(Model):
    """Net benefit of one label at one threshold, in true positives per person."""

    threshold: float = Field(description="Risk from which on one would act; it sets the worth of a false positive.")
    model: Estimate
    treat_all: float
    avoided: Estimate = Field(description="Net interventions avoided per person against treating all.")
    gain: Estimate = Field(description="Model minus the better of treating all and treating none.")


class UtilityResults(Model):
    """Decision curve of one label: the model against treating all and none (whose net benefit is 0)."""

    prevalence: float | None = Field(None, description="Share of positives that it holds for.")
    reweighted: bool = Field(False, description="Whether that share was given and is not the sample's own.")
    points: list[NetBenefit] = Field([], description="One per threshold; a single one for flags.")
    not_estimable: str = ""
