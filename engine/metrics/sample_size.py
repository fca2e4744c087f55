"""How many recordings an external validation needs, and how precise one at hand will be: closed forms.

Written from the papers: Riley et al., Stat Med 40:4230-4251 (2021), O/E, calibration slope, C-statistic (variance of
Newcombe, Stat Med 25:559-573, 2006), net benefit; Whittle et al., BMC Med Res Methodol 25:170 (2025), measures at a
threshold; Archer et al., Stat Med 40:133-146 (2021), continuous outcomes. Pavlou et al., Stat Methods Med Res
30:2187-2206 (2021) for the logits' distribution from prevalence and C. The design effect of several recordings a
patient is Kish's.

Net benefit here is standardised (divided by the prevalence), as in Riley et al.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, ndtri

from engine.contract.errors import UsageError
from engine.contract.sample_size import (
    Anticipated,
    ContinuousNeeds,
    PlannedPrecision,
    Precision,
    SampleSizeResults,
)
from engine.metrics.discrimination import Floats
from engine.metrics.logistic_fits import fit_resamples, sigmoid

WIDTHS = {
    "O/E": 0.2,
    "calibration slope": 0.2,
    "AUROC": 0.1,
    "standardised net benefit": 0.2,
    "sensitivity": 0.1,
    "specificity": 0.1,
    "PPV": 0.1,
    "NPV": 0.1,
}
"""Widths of 95 % intervals that count as precise where nobody says otherwise."""


@dataclass(frozen=True)
class _Criterion:
    """One measure: what is anticipated, its standard error with n recordings, and the interval that follows."""

    measure: str
    anticipated: float
    error: Callable[[float], float]
    logarithmic: bool = False
    method: str = ""

    def interval(self, records: float, z: float) -> tuple[float, float]:
        reach = z * self.error(records)
        if self.logarithmic:
            return self.anticipated * float(np.exp(-reach)), self.anticipated * float(np.exp(reach))
        return self.anticipated - reach, self.anticipated + reach

    def precision(self, records: int, effect: float, prevalence: float, z: float) -> Precision:
        low, high = self.interval(records / effect, z)
        return Precision(
            measure=self.measure,
            anticipated=self.anticipated,
            standard_error=self.error(records / effect),
            low=low,
            high=high,
            records=records,
            positives=int(np.ceil(records * prevalence)),
            method=self.method,
        )


def sample_size_results(
    anticipated: Anticipated, widths: dict[str, float] | None = None, confidence: float = 0.95
) -> SampleSizeResults:
    """Recordings that each measure needs to have an interval no wider than asked.

    Args:
        anticipated: what one expects of the model.
        widths: of the intervals, by measure; those of `WIDTHS` where none is given.
        confidence: of the intervals.

    Raises:
        UsageError: a width is not positive, or no prevalence and AUROC as asked exist.
    """
    asked = WIDTHS | (widths or {})
    z = float(ndtri(0.5 + confidence / 2))
    needs = []
    for criterion in _criteria(anticipated):
        width = asked[criterion.measure]
        if not width > 0:
            raise UsageError("interval widths", f"that of {criterion.measure} is not positive", "Give one above 0")
        alone = _smallest(criterion, width, z)
        records = int(np.ceil(alone * anticipated.design_effect - 1e-9))
        needs.append(criterion.precision(records, anticipated.design_effect, anticipated.prevalence, z))
    most = max(needs, key=lambda need: need.records)
    return SampleSizeResults(
        anticipated=anticipated,
        confidence=confidence,
        needs=needs,
        records=most.records,
        positives=most.positives,
        driven_by=most.measure,
    )


def planned_precision(anticipated: Anticipated, records: int, confidence: float = 0.95) -> PlannedPrecision:
    """How wide the intervals will be with so many recordings.

    Raises:
        UsageError: fewer than two recordings.
    """
    if records < 2:
        raise UsageError("recordings", f"{records} cannot be planned with", "Plan with two or more")
    z = float(ndtri(0.5 + confidence / 2))
    effect = anticipated.design_effect
    expected = [one.precision(records, effect, anticipated.prevalence, z) for one in _criteria(anticipated)]
    positives = records * anticipated.prevalence / effect
    few = f"About {positives:.0f} independent positives are expected: formulas for large samples flatter below 50"
    return PlannedPrecision(
        anticipated=anticipated,
        confidence=confidence,
        records=records,
        expected=expected,
        notes=[few] * (positives < 50),
    )


def design_effect(records_per_patient: Sequence[int], correlation: float) -> float:
    """Kish's design effect of several recordings a patient: 1 + (mean size weighted by recordings - 1) * correlation.

    Args:
        records_per_patient: recordings of each patient.
        correlation: of two recordings of one patient, 0 to 1; 1 where patients never change.
    """
    size_P = np.asarray(records_per_patient, dtype=np.float64)
    return float(1 + ((size_P**2).sum() / size_P.sum() - 1) * correlation)


def _criteria(asked: Anticipated) -> list[_Criterion]:
    mean, sd = _logits(asked)
    information = slope_information(mean, sd, asked.slope)
    share = asked.prevalence
    criteria = [
        _Criterion(
            "O/E", 1.0, lambda n: float(np.sqrt((1 - share) / (share * n))), True, "log scale, Riley et al. 2021"
        ),
        _Criterion(
            "calibration slope",
            asked.slope,
            lambda n: float(np.sqrt(information / n)),
            method=f"logits normal with mean {mean:.2f}, SD {sd:.2f}, Riley et al. 2021",
        ),
        _Criterion("AUROC", asked.auroc, lambda n: auroc_error(asked.auroc, share, n), method="Newcombe 2006"),
    ]
    return criteria + _at_threshold(asked)


def _at_threshold(asked: Anticipated) -> list[_Criterion]:
    sensitivity, specificity, share = asked.sensitivity, asked.specificity, asked.prevalence
    if sensitivity is None or specificity is None:
        return []
    called = share * sensitivity + (1 - share) * (1 - specificity)
    shares = {
        "sensitivity": (sensitivity, share),
        "specificity": (specificity, 1 - share),
        "PPV": (share * sensitivity / called, called),
        "NPV": ((1 - share) * specificity / (1 - called), 1 - called),
    }
    criteria = [
        _Criterion(name, value, _proportion_error(value, among), method="Whittle et al. 2025")
        for name, (value, among) in shares.items()
    ]
    if asked.threshold is None:
        return criteria
    weight = (1 - share) / share * asked.threshold / (1 - asked.threshold)
    worth = sensitivity - weight * (1 - specificity)
    variance = net_benefit_variance(sensitivity, specificity, share, weight)
    name = "standardised net benefit"
    told = _Criterion(name, worth, lambda n: float(np.sqrt(variance / n)), method="Riley et al. 2021")
    return [*criteria, told]


def _proportion_error(value: float, among: float) -> Callable[[float], float]:
    return lambda n: float(np.sqrt(value * (1 - value) / (among * n)))


def net_benefit_variance(sensitivity: float, specificity: float, prevalence: float, weight: float) -> float:
    """Variance of the standardised net benefit, times the number of recordings.

    Args:
        sensitivity: at the threshold.
        specificity: at the threshold.
        prevalence: share of positives.
        weight: odds of a negative times odds of the threshold.
    """
    return (
        sensitivity * (1 - sensitivity) / prevalence
        + weight**2 * specificity * (1 - specificity) / (1 - prevalence)
        + weight**2 * (1 - specificity) ** 2 / (prevalence * (1 - prevalence))
    )


def auroc_error(auroc: float, prevalence: float, records: float) -> float:
    """Standard error of an AUROC from its value and the numbers of both classes alone (Newcombe 2006)."""
    half = records / 2 - 1
    spread = 1 + half * (1 - auroc) / (2 - auroc) + half * auroc / (1 + auroc)
    return float(np.sqrt(auroc * (1 - auroc) * spread / (records**2 * prevalence * (1 - prevalence))))


def slope_information(mean: float, sd: float, slope: float = 1.0) -> float:
    """Variance of the calibration slope times the number of recordings, of normal logits of the truth.

    Args:
        mean: of the logits of the true risk.
        sd: their standard deviation.
        slope: anticipated calibration slope; the model's own logits are the true ones divided by it.
    """
    logit_Q, share_Q = _normal_grid(mean, sd)
    model_Q = (logit_Q - mean) / slope + mean
    risk_Q = sigmoid(logit_Q)
    each_Q = share_Q * risk_Q * (1 - risk_Q)
    constant, mixed, square = each_Q.sum(), each_Q @ model_Q, each_Q @ model_Q**2
    return float(constant / (constant * square - mixed**2))


def simulated_slope_error(
    mean: float, sd: float, records: int, repeats: int = 500, seed: int = 0
) -> tuple[float, float]:
    """Standard deviation of fitted slopes over simulated tests, and their mean: what the closed form is checked by.

    Args:
        mean: of the normal logits of risk.
        sd: their standard deviation.
        records: recordings of each simulated test.
        repeats: simulated tests, fitted all at once.
        seed: of the simulation.
    """
    random = np.random.default_rng(seed)
    logit_Q = mean + sd * ndtri((np.arange(400) + 0.5) / 400)
    drawn_QB = random.multinomial(records, np.full(400, 1 / 400), size=repeats).T
    positive_QB = random.binomial(drawn_QB, sigmoid(logit_Q)[:, None])
    x_NK = np.stack([np.tile(logit_Q, 2), np.ones(800)], axis=1)
    y_N = np.repeat([1.0, 0.0], 400)
    count_NB = np.vstack([positive_QB, drawn_QB - positive_QB])
    slope_B = fit_resamples(x_NK, y_N, np.arange(800), count_NB, np.array([1.0, 0.0]))[0]
    return float(np.nanstd(slope_B, ddof=1)), float(np.nanmean(slope_B))


def risk_distribution(prevalence: float, auroc: float) -> tuple[float, float]:
    """Mean and standard deviation of normal logits with this prevalence and this AUROC, when the model is calibrated.

    Raises:
        UsageError: the AUROC is beyond what such logits reach.
    """

    def mean_of(sd: float) -> float:
        return float(brentq(lambda mean: _share(mean, sd) - prevalence, -60, 60))

    try:
        sd = float(brentq(lambda sd: implied(mean_of(sd), sd)[1] - auroc, 1e-3, 12, xtol=1e-6))
    except ValueError:
        raise UsageError("AUROC", "none such with this prevalence", "Anticipate one between 0.51 and 0.98") from None
    return mean_of(sd), sd


def continuous_needs(
    r2: float, sd: float, *, r2_width: float, difference_width: float, slope_width: float, factor: float = 1.1
) -> ContinuousNeeds:
    """Recordings that a test of a regression needs (Archer et al. 2021), for a calibrated model.

    Args:
        r2: anticipated share of explained variance.
        sd: standard deviation of the measured values.
        r2_width: width of the 95 % interval of R2.
        difference_width: of the mean difference, in the target's unit.
        slope_width: of the calibration slope.
        factor: by which the residual standard deviation may be off, above 1.

    Raises:
        UsageError: a number is out of its range.
    """
    if not (0 < r2 < 1 and sd > 0 and min(r2_width, difference_width, slope_width) > 0 and factor > 1):
        raise UsageError(
            "planned numbers", "one is out of range", "R2 within 0 and 1, all else above 0, factor above 1"
        )
    z = float(ndtri(0.975))
    error_r2, error_mean, error_slope = (width / (2 * z) for width in (r2_width, difference_width, slope_width))
    explained = int(np.ceil(4 * r2 * (1 - r2) ** 2 / error_r2**2))
    large = int(np.ceil(sd**2 * (1 - r2) / error_mean**2))
    slope = int(np.ceil((1 - r2) / (r2 * error_slope**2) + 1))
    spread = _records_for_spread(factor)
    return ContinuousNeeds(
        r2=explained, in_the_large=large, slope=slope, spread=spread, records=max(explained, large, slope, spread)
    )


def _records_for_spread(factor: float) -> int:
    """Smallest n whose 95 % interval of a standard deviation lies within the factor on both sides."""
    for records in range(4, 100_000):
        free = records - 2
        low, high = chdtri(free, 0.975), chdtri(free, 0.025)
        if np.sqrt(free / low) <= factor and np.sqrt(high / free) <= factor:
            return records
    raise UsageError("factor", "it is too near 1", "Allow 1 % or more")


def _smallest(criterion: _Criterion, width: float, z: float) -> int:
    """Smallest number of recordings whose interval is no wider."""

    def too_wide(records: float) -> float:
        low, high = criterion.interval(records, z)
        return high - low - width

    top = 16.0
    while too_wide(top) > 0 and top < 1e12:
        top *= 2
    return int(np.ceil(brentq(too_wide, 2.0, top) - 1e-9)) if too_wide(2.0) > 0 else 2


def _logits(asked: Anticipated) -> tuple[float, float]:
    if asked.lp_mean is not None and asked.lp_sd is not None:
        return asked.lp_mean, asked.lp_sd
    return risk_distribution(asked.prevalence, asked.auroc)


def _normal_grid(mean: float, sd: float) -> tuple[Floats, Floats]:
    """Places and shares of a normal distribution, ten standard deviations to each side."""
    unit_Q = np.linspace(-10, 10, 2_001)
    share_Q = np.exp(-0.5 * unit_Q**2)
    return mean + sd * unit_Q, share_Q / share_Q.sum()


def implied(mean: float, sd: float) -> tuple[float, float]:
    """Prevalence and AUROC of a calibrated model whose logits are normal."""
    logit_Q, share_Q = _normal_grid(mean, sd)
    risk_Q = sigmoid(logit_Q)
    positive_Q, negative_Q = share_Q * risk_Q, share_Q * (1 - risk_Q)
    below_Q = np.cumsum(negative_Q) - 0.5 * negative_Q
    prevalence = float(positive_Q.sum())
    return prevalence, float(positive_Q @ below_Q / (prevalence * negative_Q.sum()))


def _share(mean: float, sd: float) -> float:
    logit_Q, share_Q = _normal_grid(mean, sd)
    return float(share_Q @ sigmoid(logit_Q))
