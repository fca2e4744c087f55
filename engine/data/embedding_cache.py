"""Embeddings that are kept: a pure function of model, preprocessing and recording, so computed once.

`CACHE/<key>/<name>.npz` holds a block of recordings; blocks are written whole, never changed, and any number of
processes may add some. A damaged block is dropped and computed again.

Legend: N recordings of a block, F features of all layers side by side, R recordings asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError

RECIPE = "1: mean over tokens in float32, mean over windows in float64"
"""Changes whenever the same model and recording would give other numbers."""

Block = NDArray[np.float32]
Places = NDArray[np.int64]


class Names:
    """Ids of recordings that are asked for, each once, and the place of each: arrays, no object for any of them.

    Args:
        record_ids: as texts, or as an array of bytes.
    """

    def __init__(self, record_ids: Sequence[str] | NDArray[np.bytes_]) -> None:
        self.ids_R = np.asarray(record_ids, dtype=np.bytes_)
        self._order_R = np.argsort(self.ids_R)
        self._sorted_R = self.ids_R[self._order_R]

    def __len__(self) -> int:
        return len(self.ids_R)

    def name(self, place: int) -> str:
        """The id at a place."""
        return str(self.ids_R[place].decode())

    def places_of(self, ids_N: NDArray[np.str_] | NDArray[np.bytes_]) -> Places:
        """The place of each of some ids, -1 where it is not asked for, [N]."""
        wanted_N = ids_N.astype(np.bytes_)
        near_N = np.minimum(np.searchsorted(self._sorted_R, wanted_N), len(self.ids_R) - 1)
        return np.where(self._sorted_R[near_N] == wanted_N, self._order_R[near_N], -1)


def cache_key(weights_sha256: str, preprocessing: Preprocessing) -> str:
    """Folder name for a model: a hash over its weights, what it is fed, and how features are pooled."""
    return hashlib.sha256(f"{RECIPE}\n{weights_sha256}\n{preprocessing.identity}".encode()).hexdigest()[:32]


class EmbeddingCache:
    """The kept embeddings of one model."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder / key

    def read(self, names: Names) -> Iterator[tuple[Places, Block]]:
        """Kept embeddings of the recordings asked for, block by block: their places, and [N, F]; each once."""
        left_R = np.ones(len(names), dtype=np.bool_)
        for path, places in self._found(names):
            wanted_N = (places >= 0) & left_R[places]
            features = self._member(path, "features") if wanted_N.any() else None
            if features is not None and len(features) == len(places):
                left_R[places[wanted_N]] = False
                # Earlier versions kept layers of one width as [N, layers, width].
                yield places[wanted_N], features.reshape(len(places), -1)[wanted_N]

    def holds(self, names: Names) -> NDArray[np.bool_]:
        """Which of the recordings are kept, [R]; their embeddings are not read."""
        kept_R = np.zeros(len(names), dtype=np.bool_)
        for _, places in self._found(names):
            kept_R[places[places >= 0]] = True
        return kept_R

    def _found(self, names: Names) -> Iterator[tuple[Path, Places]]:
        """Every block that can be read, with the place of each of its recordings, -1 where it is not asked for."""
        if not len(names):
            return
        for path in sorted(self._folder.glob("*.npz")):
            ids_N = self._member(path, "record_id")
            if ids_N is not None:
                yield path, names.places_of(ids_N)

    @staticmethod
    def _member(path: Path, name: str) -> NDArray[Any] | None:
        """One array of a block; None, and the block deleted, where it is damaged."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as block:
                return np.asarray(block[name])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            with contextlib.suppress(OSError):
                path.unlink()
            return None

    def write(self, record_ids: Sequence[str], features_NF: Block) -> None:
        """Keep a block. Raises WorldError when the disk refuses."""
        name = hashlib.sha256("\n".join(record_ids).encode()).hexdigest()[:24]
        draft = self._folder / f"{name}.{os.getpid()}.tmp"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                np.savez(file, record_id=np.array(record_ids, dtype=np.str_), features=features_NF)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self._folder / f"{name}.npz")
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            reason = f"embeddings cannot be written ({error.strerror or type(error).__name__})"
            raise WorldError("cache folder", reason, "Free some space, then resume the run") from None


class NoCache(EmbeddingCache):
    """A cache that keeps nothing: weights that still change have no embedding worth keeping."""

    def __init__(self) -> None: ...

    def read(self, names: Names) -> Iterator[tuple[Places, Block]]:
        """Nothing is kept."""
        return iter(())

    def holds(self, names: Names) -> NDArray[np.bool_]:
        """Nothing is kept."""
        return np.zeros(len(names), dtype=np.bool_)

    def write(self, record_ids: Sequence[str], features_NF: Block) -> None:
        """Nothing is kept."""
