"""What kept tokens are worth: an evaluation in mode "frozen" with them, without them, and the one that keeps them.

Without them a recording goes through the model in every epoch. All three draw the same windows and must tell the same
scores. CPU time of this process, one thread; sides take turns.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.bench.measure import interleaved
from engine.contract.config import EvaluateConfig, HeadTraining, RandomModel, S4Config
from engine.contract.events import SilentWriter
from engine.contract.run import RunFolder
from engine.data.store import Store
from engine.evaluation.opened import Opened
from engine.evaluation.trained_scoring import trained_scores
from engine.signal.recording import Recording

ROUNDS = 3
TOLERANCE = 1e-3
"""Of scores, in log-odds: rounding of a pass in other batches, carried on by AdamW over the epochs."""


@dataclass(frozen=True)
class Size:
    """How much is measured; recordings last 10 s, four windows each."""

    recordings: int = 24
    epochs: int = 10
    width: int = 512
    depth: int = 4
    rounds: int = ROUNDS


FULL, TINY = Size(), Size(recordings=8, epochs=2, width=16, depth=1, rounds=1)


@dataclass(frozen=True)
class Row:
    """One figure, as rows of `isoline bench evaluation` are told; milliseconds of CPU time of a whole evaluation.

    Attributes:
        goal_ratio: None: what is spared grows with epochs, tasks and seeds.
        error: largest difference of scores.
    """

    name: str
    what: str
    unit: str
    ours_ms: float
    alternative: str
    alternative_ms: float
    goal_ratio: float | None
    error: float
    tolerance: float
    ratio: float
    equal: bool
    met: bool


def run(size: Size = FULL) -> list[dict[str, Any]]:
    """Measure; rows that are ready for JSON."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            return _rows(_Bench(Path(scratch), size), size)
    finally:
        torch.set_num_threads(threads)


def _rows(bench: _Bench, size: Size) -> list[dict[str, Any]]:
    told: dict[str, NDArray[np.float64]] = {}

    def first() -> None:
        shutil.rmtree(bench.cache, ignore_errors=True)
        told["first"] = bench.scores()

    def next_one() -> None:
        told["next"] = bench.scores()

    def without() -> None:
        told["without"] = bench.scores(token_gb=0.0)

    # In this order the second finds what the first has kept.
    first_ms, next_ms, without_ms = (
        timed.milliseconds for timed in interleaved([first, next_one, without], size.rounds)
    )
    errors = [float(np.abs(told[name] - told["without"]).max()) for name in ("first", "next")]
    what = f"Mode frozen, {size.recordings} recordings, {size.epochs} epochs, S4 of width {size.width}"
    pairs = (
        ("frozen-next", "tokens kept", next_ms, errors[1]),
        ("frozen-first", "keeping tokens", first_ms, errors[0]),
    )
    return [
        asdict(
            Row(
                name=name,
                what=f"{what}, {how}",
                unit="run",
                ours_ms=ours_ms,
                alternative="through the model in every epoch",
                alternative_ms=without_ms,
                goal_ratio=None,
                error=error,
                tolerance=TOLERANCE,
                ratio=without_ms / ours_ms,
                equal=error <= TOLERANCE,
                met=error <= TOLERANCE,
            )
        )
        for name, how, ours_ms, error in pairs
    ]


class _Bench:
    """A store of noise with labels, and evaluations on it."""

    def __init__(self, scratch: Path, size: Size) -> None:
        rng = np.random.default_rng(0)
        self.cache, self._scratch, self._runs = scratch / "cache", scratch, 0
        with Store.create(scratch / "store") as store:
            for number in range(size.recordings):
                signal_CT = rng.standard_normal((12, 5000)).astype(np.float32)
                store.append(Recording(signal_CT, 500.0, file_sha256=f"{number:064x}"))
        whole = Store.open(scratch / "store")
        ids = [whole.entry(row).record_id for row in range(size.recordings)]
        places = np.arange(size.recordings)
        self._opened = Opened(
            record_ids=ids,
            patients=[f"p{place}" for place in places],
            split=["train" if place % 4 < 2 else "validation" if place % 4 == 2 else "test" for place in places],
            labels=["A"],
            y_NL=(places // 4 % 2).astype(np.float64)[:, None],
            age_N=np.full(size.recordings, np.nan),
            sex_N=np.full(size.recordings, np.nan),
            target_NK=np.empty((size.recordings, 0)),
        )
        self._config = EvaluateConfig(
            store=str(scratch / "store"),
            cache=str(self.cache),
            model=RandomModel(name="random", backbone=S4Config(width=size.width, depth=size.depth), seed=0),
            labels=("A",),
            mode="frozen",
            training=HeadTraining(epochs=size.epochs, batch_size=16),
            threads=1,
            device="cpu",
        )

    def scores(self, **changes: float) -> NDArray[np.float64]:
        """Scores of the tested recordings by a whole training."""
        config, self._runs = self._config.model_copy(update=changes), self._runs + 1
        folder = RunFolder.create(self._scratch / f"run{self._runs}", config)
        told = trained_scores(folder, config, SilentWriter(), self._opened, [])
        return told.score_NL[np.isfinite(told.score_NL).all(axis=1)]
