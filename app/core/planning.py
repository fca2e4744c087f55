"""How precise a test will be, told before its labels are opened for any model.

What is expected of the model is the analyst's to say. The share of positives is that of the training patients; where
every patient is tested in his turn, it is the whole cohort's. Labels are only counted: no opening is recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.core import cohorts
from engine.contract.errors import UsageError
from engine.contract.run import ManifestRow
from engine.contract.sample_size import Anticipated, PlannedPrecision, SampleSizeResults

USUAL_AUROC = 0.8


@dataclass(frozen=True)
class Plan:
    """What a test of one label can tell.

    Attributes:
        counted: where the share of positives comes from.
        planned: precision with the recordings of the test part.
        needed: recordings for intervals as narrow as asked.
    """

    cohort: str
    label: str
    tested_records: int
    tested_patients: int
    counted: str
    planned: PlannedPrecision
    needed: SampleSizeResults


def plan(
    session: Session,
    cohort: str,
    label: str,
    expected: Mapping[str, float],
    widths: Mapping[str, float],
    correlation: float = 1.0,
) -> Plan:
    """Plan the test of a label on a cohort.

    Args:
        session: of the database.
        cohort: whose test part.
        label: of two classes.
        expected: fields of `Anticipated` that the analyst names; the prevalence is counted where it is not among them.
        widths: of intervals, by measure.
        correlation: of two recordings of one patient; 1 where patients never change.

    Raises:
        UsageError: unknown cohort or label, a correlation out of range, or nothing to count the prevalence on.
    """
    from engine.metrics.sample_size import (  # here: it brings scipy, which no other command should wait for
        design_effect,
        planned_precision,
        sample_size_results,
    )

    if not 0 <= correlation <= 1:
        raise UsageError("correlation", "it is not between 0 and 1", "1 is the careful choice")
    group, members = cohorts.get(session, cohort), cohorts.manifest(session, cohort)
    cohorts.chosen_labels(session, group, members, [label])
    tested = [row for row in members if row.split == "test" or row.split.startswith("fold-")]
    share, counted = _share(session, members, label) if "prevalence" not in expected else (0.0, "named by you")
    per_patient = Counter(row.patient for row in tested)
    told = {"auroc": USUAL_AUROC, "prevalence": share, **expected}
    effect = design_effect(list(per_patient.values()), correlation)
    try:
        anticipated = Anticipated(**told, design_effect=effect)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        reason = f"{told[name]:g} is out of range" if name in told else "it cannot be planned with"
        raise UsageError(f"expected {name}", reason, "Shares lie between 0 and 1, an AUROC above 0.5") from None
    return Plan(
        cohort,
        label,
        len(tested),
        len(per_patient),
        counted,
        planned_precision(anticipated, len(tested)),
        sample_size_results(anticipated, dict(widths)),
    )


def _share(session: Session, members: list[ManifestRow], label: str) -> tuple[float, str]:
    """Share of positives that may be looked at before the test, and whose it is."""
    taught = [row for row in members if row.split == "train"]
    chosen = taught or members
    y_N = cohorts.label_matrix(session, [row.record_id for row in chosen], [label])[:, 0]
    known = y_N[np.isfinite(y_N)]
    if not 0 < known.sum() < len(known):
        reason = f"among {len(known):,} recordings that may be counted one class has none"
        raise UsageError(f"label {label}", reason, "Name the share of positives that you expect: --prevalence 0.1")
    whose = "training patients" if taught else "all patients of the cohort, who are tested in their turn"
    return float(known.mean()), f"counted on {len(known):,} recordings of {whose}"
