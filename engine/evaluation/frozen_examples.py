"""What heads of a frozen model are trained on and judged by: kept windows, or a pass through the model every time.

The same windows are drawn either way, from the same random numbers; on a CPU the two give equal numbers to rounding.
Crops cut at random anywhere, as the method has them (5.2), are other crops in every epoch: no kept pass can serve them.
They are drawn and embedded in every epoch, and only validation and test, whose windows are fixed, come from the cache.

Shapes: N recordings, W windows of a recording, B crops, L tokens, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.backbones.fused import for_inference
from engine.contract.evaluation import EvaluateConfig
from engine.contract.events import EventWriter, Warned
from engine.contract.run import RunFolder
from engine.data.embedding_cache import EmbeddingCache, cache_key
from engine.data.window_cache import Held
from engine.evaluation.embed import fill
from engine.evaluation.head_data import Crops, Examples, Rows
from engine.evaluation.kept_windows import SEEN, KeptWindows, kind_for
from engine.evaluation.progress import Pace

LOST = (
    "Another run needed the room in which tokens were kept: recordings pass through the model again in every epoch, "
    "which takes far longer and gives the same numbers to rounding; allow more by the setting token_gb"
)


def frozen_examples(
    folder: RunFolder,
    config: EvaluateConfig,
    events: EventWriter,
    crops: Crops,
    record_ids: list[str],
    device: torch.device,
) -> Examples:
    """Examples for the heads of a frozen model; what is missing of them is made in one pass and kept.

    Args:
        folder: of the run; the cache is in it where the config names none.
        config: mode, budget, how crops are drawn.
        events: told of the pass, and where tokens cannot be kept.
        crops: the recordings and the model.
        record_ids: their ids.
        device: where the model runs.

    Raises:
        WorldError: a recording is damaged, or the disk refuses.
        Stopped: somebody asked.
    """
    seen, place = SEEN[config.mode], Path(config.cache) if config.cache else folder.path / "cache"
    kept = KeptWindows(place, crops, record_ids, 1e9 * config.token_gb, events)
    passing = Passing(crops, seen == "means", device, config.training.crops == "random")
    keeper = kept.keeper(kind_for([config.mode, *config.keep_for]) or seen)
    if keeper is None and seen == "means":
        keeper = kept.keeper("means")
    if keeper is None:
        return passing
    usable_N, model = crops.usable(), crops.model
    pace = Pace(folder, events, "records", "embedding", len(usable_N), first=None)
    pooled = EmbeddingCache(place, cache_key(model.sha256, model.preprocessing))
    with keeper:
        fill(
            model,
            crops.store,
            record_ids,
            pooled,
            device=device,
            batch_size=config.batch_size,
            on_progress=pace.step,
            keeper=keeper,
        )
    held = kept.held(seen)
    if not held.there_R[usable_N].all():
        events.emit(Warned(message=LOST))
        return passing
    return Kept(crops, held, passing.drawn if config.training.crops == "random" else None)


class Kept:
    """Windows of recordings from the cache.

    Args:
        crops: the recordings.
        held: what the cache holds of each.
        draw: what crops are drawn by in place of the windows that are kept.
    """

    def __init__(
        self, crops: Crops, held: Held, draw: Callable[[Rows, np.random.Generator], Tensor] | None = None
    ) -> None:
        self._counts_N, self._held, self._draw = crops.counts(), held, draw

    def usable(self) -> NDArray[np.bool_]:
        """Recordings with at least one window."""
        return self._counts_N > 0

    def drawn(self, rows_B: Rows, rng: np.random.Generator) -> Tensor:
        """Tokens of a random window of each recording."""
        if self._draw is not None:
            return self._draw(rows_B, rng)
        chosen_B = rng.integers(0, self._counts_N[rows_B])
        parts = [
            self._held.windows(row, 1, first)[0] for row, first in zip(rows_B.tolist(), chosen_B.tolist(), strict=True)
        ]
        return torch.from_numpy(np.stack(parts))

    def windows(self, row: int) -> Tensor:
        """Tokens of a recording's windows, [W, L, D]."""
        return torch.from_numpy(np.array(self._held.windows(row, int(self._counts_N[row]))))


class Passing:
    """Windows of recordings, through the model every time that they are asked for.

    Args:
        crops: the recordings.
        pooled: only the mean over tokens, which is all that a linear head looks at.
        device: where the model runs.
        anywhere: draw crops cut at random, not one of the recording's windows.
    """

    def __init__(self, crops: Crops, pooled: bool, device: torch.device, anywhere: bool = False) -> None:
        self._crops, self._pooled, self._device, self._anywhere = crops, pooled, device, anywhere
        self._counts_N = crops.counts()
        self._encode = for_inference(crops.model.module.to(device))

    def usable(self) -> NDArray[np.bool_]:
        """Recordings with at least one window."""
        return self._counts_N > 0

    def drawn(self, rows_B: Rows, rng: np.random.Generator) -> Tensor:
        """Tokens of a random crop or window of each recording."""
        if self._anywhere:
            return self._tokens(self._crops.drawn(rows_B, rng))
        chosen_B = rng.integers(0, self._counts_N[rows_B])
        pairs = zip(rows_B.tolist(), chosen_B.tolist(), strict=True)
        return self._tokens(torch.stack([self._crops.windows(row)[first] for row, first in pairs]))

    def windows(self, row: int) -> Tensor:
        """Tokens of a recording's windows, [W, L, D]."""
        return self._tokens(self._crops.windows(row))

    def _tokens(self, x_BCT: Tensor) -> Tensor:
        with torch.inference_mode():
            tokens_BLD = self._encode(x_BCT.to(self._device)).tokens_BLD
            told_BLD = (tokens_BLD.mean(dim=1, keepdim=True) if self._pooled else tokens_BLD).float()
        # Outside of inference mode: gradients of the head's weights are made of what it was fed.
        return told_BLD.clone()
