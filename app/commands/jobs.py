"""Verbs on the queue: `jobs list|show|stop|resume|watch`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import (
    Verbs,
    add_asking,
    add_family,
    add_verb,
    add_workspace,
    named_workspace,
    opened,
    wants_json,
)
from app.commands.results import shown
from app.progress import RunStopped, duration, follow
from engine.contract.errors import EXIT_DONE, EXIT_STOPPED, EXIT_WORLD, UsageError, WorldError

if TYPE_CHECKING:
    from app.core.rows import JobDetail, JobRow
    from app.workspace import Workspace
    from engine.contract.results import AnyResults


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    kinds = add_family(verbs, "jobs", "look at the queue and steer it", ["isoline jobs -w ward7"], _list)
    add_asking(kinds, "list", "list all jobs", ["isoline jobs list -w ward7"], _list)
    told = "tell all that the database knows of a job"
    add_asking(kinds, "show", told, ["isoline jobs show J0003 -w ward7"], _show, "job")
    told = "ask a job to checkpoint and end"
    add_asking(kinds, "stop", told, ["isoline jobs stop J0003 -w ward7"], _stop, "job")
    told = "go on with a stopped, failed or interrupted job"
    resume = add_asking(kinds, "resume", told, ["isoline jobs resume J0003 -w ward7 --wait"], _resume, "job")
    resume.add_argument("--wait", action="store_true", help="stay until it has ended")

    watch = add_verb(
        kinds,
        "watch",
        "stay with a job, or with the whole queue, until it ends",
        ["isoline jobs watch -w ward7"],
        _watch,
    )
    watch.add_argument("job", nargs="?", metavar="JOB", help="one job (default: the whole queue)")
    add_workspace(watch)


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        workspace.pump()
        rows = workspace.jobs()
    if wants_json(arguments):
        print(printing.as_json(rows))
    elif not rows:
        print("No jobs yet.")
    else:
        cells = [(r.job_id, r.kind, r.name, r.state, _where(r), printing.moment(r.created)) for r in rows]
        print(printing.table(("Job", "Kind", "Name", "State", "Progress", "Asked (UTC)"), cells))
    return EXIT_DONE


def _where(row: JobRow) -> str:
    step = row.progress
    if row.state == "running" and step.total:
        left = f", {duration(step.seconds_left)} left" if step.seconds_left is not None else ""
        return f"{step.done:,} of {step.total:,} {step.unit}{left}"
    return row.message


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        detail, results = workspace.job_detail(arguments.job), workspace.results(arguments.job)
    print(printing.as_json(detail) if wants_json(arguments) else _told(detail, results))
    return EXIT_DONE


def _told(detail: JobDetail, results: AnyResults | None) -> str:
    job = detail.job
    pairs: list[tuple[str, object]] = [
        ("Job", f"{job.job_id}, {job.kind}: {job.name}"),
        ("State", ". ".join(part for part in (job.state, job.message, job.next_step) if part)),
        ("Asked", printing.moment(job.created)),
        ("Started", printing.moment(job.started)),
        ("Ended", printing.moment(job.finished)),
        ("Progress", f"{job.progress.done:,} of {job.progress.total:,} {job.progress.unit}"),
        ("Events", f"{detail.events:,}"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in detail.versions.items())),
        ("Checkpoints", ", ".join(detail.checkpoints)),
    ]
    pairs += [(name, value) for name, value in (("Fault", job.fault), ("Collapsed", detail.collapsed)) if value]
    blocks = [printing.fields(pairs)]
    blocks += [f"Warning: {warning}" for warning in detail.warnings]
    blocks.append("Config\n" + printing.as_json(detail.config))
    if results is not None:
        blocks.append("Results\n" + shown(results))
    if detail.console_tail.strip():
        blocks.append("Console, last lines\n" + detail.console_tail.rstrip())
    return "\n\n".join(blocks)


def _stop(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        workspace.stop(arguments.job)
        workspace.pump()
        row = workspace.job(arguments.job)
    if wants_json(arguments):
        print(printing.as_json(row))
        return EXIT_DONE
    print(f"{arguments.job} was asked to stop; it checkpoints first. Go on later:")
    print(f"isoline jobs resume {arguments.job}{named_workspace(arguments)}")
    return EXIT_DONE


def _resume(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        workspace.resume(arguments.job)
        workspace.pump()
        if arguments.wait:
            follow(workspace, arguments.job, f"Resume {arguments.job}")
        row = workspace.job(arguments.job)
    print(printing.as_json(row) if wants_json(arguments) else f"{row.job_id} is {row.state}.")
    return EXIT_DONE


def _watch(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        if arguments.job is not None:
            row = workspace.job(arguments.job)
            if row.resumable:
                raise UsageError(f"job {row.job_id}", f"it is {row.state}", f"isoline jobs resume {row.job_id} goes on")
            follow(workspace, row.job_id, _title(row))
            return EXIT_DONE
        code = _watch_queue(workspace)
    print("No job is queued or running.")
    return code


def _watch_queue(workspace: Workspace) -> int:
    """Stay until nothing waits or works, also of what is queued meanwhile; the worst of their exit codes."""
    codes = {EXIT_DONE}
    workspace.pump()
    while active := [row for row in workspace.jobs() if row.active]:
        # A running job before those that wait, and those in the order of their asking.
        row = min(active, key=lambda row: (row.state != "running", row.job_id))
        try:
            follow(workspace, row.job_id, _title(row))
        except WorldError as error:
            codes.add(EXIT_STOPPED if isinstance(error, RunStopped) else EXIT_WORLD)
            print(error, file=sys.stderr)
        workspace.pump()
    return next(code for code in (EXIT_WORLD, EXIT_STOPPED, EXIT_DONE) if code in codes)


def _title(row: JobRow) -> str:
    return f"{row.kind.capitalize()} {row.job_id}"
