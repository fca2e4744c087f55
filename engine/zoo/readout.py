"""From what a model puts out to numbers of a window: activation, then time, then one row of numbers.

Shapes: B windows of a batch, K classes or features, T time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Output
from engine.contract.errors import WorldError

Floats = NDArray[np.float64]

CORRECT = "Correct the outputs of its card"


def read_out(raw: NDArray[np.generic], output: Output, windows: int, thing: str) -> Floats:
    """Numbers [B, K] of a batch, as a card says that this output is read; float64, NaN where the model gave NaN.

    Args:
        raw: what the model put out, batch first.
        output: how it is read.
        windows: that went in.
        thing: the model, as errors call it.

    Raises:
        WorldError: it is of another shape than the card says, or no numbers.
    """
    if raw.dtype.kind not in "fiub":
        raise WorldError(thing, f"its output '{output.name}' holds no numbers", CORRECT)
    values = raw.astype(np.float64)
    if values.ndim == 0 or len(values) != windows:
        found = "x".join(map(str, raw.shape)) or "a single number"
        reason = f"its output '{output.name}' is {found} for {windows} windows: windows must come first"
        raise WorldError(thing, reason, CORRECT, fault="model_shape")
    values_BTK = _classes_last(values, output)
    _check_classes(values_BTK, output, thing)
    activated_BTK = _activated(values_BTK, output.activation)
    return _over_time(activated_BTK, output, thing)


def _classes_last(values: Floats, output: Output) -> Floats:
    """All axes between batch and classes are time: [B, T..., K]; one number a window is one class."""
    if values.ndim == 1:
        return values[:, None]
    return np.moveaxis(values, 1, -1) if output.classes_second else values


def _check_classes(values_BTK: Floats, output: Output, thing: str) -> None:
    if output.classes and values_BTK.shape[-1] != len(output.classes):
        reason = f"its output '{output.name}' has {values_BTK.shape[-1]} classes, its card names {len(output.classes)}"
        raise WorldError(thing, reason, CORRECT, fault="model_shape")


def _activated(values: Floats, activation: str) -> Floats:
    if activation == "sigmoid":
        return np.asarray(0.5 * (1 + np.tanh(values / 2)))  # no overflow, however large the logit
    if activation == "softmax":
        powers = np.exp(values - values.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
    return values


def _over_time(values: Floats, output: Output, thing: str) -> Floats:
    axes = tuple(range(1, values.ndim - 1))
    if not axes:
        return values
    if output.over_time == "none":
        reason = f"its output '{output.name}' has an axis of time, and its card does not say what becomes of it"
        raise WorldError(thing, reason, "Say in its card: over_time = mean, or maximum", fault="model_shape")
    return np.asarray(values.mean(axis=axes) if output.over_time == "mean" else values.max(axis=axes))
