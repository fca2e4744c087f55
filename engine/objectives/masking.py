"""What is hidden from the student: spans of tokens, or everything but a context block (method specification, 3.2, 3.4).

Masks are drawn for the outputs of the stem, by crop; a hidden token is replaced by one learned vector, so the number
of tokens never shrinks.

Shapes: B batch, L tokens, D width, T target blocks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.contract.objective import JEPAConfig, SpanMasked
from engine.ranks.draws import Draws
from engine.ranks.reduce import global_sum

RELEASED_LEAST = 64
"""Tokens that target and context have at least in the released code; above every target length of a 300-token crop."""


def mask_token(width: int) -> nn.Parameter:
    """The vector that stands for a hidden token, standard normal at the start."""
    return nn.Parameter(torch.randn(width))


def hide(latents_BLD: Tensor, hidden_BL: Tensor, mask_token_D: Tensor) -> Tensor:
    """Latents with the hidden tokens replaced; the mask token is in the graph even when nothing is hidden."""
    return torch.where(hidden_BL.unsqueeze(-1), mask_token_D, latents_BLD)


class Spans(NamedTuple):
    """Masked tokens of this rank's crops [B, L], bool, and how many all ranks have, a scalar."""

    masked_BL: Tensor
    total: Tensor


def draw_spans(draws: Draws, tokens: int, config: SpanMasked) -> Spans:
    """Span masks of this rank's crops."""
    masked_BL = span_mask(draws, tokens, config)
    return Spans(masked_BL, global_sum(masked_BL.sum()))


def span_mask(draws: Draws, tokens: int, config: SpanMasked) -> Tensor:
    """Which tokens are masked, bool [B, L].

    Each token is the midpoint of a span with `midpoint_probability`; a span of 10 goes from 4 tokens before its
    midpoint to 5 after it, and overlaps merge. As in the study, the last token is masked only if it is a midpoint
    itself. With 300 tokens 145.5 are masked on average as intended, 18.8 as released.
    """
    midpoints_BL = draws.uniform("spans", tokens) < config.midpoint_probability
    before, after = (config.mask_span - 1) // 2, config.mask_span // 2
    # A token is masked when a midpoint lies at most `after` before it or `before` behind it.
    near_BL = F.max_pool1d(F.pad(midpoints_BL.float(), (after, before)).unsqueeze(1), config.mask_span, 1).squeeze(1)
    masked_BL = near_BL > 0
    masked_BL[:, -1] = midpoints_BL[:, -1]
    return masked_BL


class Blocks(NamedTuple):
    """What a JEPA crop shows and asks for.

    Attributes:
        context_BL: tokens that the student sees, bool.
        visits_BL: how many target blocks a token is in, int64.
        length: tokens of a target block.
    """

    context_BL: Tensor
    visits_BL: Tensor
    length: int


def draw_blocks(draws: Draws, tokens: int, config: JEPAConfig) -> Blocks:
    """Target blocks and context of each crop; block lengths are drawn once a batch, places by crop.

    Intended: targets of int(L u) tokens with u uniform on `target_scale`, anywhere that they fit; the context is a
    block likewise, without its targets. If fewer than `least_context` tokens remain, as many are drawn from all that
    are no target.

    As released (section 9, item 6): targets have at least 64 tokens, so always 64 of 300; the last place at which a
    block fits is never drawn, so token 299 is never a target; and if fewer than 64 tokens of context remain, 64 are
    drawn from all, the targets among them.
    """
    released = config.fidelity == "as_released"
    room = tokens - 1 if released else tokens
    least = min(RELEASED_LEAST, room) if released else 1
    length = _length(draws, "target_length", config.target_scale, tokens, least, room)
    context_length = _length(draws, "context_length", config.context_scale, tokens, least, room)
    targets_BTL = _blocks(draws, "target", config.targets, length, room, tokens)
    visits_BL = targets_BTL.sum(1)
    free_BL = visits_BL == 0
    context_BL = _blocks(draws, "context", 1, context_length, room, tokens)[:, 0] & free_BL
    wanted = least if released else config.least_context
    spare_BL = _few(draws, torch.ones_like(free_BL) if released else free_BL, wanted)
    short_B1 = context_BL.sum(1, keepdim=True) < wanted
    return Blocks(torch.where(short_B1, spare_BL, context_BL), visits_BL, length)


def _length(draws: Draws, what: str, scale: tuple[float, float], tokens: int, least: int, most: int) -> int:
    """int(L u) with u uniform on `scale`, the same for all crops of the batch, from `least` to `most`."""
    share = float(replace(draws, device=torch.device("cpu")).shared_uniform(what))
    low, high = scale
    return max(least, min(most, int(tokens * (low + (high - low) * share))))


def _blocks(draws: Draws, what: str, count: int, length: int, room: int, tokens: int) -> Tensor:
    """So many blocks a crop, bool [B, count, L], their starts uniform over all places that end within `room`."""
    starts_BT1 = draws.integers(what, room - length + 1, count).unsqueeze(-1)
    place_L = torch.arange(tokens, device=starts_BT1.device)
    return (place_L >= starts_BT1) & (place_L < starts_BT1 + length)


def _few(draws: Draws, allowed_BL: Tensor, count: int) -> Tensor:
    """`count` of the allowed tokens of each crop, or all if there are no more, any choice as likely; bool [B, L]."""
    order_BL = draws.uniform("spare", allowed_BL.shape[1]).masked_fill(~allowed_BL, 2.0).argsort(1)
    chosen_BL = torch.zeros_like(allowed_BL).scatter_(1, order_BL[:, :count], True)
    return chosen_BL & allowed_BL
