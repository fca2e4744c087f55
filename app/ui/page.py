"""What every page of the window is: a widget with a title, an icon and a set of flags it refreshes by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.core.changes import Changes
from app.ui.background import Background
from app.ui.settings import Settings
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.workspace import Workspace


class Page(QWidget):
    """One page of the main window.

    A page asks the workspace through `self.background.read` and changes it through `self.background.write`; it knows
    no other page. The window calls `refresh` when one of the flags in `watches` was touched (and with all of
    `watches` when the page is shown for the first time), `apply_theme` when the theme changes, and the public method
    that an action of `app.ui.actions` names.

    Args:
        workspace: the open workspace.
        background: the two workers; their callbacks arrive on the window's thread.
    """

    title: ClassVar[str] = ""
    """As it stands in the navigation rail."""
    icon: ClassVar[str] = ""
    """Name of the SVG in assets/icons, without the ending."""
    watches: ClassVar[Changes] = Changes.NOTHING
    """The flags that make this page refresh."""

    state_changed = Signal()
    """Emit when what `can` answers may have changed (another row was selected): the window asks again."""
    go_to = Signal(str, str)
    """Emit (page title, id) to ask the window for another page and, there, to `show_item(id)`."""

    told = Signal(str)
    """Emit a few words for the status bar: what was just done."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace = workspace
        self.background = background
        self.setAccessibleName(self.title)

    def refresh(self, changes: Changes) -> None:
        """Ask the workspace again for whatever `changes` has touched. Must return at once."""

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours that the palette does not carry (plots, painters)."""

    def apply_settings(self, settings: Settings) -> None:
        """Take over what is remembered between starts; a page writes its own choices into the same object."""

    def can(self, action: str) -> bool:
        """Whether the page's action with this id (`runs.stop`) makes sense now."""
        return True

    def show_item(self, item: str) -> None:
        """Bring this record, job or cohort into view; another page asked for it through `go_to`."""

    def accept_files(self, paths: list[Path]) -> None:
        """Files and folders were dropped on the window; only the page Records is asked."""
