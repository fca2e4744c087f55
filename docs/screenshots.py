"""Make the pictures of the README: python docs/screenshots.py WORKSPACE [light|dark].

Opens the real window on a workspace (the demo's, say), shows each page and grabs it. Needs a display, real or virtual
(`xvfb-run -a`), or QT_QPA_PLATFORM=offscreen.
"""

import sys
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from app.core.cohort_plan import CohortPlan
from app.ui.theme import load_theme
from app.ui.window import MainWindow
from app.workspace import Workspace

RULES = ("age 18..80", "quality good", "without lead_off")
"""Eligibility rules that the cohort builder is shown with."""
PICTURES = Path(__file__).resolve().parent / "images"


def wait(milliseconds: int) -> None:
    """Let the window work for a while."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def vetted_model(workspace: Workspace) -> str:
    """A model whose vetting has something to show; empty where there is none."""
    names = [model.name for model in workspace.models() if model.source == "external"]
    return next((name for name in reversed(names) if workspace.latest_vetting(name)), "")


def main(workspace: str, theme: str = "light") -> None:
    """Show each page of the window and keep its picture."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    load_theme("light").apply(app)
    window = MainWindow(Workspace.open(Path(workspace)))
    if theme == "dark":
        window.switch_theme()
    window.resize(1400, 900)
    window.show()
    PICTURES.mkdir(exist_ok=True)
    suffix = "" if theme == "light" else f"-{theme}"
    for title in ("Records", "Cohorts", "Models", "Pretrain", "Study", "Runs", "Evaluate", "Compare", "Dossier"):
        page = window.show_page(title)
        wait(3500)
        while window.background.busy:
            wait(70)  # not the beat of the queue, at which something is always asked
        if title in ("Pretrain", "Runs"):
            pretraining = next(job for job in window.workspace.jobs() if job.kind == "pretrain")
            page.show_item(pretraining.job_id)
            wait(2000)
        if title == "Models" and (vetted := vetted_model(window.workspace)):
            page.show_item(vetted)
            wait(2000)
            page.view.tabs.setCurrentWidget(page.view.sensitivity)
            wait(500)
        window.grab().save(str(PICTURES / f"{title.lower()}{suffix}.png"))
    builder = window.show_page("Cohorts").new_cohort()
    wait(2000)
    builder.form.put(CohortPlan(name="adults", rules=RULES))
    wait(3500)
    builder.command.setText(builder.command.text().replace(str(window.workspace.path), "ward7"))  # no path in a picture
    builder.grab().save(str(PICTURES / f"cohort-builder{suffix}.png"))
    builder.reject()
    window.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
