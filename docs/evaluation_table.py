"""The page docs/evaluation.md and its evaluation.csv, from the runs of `docs/evaluation.py` that stand."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from evaluation import BACKBONES, EPOCHS, LONG, OBJECTIVES, RHYTHMS
from evaluation_figures import write_figures
from pairs import SUPERCLASSES

from engine.contract.config import PretrainConfig
from engine.contract.results import (
    AnyResults,
    CompareResults,
    Estimate,
    EvaluateResults,
    LeakageResults,
    PretrainResults,
    StressResults,
    StudyResults,
    parse_results,
)
from engine.contract.run import RunFolder

Pretrained = tuple[Path, PretrainConfig, PretrainResults]

HEADS = ("run", "test", "model", "mode", "label", "auroc", "low", "high", "interval", "records", "patients")
MODES = ("linear", "frozen", "finetune")
IMAGES = "images/evaluation"
TITLES = {
    "ptbxl": f"PTB-XL: {', '.join(SUPERCLASSES)}",
    "ludb": f"LUDB: {', '.join(RHYTHMS)}",
}
HEAD = """# What fifteen pretrained models are worth, measured with everything that Isoline has

Five objectives on three backbones, one seed, at size `tiny`: width 64, 150 tokens of a 2.5 s crop, 600 steps
(`engine/recipes/studies/pairs-tiny.toml`), so that all of it, finetuning included, is done in an afternoon on two cores
and without a GPU. They are examples of the method, not of what the objectives can do: every interval below is wide, and
the study that this engine follows pretrained on up to eleven million recordings. Made by

    python docs/pairs.py PAIRS --study pairs-tiny --page PAIRS/pairs.md
    python docs/evaluation.py FOLDER --pairs PAIRS

The single figures, every label's included, stand in [evaluation.csv](evaluation.csv).

**Pool.** {train} recordings to train on and {held} held out, of PTB-XL's folds 1-8 and of the CinC Challenges.

**Tests.** PTB-XL: five superclasses (likelihood 50 or more), fitted on the recordings of folds 1-8 that are here and
tested on those of folds 9-10. LUDB: three rhythms of ten recordings or more, out of five patient folds. Intervals are
95 %, clustered by patient.

**Modes.** *Linear*: L2-penalised logistic regression on mean-pooled features. *Frozen*: attention pooling with a
learned query, {frozen} epochs. *Finetune*: everything trained, three learning rates, {finetune} epochs (the study: 100
each). *From scratch*: S4 of width 128 without stem at 100 Hz, {supervised} epochs.
"""

READING = """## What may be read from this, and what not

- Of 96 test recordings ten have an infarction: a difference below about 0.08 could go unseen here. What is said
  below without a p value is what to look for, not what is shown.
- **Frozen probes tell models apart, finetuning hardly does.** On PTB-XL CPC on S4 is better, after correction, than
  nine of the nineteen others frozen, than one by linear probes and than one finetuned.
- Pretraining shows where nothing is trained after it: on S4 all five objectives give 0.80 to 0.83 with a frozen
  model and random weights 0.74 (CPC minus random +0.09, 0.01 to 0.17, corrected p 0.27); finetuned, the six stand
  between 0.73 and 0.77.
- Finetuning makes up for poor features: JEPA, DinoSR and HuBERT++ on the Transformer give 0.59 to 0.64 frozen
  and 0.79 to 0.82 finetuned, the untrained Transformer 0.73 and 0.81: what is good there, finetuning brought.
- Objective and backbone have to fit: JEPA, data2vec and DinoSR on Net1D collapsed (4 to 9 % of the width used) and are
  below CPC on the same backbone in every mode, frozen by 0.18 to 0.30; the collapse watch said so before anything was
  evaluated, and frozen CPC on S4 is better than each of them after correction.
- Of the objectives on the Transformer only CPC's features use two thirds of the width, and only they are level with
  the best models. Twice as wide CPC stands first of them, too.
- On the features of an untrained Net1D attention pooling ends at chance or below, at both widths; probably since the
  head has no bias, as in the study, so that a label's share must come out of features whose scale follows the
  signal's amplitude.
- Finetuning of S4 is undertrained on PTB-XL: its best epoch is the last of fifty nearly everywhere.
- S4 trained from scratch (width 128, 0.842 on PTB-XL) is level with the best of all: nothing here shows that
  pretraining on 294 recordings helps where 257 have labels.
- Stress finds the same weak points in the pretrained models: exchanged arms cost 0.13 to 0.28, hum of 60 Hz breaks them
  from 0.2 mV on, wander from 0.1 to 0.2 mV on. Random S4 and Net1D break later; they have less to lose.
- Inside, the objectives agree on S4 (CKA 0.80 to 0.92 with CPC's) and differ from the untrained S4 (0.56) and from the
  one that labels alone have shaped (0.20).
- From 32 to 294 recordings no law can be told: the probe's error is flat, and with a floor the exponents may be
  anything from 0 to the limit of the fit.
- LUDB is at chance nearly everywhere, though a plain RR interval tells its bradycardias at an AUROC of 0.985, from
  windows of 2.5 s as the models have them (`python docs/ludb_rhythm.py`). It is chiefly too little training: the 98
  recordings left beside those that choose the epoch are two steps an epoch, and the training loss stays where knowing
  the shares alone puts it. Six times the epochs lift S4 from scratch from 0.499 to 0.701 (0.594 to 0.790);
  they do nothing for the finetuned CPC, whose backbone learns at a tenth of the rate. Of the frozen models only the
  linear probe on CPC's Net1D finds bradycardias better than chance (0.69, 0.54 to 0.80): means of features over
  windows carry little rhythm.
"""
"""Written by hand, of the runs that stand in docs/evaluation.csv."""

WIDER = "evaluation_small.csv"
WIDER_MODES = {"linear probe": "linear", "frozen, attention pooling": "frozen", "finetuned": "finetuned"}
WIDER_TOLD = """The pairs of [pairs.md](pairs.md), size `small`: width 128, 300 tokens, seed 0, pretrained on 291
recordings of the same pool; finetuned for 20 epochs. Measured before, by the same program on the folder of those
pairs, as far as two cores came; every label's figures stand in [evaluation_small.csv](evaluation_small.csv).
"""

PRETRAINED = """The trivial level is what a model reaches that ignores its input. Losses of different objectives cannot
be compared."""

BROKEN = """Of a sweep the mildest severity that costs 0.05 of the macro AUROC, with its interval; of a single fault the
change of the macro AUROC. Linear probes, fitted on undisturbed recordings."""

Wanted = TypeVar("Wanted", bound=AnyResults)


def write_page(folder: Path, pretrained: Iterable[Pretrained], page: Path) -> None:
    """Write page and CSV; what is not done is named as such."""
    known = list(pretrained)
    told = {path.parent.name: parse_results(path.read_text("utf-8")) for path in sorted(folder.glob("*/results.json"))}
    drawn = write_figures(told, folder, page.parent / IMAGES)
    parts = [HEAD.format(**EPOCHS, **pool(known)), leaks(told), *pretrainings(known)]
    for task, title in TITLES.items():
        parts += [worth(told, task, title), ranks(told, task), paired(told, task), few(told, task)]
        parts += [picture(drawn, f"{task}-few-labels"), stress(told, task), picture(drawn, f"{task}-stress-of-models")]
    maps = [picture(drawn, name) for name in drawn if "-cka-" in name or name.endswith("-layer-profile")]
    laws = [picture(drawn, name) for name in drawn if name.startswith("scaling-")]
    parts += [scaling(told), *laws, similarity(told), *maps, wider(page.parent / WIDER), READING]
    page.write_text("\n".join(part for part in parts if part), encoding="utf-8")
    with page.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADS)
        writer.writerows(single(told))
    print(f"{page}: {len(of(told, EvaluateResults))} evaluations")


def pool(known: Sequence[Pretrained]) -> dict[str, int]:
    """How many recordings the pretrainings had."""
    splits = [row.split for row in RunFolder(known[0][0]).manifest()]
    return {"train": splits.count("train"), "held": splits.count("validation")}


def pretrainings(known: Sequence[Pretrained]) -> Iterator[str]:
    """Whether each learnt something, and how much of its width its features use."""
    lines = [
        "## How they were pretrained\n",
        "| model | held-out loss | trivial level | effective rank, % | collapsed | parameters |",
        "|---|---|---|---|---|---|",
    ]
    found = {(config.backbone.name, config.objective.name): (config, results) for _, config, results in known}
    for backbone in BACKBONES:
        for objective in OBJECTIVES:
            config, results = found[backbone, objective]
            loss, trivial = (results.final[f"validation_{name}"] for name in ("loss", "trivial_loss"))
            rank = results.collapse["effective_rank"]
            share = "" if rank is None else f"{100 * rank / config.backbone.width:.1f}"
            collapsed = "**yes**" if results.collapsed else "no"
            cells = [spoken(f"{objective}-{backbone}"), *(f"{value:.4g}" for value in (loss, trivial))]
            lines.append(line([*cells, share, collapsed, f"{results.parameters:,}"]))
    yield "\n".join([*lines, "", PRETRAINED, ""])


def wider(kept: Path) -> str:
    """Macro AUROC of the same pairs at twice the width, as far as it was measured."""
    with kept.open(newline="", encoding="utf-8") as file:
        macros = {
            (row["test"], row["model"], row["mode"]): f"{float(row['auroc']):.3f} ({float(row['low']):.3f} to "
            f"{float(row['high']):.3f})"
            for row in csv.DictReader(file)
            if row["label"] == "macro"
        }
    measured = {key[::2] for key in macros}
    columns = [(task, mode) for task in TITLES for mode in WIDER_MODES if (task, mode) in measured]
    heads = [f"{'PTB-XL' if task == 'ptbxl' else 'LUDB'}, {WIDER_MODES[mode]}" for task, mode in columns]
    lines = ["## At twice the width\n", WIDER_TOLD, f"| model | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for backbone in BACKBONES:
        for objective in (*OBJECTIVES, "random"):
            cells = [macros.get((task, f"{objective} {backbone}", mode), "-") for task, mode in columns]
            lines.append(line([spoken(f"{objective}-{backbone}"), *cells]))
    return "\n".join([*lines, "", "Macro AUROC. A dash: not measured.", ""])


def picture(drawn: Mapping[str, str], name: str) -> str:
    """A figure of the page, where it could be drawn."""
    return f"![{drawn[name]}]({IMAGES}/{name}.svg)\n" if name in drawn else ""


def of(told: dict[str, AnyResults], kind: type[Wanted]) -> dict[str, Wanted]:
    """The results of one kind, by name of the run."""
    return {name: one for name, one in told.items() if isinstance(one, kind)}


def leaks(told: dict[str, AnyResults]) -> str:
    """What the search for leaks found."""
    found = of(told, LeakageResults).get("leakage")
    if found is None:
        return "**Leaks**: not searched yet.\n"
    parts = " and ".join(f"{count} of the part *{part}*" for part, count in found.parts.items())
    verdict = "; ".join(found.findings) if found.leaks else "no patient and no copy of a recording stands in both"
    return f"**Leaks** from the pretraining pool into the tests, {parts}: {verdict}.\n"


def worth(told: dict[str, AnyResults], task: str, title: str) -> str:
    """Macro AUROC of every model in every mode."""
    known = of(told, EvaluateResults)
    lines = [f"## {title}\n", tested(known, task), "| model | linear | frozen | finetuned |", "|---|---|---|---|"]
    for backbone in BACKBONES:
        for model in (*(f"{objective}-{backbone}" for objective in OBJECTIVES), f"random-{backbone}"):
            lines.append(line([spoken(model), *(macro(known.get(f"{task}-{model}-{mode}")) for mode in MODES)]))
    lines.append(line(["S4 from scratch", "", "", macro(known.get(f"{task}-supervised"))]))
    longer = {"S4 from scratch": f"{task}-supervised-long", "CPC on S4": f"{task}-cpc-s4-finetune-long"}
    for model, name in longer.items():
        if name in known:
            lines.append(line([f"{model}, {LONG} epochs", "", "", macro(known[name])]))
    lines.append(line(["age + sex", macro(known.get(f"{task}-age-sex")), "", ""]))
    return "\n".join([*lines, "", "Macro AUROC.", ""])


def tested(known: dict[str, EvaluateResults], task: str) -> str:
    """Who is tested, in a sentence."""
    one = known.get(f"{task}-age-sex")
    if one is None:
        return ""
    counts = ", ".join(f"{label.label} {label.auroc.positive_records}" for label in one.labels)
    return f"{one.records} recordings of {one.patients} patients, {one.split_kind}; with the label: {counts}.\n"


def ranks(told: dict[str, AnyResults], task: str) -> str:
    """Ranks over the task's labels, a column a mode."""
    tables = {mode: compared(told, task, mode) for mode in MODES}
    found = {mode: one.ranking.overall for mode, one in tables.items() if one is not None and one.ranking is not None}
    shown = {mode: {one.model: one for one in page.models} for mode, page in found.items() if page is not None}
    if not shown:
        return ""
    names = sorted(
        {name for page in shown.values() for name in page},
        key=lambda name: (next((page[name].rank.value or 99.0 for page in shown.values() if name in page), 99.0), name),
    )
    lines = ["### Ranks over the labels\n", f"| model | {' | '.join(shown)} |", "|---" * (len(shown) + 1) + "|"]
    for name in names:
        cells = [number(page[name].rank, 1) if name in page else "-" for page in shown.values()]
        lines.append(line([spoken(name), *cells]))
    rule = next(one.ranking.rule for one in tables.values() if one is not None and one.ranking is not None)
    return "\n".join([*lines, "", f"1 is best; a model {rule}.", ""])


def paired(told: dict[str, AnyResults], task: str) -> str:
    """The macro AUROC of the model examined minus that of each other, on the same patients."""
    tables = {mode: compared(told, task, mode) for mode in MODES}
    shown = {
        mode: {one.reference: one for one in table.differences if one.label == "macro"}
        for mode, table in tables.items()
        if table is not None
    }
    if not shown:
        return ""
    examined = next(table.examined for table in tables.values() if table is not None)
    lines = [
        f"### {spoken(examined)} minus the others\n",
        f"| minus | {' | '.join(shown)} |",
        "|---" * (len(shown) + 1) + "|",
    ]
    for name in next(iter(shown.values())):
        cells = [
            f"{number(one.estimate, 3, signed=True)}, p {one.adjusted_p:.2g}" if (one := page.get(name)) else ""
            for page in shown.values()
        ]
        lines.append(line([spoken(name), *cells]))
    rule = "Paired difference of the macro AUROC on the same patients; p corrected by Holm over the rows of a column."
    return "\n".join([*lines, "", rule, ""])


def compared(told: dict[str, AnyResults], task: str, mode: str) -> CompareResults | None:
    """The comparison of most models."""
    found = {name: one for name, one in of(told, CompareResults).items() if name.startswith(f"{task}-compare-{mode}-")}
    return max(found.values(), key=lambda one: len(one.models), default=None)


def few(told: dict[str, AnyResults], task: str) -> str:
    """Few-label curves of the linear mode."""
    known = {
        name: one.few_labels
        for name, one in of(told, EvaluateResults).items()
        if name.startswith(task) and one.few_labels is not None
    }
    if not known:
        return ""
    first = next(iter(known.values()))
    heads = [f"{point.patients:.0f}" for point in first.points]
    lines = [
        "### With fewer labelled patients\n",
        f"| model (linear) | {' | '.join(heads)} | for macro AUROC 0.80 |",
        "|---" * (len(heads) + 2) + "|",
    ]
    for name, curve in known.items():
        needed = "" if curve.needed is None else number(curve.needed.labels, 0) or curve.needed.labels.not_estimable
        model = name.removeprefix(f"{task}-").removesuffix("-linear")
        lines.append(line([spoken(model), *(number(point.macro, 3) for point in curve.points), needed]))
    return "\n".join([*lines, "", "Macro AUROC by labelled patients that trained; intervals over repeats.", ""])


def stress(told: dict[str, AnyResults], task: str) -> str:
    """Where the probes break."""
    known = {name: one for name, one in of(told, StressResults).items() if name.startswith(task)}
    if not known:
        return ""
    models = {name.removeprefix(f"{task}-").removesuffix("-stress"): one for name, one in known.items()}
    lines = [
        "### Where they break\n",
        f"| fault | {' | '.join(map(spoken, models))} |",
        "|---" * (len(models) + 1) + "|",
    ]
    sweeps = {sweep.name: sweep for one in models.values() for sweep in one.sweeps}
    for name, sweep in sweeps.items():
        cells = [broken(one, name) for one in models.values()]
        lines.append(line([f"{sweep.title}{f' ({sweep.unit})' if sweep.unit else ''}", *cells]))
    return "\n".join([*lines, "", BROKEN, ""])


def broken(results: StressResults, name: str) -> str:
    """The breaking point under one fault, or the change of a fault of one severity."""
    sweep = next((one for one in results.sweeps if one.name == name), None)
    if sweep is None:
        return "-"
    if sweep.breaking is None:
        return number(sweep.levels[0].change, 3, signed=True)
    point = sweep.breaking
    if point.broken is None:
        return point.not_estimable or "holds"
    high = "beyond" if point.high is None else f"{point.high:g}"
    return f"{point.broken:g} ({'?' if point.low is None else f'{point.low:g}'} to {high})"


def scaling(told: dict[str, AnyResults]) -> str:
    """The fits over nested pools."""
    study = of(told, StudyResults).get("scaling")
    if study is None:
        return ""
    lines = [
        "## Over nested pools\n",
        "S4 of width 64, 400 steps, three seeds, nested sets of the pool's recordings.\n",
        "| series | number | a | b | c | R2 | points |",
        "|---|---|---|---|---|---|---|",
    ]
    for fit in study.fits:
        share = "" if fit.r_squared is None else f"{fit.r_squared:.2f}"
        told_b = f"{fit.b:.3g}"
        if fit.b_interval is not None:
            told_b += f" ({fit.b_interval.low:.3g} to {fit.b_interval.high:.3g})"
        lines.append(line([fit.series, fit.metric, f"{fit.a:.3g}", told_b, f"{fit.c:.3g}", share, str(fit.points)]))
    return "\n".join([*lines, "", "E(N) = a N^-b + c; the fit with c = 0 stands beside it.", "", *study.notes, ""])


def similarity(told: dict[str, AnyResults]) -> str:
    """CKA between the last layers, on PTB-XL's test."""
    found = compared(told, "ptbxl", "linear")
    if found is None or not found.cka:
        return ""
    lines = [
        "## How alike are the last layers?\n",
        f"| model | CKA with {spoken(found.examined)} | chance stays below |",
        "|---|---|---|",
    ]
    for one in found.cka:
        if one.rows != found.examined or one.columns == found.examined or (value := one.values[-1][-1]) is None:
            continue
        band = f" ({one.low[-1][-1]:.2f} to {one.high[-1][-1]:.2f})" if one.low and one.low[-1][-1] is not None else ""
        chance = one.chance[-1][-1] if one.chance else None
        lines.append(line([spoken(one.columns), f"{value:.2f}{band}", "" if chance is None else f"{chance:.2f}"]))
    warned = sorted({one.warning for one in found.cka if one.warning})
    caption = "Debiased linear CKA on PTB-XL's test recordings, with the band over patients; without one where a few"
    caption += " recordings carry most of a layer's spread."
    return "\n".join([*lines, "", caption, *(f"{one[:1].upper()}{one[1:]}." for one in warned), ""])


def single(told: dict[str, AnyResults]) -> Iterator[list[object]]:
    """One row a label of every evaluation, the macro first."""
    for name, one in of(told, EvaluateResults).items():
        task = name.split("-")[0]
        for label, estimate in (("macro", one.macro), *((label.label, label.auroc) for label in one.labels)):
            span = estimate.interval
            yield [
                name,
                task,
                one.model,
                one.mode,
                label,
                "" if estimate.value is None else f"{estimate.value:.6f}",
                "" if span is None else f"{span.low:.6f}",
                "" if span is None else f"{span.high:.6f}",
                estimate.not_estimable if span is None else span.method,
                estimate.records,
                estimate.patients,
            ]


def macro(results: EvaluateResults | None) -> str:
    """The macro AUROC with its interval."""
    return "-" if results is None else number(results.macro, 3)


def number(estimate: Estimate, digits: int, signed: bool = False) -> str:
    """A number with its interval."""
    if estimate.value is None:
        return ""
    form = f"{'+' if signed else ''}.{digits}f"
    span = estimate.interval
    told = f"{estimate.value:{form}}"
    return told if span is None else f"{told} ({span.low:{form}} to {span.high:{form}})"


def spoken(model: str) -> str:
    """cpc-s4 as CPC on S4."""
    words = {"s4": "S4", "net1d": "Net1D", "transformer": "Transformer", "cpc": "CPC", "jepa": "JEPA"}
    words |= {"dinosr": "DinoSR", "hubert": "HuBERT++", "random": "random weights", "supervised": "S4 from scratch"}
    first, _, second = model.partition("-")
    if first == "age":
        return "age + sex"
    return f"{words.get(first, first)} on {words.get(second, second)}" if second else words.get(first, first)


def line(cells: Sequence[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
