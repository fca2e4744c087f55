"""Crops read ahead of the steps that need them, so that the device never waits for the disk.

A batch is a pure function of its step, so it does not matter who reads it: a thread beside the training, or processes
of their own (spawned: a fork after CUDA has started is not safe, and Windows has none). The processes watch their
parent and end when it is gone, however it went.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from engine.contract.errors import WorldError
from engine.objectives.base import Batch
from engine.training.batches import TrainingBatches

AHEAD = 4
"""Batches that a thread or each process has ready."""


class Feed(Protocol):
    """Training batches in the order of their steps."""

    def take(self, step: int) -> list[Batch]:
        """The parts of the batch of this step, which must be the next one."""
        ...

    def close(self) -> None:
        """End whoever reads ahead."""
        ...


def open_feed(batches: TrainingBatches, loaders: int, device: torch.device, first: int, last: int) -> Feed:
    """Read ahead the batches of steps `first` to `last` - 1.

    Args:
        batches: what is read.
        loaders: processes that read; 0 reads in a thread.
        device: crops for a GPU are read into pinned memory, from which they travel while it works.
        first: the first step.
        last: the step at which it ends.
    """
    pinned = device.type == "cuda"
    if loaders:
        return ProcessFeed(batches, loaders, pinned, first, last)
    return ThreadFeed(batches, pinned, first, last)


class ThreadFeed:
    """One thread that reads ahead; whatever it fails with is raised where the batch is taken."""

    def __init__(self, batches: TrainingBatches, pinned: bool, first: int, last: int) -> None:
        self._batches, self._pinned = batches, pinned
        self._ready: queue.Queue[Tensor | BaseException] = queue.Queue(AHEAD)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(first, last), name="feed", daemon=True)
        self._thread.start()

    def take(self, step: int) -> list[Batch]:
        """The parts of the batch of this step."""
        told = self._ready.get()
        if isinstance(told, BaseException):
            raise told
        return self._batches.parts(step, told)

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        while self._thread.is_alive():  # it may wait for room
            try:
                self._ready.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()

    def _read(self, first: int, last: int) -> None:
        try:
            for step in range(first, last):
                x_BCT = self._batches.read(step)
                self._ready.put(x_BCT.pin_memory() if self._pinned else x_BCT)
                if self._ended.is_set():
                    return
        except BaseException as error:
            self._ready.put(error)


class _Steps(Dataset[Tensor]):
    """Batches by step, as torch's loader asks for them."""

    def __init__(self, batches: TrainingBatches) -> None:
        self._batches = batches

    def __getitem__(self, step: int) -> Tensor:
        return self._batches.read(step)


class ProcessFeed:
    """Processes that read ahead, one batch each in turn."""

    def __init__(self, batches: TrainingBatches, loaders: int, pinned: bool, first: int, last: int) -> None:
        self._batches = batches
        loader: DataLoader[Tensor] = DataLoader(
            _Steps(batches),
            batch_size=None,
            sampler=range(first, last),
            num_workers=loaders,
            prefetch_factor=AHEAD,
            pin_memory=pinned,
            multiprocessing_context="spawn",
            worker_init_fn=_ignore_interrupts,
        )
        self._crops: Iterator[Tensor] | None = iter(loader)

    def take(self, step: int) -> list[Batch]:
        """The parts of the batch of this step."""
        assert self._crops is not None
        try:
            return self._batches.parts(step, next(self._crops))
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise WorldError(
                "pretraining",
                "a process that reads crops ended unexpectedly (killed, or out of memory)",
                "Resume with fewer loaders",
                fault="loader_lost",
            ) from None

    def close(self) -> None:
        """End the processes: torch does so when the iterator goes."""
        self._crops = None


def _ignore_interrupts(_: int) -> None:
    """Ctrl+C reaches the whole group of processes; it is the trainer who decides when to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
