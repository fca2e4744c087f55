"""The main window: rail, pages, menus from the table of actions, status bar, and the heartbeat of the queue."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QWidget,
)

from app.core.changes import Changes
from app.ui import theme as themes
from app.ui.actions import ACTIONS, MENUS, action
from app.ui.background import Background
from app.ui.command_palette import CommandPalette
from app.ui.engine_check import EngineCheck
from app.ui.help import AboutBox, ShortcutHelp
from app.ui.icons import themed
from app.ui.messages import Messages, message_of
from app.ui.page import Page
from app.ui.rail import Rail
from app.ui.settings import Settings, SettingsFile
from app.ui.status_line import StatusLine
from app.ui.tool_row import ToolRow
from app.ui.welcome import Welcome
from app.ui.workspace_dialogs import NewWorkspace, choose_folder
from engine.contract.errors import WorldError

if TYPE_CHECKING:
    from app.workspace import Workspace

BEAT_MS = 250
"""The queue is looked at four times a second."""

PAGES = {
    "Records": "app.ui.records_page:RecordsPage",
    "Cohorts": "app.ui.cohorts_page:CohortsPage",
    "Models": "app.ui.models_page:ModelsPage",
    "Pretrain": "app.ui.pretrain_page:PretrainPage",
    "Study": "app.ui.study_page:StudyPage",
    "Runs": "app.ui.runs_page:RunsPage",
    "Evaluate": "app.ui.evaluate_page:EvaluatePage",
    "Compare": "app.ui.compare_page:ComparePage",
    "Dossier": "app.ui.dossier_page:DossierPage",
}
"""Title and class of each page, top down. A page is imported when it is first needed: plots are slow to load."""


class MainWindow(QMainWindow):
    """One window on one workspace.

    Args:
        workspace: the workspace to show; None for the first screen. The window closes it when it closes.
        settings_file: where choices are remembered; nowhere by default.
        messages: the service that shows boxes; tests bring their own.
    """

    def __init__(
        self,
        workspace: Workspace | None = None,
        settings_file: SettingsFile | None = None,
        messages: Messages | None = None,
    ) -> None:
        super().__init__()
        self.workspace: Workspace | None = None
        self.messages = messages or Messages(self)
        self.settings_file = settings_file or SettingsFile()
        self.settings = self._load_settings()
        # Before any widget stands: one made earlier keeps the size of the desktop's own font.
        self._dress_application()
        self.background = Background(self)
        self.welcome, self.stack, self.status = Welcome(), QStackedWidget(), StatusLine(self)
        self.engine = EngineCheck(self)
        self._pages: dict[str, Page] = {}
        self._beat = QTimer(self, interval=BEAT_MS)
        self._beating, self._beat_fault = False, ""
        self.actions_by_id = {entry.id: self._action(entry.id) for entry in ACTIONS}
        views = {title: action(f"view.{title.lower()}") for title in PAGES}
        self.rail = Rail([(title, view.icon, self.actions_by_id[view.id]) for title, view in views.items()])
        self._lay_out()
        self._connect()
        self._dress_parts()
        self.set_workspace(workspace)

    # Workspace.

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Show another workspace, or the first screen."""
        self._beat.stop()
        for page in self._pages.values():
            self.stack.removeWidget(page)
            page.deleteLater()
        self._pages = {}
        previous, self.workspace = self.workspace, workspace
        if previous is not None:
            self.background.write(previous.close)
        self.rail.setVisible(workspace is not None)
        self.toolbar.setVisible(workspace is not None)
        self.status.show_jobs(None if workspace is None else ())
        self.welcome.tell_opening(None)
        if workspace is None:
            self.setWindowTitle("Isoline")
            self.welcome.show_recent(self.settings.recent)
            self.stack.setCurrentWidget(self.welcome)
        else:
            self.setWindowTitle(f"{workspace.path.name} - Isoline")
            self.settings.remember_workspace(workspace.path)
            self._save_settings()
            self.show_page("Records")
            # Runs may be under way already, started by a window before or by the command line.
            self.background.read(workspace.jobs, self.status.show_jobs, key="window.jobs")
            self._beat.start()
        self.refresh_actions()

    def open_workspace(self, path: Path) -> None:
        """Open a folder off the window's thread, then show it."""
        self._take_workspace("open", path)

    def create_workspace(self, path: Path) -> None:
        """Make a workspace, then show it."""
        self._take_workspace("create", path)

    def close_workspace(self) -> None:
        """Back to the first screen."""
        self.set_workspace(None)

    def ask_workspace(self) -> None:
        """Ask for a folder and open it."""
        choose_folder(self, "Open workspace", self.open_workspace)

    def ask_new_workspace(self) -> None:
        """Ask for name and place of a new workspace and make it."""
        dialog = NewWorkspace(self)
        dialog.chosen.connect(lambda path: self.create_workspace(Path(path)))
        dialog.open()

    def _take_workspace(self, verb: str, path: Path) -> None:
        def take() -> Workspace:
            """Make or open the workspace; its modules load here, off the window's thread."""
            from app.workspace import Workspace

            return Workspace.create(path) if verb == "create" else Workspace.open(path)

        self.welcome.tell_opening(path)
        self.background.write(take, self.set_workspace, failed=self._refuse_workspace)

    def _refuse_workspace(self, error: Exception) -> None:
        self.welcome.tell_opening(None)
        self.messages.error(error)

    # Pages.

    def page(self, title: str) -> Page | None:
        """The page with this title, made when it is first asked for; None while no workspace is open."""
        if self.workspace is None:
            return None
        if title not in self._pages:
            module, name = PAGES[title].split(":")
            page: Page = getattr(import_module(module), name)(self.workspace, self.background)
            self._pages[title] = page
            self.stack.addWidget(page)
            page.state_changed.connect(self.refresh_actions)
            page.go_to.connect(self._go_to)
            page.told.connect(self.status.tell)
            page.apply_settings(self.settings)
            page.apply_theme(themes.current())
            page.refresh(page.watches)
        return self._pages[title]

    def show_page(self, title: str) -> Page:
        """Bring a page into view. Raises RuntimeError while no workspace is open."""
        page = self.page(title)
        if page is None:
            raise RuntimeError("no workspace is open")
        self.stack.setCurrentWidget(page)
        self.rail.show_page(title)
        self.refresh_actions()
        return page

    def _go_to(self, title: str, item: str) -> None:
        self.show_page(title).show_item(item)

    def _refresh_pages(self, changes: Changes) -> None:
        for page in self._pages.values():
            if changes & page.watches:
                page.refresh(changes & page.watches)
        if changes & Changes.JOBS and self.workspace is not None:
            self.background.read(self.workspace.jobs, self.status.show_jobs, key="window.jobs")
        self.refresh_actions()

    # Heartbeat of the queue.

    def pump(self) -> None:
        """Let the workspace take in what runs have said, unless the last look is still under way."""
        if self.workspace is not None and not self._beating:
            self._beating = True
            self.background.write(self.workspace.pump, self._beat_over, failed=self._beat_failed)

    def _beat_over(self, _changes: Changes) -> None:
        self._beating, self._beat_fault = False, ""

    def _beat_failed(self, error: Exception) -> None:
        self._beating = False
        told = message_of(error)
        # Four times a second the same fault: told once, and again only after the queue has worked in between.
        if f"{told.title}{told.detail}" != self._beat_fault:
            self._beat_fault = f"{told.title}{told.detail}"
            self.messages.show(told)

    def check_engine(self) -> None:
        """Ask the engine what it is; the answer comes to the status bar."""
        self.status.tell_engine_asked()
        self.engine.start()

    # Actions.

    def refresh_actions(self) -> None:
        """Ask every action whether it makes sense now."""
        for entry in ACTIONS:
            self.actions_by_id[entry.id].setEnabled(entry.enabled(self))

    def has_page(self, title: str) -> bool:
        """Whether the page has been made already."""
        return title in self._pages

    def show_palette(self) -> None:
        """Open the command palette."""
        CommandPalette([(entry.menu, self.actions_by_id[entry.id]) for entry in ACTIONS], self).open()

    def show_shortcuts(self) -> None:
        """List the shortcuts."""
        ShortcutHelp(self).open()

    def show_about(self) -> None:
        """Version, licence, and what this program is not."""
        AboutBox(self).open()

    def switch_theme(self) -> None:
        """From light to dark or back; remembered."""
        self.settings.theme = "light" if themes.current().dark else "dark"
        self.apply_theme()
        self._save_settings()

    def apply_theme(self) -> None:
        """Dress application, icons and pages in the theme that is set."""
        self._dress_application()
        self._dress_parts()

    def _dress_application(self) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        themes.load_theme(self.settings.theme).apply(app)

    def _dress_parts(self) -> None:
        theme = themes.load_theme(self.settings.theme)
        for entry in ACTIONS:
            if entry.icon:
                self.actions_by_id[entry.id].setIcon(themed(entry.icon, theme))
        self.rail.apply_theme(theme)
        self.welcome.apply_theme(theme)
        for page in self._pages.values():
            page.apply_theme(theme)

    def _action(self, id: str) -> QAction:
        entry = next(entry for entry in ACTIONS if entry.id == id)
        action = QAction(entry.text, self)
        action.setShortcut(entry.shortcut)
        action.setToolTip(entry.tooltip)
        action.triggered.connect(lambda _checked=False: entry.run(self))
        return action

    # Dropped files.

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders may be dropped anywhere."""
        if self.workspace is not None and _paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Offer to import what was dropped."""
        self.offer_import(_paths(event.mimeData()))
        event.acceptProposedAction()

    def offer_import(self, paths: list[Path]) -> None:
        """Open the import dialog with these files and folders in it."""
        self.show_page("Records").accept_files(paths)

    # Frame.

    def _lay_out(self) -> None:
        self.setMinimumSize(900, 600)
        self.resize(self.settings.width, self.settings.height)
        self.setAcceptDrops(True)
        self.stack.addWidget(self.welcome)
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addWidget(self.stack, 1)
        self.setCentralWidget(body)
        self.setStatusBar(self.status)
        self._fill_menus()
        begin = [self.actions_by_id[entry.id] for entry in ACTIONS if entry.toolbar]
        self.toolbar = ToolRow(begin, [self.actions_by_id[id] for id in ("view.palette", "view.theme")])
        self.addToolBar(self.toolbar)

    def _fill_menus(self) -> None:
        menus = {title: self.menuBar().addMenu(title) for title in MENUS}
        for entry in ACTIONS:
            menus[entry.menu].addAction(self.actions_by_id[entry.id])

    def _connect(self) -> None:
        self._beat.timeout.connect(self.pump)
        self.background.changed.connect(self._refresh_pages)
        self.background.failed.connect(self.messages.error)
        self.engine.told.connect(self.status.show_engine)
        self.status.queue_clicked.connect(self.actions_by_id["view.runs"].trigger)
        self.welcome.open_asked.connect(self.ask_workspace)
        self.welcome.create_asked.connect(self.ask_new_workspace)
        self.welcome.recent_asked.connect(lambda path: self.open_workspace(Path(path)))

    def _load_settings(self) -> Settings:
        try:
            return self.settings_file.load()
        except WorldError as error:
            QTimer.singleShot(0, self, lambda told=error: self.messages.error(told))
            return Settings()

    def _save_settings(self) -> None:
        try:
            self.settings_file.save(self.settings)
        except WorldError as error:
            self.messages.error(error)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop looking, let what has begun end, give the workspace back. Runs go on by themselves."""
        self._beat.stop()
        self.engine.stop()
        if not self.isMaximized():
            self.settings.width, self.settings.height = self.width(), self.height()
        self._save_settings()
        self.background.close()
        if self.workspace is not None:
            self.workspace.close()
            self.workspace = None
        event.accept()


def _paths(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
