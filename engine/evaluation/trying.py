"""One recording through contract and model, with what was fed kept to be looked at.

Shapes: N windows, C leads of the card, L samples, K classes or features.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Output, Preprocessing
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter
from engine.contract.run import RunFolder
from engine.contract.trying import SEEN, TriedOutput, TryConfig, TryResults
from engine.data.store import Store
from engine.evaluation.progress import Pace
from engine.signal.condition import check_card, model_input
from engine.training.device import set_threads
from engine.zoo.external import LoadedExternal, load_external

Floats = NDArray[np.float64]


def run(folder: RunFolder, config: TryConfig, events: EventWriter) -> TryResults:
    """Feed the manifest's one recording to the model.

    Raises:
        WorldError: the model, the store or the recording is missing or damaged, or the model fails.
        Stopped: somebody asked.
    """
    began = time.monotonic()
    set_threads(config.threads)
    pace = Pace(folder, events, "steps", "trying", 2)
    record_id = folder.manifest()[0].record_id
    model = load_external(config.model, config.threads)
    x_NCL, refused = _fed(Path(config.store), record_id, model.preprocessing)
    pace.step(1)
    outputs: list[TriedOutput] = []
    if x_NCL is not None:
        with (folder.path / SEEN).open("wb") as file:
            np.savez(file, x=x_NCL)
        outputs = _asked(model, x_NCL, config.batch_size)
    pace.step(2)
    feed = model.preprocessing
    return TryResults(
        model=config.model.name,
        model_sha256=model.sha256,
        record_id=record_id,
        refused=refused,
        leads=list(feed.leads),
        rate_hz=feed.rate_hz,
        units=feed.units,
        window_s=feed.window_s,
        starts_s=[] if x_NCL is None else starts(feed, len(x_NCL)),
        outputs=outputs,
        notes=list(model.notes),
        seconds=round(time.monotonic() - began, 3),
    )


def starts(feed: Preprocessing, windows: int) -> list[float]:
    """Where each of so many windows begins in its recording, in seconds."""
    stride = feed.samples if feed.stride_s is None else max(round(feed.stride_s * feed.rate_hz), 1)
    return [number * stride / feed.rate_hz for number in range(windows)]


def _fed(place: Path, record_id: str, feed: Preprocessing) -> tuple[NDArray[np.float32] | None, str]:
    """What the contract makes of a recording; else why it cannot be fed."""
    check_card(feed)
    store = Store.open(place)
    row = store.find(record_id)
    if row is None:
        raise WorldError("recording", "the store holds none of this id", "Import it again")
    entry = store.entry(row)
    try:
        return model_input(store.signal(row), entry.rate_hz, feed, tuple(entry.derived)), ""
    except WorldError as error:
        return None, error.reason


def _asked(model: LoadedExternal, x_NCL: NDArray[np.float32], batch_size: int) -> list[TriedOutput]:
    """What each output says of the recording, by the way of every evaluation, and of each window."""
    with model.opened():
        windows = model.of_windows(x_NCL, batch_size)
        whole_F = model.features([x_NCL], batch_size)[0].astype(np.float64)
    parts = np.split(whole_F, np.cumsum(model.layer_widths)[:-1])
    return [_told(output, *pair) for output, *pair in zip(model.outputs, parts, windows, strict=True)]


def _told(output: Output, values_K: Floats, windows_NK: Floats) -> TriedOutput:
    answers = output.kind != "embedding"
    return TriedOutput(
        name=output.name,
        kind=output.kind,
        judged_as=output.judged_as,
        classes=list(output.classes),
        width=len(values_K),
        values=_finite(values_K) if answers else [],
        windows=[_finite(row_K) for row_K in windows_NK] if answers else [],
    )


def _finite(values: Sequence[float] | Floats) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
