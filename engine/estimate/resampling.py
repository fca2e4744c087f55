"""What it takes to resample the recordings once before the first step: disk beside the store, and time."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.contract.config import PretrainConfig
from engine.data.manifest import Manifest
from engine.data.resampled import Recipe, bytes_of, missing_rows, prepare
from engine.data.store import Store

TRIED = 16
"""Recordings that are resampled to see how long one takes."""


class Once(NamedTuple):
    """What is still to be resampled.

    Attributes:
        records: how many recordings.
        bytes: what they take on the store's disk.
        seconds: until they are there; without forcing them to disk.
        elsewhere: whether that disk is another one than the run's.
        free: bytes left on it.
    """

    records: int = 0
    bytes: int = 0
    seconds: float = 0.0
    elsewhere: bool = False
    free: int = 0


NOTHING = Once()


def resampling_of(config: PretrainConfig, manifest: Manifest, run: Path) -> Once:
    """What a pretraining would resample before it begins; nothing where it resamples crop by crop, or all is there.

    Args:
        config: what is asked.
        manifest: the recordings.
        run: a folder on the disk of the runs.

    Raises:
        WorldError: there is no store.
    """
    if config.resample != "once":
        return NOTHING
    store = Store.open(Path(config.store))
    rows = store.find_many(manifest.ids_N)
    recipe = Recipe(rate_hz=config.rate_hz, clip_mv=config.clip_mv)
    left = missing_rows(store, np.unique(rows[rows >= 0]), recipe)
    if not len(left):
        return NOTHING
    tried = left[:: max(1, len(left) // TRIED)][:TRIED].tolist()
    began = time.perf_counter()
    for row in tried:
        prepare(store, row, recipe)
    seconds = (time.perf_counter() - began) / len(tried) * len(left)
    elsewhere = os.stat(store.path).st_dev != os.stat(run).st_dev
    return Once(len(left), bytes_of(store, left, recipe), seconds, elsewhere, shutil.disk_usage(store.path).free)
