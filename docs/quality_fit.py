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
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quality_corpora import Case, mobile, ptbxl, record_folds
from scipy.optimize import minimize

from engine.signal.condition import fill_missing
from engine.signal.quality_beats import find_beats
from engine.signal.quality_electrodes import EXCHANGES, FEATURES, KINDS, version_features
from engine.signal.quality_leads import measure

TABLE = Path(__file__).resolve().parent.parent / "engine/signal/quality_weights.py"
Array = NDArray[np.float64]
RIDGE = 0.001
"""Weight decay of the electrode sums, on features scaled to unit deviation."""
ALARMS = 0.005
"""Share of recordings in order, not fitted to, that the cut of one exchange lets pass as suspected."""
LEAST_CUT = 2.0
KIND_OF = np.array([KINDS.index(exchange.kind) for exchange in EXCHANGES])

HEADER = '''"""How ordinary a recording looks: weights of the features of `quality_electrodes`, and cuts of suspicion.

Made by docs/quality_fit.py from 356 recordings of PTB-XL (CC BY 4.0; Wagner et al., Scientific Data 7, 154, 2020).
"""

'''


def electrode_features(cases: Sequence[Case]) -> Array:
    """Features of every recording as it is and with each exchange undone, [N, 1 + E, F]."""
    rows = []
    for case in cases:
        beats = find_beats(fill_missing(case.recording.signal_CT), case.recording.rate_hz)
        rows.append(version_features(beats))
    return np.array(rows, dtype=np.float64)


def fit_electrodes(features_NVF: Array) -> Array:
    """Weights [F, K] by which recordings look more ordinary as they are than with any exchange (logistic ranking)."""
    weights_FK = np.zeros((features_NVF.shape[2], len(KINDS)))
    for kind in range(len(KINDS)):
        exchanged = 1 + np.flatnonzero(kind == KIND_OF)
        more = (features_NVF[:, :1] - features_NVF[:, exchanged]).reshape(-1, features_NVF.shape[2])
        weights_FK[:, kind] = _logistic(more, np.ones(len(more)), RIDGE)
    return weights_FK


def gains_of(features_NVF: Array, weights_FK: Array) -> Array:
    """How much more ordinary each recording looks with each exchange undone, [N, E]."""
    ordinary_NVK = features_NVF @ weights_FK
    rows = np.arange(len(EXCHANGES))
    return np.asarray(ordinary_NVK[:, 1 + rows, KIND_OF] - ordinary_NVK[:, [0], KIND_OF])


def held_out_gains(features_NVF: Array, cases: list[Case]) -> Array:
    """Gains of every recording by weights that its patient had no part in, [N, E]."""
    gains_NE = np.zeros((len(cases), len(EXCHANGES)))
    for rest, fold in record_folds(cases):
        gains_NE[fold] = gains_of(features_NVF[fold], fit_electrodes(features_NVF[rest]))
    return gains_NE


def cuts_of(gains_NE: Array) -> Array:
    """The cut of every exchange, [E], from recordings in order."""
    return np.maximum(LEAST_CUT, np.ceil(np.quantile(gains_NE, 1 - ALARMS, axis=0) * 10) / 10)


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


def write_table(weights_FK: Array, cuts_E: Array) -> None:
    """The module with the numbers."""
    lines = [HEADER, "WEIGHTS = {\n"]
    for name, row in zip(FEATURES, weights_FK, strict=True):
        lines.append(f'    "{name}": ({", ".join(f"{value:.3f}" for value in row)}),\n')
    lines += ["}\n", '"""Weights of every feature: limb leads, chest leads, polarity."""\n\n', "CUTS = {\n"]
    lines += [f'    "{one.name}": {cut:.1f},\n' for one, cut in zip(EXCHANGES, cuts_E, strict=True)]
    lines += ["}\n", '"""How much more ordinary a recording must look with an exchange undone; log odds."""\n']
    TABLE.write_text("".join(lines))


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    cases = ptbxl(data)
    features = electrode_features(cases)
    write_table(fit_electrodes(features), cuts_of(held_out_gains(features, cases)))
    cases = mobile(data)
    rejected = np.array([not case.accepted for case in cases])
    print("UNREADABLE =", tuple(np.round(fit_rejection(rejection_features(cases), rejected), 2).tolist()))


if __name__ == "__main__":
    main()
