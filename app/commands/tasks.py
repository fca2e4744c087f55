"""The verb `tasks`: the study's tasks by name, and what of them is in the workspace."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, add_workspace, opened, wants_json
from engine.contract.errors import EXIT_DONE

if TYPE_CHECKING:
    from app.core.tasks import TaskRow


def add(verbs: Verbs) -> None:
    """Register the verb of this file."""
    tasks = add_verb(
        verbs,
        "tasks",
        "list the study's tasks, and how many of their labels are in the workspace",
        ["isoline tasks -w ward7", "isoline evaluate mymodel --cohort main --task ptbxl-super -w ward7"],
        _tasks,
    )
    add_workspace(tasks)
    add_json(tasks)


def _tasks(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        rows = workspace.tasks()
    if wants_json(arguments):
        print(printing.as_json(rows))
        return EXIT_DONE
    heads = ("Task", "Category", "Kind", "Outputs", "Here", "Recordings")
    print(printing.table(heads, [_row(row) for row in rows], right=heads[3:]))
    return EXIT_DONE


def _row(row: TaskRow) -> tuple[str, ...]:
    outputs = "not known" if row.outputs is None else f"{row.outputs:,}"
    return row.name, row.category, row.kind, outputs, f"{row.here:,}", f"{row.records:,}"
