"""What heads are trained on and judged by: crops of recordings; of a frozen model see `frozen_examples`.

A model that is trained sees a random crop of every recording in every epoch, cut at the recording's own rate and
resampled after (method specification, 5.2). A frozen model would make other tokens of every such crop, a pass through
the model for each epoch, which no cache can spare; that is to be had (`HeadTraining.crops`). Unless it is asked for,
its heads see the recording's consecutive windows in place of it, one drawn at random in every epoch: tokens are made
once, in one pass that serves all folds, epochs, tasks and seeds. Measured on PTB-XL's superclasses (257 recordings to
train on, 96 tested; CPC, JEPA and random S4; three seeds each, 50 epochs), fresh crops gained 0.007 of macro AUROC with
attention pooling (from -0.007 to +0.020) and 0.003 to 0.016 with the linear head (0.094 once, where windows chose an
early epoch), for 7 and 100 times the time: slightly to the disadvantage of frozen models.

Shapes: N recordings, W windows of all recordings, B crops, C leads, T samples, L tokens, D width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.contract.errors import WorldError
from engine.data.store import Store
from engine.evaluation.embed import RecordIds
from engine.signal.condition import check_card, clip, fill_missing, is_plain, model_input
from engine.signal.leads import CANONICAL
from engine.signal.normalise import normalise
from engine.signal.resampling import polyphase, resample
from engine.zoo.native import LoadedModel

Rows = NDArray[np.intp]


class Examples(Protocol):
    """Where crops come from."""

    def usable(self) -> NDArray[np.bool_]:
        """Which recordings have at least one window, [N]."""
        ...

    def drawn(self, rows_B: Rows, rng: np.random.Generator) -> Tensor:
        """A random example of each recording: x_BCT, or tokens_BLD of a frozen model."""
        ...

    def windows(self, row: int) -> Tensor:
        """Consecutive windows of a recording, or their tokens."""
        ...


def in_batches(
    examples: Examples, rows_M: Rows, device: torch.device, size: int
) -> Iterator[tuple[list[int], Tensor, list[int]]]:
    """Recordings with their windows on the device, side by side, and how many each has.

    On a GPU, which a recording's few windows leave idle, recordings share batches of about `size` windows. On a CPU
    each goes by itself, so that its numbers cannot depend on its neighbours; there that costs nothing.
    """
    rows: list[int] = []
    parts: list[Tensor] = []
    for row in rows_M.tolist():
        rows.append(row)
        parts.append(examples.windows(row))
        if device.type == "cpu" or sum(map(len, parts)) >= size:
            yield rows, torch.cat(parts).to(device), [len(part) for part in parts]
            rows, parts = [], []
    if rows:
        yield rows, torch.cat(parts).to(device), [len(part) for part in parts]


@dataclass(frozen=True)
class Crops:
    """Signals, for a model that is trained itself."""

    model: LoadedModel
    store: Store
    rows_N: NDArray[np.int64]

    @classmethod
    def of(cls, model: LoadedModel, store: Store, record_ids: RecordIds) -> Crops:
        """Find the recordings. Raises WorldError when one is missing or the card asks for what cannot be done."""
        check_card(model.preprocessing)
        if not is_plain(model.preprocessing):
            reason = "it is fed in a way that crops cut anywhere cannot be"
            raise WorldError(f"model {model.name}", reason, "Choose mode 'linear'")
        rows_N = store.find_many(np.asarray(record_ids, dtype=np.bytes_))
        if (rows_N < 0).any():
            absent = np.asarray(record_ids, dtype=np.bytes_)[int(np.argmin(rows_N))].decode()
            raise WorldError(f"record {absent}", "it is not in the store", "Import it again")
        return cls(model, store, rows_N)

    def usable(self) -> NDArray[np.bool_]:
        """Recordings that fill a window after resampling."""
        return self.counts() > 0

    def counts(self) -> NDArray[np.int64]:
        """Consecutive windows of each recording, [N]."""
        card = self.model.preprocessing
        samples_S, rates_S = self.store.measures()
        there_N = samples_S[self.rows_N].astype(np.float64) * card.rate_hz / rates_S[self.rows_N]
        return np.rint(there_N).astype(np.int64) // self._length

    def drawn(self, rows_B: Rows, rng: np.random.Generator) -> Tensor:
        """A random crop of each recording, conditioned as the card says."""
        return torch.from_numpy(np.stack([self._crop(int(row), rng) for row in rows_B]))

    def windows(self, row: int) -> Tensor:
        """Consecutive windows of the whole recording, x_NCT."""
        signal_CT, rate_hz = self._signal(row)
        return torch.from_numpy(model_input(signal_CT, rate_hz, self.model.preprocessing))

    def _crop(self, row: int, rng: np.random.Generator) -> NDArray[np.float32]:
        signal_CT, rate_hz = self._signal(row)
        card = self.model.preprocessing
        reach = min(polyphase(rate_hz, card.rate_hz).needed(self._length), signal_CT.shape[1])
        start = int(rng.integers(0, signal_CT.shape[1] - reach, endpoint=True))
        rows = [CANONICAL.index(lead) for lead in card.leads]
        cut_CT = fill_missing(signal_CT[rows, start : start + reach])
        ready_CT = clip(resample(cut_CT, rate_hz, card.rate_hz)[:, : self._length], card.clip_mv)
        return normalise(ready_CT, card.normalisation, card.leads)

    @property
    def _length(self) -> int:
        return round(self.model.preprocessing.window_s * self.model.preprocessing.rate_hz)

    def _signal(self, row: int) -> tuple[NDArray[np.float32], float]:
        place = int(self.rows_N[row])
        return self.store.signal(place), float(self.store.index_row(place)["rate_hz"])
