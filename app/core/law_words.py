"""A fitted power law as people read it, in one way on the command line, in the window and in figures."""

from __future__ import annotations

from engine.contract.scaling import ScalingFit


def law_words(fit: ScalingFit, minus: str = "-", size: str = "N") -> str:
    """The law as a formula, "6 N^-0.189 + 0.5"; the floor alone where the fit found nothing that falls.

    Args:
        fit: E(N) = a N^-b + c.
        minus: the sign of a falling law; a typeset figure wants the true one.
        size: the letter of the data's size.
    """
    exponent = round(-fit.b, 3)
    if fit.c and _vanishes(fit):
        return f"{fit.c:.3g}, whatever {size}"
    power = f"{minus if exponent < 0 else ''}{abs(exponent):.3f}"
    floor = f" + {fit.c:.3g}" if fit.c else ""
    return f"{fit.a:.3g} {size}^{power}{floor}"


def _vanishes(fit: ScalingFit) -> bool:
    """Whether the falling part is nothing beside the floor at any number of recordings."""
    return fit.a < 1e-6 * fit.c
