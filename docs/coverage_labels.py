"""Made test sets with labels, and everything that is told of them, for docs/coverage.py.

A patient has a risk on the logit scale and one label that goes with it; his recordings show the risk with an error of
their own. Probabilities are somewhat too extreme. Three labels share patients; a second model reads the first one's
recordings with more error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from coverage import Case, Told
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from engine.contract.estimate import Estimate
from engine.metrics.brier import brier, log_loss
from engine.metrics.calibration import Probabilities, intercept, observed_expected, slope
from engine.metrics.calibration_curve import SmoothCurve
from engine.metrics.confusion import Confusion, operating_measures, prevalence_estimate
from engine.metrics.estimates import auroc_estimate, difference_estimate, macro_difference, macro_estimate, measure
from engine.metrics.paired import paired_rate_difference
from engine.metrics.patient_sums import estimate
from engine.metrics.precision_recall import precision_estimate
from engine.metrics.prevalence import at_prevalence
from engine.metrics.subgroups import auroc_measure, subgroup_results
from engine.metrics.uncertainty import draw_multiplicities
from engine.metrics.utility import utility_results

Floats = NDArray[np.float64]
RESAMPLES, RESAMPLES_OF_FITS = 1000, 200
POPULATION = 200_000
ELSEWHERE = 0.02
"""A prevalence that predictive values are carried to."""


@dataclass(frozen=True)
class Design:
    """How a test set comes about.

    Attributes:
        each: recordings of a patient: 1, or 1 and Poisson of the rest.
        share: of positive patients.
        spread: standard deviation of risks on the logit scale; 1.5 gives an AUROC near 0.8, 4.0 one near 0.96.
    """

    each: int
    share: float
    spread: float = 1.5

    @cached_property
    def base(self) -> float:
        """Mean risk on the logit scale that gives the share."""
        place_T, weight_T = np.polynomial.hermite_e.hermegauss(60)

        def gap(base: float) -> float:
            return float(weight_T @ expit(base + self.spread * place_T) / weight_T.sum()) - self.share

        return float(brentq(gap, -30, 30))

    def sample(self, rng: np.random.Generator, patients: int) -> Sample:
        """Draw a test set."""
        count_P = np.ones(patients, np.intp) if self.each == 1 else 1 + rng.poisson(self.each - 1, patients)
        patient_N = np.repeat(np.arange(patients), count_P)
        common_P = rng.normal(size=patients)
        told = [self._label(rng, patient_N, 0.6 * common_P + 0.8 * rng.normal(size=patients)) for _ in range(3)]
        y_LN, x_LN = (np.array(part) for part in zip(*told, strict=True))
        second_LN = x_LN + rng.normal(0, 0.8, x_LN.shape)
        group_N = (rng.random(patients) < 0.5)[patient_N]
        return Sample(self, patient_N, y_LN, x_LN, second_LN, group_N)

    def _label(self, rng: np.random.Generator, patient_N: NDArray[np.intp], own_P: Floats) -> tuple[Floats, Floats]:
        risk_P = self.base + self.spread * own_P
        y_P = (rng.random(len(own_P)) < expit(risk_P)).astype(np.float64)
        return y_P[patient_N], risk_P[patient_N] + rng.normal(0, 0.7, len(patient_N))


@dataclass(frozen=True)
class Sample:
    """A test set."""

    design: Design
    patient_N: NDArray[np.intp]
    y_LN: Floats
    x_LN: Floats
    second_LN: Floats
    group_N: NDArray[np.bool_]

    @property
    def p_N(self) -> Floats:
        """Probabilities of the first label: a little too high and too extreme."""
        return expit(self.design.base + 0.2 + 1.2 * (self.x_LN[0] - self.design.base))

    @property
    def threshold(self) -> float:
        """Where the label is acted upon."""
        return float(expit(self.design.base + 0.5 * self.design.spread))


def ranking(sample: Sample, weight_PB: NDArray[np.int16]) -> Told:
    """What ranks tell: areas, their differences and gaps."""
    patient_N, y_N = sample.patient_N, sample.y_LN[0]
    ours, theirs = (
        [measure(y, x, patient_N, weight_PB) for y, x in zip(sample.y_LN, x_LN, strict=True)]
        for x_LN in (sample.x_LN, sample.second_LN)
    )
    counts = len(y_N), len(np.unique(patient_N))
    groups = np.where(sample.group_N, "a", "b").tolist()
    gaps = subgroup_results("group", groups, auroc_measure(y_N, sample.x_LN[0], patient_N, weight_PB))
    gap = {one.group: one.gap for one in gaps.groups}.get("a", Estimate())
    return {
        "AUROC": auroc_estimate(ours[0]),
        "AUROC difference of two models": difference_estimate(ours[0], theirs[0]),
        "macro AUROC of three labels": macro_estimate(ours, *counts),
        "macro AUROC difference": macro_difference(list(zip(ours, theirs, strict=True)), *counts),
        "AUPRC": precision_estimate(y_N, sample.x_LN[0], patient_N, weight_PB, ours[0].problem),
        "AUROC gap of a subgroup": gap,
    }


def threshold(sample: Sample, weight_PB: NDArray[np.int16]) -> Told:
    """What a threshold tells, here and at another prevalence."""
    patient_N, y_N = sample.patient_N, sample.y_LN[0]
    cut = logit(sample.threshold)
    called_N, second_N = sample.x_LN[0] >= cut, sample.second_LN[0] >= cut
    confusion = Confusion.of(y_N, called_N, patient_N, weight_PB)
    told: dict[str, Estimate] = {str(name): one for name, one in operating_measures(confusion).items()}
    for name in ("sensitivity_intended", "specificity_intended", "screened_per_finding", "alerts_per_finding"):
        told.pop(name)  # those above, on another scale
    elsewhere = at_prevalence(confusion, ELSEWHERE)
    told["PPV at 2 %"], told["NPV at 2 %"] = elsewhere.ppv, elsewhere.npv
    told["alerts at 2 %"] = elsewhere.alerts_per_100
    told["prevalence"] = prevalence_estimate(y_N, patient_N, weight_PB)
    rows = y_N == 1
    difference = paired_rate_difference(called_N[rows], second_N[rows], patient_N[rows])
    told["sensitivity difference of two models"] = difference
    return told


def probabilities(sample: Sample, weight_PB: NDArray[np.int16]) -> Told:
    """What probabilities tell, but for what is fitted."""
    sides = sample.y_LN[0], sample.p_N, sample.patient_N, weight_PB
    told = Probabilities.of(*sides[:3])
    names = ("O/E", "Brier", "scaled Brier", "log loss", "net benefit", "net benefit over the default")
    if told.problem:
        return {name: Estimate(not_estimable=told.problem) for name in names}
    score, scaled = brier(told, weight_PB)
    found = [
        estimate(observed_expected(told, weight_PB), told.size, 0.95, "log"),
        estimate(score, told.size, 0.95, "log"),
        estimate(scaled, told.size, 0.95, "log of 1 -"),
        estimate(log_loss(told, weight_PB), told.size, 0.95, "log"),
    ]
    point = utility_results(*sides, thresholds=[sample.threshold]).points[0]
    return dict(zip(names, (*found, point.model, point.gain), strict=True))


def fits(sample: Sample, weight_PB: NDArray[np.int16]) -> Told:
    """Intercept, slope and the smooth curve."""
    told = Probabilities.of(sample.y_LN[0], sample.p_N, sample.patient_N)
    names = ("calibration intercept", "calibration slope", "ICI", "E50", "E90")
    if told.problem:
        return {name: Estimate(not_estimable=told.problem) for name in names}
    curve = SmoothCurve.of(told.y_N, told.p_N, told.patient_N, weight_PB, told.size)
    distance = curve.distances(0.95)
    found = [estimate(one(told, weight_PB), told.size, 0.95) for one in (intercept, slope)]
    return dict(zip(names, (*found, distance["ici"], distance["e50"], distance["e90"]), strict=True))


STUDIES = {
    "ranking": (ranking, RESAMPLES),
    "threshold": (threshold, RESAMPLES),
    "probabilities": (probabilities, RESAMPLES),
    "fits": (fits, RESAMPLES_OF_FITS),
}
SIZES = ((40, 20), (50, 5), (100, 10), (200, 20), (500, 50), (300, 100))
"""Patients, and positive ones among them that are expected."""


def label_cases() -> list[Case]:
    """The grid of all studies of labels."""
    grid = [(each, *size, 1.5) for size in SIZES for each in (1, 5)]
    apart = [(each, *size, 4.0) for size in ((100, 10), (300, 100)) for each in (1, 5)]
    return [_case(study, *place) for study in STUDIES for place in (*grid, *([] if study == "fits" else apart))]


def _case(study: str, each: int, patients: int, events: int, spread: float) -> Case:
    tell, resamples = STUDIES[study]
    design = Design(each, events / patients, spread)

    def truth() -> dict[str, float]:
        once = np.ones((POPULATION, 1), np.int16)
        told = tell(design.sample(np.random.default_rng(1), POPULATION), once)
        return {name: np.nan if one.value is None else one.value for name, one in told.items()}

    def simulated(rng: np.random.Generator) -> Told:
        sample = design.sample(rng, patients)
        return tell(sample, draw_multiplicities(patients, resamples, int(rng.integers(2**31))))

    named = "one recording a patient" if each == 1 else "about five recordings a patient"
    return Case(study, named + ("" if spread < 2 else ", AUROC 0.96"), patients, events, truth, simulated)
