"""What tests of the app share: a dossier is typeset once, which takes a second; threads end with their test."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pdf_text import page_texts
from report_factory import make_dossier

from app.governance.dossier import Dossier
from app.report.build import build_report


@pytest.fixture(scope="session")
def dossier() -> Dossier:
    return make_dossier()


@pytest.fixture(scope="session")
def report(dossier: Dossier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dossier as a file, to be read only."""
    path = tmp_path_factory.mktemp("report") / "report.pdf"
    build_report(dossier, path)
    path.chmod(0o444)
    return path


@pytest.fixture(scope="session")
def pages(report: Path) -> list[str]:
    """The text of its pages."""
    return page_texts(report)


@pytest.fixture(autouse=True)
def no_key_stays_down() -> Iterator[None]:
    """Qt takes the Ctrl of one test's Ctrl+C for held in the next, where a row that is selected then toggles."""
    yield
    gui = sys.modules.get("PySide6.QtGui")
    if gui is not None and gui.QGuiApplication.instance() and gui.QGuiApplication.keyboardModifiers():
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QWidget

        QTest.keyRelease(QWidget(), Qt.Key.Key_Control)


@pytest.fixture
def background(qapp: object) -> Iterator[object]:
    """The window's background thread."""
    from app.ui.background import Background  # not above: not every test here may load Qt

    workers = Background()
    yield workers
    workers.close()


@pytest.fixture(scope="session")
def six_recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with six recordings and their labels, to be copied."""
    from core_cases import make_workspace  # not above: not every test here needs a database

    return make_workspace(tmp_path_factory.mktemp("six") / "workspace", count=6)


@pytest.fixture(scope="session")
def many_recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose recordings fill more than two pages of a table, to be copied."""
    from made_records import MANY, take_in, told

    from app.workspace import Workspace

    path = tmp_path_factory.mktemp("many") / "workspace"
    with Workspace.create(path) as workspace:
        take_in(workspace, [told(number) for number in range(MANY)])
    return path


@pytest.fixture
def many(many_recordings: Path, tmp_path: Path) -> Iterator[object]:
    """An opened copy of that workspace."""
    from app.workspace import Workspace

    shutil.copytree(many_recordings, tmp_path / "workspace")
    with Workspace.open(tmp_path / "workspace") as opened:
        yield opened
