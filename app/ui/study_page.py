"""The Study page: grids of pretrainings, as tables that fill, with rankings and scaling plots as they come."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from app.core.changes import Changes
from app.core.rows import JobRow, ModelRow
from app.ui.background import Background
from app.ui.empty import EmptyState
from app.ui.figure_files import FigureFiles
from app.ui.jobs_page import JobsPage
from app.ui.new_study import NewStudy
from app.ui.page_frame import bar, button, divided, frame
from app.ui.plots_later import import_later
from app.ui.rows_table import Column, RowsTable
from app.ui.study_rows import StudyLook, look
from app.ui.study_view import StudyView
from app.ui.theme import Theme
from app.ui.training_list import ROW_PX, RunDelegate
from app.ui.training_rows import TrainingRow
from engine.contract.config import StudyConfig

if TYPE_CHECKING:
    from app.report.figure import Figure
    from app.workspace import Workspace
    from engine.contract.results import StudyRow


class StudyPage(JobsPage):
    """Studies of a workspace: look at the grid, start, watch it fill, export."""

    title = "Study"
    icon = "study"
    watches = Changes.JOBS | Changes.RESULTS

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.table = RowsTable(_columns(), lambda row: row.job.job_id, "Studies, the newest first")
        self.view = StudyView(FigureFiles(workspace, background, "scaling plot"))
        self.duplicate_button = button("Duplicate…", self.duplicate_selected)
        self.keep_button = button("Keep model", self.keep_selected)
        self.export_button = button("Export…", self.export_selected)
        self.verbs |= {"duplicate": self.duplicate_button, "keep": self.keep_button, "export": self.export_button}
        self._lay_out()
        self._connect()
        import_later(self, "app.ui.scaling_plot", self._add_plots)

    def refresh(self, changes: Changes) -> None:
        """Ask for the list; the study shown follows it."""
        if changes & self.watches:
            self.background.read(self.workspace.jobs, self._show_jobs, key="study.jobs")

    def apply_theme(self, theme: Theme) -> None:
        """Repaint signs and plot."""
        self.view.apply_theme(theme)
        self.table.viewport().update()

    def can(self, action: str) -> bool:
        """Beside what all jobs allow: Export any study that has begun, Keep model a run of it that is done."""
        job, verb = self.current(), action.rpartition(".")[2]
        if verb == "export":
            return job is not None and bool(job.started)
        if verb == "keep":
            row: StudyRow | None = self.view.grid.current()
            return job is not None and row is not None and row.state == "done"
        return super().can(action)

    def new_study(self) -> NewStudy:
        """Ask for study, cohort and probe; the grid is shown before anything starts."""
        return self._open(NewStudy(self.workspace, self.background, self))

    def duplicate_selected(self) -> NewStudy | None:
        """Ask for a study with the settings of the selected one."""
        job = self.current()
        return None if job is None else self._open(NewStudy(self.workspace, self.background, self, job.job_id))

    def keep_selected(self) -> None:
        """Register the model of the selected run, to be evaluated like any other."""
        job, row = self.current(), self.view.grid.current()
        if job is not None and row is not None:
            keep = partial(self.workspace.keep_study_model, job.job_id, row.number)
            self.background.write(keep, self._kept, touches=Changes.MODELS)

    def _kept(self, model: ModelRow) -> None:
        self.told.emit(f"Model kept: {model.name}")

    def export_selected(self) -> None:
        """Ask for a folder, and write table and figures of the selected study there."""
        dialog = QFileDialog(self, "Folder for the study's table and figures")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda folder: self.export_to(Path(folder)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export_to(self, folder: Path) -> None:
        """Write table and figures of the selected study."""
        job = self.current()
        if job is not None:
            self.background.write(partial(self.workspace.export_study, job.job_id, folder), self._exported)

    def _exported(self, files: list[Path]) -> None:
        where = files[0].parent if files else ""
        self.told.emit(f"Study written: {len(files)} files in {where}")

    # What the workspace says.

    def _show_jobs(self, jobs: list[JobRow]) -> None:
        studies = sorted((job for job in jobs if job.kind == "study"), key=lambda job: job.job_id, reverse=True)
        self._fill([TrainingRow(job) for job in studies])

    def _look(self, row: TrainingRow | None) -> None:
        """Bring the study's view up to date."""
        self._tell_buttons()
        self.view.setVisible(row is not None)
        if row is not None:
            self.view.show_job(row.job)
            self.background.read(partial(look, self.workspace, row.job.job_id), self._show_look, key="study.look")

    def _run_chosen(self, _row: StudyRow | None) -> None:
        self._tell_buttons()

    def _show_look(self, seen: StudyLook) -> None:
        self.view.show_look(seen)
        self._tell_buttons()

    def _draw_scaling(self, metric: str, objective: str) -> None:
        """Make the figure that the buttons beside the plot write: the report's, as in the export of the study."""
        make = partial(_scaling, self.workspace, self.view.job_id, metric, objective)
        self.background.read(make, self._offer_scaling, key="study.scaling", slow=True)

    def _offer_scaling(self, figure: Figure | None) -> None:
        self.view.files.offer(figure)

    def _add_plots(self, plots: ModuleType) -> None:
        self.view.add_plots(plots)

    def _open_in_runs(self) -> None:
        self.go_to.emit("Runs", self.view.job_id)

    # Frame.

    def _connect(self) -> None:
        self.table.selected.connect(self._look)
        self.view.head.log.clicked.connect(self._open_in_runs)
        self.view.grid.selected.connect(self._run_chosen)
        self.view.scaling_shown.connect(self._draw_scaling)

    def _lay_out(self) -> None:
        self.table.setItemDelegateForColumn(0, RunDelegate(self.table))
        self.table.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.table.setMinimumWidth(240)
        self.stack.addWidget(divided(self.table, self.view, (270, 940)))
        self.stack.addWidget(
            EmptyState(
                "No studies yet",
                "A study runs a grid of pretrainings that differ in named ways, and ranks them. "
                "The grid is shown before anything starts.",
                ("New study…", self.new_study),
            )
        )
        start = button("New study…", self.new_study, primary=True)
        frame(self, bar(self.title, None, list(self.verbs.values()), [start]), self.stack)


def _scaling(workspace: Workspace, job_id: str, metric: str, objective: str) -> Figure | None:
    """The report's figure of one number over the data size; called off the window's thread."""
    from app.report.study_figures import scaling_figure  # here: it brings ReportLab

    seen = look(workspace, job_id)
    return scaling_figure(seen.summary, StudyConfig.model_validate(seen.detail.config), metric, objective)


def _columns() -> tuple[Column, ...]:
    def runs(row: TrainingRow) -> str:
        """Runs done of all, a dash while the grid is not known."""
        done, total = row.job.progress.done, row.job.progress.total
        return f"{done:,} / {total:,}" if total else "–"

    return (
        Column("Study", lambda row: f"{row.job.name}, {row.text}", 0),
        Column("Runs", runs, 72, numeric=True),
    )
