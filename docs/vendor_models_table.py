"""The page of docs/vendor_models.py: what stands in its workspace, as Markdown and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.metrics.discrimination import auroc

KNOWN_ALL = {
    "ecgresnet-bce": {"NORM": 0.916, "MI": 0.935, "STTC": 0.962, "CD": 0.919, "HYP": 0.946},
    "ecgresnet-focal": {"NORM": 0.893, "MI": 0.923, "STTC": 0.961, "CD": 0.902, "HYP": 0.905},
}
KNOWN_TEST = {
    "ecgresnet-bce": {"NORM": 0.888, "MI": 0.935, "STTC": 0.971, "CD": 0.776, "HYP": 0.961},
    "ecgresnet-focal": {"NORM": 0.882, "MI": 0.917, "STTC": 0.956, "CD": 0.744, "HYP": 0.938},
}
KNOWN_LUDB = {"openecg-v6": {"AFIB": 0.974}, "openecg-v1": {"AFIB": 0.887}}
"""Measured with other code: READMEs of the development data's `vendor-models`."""

TITLES = {
    "ecgresnet-bce": "ECGResNet, cross-entropy",
    "ecgresnet-focal": "ECGResNet, focal loss",
    "openecg-v6": "openecg codec v6",
    "openecg-v1": "openecg codec v1",
}
SOURCE = (
    "[ECGResNet](https://github.com/iskoo-14/ecgresnet-ptbxl) (two losses) and"
    " [openecg](https://pypi.org/project/openecg/) 0.11.0 (codecs v6 and v1), both Apache-2.0, on 353 distinct"
    " recordings of PTB-XL and 144 of LUDB"
)
HOW = """Made by `python docs/vendor_models.py FOLDER`, which drives the command line alone: import, labels, cohorts,
`model add --card`, `evaluate --mode own`, `model vet`, `version`. The cards are in [vendor_cards](vendor_cards). A
superclass counts from a likelihood of 50 on. The known figures were made so with other code; three recordings of PTB-XL
stand in them twice."""


def write_page(folder: Path, page: Path) -> None:
    """Write the page, and the numbers behind it beside it as CSV."""
    steps = Steps(folder)
    rows = list(_known_rows(steps))
    parts = ["# Vendors' models on open recordings", "", f"{SOURCE}.", "", HOW, ""]
    parts += ["## Known answers", "", *_known(rows), ""]
    parts += ["## What the cards and the recordings' origin give away", "", *_leaks(steps), ""]
    parts += ["## Vetting", "", *_vetting(steps), ""]
    parts += ["## New version against old", "", *_versions(steps), ""]
    page.write_text("\n".join(parts), encoding="utf-8")
    with page.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("model", "recordings", "label", "records", "positives", "auroc", "low", "high", "known"))
        writer.writerows(rows)


class Steps:
    """What the commands said, by the step's name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def told(self, name: str) -> Any:
        """The JSON of a step; None where it was not made."""
        path = self.folder / "steps" / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def scores(self, name: str) -> dict[str, Any] | None:
        """Records, labels and scores of an evaluation step."""
        told = self.told(f"job-{name}")
        if told is None:
            return None
        with np.load(self.folder / "runs" / told["job_id"] / "predictions.npz") as file:
            return {key: file[key] for key in file.files}


Row = tuple[str, str, str, int, int, float, float | None, float | None, float | None]


def _known_rows(steps: Steps) -> Iterable[Row]:
    for name in TITLES:
        for step, where, known in (
            (f"own-{name}-ptbxl", "PTB-XL, all", KNOWN_ALL.get(name, {})),
            (f"own-{name}-ludb", "LUDB", KNOWN_LUDB.get(name, {})),
            (f"linear-{name}-ludb", "LUDB, linear probe", {}),
        ):
            for one in (steps.told(step) or {"labels": ()})["labels"]:
                yield _row(name, where, one, known)
            if where == "PTB-XL, all" and name in KNOWN_TEST:
                yield from _test_folds(steps, name)


def _row(name: str, where: str, one: dict[str, Any], known: dict[str, float]) -> Row:
    area = one["auroc"]
    positives = round(one["prevalence"]["value"] * area["records"]) if area.get("records") else 0
    return (
        TITLES[name],
        where,
        one["label"],
        area.get("records", 0),
        positives,
        area["value"],
        *_ends(area),
        known.get(one["label"]),
    )


def _ends(told: dict[str, Any]) -> tuple[float | None, float | None]:
    """Of the reported interval of a number."""
    interval = told.get("interval") or {}
    return interval.get("low"), interval.get("high")


def _test_folds(steps: Steps, name: str) -> Iterable[Row]:
    """Areas on the recordings of folds 9 and 10, which neither variant was trained on."""
    scored, records = steps.scores(f"own-{name}-ptbxl"), steps.told("records")
    if scored is None or records is None:
        return
    fold, y = _folds_and_labels(steps, records)
    rows = [n for n, record in enumerate(scored["record_id"].tolist()) if fold.get(record, 0) >= 9]
    for column, label in enumerate(scored["labels"].tolist()):
        y_N = np.array([y[label].get(scored["record_id"][n], np.nan) for n in rows])
        value = auroc(y_N, scored["scores"][rows, column])
        known = KNOWN_TEST[name].get(label)
        yield (TITLES[name], "PTB-XL, folds 9-10", label, len(rows), int(y_N.sum()), float(value), None, None, known)


def _folds_and_labels(
    steps: Steps, records: Sequence[dict[str, Any]]
) -> tuple[dict[str, int], dict[str, dict[str, float]]]:
    by_file = {row["source_name"]: row["record_id"] for row in records}
    folds = {by_file[name]: fold for name, fold in steps.told("folds").items() if name in by_file}
    with (steps.folder / "labels-ptbxl.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name != "record"]
    stems = [(Path(row["record"]).stem, row) for row in rows]
    y = {name: {by_file[stem]: float(row[name]) for stem, row in stems if stem in by_file} for name in names}
    return folds, y


def _known(rows: Sequence[Row]) -> list[str]:
    lines = [
        "| Model | Recordings | Label | Positives | AUROC | 95 % interval | Known | Difference |",
        "| --- | --- | --- | ---: | ---: | --- | ---: | ---: |",
    ]
    for model, where, label, records, positives, value, low, high, known in rows:
        interval = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
        apart = "" if known is None else f"{value - known:+.3f}"
        told = "" if known is None else f"{known:.3f}"
        lines.append(
            f"| {model} | {where} | {label} | {positives} of {records} | {value:.3f} | {interval} | {told} | {apart} |"
        )
    far = [abs(row[5] - row[8]) for row in rows if row[8] is not None]
    return [*lines, "", f"Largest difference: {max(far):.3f}." if far else "Nothing stands yet."]


def _leaks(steps: Steps) -> list[str]:
    lines = []
    for name, title in TITLES.items():
        for cohort in ("ptbxl", "ludb"):
            told = steps.told(f"own-{name}-{cohort}")
            for sentence in ((told or {}).get("leaks") or {}).get("findings", ()):
                lines.append(f"- {title} on {cohort}: {sentence}")
    return lines or ["Nothing stands yet."]


def _vetting(steps: Steps) -> list[str]:
    told = {name: steps.told(f"vet-{name}") for name in TITLES}
    vetted = {name: one for name, one in told.items() if one is not None}
    lines = [
        "| Model | Blocking | Serious | Notes | Determinism | Parity | Held by |",
        "| --- | ---: | ---: | ---: | --- | --- | --- |",
        *(_vetted(TITLES[name], one) for name, one in vetted.items()),
        "",
    ]
    for name, one in vetted.items():
        for finding in one["findings"]:
            about = f" ({finding['subject']})" if finding["subject"] else ""
            lines.append(f"- {TITLES[name]}, {finding['weight']}: {finding['found']}{about}")
    return [*lines, "", *_sensitivity(vetted)]


def _vetted(title: str, told: dict[str, Any]) -> str:
    weights = [finding["weight"] for finding in told["findings"]]
    counts = " | ".join(str(weights.count(weight)) for weight in ("blocking", "serious", "note"))
    held = "; ".join(told["sandbox"]["means"]) or told["sandbox"]["told"]
    return f"| {title} | {counts} | {told['determinism']['state']} | {_parity(told['parity'])} | {held} |"


def _parity(told: dict[str, Any]) -> str:
    if not told["outputs"]:
        return str(told["verdict"])
    largest = max(output["largest_absolute"] for output in told["outputs"])
    return f"{told['verdict']}: largest difference {largest:.1e}"


BOLD = (
    "Change of the macro AUROC with its 95 % interval. **Bold**: plausible outputs that tell less, which nobody would"
    " notice."
)


def _sensitivity(vetted: dict[str, Any]) -> list[str]:
    """What each item of the contract does when it is wrong; in bold what works, only worse."""
    titles: dict[str, str] = {}
    for told in vetted.values():
        titles |= {item["name"]: item["title"] for item in told["sensitivity"]["items"]}
    lines = [
        "### When the contract is not kept",
        "",
        BOLD,
        "",
        f"| What is wrong | {' | '.join(TITLES[name] for name in vetted)} |",
        f"| --- |{' --- |' * len(vetted)}",
    ]
    for name, title in titles.items():
        cells = [_item(one, name) for one in vetted.values()]
        if any(cell != "-" for cell in cells):
            lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def _item(told: dict[str, Any], name: str) -> str:
    item = next((one for one in told["sensitivity"]["items"] if one["name"] == name), None)
    if item is None or item["verdict"] == "not tried":
        return "-"
    change = item.get("change") or {}
    if change.get("value") is None:
        return str(item["verdict"])
    low, high = _ends(change)
    between = "" if low is None or high is None else f" ({low:+.3f} to {high:+.3f})"
    words = f"{change['value']:+.3f}{between}"
    if item["verdict"] == "works, only worse":
        return f"**{words}**"
    return f"{words}, loudly" if item["verdict"] == "breaks loudly" else words


def _versions(steps: Steps) -> list[str]:
    lines: list[str] = []
    for name in ("openecg", "ecgresnet"):
        told = steps.told(f"version-{name}")
        if told is not None:
            lines += _version(told)
    return lines or ["Nothing stands yet."]


def _version(told: dict[str, Any]) -> list[str]:
    lines = [
        f"### {told['old']} to {told['new']}",
        "",
        f"{told['records']} recordings of {told['patients']} patients, accepted loss {told['margin']}.",
        "",
        "| Label | Measure | Old | New | Difference (95 %) | Corrected p | Against the margin |",
        "| --- | --- | ---: | ---: | --- | ---: | --- |",
    ]
    for label in told["labels"]:
        lines += [_change(label["label"], change) for change in label["changes"]]
    lines += ["", "| Label | Threshold | New misses | Misses mended | New false alarms | False alarms gone | Alerts |"]
    lines += ["| --- | --- | ---: | ---: | ---: | ---: | --- |"]
    for label in told["labels"]:
        lines += [_flips(label["label"], policy) for policy in label["policies"] if not policy["not_estimable"]]
    return [*lines, ""]


def _change(label: str, change: dict[str, Any]) -> str:
    old, new, apart = (_number(change[name]["value"]) for name in ("old", "new", "difference"))
    between = " to ".join(_number(end) for end in _ends(change["difference"]))
    p = change["adjusted_p"] if change["adjusted_p"] is not None else change["p_value"]
    told = "-" if p is None else f"{p:.2g}"
    return f"| {label} | {change['name']} | {old} | {new} | {apart} ({between}) | {told} | {change['verdict']} |"


def _flips(label: str, policy: dict[str, Any]) -> str:
    by = {flips["name"]: flips for flips in policy["flips"]}
    sick, well = by.get("with label", {}), by.get("without label", {})
    alerts = " to ".join(_number(policy[name]["value"], 1) for name in ("alerts_old", "alerts_new"))
    counts = (sick.get("to_negative"), sick.get("to_positive"), well.get("to_positive"), well.get("to_negative"))
    words = {"own": "each its own", "kept": "the old one kept"}[policy["name"]]
    return f"| {label} | {words} | {' | '.join(str(count or 0) for count in counts)} | {alerts} per 100 |"


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
