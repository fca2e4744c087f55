"""Actions on runs, evaluations, comparisons and the dossier."""

from __future__ import annotations

from app.ui.action import page_action

ACTIONS_RESULTS = (
    page_action(
        "Runs",
        "stop_selected",
        "runs.stop",
        "Stop run",
        icon="stop",
        tooltip="Ask the selected run to save a checkpoint and end",
        workspace_method="stop",
        needs_selection=True,
    ),
    page_action(
        "Runs",
        "resume_selected",
        "runs.resume",
        "Resume run",
        icon="resume",
        tooltip="Go on from the newest complete checkpoint",
        workspace_method="resume",
        needs_selection=True,
    ),
    page_action(
        "Evaluate",
        "new_evaluation",
        "evaluate.new",
        "New evaluation…",
        icon="evaluate",
        shortcut="Ctrl+E",
        tooltip="Score models on labelled recordings, with intervals clustered by patient",
        workspace_method="evaluate",
        toolbar=True,
    ),
    page_action(
        "Compare",
        "new_comparison",
        "compare.new",
        "New comparison…",
        icon="compare",
        tooltip="Paired differences and layer similarity between evaluations of one split",
        workspace_method="compare",
        toolbar=True,
    ),
    page_action(
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
    page_action(
        "Dossier",
        "verify_report",
        "dossier.verify",
        "Verify a dossier…",
        icon="verify",
        tooltip="Recompute the hashes of a PDF and compare them with this workspace",
    ),
)
