"""Small models and recordings for tests of vettings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.contract.card import Lineage, ModelCard, Output, Preprocessing
from engine.contract.errors import WorldError
from engine.data.golden import GoldenECG
from engine.zoo.external import LoadedExternal

FEED = Preprocessing(rate_hz=100, window_s=1, clip_mv=None)
LOGITS = Output(name="logits", kind="logits", classes=("A", "B"), activation="sigmoid")

Answer = Callable[[np.ndarray], dict[str, np.ndarray]]


class Fake:
    """A runner made of a function of windows."""

    def __init__(self, answer: Answer, most: int = 10_000) -> None:
        self.answer, self.most, self.batches, self.closed = answer, most, [], 0

    def run(self, x_NCT: np.ndarray, singly: bool = False) -> dict[str, np.ndarray]:
        parts = np.split(x_NCT, len(x_NCT)) if singly else [x_NCT]
        self.batches += [len(part) for part in parts]
        if max(len(part) for part in parts) > self.most:
            raise WorldError("vendor model", "it fails on its input", "Ask its maker", fault="model_failed")
        told = [self.answer(part) for part in parts]
        try:
            return {name: np.concatenate([one[name] for one in told]) for name in told[0]}
        except ValueError:  # as the sandbox says it
            reason = "its answers do not fit together"
            raise WorldError("vendor model", reason, "Ask", fault="model_output") from None

    def close(self) -> None:
        self.closed += 1


def sums(x_NCT: np.ndarray) -> dict[str, np.ndarray]:
    """Two logits: sizes of the first and of the last lead."""
    return {"logits": x_NCT[:, [0, -1]].std(axis=2) * 10 - 1}


def loaded(
    answer: Answer = sums, outputs: tuple[Output, ...] = (LOGITS,), feed: Preprocessing = FEED
) -> LoadedExternal:
    return LoadedExternal("vendor", feed, tuple(outputs), "s" * 64, "i", lambda: Fake(answer))


def golden(count: int = 4, seconds: float = 4.0, rate_hz: float = 200.0) -> list[GoldenECG]:
    """Twelve leads of spikes and noise, each lead larger than the one before, other sizes in each recording."""
    rng = np.random.default_rng(3)
    told = []
    for n in range(count):
        samples = round(seconds * rate_hz)
        beat = np.exp(-(((np.arange(samples) % round(0.8 * rate_hz)) / rate_hz - 0.3) ** 2) / 5e-4)
        leads = np.outer(np.arange(1, 13) * 0.1 * (1 + 0.3 * n), beat) + rng.normal(0, 0.02, (12, samples))
        told.append(GoldenECG(f"g{n}", leads.astype(np.float32), rate_hz))
    return told


def whole_card(**more: object) -> ModelCard:
    """A card of which nothing is open."""
    told: dict[str, object] = {
        "name": "vendor",
        "source": "external",
        "developer": "Somebody",
        "licence": "MIT",
        "permitted_use": "research",
        "non_commercial": False,
        "intended_use": "tests",
        "population": "adults",
        "eligibility": ("age 18..",),
        "preprocessing": FEED,
        "outputs": (LOGITS,),
        "lineage": Lineage(objective="supervised", backbone="sums", corpus="none", parameters=2),
    }
    return ModelCard.model_validate({**told, **more})
