"""How fast the lists of an import are: 100,000 outcomes in the window, 100,000 rows of a label table.

    python docs/importing_speed.py [ROWS]

Makes synthetic outcomes and a workspace of synthetic recordings in a temporary folder (see `records_speed.py`). Times
are processor times of this process, which are the same on a busy machine. Those of the window are of the call and the
painting after it, on the window's thread; the label table is read, counted and imported off that thread. Needs a
display, or QT_QPA_PLATFORM=offscreen.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication
from records_speed import fill

from app.core.home import Home
from app.core.rows import FileOutcome
from app.ui.background import Background
from app.ui.import_outcomes import OutcomesDialog
from app.ui.theme import load_theme
from app.workspace import Workspace

REASONS = (("its WFDB header is missing", "Put the .hea file beside it"), ("the file is empty", "Copy it again"))
CODES = ("59118001", "164890007", "426783006", "713426002")


def outcomes(count: int) -> list[FileOutcome]:
    """Made-up outcomes, one in ten refused."""
    told = []
    for number in range(count):
        name, reason = f"{number:07d}.hea", REASONS[number % 3 % 2]
        if number % 10:
            told.append(FileOutcome(name, "WFDB format 16", "imported", "", "", f"r{number:012x}", "/scans"))
        else:
            told.append(FileOutcome(name, "", "refused", *reason, None, "/scans"))
    return told


def show(name: str, act: Callable[[], object], after: Callable[[], object] = bool) -> None:
    """Do it and print how long it took."""
    began = time.process_time()
    act()
    after()
    print(f"| {name} | {1000 * (time.process_time() - began):,.0f} |", flush=True)


def window(count: int) -> None:
    """What the list of outcomes costs the window's thread."""
    app = QApplication.instance() or QApplication([])
    load_theme("light").apply(app)
    background, rows = Background(), outcomes(count)
    print(f"| {count:,} outcomes | ms |\n| --- | ---: |")
    made: list[OutcomesDialog] = []

    def step(name: str, act: Callable[[], object]) -> None:
        show(name, act, app.processEvents)

    step("open", lambda: made.append(OutcomesDialog(rows, background)) or made[0].show())
    dialog = made[0]
    for name, place in (("sort by file", 1), ("sort by reason", 3), ("turn the order round", 3)):
        step(name, lambda place=place: dialog.table.horizontalHeader().sectionClicked.emit(place))
    for name, number in (("only refused", 1), ("all again", 0)):
        step(name, lambda number=number: dialog.status.buttons()[number].click())
    dialog.search.setText("0999")
    step("search", dialog.narrow)
    step("scroll to the end", dialog.table.scrollToBottom)
    background.close()


def labels(count: int, folder: Path) -> None:
    """What a label table costs."""
    with_records = Home.create(folder / "workspace")
    fill(with_records, count)
    with_records.db.close()
    table = folder / "labels.csv"
    lines = (f'r{n:012x},{n % 2},{20 + n % 50},"{CODES[n % 4]},{CODES[n % 3]}"' for n in range(count))
    table.write_text("record,AF,LVEF,dx\n" + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"\n| label table of {count:,} rows | processor ms |\n| --- | ---: |")
    with Workspace.open(folder / "workspace") as workspace:
        look = workspace.look_at_labels(table)
        show("read it and guess its columns", lambda: workspace.look_at_labels(table))
        show("count what would come of it", lambda: workspace.preview_labels(look.table, look.mapping))
        show("import it", lambda: workspace.import_labels(look.table, look.mapping))


def main() -> None:
    """Print both tables."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    window(count)
    with tempfile.TemporaryDirectory() as folder:
        labels(count, Path(folder))


if __name__ == "__main__":
    main()
