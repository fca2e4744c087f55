"""Settings that must stand before any Qt or numeric library is imported, and the fixtures that every test may use."""

import os
import sys
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

# Where the environment forbids bytecode, every engine process that a test starts would compile all its modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("ISOLINE_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The development data beside the checkout; absent for users, required in CI."""
    if not (SHARED / "data").is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"CI needs the shared data at {SHARED}")
        pytest.skip("the shared development data is not beside this checkout")
    return SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who asks for the shared data is marked as reading it."""
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The shipped sample recordings."""
    return ROOT / "assets" / "samples" / "ptbxl"


@pytest.fixture(scope="session")
def engine_python() -> str:
    """The interpreter that runs the engine in tests."""
    return sys.executable


@pytest.fixture
def qtbot(qtbot):
    """The window's robot with the patience of a minute: a busy machine takes more than pytest-qt's five seconds."""
    qtbot.waitUntil = partial(qtbot.waitUntil, timeout=60_000)
    qtbot.waitSignal = partial(qtbot.waitSignal, timeout=60_000)
    return qtbot
