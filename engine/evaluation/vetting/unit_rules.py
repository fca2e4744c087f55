"""Hints that the unit of a contract is another one than its constants or its maker's input were made for.

Shapes: C leads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError
from engine.data.golden import GoldenECG
from engine.evaluation.vetting.findings import Findings
from engine.signal.condition import model_input
from engine.signal.normalise import CONSTANTS

FACTOR = 1000.0
"""Of microvolts and millivolts."""

NEAR = 5.0
"""How far, as a ratio, a standard deviation may be from that of the golden ECGs and still be ordinary."""


def check_the_units(feed: Preprocessing, golden: Sequence[GoldenECG], told: Findings) -> None:
    """Hold the constants of a normalisation against the size of golden ECGs in the contract's unit."""
    if feed.normalisation != CONSTANTS or not feed.deviations:
        told.skip("the contract has no constants that would tell", "units")
        return
    try:
        here_C = deviations_of(feed, golden)
    except WorldError:
        told.skip("no golden ECG can be fed", "units")
        return
    told.look("units")
    given_C = np.asarray(feed.deviations)
    ratio = float(np.median(given_C / np.maximum(here_C, 1e-12)))
    other = "uV" if feed.units == "mV" else "mV"
    factor = FACTOR if feed.units == "mV" else 1 / FACTOR
    sizes = f"its deviations are {ratio:.3g} times those of golden ECGs in {feed.units}"
    if 1 / NEAR <= ratio / factor <= NEAR:
        told.find(
            "units",
            "serious",
            f"{sizes}: they were measured in {other}",
            f"Say in the card: units = {other}",
            "preprocessing.units",
        )
    elif not 1 / NEAR <= ratio <= NEAR:
        told.find(
            "units",
            "serious",
            f"{sizes}: no recording of this size was in the training data",
            "Ask its maker for unit and constants",
            "preprocessing.deviations",
        )


def deviations_of(feed: Preprocessing, golden: Sequence[GoldenECG]) -> NDArray[np.float64]:
    """Median over golden ECGs of each lead's standard deviation, [C], in the contract's unit before it is normalised.

    Raises:
        WorldError: no golden ECG can be fed.
    """
    plain = feed.model_copy(update={"normalisation": "none", "means": (), "deviations": ()})
    each = [model_input(one.signal_CT, one.rate_hz, plain).std(axis=(0, 2)) for one in golden]
    return np.asarray(np.median(each, axis=0), dtype=np.float64)
