"""What tests of reports share: a dossier is typeset once, which takes a second."""

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
