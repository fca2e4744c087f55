"""What heads are trained on, kept beside the pooled embeddings and made in the same pass through the model.

An attention pool looks at every token of a window, a linear head at their mean alone, which is a function of the
tokens: whoever holds tokens needs no second pass for means. So one pass serves every task, seed, fold and mode over the
same recordings: whichever run comes first fills the cache for all, if it is told what follows (`keep_for`).

Legend: N windows, L tokens of a window, D width, R recordings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.contract.evaluation import Mode
from engine.contract.events import EventWriter, Warned
from engine.data.embedding_cache import Names
from engine.data.window_cache import Held, Kind, WindowCache, WindowWriter, size_text, window_key
from engine.evaluation.embed import RecordIds
from engine.evaluation.head_data import Crops

SEEN: dict[Mode, Kind] = {"frozen": "tokens", "linear-adamw": "means"}
"""What the heads of a frozen model see of a window, by mode."""


def kind_for(modes: Iterable[Mode]) -> Kind | None:
    """What must be kept to serve all of some modes; None where none of them trains a head on a frozen model."""
    kinds = {SEEN[mode] for mode in modes if mode in SEEN}
    return "tokens" if "tokens" in kinds else "means" if kinds else None


class WindowKeeper:
    """Writes windows as the model makes them; a context, in which it keeps what is whole however it ends.

    Attributes:
        there_R: recordings of which nothing is missing.
    """

    def __init__(self, writer: WindowWriter, there_R: NDArray[np.bool_], kind: Kind) -> None:
        self.there_R = there_R
        self._writer, self._pooled = writer, kind == "means"

    def __enter__(self) -> WindowKeeper:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._writer.__exit__(kind, error, at)

    def expect(self, record_ids: Sequence[str], counts: Sequence[int]) -> None:
        """Hear whose windows come next, and how many of each."""
        self._writer.expect(record_ids, counts)

    def take(self, tokens_NLD: Tensor) -> None:
        """Keep the next windows. Raises WorldError when the disk refuses."""
        part_NLD = tokens_NLD.mean(dim=1, keepdim=True) if self._pooled else tokens_NLD
        self._writer.append(part_NLD.float().cpu().numpy())


class KeptWindows:
    """What a cache holds of a run's recordings.

    Args:
        folder: of the cache.
        crops: the recordings, and the model.
        record_ids: their ids, each once.
        token_bytes: that tokens of all models may take together.
        events: told where tokens find no room, and of blocks that were damaged.
    """

    def __init__(
        self, folder: Path, crops: Crops, record_ids: RecordIds, token_bytes: float, events: EventWriter
    ) -> None:
        model, card = crops.model, crops.model.preprocessing
        key = window_key(model.sha256, card)
        self._caches: dict[Kind, WindowCache] = {kind: WindowCache(folder, key, kind) for kind in ("tokens", "means")}
        self._names, self._counts_R = Names(record_ids), crops.counts()
        self._shape = model.backbone.tokens(card.samples), model.module.width
        self._token_bytes, self._events = int(token_bytes), events

    def keeper(self, kind: Kind) -> WindowKeeper | None:
        """What keeps windows that are missing; None, and an event, where tokens find no room."""
        tokens = self._checked("tokens")
        there_R = tokens.there_R | (self._counts_R == 0)
        if kind == "means":
            there_R |= self._checked("means").there_R
        missing = int(self._counts_R[~there_R].sum()) * self._window_bytes(kind)
        if kind == "tokens" and not self._has_room(tokens, missing):
            return None
        return WindowKeeper(self._caches[kind].writer(missing), there_R, kind)

    def held(self, kind: Kind) -> Held:
        """What is kept, of a kind that a keeper has filled; means that have to be taken from tokens are in memory."""
        tokens = self._caches["tokens"].hold(self._names, self._counts_R, check=False)
        if kind == "tokens":
            return tokens
        means = self._caches["means"].hold(self._names, self._counts_R, check=False)
        if (means.there_R | (self._counts_R == 0)).all():
            return means
        first_R = np.cumsum(self._counts_R) - self._counts_R
        all_WLD = np.empty((int(self._counts_R.sum()), 1, self._shape[1]), dtype=np.float32)
        for row, (first, count) in enumerate(zip(first_R.tolist(), self._counts_R.tolist(), strict=True)):
            if means.block_R[row] >= 0:
                all_WLD[first : first + count] = means.windows(row, count)
            elif tokens.block_R[row] >= 0:
                tokens_NLD = torch.from_numpy(np.array(tokens.windows(row, count)))
                all_WLD[first : first + count] = tokens_NLD.mean(dim=1, keepdim=True).numpy()
        block_R = np.where(means.there_R | tokens.there_R, 0, -1)
        return Held([all_WLD], block_R, first_R)

    def _checked(self, kind: Kind) -> Held:
        held = self._caches[kind].hold(self._names, self._counts_R)
        if held.damaged:
            self._events.emit(Warned(message=f"Kept {kind}: damaged files ({held.damaged}) are dropped and made again"))
        return held

    def _has_room(self, held: Held, missing_bytes: int) -> bool:
        room = self._caches["tokens"].make_room(held, missing_bytes, self._token_bytes)
        if room.given_back:
            told = f"Tokens unused for longest ({size_text(room.given_back)}) were deleted to make room"
            self._events.emit(Warned(message=told))
        if room.lacking:
            told = (
                f"Tokens of {int((self._counts_R > 0).sum()):,} recordings are not kept: {room.lacking}. Mode 'frozen' "
                "passes recordings through the model again in every epoch, which takes far longer and gives the same "
                "numbers to rounding; allow more by the setting token_gb"
            )
            self._events.emit(Warned(message=told))
        return not room.lacking

    def _window_bytes(self, kind: Kind) -> int:
        tokens, width = self._shape
        return 4 * width * (tokens if kind == "tokens" else 1)
