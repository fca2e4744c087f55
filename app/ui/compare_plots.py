"""The figures of the Compare page: what each is drawn from, and what to run where it cannot be drawn.

Each is a function of the report, so that window, export and dossier show the same drawing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.compare_loading import Comparison, stress_benches
from app.ui.plot_tab import Plot

if TYPE_CHECKING:
    from app.report.figure import Figure
    from app.workspace import Workspace


def labels_of(comparison: Comparison) -> list[tuple[str, str]]:
    """The labels, as offered."""
    return [(label, label) for label in comparison.labels]


def _stress(workspace: Workspace, comparison: Comparison, choice: str) -> Figure | None:
    from app.report.compared_stress import stress_of_models

    return stress_of_models(stress_benches(workspace, comparison), comparison.order)


STRESS = (
    Plot(
        "Growing faults",
        _stress,
        (
            "No stress bench of these models yet",
            (
                "Run a stress bench of each model on the cohort of this comparison: its test recordings are broken on "
                "purpose, more and more, until the model fails."
            ),
        ),
    ),
)
