"""The one table of actions: menus, toolbar, command palette, shortcut help and tests derive from it."""

from __future__ import annotations

from app.ui.action import Action
from app.ui.actions_data import ACTIONS_DATA
from app.ui.actions_models import ACTIONS_MODELS
from app.ui.actions_results import ACTIONS_RESULTS
from app.ui.actions_training import ACTIONS_TRAINING
from app.ui.actions_view import ACTIONS_VIEW
from app.ui.actions_workspace import ACTIONS_WORKSPACE

MENUS = (
    *("Workspace", "Records", "Cohorts", "Models", "Pretrain", "Study", "Runs", "Evaluate", "Compare", "Dossier"),
    *("View", "Help"),
)

ACTIONS: tuple[Action, ...] = (
    *ACTIONS_WORKSPACE,
    *ACTIONS_DATA,
    *ACTIONS_MODELS,
    *ACTIONS_TRAINING,
    *ACTIONS_RESULTS,
    *ACTIONS_VIEW,
)


def action(id: str) -> Action:
    """The action with this id. Raises KeyError for an id that is not in the table."""
    return _BY_ID[id]


_BY_ID = {entry.id: entry for entry in ACTIONS}
