"""Training a head, and with it what else a mode trains, on one part's recordings (method specification, 5.2).

AdamW at constant rates; binary cross-entropy for labels and absolute error for measured numbers, each averaged over the
known rows of an output and then over outputs. After every epoch held-out training patients are scored, recordings by
the mean over their windows; the best epoch is kept. An AUROC that cannot be computed is left out, never 0.5.

What is drawn depends on the seed alone: order, crops and dropout.

Shapes: N recordings, B crops, L labels, K measured numbers, O = L + K outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.backbones.base import Backbone
from engine.contract.errors import WorldError
from engine.contract.evaluation import EpochScore, HeadTraining, Mode
from engine.evaluation.head_data import Examples, in_batches
from engine.evaluation.heads import build_head
from engine.metrics.discrimination import auroc
from engine.ranks.draws import Draws, draw_seed, drawing, numpy_generator

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Aims:
    """What is to be told of every recording.

    Attributes:
        y_NL: 1, 0, NaN where unknown.
        z_NK: measured numbers, standardised on the training recordings; NaN where unknown.
    """

    y_NL: Floats
    z_NK: Floats


class HeadModel(nn.Module):
    """A head, behind the model itself where that is trained, too.

    Args:
        mode: of the evaluation.
        trunk: the model; None where examples are its tokens already.
        width: features per token.
        outputs: of the head.
        seed: of the head's weights.
    """

    def __init__(self, mode: Mode, trunk: Backbone | None, width: int, outputs: int, seed: int) -> None:
        super().__init__()
        self.trunk, self.head = trunk, build_head(mode, width, outputs, seed)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [B, O] of crops x_BCT or of tokens."""
        told: Tensor = self.head(x if self.trunk is None else self.trunk(x).tokens_BLD)
        return told


def parameter_groups(model: HeadModel, mode: Mode, settings: HeadTraining) -> list[dict[str, object]]:
    """Head, backbone and stem with their rates; one rate for everything in mode "supervised"."""
    groups: list[dict[str, object]] = [{"params": list(model.head.parameters()), "lr": settings.head_rate}]
    if model.trunk is None:
        return groups
    stem = {id(parameter) for parameter in model.trunk.stem.parameters()}
    trained = [parameter for parameter in model.trunk.parameters() if parameter.requires_grad]
    alike = mode == "supervised"
    groups.append(
        {
            "params": [parameter for parameter in trained if id(parameter) not in stem],
            "lr": settings.head_rate if alike else settings.backbone_rate,
        }
    )
    groups.append(
        {
            "params": [parameter for parameter in trained if id(parameter) in stem],
            "lr": settings.head_rate if alike else settings.stem_rate,
        }
    )
    return groups


def masked_loss(output_BO: Tensor, y_BL: Tensor, z_BK: Tensor) -> Tensor | None:
    """Mean over labels of their cross-entropy on known rows, plus mean over numbers of their absolute error.

    An output without a known row is left out; None where there is no other.
    """
    labels = y_BL.shape[1]
    parts = []
    for told_BO, wanted_BO, loss in (
        (output_BO[:, :labels], y_BL, F.binary_cross_entropy_with_logits),
        (output_BO[:, labels:], z_BK, F.l1_loss),
    ):
        known_BO = torch.isfinite(wanted_BO)
        there_O = known_BO.any(dim=0)
        if there_O.any():
            single_BO = loss(told_BO, torch.nan_to_num(wanted_BO), reduction="none") * known_BO
            parts.append((single_BO.sum(dim=0)[there_O] / known_BO.sum(dim=0)[there_O]).mean())
    return torch.stack(parts).sum() if parts else None


class Trainer:
    """One part's training.

    Args:
        model: what learns; it is trained in place and ends with the weights of its best epoch.
        mode: of the evaluation.
        settings: epochs, rates, batch.
        examples: where crops come from.
        aims: what is to be told.
        seed: of every draw.
        name: of the part; each draws for itself.
        device: where it runs.
    """

    def __init__(
        self,
        model: HeadModel,
        mode: Mode,
        settings: HeadTraining,
        examples: Examples,
        aims: Aims,
        seed: int,
        name: str,
        device: torch.device,
    ) -> None:
        self._model, self._settings, self._examples, self._device = model.to(device), settings, examples, device
        self._seed, self._name = seed, name
        self._y_NL, self._z_NK = (torch.from_numpy(aim.astype(np.float32)) for aim in (aims.y_NL, aims.z_NK))
        groups = parameter_groups(model, mode, settings)
        self._optimizer = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)

    def fit(self, train_M: Rows, held_out_M: Rows, told: Callable[[int], None]) -> tuple[int, list[EpochScore]]:
        """Train and go back to the best epoch; its number, from 1, and all epochs.

        Args:
            train_M: recordings that are learned from.
            held_out_M: those that choose the epoch; without any estimable label among them the last one stands.
            told: told how many epochs are done; may raise to stop.
        """
        scores: list[EpochScore] = []
        best, kept = (-np.inf, 0), copy.deepcopy(self._model.state_dict())
        for epoch in range(1, self._settings.epochs + 1):
            loss = self._epoch(train_M, epoch)
            value = self._validation(held_out_M)
            scores.append(EpochScore(epoch=epoch, train_loss=loss, validation=value))
            if value is None or value > best[0]:
                best, kept = (-np.inf if value is None else value, epoch), copy.deepcopy(self._model.state_dict())
            told(epoch)
        self._model.load_state_dict(kept)
        return best[1], scores

    @torch.inference_mode()
    def outputs(self, rows_M: Rows) -> Floats:
        """Outputs of recordings, [M, O], mean over windows: probabilities of labels, and numbers in SD."""
        self._model.eval()
        labels, size = self._y_NL.shape[1], self._settings.batch_size
        told: list[Tensor] = []
        for _, x, counts in in_batches(self._examples, rows_M, self._device, size):
            output_WO = torch.cat([self._model(part) for part in torch.split(x, size)]).double()
            said_WO = torch.cat([output_WO[:, :labels].sigmoid(), output_WO[:, labels:]], dim=1)
            told += [part_WO.mean(dim=0).cpu() for part_WO in torch.split(said_WO, counts)]
        return torch.stack(told).numpy() if told else np.empty((0, labels + self._z_NK.shape[1]))

    def _epoch(self, train_M: Rows, epoch: int) -> float:
        """One pass; the mean loss over its crops."""
        self._model.train()
        total, count = 0.0, 0
        rng = numpy_generator(self._seed, f"head/{self._name}", epoch)
        for number, rows_B in enumerate(self._batches(train_M, rng)):
            x = self._examples.drawn(rows_B, rng).to(self._device)
            y_BL, z_BK = self._y_NL[rows_B].to(self._device), self._z_NK[rows_B].to(self._device)
            position = draw_seed(self._seed, self._name, epoch, number)
            draws = Draws(self._seed, f"head/{self._name}", position, tuple(range(len(rows_B))), self._device)
            with drawing(draws):
                loss = masked_loss(self._model(x), y_BL, z_BK)
            if loss is None:
                continue
            if not torch.isfinite(loss):
                raise WorldError(f"training of {self._name}", "its loss is not finite", "Choose lower learning rates")
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            total, count = total + float(loss.detach()) * len(rows_B), count + len(rows_B)
        return total / count if count else 0.0

    def _batches(self, train_M: Rows, rng: np.random.Generator) -> Iterator[Rows]:
        """Batches in random order. A rest of a single crop is left out: batch norm needs two."""
        order_M = rng.permutation(train_M)
        for start in range(0, len(order_M), self._settings.batch_size):
            rows_B = order_M[start : start + self._settings.batch_size]
            if len(rows_B) > 1 or len(order_M) == 1:
                yield rows_B

    def _validation(self, rows_M: Rows) -> float | None:
        """Macro AUROC less the mean absolute error, whichever there is; None where nothing can be estimated."""
        output_MO = self.outputs(rows_M)
        labels = self._y_NL.shape[1]
        y_ML, z_MK = self._y_NL[rows_M].double().numpy(), self._z_NK[rows_M].double().numpy()
        known_ML = np.isfinite(y_ML)
        found = [auroc(y_ML[known_ML[:, n], n], output_MO[known_ML[:, n], n]) for n in range(labels)]
        areas = [area for area in found if np.isfinite(area)]
        gap_MK = np.abs(output_MO[:, labels:] - z_MK)
        errors = [float(np.nanmean(gap_MK[:, n])) for n in range(z_MK.shape[1]) if np.isfinite(gap_MK[:, n]).any()]
        if not areas and not errors:
            return None
        return (float(np.mean(areas)) if areas else 0.0) - (float(np.mean(errors)) if errors else 0.0)
