"""`isoline selftest`: does this installation compute what it should? Seconds, no network, nothing left behind."""

from __future__ import annotations

import json
import math
import platform
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np

from app.assets import asset
from app.core.certificate import certificate, in_words
from app.core.engine_command import engine_command
from app.core.rows import Check
from engine.contract.errors import WorldError, crash_line
from engine.contract.version import CONTRACT_VERSION, VERSION
from engine.metrics.discrimination import auroc
from engine.metrics.uncertainty import Influence

PARAMETERS = {"s4-causal": 2_932_736, "s4-bidirectional": 2_949_120}
"""Of the study's S4 (method specification, section 2.2)."""

ENGINE_PATIENCE_S = 120.0
FONTS = ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSans-Italic.ttf", "NotoSansMono-Regular.ttf")
PACKAGES = ("numpy", "scipy", "torch", "wfdb", "sqlalchemy", "reportlab", "PySide6-Essentials")


def run_checks() -> list[Check]:
    """Every check in order; one that cannot be made counts as failed and says why."""
    checks = []
    for what, check in CHECKS.items():
        try:
            ok, found = check()
        except WorldError as error:
            ok, found = False, f"{error.thing}: {error.reason}"
        except Exception as error:
            ok, found = False, crash_line(error)
        checks.append(Check(what, ok, found))
    return checks


def _versions() -> tuple[bool, str]:
    told = [f"isoline {VERSION}", f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            told.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            told.append(f"{package} not installed")
    # Only the window may be absent: an engine machine has no use for it.
    missing = [line for line in told if line.endswith("not installed") and not line.startswith("PySide6")]
    return not missing, ", ".join(told)


def _assets() -> tuple[bool, str]:
    for font in FONTS:
        if asset("fonts", font).read_bytes()[:4] != b"\x00\x01\x00\x00":
            return False, f"{font} is no TrueType font"
    for theme in ("light.json", "dark.json"):
        json.loads(asset("themes", theme).read_text(encoding="utf-8"))
    headers = list(asset("samples", "ptbxl").rglob("*.hea"))
    return bool(headers), f"{len(FONTS)} fonts, 2 themes, {len(headers)} sample recordings"


def _sample_reads() -> tuple[bool, str]:
    from engine.signal.readers import read_recording

    first = min(asset("samples", "ptbxl").rglob("*.hea"))
    recording = read_recording(first)
    leads, samples = recording.signal_CT.shape
    in_range = 0.1 < float(np.nanmax(np.abs(recording.signal_CT))) < 20
    right = leads == 12 and in_range and recording.rate_hz == 500
    return right, f"{leads} leads, {samples / recording.rate_hz:g} s at {recording.rate_hz:g} Hz, in millivolts"


def _engine() -> tuple[bool, str]:
    told = json.loads(_ask_engine("check"))
    devices = ", ".join(device["name"] for device in told["devices"])
    return told[
        "contract"
    ] == CONTRACT_VERSION, f"contract {told['contract']}, torch {told['torch']}, devices {devices}"


def _parameters() -> tuple[bool, str]:
    rows = {row["name"]: row["parameters"] for row in json.loads(_ask_engine("models"))}
    found = ", ".join(f"{name} {rows.get(name, 0):,}" for name in PARAMETERS)
    return all(rows.get(name) == count for name, count in PARAMETERS.items()), found


def _ask_engine(verb: str) -> str:
    command = [*engine_command(), verb, "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ENGINE_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WorldError("engine", f"it did not answer ({type(error).__name__})", "Install Isoline again") from None
    if done.returncode != 0:
        raise WorldError("engine", f"{verb} ended with code {done.returncode}", "Install Isoline again")
    return done.stdout


def _auroc() -> tuple[bool, str]:
    """Four recordings: three of four pairs are in order, 3/4; with one tie between classes 3.5/4."""
    plain = auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    tied = auroc([0, 0, 1, 1], [1.0, 2.0, 2.0, 3.0])
    undefined = auroc([1, 1], [0.2, 0.3])
    right = plain == 0.75 and tied == 0.875 and math.isnan(undefined)
    return right, f"{plain} and {tied} (by hand 3/4 and 3.5/4); one class alone is undefined"


def _variances() -> tuple[bool, str]:
    """Placements 1/2 and 1 in both classes: variance 1/8; a second, equal recording of each patient adds nothing."""
    y, score = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])
    once = Influence.of(y, score, np.arange(4), 4).variance()
    twice = Influence.of(np.repeat(y, 2), np.repeat(score, 2), np.repeat(np.arange(4), 2), 4).variance()
    right = math.isclose(once, 0.125) and math.isclose(twice, 0.125)
    return right, f"{once:.4f} and, with every recording doubled, {twice:.4f} (by hand 1/8 both times)"


def _statistics() -> tuple[bool, str]:
    """Every statistic against values that other software computed, in the engine's process."""
    told = certificate()
    return told.right, in_words(told)


def _audit_is_append_only() -> tuple[bool, str]:
    """Try to change, delete and replace an event of a scratch workspace, the way a stranger with SQLite would."""
    from app.workspace import Workspace

    with tempfile.TemporaryDirectory(prefix="isoline-selftest-") as scratch:
        path = Path(scratch) / "workspace"
        with Workspace.create(path) as workspace:
            workspace.add_baseline()
            refused = [name for name, statement in TAMPERING.items() if _refuses(path / "isoline.db", statement)]
            verdict = workspace.verify_audit()
    intact = "chain intact" if verdict.intact else "chain BROKEN"
    return verdict.intact and len(refused) == len(TAMPERING), f"{', '.join(refused)} refused; {intact}"


TAMPERING = {
    "UPDATE": "UPDATE audit SET action = 'nothing' WHERE seq = (SELECT max(seq) FROM audit)",
    "DELETE": "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
    "REPLACE": "REPLACE INTO audit SELECT * FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
}


def _refuses(database: Path, statement: str) -> bool:
    connection = sqlite3.connect(database)
    try:
        connection.execute(statement)
    except sqlite3.IntegrityError:
        return True
    finally:
        connection.rollback()
        connection.close()
    return False


CHECKS: dict[str, Callable[[], tuple[bool, str]]] = {
    "versions": _versions,
    "shipped files": _assets,
    "sample recording": _sample_reads,
    "engine": _engine,
    "S4 parameters": _parameters,
    "AUROC by hand": _auroc,
    "variance by hand": _variances,
    "statistics": _statistics,
    "audit trail": _audit_is_append_only,
}
