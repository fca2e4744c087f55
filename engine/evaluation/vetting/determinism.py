"""Whether a model gives the same answer to the same windows: again, in another order, in batches of another size.

Shapes: N windows, C leads, L samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.contract.vetting import Determinism, DeterminismState, OutputDeterminism
from engine.evaluation.vetting.findings import Findings
from engine.evaluation.vetting.subject import Raw, Subject, Windows, joined

WINDOWS = 8
"""That are asked for again."""

LIMIT = 1e-5
"""Share of an output's range below which differences are those of float32 sums in another order."""


def measure_determinism(subject: Subject, x_NCL: Windows, repeats: int) -> Determinism:
    """Ask the same windows again and again.

    Args:
        subject: whose batch sizes are known.
        x_NCL: windows of golden ECGs; the first eight are used.
        repeats: how often each is asked by itself.

    Raises:
        WorldError: the model fails on what it has taken before.
    """
    x_NCL = x_NCL[:WINDOWS]
    calls = [_one_by_one(subject, x_NCL) for _ in range(repeats)]
    first, sizes = calls[0], sorted({min(size, len(x_NCL)) for size in subject.taken})
    shared = [size for size in sizes if size > 1]
    ordered = _in_order(subject, x_NCL) if shared else None
    batched = {size: _in_batches(subject, x_NCL, size) for size in shared}
    outputs = [
        OutputDeterminism(
            output=name,
            by_call=max(_gap(first[name], one[name]) for one in calls[1:]),
            by_order=None if ordered is None else _gap(*(part[name] for part in ordered)),
            by_size=max(_gap(first[name], one[name]) for one in batched.values()) if batched else None,
            range=_range(first[name]),
        )
        for name in first
    ]
    note = "" if shared else "it takes one window at a time, so that batches cannot change its answers"
    return Determinism(state=_state(outputs), repeats=repeats, batches=sizes, outputs=outputs, limit=LIMIT, note=note)


def check_determinism(found: Determinism, told: Findings) -> None:
    """What is wrong with answers that change."""
    if found.state == "not measured":
        told.skip(found.note, "determinism")
        return
    told.look("determinism")
    if found.state == "differs by call":
        worst = max(found.outputs, key=lambda one: one.by_call / (one.range or 1))
        told.find(
            "determinism",
            "serious",
            f"the same window, asked {found.repeats} times, gives answers that differ by up to {worst.by_call:.3g}"
            f" (of a range of {worst.range:.3g}): no number of it can be made again",
            "Ask its maker for a file in evaluation mode, with dropout and sampling off",
            worst.output,
        )
    elif found.state == "differs by batch":
        worst = max(found.outputs, key=lambda one: _by_batch(one) / (one.range or 1))
        told.find(
            "determinism",
            "serious",
            f"a window's answer depends on what else is in its batch, by up to {_by_batch(worst):.3g} (of a range"
            f" of {worst.range:.3g}): it is run one by one",
            "Ask its maker whether batch statistics were left on, or activations are quantised by batch",
            worst.output,
        )


def not_measured(why: str) -> Determinism:
    """Where a model does not run."""
    return Determinism(state="not measured", note=why, limit=LIMIT)


def _one_by_one(subject: Subject, x_NCL: Windows) -> Raw:
    return subject.run(x_NCL, singly=True)


def _in_batches(subject: Subject, x_NCL: Windows, size: int) -> Raw:
    """In batches of one size; what is left over stands in a last batch that is filled up with the first windows."""
    parts = []
    for begin in range(0, len(x_NCL), size):
        rows = np.arange(begin, begin + size) % len(x_NCL)
        kept = min(size, len(x_NCL) - begin)
        parts.append({name: array[:kept] for name, array in subject.run(x_NCL[rows]).items()})
    return joined(parts)


def _in_order(subject: Subject, x_NCL: Windows) -> tuple[Raw, Raw] | None:
    """All in one batch, as they are and turned round (turned back); None where a batch of that size fails."""
    try:
        straight, turned = subject.run(x_NCL), subject.run(x_NCL[::-1])
    except WorldError:
        return None
    return straight, {name: array[::-1] for name, array in turned.items()}


def _gap(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Largest difference; a number on one side alone counts as the largest number there is on the other."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    if a.shape != b.shape:
        return float(np.abs(a[np.isfinite(a)]).max(initial=1.0))
    known = np.isfinite(a) & np.isfinite(b)
    lone = np.isfinite(a) != np.isfinite(b)
    gap = float(np.abs(a[known] - b[known]).max(initial=0.0))
    if not lone.any():
        return gap
    return max(gap, float(np.abs(np.where(np.isfinite(a), a, b)[lone]).max()))


def _range(array: NDArray[np.generic]) -> float:
    values = array.astype(np.float64)
    known = values[np.isfinite(values)]
    return float(np.ptp(known)) if len(known) else 0.0


def _by_batch(one: OutputDeterminism) -> float:
    return max(one.by_order or 0.0, one.by_size or 0.0)


def _state(outputs: list[OutputDeterminism]) -> DeterminismState:
    if any(one.by_call > LIMIT * one.range for one in outputs):
        return "differs by call"
    return "differs by batch" if any(_by_batch(one) > LIMIT * one.range for one in outputs) else "deterministic"
