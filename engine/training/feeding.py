"""Crops read ahead of the steps that need them, so that the device never waits for the disk.

A batch is a pure function of its step, so it does not matter who reads it: a thread beside the training, or processes
of their own (spawned: a fork after CUDA has started is not safe, and Windows has none). The processes watch their
parent and end when it is gone, however it went.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from typing import Protocol, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from engine.objectives.base import Batch
from engine.training.batches import TrainingBatches
from engine.training.faults import ReaderGone

AHEAD = 4
"""Batches that a thread or each process has ready."""

DEATH_TOLD_S = 2.0
"""How long torch may take to tell that a process which reads is dead."""

Made = TypeVar("Made")


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


def ahead(making: Iterable[Made]) -> Generator[Made, None, None]:
    """The same items in the same order, made ahead by a thread; what it fails with is raised where the item is due.

    Closing the generator ends the thread.
    """
    ready: queue.Queue[Made | _End] = queue.Queue(AHEAD)
    over = threading.Event()
    thread = threading.Thread(target=_make, args=(making, ready, over), name="feed", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        over.set()
        # It may wait for room. Left unfinished, this is closed by the garbage collector, in whatever thread that runs.
        while thread.is_alive() and thread is not threading.current_thread():
            with contextlib.suppress(queue.Empty):
                ready.get(timeout=0.05)


class _End:
    """After the last item, or in place of one that could not be made."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _make(making: Iterable[Made], ready: queue.Queue[Made | _End], over: threading.Event) -> None:
    try:
        for item in making:
            ready.put(item)
            if over.is_set():
                return
        ready.put(_End())
    except BaseException as error:
        ready.put(_End(error))


class ThreadFeed:
    """One thread that reads ahead."""

    def __init__(self, batches: TrainingBatches, pinned: bool, first: int, last: int) -> None:
        self._batches = batches
        read = (batches.read(step) for step in range(first, last))
        self._crops = ahead(x_BCT.pin_memory() if pinned else x_BCT for x_BCT in read)

    def take(self, step: int) -> list[Batch]:
        """The parts of the batch of this step."""
        return self._batches.parts(step, next(self._crops))

    def close(self) -> None:
        """End the thread."""
        self._crops.close()


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
            crops = next(self._crops)
        except (ConnectionError, EOFError, FileNotFoundError) as error:
            # It died while it handed a batch over. torch tells of the death by a RuntimeError from a signal handler,
            # which is to come now and not in the middle of what follows.
            time.sleep(DEATH_TOLD_S)
            raise ReaderGone from error
        return self._batches.parts(step, crops)

    def close(self) -> None:
        """End the processes: torch does so when the iterator goes."""
        self._crops = None


def _ignore_interrupts(_: int) -> None:
    """Ctrl+C reaches the whole group of processes; it is the trainer who decides when to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
