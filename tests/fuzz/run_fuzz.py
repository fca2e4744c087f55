"""Fuzz every reader: python tests/fuzz/run_fuzz.py --cases 110000 --out FOLDER

Each case is a seed spoilt in a way that its number fixes. A worker process reads case after case under `Guard`, with
its address space limited; this process watches the clock, kills a worker that hangs and starts another behind the case.
FOLDER gets `summary.json` and one file for every finding that differs in kind (format and what was wrong).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

from mutations import spoil, truncations
from seeds import Seed, all_seeds

HANG_S = 20.0
"""Wall clock, on a machine that others use too; the two seconds are counted in the worker's own processor time."""


def work(seeds: list[Seed], plan: list[tuple[int, int]], start: int, pipe: Connection) -> None:
    """The worker: read case after case from `start` on, and tell the outcome of each."""
    from guarded import Guard, limit_memory

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "zzfolder"
        folder.mkdir()
        guard = Guard(folder)
        for seed in seeds:  # every library is loaded before the limit is set
            _write(folder, seed, seed.files[seed.spoilt])
            guard.read(folder / seed.opened)
        limit_memory(8 * 12 * 8192)
        for number in range(start, len(plan)):
            seed_number, case = plan[number]
            seed = seeds[seed_number]
            pipe.send((number, None))
            _write(folder, seed, _spoilt(seeds, seed, case))
            pipe.send((number, guard.read(folder / seed.opened)))
    pipe.send((len(plan), None))


def _spoilt(seeds: list[Seed], seed: Seed, case: int) -> bytes:
    others = tuple(s.files[s.spoilt] for s in seeds if s.format == seed.format)
    return seed.made_right(spoil(seed.files[seed.spoilt], case, others), case)


def _write(folder: Path, seed: Seed, content: bytes) -> None:
    for left in os.listdir(folder):
        os.unlink(folder / left)
    for name, whole in seed.files.items():
        (folder / name).write_bytes(content if name == seed.spoilt else whole)


def make_plan(seeds: list[Seed], cases: int, first: int) -> list[tuple[int, int]]:
    """Cases shared evenly among formats, then among the seeds of a format; every cut of small files is in."""
    formats = sorted({seed.format for seed in seeds})
    plan = []
    for name in formats:
        mine = [i for i, seed in enumerate(seeds) if seed.format == name]
        for i in mine:
            share = max(cases // len(formats) // len(mine), 1)
            cuts = truncations(seeds[i].files[seeds[i].spoilt])
            # At most half of a seed's share goes to cuts, spread evenly over the file.
            stride = max(1, -(-2 * cuts // share))
            chosen = list(range(0, cuts, stride))
            plan += [(i, case) for case in chosen]
            plan += [(i, cuts + first + k) for k in range(max(share - len(chosen), 0))]
    random.Random(0).shuffle(plan)  # a run that is stopped has still met every format
    return plan


def run(plan: list[tuple[int, int]], seeds: list[Seed], out: Path) -> dict[str, object]:
    """Go through the plan; the summary by format, and the findings."""
    counts: dict[str, Counter[str]] = {seed.format: Counter() for seed in seeds}
    found: dict[tuple[str, str], str] = {}
    at, started = 0, time.time()
    while at < len(plan):
        here, there = multiprocessing.Pipe(duplex=False)
        worker = multiprocessing.get_context("fork").Process(target=work, args=(seeds, plan, at, there), daemon=True)
        worker.start()
        there.close()
        doing, outcome = at, None
        while True:
            try:
                answer = here.recv() if here.poll(HANG_S if doing > at else 120.0) else None
            except EOFError:
                answer = None
            if answer is None:
                outcome = "bad: hang" if worker.is_alive() else f"bad: crash ({worker.exitcode})"
                worker.kill()
            else:
                doing, outcome = answer
            if outcome is not None and doing < len(plan):
                seed = seeds[plan[doing][0]]
                counts[seed.format][outcome.split(":")[0]] += 1
                if outcome.startswith("bad"):
                    _keep(out, found, seeds, seed, plan[doing], outcome)
            if answer is None or doing >= len(plan):
                break
            if outcome is not None and doing % 2000 == 0:
                _tell(out, counts, found, doing, len(plan), started)
        worker.join(5)
        at = doing + 1
        _tell(out, counts, found, at, len(plan), started)
    return _tell(out, counts, found, at, len(plan), started)


def _keep(out, found, seeds, seed, planned, outcome) -> None:  # type: ignore[no-untyped-def]
    key = (seed.format, outcome)
    if key in found:
        return
    found[key] = f"{seed.format}-{len(found):03d}"
    (out / found[key]).write_bytes(_spoilt(seeds, seed, planned[1]))
    print(found[key], outcome, "seed", planned[0], "file", seed.spoilt, "case", planned[1], flush=True)


def _tell(out, counts, found, done, total, started) -> dict[str, object]:  # type: ignore[no-untyped-def]
    summary = {
        "cases": min(done, total),
        "planned": total,
        "seconds": round(time.time() - started),
        "formats": {name: dict(count) for name, count in sorted(counts.items())},
        "findings": {name: " ".join(key) for key, name in found.items()},
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=1))
    return summary


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=110_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first random case of every seed")
    parser.add_argument("--only", help="one format")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    seeds = [seed for seed in all_seeds() if options.only in (None, seed.format)]
    print(json.dumps(run(make_plan(seeds, options.cases, options.first), seeds, options.out), indent=1))


if __name__ == "__main__":
    main()
