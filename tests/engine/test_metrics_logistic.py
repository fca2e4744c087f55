"""Many functions are minimised side by side as each would be by itself."""

import numpy as np

from engine.metrics.descent import descend
from engine.metrics.logistic import Basis, fit, fit_all


def test_quadratics_of_different_condition_each_reach_their_own_minimum():
    rng = np.random.default_rng(0)
    curvature_KL = np.abs(rng.standard_normal((6, 4))) * [1, 0.1, 0.01, 1] + 1e-3
    lowest_KL = rng.standard_normal((6, 4))

    def functions(point_KL, columns_L):
        away_KL = point_KL - lowest_KL[:, columns_L]
        gradient_KL = curvature_KL[:, columns_L] * away_KL
        return 0.5 * (gradient_KL * away_KL).sum(axis=0), gradient_KL

    assert np.allclose(descend(functions, np.zeros((6, 4)), 1e-9), lowest_KL, atol=1e-5)


def test_labels_fitted_together_are_those_fitted_alone_without_their_unknown_recordings():
    rng = np.random.default_rng(1)
    x_ND = rng.standard_normal((200, 12)) @ rng.standard_normal((12, 12))
    y_NL = (rng.random((200, 3)) < [0.5, 0.1, 0.3]).astype(float)
    y_NL[:60, 1] = np.nan
    basis, strengths = Basis.of(x_ND), [1e-3, 1.0, 10.0]
    together = fit_all(basis.white_NR, basis.stretch_R, y_NL, np.array(strengths))
    for label, strength in enumerate(strengths):
        known_N = np.isfinite(y_NL[:, label])
        alone = fit(basis.white_NR[known_N], basis.stretch_R, y_NL[known_N, label], strength)
        assert np.allclose(together.slope_RL[:, label], alone.slope_R, atol=1e-6)
        assert abs(together.intercept_L[label] - alone.intercept) < 1e-6
