"""Many crops of one length out of memory-mapped shards, in one pass where compiled code is here: read, scaled, turned.

What decides the speed is memory, not arithmetic: int16 steps are read once, float32 millivolts are written once, and
the next crop is fetched while one is turned. Without compiled code numpy does the same in three passes; both give the
same bits.

Shapes: B crops, T samples of each, C leads (12).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.data import layout
from engine.native import samples

Shards = Callable[[int, int], NDArray[np.int16]]
"""Steps [T, 12] of a shard, by its number, once they are as many as the second number says."""


def write_crops(
    shards: Shards,
    shard_B: NDArray[np.uint32],
    firsts_B: NDArray[np.int64],
    steps_per_mv_BC: NDArray[np.float64],
    out_BCT: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Write crops as float32 millivolts, NaN where missing.

    Args:
        shards: where their steps are.
        shard_B: the shard of each.
        firsts_B: where in it each starts, in samples.
        steps_per_mv_BC: what their steps are worth.
        out_BCT: where they are written to.

    Returns:
        Which of them miss a sample, [B].
    """
    if samples.ready():
        # Held until the crops are written: an address keeps no map alive, and a shard that has grown is mapped anew.
        from_B, held = addresses(shards, shard_B, firsts_B, out_BCT.shape[2])
        holes_B = samples.crops(from_B, layout.MISSING, steps_per_mv_BC.astype(np.float32), out_BCT)
        del held
        return holes_B
    return _by_numpy(shards, shard_B, firsts_B, steps_per_mv_BC, out_BCT)


def addresses(
    shards: Shards, shard_B: NDArray[np.uint32], firsts_B: NDArray[np.int64], length: int
) -> tuple[NDArray[np.uint64], list[NDArray[np.int16]]]:
    """Where crops start in memory, [B], once it is certain that their shards hold them whole; and these shards.

    Raises:
        IndexError: one starts before its shard.
    """
    if (firsts_B < 0).any():
        raise IndexError("the crop starts before its shard")
    from_B, held = firsts_B * layout.SAMPLE_BYTES, []
    for shard in set(shard_B.tolist()):
        there_B = shard_B == shard
        needed = int(firsts_B[there_B].max()) + length
        held.append(shards(shard, needed))
        from_B[there_B] += held[-1].ctypes.data
    return from_B.astype(np.uint64), held


def _by_numpy(
    shards: Shards,
    shard_B: NDArray[np.uint32],
    firsts_B: NDArray[np.int64],
    steps_per_mv_BC: NDArray[np.float64],
    out_BCT: NDArray[np.float32],
) -> NDArray[np.bool_]:
    B, C, T = out_BCT.shape
    steps_BTC = np.empty((B, T, C), dtype=np.int16)
    for steps_TC, shard, first in zip(steps_BTC, shard_B.tolist(), firsts_B.tolist(), strict=True):
        steps_TC[:] = shards(shard, first + T)[first : first + T]
    out_BCT[:] = steps_BTC.transpose(0, 2, 1)
    out_BCT /= steps_per_mv_BC.astype(np.float32)[:, :, None]
    holes_B: NDArray[np.bool_] = steps_BTC.reshape(B, T * C).min(axis=1, initial=0) == layout.MISSING
    for crop in np.flatnonzero(holes_B):
        out_BCT[crop][steps_BTC[crop].T == layout.MISSING] = np.nan
    return holes_B
