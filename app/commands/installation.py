"""Verbs on the program itself: `gui`, `demo`, `selftest`, `bench`."""

from __future__ import annotations

import argparse
import importlib.util
import os
from pathlib import Path

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, wants_json
from engine.contract.errors import EXIT_BUG, EXIT_DONE, EXIT_WORLD, WorldError


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    gui = add_verb(verbs, "gui", "open the window", ["isoline gui ward7"], open_window)
    gui.add_argument("window", type=Path, nargs="?", metavar="WORKSPACE", help="workspace folder to open")

    demo = add_verb(
        verbs,
        "demo",
        "do the main job on shipped real ECGs, from import to a verified PDF",
        ["isoline demo", "isoline demo --out try-it"],
        _demo,
    )
    demo.add_argument("--out", type=Path, metavar="DIR", help="workspace that is made (default: ./isoline-demo)")
    add_json(demo)

    selftest = add_verb(verbs, "selftest", "check this installation", ["isoline selftest"], _selftest)
    add_json(selftest)

    bench = add_verb(
        verbs,
        "bench",
        "measure this machine, each figure beside a named alternative in the same run",
        ["isoline bench", "isoline bench engine", "isoline bench evaluation --json"],
        _bench,
    )
    bench.add_argument(
        "what", nargs="?", metavar="WHAT", help="data or evaluation (default: both), or engine (minutes)"
    )
    add_json(bench)


def open_window(arguments: argparse.Namespace) -> int:
    """Open the window, after a look at what Qt needs.

    Raises:
        WorldError: PySide6 is not installed, a system library is missing, or there is no display.
    """
    from app.system_libraries import require_qt_libraries

    if importlib.util.find_spec("PySide6") is None or importlib.util.find_spec("pyqtgraph") is None:
        raise WorldError(
            "window",
            "PySide6 or pyqtgraph is not installed in this environment",
            'Install it with: python -m pip install "isoline[gui]" (in a checkout: python -m pip install -e ".[gui]")',
        )
    require_qt_libraries()
    from app.ui.main import run

    return run(_workspace_to_open(arguments))


def _workspace_to_open(arguments: argparse.Namespace) -> Path | None:
    if arguments.window is not None:
        return Path(arguments.window)
    if os.environ.get("ISOLINE_WORKSPACE"):
        return Path(os.environ["ISOLINE_WORKSPACE"])
    return Path.cwd() if Path("workspace.json").is_file() else None


def _demo(arguments: argparse.Namespace) -> int:
    from app.demo import run_demo, summary

    outcome = run_demo(arguments.out)
    print(printing.as_json(outcome) if wants_json(arguments) else summary(outcome))
    return EXIT_DONE if outcome.verified else EXIT_WORLD


def _selftest(arguments: argparse.Namespace) -> int:
    from app.selftest import run_checks

    checks = run_checks()
    good = all(check.ok for check in checks)
    if wants_json(arguments):
        print(printing.as_json({"ok": good, "checks": checks}))
        return EXIT_DONE if good else EXIT_WORLD
    print(printing.table(("", "Check", "Found"), [("ok" if c.ok else "FAILS", c.what, c.found) for c in checks]))
    failed = sum(not check.ok for check in checks)
    print("\nThis installation works." if good else f"\n{failed} of {len(checks)} checks fail. Install Isoline again.")
    return EXIT_DONE if good else EXIT_WORLD


def _bench(arguments: argparse.Namespace) -> int:
    from app.bench import ENGINE, engine_benchmark, engine_in_words, run_benchmarks

    if arguments.what == ENGINE:
        report = engine_benchmark()
        print(printing.as_json(report) if wants_json(arguments) else engine_in_words(report))
        return EXIT_DONE if report["equal"] else EXIT_BUG
    pairs = run_benchmarks(arguments.what)
    if wants_json(arguments):
        print(printing.as_json(pairs))
        return EXIT_DONE
    for pair in pairs:
        print(f"{pair.what}: {pair.ratio:,.1f} times as fast as the alternative")
        rows = [
            ("  " + pair.ours, f"{pair.ours_rate:,.0f}", pair.unit),
            ("  " + pair.alternative, f"{pair.alternative_rate:,.0f}", pair.unit),
        ]
        print(printing.table(("  Way", "Rate", ""), rows, right=("Rate",)) + "\n")
    return EXIT_DONE
