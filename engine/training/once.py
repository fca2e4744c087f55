"""Recordings resampled once before the first step, in place of crop by crop in every epoch."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.contract.config import PretrainConfig
from engine.contract.events import EventWriter, Progress
from engine.contract.run import Stopped
from engine.data.resampled import Recipe, derive
from engine.data.store import Store
from engine.training.batches import Rows

TELL_S = 1.0


def resampled_once(
    store: Store, rows_N: Rows, config: PretrainConfig, events: EventWriter, stop_asked: Callable[[], bool]
) -> Store:
    """The derived store with these recordings at the model's rate, clipped as the config asks.

    It differs from resampling each crop only near the ends of crops, where a whole recording knows its neighbours.
    Several ranks may ask at once: one makes it, the others wait.

    Raises:
        WorldError: the disk has no room for it.
        Stopped: somebody asked for it; what was made until then stays.
    """
    told = float("-inf")

    def tell(done: int, total: int) -> None:
        nonlocal told
        if stop_asked():
            raise Stopped
        if done < total and time.monotonic() - told > TELL_S:
            told = time.monotonic()
            events.emit(Progress(done=done, total=total, unit="recordings", message="resampling them once"))

    return derive(store, rows_N, Recipe(rate_hz=config.rate_hz, clip_mv=config.clip_mv), tell)
