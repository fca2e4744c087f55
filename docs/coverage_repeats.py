"""Made recordings for docs/coverage.py whose numbers rest on repeated or halved fits: few labels, the drift classifier.

The interval of a point of the few-label curve is one over repeats: it tells what another draw of labelled patients
among these would give, on these tested patients. So its truth is the mean over 2,000 draws of one made data set, and
a simulated test is another seed.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from coverage import Case, Told
from coverage_shift import WIDTH, Floats, classifier

from engine.contract.evaluation import FewLabels
from engine.evaluation.few_labels import few_label_results

REPEATS, DRAWS, SHARES = 5, 2000, (0.5, 0.25)
TRAINED, TESTED, POSITIVE = 60, 100, 0.3


def repeat_cases() -> list[Case]:
    """Points of a curve of five repeats; drift classifiers between equal sides."""
    return [_few_label_case()] + [_classifier_case(each, patients) for each in (1, 3) for patients in (20, 50, 150)]


@lru_cache(maxsize=1)
def _made() -> tuple[Floats, Floats]:
    """Features and label of the one data set; the trained patients first."""
    rng = np.random.default_rng(20)
    y_N = (rng.random(TRAINED + TESTED) < POSITIVE).astype(np.float64)
    x_ND = rng.normal(size=(len(y_N), WIDTH)) + 0.6 * y_N[:, None] * (np.arange(WIDTH) < 3)
    return x_ND, y_N[:, None]


def _few_label_case() -> Case:
    x_ND, y_NL = _made()
    patients = [f"{place:04}" for place in range(len(y_NL))]
    split = ["train"] * TRAINED + ["test"] * TESTED
    settings = FewLabels(shares=SHARES, repeats=REPEATS)

    def tell(rng: np.random.Generator) -> Told:
        seed = int(rng.integers(2**31))
        told = few_label_results(settings, x_ND, y_NL, patients, split, series="made", seed=seed)
        return {f"macro AUROC with {point.share:.0%} of the labelled patients": point.macro for point in told.points}

    def truth() -> dict[str, float]:
        rng = np.random.default_rng(0)
        told = [{name: one.value for name, one in tell(rng).items()} for _ in range(DRAWS // REPEATS)]
        return {name: float(np.mean([one[name] for one in told if one[name] is not None])) for name in told[0]}

    return Case("repeats", f"{REPEATS} repeats", TRAINED, 0, truth, tell)


def _classifier_case(each: int, patients: int) -> Case:
    """As many patients stand on each side, and nothing tells them apart."""

    def tell(rng: np.random.Generator) -> Told:
        patient_N = np.repeat(np.arange(2 * patients), each)
        x_ND = rng.normal(size=(2 * patients, WIDTH))[patient_N] + 0.5 * rng.normal(size=(len(patient_N), WIDTH))
        told = classifier(x_ND, patient_N % 2 == 0, patient_N, int(rng.integers(2**31)))
        return {"AUROC of the drift classifier": told}

    def truth() -> dict[str, float]:
        return {"AUROC of the drift classifier": 0.5}

    return Case("repeats", f"{each} recording{'s' * (each > 1)} a patient, equal sides", patients, 0, truth, tell)
