"""The page docs/pairs.md and its docs/pairs.csv, from what stands of the study and of its evaluations on LUDB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.contract.config import StudyConfig
from engine.contract.events import StudyRun, read_events
from engine.contract.results import Estimate, EvaluateResults, StudyCell, StudyRow, parse_results
from engine.contract.run import RunFolder
from engine.study.summary import summarise
from engine.study.table import table_text

COMMAND = "python docs/pairs.py FOLDER"
HEAD = """# Every objective on every backbone: does it learn, does it collapse, what is it worth?

Fifteen pairs at size `small` (width 128, the published depths, 300 tokens of a 2.5 s crop, batch 32, 600 steps, teacher
decay 0.99 where there is a teacher; all else as in the study but for three choices of ours, told in
[fidelity.md](fidelity.md)), {seeds}. Made by `{command}` from open recordings; the single runs stand in
[pairs.csv](pairs.csv).

**Pool**: {train} recordings to train on and {held} held out (a tenth of the patients) of PTB-XL's folds 1-8 and of the
CinC Challenges, without any recording of PTB-XL's folds 9-10. These are {train} recordings, not the millions of the
study: the table shows that the machinery learns what it should, not how good these methods are at scale.

**Works** means: the held-out loss is below its trivial level (what a model reaches that ignores its input) with the
whole interval over seeds, CPC guesses the true token at least five times as often as chance ({chance}), and the
effective rank of the features is at least 10 % of the width. Intervals are 95 %, Student's t over seeds.
"""

WORTH = """Macro AUROC of a linear probe on mean-pooled features of the last layer: on PTB-XL (five superclasses, fitted
on folds 1-8, tested on the recordings of folds 9-10 that are here) and on LUDB (eight labels, out of five patient
folds; no pretraining saw it). *Random* is the same backbone with the weights that the run began with. The gain's
interval is over seeds, on the same test recordings: it does not say what other recordings would give. Reported, not a
gate.
"""


READING = """## What may be read from this, and what not

- S4 takes all five objectives, the Transformer too; Net1D takes CPC and HuBERT++. With JEPA, data2vec and DinoSR its
  features keep 3 to 9 % of their width, and the collapse watch said so in all nine runs.
- A low loss says little alone: data2vec on Net1D stands at a third of its trivial level with 2.7 % of the width.
- 291 recordings make no foundation model. No pair beats random weights with the interval over seeds away from 0; on the
  Transformer DinoSR is below them on PTB-XL, data2vec on LUDB. The study's ranking at scale is neither confirmed nor
  contradicted.
"""
"""Written by hand, of the runs that stand in docs/pairs.csv."""


def write_page(folder: Path, page: Path) -> None:
    """Write page and CSV; runs that are not done yet are named as such."""
    study = RunFolder(folder / "study")
    config = study.config()
    assert isinstance(config, StudyConfig)
    told = {e.row.number: e.row for e in read_events(study.events_path)[0] if isinstance(e, StudyRun)}
    rows = [with_ludb(folder, told[number]) for number in sorted(told)]
    cells = sorted(
        summarise(config, rows, (), 0.0).cells, key=lambda cell: config.axes["objective"].index(pair(cell)[0])
    )
    manifest = study.manifest()
    train = sum(row.split == "train" for row in manifest)
    seeds = len({row.values.get("seed", 0) for row in rows})
    head = HEAD.format(
        seeds="one seed" if seeds == 1 else f"{seeds} seeds",
        command=COMMAND,
        train=train,
        held=len(manifest) - train,
        chance="1/129",
    )
    parts = [head, learning(cells), collapse(cells), worth(cells, folder), cost(cells), unfinished(rows), READING]
    page.write_text("\n".join(part for part in parts if part), encoding="utf-8")
    page.with_suffix(".csv").write_text(table_text(list(config.axes), rows), encoding="utf-8")
    done = sum(row.state == "done" for row in rows)
    print(
        f"{page}: {done} of {len(rows)} runs done, {sum(bool(cell.works) for cell in cells)} of {len(cells)} pairs work"
    )


def with_ludb(folder: Path, row: StudyRow) -> StudyRow:
    """The row with the macro AUROCs on LUDB, where they stand."""
    metrics = dict(row.metrics)
    for word in ("before", "after"):
        results = ludb_results(folder, row.number, word)
        if results is not None:
            metrics[f"ludb_{word}"] = results.macro.value
    before, after = metrics.get("ludb_before"), metrics.get("ludb_after")
    if before is not None and after is not None:
        metrics["ludb_gain"] = after - before
    return row.model_copy(update={"metrics": metrics})


def ludb_results(folder: Path, number: int, word: str) -> EvaluateResults | None:
    """The evaluation on LUDB of a run's weights before or after its pretraining."""
    path = folder / "ludb" / f"{number:04d}-{word}" / "results.json"
    if not path.exists():
        return None
    results = parse_results(path.read_text(encoding="utf-8"))
    assert isinstance(results, EvaluateResults)
    return results


def learning(cells: Sequence[StudyCell]) -> str:
    """Losses against their trivial levels, and the verdict."""
    lines = [
        "## Does it learn?\n",
        "| objective | backbone | works | held-out loss | trivial level | rank-1 accuracy | effective rank, % |",
        "|---|---|---|---|---|---|---|",
    ]
    for cell in cells:
        accuracy = shown(cell, "validation_accuracy", 100, 1, " %") if "chance" in cell.metrics else ""
        numbers = [
            shown(cell, "validation_loss", 1, 4),
            plain(cell, "validation_trivial_loss", 5),
            accuracy,
            shown(cell, "effective_rank_share", 100, 1),
        ]
        lines.append(line([*pair(cell), verdict(cell), *numbers]))
    lacking = [f"* {' '.join(pair(cell))}: {cell.shortfall}." for cell in cells if cell.works is False]
    return "\n".join([*lines, "", *([*lacking, ""] if lacking else [])])


def collapse(cells: Sequence[StudyCell]) -> str:
    """The collapse watch at the last look."""
    names = ("target_variance", "prediction_variance", "codes_used", "teacher_entropy", "effective_rank")
    lines = [
        "## Does it collapse?\n",
        "Last look of the collapse watch, mean over seeds; rank is the effective one. Empty: there is no such thing.\n",
        "| objective | backbone | collapsed | target var. | prediction var. | codes used | teacher entropy | rank |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for cell in cells:
        fallen = cell.metrics.get("collapsed", Estimate()).value
        count = "" if fallen is None else f"{round(fallen * cell.seeds)} of {cell.seeds}"
        lines.append(line([*pair(cell), count, *(plain(cell, name) for name in names)]))
    return "\n".join([*lines, ""])


def worth(cells: Sequence[StudyCell], folder: Path) -> str:
    """Linear probes before and after."""
    lines = [
        "## What are its features worth?\n",
        WORTH,
        "| objective | backbone | PTB-XL random | PTB-XL pretrained | gain | LUDB random | LUDB pretrained | gain |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for cell in cells:
        numbers = [
            plain(cell, "probe_before"),
            plain(cell, "probe_after"),
            shown(cell, "probe_gain", 1, 3, signed=True),
        ]
        other = [plain(cell, "ludb_before"), plain(cell, "ludb_after"), shown(cell, "ludb_gain", 1, 3, signed=True)]
        lines.append(line([*pair(cell), *numbers, *other]))
    return "\n".join([*lines, "", *test_sets(folder), ""])


def test_sets(folder: Path) -> list[str]:
    """How many recordings and patients a probe's figure rests on."""
    told = []
    for path in sorted((folder / "study" / "runs").glob("*/results.json"))[:1]:
        results = parse_results(path.read_text(encoding="utf-8"))
        points = getattr(results, "probes", [])
        if points:
            told.append(
                f"PTB-XL: {points[-1].macro.records} recordings of {points[-1].macro.patients} patients tested."
            )
    ludb = sorted((folder / "ludb").glob("*-after/results.json"))
    if ludb:
        results = parse_results(ludb[0].read_text(encoding="utf-8"))
        assert isinstance(results, EvaluateResults)
        told.append(f"LUDB: {results.records} recordings of as many patients, {results.split_kind}.")
    return told


def cost(cells: Sequence[StudyCell]) -> str:
    """Seconds per step; looks are included, probes are not."""
    lines = [
        "## What does it cost?\n",
        "| objective | backbone | parameters of the backbone | seconds per step, one core |",
        "|---|---|---|---|",
    ]
    for cell in cells:
        size, seconds = (cell.metrics.get(name, Estimate()).value for name in ("parameters", "seconds_per_step"))
        if size is not None and seconds is not None:
            lines.append(line([*pair(cell), f"{size:,.0f}", f"{seconds:.2f}"]))
    return "\n".join([*lines, "", "Measured beside other work on two cores: an upper bound, no benchmark.", ""])


def unfinished(rows: Sequence[StudyRow]) -> str:
    """Runs without results, in a sentence each."""
    left = [row for row in rows if row.state != "done"]
    if not left:
        return ""
    told = [f"* {row.name}: {row.state}{f' ({row.message})' if row.message else ''}" for row in left]
    return "\n".join(["## Not done\n", *told, ""])


def pair(cell: StudyCell) -> list[str]:
    """Objective and backbone."""
    return [str(cell.values.get("objective", "")), str(cell.values.get("backbone", ""))]


def verdict(cell: StudyCell) -> str:
    """Yes, no, or not known yet."""
    return "not known" if cell.works is None else "yes" if cell.works else "**no**"


def plain(cell: StudyCell, name: str, digits: int = 3) -> str:
    """A number without its interval, to so many significant digits."""
    value = cell.metrics.get(name, Estimate()).value
    return "" if value is None else f"{value:.{digits}g}"


def shown(cell: StudyCell, name: str, factor: float, digits: int, unit: str = "", signed: bool = False) -> str:
    """A number with its interval over seeds."""
    estimate = cell.metrics.get(name, Estimate())
    if estimate.value is None:
        return ""
    form = f"{'+' if signed else ''}.{digits}f"
    told = f"{factor * estimate.value:{form}}{unit}"
    span = estimate.interval
    return told if span is None else f"{told} ({factor * span.low:{form}} to {factor * span.high:{form}})"


def line(cells: Sequence[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
