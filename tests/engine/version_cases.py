"""Two versions of a product as somebody's scores, held against each other by the engine's own lifecycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.contract.config import EvaluateConfig, PredictionsModel, VersionConfig
from engine.contract.results import VersionResults, parse_results
from engine.contract.run import ManifestRow, RunFolder
from engine.lifecycle import work

LABELS = ("AF", "LBBB")
RECORDS, PATIENTS = 360, 240


def moved(probability: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Probabilities with something added to their log odds."""
    return 1 / (1 + np.exp(-(np.log(probability / (1 - probability)) + shift)))


class Versions:
    """360 recordings of 240 patients, half of them tested; AF in 30 %, LBBB in 8 % of patients, some labels unknown."""

    def __init__(self, path: Path, seed: int = 0) -> None:
        self.path, self.count, self.labels = path, 0, LABELS
        rng = np.random.default_rng(seed)
        owner = np.r_[np.arange(PATIENTS), rng.integers(PATIENTS, size=RECORDS - PATIENTS)]
        self.ids = [f"{n:064x}" for n in range(RECORDS)]
        self.patients = [f"p{n:03}" for n in owner]
        self.y = np.stack([(rng.random(PATIENTS) < share)[owner] for share in (0.3, 0.08)], axis=1).astype(float)
        self.y[rng.random(RECORDS) < 0.05, 0] = np.nan
        self.age, self.sex = 40 + 40 * rng.random(PATIENTS)[owner], (owner % 2).astype(float)
        self.device = np.where(owner < 10, "cart C", np.where(owner % 3 == 0, "cart A", "cart B"))
        self.split = ["train" if n % 2 else "test" for n in owner]
        self.old = self.scores(rng, 1.2)
        self.new = moved(self.old, 1.2 * rng.standard_normal(self.old.shape))

    def scores(self, rng: np.random.Generator, gap: float) -> np.ndarray:
        """Probabilities [records, labels] that tell the classes apart by `gap` standard deviations."""
        known = np.nan_to_num(self.y, nan=0.5)
        return 1 / (1 + np.exp(-(gap * (2 * known - 1) - 0.5 + rng.standard_normal(known.shape))))

    def folder(self, config: object, split: list[str] | None = None, **changes: object) -> RunFolder:
        """A run folder with its labels opened."""
        self.count += 1
        rows = [ManifestRow(*row) for row in zip(self.ids, self.patients, split or self.split, strict=True)]
        folder = RunFolder.create(self.path / f"run{self.count}", config, rows)
        arrays = {
            "record_id": np.array(self.ids),
            "patient": np.array(self.patients),
            "labels": np.array(self.labels),
            "y": self.y,
            "age": self.age,
            "sex": self.sex,
            "group_device": self.device,
        }
        np.savez(folder.labels_path, **{**arrays, **changes})
        return folder

    def evaluate(self, name: str, score: np.ndarray, output: str = "probability", labels=None, split=None) -> RunFolder:
        """A finished evaluation of scores [records, labels]; NaN is no output."""
        labels = labels or self.labels
        rows = [
            (record, label, score[n, self.labels.index(label)])
            for n, record in enumerate(self.ids)
            for label in labels
            if np.isfinite(score[n, self.labels.index(label)])
        ]
        record, label, value = zip(*rows, strict=True)
        file = self.path / f"{name}-{self.count}.npz"
        np.savez(file, record_id=np.array(record), label=np.array(label), score=np.array(value, dtype=float))
        model = PredictionsModel(name=name, file=str(file), output=output)
        config = EvaluateConfig(model=model, labels=labels, split_id="S-1", resamples=100, subgroups=())
        folder = self.folder(config, split)
        assert work("evaluate", folder.path) == 0
        return folder

    def queued(self, old: RunFolder, new: RunFolder, labels=None, **settings: object) -> RunFolder:
        """A version regression that waits."""
        paths = (str(old.path), str(new.path))
        config = VersionConfig(
            evaluations=paths,
            names=("v1", "v2"),
            labels=labels or self.labels,
            split_id="S-1",
            **{"resamples": 100, **settings},
        )
        return self.folder(config)

    def compare(self, old: RunFolder, new: RunFolder, labels=None, **settings: object) -> VersionResults:
        """What a version regression finds."""
        folder = self.queued(old, new, labels, **settings)
        assert work("version", folder.path) == 0
        found = parse_results(folder.results_path.read_text())
        assert isinstance(found, VersionResults)
        return found
