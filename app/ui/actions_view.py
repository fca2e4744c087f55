"""Actions that bring pages, themes and help into view."""

from __future__ import annotations

from app.ui.action import Action, always, view

ACTIONS_VIEW = (
    view(1, "Records", "records"),
    view(2, "Cohorts", "cohort"),
    view(3, "Models", "model"),
    view(4, "Pretrain", "pretrain"),
    view(5, "Study", "study"),
    view(6, "Runs", "runs"),
    view(7, "Evaluate", "evaluate"),
    view(8, "Compare", "compare"),
    view(9, "Dossier", "dossier"),
    Action(
        "view.theme",
        "Switch light and dark",
        "View",
        lambda window: window.switch_theme(),
        always,
        icon="theme",
        shortcut="Ctrl+Shift+D",
        tooltip="Change between the light and the dark theme; remembered",
    ),
    Action(
        "view.palette",
        "All commands…",
        "Help",
        lambda window: window.show_palette(),
        always,
        icon="search",
        shortcut="Ctrl+K",
        tooltip="Type to find any command",
    ),
    Action(
        "help.shortcuts",
        "Keyboard shortcuts",
        "Help",
        lambda window: window.show_shortcuts(),
        always,
        shortcut="F1",
        tooltip="List every shortcut of the window and of the ECG view",
    ),
    Action(
        "help.about",
        "About Isoline",
        "Help",
        lambda window: window.show_about(),
        always,
        tooltip="Version, licence, and what this program is not",
    ),
)
