"""What the size of the data does, for people: fitted laws, their checks, and what more data would buy."""

from __future__ import annotations

from collections.abc import Sequence

from app import printing
from app.core.law_words import law_words
from engine.contract.scaling import Association, DataBudget, ScalingFit


def fits_words(fits: Sequence[ScalingFit]) -> str:
    """Each law with its exponent's interval and how far it misses the largest size when fitted without it."""
    rows = [(one.series, one.metric, law_words(one), _exponent(one), one.points, _check(one)) for one in fits]
    heads = ("Scaling", "Number", "Fit", "Exponent (interval)", "Runs", "Largest size foretold without it")
    return printing.table(heads, rows, right=("Runs",))


def _exponent(fit: ScalingFit) -> str:
    if fit.b_interval is None:
        return f"{fit.b:.3f}"
    return f"{fit.b:.3f} ({fit.b_interval.low:.3f} to {fit.b_interval.high:.3f})"


def _check(fit: ScalingFit) -> str:
    if fit.check is None or fit.check.foretold.value is None:
        return "too few sizes"
    verdict = {True: ", holds", False: ", MISSED", None: ""}[fit.check.holds]
    return f"{fit.check.foretold.value:.4g}, found {fit.check.observed:.4g}{verdict}"


def budgets_words(budgets: Sequence[DataBudget]) -> str:
    """What more data would buy, and whether that is worth it."""
    rows = [
        (
            budget.series,
            budget.metric,
            f"{one.times:g} times ({one.size:,.0f})",
            printing.estimate(one.gain),
            one.verdict if one.verdict == "not asked" else f"{one.verdict}: {one.reason}",
        )
        for budget in budgets
        for one in budget.forecasts
    ]
    return printing.table(("More data", "Number", "Size", "Falls by (interval)", "Worth it"), rows)


def associations_words(associations: Sequence[Association]) -> str:
    """How loss and downstream error go together."""
    rows = [
        (
            one.series,
            f"{one.x} with {one.y}",
            one.points,
            printing.estimate(one.pearson),
            printing.estimate(one.spearman),
        )
        for one in associations
    ]
    return printing.table(("Over sizes", "Numbers", "Sizes", "Pearson", "Spearman"), rows, right=("Sizes",))
