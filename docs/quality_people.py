"""The quality checks beside what people said: of whole recordings (CinC Challenge 2011), of leads (PTB-XL).

Shapes: N recordings, F features, C leads (12).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quality_corpora import Case, record_folds
from quality_fit import fit_rejection, rejection_features
from quality_table import Marks, head, row, share

from engine.signal.leads import CANONICAL, PRECORDIAL
from engine.signal.quality import assess
from engine.signal.quality_beats import find_beats
from engine.signal.quality_electrodes import check_legs
from engine.signal.quality_leads import measure

Array = NDArray[np.float64]
DRAWS, INNER_DRAWS = range(10), range(100, 102)
SHIPPED = ("unreadable", "worst lead")
CANDIDATES = (
    ("unreadable",),
    SHIPPED,
    ("unreadable", "worst lead by the middle beat"),
    ("unreadable", "three worst leads"),
    ("unreadable", "worst lead", "smallest limb lead"),
    ("unreadable", "three worst leads", "smallest limb lead"),
    ("unreadable limb leads", "unreadable chest leads", "worst limb lead", "worst chest lead"),
)
"""What the rule could go by; which, was chosen anew from the training part alone for the last line of the table."""


def acceptance(cases: list[Case]) -> Iterator[str]:
    """Sensitivity and specificity against the labels of people, held out; and what the verdict says in all."""
    rejected = np.array([not case.accepted for case in cases])
    table = people_features(cases)
    shipped = np.column_stack([table[name] for name in SHIPPED])
    np.testing.assert_allclose(shipped, rejection_features(cases))
    empty = np.array([left_empty(case) for case in cases])
    first = held_out(cases, shipped, rejected, 0)
    yield head("", f"People: rejected ({rejected.sum()})", f"People: accepted ({(~rejected).sum()})")
    yield row(
        "Told to record again, first draw of folds", *(share((first | empty)[part]) for part in (rejected, ~rejected))
    )
    qualities = [assess(case.recording) for case in cases]
    for verdict in ("good", "limited", "unusable"):
        marks = np.array([quality.verdict == verdict for quality in qualities])
        yield row(
            f"Verdict {verdict} (with the numbers that are shipped)", share(marks[rejected]), share(marks[~rejected])
        )
    yield "\n" + head(
        "Held out, mean of 10 draws of five folds", "Sensitivity", "Specificity", "Balanced accuracy", "Accuracy"
    )
    draws = [held_out(cases, shipped, rejected, seed) for seed in DRAWS]
    yield rates("the two numbers alone", draws, rejected)
    yield rates(
        "**the two numbers, or a limb lead left empty** (as shipped)", [told | empty for told in draws], rejected
    )
    chosen = [held_out_choice(cases, table, empty, rejected, seed) for seed in DRAWS]
    yield rates(
        f"the same, which numbers chosen anew among {len(CANDIDATES)} sets inside each training part", chosen, rejected
    )
    pooled = [held_out_pool(cases, table, rejected, seed) | empty for seed in DRAWS]
    yield rates(f"the same, the odds of all {len(CANDIDATES)} sets added up: no choice is made", pooled, rejected)


def left_empty(case: Case) -> bool:
    """Whether a limb lead is as empty as an arm's electrode on a leg leaves it."""
    return bool(check_legs(find_beats(case.recording.signal_CT, case.recording.rate_hz)))


def rates(name: str, draws: list[Marks], rejected: Marks) -> str:
    """A line of the table: means over the draws, and how far the balanced accuracy ranges between them."""
    sensitivity = np.array([told[rejected].mean() for told in draws])
    specificity = np.array([1 - told[~rejected].mean() for told in draws])
    balanced = (sensitivity + specificity) / 2
    accuracy = np.mean([(told == rejected).mean() for told in draws])
    spread = f"{balanced.mean():.3f} ({balanced.min():.3f} to {balanced.max():.3f})"
    return row(name, f"{sensitivity.mean():.3f}", f"{specificity.mean():.3f}", spread, f"{accuracy:.3f}")


def people_features(cases: list[Case]) -> dict[str, Array]:
    """Everything that `CANDIDATES` name, one value a recording."""
    rows = []
    for case in cases:
        signal_CT, rate_hz = case.recording.signal_CT, case.recording.rate_hz
        beats = find_beats(signal_CT, rate_hz)
        unread_CW, agreement_C = measure(signal_CT, signal_CT, rate_hz, beats).unreadable_CW, beats.agreement_C
        smallest = np.ptp(beats.median_CL[:3], axis=1).min()
        rows.append(
            {
                "unreadable": np.log10(unread_CW.mean() + 0.01),
                "unreadable limb leads": np.log10(unread_CW[:6].mean() + 0.01),
                "unreadable chest leads": np.log10(unread_CW[6:].mean() + 0.01),
                "worst lead": agreement_C.min(),
                "worst lead by the middle beat": np.median(beats.alike_CB, axis=1).min() if agreement_C.any() else 0.0,
                "worst limb lead": agreement_C[:6].min(),
                "worst chest lead": agreement_C[6:].min(),
                "three worst leads": np.sort(agreement_C)[:3].mean(),
                "smallest limb lead": np.log10(smallest + 0.02),
            }
        )
    return {name: np.array([one[name] for one in rows], dtype=np.float64) for name in rows[0]}


def held_out(cases: list[Case], features_NF: Array, rejected: Marks, seed: int) -> Marks:
    """Who is told to record again by weights that the recording had no part in."""
    told = np.zeros(len(cases), bool)
    for rest, fold in record_folds(cases, seed=seed):
        weights = fit_rejection(features_NF[rest], rejected[rest])
        told[fold] = weights[0] + features_NF[fold] @ weights[1:] > 0
    return told


def held_out_choice(cases: list[Case], table: dict[str, Array], empty: Marks, rejected: Marks, seed: int) -> Marks:
    """The same, with the set of numbers too chosen without the recording."""
    told = np.zeros(len(cases), bool)
    for rest, fold in record_folds(cases, seed=seed):
        inside = [cases[index] for index in rest]
        best, best_score = CANDIDATES[0], -1.0
        for names in CANDIDATES:
            features = np.column_stack([table[name][rest] for name in names])
            marks = [held_out(inside, features, rejected[rest], inner) | empty[rest] for inner in INNER_DRAWS]
            score = float(np.mean([balanced(one, rejected[rest]) for one in marks]))
            if score > best_score:
                best, best_score = names, score
        features = np.column_stack([table[name] for name in best])
        weights = fit_rejection(features[rest], rejected[rest])
        told[fold] = weights[0] + features[fold] @ weights[1:] > 0
    return told | empty


def held_out_pool(cases: list[Case], table: dict[str, Array], rejected: Marks, seed: int) -> Marks:
    """Who is told to record again by the odds of all `CANDIDATES` together, from weights without the recording."""
    odds = np.zeros(len(cases))
    for names in CANDIDATES:
        features = np.column_stack([table[name] for name in names])
        for rest, fold in record_folds(cases, seed=seed):
            weights = fit_rejection(features[rest], rejected[rest])
            odds[fold] += weights[0] + features[fold] @ weights[1:]
    return odds > 0


def flat_chest(cases: list[Case]) -> Iterator[str]:
    """What people said of recordings in which nothing but chest leads hold no signal."""
    flat = [
        tuple(lead for one in assess(case.recording).findings if one.name == "flat" for lead in one.leads)
        for case in cases
    ]
    yield head("Leads without any signal from end to end", "Rejected", "Accepted")
    for count, words in ((1, "one chest lead"), (2, "two or more chest leads")):
        chosen = [
            case
            for case, leads in zip(cases, flat, strict=True)
            if leads and all(lead in PRECORDIAL for lead in leads) and (len(leads) == count or len(leads) >= count > 1)
        ]
        yield row(words, sum(not case.accepted for case in chosen), sum(bool(case.accepted) for case in chosen))


def balanced(told: Marks, rejected: Marks) -> float:
    """Mean of sensitivity and specificity."""
    return float(told[rejected].mean() + 1 - told[~rejected].mean()) / 2


def annotators(data: Path, cases: list[Case]) -> Iterator[str]:
    """How well our numbers order the leads by what PTB-XL's annotators noted of them; nothing was fitted to it."""
    with (data / "ptbxl-500/ptbxl_database.csv").open() as file:
        notes = list(csv.DictReader(file))
    numbers = [dict(assess(case.recording).numbers) for case in cases]
    yield head("Noted by PTB-XL's annotators", "Leads noted", "Our number", "Area under the ROC curve, lead by lead")
    for column, number in (("baseline_drift", "wander_mv"), ("static_noise", "noise_mv"), ("burst_noise", "noise_mv")):
        noted = np.array([noted_leads(one[column]) for one in notes]).ravel()
        values = np.array([one[number] for one in numbers]).ravel()
        yield row(f"`{column}`", int(noted.sum()), f"`{number}`", f"{area(values[noted], values[~noted]):.3f}")


def noted_leads(text: str) -> Marks:
    """Leads of a note such as " , II-AVL,AVF" (ranges in the order of the leads) or "alles", all."""
    names = [lead.upper() for lead in CANONICAL]
    marks = np.zeros(len(names), bool)
    for word in re.split(r"[,.\s]+", text.upper()):
        first, _, last = (f"V{part}" if part.isdigit() else part for part in word.partition("-"))
        if word == "ALLES":
            marks[:] = True
        elif first in names:
            marks[names.index(first) : names.index(last or first) + 1] = True
    return marks


def area(with_it: Array, without: Array) -> float:
    """Probability that a lead with the note has the larger number; ties count half."""
    ordered = np.sort(without)
    below, upto = np.searchsorted(ordered, with_it, "left"), np.searchsorted(ordered, with_it, "right")
    return float((below + upto).mean() / 2 / len(ordered))
