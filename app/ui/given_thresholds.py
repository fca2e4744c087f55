"""Thresholds that come with a product: a line for each label, left empty where the threshold is to be chosen here."""

from __future__ import annotations

import math

from app.ui.label_lines import LabelLines


class GivenThresholds(LabelLines[float]):
    """Scores from which a product calls a recording positive."""

    head = "Thresholds that come with the product"
    about = (
        "The score from which the product calls a recording positive, on the scale of its scores. It is taken as it is;"
        " without one, a threshold is chosen on training patients."
    )
    fault = "a number, as 0.35"
    empty, named = "chosen here", "Threshold of {} that comes with the product"

    def read(self, text: str) -> float | None:
        """The score."""
        try:
            score = float(text)
        except ValueError:
            return None
        return score if math.isfinite(score) else None
