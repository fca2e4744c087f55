"""Batches of crops from the store, each a pure function of (seed, step) (method specification, sections 1.2 and 1.3).

Training: in every epoch each record gives one random crop, in shuffled order; what does not fill a batch is left out.
Validation: consecutive crops without overlap, remainder dropped.

Every rank knows all crops of a batch by their numbers and reads its own. With gradient accumulation part p of a batch
is a run of consecutive crops, and each rank has a run of consecutive crops of each part: so the parts hold the same
crops however many ranks share them.

Shapes: B crops of this rank, C leads, T samples of a crop at the model's rate, R samples at the recording's own rate.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError
from engine.contract.pretraining import too_few_records
from engine.data.store import Store
from engine.objectives.base import Batch
from engine.ranks.draws import Draws, numpy_generator
from engine.signal.condition import fill_missing
from engine.signal.normalise import statistics
from engine.signal.resampling import polyphase
from engine.training.resampling import resample_within

Rows = NDArray[np.int64]


class Crop(NamedTuple):
    """Where a crop is: row of the store, first sample at the recording's own rate."""

    row: int
    start: int


class Cropper:
    """Reads crops in the form that the model sees: rate, length, clipping and normalisation of the config."""

    def __init__(self, store: Store, config: PretrainConfig) -> None:
        self._store, self._rate_hz, self._clip_mv = store, config.rate_hz, config.clip_mv
        self._statistics = statistics(config.normalisation)
        self.samples = config.samples

    def record_id(self, row: int) -> str:
        """The record at a row of the store."""
        return self._store.entry(row).record_id

    def slow(self, rows_N: Rows) -> NDArray[np.bool_]:
        """Which recordings have a rate of their own below the model's: they hold less than it is to see."""
        return self._store.measures()[1][rows_N] < self._rate_hz

    def short(self, rows_N: Rows) -> NDArray[np.bool_]:
        """Which recordings are shorter than a crop."""
        return self.rooms(rows_N) < 0

    def reaches(self, rows_N: Rows) -> Rows:
        """Lengths of a crop of these rows at the recordings' own rates, [N]."""
        rates_N = self._store.measures()[1][rows_N]
        needed_N = np.zeros(len(rows_N), dtype=np.int64)
        for rate_hz in np.unique(rates_N):
            needed_N[rates_N == rate_hz] = polyphase(float(rate_hz), self._rate_hz).needed(self.samples)
        return needed_N

    def rooms(self, rows_N: Rows) -> Rows:
        """The last sample at which a crop of each row can start, [N]; negative when the recording is too short."""
        return self._store.measures()[0][rows_N].astype(np.int64) - self.reaches(rows_N)

    def read(self, crops: Sequence[Crop]) -> Tensor:
        """Crops as x_BCT, float32: missing samples interpolated, resampled, clipped, normalised, in this order."""
        rows_B, starts_B = np.array(crops, dtype=np.int64).reshape(-1, 2).T
        rates_B = self._store.measures()[1][rows_B]
        x_BCT = torch.empty(len(crops), 12, self.samples)
        for rate_hz in np.unique(rates_B):
            places = np.flatnonzero(rates_B == rate_hz)
            x_BCT[torch.from_numpy(places)] = self._read(rows_B[places], starts_B[places], float(rate_hz))
        x_BCT.clamp_(-self._clip_mv, self._clip_mv)
        if self._statistics is not None:
            means_C1, deviations_C1 = map(torch.from_numpy, self._statistics)
            x_BCT.sub_(means_C1).div_(deviations_C1)
        return x_BCT

    def _read(self, rows_B: Rows, starts_B: Rows, rate_hz: float) -> Tensor:
        """Crops of one rate, resampled. They are put straight to where the filter wants them: copies cost the most."""
        bank = polyphase(rate_hz, self._rate_hz)
        reach = bank.needed(self.samples)
        room_BCS = np.empty((len(rows_B), 12, bank.span(reach, self.samples)), dtype=np.float32)
        signal_BCR = room_BCS[:, :, bank.before : bank.before + reach]
        _, holes_B = self._store.crops(rows_B, starts_B, reach, signal_BCR)
        for crop in np.flatnonzero(holes_B):
            signal_BCR[crop] = fill_missing(signal_BCR[crop])
        rooms = torch.from_numpy(room_BCS).flatten(0, 1)
        return resample_within(rooms, bank, reach, self.samples).view(len(rows_B), 12, self.samples)


class Share(NamedTuple):
    """One of the processes that share every batch."""

    rank: int = 0
    world: int = 1

    def of(self, count: int) -> range:
        """This rank's run of `count` crops; the first ranks have one more where they cannot be shared evenly."""
        return range(self.rank * count // self.world, (self.rank + 1) * count // self.world)


ALONE = Share()


class TrainingBatches:
    """Random crops of the training records.

    Args:
        cropper: reads them.
        rows: rows of the store, in the manifest's order; each must hold a crop.
        config: batch size, its parts, and seed.
        share: which of the ranks this is.

    Raises:
        WorldError: fewer records than a batch has crops.
    """

    def __init__(
        self, cropper: Cropper, rows: Sequence[int] | Rows, config: PretrainConfig, share: Share = ALONE
    ) -> None:
        if len(rows) < config.batch_size:
            raise too_few_records(len(rows), config.batch_size)
        self._cropper, self._rows = cropper, np.asarray(rows, dtype=np.int64)
        self._size, self._part, self._seed = config.batch_size, config.batch_size // config.accumulate, config.seed
        own = share.of(self._part)
        self._parts = [tuple(range(first + own.start, first + own.stop)) for first in range(0, self._size, self._part)]
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def crops(self, step: int) -> list[Crop]:
        """The crops of a step, of all ranks."""
        epoch, place = divmod(step, len(self._rows) // self._size)
        if epoch != self._epoch:
            self._order = numpy_generator(self._seed, "train/order", epoch).permutation(len(self._rows))
            self._epoch = epoch
        rows_B = self._rows[self._order[place * self._size : (place + 1) * self._size]]
        shares_B = numpy_generator(self._seed, "train/crops", step).random(self._size)
        starts_B = (shares_B * (self._cropper.rooms(rows_B) + 1)).astype(np.int64)
        return list(map(Crop, rows_B.tolist(), starts_B.tolist()))

    def records(self, step: int) -> list[str]:
        """Ids of the records in a step's batch, of all ranks."""
        return [self._cropper.record_id(crop.row) for crop in self.crops(step)]

    def read(self, step: int) -> Tensor:
        """This rank's crops of a step, x_BCT, part after part."""
        crops = self.crops(step)
        return self._cropper.read([crops[number] for part in self._parts for number in part])

    def parts(self, step: int, x_BCT: Tensor) -> list[Batch]:
        """What `read` gave, as the parts of the step's batch."""
        blocks = torch.split(x_BCT, [len(part) for part in self._parts])
        return [
            Batch(block_BCT, Draws(self._seed, "train", step, part), self._part)
            for block_BCT, part in zip(blocks, self._parts, strict=True)
        ]

    def whole(self, step: int) -> Batch:
        """The batch of a step undivided, the same on every rank."""
        return Batch.whole(self._cropper.read(self.crops(step)), self._seed, "train", step)


class ValidationBatches:
    """All crops of the held-out records, always the same, in batches as large as a part of a training batch.

    A last batch of less than half that size is joined to the one before it, so that every rank has crops of each.

    Raises:
        WorldError: a batch has fewer crops than there are ranks.
    """

    def __init__(
        self, cropper: Cropper, rows: Sequence[int] | Rows, config: PretrainConfig, share: Share = ALONE
    ) -> None:
        self._cropper, self._seed, self._share = cropper, config.seed, share
        rows_N = np.asarray(rows, dtype=np.int64)
        places = zip(rows_N.tolist(), cropper.rooms(rows_N).tolist(), cropper.reaches(rows_N).tolist(), strict=True)
        self.crops = [Crop(row, start) for row, room, reach in places for start in range(0, room + 1, reach)]
        size = config.batch_size // config.accumulate
        starts = list(range(0, len(self.crops), size))
        if len(starts) > 1 and 2 * (len(self.crops) - starts[-1]) < size:
            starts.pop()
        self._bounds = list(itertools.pairwise([*starts, len(self.crops)])) if starts else []
        smallest = min((last - first for first, last in self._bounds), default=share.world)
        if smallest < share.world:
            raise WorldError(
                "pretraining",
                f"{smallest} held-out crops cannot be shared by {share.world} ranks",
                "Hold out more patients, or use fewer ranks",
                fault="too_few_records",
            )

    def __iter__(self) -> Iterator[Batch]:
        """Batches in order, this rank's crops of each."""
        for number, (first, last) in enumerate(self._bounds):
            own = self._share.of(last - first)
            x_BCT = self._cropper.read(self.crops[first + own.start : first + own.stop])
            yield Batch(x_BCT, Draws(self._seed, "validation", number, tuple(own)), last - first)
