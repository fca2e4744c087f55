"""Do the limb leads obey Einthoven and Goldberger, and if not, which of them is upside down or in another's place?

Shapes: six limb leads, t samples.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from engine.signal.leads import CANONICAL
from engine.signal.quality_finding import Finding

LIMBS = CANONICAL[:6]
ALLOWED = 0.1
"""Allowed residual of a law, as a share of the largest movement (standard deviation) among its leads."""
LAWS = {
    "II = I + III": (1.0, -1.0, 1.0, 0.0, 0.0, 0.0),
    "aVR = -(I + II) / 2": (0.5, 0.5, 0.0, 1.0, 0.0, 0.0),
    "aVL = I - II / 2": (-1.0, 0.5, 0.0, 0.0, 1.0, 0.0),
    "aVF = II - I / 2": (0.5, -1.0, 0.0, 0.0, 0.0, 1.0),
}
"""Einthoven's law and Goldberger's, as sums of the six limb leads that are zero."""
_LAWS_EL = np.array(list(LAWS.values()))


def _changes() -> list[tuple[str, tuple[str, ...], NDArray[np.float64]]]:
    """What may have been done to the leads: (finding, leads, matrix that undoes it)."""
    changes: list[tuple[str, tuple[str, ...], NDArray[np.float64]]] = []
    for index, lead in enumerate(LIMBS):
        upright = np.eye(6)
        upright[index, index] = -1
        changes.append(("polarity", (lead,), upright))
    for one, other in combinations(range(6), 2):
        exchanged = np.eye(6)
        exchanged[[one, other]] = exchanged[[other, one]]
        changes.append(("limb_swap", (LIMBS[one], LIMBS[other]), exchanged))
    return changes


_CHANGES = _changes()


def check_limbs(limbs_6t: NDArray[np.float32], derived: frozenset[str]) -> list[Finding]:
    """What the limb leads say against each other.

    Laws with a lead that was computed from the others hold by construction, and are not asked.

    Args:
        limbs_6t: I, II, III, aVR, aVL, aVF, millivolts, all alive, no NaN.
        derived: the leads that were computed.
    """
    asked = np.array([not derived & _involved(law) for law in LAWS.values()])
    if not asked.any():
        return []
    centred = limbs_6t.astype(np.float64) - limbs_6t.mean(axis=1, keepdims=True, dtype=np.float64)
    gram_LL = centred @ centred.T / centred.shape[1]
    shares = _residuals(gram_LL)
    broken = asked & (shares > ALLOWED)
    if not broken.any():
        return []
    findings = []
    if broken[0]:
        text = f"limb leads contradict each other (II is not I + III: off by {shares[0]:.0%})"
        findings.append(Finding("einthoven", text, LIMBS[:3], (round(float(shares[0]), 3),) * 3))
    augmented = [(lead, share) for lead, share, bad in zip(LIMBS[3:], shares[1:], broken[1:], strict=True) if bad]
    if augmented:
        leads = tuple(lead for lead, _ in augmented)
        text = f"{', '.join(leads)} contradict leads I and II"
        findings.append(Finding("goldberger", text, leads, tuple(round(float(share), 3) for _, share in augmented)))
    return findings + _explanation(gram_LL, asked)


def _explanation(gram_LL: NDArray[np.float64], asked: NDArray[np.bool_]) -> list[Finding]:
    """The one change that makes all laws hold, if there is exactly one."""
    fits = []
    for name, leads, undo in _CHANGES:
        if not (_residuals(undo @ gram_LL @ undo.T)[asked] > ALLOWED).any():
            fits.append((name, leads))
    if len(fits) != 1 or asked.sum() < 2:
        return []
    name, leads = fits[0]
    if name == "polarity":
        return [Finding(name, f"{leads[0]} may be upside down: inverted, it agrees with the other limb leads", leads)]
    text = f"{leads[0]} and {leads[1]} may stand in each other's place: exchanged, all limb leads agree"
    return [Finding(name, text, leads)]


def _residuals(gram_LL: NDArray[np.float64]) -> NDArray[np.float64]:
    """Residual of every law as a share of the largest movement among its leads."""
    powers = np.einsum("el,lm,em->e", _LAWS_EL, gram_LL, _LAWS_EL)
    largest = np.where(_LAWS_EL != 0, np.diag(gram_LL), 0).max(axis=1)
    return np.asarray(np.sqrt(np.maximum(powers, 0) / np.maximum(largest, 1e-12)))


def _involved(law: tuple[float, ...]) -> frozenset[str]:
    return frozenset(lead for lead, factor in zip(LIMBS, law, strict=True) if factor)
