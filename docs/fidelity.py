"""As the methods intend against as the code was released: the study `fidelity` and the table of docs/fidelity.md.

    python docs/fidelity.py FOLDER [--data DATA] [--set base.steps=150 ...]
    python docs/fidelity.py FOLDER --table

Recordings, probe and split are those of docs/pairs.py. `--set` makes the study smaller; the page tells the sizes that
were run. It may be killed and called again at any time: everything that was finished stands.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pairs import ROOT, Built
from pairs_table import line, test_sets, unfinished

from engine.contract.config import PretrainConfig, StudyConfig
from engine.contract.events import StudyRun, read_events
from engine.contract.results import StudyDifference, StudyRow
from engine.contract.run import RunFolder
from engine.study.differences import differences
from engine.study.grid import FIDELITY
from engine.study.table import table_text

METRICS = {
    "probe_after": "AUROC after pretraining",
    "probe_gain": "AUROC gained by pretraining",
    "effective_rank_share": "effective rank, share of the width",
}
HEAD = """# What the faults of the released code change

The study `fidelity`: every objective as its method intends and as the published code behaves (a random teacher that
never follows, a tenth of the masks, one codebook of two for DinoSR, JEPA targets of 64 tokens that may be in sight,
z-scores by statistics in another lead order). Made by

    {command}

{size}

Pool, probe and split are those of [pairs.md](pairs.md): {train} recordings to train on, {held} held out, the linear
probe on PTB-XL's folds 1-8 tested on 9-10. Single runs: [fidelity.csv](fidelity.csv).

Each number is *as released minus as intended*, paired by seed, with Student's 95 % interval over {seeds} seeds.
CPC on S4 has no fault to release: its difference must be exactly 0, and checks the study itself.
Held-out losses are not compared: with other masks and targets they are other quantities.
"""
LIMITS = """
## What it does not say

* {steps} steps at width {width} on {train} recordings: far below the scale of the published comparison. A random
  teacher may cost nothing this early and much later, or the other way round. What stands here is that both behaviours
  run to their end, that they differ, and how much at this size.
* Three seeds make wide intervals, and the intervals are over seeds on the same test recordings: they do not say what
  other recordings would give. An interval that contains 0 shows no difference; it does not show that there is none.
* The differences are those of all faults of an objective together, not of each alone.
"""
OURS = """
## Where *intended* is a choice of ours

The method names what is intended; in three places its letter worked badly at the sizes tried here, and the default is
ours. Each is a setting of the objective, and the study's own value can be set in its place.

* **The teacher's batch statistics** are the student's at each step (`teacher_statistics = "copied"`). The study means
  to average them as it does weights (`"averaged"`); they start at mean 0 and variance 1, and until that is forgotten,
  after thousands of steps at a decay of 0.9996, such a teacher makes nearly the same of all tokens (figures in
  `engine/objectives/teacher.py`).
* **DinoSR's codewords** start on tokens of the first batch (`code_start = "tokens"`). As normal vectors (`"normal"`),
  as in the study, few of them are ever used.
* **HuBERT++ on Net1D** takes the batch's mean token off before tokens are assigned (`centred`): Net1D has no last norm,
  so its tokens all point much the same way. On S4 and the Transformer nothing is taken off.

As released, codewords are normal vectors, nothing is taken off, and the teacher never follows.
"""


def main() -> None:
    """Run what is unfinished, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="base.steps=20, axes.seed=[0]")
    parser.add_argument("--table", action="store_true", help="only write the page from what stands")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "fidelity.md")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if not arguments.table:
        folder.mkdir(parents=True, exist_ok=True)
        code = Built(folder, arguments.data).study("fidelity", arguments.set)
        if code:
            sys.exit(code)
    write(folder, arguments.page, arguments.set)


def write(folder: Path, page: Path, changes: Sequence[str]) -> None:
    """Write page and CSV from what stands; runs that are not done yet are named as such."""
    study = RunFolder(folder / "study")
    config = study.config()
    assert isinstance(config, StudyConfig)
    told = {event.row.number: event.row for event in read_events(study.events_path)[0] if isinstance(event, StudyRun)}
    rows = [told[number] for number in sorted(told)]
    base = PretrainConfig.model_validate({k: v for k, v in config.base.items() if k != "probe"})
    split = [row.split for row in study.manifest()]
    sizes = {"train": split.count("train"), "held": split.count("validation")}
    size = (
        f"Here: S4 of width {base.backbone.width}, batch {base.batch_size}, {base.steps} steps. "
        "The study as shipped has 600 steps at width 128."
    )
    head = HEAD.format(command=_command(changes), size=size, seeds=len(config.axes["seed"]), **sizes)
    limits = LIMITS.format(steps=base.steps, width=base.backbone.width, **sizes) + OURS
    parts = [head, table(config, rows), *test_sets(folder), limits, unfinished(rows)]
    page.write_text("\n".join(part for part in parts if part), encoding="utf-8")
    page.with_suffix(".csv").write_text(table_text(list(config.axes), rows), encoding="utf-8")
    print(f"{page}: {sum(row.state == 'done' for row in rows)} of {len(rows)} runs done")


def table(config: StudyConfig, rows: Sequence[StudyRow]) -> str:
    """One line an objective, one column a number."""
    found = {(one.among, one.metric): one for one in differences(config.axes, rows) if one.axis == FIDELITY}
    lines = [line(["objective", *METRICS.values()]), line(["---"] * (1 + len(METRICS)))]
    for objective in config.axes["objective"]:
        numbers = [_shown(found.get((str(objective), metric))) for metric in METRICS]
        lines.append(line([str(objective), *numbers]))
    return "\n".join([*lines, ""])


def _shown(one: StudyDifference | None) -> str:
    if one is None or one.estimate.value is None:
        return ""
    span = one.estimate.interval
    told = f"{one.estimate.value:+.4f}"
    return told if span is None else f"{told} ({span.low:+.4f} to {span.high:+.4f})"


def _command(changes: Sequence[str]) -> str:
    return " ".join(["python docs/fidelity.py FOLDER", *(f"--set {change}" for change in changes)])


if __name__ == "__main__":
    main()
