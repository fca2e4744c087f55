"""Two versions at thresholds: what flips, whether it flips one way, what becomes of alerts, where the threshold went.

Legend: N recordings of the test part, P patients, B resamples. Arrays [2, N] hold the old version's row first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.estimate import Estimate
from engine.contract.version_change import (
    Change,
    DisagreementTest,
    Flips,
    LabelState,
    OutputChange,
    Policy,
    PolicyChange,
    ThresholdDrift,
)
from engine.evaluation.version_pair import Pair, direction_of, negated
from engine.metrics.confusion import Confusion, operating_measures
from engine.metrics.matching_threshold import matching_threshold
from engine.metrics.net_flips import clustered_mcnemar
from engine.metrics.paired import mcnemar, paired_rate_difference
from engine.metrics.proportions import Ratio, proportion_estimate, rescaled

Rows = NDArray[np.bool_]
_NEGATIVE, _POSITIVE, _SILENT = range(3)
_TURNS = {
    (_POSITIVE, _POSITIVE): "stayed_positive",
    (_NEGATIVE, _NEGATIVE): "stayed_negative",
    (_NEGATIVE, _POSITIVE): "to_positive",
    (_POSITIVE, _NEGATIVE): "to_negative",
    (_POSITIVE, _SILENT): "positive_to_none",
    (_NEGATIVE, _SILENT): "negative_to_none",
    (_SILENT, _POSITIVE): "none_to_positive",
    (_SILENT, _NEGATIVE): "none_to_negative",
    (_SILENT, _SILENT): "stayed_none",
}


def policy_change(pair: Pair, policy: Policy) -> PolicyChange:
    """Both versions at the thresholds of a policy."""
    if problem := pair.policy_problem(policy):
        return PolicyChange(name=policy, not_estimable=problem)
    called_2N = pair.calls(policy)
    with_N, without_N = pair.y_N == 1, pair.y_N == 0
    tested = [(with_N, called_2N, "with label"), (without_N, ~called_2N, "without label")]
    alike, kappa = _agreement(pair, called_2N)
    old, new = (_alerts(pair, one_N) for one_N in called_2N)
    everybody = np.arange(len(pair.y_N))
    gap = paired_rate_difference(called_2N[1], called_2N[0], _codes(pair, everybody), pair.sample.config.confidence)
    return PolicyChange(
        name=policy,
        flips=flips(pair, called_2N),
        tests=[
            *(_test(pair, right_2N, rows_N & pair.both_N, name) for rows_N, right_2N, name in tested),
            _test(pair, called_2N, pair.both_N, "all recordings"),
        ],
        changes=[*rates(pair, called_2N, pair.both_N), *_intended(pair, called_2N)],
        alerts_old=old,
        alerts_new=new,
        alerts_difference=rescaled(gap, lambda share: 100 * share, ""),
        same_call=alike,
        kappa=kappa,
    )


def flips(pair: Pair, called_2N: Rows) -> list[Flips]:
    """Counts of what became of what, apart by label."""
    state_2N = np.where(~pair.spoken_2N, _SILENT, np.where(called_2N, _POSITIVE, _NEGATIVE))
    states: Sequence[tuple[LabelState, Rows]] = (
        ("with label", pair.y_N == 1),
        ("without label", pair.y_N == 0),
        ("label unknown", ~np.isfinite(pair.y_N)),
    )
    told = []
    for name, rows_N in states:
        counts = {
            turn: int(((state_2N[0] == old) & (state_2N[1] == new) & rows_N).sum())
            for (old, new), turn in _TURNS.items()
        }
        told.append(Flips(name=name, records=int(rows_N.sum()), **counts))
    return told


def rates(pair: Pair, called_2N: Rows, among_N: Rows, intended: bool = False) -> list[Change]:
    """Sensitivity and specificity of both versions on the same recordings, with their paired difference.

    Args:
        pair: the label.
        called_2N: calls.
        among_N: recordings that count.
        intended: recordings without an output count as wrong; they must be among these.
    """
    spared_2N = ~called_2N & pair.spoken_2N if intended else ~called_2N
    told = []
    for name, kind_N, right_2N in (
        ("sensitivity", pair.y_N == 1, called_2N),
        ("specificity", pair.y_N == 0, spared_2N),
    ):
        rows = np.flatnonzero(kind_N & among_N)
        if not len(rows):
            continue
        codes = _codes(pair, rows)
        difference = paired_rate_difference(right_2N[1, rows], right_2N[0, rows], codes, pair.sample.config.confidence)
        p_value = clustered_mcnemar(right_2N[0, rows], right_2N[1, rows], codes).p_value
        old, new = (_share(pair, right_N, rows) for right_N in right_2N)
        told.append(pair.change(f"{name}_intended" if intended else name, (old, new), difference, p_value))
    return told


def _intended(pair: Pair, called_2N: Rows) -> list[Change]:
    """The same with no output counted as wrong; nothing where every recording has one of both."""
    known_N = np.isfinite(pair.y_N)
    if bool(pair.both_N[known_N].all()):
        return []
    return rates(pair, called_2N, known_N, intended=True)


def output_change(pair: Pair) -> OutputChange:
    """Recordings without an output, of all that were tested."""
    silent_2N = ~pair.spoken_2N
    rows = np.arange(len(pair.y_N))
    codes, confidence = _codes(pair, rows), pair.sample.config.confidence
    difference = paired_rate_difference(silent_2N[1], silent_2N[0], codes, confidence)
    lost, gained = int((silent_2N[1] & ~silent_2N[0]).sum()), int((silent_2N[0] & ~silent_2N[1]).sum())
    return OutputChange(
        old=_share(pair, silent_2N[0], rows),
        new=_share(pair, silent_2N[1], rows),
        difference=difference,
        lost=lost,
        gained=gained,
        p_exact=mcnemar(lost, gained),
        p_clustered=clustered_mcnemar(silent_2N[0], silent_2N[1], codes).p_value,
        direction="unchanged" if not lost + gained else direction_of(negated(difference)),
    )


def threshold_drift(pair: Pair) -> list[ThresholdDrift]:
    """The thresholds on the new scores that would do what the old version does; nothing where either has none."""
    if pair.problems[0] or "flag" in pair.outputs or "none" in pair.outputs:
        return []
    rows = np.flatnonzero(pair.both_N)
    y_N, score_N, called_N = pair.y_N[rows], pair.score_2N[1, rows], pair.calls("own")[0, rows]
    patient_N, sample = pair.sample.patient_N[rows], pair.sample
    own = np.unique(pair.threshold_2N[0][np.isfinite(pair.threshold_2N[0])])
    told = []
    everybody_N = np.ones(len(rows), dtype=bool)
    for name, counted_N in (("sensitivity", y_N == 1), ("specificity", y_N == 0), ("alert rate", everybody_N)):
        at_most = name == "specificity"
        found = matching_threshold(
            score_N,
            counted_N,
            called_N,
            patient_N,
            sample.few_PB,
            at_most=at_most,
            confidence=sample.config.confidence,
        )
        share = found.old_value
        drift = ThresholdDrift.model_validate(
            {
                "name": name,
                "old_threshold": float(own[0]) if len(own) == 1 else None,
                "old_value": None if share is None else 1 - share if at_most else share,
                "threshold": found.threshold,
            }
        )
        told.append(_reached(drift, y_N, score_N))
    return told


def _reached(drift: ThresholdDrift, y_N: NDArray[np.float64], score_N: NDArray[np.float64]) -> ThresholdDrift:
    """With what the new version does at the threshold."""
    if drift.threshold.value is None:
        return drift
    called_N = score_N >= drift.threshold.value
    shares = {"sensitivity": called_N[y_N == 1], "specificity": ~called_N[y_N == 0]}
    told = {name: float(part.mean()) for name, part in shares.items() if len(part)}
    return drift.model_copy(update={**told, "alerts_per_100": 100 * float(called_N.mean())})


def _test(pair: Pair, right_2N: Rows, rows_N: Rows, name: str) -> DisagreementTest:
    rows = np.flatnonzero(rows_N)
    old, new = right_2N[0, rows], right_2N[1, rows]
    clustered = clustered_mcnemar(old, new, pair.sample.patient_N[rows])
    old_only, new_only = int((old & ~new).sum()), int((new & ~old).sum())
    return DisagreementTest.model_validate(
        {
            "name": name,
            "old_only": old_only,
            "new_only": new_only,
            "patients": clustered.patients,
            "p_exact": mcnemar(old_only, new_only),
            "p_clustered": clustered.p_value,
            "statistic": clustered.statistic,
            "method": clustered.method,
        }
    )


def _agreement(pair: Pair, called_2N: Rows) -> tuple[Estimate, Estimate]:
    """Share of recordings called alike, and kappa between the versions, where both put something out."""
    old_N = np.where(pair.both_N, called_2N[0].astype(np.float64), np.nan)
    confusion = Confusion.of(old_N, called_2N[1], pair.sample.patient_N, pair.sample.few_PB)
    told = operating_measures(confusion, pair.sample.config.confidence)
    kappa = told["kappa"]
    if kappa.value is None:
        kappa = kappa.model_copy(update={"not_estimable": "both versions call every recording alike"})
    return told["accuracy"], kappa


def _alerts(pair: Pair, called_N: Rows) -> Estimate:
    """Per 100 recordings tested; no output is no alert."""
    return rescaled(_share(pair, called_N, np.arange(len(called_N))), lambda share: 100 * share, "")


def _share(pair: Pair, event_N: Rows, rows: NDArray[np.intp]) -> Estimate:
    patients = pair.sample.few_PB.shape[0]
    patient_N = pair.sample.patient_N[rows]
    events_P = np.bincount(patient_N, weights=event_N[rows].astype(np.float64), minlength=patients)
    trials_P = np.bincount(patient_N, minlength=patients).astype(np.float64)
    ratio = Ratio.of(events_P.astype(np.float64), trials_P, pair.sample.few_PB)
    return proportion_estimate(ratio, "no recording to count on", pair.sample.config.confidence)


def _codes(pair: Pair, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Patients of some rows, numbered anew without gaps."""
    return np.unique(pair.sample.patient_N[rows], return_inverse=True)[1].astype(np.intp)
