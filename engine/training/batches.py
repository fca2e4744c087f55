"""Batches of crops from the store, each a pure function of (seed, step) (method specification, sections 1.2 and 1.3).

Training: in every epoch each record gives one random crop, in shuffled order; what does not fill a batch is left out.
Validation: consecutive crops without overlap, remainder dropped.

Shapes: B batch, C leads, T samples of a crop at the model's rate, R samples at the recording's own rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError
from engine.data.layout import to_millivolts
from engine.data.store import Store
from engine.objectives.base import Batch
from engine.ranks.draws import numpy_generator
from engine.signal.condition import fill_missing
from engine.training.resampling import polyphase, resample


class Crop(NamedTuple):
    """Where a crop is: row of the store, first sample at the recording's own rate."""

    row: int
    start: int


class Cropper:
    """Reads crops in the form that the model sees: rate, length and clipping of the config."""

    def __init__(self, store: Store, config: PretrainConfig) -> None:
        self._store, self._rate_hz, self._clip_mv = store, config.rate_hz, config.clip_mv
        self.samples = round(config.window_s * config.rate_hz)

    def record_id(self, row: int) -> str:
        """The record at a row of the store."""
        return self._store.entry(row).record_id

    def reach(self, row: int) -> int:
        """Length of a crop of this row at the recording's own rate."""
        return polyphase(self._store.entry(row).rate_hz, self._rate_hz).needed(self.samples)

    def room(self, row: int) -> int:
        """The last sample at which a crop of this row can start; negative when the recording is too short."""
        return self._store.entry(row).length - self.reach(row)

    def read(self, crops: Sequence[Crop]) -> Tensor:
        """Crops as x_BCT: float32 millivolts, missing samples interpolated, resampled, clipped, in this order."""
        rates = [self._store.entry(crop.row).rate_hz for crop in crops]
        x_BCT = torch.empty(len(crops), 12, self.samples)
        for rate_hz in sorted(set(rates)):
            places = [i for i, rate in enumerate(rates) if rate == rate_hz]
            native_BCR = torch.from_numpy(np.stack([self._native(crops[i]) for i in places]))
            resampled = resample(native_BCR.flatten(0, 1), rate_hz, self._rate_hz, self.samples)
            x_BCT[places] = resampled.view(len(places), 12, self.samples)
        return x_BCT.clamp_(-self._clip_mv, self._clip_mv)

    def _native(self, crop: Crop) -> NDArray[np.float32]:
        steps_RC = self._store.crop_TC(crop.row, crop.start, self.reach(crop.row))
        return fill_missing(to_millivolts(steps_RC, 1.0 / self._store.scale(crop.row)))


class TrainingBatches:
    """Random crops of the training records.

    Args:
        cropper: reads them.
        rows: rows of the store, in the manifest's order; each must hold a crop.
        config: batch size and seed.

    Raises:
        WorldError: fewer records than a batch has crops.
    """

    def __init__(self, cropper: Cropper, rows: Sequence[int], config: PretrainConfig) -> None:
        if len(rows) < config.batch_size:
            raise WorldError(
                "pretraining",
                f"{len(rows)} training records are fewer than a batch of {config.batch_size}",
                f"Set batch_size to {len(rows)} or less, or choose a larger cohort"
                if rows
                else "Choose a cohort with training records that are long enough",
            )
        self._cropper, self._rows = cropper, np.asarray(rows)
        self._size, self._seed = config.batch_size, config.seed
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def crops(self, step: int) -> list[Crop]:
        """The crops of a step."""
        epoch, place = divmod(step, len(self._rows) // self._size)
        if epoch != self._epoch:
            self._order = numpy_generator(self._seed, "train/order", epoch).permutation(len(self._rows))
            self._epoch = epoch
        rows = self._rows[self._order[place * self._size : (place + 1) * self._size]]
        shares = numpy_generator(self._seed, "train/crops", step).random(self._size)
        return [
            Crop(int(row), int(share * (self._cropper.room(int(row)) + 1)))
            for row, share in zip(rows, shares, strict=True)
        ]

    def records(self, step: int) -> list[str]:
        """Ids of the records in a step's batch."""
        return [self._cropper.record_id(crop.row) for crop in self.crops(step)]

    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        return Batch.whole(self._cropper.read(self.crops(step)), self._seed, "train", step)


class ValidationBatches:
    """All crops of the held-out records, always the same, in batches of the training size."""

    def __init__(self, cropper: Cropper, rows: Sequence[int], config: PretrainConfig) -> None:
        self._cropper, self._size, self._seed = cropper, config.batch_size, config.seed
        self.crops = [Crop(row, start) for row in rows for start in range(0, cropper.room(row) + 1, cropper.reach(row))]

    def __iter__(self) -> Iterator[Batch]:
        """Batches in order; the last may be smaller."""
        for number, first in enumerate(range(0, len(self.crops), self._size)):
            x_BCT = self._cropper.read(self.crops[first : first + self._size])
            yield Batch.whole(x_BCT, self._seed, "validation", number)
