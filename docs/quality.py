"""How often the quality checks are right: measured on labels and on planted faults, written to docs/quality.md.

    python docs/quality.py DATA

Takes a few minutes. What is fitted is measured on what it was not fitted to: the odds of a rejection on held-out fifths
of `cinc2011-mobile-quality`; the sums that suspect electrodes, fitted to PTB-XL, on held-out patients of PTB-XL, on
LUDB, and on Georgia and Ningbo recordings of the CinC Challenge 2021.
"""

from __future__ import annotations

import argparse
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quality_corpora import Case, faults, folder, ludb, mobile, planted, ptbxl, record_folds
from quality_fit import (
    Measures,
    cuts_of,
    electrode_measures,
    fit_electrodes,
    fit_rejection,
    gains_of,
    held_out_gains,
    rejection_features,
)

from engine.signal.quality import assess, impossible_amplitude
from engine.signal.quality_electrodes import EXCHANGES
from engine.signal.recording import Recording

PAGE = Path(__file__).resolve().parent / "quality.md"
SEEDS = range(10)
GAINS = (5.0, 0.2, 1 / 2000)
CHALLENGE = "cinc-challenge/cinc2021-georgia-ptbxl-ningbo"
LEGS = ("RA-RL", "LA-RL", "arms on legs")
NAMES = [exchange.name for exchange in EXCHANGES]
TURNED_BACK = {"RA-LA-LL": "RA-LL-LA", "RA-LL-LA": "RA-LA-LL"}
"""All other exchanges undo themselves."""
FINDINGS = {"limb": "limb_swap", "chest": "precordial_order", "polarity": "polarity"}
Marks = NDArray[np.bool_]


def share(marks: Sequence[bool] | Marks) -> str:
    """A share with its 95 % interval (Wilson) and the count: "0.97 (0.93 to 0.99; 140 of 144)"."""
    count, hits, z = len(marks), int(np.sum(marks)), 1.96
    middle = (hits + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * math.sqrt(hits * (count - hits) / count + z * z / 4)
    return f"{hits / count:.3f} ({max(0.0, middle - half):.3f} to {min(1.0, middle + half):.3f}; {hits} of {count})"


def acceptance(cases: list[Case]) -> Iterator[str]:
    """Sensitivity and specificity against the labels of people, held out; and what the verdict says in all."""
    rejected = np.array([not case.accepted for case in cases])
    features = rejection_features(cases)
    runs = []
    for seed in SEEDS:
        told = np.zeros(len(cases), bool)
        for rest, fold in record_folds(cases, seed=seed):
            weights = fit_rejection(features[rest], rejected[rest])
            told[fold] = weights[0] + features[fold] @ weights[1:] > 0
        runs.append((told[rejected].mean(), 1 - told[~rejected].mean()))
        if seed == 0:
            first = told
    balanced = np.array(runs).mean(axis=1)
    sensitivity, specificity = np.array(runs).mean(axis=0)
    yield "| | People: rejected (52) | People: accepted (198) |\n| --- | --- | --- |\n"
    yield f"| Rejected, held out, first draw of folds | {share(first[rejected])} | {share(first[~rejected])} |\n"
    qualities = [assess(case.recording) for case in cases]
    for verdict in ("good", "limited", "unusable"):
        marks = np.array([quality.verdict == verdict for quality in qualities])
        yield f"| Verdict {verdict} (with the numbers that are shipped) | {share(marks[rejected])} "
        yield f"| {share(marks[~rejected])} |\n"
    yield f"\nOver {len(SEEDS)} draws of five folds: sensitivity {sensitivity:.3f}, specificity {specificity:.3f}, "
    yield f"**balanced accuracy {balanced.mean():.3f}** (from {balanced.min():.3f} to {balanced.max():.3f} between "
    yield "draws; with 52 rejected recordings, chance alone moves it by about 0.03).\n"


def in_order(name: str, cases: list[Case]) -> str:
    """A line on a corpus without planted faults."""
    qualities = [assess(case.recording) for case in cases]
    names = Counter(finding for quality in qualities for finding in quality.names)
    told = ", ".join(f"{finding} {count}" for finding, count in names.most_common()) or "none"
    good = share([quality.verdict == "good" for quality in qualities])
    alarms = share([bool(quality.suspicions) for quality in qualities])
    return f"| {name} | {good} | {alarms} | {told} |\n"


def electrodes(own: list[Case], others: dict[str, list[Case]]) -> Iterator[str]:
    """Detection of every planted exchange: held-out patients of PTB-XL, then other corpora by the whole check."""
    detected, alarmed = held_out_exchanges(own, electrode_measures(own))
    yield f"| Fault | PTB-XL, held out | {' | '.join(others)} |\n| --- | --- |{' --- |' * len(others)}\n"
    alarms = [share(alarmed)] + [
        share([bool(assess(case.recording).suspicions) for case in cases]) for cases in others.values()
    ]
    yield f"| **none planted: false alarms of any kind** | {' | '.join(alarms)} |\n"
    for finding, changes in faults().items():
        for name, change in changes.items():
            if name in LEGS:
                own_marks = [finding in assess(planted(case, change)).names for case in own]
            else:
                own_marks = detected[finding, name].tolist()
            cells = [share(own_marks)]
            for cases in others.values():
                cells.append(share([finding in assess(planted(case, change)).names for case in cases]))
            yield f"| {finding}: {name} | {' | '.join(cells)} |\n"


def held_out_exchanges(cases: list[Case], measures: Measures) -> tuple[dict[tuple[str, str], Marks], Marks]:
    """Which planted exchange is suspected by its own name, and which recording in order by any.

    Weights and cuts come from other patients; the cuts from gains held out among those in turn.
    """
    detected = {(FINDINGS[exchange.kind], exchange.name): np.zeros(len(cases), bool) for exchange in EXCHANGES}
    alarmed = np.zeros(len(cases), bool)
    for rest, fold in record_folds(cases):
        cuts = cuts_of(held_out_gains(measures[rest], [cases[index] for index in rest]))
        gains = gains_of(measures[fold], fit_electrodes(measures[rest]))
        alarmed[fold] = (gains > cuts).any(axis=1)
        for place, exchange in enumerate(EXCHANGES):
            fault = TURNED_BACK.get(exchange.name, exchange.name)  # what undoes one circle plants the other
            # undone, a planted exchange is as it was: the gain of that is what doing it lost
            detected[FINDINGS[exchange.kind], fault][fold] = -gains[:, place] > cuts[NAMES.index(fault)]
    return detected, alarmed


def gain_faults(corpora: dict[str, list[Case]]) -> Iterator[str]:
    """How often a wrong factor is told, and a right one doubted."""
    yield f"| Factor | {' | '.join(corpora)} |\n| --- |{' --- |' * len(corpora)}\n"
    for factor in (1.0, *GAINS):
        cells = [share([doubted(case.recording, factor) for case in cases]) for cases in corpora.values()]
        yield f"| {'right' if factor == 1 else f'{factor:g} times'} | {' | '.join(cells)} |\n"


def doubted(recording: Recording, factor: float) -> bool:
    """Whether the gain is doubted, or the recording refused for it, when its samples are a factor too large."""
    scaled = Recording(signal_CT=recording.signal_CT * np.float32(factor), rate_hz=recording.rate_hz)
    return impossible_amplitude(scaled) is not None or "gain" in assess(scaled).names


def fill(page: str, name: str, text: str) -> str:
    """The page with a new text between the marks of `name`."""
    marks = f"<!-- {name} -->"
    return re.sub(f"{marks}.*?{marks}", lambda _: f"{marks}\n{text}{marks}", page, flags=re.DOTALL)


def main() -> None:
    """Measure all and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    own = ptbxl(data)
    others = {"LUDB (scales restored)": ludb(data), "Georgia and Ningbo": folder(data, CHALLENGE, ("E", "JS"))}
    page = PAGE.read_text()
    page = fill(page, "acceptance", "".join(acceptance(mobile(data))))
    lines = "".join(in_order(name, cases) for name, cases in {"PTB-XL": own, **others}.items())
    head = "| Corpus | Good | Any suspicion of electrodes or polarity | Findings |\n| --- | --- | --- | --- |\n"
    page = fill(page, "in order", head + lines)
    page = fill(page, "electrodes", "".join(electrodes(own, others)))
    page = fill(page, "gain", "".join(gain_faults({"PTB-XL": own, "Georgia and Ningbo": others["Georgia and Ningbo"]})))
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
