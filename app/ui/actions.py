"""The one table of actions: menus, toolbar, command palette, shortcut help and tests derive from it.

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


def page_can(page: str, action: str) -> Enabled:
    """Whether the page says that the action makes sense; a page that was never shown has nothing selected."""

    def enabled(window: MainWindow) -> bool:
        if window.workspace is None:
            return False
        if not window.has_page(page):
            return action not in NEED_A_SELECTION
        shown = window.page(page)
        return shown is not None and shown.can(action)

    return enabled


def _page_action(page: str, method: str, id: str, text: str, **rest: object) -> Action:
    menu = str(rest.pop("menu", page))
    return Action(id, text, menu, on_page(page, method), page_can(page, id), **rest)  # type: ignore[arg-type]


def _view(number: int, page: str, icon: str) -> Action:
    return Action(
        f"view.{page.lower()}",
        page,
        "View",
        lambda window: window.show_page(page),
        _with_workspace,
        icon=icon,
        shortcut=f"Ctrl+{number}",
        tooltip=f"Show the page {page}",
    )


def _always(window: MainWindow) -> bool:
    return True


def _with_workspace(window: MainWindow) -> bool:
    return window.workspace is not None


NEED_A_SELECTION = (
    "records.export",
    "runs.stop",
    "runs.resume",
    "pretrain.duplicate",
    "pretrain.stop",
    "pretrain.resume",
    "study.duplicate",
    "study.export",
    "study.keep",
    "study.stop",
    "study.resume",
)
"""Actions on what is selected in a page."""

MENUS = ("Workspace", "Records", "Pretrain", "Study", "Runs", "Compare", "Dossier", "View", "Help")

ACTIONS: tuple[Action, ...] = (
    Action(
        "workspace.open",
        "Open workspace…",
        "Workspace",
        lambda window: window.ask_workspace(),
        _always,
        icon="open",
        shortcut="Ctrl+O",
        tooltip="Open a workspace folder",
    ),
    Action(
        "workspace.create",
        "New workspace…",
        "Workspace",
        lambda window: window.ask_new_workspace(),
        _always,
        icon="create",
        shortcut="Ctrl+Shift+N",
        tooltip="Make an empty workspace in a new folder on a local disk",
        workspace_method="create",
    ),
    Action(
        "workspace.close",
        "Close workspace",
        "Workspace",
        lambda window: window.close_workspace(),
        _with_workspace,
        tooltip="Back to the first screen; runs go on",
    ),
    Action(
        "window.quit",
        "Quit",
        "Workspace",
        lambda window: window.close(),
        _always,
        shortcut="Ctrl+Q",
        tooltip="Close the window; runs go on and are found again at the next start",
    ),
    _page_action(
        "Records",
        "import_recordings",
        "records.import",
        "Import recordings…",
        icon="import",
        shortcut="Ctrl+I",
        tooltip="Read ECG files or a whole folder, with labels from a CSV if you have them",
        workspace_method="import_files",
        toolbar=True,
    ),
    _page_action(
        "Records",
        "find_recordings",
        "records.find",
        "Find recordings",
        icon="search",
        shortcut="Ctrl+F",
        tooltip="Go to the search field of the table",
    ),
    _page_action(
        "Records",
        "create_cohort",
        "records.cohort",
        "New cohort…",
        icon="cohort",
        tooltip="Fix a set of recordings and split it by patient",
        workspace_method="create_cohort",
        toolbar=True,
    ),
    _page_action(
        "Records",
        "export_record",
        "records.export",
        "Export recording…",
        icon="export",
        tooltip="Write the selected recording's samples in millivolts to an .npz file",
        workspace_method="export_record",
    ),
    _page_action(
        "Pretrain",
        "new_pretraining",
        "pretrain.new",
        "New pretraining…",
        icon="pretrain",
        shortcut="Ctrl+Shift+P",
        tooltip="Pretrain a backbone on your recordings, without labels; its cost is told before it starts",
        workspace_method="pretrain",
        toolbar=True,
    ),
    _page_action(
        "Pretrain",
        "duplicate_selected",
        "pretrain.duplicate",
        "Duplicate pretraining…",
        tooltip="Begin a pretraining with the settings of the selected one",
    ),
    _page_action(
        "Pretrain",
        "stop_selected",
        "pretrain.stop",
        "Stop pretraining",
        icon="stop",
        tooltip="Ask the selected pretraining to save a checkpoint and end",
        workspace_method="stop",
    ),
    _page_action(
        "Pretrain",
        "resume_selected",
        "pretrain.resume",
        "Resume pretraining",
        icon="resume",
        tooltip="Go on from the newest complete checkpoint",
        workspace_method="resume",
    ),
    _page_action(
        "Study",
        "new_study",
        "study.new",
        "New study…",
        icon="study",
        shortcut="Ctrl+Shift+S",
        tooltip="Run a grid of pretrainings and rank them",
        workspace_method="study",
        toolbar=True,
    ),
    _page_action(
        "Study",
        "duplicate_selected",
        "study.duplicate",
        "Duplicate study…",
        tooltip="Begin a study with the settings of the selected one",
    ),
    _page_action(
        "Study",
        "export_selected",
        "study.export",
        "Export study…",
        icon="export",
        tooltip="Write table and figures of the selected study to a folder",
        workspace_method="export_study",
    ),
    _page_action(
        "Study",
        "keep_selected",
        "study.keep",
        "Keep model of a study",
        tooltip="Register the model of the selected run, to be evaluated like any other",
        workspace_method="keep_study_model",
    ),
    _page_action(
        "Study",
        "stop_selected",
        "study.stop",
        "Stop study",
        icon="stop",
        tooltip="Ask the run under way to save a checkpoint, then end the study",
        workspace_method="stop",
    ),
    _page_action(
        "Study",
        "resume_selected",
        "study.resume",
        "Resume study",
        icon="resume",
        tooltip="Go on with the runs that are not done",
        workspace_method="resume",
    ),
    _page_action(
        "Runs",
        "new_evaluation",
        "runs.evaluate",
        "New evaluation…",
        icon="evaluate",
        shortcut="Ctrl+E",
        tooltip="Probe a model on labelled recordings, with intervals clustered by patient",
        workspace_method="evaluate",
        toolbar=True,
    ),
    _page_action(
        "Runs",
        "stop_selected",
        "runs.stop",
        "Stop run",
        icon="stop",
        tooltip="Ask the selected run to save a checkpoint and end",
        workspace_method="stop",
    ),
    _page_action(
        "Runs",
        "resume_selected",
        "runs.resume",
        "Resume run",
        icon="resume",
        tooltip="Go on from the newest complete checkpoint",
        workspace_method="resume",
    ),
    _page_action(
        "Compare",
        "new_comparison",
        "compare.new",
        "New comparison…",
        icon="compare",
        tooltip="Paired differences and layer similarity between evaluations of one split",
        workspace_method="compare",
        toolbar=True,
    ),
    _page_action(
        "Dossier",
        "export_report",
        "dossier.export",
        "Export dossier…",
        icon="dossier",
        shortcut="Ctrl+Shift+E",
        tooltip="Write the PDF dossier of a comparison",
        workspace_method="export_report",
        toolbar=True,
    ),
    _page_action(
        "Dossier",
        "verify_report",
        "dossier.verify",
        "Verify a dossier…",
        icon="verify",
        tooltip="Recompute the hashes of a PDF and compare them with this workspace",
    ),
    _view(1, "Records", "records"),
    _view(2, "Pretrain", "pretrain"),
    _view(3, "Study", "study"),
    _view(4, "Runs", "runs"),
    _view(5, "Compare", "compare"),
    _view(6, "Dossier", "dossier"),
    Action(
        "view.theme",
        "Switch light and dark",
        "View",
        lambda window: window.switch_theme(),
        _always,
        icon="theme",
        shortcut="Ctrl+Shift+D",
        tooltip="Change between the light and the dark theme; remembered",
    ),
    Action(
        "view.palette",
        "All commands…",
        "Help",
        lambda window: window.show_palette(),
        _always,
        icon="search",
        shortcut="Ctrl+K",
        tooltip="Type to find any command",
    ),
    Action(
        "help.shortcuts",
        "Keyboard shortcuts",
        "Help",
        lambda window: window.show_shortcuts(),
        _always,
        shortcut="F1",
        tooltip="List every shortcut of the window and of the ECG view",
    ),
    Action(
        "help.about",
        "About Isoline",
        "Help",
        lambda window: window.show_about(),
        _always,
        tooltip="Version, licence, and what this program is not",
    ),
)


def action(id: str) -> Action:
    """The action with this id. Raises KeyError for an id that is not in the table."""
    return _BY_ID[id]


_BY_ID = {entry.id: entry for entry in ACTIONS}
