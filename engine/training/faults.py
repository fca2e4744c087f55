"""What the machine does to a training, told as the world's error: out of memory, a GPU that is gone, a lost rank.

torch reports all of them as a RuntimeError of some kind, and the CPU's only by their text.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError

_NO_MEMORY = ("can't allocate memory", "not enough memory", "std::bad_alloc", "out of memory")
_NO_DEVICE = ("CUDA error", "CUDA driver error", "cuDNN error", "CUBLAS_STATUS", "CUDNN_STATUS", "no CUDA-capable")
_NO_RANK = ("Connection closed by peer", "Connection reset by peer", "gloo", "NCCL", "Timed out waiting", "recvValue")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, the device's or the machine's."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _NO_MEMORY)


def is_device_lost(error: BaseException) -> bool:
    """Whether the GPU failed or vanished. Nothing can be computed on it in this process any more."""
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _NO_DEVICE)


def is_rank_lost(error: BaseException) -> bool:
    """Whether another rank no longer answers."""
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _NO_RANK)


class ReaderGone(RuntimeError):
    """A process that reads crops ended while it handed a batch over."""


def is_loader_lost(error: BaseException) -> bool:
    """Whether a process that reads crops is gone; torch says so from a signal handler, wherever the training is."""
    told = isinstance(error, RuntimeError) and "DataLoader worker" in str(error)
    return told or isinstance(error, ReaderGone)


def largest_that_fits(attempt: Callable[[int], None], size: int) -> int:
    """The largest of size, size / 2, size / 4 ... for which an attempt does not run out of memory; 0 when none does.

    Args:
        attempt: does a forward and a backward pass over so many crops.
        size: where to start.
    """
    while size:
        fits = _fits(attempt, size)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if fits:
            return size
        size //= 2
    return 0


def _fits(attempt: Callable[[int], None], size: int) -> bool:
    # In a frame of its own: the exception holds the tensors of the failed attempt until it is gone.
    try:
        attempt(size)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def out_of_memory(config: PretrainConfig, asked: int, fits: int, device: str) -> WorldError:
    """Memory ran out.

    Args:
        config: of the run.
        asked: crops that one rank computed at a time.
        fits: the largest number of them that was tried and fits; 0 when not even one does.
        device: "cpu" or "cuda".
    """
    reason = f"the {device} has too little memory for {asked} crops at a time"
    if not fits:
        return WorldError("memory", f"{reason}, even for one", "Choose a smaller model or window", "out_of_memory")
    largest = fits * config.accumulate * config.ranks
    keeping = [parts for parts in range(1, config.batch_size + 1) if _splits(config, parts, fits)]
    keep = f", or accumulate = {keeping[0]} to keep the batch" if keeping else ""
    return WorldError(
        "memory",
        f"{reason}; the largest batch that fits is {largest}",
        f"Set batch_size = {largest}{keep}",
        fault="out_of_memory",
    )


def _splits(config: PretrainConfig, parts: int, fits: int) -> bool:
    """Whether so many parts divide the batch evenly into ones that fit."""
    crops, rest = divmod(config.batch_size, parts * config.ranks)
    return rest == 0 and crops <= fits


def device_lost(error: BaseException, kept: str) -> WorldError:
    """The GPU failed; `kept` says from where the run can go on."""
    first = str(error).splitlines()[0].split(". ")[0][:120] if str(error) else type(error).__name__
    return WorldError(
        "device cuda",
        f"the GPU failed or is gone ({first})",
        f"{kept}; look at the GPU (nvidia-smi), then resume",
        fault="device_lost",
    )


def loader_lost(kept: str) -> WorldError:
    """A process that reads crops was killed, or ran out of memory."""
    return WorldError(
        "pretraining",
        "a process that reads crops ended unexpectedly (killed, or out of memory)",
        f"{kept}; resume, with fewer loaders where memory is short",
        fault="loader_lost",
    )


def rank_lost(rank: int | None, world: int, kept: str) -> WorldError:
    """Another rank ended or fell silent; `rank` is its number where it is known."""
    who = "a rank" if rank is None else f"rank {rank}"
    return WorldError(
        "ranks",
        f"{who} of {world} ended or no longer answers",
        f"{kept}; its log is rank-{'N' if rank is None else rank}.log. Resume to go on",
        fault="rank_lost",
    )


def not_a_number(what: str, step: int, kept: str) -> WorldError:
    """The loss or the gradient of a step, counted from 1, is not finite."""
    return WorldError(
        "pretraining",
        f"the {what} {'are' if what == 'weights' else 'is'} not a number at step {step}",
        f"{kept}; start a copy of the run with a lower learning_rate, and look at the records it names",
        fault="not_a_number",
    )
