"""Actions on models."""

from __future__ import annotations

from app.ui.action import page_action

ACTIONS_MODELS = (
    page_action(
        "Models",
        "add_external",
        "models.add",
        "Add vendor's model…",
        icon="model",
        tooltip="Register a file, program or service of a vendor with its card; nothing of it runs while it is added",
        workspace_method="add_external",
    ),
    page_action(
        "Models",
        "vet_selected",
        "models.vet",
        "Vet model…",
        icon="verify",
        tooltip="Hold the selected vendor's model against its card, its maker's numbers, and a contract made wrong",
        workspace_method="vet",
        needs_selection=True,
    ),
    page_action(
        "Models",
        "try_selected",
        "models.try",
        "Try on one ECG…",
        tooltip="Show one recording to the selected vendor's model: what it sees after its contract, and what it says",
        workspace_method="try_model",
        needs_selection=True,
    ),
    page_action(
        "Models",
        "compare_versions",
        "models.versions",
        "Compare versions…",
        icon="compare",
        tooltip="Hold a new version of a product against the one in use: flips, regressions, thresholds",
        workspace_method="compare_versions",
        needs_selection=True,
    ),
    page_action(
        "Models",
        "find_models",
        "models.find",
        "Find models",
        icon="search",
        shortcut="Ctrl+Shift+M",
        tooltip="Go to the search field of the list of models",
        needs_selection=True,
    ),
)
