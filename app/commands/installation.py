"""Verbs on the program itself: `gui`, `demo`, `selftest`, `bench`."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

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

    selftest = add_verb(
        verbs,
        "selftest",
        "check this installation, its statistics against other software's values",
        ["isoline selftest", "isoline selftest --certificate statistics.json"],
        _selftest,
    )
    selftest.add_argument(
        "--certificate", type=Path, metavar="FILE", help="write down what the statistics were held to"
    )
    add_json(selftest)

    bench = add_verb(
        verbs,
        "bench",
        "measure this machine, each figure beside a named alternative in the same run",
        ["isoline bench", "isoline bench engine", "isoline bench data --json"],
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

    if arguments.certificate:
        return _certificate(arguments)
    checks = run_checks()
    good = all(check.ok for check in checks)
    if wants_json(arguments):
        print(printing.as_json({"ok": good, "checks": checks}))
        return EXIT_DONE if good else EXIT_WORLD
    print(printing.table(("", "Check", "Found"), [("ok" if c.ok else "FAILS", c.what, c.found) for c in checks]))
    failed = sum(not check.ok for check in checks)
    print("\nThis installation works." if good else f"\n{failed} of {len(checks)} checks fail. Install Isoline again.")
    return EXIT_DONE if good else EXIT_WORLD


def _certificate(arguments: argparse.Namespace) -> int:
    from app.core.certificate import certificate, in_words
    from app.core.whole_file import write_file

    told = certificate()
    write_file("certificate", arguments.certificate, told.model_dump_json(indent=1).encode())
    print(printing.as_json(told.model_dump(mode="json")) if wants_json(arguments) else in_words(told))
    return EXIT_DONE if told.right else EXIT_WORLD


def _bench(arguments: argparse.Namespace) -> int:
    from app import bench

    bench.check_name(arguments.what)
    told: dict[str, Any] = {}
    if arguments.what == bench.ENGINE:
        told[bench.ENGINE] = bench.engine_benchmark()
    if arguments.what in (None, bench.DATA):
        from app.bench.data import run

        told[bench.DATA] = run()
    if arguments.what in (None, bench.EVALUATION):
        from app.bench import evaluation

        told[bench.EVALUATION] = evaluation.run()
    if wants_json(arguments):
        print(printing.as_json(told[arguments.what] if arguments.what else told))
    else:
        words: dict[str, Callable[[Any], str]] = {
            bench.ENGINE: bench.engine_in_words,
            bench.DATA: bench.data_in_words,
            bench.EVALUATION: bench.evaluation_in_words,
        }
        print("\n\n".join(words[name](report) for name, report in told.items()))
    unequal = any(isinstance(report, dict) and not report["equal"] for report in told.values())
    # Unequal results are a bug of ours; a goal that this machine misses is not.
    return EXIT_BUG if unequal else EXIT_DONE
