"""The card against what the model puts out on golden ECGs: shapes, numbers, and whether they are what they are called.

Shapes: N windows, K classes or features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Output
from engine.contract.errors import WorldError
from engine.evaluation.vetting.findings import Findings
from engine.zoo.readout import read_out

Raw = Mapping[str, NDArray[np.generic]]
Floats = NDArray[np.float64]

SLACK = 1e-4
"""How far beyond 0 and 1 a probability may be: float16 and int8 round."""

SUM_SLACK, SUM_NEAR = 1e-3, 0.05
"""Rows of a softmax sum to 1 within the first; rows that are off by more, yet by less than the second, are no softmax
and look like one."""

DEAD = 1e-6
"""Share of an output's range below which a class does not move."""

OF_VALUES = ("classes", "values", "constant", "probabilities", "logits")
CORRECT = "Correct the outputs of the card"


def check_the_values(raw: Raw, outputs: Sequence[Output], windows: int, told: Findings) -> None:
    """All rules on outputs.

    Args:
        raw: what the model put out for the windows of the golden ECGs, [N, ...] an output.
        outputs: as the card has them.
        windows: N.
        told: where findings go.
    """
    told.look(*OF_VALUES)
    for output in outputs:
        array = raw.get(output.name)
        if array is not None and _shape_fits(array, output, windows, told):
            _check_numbers(_rows(array, output), output, told)


def _shape_fits(array: NDArray[np.generic], output: Output, windows: int, told: Findings) -> bool:
    """Whether the output can be read as the card says."""
    try:
        with np.errstate(invalid="ignore", over="ignore"):
            read_out(array, output, windows, "model")
    except WorldError as error:
        advice = error.next_step
        other = 1 if not output.classes_second else -1
        if output.classes and array.ndim > 2 and array.shape[other] == len(output.classes):
            advice = f"Say in the card that its classes stand {'second' if other == 1 else 'last'}"
        told.find("classes", "blocking", error.reason, advice, output.name)
        return False
    return True


def _rows(array: NDArray[np.generic], output: Output) -> Floats:
    """Every number of the output with its classes last, time and windows together: [M, K]."""
    values = array.astype(np.float64)
    if values.ndim == 1:
        return values[:, None]
    last = np.moveaxis(values, 1, -1) if output.classes_second else values
    return last.reshape(-1, last.shape[-1])


def _check_numbers(values_MK: Floats, output: Output, told: Findings) -> None:
    finite_M = np.isfinite(values_MK).all(axis=1)
    if not finite_M.all():
        share, whole = 1 - finite_M.mean(), not finite_M.any()
        told.find(
            "values",
            "blocking" if whole else "serious",
            "it gives no number on any golden ECG"
            if whole
            else f"{100 * share:.1f} % of its numbers on golden ECGs are none (NaN or infinite)",
            "Ask its maker: the golden ECGs are ordinary recordings",
            output.name,
        )
    known_MK = values_MK[finite_M]
    if not len(known_MK):
        return
    _check_constant(known_MK, output, told)
    if output.kind == "probability":
        _check_probabilities(known_MK, output, told)
    elif output.kind == "flag":
        _check_flags(known_MK, output, told)
    elif output.kind in ("logits", "score"):
        _check_logits(known_MK, output, told)


def _check_constant(values_MK: Floats, output: Output, told: Findings) -> None:
    span_K = np.ptp(values_MK, axis=0)
    still_K = span_K <= DEAD * max(float(np.abs(values_MK).max()), 1e-30)
    if output.kind == "flag" or not still_K.any():
        return  # a flag may well be the same on sixteen ECGs
    if still_K.all():
        told.find(
            "constant",
            "blocking",
            "it says the same of every golden ECG",
            "Check what is fed; if that is right, the file is broken",
            output.name,
        )
        return
    if output.kind == "embedding":
        told.find(
            "constant", "note", f"{int(still_K.sum()):,} of its {len(still_K):,} features never move", "", output.name
        )
        return
    names = ", ".join(name for name, still in zip(output.classes, still_K, strict=True) if still)
    told.find(
        "constant",
        "serious",
        f"it says the same of every golden ECG for: {names}",
        "Ask its maker whether these classes were trained",
        output.name,
    )


def _check_probabilities(values_MK: Floats, output: Output, told: Findings) -> None:
    low, high = float(values_MK.min()), float(values_MK.max())
    inside = low >= -SLACK and high <= 1 + SLACK
    if not inside and output.activation == "none":
        told.find(
            "probabilities",
            "blocking",
            f"it is called a probability and runs from {low:.3g} to {high:.3g}: these look like logits",
            "Say in the card: kind = logits, with their activation",
            output.name,
        )
        return
    if inside and output.activation != "none":
        told.find(
            "probabilities",
            "serious",
            f"its numbers lie between 0 and 1 already, and the card puts a {output.activation} on top",
            "Say in the card: activation = none",
            output.name,
        )
        return
    sums_M = values_MK.sum(axis=1)
    off = float(np.abs(sums_M - 1).max())
    if inside and values_MK.shape[1] > 1 and SUM_SLACK < off <= SUM_NEAR:
        told.find(
            "probabilities",
            "serious",
            f"its classes sum to between {sums_M.min():.4f} and {sums_M.max():.4f}: "
            "a softmax would give 1, and probabilities of their own would not come so near",
            "Ask its maker what its last layer is",
            output.name,
        )


def _check_flags(values_MK: Floats, output: Output, told: Findings) -> None:
    if not np.isin(values_MK, (0.0, 1.0)).all():
        told.find(
            "probabilities",
            "serious",
            "it is called a flag and is not 0 or 1 throughout",
            "Say in the card: kind = probability, or score",
            output.name,
        )


def _check_logits(values_MK: Floats, output: Output, told: Findings) -> None:
    low, high = float(values_MK.min()), float(values_MK.max())
    if low < 0 or high > 1:
        return
    sums = np.abs(values_MK.sum(axis=1) - 1).max() <= SUM_SLACK and values_MK.shape[1] > 1
    looks = "and each row sums to 1: a softmax has been applied" if sums else "as a sigmoid makes them"
    if output.kind == "logits":
        told.find(
            "logits",
            "serious",
            f"it is called logits, and all its numbers lie between 0 and 1, {looks}",
            "Say in the card: kind = probability, activation = none",
            output.name,
        )
    elif sums:
        told.find(
            "logits",
            "note",
            "it is called a score, and its rows are between 0 and 1 and sum to 1: it may be a probability",
            "Ask its maker",
            output.name,
        )
