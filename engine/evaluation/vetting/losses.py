"""What a wrong contract item costs in AUROC: wrong against right on the same recordings and patient resamples.

Shapes: N recordings, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contract.estimate import Estimate
from engine.contract.vetting import LabelLoss
from engine.metrics.estimates import (
    Measured,
    auroc_estimate,
    difference_estimate,
    difference_p,
    macro_difference,
    macro_estimate,
    measure,
)
from engine.metrics.multiplicity import holm
from engine.metrics.uncertainty import draw_multiplicities, patient_codes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """One item: macro AUROC with it wrong, its change, both by label, and labels whose loss is beyond chance."""

    macro: Estimate
    change: Estimate
    labels: list[LabelLoss]
    lost: list[str]


class Losses:
    """Statistics of one set of test recordings, under every item, on common resamples.

    Args:
        labels: names of the columns.
        y_NL: 1, 0, NaN where unknown.
        patients: of the recordings.
        right_NL: scores with the contract as it stands.
        resamples: patient resamples.
        confidence: of intervals, and of what counts as a loss after Holm's correction over labels.
        seed: of the resamples.
    """

    def __init__(
        self,
        labels: Sequence[str],
        y_NL: Floats,
        patients: Sequence[str],
        right_NL: Floats,
        resamples: int,
        confidence: float,
        seed: int,
    ) -> None:
        self._labels, self._y_NL, self._right_NL, self._confidence = list(labels), y_NL, right_NL, confidence
        self._codes_N, count = patient_codes(patients)
        self._weight_PB = draw_multiplicities(count, resamples, seed)
        self._whole = self._measured(right_NL, right_NL)

    def clean(self) -> Estimate:
        """Macro AUROC with the contract as it stands."""
        return self._macro(self._whole)

    def of(self, wrong_NL: Floats, least: float) -> Loss:
        """What one item costs.

        Args:
            wrong_NL: scores with the item wrong, NaN where there is none.
            least: a label's loss that would matter.
        """
        broken = self._measured(wrong_NL, self._right_NL)
        same = bool(np.array_equal(np.isfinite(wrong_NL), np.isfinite(self._right_NL)))
        whole = self._whole if same else self._measured(self._right_NL, wrong_NL)
        pairs = list(zip(broken, whole, strict=True))
        told = [
            LabelLoss(
                label=label,
                auroc=auroc_estimate(pair[0], self._confidence),
                change=difference_estimate(*pair, self._confidence),
            )
            for label, pair in zip(self._labels, pairs, strict=True)
        ]
        change = macro_difference(pairs, *_counts(broken), self._confidence)
        return Loss(self._macro(broken), change, told, self._lost(told, pairs, least))

    def _lost(self, told: list[LabelLoss], pairs: list[tuple[Measured, Measured]], least: float) -> list[str]:
        """Labels that lose so much and more than chance explains, however many labels there are."""
        tested = [(one, p) for one, pair in zip(told, pairs, strict=True) if (p := difference_p([pair])) is not None]
        if not tested:
            return []
        adjusted = holm([p for _, p in tested])
        return [
            one.label
            for (one, _), p in zip(tested, adjusted.tolist(), strict=True)
            if one.change.value is not None and one.change.value <= -least and p < 1 - self._confidence
        ]

    def _macro(self, measured: list[Measured]) -> Estimate:
        return macro_estimate(measured, *_counts(measured), self._confidence)

    def _measured(self, score_NL: Floats, other_NL: Floats) -> list[Measured]:
        """Every label, on recordings that both sides score."""
        known_NL = np.where(np.isfinite(other_NL), self._y_NL, np.nan)
        return [
            measure(y_N, score_N, self._codes_N, self._weight_PB)
            for y_N, score_N in zip(known_NL.T, score_NL.T, strict=True)
        ]


def _counts(measured: list[Measured]) -> tuple[int, int]:
    """Recordings and patients of the label that most are known of."""
    fullest = max(measured, key=lambda one: one.records)
    return fullest.records, fullest.patients
