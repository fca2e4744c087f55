"""Local recordings against a reference, as one model sees them: a classifier, a kernel test, plain facts, and shares.

Shares of labels are reckoned from a probe fitted on the reference; `two_samples` says how sides are told apart.

Legend: N recordings of both sides, D features, L labels.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.contract.drift import LOCAL, REFERENCE, DriftConfig, DriftResults, FeatureShift, KernelTest, PriorShift
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter
from engine.contract.run import RunFolder
from engine.data.splits import patient_folds
from engine.evaluation.drift_groups import group_shifts
from engine.evaluation.features import compared_layer, embed_run
from engine.evaluation.opened import Opened, open_labels
from engine.evaluation.probe import cross_validated
from engine.evaluation.progress import Pace
from engine.evaluation.two_samples import kernel_of, told_apart
from engine.metrics.drift import LARGEST, gap_test, permuted_sides, stability_index
from engine.metrics.prior_shift import Side, prior_shift
from engine.metrics.uncertainty import draw_multiplicities, patient_codes

FOLDS = 5
FEWEST = 10
"""Patients a side below which nothing is compared."""

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def run(folder: RunFolder, config: DriftConfig, events: EventWriter) -> DriftResults:
    """Compare the manifest's parts "reference" and "local".

    Raises:
        WorldError: a part is missing or has too few patients, or labels, model or recordings are missing or damaged.
        Stopped: somebody asked.
    """
    began = time.monotonic()
    opened = open_labels(folder, config.labels)
    local_N = np.array([part == LOCAL for part in opened.split])
    _refuse_small(opened, local_N)
    embedded, model = embed_run(folder, config, events, opened.record_ids)
    x_ND = embedded.layers[compared_layer(model)].astype(np.float64)
    codes_N, _ = patient_codes(opened.patients)
    sides_NQ = permuted_sides(local_N, codes_N, config.permutations, config.seed)
    pace = Pace(folder, events, "steps", "comparing", 4 + len(config.labels))
    classifier = told_apart(config, opened.patients, x_ND, local_N)
    pace.step(1)
    kernel = kernel_of(config, x_ND, local_N, sides_NQ)
    pace.step(2)
    features = [_shift(name, value_N, local_N, sides_NQ) for name, value_N in _facts(opened).items()]
    pace.step(3)
    groups, left_out = group_shifts(config, opened, x_ND, local_N)
    pace.step(4)
    priors = _priors(config, opened, x_ND, local_N, lambda done: pace.step(4 + done))
    return DriftResults(
        model=config.model.name,
        model_sha256=model.sha256,
        classifier=classifier,
        kernel=kernel,
        features=features,
        groups=groups,
        priors=priors,
        reference_records=int((~local_N).sum()),
        reference_patients=_patients(opened, ~local_N),
        local_records=int(local_N.sum()),
        local_patients=_patients(opened, local_N),
        notes=[*_notes(opened, local_N, kernel, len(embedded.refused)), *left_out],
        seed=config.seed,
        seconds=round(time.monotonic() - began, 3),
    )


def _refuse_small(opened: Opened, local_N: Rows) -> None:
    for name, side_N in ((REFERENCE, ~local_N), (LOCAL, local_N)):
        if (patients := _patients(opened, side_N)) < FEWEST:
            reason = f"{patients} patients are too few, {FEWEST} are needed"
            raise WorldError(f"{name} recordings", reason, "Choose a larger cohort")


def _patients(opened: Opened, side_N: Rows) -> int:
    return len({patient for patient, chosen in zip(opened.patients, side_N, strict=True) if chosen})


def _facts(opened: Opened) -> dict[str, Floats]:
    return {"age": opened.age_N, "share of women": opened.sex_N}


def _shift(name: str, value_N: Floats, local_N: Rows, sides_NQ: NDArray[np.bool_]) -> FeatureShift:
    """How a number differs between the sides, on the recordings of which it is known."""
    known_N = np.isfinite(value_N)
    sides = [value_N[known_N & side_N] for side_N in (~local_N, local_N)]
    counts = {"reference_records": len(sides[0]), "local_records": len(sides[1])}
    yes_or_no = bool(np.isin(value_N[known_N], (0, 1)).all())
    kind = "category" if yes_or_no else "number"
    centres = [_centre(side, yes_or_no) for side in sides]
    told = {"feature": name, "kind": kind, "reference_centre": centres[0], "local_centre": centres[1], **counts}
    if min(counts.values()) < FEWEST:
        return FeatureShift(not_estimable=f"it is known of fewer than {FEWEST} recordings of a side", **told)
    distance, p_value = gap_test(value_N[known_N], local_N[known_N], sides_NQ[known_N])
    return FeatureShift(distance=distance, p_value=p_value, stability=stability_index(*sides), **told)


def _centre(value_N: Floats, yes_or_no: bool) -> str:
    if not len(value_N):
        return "unknown"
    return f"{100 * value_N.mean():.1f} %" if yes_or_no else f"median {np.median(value_N):g}"


def _priors(
    config: DriftConfig, opened: Opened, x_ND: Floats, local_N: Rows, on_label: Callable[[int], None]
) -> list[PriorShift]:
    """The share of every label on both sides, by probes that have not seen the patients whom they score."""
    names = np.asarray(opened.patients, dtype=str)
    shared_N = local_N & np.isin(names, names[~local_N])
    told = []
    for place, label in enumerate(opened.labels):
        y_NL = opened.y_NL[:, place : place + 1]
        inside = _scores(x_ND, np.where(local_N[:, None], np.nan, y_NL), opened.patients, ~local_N, config.seed)
        parts = np.where(local_N, "test", "train").tolist()
        outside = cross_validated(x_ND, y_NL, opened.patients, parts, config.seed).score_NL[:, 0]
        reference = _side(config, opened, y_NL[:, 0], inside, ~local_N)
        local = _side(config, opened, y_NL[:, 0], outside, local_N & ~shared_N)
        told.append(prior_shift(label, reference, local, config.confidence))
        on_label(place + 1)
    return told


def _scores(x_ND: Floats, y_NL: Floats, patients: list[str], side_N: Rows, seed: int) -> Floats:
    """Scores of one side's recordings over patient folds; NaN for the other side."""
    rows = np.flatnonzero(side_N)
    people = [patients[row] for row in rows]
    fold_N = patient_folds(people, y_NL[rows], FOLDS, seed)
    told = cross_validated(x_ND[rows], y_NL[rows], people, [f"fold-{fold}" for fold in fold_N], seed)
    score_N = np.full(len(side_N), np.nan)
    score_N[rows] = told.score_NL[:, 0]
    return score_N


def _side(config: DriftConfig, opened: Opened, y_N: Floats, score_N: Floats, side_N: Rows) -> Side:
    rows = np.flatnonzero(side_N)
    codes_N, patients = patient_codes([opened.patients[row] for row in rows])
    return Side(y_N[rows], score_N[rows], codes_N, draw_multiplicities(patients, config.resamples, config.seed))


def _notes(opened: Opened, local_N: Rows, kernel: KernelTest | None, refused: int) -> list[str]:
    names = np.asarray(opened.patients, dtype=str)
    both = len(np.intersect1d(names[local_N], names[~local_N]))
    notes = ["A shift says that recordings differ, not that a model fails on them: evaluate it to know that"]
    if opened.labels:
        notes.append(
            "An implied share is right only if recordings with the label look here as they do in the reference"
        )
    if both:
        notes.append(f"{both:,} patients are on both sides; they are left out of the local shares")
    if kernel and max((~local_N).sum(), local_N.sum()) > LARGEST:
        notes.append(f"The kernel test compares {LARGEST:,} recordings of a side, drawn by the seed")
    if refused:
        notes.append(f"{refused:,} recordings cannot be fed to the model and are left out")
    return notes
