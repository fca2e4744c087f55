"""Actions on the workspace as a whole."""

from __future__ import annotations

from app.ui.action import Action, always, with_workspace

ACTIONS_WORKSPACE = (
    Action(
        "workspace.open",
        "Open workspace…",
        "Workspace",
        lambda window: window.ask_workspace(),
        always,
        icon="open",
        shortcut="Ctrl+O",
        tooltip="Open a workspace folder",
    ),
    Action(
        "workspace.create",
        "New workspace…",
        "Workspace",
        lambda window: window.ask_new_workspace(),
        always,
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
        with_workspace,
        tooltip="Back to the first screen; runs go on",
    ),
    Action(
        "window.quit",
        "Quit",
        "Workspace",
        lambda window: window.close(),
        always,
        shortcut="Ctrl+Q",
        tooltip="Close the window; runs go on and are found again at the next start",
    ),
)
