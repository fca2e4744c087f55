"""What a study would cost, told from the estimate of its largest run: so many runs, each as long as that one a step."""

from __future__ import annotations

from collections.abc import Sequence

from app import printing
from app.progress import duration
from engine.contract.results import EstimateResults, StudyRow


def grid_cost(results: EstimateResults, rows: Sequence[StudyRow], parallel: int = 0) -> str:
    """Time, energy and disk of all runs that can work, in a sentence; or why the largest of them does not fit.

    Args:
        results: the estimate of the largest run.
        rows: the runs as previewed, each with its "steps".
        parallel: runs beside each other; 0 counts one after the other.
    """
    steps = [row.metrics.get("steps") or 0.0 for row in rows if row.state != "refused"]
    runs = f"{len(steps):,} {'run' if len(steps) == 1 else 'runs'}"
    if not results.fits or results.seconds is None:
        told = ". ".join(part for part in (results.refusal, results.advice) if part)
        return f"{runs}, of which the largest does not fit: {told}."
    share = sum(steps) / max(results.steps, 1)
    beside = max(1, min(parallel, len(steps)))
    how = "one after the other" if beside == 1 else f"{beside} beside each other, if they do not slow each other down"
    parts = [f"{duration(share * results.seconds / beside)} {how}"]
    if results.energy_wh is not None:
        parts.append(f"{share * results.energy_wh:,.1f} Wh")
    parts.append(f"{printing.size(len(steps) * results.disk_bytes)} of disk")
    return f"{runs}: at most {', '.join(parts)}. Measured on the largest run; smaller ones take less."
