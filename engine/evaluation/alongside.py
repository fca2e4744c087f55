"""The linear probe beside a pretraining: what the backbone's features are worth on labelled recordings, at a step.

It is the probe of evaluations on the same pooled features: mean over tokens, then over the recording's windows, of the
last layer. Embeddings are not kept, since the weights change; scores are, so that the forgetting check can pair two
points of a run that was cut in between. Labels were opened for this run and stay in memory for its length only.

Legend: N recordings, L labels, D width.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.backbones.base import Backbone
from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError, disk_error
from engine.contract.results import ProbeChange, ProbePoint
from engine.contract.run import ManifestRow, RunFolder
from engine.data.embedding_cache import NoCache
from engine.data.store import Store
from engine.evaluation.embed import embed
from engine.evaluation.judge import judge, tested
from engine.evaluation.opened import Opened, read_arrays
from engine.evaluation.probe import cross_validated, parts_of
from engine.metrics.estimates import difference_estimate, macro_difference, measure
from engine.metrics.uncertainty import draw_multiplicities, patient_codes
from engine.training.parent import preprocessing
from engine.zoo.native import LoadedModel

PROBE, SCORES = "probe.csv", "probes"
RESAMPLES, CONFIDENCE, SEED = 2000, 0.95, 0
"""As an evaluation has them by default. The seed is not the run's: points of runs with other seeds are compared."""

AGAIN = "Start the run from Isoline, which opens its labels"

Floats = NDArray[np.float64]


class LinearProbe:
    """A probe on the labelled recordings of a run folder: labels.npz, and probe.csv with their parts of the split.

    Args:
        folder: the run; scores of every point are kept in its folder `probes`.
        config: of the pretraining; `config.probe` names the labels.

    Raises:
        WorldError: labels or split were not opened for this run, or do not belong together.
    """

    def __init__(self, folder: RunFolder, config: PretrainConfig) -> None:
        assert config.probe is not None
        self._config, self._scores = config, folder.path / SCORES
        self._opened = open_probe(folder, config.probe.labels)
        self._rows = tested(self._opened).rows_N
        self._store = Store.open(Path(config.store))
        self._feed = preprocessing(config)

    def __call__(self, backbone: Backbone, step: int) -> ProbePoint:
        """Probe the backbone as it stands after `step` steps; it is left as it was."""
        opened, rows = self._opened, self._rows
        features_ND = self._features(backbone)
        told = cross_validated(features_ND, opened.y_NL, opened.patients, opened.split, SEED)
        self._keep(step, told.score_NL[rows])
        judged = judge(
            opened.labels,
            opened.y_NL[rows],
            told.score_NL[rows],
            self._patients,
            resamples=RESAMPLES,
            confidence=CONFIDENCE,
            seed=SEED,
            problems=told.problems,
        )
        return ProbePoint(step=step, macro=judged.macro, labels=judged.labels)

    def change(self, first: int, last: int) -> list[ProbeChange]:
        """Paired differences, point of step `last` minus point of step `first`, by label and for "macro".

        The same recordings, the same patient resamples; only patients unseen by the model that scores them.
        """
        codes_N, count = patient_codes(self._patients)
        weight_PB = draw_multiplicities(count, RESAMPLES, SEED)
        y_NL, before_NL, after_NL = self._opened.y_NL[self._rows], self._kept(first), self._kept(last)
        # Both points on the recordings that both can score, or the difference would compare two test sets.
        y_NL = np.where(np.isfinite(before_NL) & np.isfinite(after_NL), y_NL, np.nan)
        pairs = [
            tuple(measure(y_NL[:, n], score_NL[:, n], codes_N, weight_PB) for score_NL in (after_NL, before_NL))
            for n in range(len(self._opened.labels))
        ]
        told = [
            ProbeChange(label=label, estimate=difference_estimate(after, before, CONFIDENCE))
            for label, (after, before) in zip(self._opened.labels, pairs, strict=True)
        ]
        macro = macro_difference([(a, b) for a, b in pairs], len(y_NL), count, CONFIDENCE)
        return [ProbeChange(label="macro", estimate=macro), *told]

    @property
    def _patients(self) -> list[str]:
        return [self._opened.patients[row] for row in self._rows]

    def _features(self, backbone: Backbone) -> Floats:
        """Pooled features [N, D] of the last layer, computed afresh."""
        model = LoadedModel("probed", backbone, self._config.backbone, self._feed, "", backbone.layer_names)
        was_training = backbone.training
        backbone.eval()
        try:
            device = next(backbone.parameters()).device
            embedded = embed(model, self._store, self._opened.record_ids, NoCache(), device=device)
        finally:
            backbone.train(was_training)
        return embedded.layers[backbone.layer_names[-1]].astype(np.float64)

    def _keep(self, step: int, score_NL: Floats) -> None:
        path = self._path(step)
        draft = path.with_name(path.name + ".tmp")
        try:
            self._scores.mkdir(exist_ok=True)
            with draft.open("wb") as file:
                np.savez(file, scores=score_NL)
            os.replace(draft, path)
        except OSError as error:
            raise disk_error(error, "probe scores") from None

    def _kept(self, step: int) -> Floats:
        arrays = read_arrays(self._path(step), f"probe scores of step {step}", "Start a copy of the run")
        return np.asarray(arrays["scores"], dtype=np.float64)

    def _path(self, step: int) -> Path:
        return self._scores / f"step-{step:06d}.npz"


def open_probe(folder: RunFolder, labels: Sequence[str]) -> Opened:
    """Labels and split of a run's probe; all labels when none is named.

    Raises:
        WorldError: they are missing, damaged, do not belong together, or have neither folds nor train and test.
    """
    arrays = read_arrays(folder.labels_path, "labels of the probe", AGAIN)
    rows = _split(folder.path / PROBE)
    known = [str(name) for name in arrays["labels"].tolist()]
    absent = [label for label in labels if label not in known]
    if absent:
        raise WorldError("labels of the probe", f"there is none called {', '.join(absent)}", "Choose other labels")
    if not rows or arrays["record_id"].tolist() != [row.record_id for row in rows]:
        raise WorldError("labels of the probe", "they are not those of its recordings", AGAIN)
    chosen = list(labels) or known
    parts_of([row.split for row in rows])
    return Opened(
        [row.record_id for row in rows],
        [row.patient for row in rows],
        [row.split for row in rows],
        chosen,
        arrays["y"].astype(np.float64)[:, [known.index(label) for label in chosen]],
        arrays["age"].astype(np.float64),
        arrays["sex"].astype(np.float64),
    )


def _split(path: Path) -> list[ManifestRow]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [ManifestRow(**row) for row in csv.DictReader(file)]
    except FileNotFoundError:
        raise WorldError("split of the probe", "it is not there", AGAIN) from None
    except (OSError, UnicodeDecodeError, csv.Error, TypeError) as error:
        raise WorldError("split of the probe", f"it cannot be read ({type(error).__name__})", AGAIN) from None
