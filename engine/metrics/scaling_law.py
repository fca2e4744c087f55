"""How a number falls with the size of the data: E(N) = a N^-b + c (method specification, section 6).

Least squares with a, b and c at 0 or above. For a given b the best a and c are a straight line with two bounds and have
a closed form; so b alone is searched, from many starts at once, and each minimum is then narrowed down (variable
projection: Golub and Pereyra, SIAM J Numer Anal 10:413-432, 1973). Beside it stands the fit with c = 0, a line in
log-log: five sizes and three parameters leave two degrees of freedom.

A few-label curve a + b n^-c is the same law with other letters.

Legend: N observations (one a run), K sizes, D draws, S starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from engine.contract.estimate import Estimate, Interval
from engine.contract.scaling import ScalingCheck, ScalingFit
from engine.metrics.uncertainty import percentile_interval

Floats = NDArray[np.float64]

LEAST_SIZES, LEAST_SIZES_WITH_FLOOR = 3, 4
"""One more than a fit has parameters: any curve goes through as many points, and then says nothing."""
STEEPEST = 5.0
"""Largest exponent that is looked for: doubling the data would divide the error by 32."""
STARTS_S = np.concatenate([[0.0], np.geomspace(1e-3, STEEPEST, 64)])
NARROWINGS = 42
"""Golden sections of a bracket: 0.618^42 of its width is 2e-9."""
DRAWS, CONFIDENCE = 1000, 0.95
LEAST_FREEDOM = 3
"""Runs less sizes: fewer tell too little of how seeds differ."""
LEAST_OF_SIZE = 1e-12
"""A drawn value that would fall to 0 or below is set to this share of the mean of its size."""


@dataclass(frozen=True)
class Laws:
    """Fitted laws, one a draw: a, b, c of [D] each. Sizes are in units of `unit`, which keeps a at order 1."""

    a_D: Floats
    b_D: Floats
    c_D: Floats
    unit: float

    def at(self, size: float) -> Floats:
        """E at a size, [D]."""
        return np.asarray(self.a_D * (size / self.unit) ** -self.b_D + self.c_D, dtype=np.float64)

    def size_for(self, target: float) -> Floats:
        """The size at which E falls to the target, [D]; infinite where it never does."""
        above_D = target - self.c_D
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            size_D = self.unit * (self.a_D / above_D) ** (1 / self.b_D)
        return np.where((above_D > 0) & (self.a_D > 0) & (self.b_D > 0), size_D, np.inf)

    @property
    def plain_a_D(self) -> Floats:
        """The factor where sizes are in units of one recording."""
        return np.asarray(self.a_D * self.unit**self.b_D, dtype=np.float64)


@dataclass(frozen=True)
class Observations:
    """What was found at which size: one value a run, and what common resamples of the test set make of each.

    Attributes:
        size_N: training recordings (or labels) of each run, positive.
        value_N: the number that falls, positive.
        drawn_ND: the same with chance in it, see `draw`; None where nothing tells how far to trust a value.
        no_draws: why there are none.
        freedom: degrees of freedom of the seeds' chance; None where seeds are not drawn.
    """

    size_N: Floats
    value_N: Floats
    drawn_ND: Floats | None
    no_draws: str = ""
    freedom: int | None = None

    @classmethod
    def of(
        cls,
        sizes: Sequence[float],
        values: Sequence[float],
        resampled_NB: Floats | None = None,
        draws: int = DRAWS,
        seed: int = 0,
    ) -> Observations:
        """Keep what is finite and positive, and draw seeds and resamples.

        Args:
            sizes: of each run.
            values: of each run; several at one size are its seeds.
            resampled_NB: the values under common resamples of the test patients, the same columns for every run.
            draws: how many.
            seed: start of the draws.
        """
        size_N, value_N = np.asarray(sizes, dtype=np.float64), np.asarray(values, dtype=np.float64)
        good_N = np.isfinite(size_N) & np.isfinite(value_N) & (value_N > 0) & (size_N > 0)
        resampled = None if resampled_NB is None else np.asarray(resampled_NB, dtype=np.float64)[good_N]
        size_N, value_N = size_N[good_N], value_N[good_N]
        freedom = len(size_N) - len(np.unique(size_N))
        if not len(size_N):
            return cls(size_N, value_N, None, "no value above 0")
        if resampled is None and freedom < LEAST_FREEDOM:
            return cls(size_N, value_N, None, "no interval: too few seeds, and no resamples of the test patients")
        drawn_ND = draw(size_N, value_N, resampled, draws, seed)
        return cls(size_N, value_N, drawn_ND, freedom=freedom if freedom >= LEAST_FREEDOM else None)

    @property
    def sizes(self) -> int:
        """Different sizes."""
        return len(np.unique(self.size_N))

    def without_largest(self) -> Observations:
        """All but the largest size."""
        kept_N = self.size_N < self.size_N.max()
        drawn = None if self.drawn_ND is None else self.drawn_ND[kept_N]
        return Observations(self.size_N[kept_N], self.value_N[kept_N], drawn, self.no_draws, self.freedom)


def draw(size_N: Floats, value_N: Floats, resampled_NB: Floats | None, draws: int, seed: int) -> Floats:
    """Values with the chance of seeds and of test patients in them, [N, D].

    Seeds: the deviations of all runs from the mean of their size are drawn with replacement over all sizes, as the
    unweighted fit takes them for alike; so few seeds a size suffice. Each is stretched by sqrt(n / (n - 1)), without
    which n runs seem to differ too little (Davison and Hinkley 1997, section 3.2). Test patients: one column of their
    resamples for all runs, since all were tested on the same.
    """
    rng = np.random.default_rng(seed)
    _, place_N, counts = np.unique(size_N, return_inverse=True, return_counts=True)
    means_KN = (place_N == np.arange(len(counts))[:, None]) / counts[:, None]
    mean_N = (means_KN @ value_N)[place_N]
    centre_ND = np.broadcast_to(mean_N[:, None], (len(size_N), draws))
    several_N = counts[place_N] > 1
    if resampled_NB is not None:
        column_ND = resampled_NB[:, rng.integers(resampled_NB.shape[1], size=draws)]
        column_ND = np.where(np.isfinite(column_ND), column_ND, value_N[:, None])
        centre_ND = (means_KN @ column_ND)[place_N]
    drawn_ND = centre_ND.copy()
    if several_N.sum() - (counts > 1).sum() >= LEAST_FREEDOM:
        stretch_N = np.sqrt(counts / np.maximum(counts - 1, 1))[place_N]
        deviations = ((value_N - mean_N) * stretch_N)[several_N]
        drawn_ND += rng.choice(deviations, size=drawn_ND.shape)
    return np.asarray(np.maximum(drawn_ND, LEAST_OF_SIZE * mean_N[:, None]), dtype=np.float64)


def fit_with_floor(size_N: Floats, value_ND: Floats) -> Laws:
    """Least squares of a N^-b + c with all three at 0 or above, and b at most `STEEPEST`, one fit a column.

    N is divided by its geometric mean while fitting, which takes most of the correlation out of a and b.
    """
    unit = float(np.exp(np.log(size_N).mean()))
    log_N = np.log(size_N / unit)
    error_SD = np.stack([_line(np.exp(-b * log_N)[:, None], value_ND)[2] for b in STARTS_S])
    best_D = error_SD.argmin(axis=0)
    low_D = STARTS_S[np.maximum(best_D - 1, 0)]
    high_D = STARTS_S[np.minimum(best_D + 1, len(STARTS_S) - 1)]
    b_D = _narrowed(log_N, value_ND, low_D, high_D)
    a_D, c_D, error_D = _line(np.exp(-log_N[:, None] * b_D), value_ND)
    started_D = error_SD.min(axis=0) < error_D  # the bracket's own middle was better: 0, or a flat valley
    if started_D.any():
        b_D = np.where(started_D, STARTS_S[best_D], b_D)
        a_D, c_D, _ = _line(np.exp(-log_N[:, None] * b_D), value_ND)
    return Laws(a_D, b_D, c_D, unit)


def fit_without_floor(size_N: Floats, value_ND: Floats) -> Laws:
    """A line in log-log, least squares of log E; its slope may have either sign."""
    unit = float(np.exp(np.log(size_N).mean()))
    log_N, told_ND = np.log(size_N / unit), np.log(value_ND)
    slope_D = log_N @ (told_ND - told_ND.mean(axis=0)) / (log_N @ log_N)
    return Laws(np.exp(told_ND.mean(axis=0)), -slope_D, np.zeros(value_ND.shape[1]), unit)


def _line(x_ND: Floats, value_ND: Floats) -> tuple[Floats, Floats, Floats]:
    """a, c and sum of squares of value = a x + c with a and c at 0 or above, one a column; x is [N, 1] or [N, D]."""
    mean_x_D, mean_D = x_ND.mean(axis=0), value_ND.mean(axis=0)
    cx_ND, cv_ND = x_ND - mean_x_D, value_ND - mean_D
    spread_x_D, spread_D = (cx_ND**2).sum(axis=0), (cv_ND**2).sum(axis=0)
    shared_D = (cx_ND * cv_ND).sum(axis=0)
    varies_D = spread_x_D > 1e-24 * (x_ND**2).sum(axis=0)
    a_D = np.where(varies_D, np.maximum(shared_D, 0) / np.where(varies_D, spread_x_D, 1), 0.0)
    c_D = mean_D - a_D * mean_x_D
    error_D = spread_D - 2 * a_D * shared_D + a_D**2 * spread_x_D
    through_D = c_D < 0  # the best line is then through 0
    xv_D, xx_D = (x_ND * value_ND).sum(axis=0), (x_ND**2).sum(axis=0)
    through_a_D = xv_D / xx_D
    through_error_D = (value_ND**2).sum(axis=0) - xv_D**2 / xx_D
    return (
        np.where(through_D, through_a_D, a_D),
        np.where(through_D, 0.0, c_D),
        np.where(through_D, through_error_D, error_D),
    )


def _narrowed(log_N: Floats, value_ND: Floats, low_D: Floats, high_D: Floats) -> Floats:
    """The exponent with the least squares between two bounds, by golden sections of all columns at once."""
    golden = (np.sqrt(5) - 1) / 2

    def error(b_D: Floats) -> Floats:
        return _line(np.exp(-log_N[:, None] * b_D), value_ND)[2]

    left_D, right_D = high_D - golden * (high_D - low_D), low_D + golden * (high_D - low_D)
    left_error_D, right_error_D = error(left_D), error(right_D)
    for _ in range(NARROWINGS):
        lower_D = left_error_D <= right_error_D
        high_D, low_D = np.where(lower_D, right_D, high_D), np.where(lower_D, low_D, left_D)
        new_D = np.where(lower_D, high_D - golden * (high_D - low_D), low_D + golden * (high_D - low_D))
        told_D = error(new_D)
        left_D, right_D = np.where(lower_D, new_D, right_D), np.where(lower_D, left_D, new_D)
        left_error_D, right_error_D = (
            np.where(lower_D, told_D, right_error_D),
            np.where(lower_D, left_error_D, told_D),
        )
    return np.asarray((low_D + high_D) / 2, dtype=np.float64)


@dataclass(frozen=True)
class Fitted:
    """A law, its draws, and what it was fitted to."""

    law: Laws
    drawn: Laws | None
    observations: Observations

    @classmethod
    def of(cls, observations: Observations, floor: bool) -> Fitted | None:
        """Fit; None with too few sizes."""
        if observations.sizes < (LEAST_SIZES_WITH_FLOOR if floor else LEAST_SIZES):
            return None
        fit = fit_with_floor if floor else fit_without_floor
        size_N, drawn_ND = observations.size_N, observations.drawn_ND
        return cls(
            fit(size_N, observations.value_N[:, None]),
            None if drawn_ND is None else fit(size_N, drawn_ND),
            observations,
        )

    def interval(self, drawn_D: Floats | None, confidence: float) -> Interval | None:
        """Percentiles over the draws; None where there are none.

        Where seeds are drawn the percentiles lie as far out as Student's law with their degrees of freedom asks for
        (Hesterberg, Am Stat 69:371-386, 2015, the expanded percentile interval).
        """
        if drawn_D is None or not np.isfinite(drawn_D).all():
            return None
        freedom, level = self.observations.freedom, confidence
        if freedom is not None:
            level = float(2 * ndtr(stdtrit(freedom, 0.5 + confidence / 2)) - 1)
        low, high = percentile_interval(drawn_D, level)
        return Interval(low=low, high=high, method=draws_named(len(drawn_D), freedom), confidence=confidence)

    def error_at(self, size: float, confidence: float) -> Estimate:
        """E at a size."""
        value = float(self.law.at(size)[0])
        interval = self.interval(None if self.drawn is None else self.drawn.at(size), confidence)
        told = "" if interval else self.observations.no_draws or "no interval"
        return Estimate(value=value, interval=interval, not_estimable=told, records=len(self.observations.size_N))


def draws_named(draws: int, freedom: int | None) -> str:
    """How an interval over draws is called."""
    if freedom is None:
        return f"{draws:,} resamples of test patients, each fitted again, percentile"
    return f"{draws:,} draws of seeds, each fitted again, percentile expanded for {freedom} degrees of freedom"


def fits(
    series: str,
    metric: str,
    sizes: Sequence[float],
    values: Sequence[float],
    resampled_NB: Floats | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> list[ScalingFit]:
    """Both fits of a series: the power law with a floor (from four sizes on), and the one without (from three on).

    Args:
        series: for people.
        metric: which number it is.
        sizes: training recordings, positive.
        values: the number at each size, positive; several at one size count one each.
        resampled_NB: the values under common resamples of the test patients.
        confidence: of the intervals.
    """
    observations = Observations.of(sizes, values, resampled_NB)
    found = [Fitted.of(observations, floor) for floor in (True, False)]
    return [
        as_page(series, metric, one, floor, confidence) for one, floor in zip(found, (True, False), strict=True) if one
    ]


def as_page(series: str, metric: str, fitted: Fitted, floor: bool, confidence: float) -> ScalingFit:
    """A fitted law as results tell it, with the largest size foretold without it."""
    law, drawn, seen = fitted.law, fitted.drawn, fitted.observations
    spread = float(((seen.value_N - seen.value_N.mean()) ** 2).sum())
    left = float(sum((law.at(n)[0] - e) ** 2 for n, e in zip(seen.size_N, seen.value_N, strict=True)))
    return ScalingFit(
        series=series,
        metric=metric,
        a=float(law.plain_a_D[0]),
        b=float(law.b_D[0]),
        c=float(law.c_D[0]),
        points=len(seen.size_N),
        r_squared=1 - left / spread if spread > 0 else None,
        a_interval=fitted.interval(None if drawn is None else drawn.plain_a_D, confidence),
        b_interval=fitted.interval(None if drawn is None else drawn.b_D, confidence),
        c_interval=fitted.interval(None if drawn is None else drawn.c_D, confidence) if floor else None,
        no_interval=seen.no_draws,
        check=largest_left_out(seen, floor, confidence),
    )


def largest_left_out(observations: Observations, floor: bool, confidence: float) -> ScalingCheck | None:
    """Foretell the largest size by a fit without it; None where too few sizes are left."""
    fitted = Fitted.of(observations.without_largest(), floor)
    if fitted is None:
        return None
    size = float(observations.size_N.max())
    largest_N = observations.size_N == size
    observed = float(observations.value_N[largest_N].mean())
    foretold = fitted.error_at(size, confidence)
    assert foretold.value is not None
    gap_D = None
    if fitted.drawn is not None and observations.drawn_ND is not None:
        gap_D = observations.drawn_ND[largest_N].mean(axis=0) - fitted.drawn.at(size)
    interval = fitted.interval(gap_D, confidence)
    gap = Estimate(
        value=observed - foretold.value,
        interval=interval,
        not_estimable="" if interval else foretold.not_estimable,
        records=int(largest_N.sum()),
    )
    holds = None if interval is None else interval.low <= 0 <= interval.high
    return ScalingCheck(size=size, foretold=foretold, observed=observed, gap=gap, holds=holds)
