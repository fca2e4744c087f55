"""How good the linear probe is with fewer labelled patients: nested subsets of every part's training patients.

A repeat draws one order of the training patients, in which every beginning holds the labels in about their shares; a
smaller subset is the beginning of each larger one. The tested patients are the same throughout. A repeat in which some
label cannot be learned, where all patients together can, has no macro AUROC: over fewer labels it would be another
number.

Legend: N recordings, D features, L labels, P training patients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.estimate import Estimate, Interval
from engine.contract.evaluation import FewLabelPoint, FewLabelResults, FewLabels
from engine.evaluation.probe import FeatureMaker, Part, cross_validated, parts_of
from engine.metrics.data_budget import labels_needed
from engine.metrics.discrimination import auroc
from engine.metrics.scaling_law import Observations, fits
from engine.metrics.uncertainty import t_interval

Floats = NDArray[np.float64]

METRIC = "1 - macro AUROC"


def few_label_results(
    settings: FewLabels,
    features: Floats | FeatureMaker,
    y_NL: Floats,
    patients: Sequence[str],
    split: Sequence[str],
    *,
    series: str,
    confidence: float = 0.95,
    seed: int = 0,
    told: Callable[[int], None] = lambda done: None,
) -> FewLabelResults:
    """The curve, its law, and how many labelled patients a target needs.

    Args:
        settings: shares, repeats and target.
        features: as of `cross_validated`.
        y_NL: labels, NaN where unknown.
        patients: pseudonym of each recording's patient.
        split: part of each recording.
        series: name of the curve.
        confidence: of the intervals.
        seed: of the orders.
        told: told how many probes are done; may raise to stop.
    """
    shares = sorted(set(settings.shares), reverse=True)
    done, usual = 0, None
    points: list[FewLabelPoint] = []
    sizes: list[float] = []
    errors: list[float] = []
    for share in shares:
        # All patients are one subset however they are ordered.
        repeats = 1 if share == 1 else settings.repeats
        found: list[float | None] = []
        patients_R, records_R = [], []
        for repeat in range(repeats):
            area_L, labelled, records = _one(features, y_NL, patients, split, share, repeat, seed)
            usual = np.isfinite(area_L) if usual is None else usual
            whole = bool(np.isfinite(area_L[usual]).all()) and bool(usual.any())
            found.append(float(area_L[usual].mean()) if whole else None)
            patients_R.append(labelled)
            records_R.append(records)
            done += 1
            told(done)
        size = float(np.mean(patients_R))
        sizes += [size for value in found if value is not None]
        errors += [1 - value for value in found if value is not None]
        points.append(
            FewLabelPoint(
                share=share,
                patients=size,
                records=float(np.mean(records_R)),
                macro=_mean(found, confidence),
                repeats=found,
            )
        )
    observations = Observations.of(sizes, errors, seed=seed)
    laws = fits(series, METRIC, sizes, errors, confidence=confidence) if sizes else []
    return FewLabelResults(
        points=points,
        fit=laws[0] if laws else None,
        needed=None
        if settings.target is None
        else labels_needed(series, METRIC, observations, 1 - settings.target, confidence),
        notes=_notes(points, usual),
    )


def probes(settings: FewLabels) -> int:
    """How many probes a curve takes."""
    return sum(1 if share == 1 else settings.repeats for share in set(settings.shares))


def nested_order(y_PL: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """An order of patients in which every beginning holds each pattern of labels in about its share.

    Args:
        y_PL: 1 where a patient has the label in some recording.
        rng: of the draw.
    """
    pattern_P = np.unique(y_PL, axis=0, return_inverse=True)[1].ravel()
    place_P = np.empty(len(y_PL))
    for pattern in np.unique(pattern_P):
        rows = np.flatnonzero(pattern_P == pattern)
        place_P[rng.permutation(rows)] = (np.arange(len(rows)) + rng.random()) / len(rows)
    return np.argsort(place_P, kind="stable")


def _one(
    features: Floats | FeatureMaker,
    y_NL: Floats,
    patients: Sequence[str],
    split: Sequence[str],
    share: float,
    repeat: int,
    seed: int,
) -> tuple[Floats, float, float]:
    """AUROC of each label with one subset, NaN where undefined; labelled patients and recordings, mean over parts."""
    names = np.asarray(patients, dtype=str)
    score_NL, counts = np.full(y_NL.shape, np.nan), []
    tested_N = np.zeros(len(names), dtype=bool)
    for place, part in enumerate(parts_of(split)):
        # The order depends on repeat and part, not on the share: so subsets are nested.
        rng = np.random.default_rng((seed, repeat, place))
        labelled_N = _subset(part, names, y_NL, share, rng)
        rows = np.flatnonzero(labelled_N | part.score_N)
        inner = np.where(part.score_N[rows], "test", "train").tolist()
        told = cross_validated(_of(features, labelled_N, rows), y_NL[rows], names[rows].tolist(), inner, seed)
        place_N = part.score_N[rows]
        score_NL[rows[place_N]] = told.score_NL[place_N]
        tested_N |= part.score_N
        counts.append((len(np.unique(names[labelled_N])), int(labelled_N.sum())))
    areas = []
    for label in range(y_NL.shape[1]):
        known_N = tested_N & np.isfinite(y_NL[:, label]) & np.isfinite(score_NL[:, label])
        areas.append(auroc(y_NL[known_N, label], score_NL[known_N, label]) if known_N.any() else np.nan)
    labelled, records = np.mean(counts, axis=0)
    return np.array(areas), float(labelled), float(records)


def _of(features: Floats | FeatureMaker, labelled_N: NDArray[np.bool_], rows: NDArray[np.intp]) -> Floats:
    whole_ND = features(labelled_N) if callable(features) else features
    return whole_ND[rows]


def _subset(
    part: Part, names: NDArray[np.str_], y_NL: Floats, share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Training recordings of the first patients of an order."""
    rows = np.flatnonzero(part.train_N)
    people_P, code_M = np.unique(names[rows], return_inverse=True)
    y_PL = np.zeros((len(people_P), y_NL.shape[1]))
    np.maximum.at(y_PL, code_M, np.nan_to_num(y_NL[rows]))
    chosen = nested_order(y_PL, rng)[: max(2, round(share * len(people_P)))]
    labelled_N = np.zeros(len(names), dtype=bool)
    labelled_N[rows[np.isin(code_M, chosen)]] = True
    return labelled_N


def _mean(found: Sequence[float | None], confidence: float) -> Estimate:
    """Mean over repeats with an interval over them: it tells of who was labelled, not of who was tested."""
    value_R = np.array([value for value in found if value is not None])
    if not len(value_R):
        return Estimate(not_estimable="in no repeat could every label be learned")
    value = float(value_R.mean())
    if len(value_R) < 2:
        told = "no interval: all training patients are one subset" if len(found) == 1 else "no interval: one repeat"
        return Estimate(value=value, not_estimable=told)
    low, high = t_interval(value, float(value_R.var(ddof=1)) / len(value_R), len(value_R) - 1, confidence)
    method = f"over {len(value_R)} subsets of labelled patients, t"
    return Estimate(value=value, interval=Interval(low=low, high=min(1.0, high), method=method, confidence=confidence))


def _notes(points: Sequence[FewLabelPoint], usual: NDArray[np.bool_] | None) -> list[str]:
    notes = ["Intervals are over which patients are labelled; the tested patients are the same throughout"]
    lost = [(point, sum(value is None for value in point.repeats)) for point in points]
    notes += [
        f"With {point.patients:,.0f} patients {count} of {len(point.repeats)} repeats cannot learn every label"
        for point, count in lost
        if count
    ]
    if usual is not None and not usual.all():
        notes.append(
            f"The macro AUROC is over {int(usual.sum())} of {len(usual)} labels, those that all patients teach"
        )
    return notes
