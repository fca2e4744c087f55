"""What DinoSR and the HuBERTs tell of their labels beside the loss.

How well a model does that ignores its input, how many codes are in use, and how much labels and predictions differ
from token to token: a pair that collapses shows by few codes and by a spread that goes to zero.

Shapes: N tokens, K codes, D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.objectives.regression import Asked
from engine.ranks.reduce import global_sum


@torch.no_grad()
def frequency_loss(labels_N: Tensor, codes: int, asked: Asked) -> Tensor:
    """Share of the cross-entropy of answering always with how common each label is in this batch.

    That is the entropy of the labels, the least that a model can reach which ignores its input.
    """
    counts_K = global_sum(labels_N.bincount(minlength=codes).double())
    surprise_K = asked.total.double().log() - counts_K.log()
    return surprise_K[labels_N].sum().float() / asked.total


@torch.no_grad()
def codes_used(codes_N: Tensor, codes: int, share: float) -> Tensor:
    """Share of the number of codes that at least one token of the whole batch has; `share` is this part's of it."""
    counts_K = global_sum(codes_N.bincount(minlength=codes))
    return (counts_K > 0).sum() * share


@torch.no_grad()
def expected(logits_NK: Tensor, codewords_KD: Tensor) -> Tensor:
    """Mean codeword under the predicted probabilities, float32 [N, D]: what the student says, in the labels' space."""
    with torch.autocast(logits_NK.device.type, enabled=False):
        return logits_NK.softmax(1).to(codewords_KD.dtype) @ codewords_KD


@torch.no_grad()
def spreads(vectors_ND: Tensor, expected_ND: Tensor, asked: Asked) -> dict[str, Tensor]:
    """Shares of the variance over tokens, averaged over features, of labels and predictions.

    Args:
        vectors_ND: what the labels of the tokens that are asked for were made from.
        expected_ND: mean codewords under the predictions for the same tokens.
        asked: those tokens.
    """
    both_NE = torch.cat([vectors_ND, expected_ND], 1)
    mean_E = global_sum(both_NE.sum(0)) / asked.total
    target_ND, predicted_ND = (both_NE - mean_E).square().chunk(2, 1)
    return {"target_variance": asked.mean(target_ND), "prediction_variance": asked.mean(predicted_ND)}


@torch.no_grad()
def hits(logits_NK: Tensor, labels_N: Tensor, asked: Asked) -> Tensor:
    """Share of the accuracy: tokens whose likeliest code is the label."""
    return (logits_NK.argmax(1) == labels_N).sum() / asked.total


def over_codebooks(told: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """What is told of each codebook as one: losses and counts are added up, everything else is averaged."""
    added = {"loss", "trivial_loss", "codes_used"}
    stacked = {name: torch.stack([parts[name] for parts in told]) for name in told[0]}
    return {name: value.sum() if name in added else value.mean() for name, value in stacked.items()}


class CodeHead(nn.Sequential):
    """Logits of all codebooks side by side from each token by itself: linear, ReLU, linear.

    At width 512 with 384 codes it has 459,648 parameters.
    """

    def __init__(self, width: int, codes: int) -> None:
        super().__init__(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, codes))
