"""What an action of the window is, and how the tables of actions make one.

An action either belongs to the window itself or names a public method of a page, which the window shows first. An
action that changes data names the `Workspace` method behind it, so that the command line can be held to the same set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.ui.window import MainWindow

Act = Callable[["MainWindow"], object]
Enabled = Callable[["MainWindow"], bool]


@dataclass(frozen=True)
class Action:
    """One thing that the user can do.

    Args:
        id: stable name, `page.verb`.
        text: as in menu and palette; an ellipsis when more is asked before anything happens.
        menu: the menu it stands in.
        run: does it.
        enabled: whether it makes sense now.
        icon: name of the SVG in assets/icons, or none.
        shortcut: as Qt writes it, or none.
        tooltip: one sentence.
        workspace_method: the method of `Workspace` that does the work, for actions that change data.
        toolbar: whether it stands in the toolbar.
    """

    id: str
    text: str
    menu: str
    run: Act
    enabled: Enabled
    icon: str = ""
    shortcut: str = ""
    tooltip: str = ""
    workspace_method: str = ""
    toolbar: bool = False


def on_page(page: str, method: str) -> Act:
    """Show the page, then call its method."""
    return lambda window: getattr(window.show_page(page), method)()


def page_can(page: str, action: str, needs_selection: bool) -> Enabled:
    """Whether the page says that the action makes sense; a page that was never shown has nothing selected."""

    def enabled(window: MainWindow) -> bool:
        """Whether there is a workspace and, where it matters, a page that says yes."""
        if window.workspace is None:
            return False
        if not window.has_page(page):
            return not needs_selection
        shown = window.page(page)
        return shown is not None and shown.can(action)

    return enabled


def page_action(page: str, method: str, id: str, text: str, *, needs_selection: bool = False, **rest: object) -> Action:
    """An action that a page does, in the menu of the page; `needs_selection` when it acts on what is selected there."""
    menu = str(rest.pop("menu", page))
    return Action(id, text, menu, on_page(page, method), page_can(page, id, needs_selection), **rest)  # type: ignore[arg-type]


def view(number: int, page: str, icon: str) -> Action:
    """The action that brings a page into view, with Ctrl and its number."""
    return Action(
        f"view.{page.lower()}",
        page,
        "View",
        lambda window: window.show_page(page),
        with_workspace,
        icon=icon,
        shortcut=f"Ctrl+{number}",
        tooltip=f"Show the page {page}",
    )


def always(window: MainWindow) -> bool:
    """An action that makes sense at any time."""
    return True


def with_workspace(window: MainWindow) -> bool:
    """An action that makes sense while a workspace is open."""
    return window.workspace is not None
