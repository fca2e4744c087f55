"""Actions on recordings and cohorts."""

from __future__ import annotations

from app.ui.action import page_action

ACTIONS_DATA = (
    page_action(
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
    page_action(
        "Records",
        "import_labels",
        "records.labels",
        "Import labels…",
        shortcut="Ctrl+L",
        tooltip="Join a table (CSV or Excel) to the recordings: statements, codes, yes or no, numbers",
        workspace_method="import_labels",
    ),
    page_action(
        "Records",
        "import_corpus",
        "records.corpus",
        "Import public corpus…",
        tooltip="Bring in PTB-XL or another public corpus whole: recordings, labels by task, patients, official split",
        workspace_method="import_dataset",
    ),
    page_action(
        "Records",
        "labels_from_devices",
        "records.device_labels",
        "Labels from the carts' statements…",
        tooltip="Make labels of what the carts stated, marked as theirs: they are no ground truth",
        workspace_method="labels_from_devices",
    ),
    page_action(
        "Records",
        "find_recordings",
        "records.find",
        "Find recordings",
        icon="search",
        shortcut="Ctrl+F",
        tooltip="Go to the search field of the table",
    ),
    page_action(
        "Records",
        "filter_recordings",
        "records.filter",
        "Filter recordings…",
        icon="filter",
        shortcut="Ctrl+Shift+F",
        tooltip="Narrow the table by label, quality, device, age, sex, year and more",
    ),
    page_action(
        "Records",
        "create_cohort",
        "records.cohort",
        "New cohort…",
        icon="cohort",
        tooltip="Fix a set of recordings and split it by patient",
        workspace_method="create_cohort",
        toolbar=True,
    ),
    page_action(
        "Records",
        "export_record",
        "records.export",
        "Export recording…",
        icon="export",
        tooltip="Write the selected recording's samples in millivolts to an .npz file",
        workspace_method="export_record",
        needs_selection=True,
    ),
)
