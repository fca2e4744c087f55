"""Fit what the quality checks learn: the weights and cuts of the electrode checks, and the odds of a rejection.

    python docs/quality_fit.py DATA

writes engine/signal/quality_weights.py from PTB-XL alone (`ptbxl-500` of DATA), and prints the odds, fitted to
`cinc2011-mobile-quality`, that stand in engine/signal/quality.py. docs/quality.py measures both on what they were not
fitted to.

Shapes: N recordings, E exchanges, F features, K kinds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quality_corpora import Case, mobile, ptbxl, record_folds
from scipy.optimize import minimize

from engine.signal.condition import fill_missing
from engine.signal.quality_beats import find_beats
from engine.signal.quality_electrodes import EXCHANGES, FEATURES, KINDS, LEFT, judged, version_features
from engine.signal.quality_leads import measure
from engine.signal.quality_left import FEATURES as LEFT_FEATURES
from engine.signal.quality_left import left_features

TABLE = Path(__file__).resolve().parent.parent / "engine/signal/quality_weights.py"
Array = NDArray[np.float64]
RIDGE = 0.001
"""Weight decay of the electrode sums, on features scaled to unit deviation."""
LEFT_RIDGE = 0.005
"""The same of the sum for LA and LL."""
ALARMS, LEFT_ALARMS = 0.005, 0.01
"""Share of recordings in order, not fitted to, that the cut of one exchange, and that of LA-LL, lets pass as suspected.

LA-LL gets more, since so much is lost below: docs/quality.md shows the trade."""
LEAST_CUT = 2.0
NOT_JUDGED = -100.0
KIND_OF = np.array([KINDS.index(exchange.kind) for exchange in EXCHANGES])

HEADER = '''"""How ordinary a recording looks: weights of the features of `quality_electrodes`, and cuts of suspicion.

Made by docs/quality_fit.py from 356 recordings of PTB-XL (CC BY 4.0; Wagner et al., Scientific Data 7, 154, 2020).
"""

'''


@dataclass(frozen=True)
class Measures:
    """Features of recordings.

    Attributes:
        versions_NVF: of every recording as it is and with each exchange undone, V = 1 + E.
        left_NG: `left_features`.
        judged_NE: which exchanges are judged in which recording.
    """

    versions_NVF: Array
    left_NG: Array
    judged_NE: NDArray[np.bool_]

    def __getitem__(self, rows: NDArray[np.int64]) -> Measures:
        return Measures(self.versions_NVF[rows], self.left_NG[rows], self.judged_NE[rows])


@dataclass(frozen=True)
class Sums:
    """Weights of the sums: `weights_FK` of the versions' features for every kind, `left_G` of `left_features`."""

    weights_FK: Array
    left_G: Array


def electrode_measures(cases: Sequence[Case]) -> Measures:
    """Features of every recording."""
    versions, left, asked = [], [], []
    for case in cases:
        beats = find_beats(fill_missing(case.recording.signal_CT), case.recording.rate_hz)
        versions.append(version_features(beats))
        left.append(left_features(beats))
        asked.append(judged(beats))
    return Measures(np.array(versions, dtype=np.float64), np.array(left), np.array(asked))


def fit_electrodes(measures: Measures) -> Sums:
    """Weights by which recordings look more ordinary as they are than with any exchange (logistic ranking)."""
    features_NVF = measures.versions_NVF
    weights_FK = np.zeros((features_NVF.shape[2], len(KINDS)))
    for kind in range(len(KINDS)):
        exchanged = 1 + np.flatnonzero((kind == KIND_OF) & (np.arange(len(EXCHANGES)) != LEFT))
        more = (features_NVF[:, :1] - features_NVF[:, exchanged]).reshape(-1, features_NVF.shape[2])
        weights_FK[:, kind] = _logistic(more, np.ones(len(more)), RIDGE)
    return Sums(weights_FK, _logistic(2 * measures.left_NG, np.ones(len(measures.left_NG)), LEFT_RIDGE))


def gains_of(measures: Measures, sums: Sums) -> Array:
    """How much more ordinary each recording looks with each exchange undone, [N, E]."""
    ordinary_NVK = measures.versions_NVF @ sums.weights_FK
    rows = np.arange(len(EXCHANGES))
    gains_NE = np.asarray(ordinary_NVK[:, 1 + rows, KIND_OF] - ordinary_NVK[:, [0], KIND_OF])
    gains_NE[:, LEFT] = -2 * measures.left_NG @ sums.left_G
    return gains_NE


def held_out_gains(measures: Measures, cases: list[Case], seed: int = 7) -> Array:
    """Gains of every recording by weights that its patient had no part in, [N, E]; far below zero if not judged."""
    gains_NE = np.zeros((len(cases), len(EXCHANGES)))
    for rest, fold in record_folds(cases, seed=seed):
        gains_NE[fold] = gains_of(measures[fold], fit_electrodes(measures[rest]))
    return np.where(measures.judged_NE, gains_NE, NOT_JUDGED)


def cuts_of(gains_NE: Array) -> Array:
    """The cut of every exchange, [E], from recordings in order."""
    alarms_E = np.where(np.arange(len(EXCHANGES)) == LEFT, LEFT_ALARMS, ALARMS)
    quantiles_E = np.array(
        [np.quantile(gains_N, 1 - share) for gains_N, share in zip(gains_NE.T, alarms_E, strict=True)]
    )
    return np.maximum(LEAST_CUT, np.ceil(quantiles_E * 10) / 10)


def rejection_features(cases: Sequence[Case]) -> Array:
    """[N, 2]: log10 of 0.01 + the share of lead-seconds that cannot be read; agreement of the worst lead's beats."""
    rows = []
    for case in cases:
        signal_CT, rate_hz = case.recording.signal_CT, case.recording.rate_hz
        beats = find_beats(signal_CT, rate_hz)
        leads = measure(signal_CT, signal_CT, rate_hz, beats)
        rows.append((np.log10(leads.unreadable_CW.mean() + 0.01), beats.agreement_C.min()))
    return np.array(rows)


def fit_rejection(features_NF: Array, rejected_N: NDArray[np.bool_]) -> Array:
    """Constant and weights of the log odds of a rejection, both classes weighing the same; cut at zero."""
    mean, deviation = features_NF.mean(axis=0), features_NF.std(axis=0)
    scaled = np.column_stack([np.ones(len(features_NF)), (features_NF - mean) / deviation])
    balance = np.where(rejected_N, 0.5 / rejected_N.mean(), 0.5 / (1 - rejected_N.mean()))
    fitted = _logistic(np.where(rejected_N[:, None], scaled, -scaled), balance, 0.01, scale=False)
    return np.concatenate([[fitted[0] - (fitted[1:] * mean / deviation).sum()], fitted[1:] / deviation])


def _logistic(rows: Array, share: Array, ridge: float, scale: bool = True) -> Array:
    """Weights w that make rows @ w large: least mean of share * log(1 + exp(-rows @ w)), with weight decay."""
    deviation = np.sqrt((rows**2).mean(axis=0)) if scale else np.ones(rows.shape[1])
    deviation[deviation < 1e-3] = np.inf  # the exchange does not touch it: no weight
    scaled = rows / deviation

    def loss(weights: Array) -> tuple[float, Array]:
        margin = scaled @ weights
        wrong = share / (1 + np.exp(np.clip(margin, -500, 500)))
        value = (share * np.logaddexp(0, -margin)).mean() + ridge / 2 * (weights @ weights)
        return float(value), -(scaled * wrong[:, None]).mean(axis=0) + ridge * weights

    fit = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 2000})
    return np.asarray(fit.x / deviation)


def write_table(sums: Sums, cuts_E: Array) -> None:
    """The module with the numbers."""
    lines = [HEADER, "WEIGHTS = {\n"]
    for name, row in zip(FEATURES, sums.weights_FK, strict=True):
        lines.append(f'    "{name}": ({", ".join(f"{value:.3f}" for value in row)}),\n')
    lines += ["}\n", '"""Weights of every feature: limb leads, chest leads, polarity."""\n\n', "LEFT_WEIGHTS = {\n"]
    lines += [f'    "{name}": {value:.3f},\n' for name, value in zip(LEFT_FEATURES, sums.left_G, strict=True)]
    lines += ["}\n", '"""Weights of every feature of `quality_left`: LA and LL."""\n\n', "CUTS = {\n"]
    lines += [f'    "{one.name}": {cut:.1f},\n' for one, cut in zip(EXCHANGES, cuts_E, strict=True)]
    lines += ["}\n", '"""How much more ordinary a recording must look with an exchange undone; log odds."""\n']
    TABLE.write_text("".join(lines))


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    cases = ptbxl(data)
    measures = electrode_measures(cases)
    write_table(fit_electrodes(measures), cuts_of(held_out_gains(measures, cases)))
    cases = mobile(data)
    rejected = np.array([not case.accepted for case in cases])
    print("UNREADABLE =", tuple(np.round(fit_rejection(rejection_features(cases), rejected), 2).tolist()))


if __name__ == "__main__":
    main()
