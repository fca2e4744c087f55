"""Embeddings that are kept: a pure function of model, preprocessing and recording, so computed once.

`CACHE/<key>/<name>.npz` holds a block of recordings; blocks are written whole, never changed, and any number of
processes may add some. A damaged block is dropped and computed again.

Legend: N recordings of a block, F features of all layers side by side.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError

RECIPE = "1: mean over tokens in float32, mean over windows in float64"
"""Changes whenever the same model and recording would give other numbers."""

Block = NDArray[np.float32]


def cache_key(weights_sha256: str, preprocessing: Preprocessing) -> str:
    """Folder name for a model: a hash over its weights, what it is fed, and how features are pooled."""
    return hashlib.sha256(f"{RECIPE}\n{weights_sha256}\n{preprocessing.model_dump_json()}".encode()).hexdigest()[:32]


class EmbeddingCache:
    """The kept embeddings of one model."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder / key

    def read(self, record_ids: Sequence[str]) -> Iterator[tuple[str, Block]]:
        """Kept embeddings [F] of the recordings asked for, each once, in no particular order."""
        wanted = set(record_ids)
        for path in sorted(self._folder.glob("*.npz")):
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as block:
                    names = block["record_id"].tolist()
                    if wanted.isdisjoint(names):
                        continue
                    # Earlier versions kept layers of one width as [N, layers, width].
                    features_NF = block["features"].reshape(len(names), -1)
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                with contextlib.suppress(OSError):
                    path.unlink()
                continue
            for name, features_F in zip(names, features_NF, strict=True):
                if name in wanted:
                    wanted.discard(name)
                    yield name, features_F

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

    def read(self, record_ids: Sequence[str]) -> Iterator[tuple[str, Block]]:
        """Nothing is kept."""
        return iter(())

    def write(self, record_ids: Sequence[str], features_NF: Block) -> None:
        """Nothing is kept."""
