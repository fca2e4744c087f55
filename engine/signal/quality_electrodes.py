"""May electrodes be exchanged, or leads upside down? A recording is held beside what it would be if they were.

An exchange of electrodes turns twelve leads into other sums of them, which undoing turns back. Three weighted sums of
named features of the median beat (`WEIGHTS`) tell how ordinary a recording looks: its limb leads, its chest leads, its
polarity. If it would look much more ordinary with an exchange undone, that exchange is suspected; never more than that,
since a heart on the right side, or an infarction, can look the same. Features after Kors and van Herpen (J
Electrocardiol 34 Suppl, 2001: correlation with what other leads foretell), Xue (CinC 2006: P and QRS together) and
Hedén (Am J Cardiol 75, 1995: a trained net on measures of both); comparing a recording with its own undone version is
this program's. LA and LL are a matter of their own: `quality_left`.

The right leg takes no part in a lead, but on an arm it leaves one of I, II, III nearly flat (Haisty, Pacing Clin
Electrophysiol 18, 1995): that is asked of the amplitude alone.

Shapes: V versions of a recording, C leads (12), M independent leads (8: I, II, V1-V6), L samples of a beat, F features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from engine.signal.leads import CANONICAL, PRECORDIAL
from engine.signal.quality_beats import MEASURED, Beats, Signal, wide
from engine.signal.quality_finding import Finding
from engine.signal.quality_left import left_gain
from engine.signal.quality_weights import CUTS, WEIGHTS

KINDS = ("limb", "chest", "polarity")
WAVES = ("P", "R", "S", "QRS", "T")
PAIRS = tuple(combinations(range(12), 2))
FEATURES = tuple(f"{wave} {lead}" for wave in WAVES for lead in CANONICAL) + tuple(
    f"{CANONICAL[one]}~{CANONICAL[other]}" for one, other in PAIRS
)
"""Names: a wave of a lead (R the highest, S the lowest value of the QRS complex), or the likeness of two leads."""
LEG_MV = 0.07
"""A limb lead whose median beat spans less, while the others span four times as much, lies between legs."""


@dataclass(frozen=True, eq=False)
class Exchange:
    """What may have happened to electrodes or leads.

    Attributes:
        name: short: "RA-LA".
        kind: the sum of `WEIGHTS` that judges it.
        text: for people.
        leads: whose leads are concerned.
        undo_CM: twelve leads as they would be without it, from the eight measured ones.
    """

    name: str
    kind: str
    text: str
    leads: tuple[str, ...]
    undo_CM: NDArray[np.float32]


def _twelve(one: NDArray[np.float64], two: NDArray[np.float64], chest: NDArray[np.float64]) -> NDArray[np.float32]:
    rows = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2, *chest]
    return np.array(rows, np.float32)


_UNIT = np.eye(8)
_I, _II, _CHEST = _UNIT[0], _UNIT[1], _UNIT[2:]
AS_IT_IS = _twelve(_I, _II, _CHEST)
"""Twelve leads from eight, untouched: the limb leads follow from I and II."""


def _limb_exchanges() -> list[Exchange]:
    tell = "{} may be swapped: P, QRS and T waves of the limb leads look more usual with {} exchanged back"
    two = (("RA", "LA", -_I, _II - _I), ("RA", "LL", _I - _II, -_II), ("LA", "LL", _II, _I))
    exchanges = []
    for one, other, lead_one, lead_two in two:
        text = tell.format(f"{one} and {other}", "them")
        if (one, other) == ("LA", "LL"):
            text = "LA and LL may be swapped: upside down, lead III fits aVR and the chest leads better"
        exchanges.append(Exchange(f"{one}-{other}", "limb", text, (), _twelve(lead_one, lead_two, _CHEST)))
    turned = "RA, LA and LL may be swapped in a circle: the limb leads look more usual with all three turned back"
    exchanges.append(Exchange("RA-LA-LL", "limb", turned, (), _twelve(-_II, _I - _II, _CHEST)))
    exchanges.append(Exchange("RA-LL-LA", "limb", turned, (), _twelve(_II - _I, -_I, _CHEST)))
    return exchanges


def _chest_exchanges() -> list[Exchange]:
    exchanges = []
    for one, other in ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 2), (1, 3), (3, 5)):
        order = np.arange(6)
        order[[one, other]] = other, one
        leads = (PRECORDIAL[one], PRECORDIAL[other])
        text = f"{leads[0]} and {leads[1]} may be swapped: the waves grow and fade more evenly with them exchanged back"
        exchanges.append(Exchange("-".join(leads), "chest", text, leads, _twelve(_I, _II, _CHEST[order])))
    text = "V1 to V6 may be in reverse order: the waves grow and fade as usual with the order turned round"
    exchanges.append(Exchange("V6-V1", "chest", text, PRECORDIAL, _twelve(_I, _II, _CHEST[::-1])))
    return exchanges


def _inversions() -> list[Exchange]:
    text = "the whole recording may be upside down: inverted, its waves look usual"
    inversions = [Exchange("all", "polarity", text, CANONICAL, -AS_IT_IS)]
    for place, lead in enumerate(PRECORDIAL):
        chest = _CHEST.copy()
        chest[place] *= -1
        text = f"{lead} may be upside down: inverted, it fits its neighbours"
        inversions.append(Exchange(lead, "polarity", text, (lead,), _twelve(_I, _II, chest)))
    return inversions


EXCHANGES = (*_limb_exchanges(), *_chest_exchanges(), *_inversions())
_VERSIONS_VCM = np.stack([AS_IT_IS, *(exchange.undo_CM for exchange in EXCHANGES)])
_WEIGHTS_FK = np.array([WEIGHTS[name] for name in FEATURES], np.float32)
ALWAYS = np.array([exchange.kind == "limb" and exchange.name != "LA-LL" for exchange in EXCHANGES])
"""Exchanges of the right arm: judged in wide complexes too."""
_KIND_E = np.array([KINDS.index(exchange.kind) for exchange in EXCHANGES])
LEFT = next(place for place, exchange in enumerate(EXCHANGES) if exchange.name == "LA-LL")
"""The exchange that `left_gain` judges."""
_CUT_E = np.array([CUTS[exchange.name] for exchange in EXCHANGES])
LIMBS = [place for place, exchange in enumerate(EXCHANGES) if exchange.kind == "limb"]
_UPPER = np.array(PAIRS).T
_FINDING = {"limb": "limb_swap", "chest": "precordial_order", "polarity": "polarity"}


def gains(beats: Beats) -> NDArray[np.float64]:
    """How much more ordinary the recording looks with each of `EXCHANGES` undone; log odds, below zero as a rule."""
    ordinary_VK = version_features(beats) @ _WEIGHTS_FK
    rows = np.arange(len(EXCHANGES))
    gains_E = np.asarray(ordinary_VK[1 + rows, _KIND_E] - ordinary_VK[0, _KIND_E], dtype=np.float64)
    gains_E[LEFT] = left_gain(beats)
    return gains_E


def version_features(beats: Beats) -> Signal:
    """Features of the recording as it is, then with each of `EXCHANGES` undone, [1 + E, F]."""
    return features(np.matmul(_VERSIONS_VCM, beats.median_CL[list(MEASURED)]), beats)


def features(versions_VCL: Signal, beats: Beats) -> Signal:
    """`FEATURES` of median beats, [V, F]: scaled by the size of all QRS complexes, and bent so that none prevails."""
    beats_VCL = versions_VCL - np.median(versions_VCL[..., beats.span(-0.1, -0.05)], axis=-1, keepdims=True)
    complexes = beats_VCL[..., beats.span(-0.06, 0.1)]
    size_V1 = np.sqrt((complexes**2).mean(axis=(1, 2)))[:, None] + np.float32(1e-6)
    waves = (
        np.tanh(8 * beats_VCL[..., beats.span(-0.24, -0.09)].mean(axis=-1) / size_V1),
        np.log1p(np.maximum(complexes.max(axis=-1), 0) / size_V1),
        -np.log1p(np.maximum(-complexes.min(axis=-1), 0) / size_V1),
        np.tanh(2 * complexes.mean(axis=-1) / size_V1),
        np.tanh(3 * beats_VCL[..., beats.span(0.16, 0.4)].mean(axis=-1) / size_V1),
    )
    whole = beats_VCL[..., beats.span(-0.06, 0.4)]
    alike_VCC = whole @ whole.transpose(0, 2, 1)
    power_VC = np.sqrt(np.einsum("vcc->vc", alike_VCC)) + np.float32(1e-6)
    alike_VCC /= power_VC[:, :, None] * power_VC[:, None, :]
    return np.concatenate([*waves, alike_VCC[:, _UPPER[0], _UPPER[1]]], axis=1)


def check_electrodes(beats: Beats, chest: bool) -> list[Finding]:
    """Which exchange is suspected: at most one of limb electrodes, one of chest electrodes, one inversion.

    Args:
        beats: beats of a recording whose limb leads can be read and agree.
        chest: whether all chest leads can be read; without them only limb electrodes are judged.
    """
    gains_E = gains(beats)
    margins_E = gains_E - _CUT_E
    if not chest:
        margins_E[_KIND_E != 0] = -np.inf
    if (margins_E[~ALWAYS] > 0).any():
        margins_E[~judged(beats)] = -np.inf
    findings = []
    for kind in range(len(KINDS)):
        own_E = np.where(kind == _KIND_E, margins_E, -np.inf)
        best = int(np.argmax(own_E))
        if own_E[best] > 0:
            exchange = EXCHANGES[_named(best, beats)]
            value = (round(float(gains_E[best]), 2),) * max(1, len(exchange.leads))
            findings.append(Finding(_FINDING[exchange.kind], exchange.text, exchange.leads, value))
    return findings


def judged(beats: Beats) -> NDArray[np.bool_]:
    """Which of `EXCHANGES` can be judged: in wide complexes the chest leads do not grow and fade as usual."""
    return ALWAYS | (not wide(beats))


def _named(best: int, beats: Beats) -> int:
    """The limb exchange to name: the best one, or that which also exchanges LA and LL back, where these ask for it.

    The limb sum tells hardly one from the other: both turn the same lead upright.
    """
    if best == LEFT or best not in LIMBS:
        return best
    undone_CM = EXCHANGES[best].undo_CM
    undone = replace(beats, median_CL=undone_CM @ beats.median_CL[list(MEASURED)])
    if left_gain(undone) <= 0:
        return best
    both_CM = EXCHANGES[LEFT].undo_CM @ undone_CM[list(MEASURED)]
    return next((place for place in LIMBS if np.allclose(EXCHANGES[place].undo_CM, both_CM)), best)


def check_legs(beats: Beats) -> list[Finding]:
    """Whether one of I, II, III is as flat as the potential between two legs."""
    one, two = beats.median_CL[:2]
    spans = [float(np.ptp(lead)) for lead in (one, two, two - one)]
    flattest = int(np.argmin(spans))
    if spans[flattest] > LEG_MV or sorted(spans)[1] < 4 * spans[flattest]:
        return []
    where = ("both arm electrodes and leg electrodes", "RA and RL", "LA and RL")[flattest]
    lead = CANONICAL[flattest]
    text = f"{where} may be swapped: {lead} is nearly flat, as between two legs, while other limb leads are not"
    return [Finding("limb_swap", text, (lead,), (round(spans[flattest], 3),))]
