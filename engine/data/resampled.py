"""Recordings resampled once and kept: a store beside the store, for one rate and one way of preparing.

What is resampled crop by crop in every epoch costs more than all else on the way to a GPU. A derived store holds whole
recordings, filled, resampled and clipped as a card asks, under the ids of their sources:

    store/derived/<key>/recipe.json, and a store as any other

The key is a hash of all that the samples depend on, so that it is found again by whoever asks for the same; what is
cheap on reading (normalisation, windows, the order of leads) is no part of it, and cards that differ in nothing else
share one. It holds nothing that cannot be made again, and may be deleted whenever nobody reads it.

Shapes: C leads, T samples, N rows.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError
from engine.contract.run import Lock, write_whole
from engine.data import layout
from engine.data.store import Store
from engine.signal.condition import clip, fill_missing
from engine.signal.resampling import KAISER_BETA, PERIODS, resample

FOLDER = "derived"
KEY_LENGTH = 16
BATCH = 64
"""Recordings that are committed together."""
POLL_S = 0.5
"""How often whoever waits for another process looks again."""
MARGIN_BYTES = 2**28

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Recipe:
    """All that the samples of a derived store depend on, beside their sources."""

    rate_hz: float
    clip_mv: float | None
    filters: str = "none"
    missing: str = "linear interpolation per lead, an absent lead is zero"
    resampling: str = f"polyphase, sinc of {PERIODS} periods under a Kaiser window, beta {KAISER_BETA:g}"
    layout: int = layout.VERSION

    @classmethod
    def of(cls, card: Preprocessing) -> Recipe:
        """What a card asks for."""
        return cls(rate_hz=card.rate_hz, clip_mv=card.clip_mv, filters=card.filters, missing=card.missing)

    @property
    def key(self) -> str:
        """Name of its store."""
        told = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:KEY_LENGTH]


@dataclass(frozen=True)
class Derived:
    """A derived store as it stands on the disk; `recipe` is empty where it cannot be read."""

    key: str
    recipe: dict[str, Any]
    records: int
    size_bytes: int
    in_use: bool


def derive(store: Store, rows: NDArray[np.int64], recipe: Recipe, on_progress: OnProgress | None = None) -> Store:
    """The derived store with these recordings in it; what is missing is made, what is there is taken.

    Of several processes that ask at once one makes it, the others wait and take what it made.

    Args:
        store: the sources.
        rows: which of them, [N].
        recipe: how they are prepared.
        on_progress: told how many of how many are there; may raise to stop. What was made until then stays.

    Raises:
        WorldError: the disk has no room for it.
    """
    path = store.path / FOLDER / recipe.key
    told = on_progress or (lambda done, total: None)
    while True:
        missing = _missing(store, rows, path)
        told(len(rows) - len(missing), len(rows))
        if not len(missing) and (path / "store.json").exists():
            return Store.open(path)
        if not Lock(path / "lock").is_held():
            try:
                _make(store, missing, recipe, path, len(rows) - len(missing), told)
            except WorldError:
                # Whoever was faster may be at work still, or done already; else the fault is of the disk.
                if not Lock(path / "lock").is_held() and len(_missing(store, rows, path)) == len(missing):
                    raise
        else:
            time.sleep(POLL_S)


def list_derived(store_path: Path) -> list[Derived]:
    """All derived stores of a store."""
    return [_looked_at(path) for path in sorted((store_path / FOLDER).glob("*")) if path.is_dir()]


def forget_derived(store_path: Path, keys: tuple[str, ...] = ()) -> int:
    """Delete derived stores, all when none is named; gives back how many bytes that frees.

    Raises:
        WorldError: there is none of this key, one is being made, or it cannot be deleted.
    """
    found = {derived.key: derived for derived in list_derived(store_path)}
    unknown = [key for key in keys if key not in found]
    if unknown:
        raise WorldError(f"derived store {unknown[0]}", "there is none", "See: isoline store derived")
    chosen = [found[key] for key in keys] if keys else list(found.values())
    for derived in chosen:
        if derived.in_use:
            raise WorldError(f"derived store {derived.key}", "a run is making it", "Stop the run, or wait for its end")
    return sum(_delete(store_path / FOLDER / derived.key, derived) for derived in chosen)


def missing_rows(store: Store, rows: NDArray[np.int64], recipe: Recipe) -> NDArray[np.int64]:
    """Those of the rows that are not resampled yet."""
    return _missing(store, rows, store.path / FOLDER / recipe.key)


def bytes_of(store: Store, rows: NDArray[np.int64], recipe: Recipe) -> int:
    """What these recordings take on the disk once they are resampled."""
    lengths, rates = store.measures()
    samples = float((lengths[rows] / rates[rows] * recipe.rate_hz).sum())
    return round(samples * layout.SAMPLE_BYTES) + len(rows) * layout.ROW.itemsize


def prepare(store: Store, row: int, recipe: Recipe) -> NDArray[np.float32]:
    """One recording as a recipe asks for it: filled, resampled, clipped, [12, T] float32 millivolts."""
    told = store.entry(row)
    return clip(resample(fill_missing(store.signal(row)), told.rate_hz, recipe.rate_hz), recipe.clip_mv)


def _missing(store: Store, rows: NDArray[np.int64], path: Path) -> NDArray[np.int64]:
    """Those of the rows that the derived store lacks."""
    if not (path / "store.json").exists():
        return rows
    return rows[Store.open(path).find_same(store, rows) < 0]


def _make(
    store: Store, rows: NDArray[np.int64], recipe: Recipe, path: Path, there: int, on_progress: OnProgress
) -> None:
    """Make what is missing, beside the recordings that are `there`."""
    path.mkdir(parents=True, exist_ok=True)
    _check_room(store, rows, recipe, path)
    with Store.create(path) as writer:
        write_whole(path / "recipe.json", json.dumps(asdict(recipe), indent=2) + "\n")
        for count, row in enumerate(rows.tolist(), start=1):
            signal_CT = prepare(store, row, recipe)
            made = replace(store.entry(row), rate_hz=recipe.rate_hz, length=signal_CT.shape[1])
            writer.append_signal(made, signal_CT, origin="derived")
            if count % BATCH == 0 or count == len(rows):
                writer.flush()
                on_progress(there + count, there + len(rows))


def _check_room(store: Store, rows: NDArray[np.int64], recipe: Recipe, path: Path) -> None:
    needed = bytes_of(store, rows, recipe)
    free = shutil.disk_usage(path).free
    if needed + MARGIN_BYTES > free:
        raise WorldError(
            "derived store",
            f"it needs {needed / 1e6:,.0f} MB and the disk has {free / 1e6:,.0f} MB left",
            "Free some space, or resample crop by crop",
            fault="disk_full",
        )


def _looked_at(path: Path) -> Derived:
    try:
        recipe = dict(json.loads((path / "recipe.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        recipe = {}
    try:
        records = len(Store.open(path))
    except WorldError:  # not begun, or damaged: it must be listed all the same, so that it can be deleted
        records = 0
    size = sum(file.stat().st_size for file in path.glob("*") if file.is_file())
    return Derived(path.name, recipe, records, size, Lock(path / "lock").is_held())


def _delete(path: Path, derived: Derived) -> int:
    """Out of sight first, so that a kill leaves no half of it under its name."""
    gone = path.with_name(f"{path.name}.gone-{os.getpid()}")
    try:
        path.replace(gone)
        shutil.rmtree(gone)
    except OSError as error:  # Windows keeps files that another process has mapped
        reason = f"it cannot be deleted ({type(error).__name__})"
        raise WorldError(f"derived store {derived.key}", reason, "Close what reads it and try again") from None
    return derived.size_bytes
