"""All rows of the engine's benchmark, for people and for programs."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import torch

from engine.bench.cases import FULL, TINY, Case, Size, embedding, inference, net1d, training, transformer
from engine.bench.contrastive import loss_alone, whole_step
from engine.bench.measure import Call, Machine, Product, interleaved, measure_machine
from engine.bench.memory import peak_megabytes
from engine.bench.published import GEMM_THERE, GOALS, PUBLISHED, SLACK, SOURCE
from engine.contract.backbone import S4Config
from engine.contract.errors import UsageError
from engine.kernels.library import kernels
from engine.kernels.products import by_onednn, onednn_is_exact

ROUNDS = 5
PRODUCTS = 3
"""Products in a turn: the machine's rate is measured beside each row, since other work changes it meanwhile."""

SMALL_GEMM = (240, 512, 1024)
"""Of the product beside tiny cases, which are not about speed."""

CASES: dict[str, Callable[[Size], Case]] = {
    "s4-embed-1": lambda size: embedding(size, 1),
    "s4-embed-32": lambda size: embedding(size, size.s4),
    "s4-embed-32-bf16": lambda size: embedding(size, size.s4, bf16=True),
    "s4-train-32": lambda size: training(
        f"S4 forward and backward, batch {size.s4}", S4Config(width=size.width), size.s4, size
    ),
    "cpc-step-16": whole_step,
    "cpc-loss-16": loss_alone,
    "transformer-4": lambda size: inference(
        f"Transformer forward, batch {size.others}", transformer(size), size.others, size
    ),
    "transformer-train-4": lambda size: training(
        f"Transformer forward and backward, batch {size.others}",
        transformer(size),
        size.others,
        size,
    ),
    "net1d-4": lambda size: inference(f"Net1D forward, batch {size.others}", net1d(size), size.others, size),
    "net1d-train-4": lambda size: training(
        f"Net1D forward and backward, batch {size.others}", net1d(size), size.others, size
    ),
}


@dataclass(frozen=True)
class Row:
    """One figure; times are CPU milliseconds a crop, of one thread.

    Attributes:
        ratio: reference / ours, both measured here, in turns.
        floor_ms: the products alone at the peak of this machine.
        share: floor / ours.
        error: largest relative difference of the two results, measured in this run.
        ours_mb, reference_mb: megabytes that a call of the whole batch takes at its highest; None where unknown.
        gemm: GFLOP/s of the product that machines are compared by, in the same turns as the row.
        published_ms: of the published implementation on the machine of the study; of a range its middle.
        published_here_ms: the same scaled by how fast the two machines multiply matrices.
        published_ratio: published_here / ours.
        valid: equal, and the reference no more than a quarter slower than the published implementation was at worst.
        met: valid, and ratio and share reach their goals.
    """

    name: str
    what: str
    ours_ms: float
    ours_spread: float
    reference_ms: float
    reference_spread: float
    ratio: float
    goal_ratio: float
    floor_ms: float | None
    share: float | None
    goal_share: float | None
    error: float
    tolerance: float
    equal: bool
    ours_mb: float | None
    reference_mb: float | None
    gemm: float
    published_ms: float | None
    published_here_ms: float | None
    published_ratio: float | None
    valid: bool
    met: bool


def run(only: Sequence[str] = (), tiny: bool = False, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure; a dict that is ready for JSON: machine, rows, and whether every result was equal.

    Raises:
        UsageError: a row of that name does not exist.
    """
    unknown = [name for name in only if name not in CASES]
    if unknown:
        raise UsageError(f"row {unknown[0]}", "there is none of this name", f"Choose from: {', '.join(CASES)}")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        machine = measure_machine(3 if tiny else 9)
        rows = list(_rows(only, TINY if tiny else FULL, machine, 1 if tiny else rounds))
    finally:
        torch.set_num_threads(threads)
    return {
        "machine": asdict(machine) | _about(),
        "published": {"source": SOURCE, "gemm": GEMM_THERE},
        "rows": [asdict(row) for row in rows],
        "equal": all(row.equal for row in rows),
        "met": all(row.met for row in rows),
    }


def _about() -> dict[str, str]:
    return {
        "processor": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "threads": "1",
        "kernels": kernels().told["state"],
        "kernels_reason": kernels().told["reason"],
    }


def _rows(only: Sequence[str], size: Size, machine: Machine, rounds: int) -> Iterator[Row]:
    for name, make in CASES.items():
        if not only or name in only:
            # One at a time: the largest hold gigabytes.
            yield _row(name, make(size), size, machine, rounds)


def _row(name: str, case: Case, size: Size, machine: Machine, rounds: int) -> Row:
    product = Product(PRODUCTS) if size.full else Product(1, SMALL_GEMM)
    sides = _routed(case.ours), case.reference
    ours, reference, products = interleaved([*sides, product], rounds)
    gemm = product.rate(products)
    ours_ms, reference_ms = ours.milliseconds / case.batch, reference.milliseconds / case.batch
    goal = GOALS[name]
    floor = 1e3 * case.gflop / case.batch / machine.peak if case.gflop else None
    published = PUBLISHED[name] if size.full else None
    scale = GEMM_THERE / gemm
    equal = case.error <= case.tolerance
    valid = equal and (published is None or reference_ms <= SLACK * scale * published.high)
    ratio, share = reference_ms / ours_ms, floor / ours_ms if floor else None
    reached = ratio >= goal.ratio and (goal.share is None or share is None or share >= goal.share)
    return Row(
        name=name,
        what=case.what,
        ours_ms=ours_ms,
        ours_spread=ours.spread,
        reference_ms=reference_ms,
        reference_spread=reference.spread,
        ratio=ratio,
        goal_ratio=goal.ratio,
        floor_ms=floor,
        share=share,
        goal_share=goal.share,
        error=case.error,
        tolerance=case.tolerance,
        equal=equal,
        ours_mb=peak_megabytes(sides[0]),
        reference_mb=peak_megabytes(sides[1]),
        gemm=gemm,
        published_ms=published.middle if published else None,
        published_here_ms=scale * published.middle if published else None,
        published_ratio=scale * published.middle / ours_ms if published else None,
        valid=valid,
        met=valid and reached,
    )


def _routed(call: Call) -> Call:
    """Ours as a run of the engine sets it up: products by oneDNN where it is exact. The reference keeps the default."""

    def routed() -> object:
        with by_onednn() if onednn_is_exact() else nullcontext():
            return call()

    return routed


def in_words(report: dict[str, Any]) -> str:
    """The report as a page of text."""
    machine = report["machine"]
    head = (
        f"{'':42} {'ours':>14} {'reference':>15} {'ratio':>6} {'goal':>5} {'floor':>6} {'share':>6} {'goal':>5} "
        f"{'published':>10} {'ratio':>6} {'MB':>5} {'ref.':>5}  verdict"
    )
    about = (
        f"One thread of {machine['processor']}, torch {machine['torch']}: peak {machine['peak']:.0f} GFLOP/s "
        f"({machine['peak_is']}), product {machine['gemm']:.0f}, by oneDNN packed {machine['packed']:.0f}"
    )
    lines = [
        about,
        f"Compiled loops: {machine['kernels']} ({machine['kernels_reason']})",
        "CPU milliseconds a crop of 2.5 s, medians of turns; spread in brackets. MB: what a whole batch takes at most",
        "",
        head,
    ]
    lines += [_line(row) for row in report["rows"]]
    rates = [row["gemm"] for row in report["rows"]]
    here = f"the product in each row's own turns ({min(rates):.0f} to {max(rates):.0f} GFLOP/s)"
    lines += ["", f"published: scaled by {report['published']['gemm']:.0f} / {here}. {SOURCE}"]
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    def told(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    verdict = "met" if row["met"] else "NOT EQUAL" if not row["equal"] else "missed" if row["valid"] else "INVALID"
    return (
        f"{row['what']:42} {row['ours_ms']:8.2f} ({row['ours_spread']:3.0%}) {row['reference_ms']:9.2f} "
        f"({row['reference_spread']:3.0%}) {row['ratio']:6.2f} {row['goal_ratio']:5.1f} "
        f"{told(row['floor_ms'], '.1f'):>6} {told(row['share'], '.0%'):>6} {told(row['goal_share'], '.0%'):>5} "
        f"{told(row['published_here_ms'], '.1f'):>10} {told(row['published_ratio'], '.2f'):>6} "
        f"{told(row['ours_mb'], '.0f'):>5} {told(row['reference_mb'], '.0f'):>5}  {verdict}"
        f" (error {row['error']:.0e})"
    )
