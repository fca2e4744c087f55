"""Writes the tables of docs/coverage.md from docs/coverage.csv, between their markers.

Run from the repository's root: python docs/coverage_table.py
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

CSV = Path(__file__).with_name("coverage.csv")
PAGE = Path(__file__).with_name("coverage.md")
LOW = 0.93
Line = dict[str, str]

LABELS = ("ranking", "threshold", "probabilities", "fits")
SIZES = (("50", "5"), ("100", "10"), ("200", "20"), ("500", "50"), ("40", "20"), ("300", "100"))
ONE, FIVE = "one recording a patient", "about five recordings a patient"
SHORT = {ONE: "one each", FIVE: "five each"}


def read(path: Path = CSV) -> list[Line]:
    """All lines."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def share(line: Line | None) -> str:
    """A cell: per cent, in bold where it is below 93."""
    if line is None:
        return "-"
    told = f"{100 * float(line['held']):.1f}"
    return f"**{told}**" if float(line["held"]) < LOW else told


def find(lines: Iterable[Line], interval: str = "reported", **wanted: str) -> Line | None:
    """The line that has all of these."""
    for line in lines:
        if line["interval"] == interval and all(line[name] == value for name, value in wanted.items()):
            return line
    return None


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def statistics(lines: Iterable[Line], study: str) -> list[str]:
    """Their names in the order of the file."""
    return list(dict.fromkeys(line["statistic"] for line in lines if line["study"] == study))


def of_labels(lines: list[Line], study: str, suffix: str = "") -> str:
    """Statistics by the size of the test, a single recording a patient and several."""
    sizes = [size for size in SIZES if not suffix or size in (("100", "10"), ("300", "100"))]
    head = ["Statistic", *(f"{events} of {patients}" for patients, events in sizes)]
    rows = []
    for name in statistics(lines, study):
        cells = []
        for patients, events in sizes:
            place = {"study": study, "statistic": name, "patients": patients, "events": events}
            pair = [find(lines, design=design + suffix, **place) for design in (ONE, FIVE)]
            cells.append(" / ".join(share(line) for line in pair))
        rows.append([name.replace("_", " "), *cells])
    return table(head, rows)


def of_numbers(lines: list[Line]) -> str:
    """Statistics of measured numbers by patients."""
    designs = [design + tail for tail in ("", ", heavy tails") for design in (ONE, FIVE)]
    rows = []
    for name in statistics(lines, "numbers"):
        for tail in ("", ", heavy tails"):
            cells = []
            for patients in ("12", "20", "40", "100", "300"):
                place = {"study": "numbers", "statistic": name, "patients": patients}
                pair = [find(lines, design=design, **place) for design in designs if design.endswith(tail or "patient")]
                cells.append(" / ".join(share(line) for line in pair))
            rows.append([name + tail, *cells])
    return table(["Statistic", *(f"{patients} patients" for patients in (12, 20, 40, 100, 300))], rows)


def of_others(lines: list[Line]) -> str:
    """Everything else, a line each."""
    rows = [
        [line["statistic"], line["design"], line["patients"] if line["patients"] != "0" else "", share(line)]
        for line in lines
        if line["study"] in ("shift", "laws", "layers", "repeats") and line["interval"] == "reported"
    ]
    return table(["Statistic", "Made data", "Patients", "Held, %"], rows)


def beside(lines: list[Line]) -> str:
    """The bootstrap beside the reported interval, mean over all tests of labels and lowest."""
    rows = []
    for study in (*LABELS, "numbers"):
        for name in statistics(lines, study):
            cells = [line for line in lines if (line["study"], line["statistic"]) == (study, name)]
            kinds = [[line for line in cells if line["interval"] == kind] for kind in ("reported", "beside")]
            if not kinds[1] or "bootstrap" not in kinds[1][0]["method"]:
                continue
            told = [[float(line["held"]) for line in kind] for kind in kinds]
            means = [f"{100 * sum(one) / len(one):.1f} ({100 * min(one):.1f})" for one in told]
            rows.append([name.replace("_", " "), *means])
    return table(["Statistic", "reported: mean (lowest)", "bootstrap: mean (lowest)"], rows)


def below(lines: list[Line]) -> str:
    """Every reported interval that holds the truth in fewer than 93 %."""
    low = [line for line in lines if line["interval"] == "reported" and float(line["held"]) < LOW]
    rows = []
    for line in low:
        size = " of ".join(part for part in (line["events"], line["patients"]) if part != "0")
        sides = f"{100 * float(line['truth_below']):.1f} / {100 * float(line['truth_above']):.1f}"
        rows.append([line["statistic"].replace("_", " "), line["design"], size, share(line), sides])
    return table(["Statistic", "Made data", "Patients", "Held, %", "truth below / above, %"], rows)


def tables(lines: list[Line]) -> dict[str, str]:
    """By the name of their markers."""
    told = {study: of_labels(lines, study) for study in LABELS}
    told["apart"] = of_labels([line for line in lines if line["study"] == "ranking"], "ranking", ", AUROC 0.96")
    told["apart threshold"] = of_labels(lines, "threshold", ", AUROC 0.96")
    return {
        **told,
        "numbers": of_numbers(lines),
        "others": of_others(lines),
        "beside": beside(lines),
        "below": below(lines),
    }


def filled(page: str, told: dict[str, str]) -> str:
    """The page with its tables."""
    for name, text in told.items():
        pattern = rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- end -->)"
        page = re.sub(pattern, lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page, flags=re.DOTALL)
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), tables(read())), encoding="utf-8")
