"""How often the quality checks are right: measured on labels and on planted faults, written to docs/quality.md.

    python docs/quality.py DATA [TABLE ...]

Takes some minutes for all tables; names of tables make those alone. What is fitted is measured on what it was not
fitted to: the odds of a rejection on held-out fifths of `cinc2011-mobile-quality`; the sums that suspect electrodes,
fitted to PTB-XL, on held-out patients of PTB-XL, on LUDB, and on recordings of the CinC Challenges 2020 and 2021.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quality_alarms import by_diagnosis, carts, challenges
from quality_corpora import Case, faults, folder, ludb, mobile, planted, ptbxl, record_folds
from quality_fit import (
    Measures,
    cuts_of,
    electrode_measures,
    fit_electrodes,
    gains_of,
    held_out_gains,
)
from quality_people import acceptance, annotators, flat_chest
from quality_table import Marks, fill, head, row, share

from engine.signal.quality import assess, impossible_amplitude, swing_mv
from engine.signal.quality_electrodes import EXCHANGES, LEFT
from engine.signal.quality_weights import CUTS
from engine.signal.recording import Recording

PAGE = Path(__file__).resolve().parent / "quality.md"
GAINS = (5.0, 0.2, 1 / 2000)
LOWEST_MV, HIGHEST_MV = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5), (2.5, 2.8, 3.0, 3.2, 3.5, 4.0)
WIDE_MORE = (0.0, 2.0, 4.0, 6.0)
LEFT_CUTS = (0.5, 1.0, 2.0, 2.4, 3.0, 4.0, 5.0)
CHALLENGE = "cinc-challenge/cinc2021-georgia-ptbxl-ningbo"
LEGS = ("RA-RL", "LA-RL", "arms on legs")
NAMES = [exchange.name for exchange in EXCHANGES]
TURNED_BACK = {"RA-LA-LL": "RA-LL-LA", "RA-LL-LA": "RA-LA-LL"}
"""All other exchanges undo themselves."""
FINDINGS = {"limb": "limb_swap", "chest": "precordial_order", "polarity": "polarity"}


def in_order(name: str, cases: list[Case]) -> str:
    """A line on a corpus without planted faults."""
    qualities = [assess(case.recording) for case in cases]
    names = Counter(finding for quality in qualities for finding in quality.names)
    told = ", ".join(f"{finding} {count}" for finding, count in names.most_common()) or "none"
    good = share([quality.verdict == "good" for quality in qualities])
    return row(name, good, share([bool(quality.suspicions) for quality in qualities]), told)


def electrodes(own: list[Case], others: dict[str, list[Case]]) -> Iterator[str]:
    """Detection of every planted exchange: held-out patients of PTB-XL, then other corpora by the whole check."""
    detected, alarmed = held_out_exchanges(own, electrode_measures(own))
    yield head("Fault", "PTB-XL, held out", *others)
    alarms = [share([bool(assess(case.recording).suspicions) for case in cases]) for cases in others.values()]
    yield row("**none planted: false alarms of any kind**", share(alarmed), *alarms)
    for finding, changes in faults().items():
        for name, change in changes.items():
            if name in LEGS:
                own_marks = [finding in assess(planted(case, change)).names for case in own]
            else:
                own_marks = detected[finding, name].tolist()
            cells = [[finding in assess(planted(case, change)).names for case in cases] for cases in others.values()]
            yield row(f"{finding}: {name}", share(own_marks), *map(share, cells))


def named(others: dict[str, list[Case]]) -> Iterator[str]:
    """Of the limb exchanges that are suspected, how many are named rightly."""
    yield head("Exchange", *others)
    told = {exchange.name: exchange.text for exchange in EXCHANGES if exchange.kind == "limb"}
    for name, text in told.items():
        cells = []
        for cases in others.values():
            suspected = [assess(planted(case, faults()["limb_swap"][name])) for case in cases]
            cells.append(share([text in one.reasons for one in suspected if "limb_swap" in one.names]))
        yield row(name, *cells)


def held_out_exchanges(cases: list[Case], measures: Measures) -> tuple[dict[tuple[str, str], Marks], Marks]:
    """Which planted exchange is suspected by its own name, and which recording in order by any.

    Weights and cuts come from other patients; the cuts from gains held out among those in turn.
    """
    detected = {(FINDINGS[exchange.kind], exchange.name): np.zeros(len(cases), bool) for exchange in EXCHANGES}
    alarmed = np.zeros(len(cases), bool)
    for rest, fold in record_folds(cases):
        cuts = cuts_of(held_out_gains(measures[rest], [cases[index] for index in rest]))
        gains = gains_of(measures[fold], fit_electrodes(measures[rest]))
        judged = measures.judged_NE[fold]
        alarmed[fold] = (judged & (gains > cuts)).any(axis=1)
        for place, exchange in enumerate(EXCHANGES):
            fault = TURNED_BACK.get(exchange.name, exchange.name)  # what undoes one circle plants the other
            # undone, a planted exchange is as it was: the gain of that is what doing it lost
            found = judged[:, place] & (-gains[:, place] > cuts[NAMES.index(fault)])
            detected[FINDINGS[exchange.kind], fault][fold] = found
    return detected, alarmed


def left_cuts(own: list[Case], others: dict[str, list[Case]]) -> Iterator[str]:
    """What other cuts for LA-LL would find, and what they would cost."""
    measures = electrode_measures(own)
    sums = fit_electrodes(measures)
    gains = {"PTB-XL, held out": (measures.judged_NE[:, LEFT], held_out_gains(measures, own)[:, LEFT])}
    for name, cases in others.items():
        measures = electrode_measures(cases)
        gains[name] = (measures.judged_NE[:, LEFT], gains_of(measures, sums)[:, LEFT])
    yield head("Cut", *(f"{name}: {what}" for name in gains for what in ("found", "false")))
    for cut in LEFT_CUTS:
        cells = [f"{(asked & (sign * part > cut)).mean():.3f}" for asked, part in gains.values() for sign in (-1, 1)]
        yield row(f"{cut:g}", *cells)


def wide_chest(own: list[Case], others: dict[str, list[Case]]) -> Iterator[str]:
    """In wide complexes, where chest leads are not judged: what judging them by other cuts would find and doubt."""
    sums = fit_electrodes(electrode_measures(own))
    chest = [place for place, exchange in enumerate(EXCHANGES) if exchange.kind == "chest"]
    cuts = np.array([CUTS[name] for name in NAMES])
    place = NAMES.index("V1-V2")
    cells: dict[str, list[str]] = {f"{more:g} above the cut": [] for more in WIDE_MORE}
    for cases in others.values():
        measures = electrode_measures(cases)
        gains = gains_of(measures, sums)[~measures.judged_NE[:, place]]
        above = (gains[:, chest] - cuts[chest]).max(axis=1)
        for more, column in zip(WIDE_MORE, cells.values(), strict=True):
            found, false = int((-gains[:, place] > cuts[place] + more).sum()), int((above > more).sum())
            column += [f"{found} of {len(gains)}", f"{false} of {len(gains)}"]
    told = (f"{name}: {what}" for name in others for what in ("V1-V2 found", "falsely doubted, any chest exchange"))
    yield head("Suspected", *told)
    for name, column in cells.items():
        yield row(name, *column)


def gain_faults(corpora: dict[str, list[Case]]) -> Iterator[str]:
    """How often a wrong factor is told, and a right one doubted; then the same of other limits."""
    yield head("Factor", *corpora)
    for factor in (1.0, *GAINS):
        cells = [share([doubted(case.recording, factor) for case in cases]) for cases in corpora.values()]
        yield row("right" if factor == 1 else f"{factor:g} times", *cells)
    swings = {
        name: np.array([swing_mv(case.recording.signal_CT, case.recording.rate_hz) for case in cases])
        for name, cases in corpora.items()
    }
    for word, sign, factor, limits in (("below", -1, 0.2, LOWEST_MV), ("above", 1, 5.0, HIGHEST_MV)):
        yield "\n" + head(f"Doubted {word}", *(f"{name}: {factor:g} times found / right doubted" for name in swings))
        for limit in limits:
            cells = [_beyond(swing_N * sign, limit * sign, factor) for swing_N in swings.values()]
            yield row(f"{limit:g} mV", *cells)


def _beyond(swing_N: NDArray[np.float64], limit: float, factor: float) -> str:
    """How many are beyond a limit when a factor too large, and how many as they are."""
    return f"{(factor * swing_N > limit).mean():.3f} / {(swing_N > limit).sum()} of {len(swing_N)}"


def doubted(recording: Recording, factor: float) -> bool:
    """Whether the gain is doubted, or the recording refused for it, when its samples are a factor too large."""
    scaled = Recording(signal_CT=recording.signal_CT * np.float32(factor), rate_hz=recording.rate_hz)
    return impossible_amplitude(scaled) is not None or "gain" in assess(scaled).names


def tables(data: Path) -> dict[str, Callable[[], Iterator[str]]]:
    """Every table of the page by its name; corpora are read when the first table asks for them."""
    own = ptbxl(data)
    others = {"LUDB (scales restored)": ludb(data), "Georgia and Ningbo": folder(data, CHALLENGE, ("E", "JS"))}
    wild = {"LUDB": others["LUDB (scales restored)"], "Georgia, Ningbo and CPSC": challenges(data)}
    accepted = [case for case in mobile(data) if case.accepted]
    gains = {"PTB-XL": own, "Georgia, Ningbo and CPSC": challenges(data), "Challenge 2011, accepted": accepted}

    def orders() -> Iterator[str]:
        yield head("Corpus", "Good", "Any suspicion of electrodes or polarity", "Findings")
        for name, cases in {"PTB-XL": own, **others}.items():
            yield in_order(name, cases)

    return {
        "acceptance": lambda: acceptance(mobile(data)),
        "flat chest": lambda: flat_chest(mobile(data)),
        "annotators": lambda: annotators(data, own),
        "in order": orders,
        "carts": lambda: carts(data),
        "electrodes": lambda: electrodes(own, others),
        "named": lambda: named(others),
        "wide": lambda: wide_chest(own, {"LUDB": wild["LUDB"], "Challenge 2011, accepted": accepted}),
        "left": lambda: left_cuts(own, others),
        "diagnoses": lambda: by_diagnosis(data, own, held_out_exchanges(own, electrode_measures(own))[1], wild),
        "gain": lambda: gain_faults(gains),
    }


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("table", nargs="*")
    asked = parser.parse_args()
    for name, made in tables(asked.data).items():
        if not asked.table or name in asked.table:
            text = "".join(made())
            PAGE.write_text(fill(PAGE.read_text(), name, text))


if __name__ == "__main__":
    main()
