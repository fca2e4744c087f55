"""How tests of the window's pages show one and wait until it has read what it shows."""

from PySide6.QtCore import QTimer

from app.core.changes import Changes
from app.ui.plots_later import WAITING
from app.ui.records_table import RecordsTable


def settle(qtbot, background, limit_s: int = 60) -> None:
    """Wait until nothing is read in the background any more."""
    qtbot.waitUntil(lambda: not background.busy, timeout=1000 * limit_s)


def shown(qtbot, page, background, width: int = 1200, height: int = 860):
    """The page on the screen, with all that it reads."""
    qtbot.addWidget(page)
    page.resize(width, height)
    page.show()
    page.refresh(Changes.ALL)
    qtbot.waitUntil(lambda: page.findChild(QTimer, WAITING) is None)
    settle(qtbot, background)
    return page


def shown_table(qtbot, workspace, background):
    """The table of recordings on the screen, with what there is to filter by."""
    table = RecordsTable(workspace, background)
    qtbot.addWidget(table)
    table.resize(400, 600)
    table.show()
    table.offer(workspace.record_facets())
    table.reload()
    settle(qtbot, background)
    return table
