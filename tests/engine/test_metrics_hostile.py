"""Hostile samples meet every page of probabilities and numbers: a named state or a number, never a crash."""

import numpy as np
import pytest

from engine.metrics.brier import overall_results
from engine.metrics.calibration import calibration_results
from engine.metrics.regression import regression_results
from engine.metrics.subgroups import auroc_measure, subgroup_results
from engine.metrics.uncertainty import draw_multiplicities
from engine.metrics.utility import utility_results

SAMPLES = {
    "two recordings": ([0, 1], [0.3, 0.6], [0, 1]),
    "one patient": ([0, 1, 0, 1], [0.3, 0.6, 0.7, 0.2], [0, 0, 0, 0]),
    "nothing": ([], [], []),
    "one recording": ([1], [0.2], [0]),
    "certain and right": ([0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 2, 3]),
    "certain and wrong": ([0, 1, 1, 0], [1, 0, 1, 0], [0, 1, 2, 3]),
    "constant": ([0, 1] * 30, [0.5] * 60, range(60)),
    "no labels": ([np.nan] * 3, [0.1, 0.2, 0.3], [0, 1, 2]),
    "infinite score": ([0, 1, np.nan], [np.inf, 0.2, 0.3], [0, 1, 2]),
    "one positive": ([0] * 99 + [1], np.linspace(0.01, 0.99, 100) ** 2, range(100)),
    "nearly impossible": ([0, 1] * 5, [1e-300, 0.9] * 5, range(10)),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_page_survives_and_reads_back(name):
    y, p, patient = (np.array(part, kind) for part, kind in zip(SAMPLES[name], (float, float, np.intp), strict=True))
    weight = draw_multiplicities(int(patient.max(initial=0)) + 1, 40, 0)
    pages = [f(y, p, patient, weight) for f in (calibration_results, overall_results, utility_results)]
    pages.append(regression_results(y, p, patient, weight))
    pages.append(subgroup_results("all", ["x"] * len(y), auroc_measure(y, p, patient, weight)))
    for page in pages:
        assert type(page).model_validate_json(page.model_dump_json()) == page
