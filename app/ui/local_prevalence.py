"""How frequent each label is where a model would be used: a line for each label, in percent, left empty where unknown.

Sensitivity and specificity of an evaluation are carried there: another share of patients with the label gives other
predictive values and another number of alerts.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.core.rows import LabelSummary
from app.ui.label_lines import LabelLines


class LocalPrevalence(LabelLines[tuple[float, ...]]):
    """Shares of recordings with a label, several of them where they are parted by a semicolon."""

    head = "Prevalence where it would be used"
    about = (
        "Percent of recordings with the label where the model would be used. PPV, NPV and alerts are told there too, as"
        " if sensitivity and specificity stayed as they are. Several are parted by a semicolon."
    )
    fault = "more than 0 and less than 100, as 2.5 or 2.5; 10"
    empty, named = "unknown", "Prevalence of {} in percent"

    def __init__(self) -> None:
        super().__init__()
        self._here: dict[str, str] = {}

    def know(self, labels: Sequence[LabelSummary]) -> None:
        """How frequent labels are among the recordings that are here, to stand beside what is asked."""
        self._here = {
            one.label: f"{100 * one.positives / known:.3g} % of recordings here"
            for one in labels
            if (known := one.positives + one.negatives)
        }

    def read(self, text: str) -> tuple[float, ...] | None:
        """Percentages as shares; None where there is none."""
        return shares_of(text) or None

    def beside(self, label: str) -> str:
        """The unit, and how frequent the label is here."""
        return f"%   {self._here.get(label, '')}".rstrip()


def shares_of(text: str) -> tuple[float, ...] | None:
    """Percentages as shares: "2.5; 10" is (0.025, 0.1). None where one is none, or not between 0 and 100."""
    told = [part.strip().removesuffix("%") for part in text.split(";") if part.strip()]
    try:
        shares = [round(float(part) / 100, 12) for part in told]
    except ValueError:
        return None
    return tuple(shares) if all(0 < share < 1 for share in shares) else None
