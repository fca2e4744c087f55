"""Modes that are trained on crops: every patient is scored by a model that has not seen him, a training for each part.

Where the split has no validation part, a share of each part's training patients chooses the epoch. They have scores of
that part's model, too, so that thresholds can be chosen on them; the epoch was chosen on them as well.

What a score is: the log-odds of the mean probability, less the log-odds of the label's share among the training
recordings. As with the linear probe that share follows who was held out, and pooled over folds it would push the scores
of chance below an AUROC of one half.

Shapes: N recordings, L labels, K measured numbers, O = L + K outputs, D width.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from engine.backbones.base import Backbone
from engine.contract.errors import WorldError
from engine.contract.evaluation import EvaluateConfig, HeadHistory
from engine.data.splits import holdout
from engine.evaluation.head_data import Crops, Examples
from engine.evaluation.head_training import Aims, HeadModel, Trainer
from engine.evaluation.opened import Opened
from engine.evaluation.probe import Part, parts_of
from engine.evaluation.ridge import LEAST
from engine.ranks.draws import draw_seed

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

TRAINED = ("finetune", "supervised")
"""Modes that train the model itself, not only a head."""

CERTAIN = 1e-7
"""Probabilities are kept this far from 0 and 1, the reach of float32, so that log-odds are finite."""


@dataclass
class Trained:
    """What the trainings of all parts tell.

    Attributes:
        score_NL: NaN where there is none.
        probability_NL: as the model gives it.
        prediction_NK: of measured numbers, in their own unit.
        problems: per label index, why it has no score.
        number_problems: per target index, why it has no prediction.
        histories: one a part.
        models: what was trained, where there is a single part and it was not frozen.
    """

    score_NL: Floats
    probability_NL: Floats
    prediction_NK: Floats
    problems: dict[int, str] = field(default_factory=dict)
    number_problems: dict[int, str] = field(default_factory=dict)
    histories: list[HeadHistory] = field(default_factory=list)
    models: list[Backbone] = field(default_factory=list)


def cross_trained(
    config: EvaluateConfig,
    opened: Opened,
    crops: Crops,
    examples: Examples,
    device: torch.device,
    told: Callable[[int], None],
) -> Trained:
    """Train a model for every part and score everybody once.

    Args:
        config: mode, settings and seed.
        opened: labels and numbers with the split.
        crops: the recordings and the model.
        examples: the crops themselves, or tokens of the frozen model.
        device: where it runs.
        told: told how many epochs of all parts are done; may raise to stop.

    Raises:
        WorldError: a part has too few patients to train on, or its training does not converge.
    """
    shape_NL, shape_NK = opened.y_NL.shape, opened.target_NK.shape
    out = Trained(np.full(shape_NL, np.nan), np.full(shape_NL, np.nan), np.full(shape_NK, np.nan))
    usable_N = examples.usable()
    done = 0
    parts = parts_of(opened.split)
    for part in parts:
        train_M, held_out_M, scored_M = _rows(config, opened, part, usable_N)
        mean_K, spread_K = _scale(opened.target_NK[train_M])
        aims = Aims(opened.y_NL, (opened.target_NK - mean_K) / spread_K)
        _note_problems(out, opened, part, train_M)
        outputs = shape_NL[1] + shape_NK[1]
        trunk = copy.deepcopy(crops.model.module) if config.mode in TRAINED else None
        seed = draw_seed(config.seed, f"head/{part.name}")
        model = HeadModel(config.mode, trunk, crops.model.module.width, outputs, seed)
        trainer = Trainer(model, config.mode, config.training, examples, aims, config.seed, part.name, device)
        before = done
        best, epochs = trainer.fit(train_M, held_out_M, lambda epoch, before=before: told(before + epoch))  # type: ignore[misc]
        done += config.training.epochs
        rows_M = np.concatenate([scored_M, held_out_M]) if part.name == "test" else scored_M
        _keep(out, trainer.outputs(rows_M), rows_M, opened.y_NL[train_M], (mean_K, spread_K))
        out.histories.append(HeadHistory(part=part.name, best_epoch=best, epochs=epochs))
        if trunk is not None and len(parts) == 1:
            out.models.append(trunk.eval())
    for label in out.problems:
        # A label scored in some folds only would be judged on a chosen part of the patients.
        out.score_NL[:, label] = out.probability_NL[:, label] = np.nan
    for target in out.number_problems:
        out.prediction_NK[:, target] = np.nan
    return out


def _rows(config: EvaluateConfig, opened: Opened, part: Part, usable_N: NDArray[np.bool_]) -> tuple[Rows, Rows, Rows]:
    """Recordings that are learned from, that choose the epoch, and that are scored."""
    train_M = np.flatnonzero(part.train_N & usable_N)
    scored_M = np.flatnonzero(part.score_N & usable_N)
    validation_M = np.flatnonzero(np.array([side == "validation" for side in opened.split]) & usable_N)
    if len(validation_M):
        return train_M, validation_M, scored_M
    people = [opened.patients[row] for row in train_M.tolist()]
    if len(set(people)) < 2:
        reason = f"it needs two patients with a recording that fills a window, and there are {len(set(people))}"
        raise WorldError(f"training of {part.name}", reason, "Choose a larger cohort, or a model of a shorter window")
    held = np.array(holdout(people, config.training.validation_share, config.seed), dtype=bool)
    return train_M[~held], train_M[held], scored_M


def _scale(target_MK: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each number over the training recordings."""
    with np.errstate(invalid="ignore"):
        known_MK = np.ma.masked_invalid(target_MK)
        mean_K, spread_K = known_MK.mean(axis=0).filled(0.0), known_MK.std(axis=0).filled(1.0)
    return np.atleast_1d(mean_K), np.where(np.atleast_1d(spread_K) > 0, np.atleast_1d(spread_K), 1.0)


def _note_problems(out: Trained, opened: Opened, part: Part, train_M: Rows) -> None:
    for label in range(opened.y_NL.shape[1]):
        y_M = opened.y_NL[train_M, label]
        lacking = "positive" if not (y_M == 1).any() else "negative" if not (y_M == 0).any() else ""
        if lacking:
            out.problems.setdefault(label, f"{part.name}: no {lacking} recording to train on")
    for target in range(opened.target_NK.shape[1]):
        known = int(np.isfinite(opened.target_NK[train_M, target]).sum())
        if known < LEAST:
            told = f"{part.name}: {known} recordings with a value to train on, {LEAST} are needed"
            out.number_problems.setdefault(target, told)


def _keep(out: Trained, output_MO: Floats, rows_M: Rows, y_TL: Floats, scale: tuple[Floats, Floats]) -> None:
    """Outputs of one part's model, laid into the whole."""
    labels = out.score_NL.shape[1]
    probability_ML = output_MO[:, :labels]
    with np.errstate(invalid="ignore"):
        share_L = np.clip(np.ma.masked_invalid(y_TL).mean(axis=0).filled(0.5), CERTAIN, 1 - CERTAIN)
    out.probability_NL[rows_M] = probability_ML
    out.score_NL[rows_M] = _log_odds(probability_ML) - _log_odds(np.atleast_1d(share_L))
    out.prediction_NK[rows_M] = output_MO[:, labels:] * scale[1] + scale[0]


def _log_odds(share: Floats) -> Floats:
    kept = np.clip(share, CERTAIN, 1 - CERTAIN)
    return np.asarray(np.log(kept / (1 - kept)), dtype=np.float64)
