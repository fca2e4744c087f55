"""Verbs on cohorts: `cohort create|flow|list|show`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import Verbs, add_asking, add_family, opened, wants_json
from app.core.split_csv import split_csv, texts_of
from app.core.whole_file import write_file
from app.core.words import counted
from app.progress import follow
from engine.contract.errors import EXIT_DONE, UsageError

if TYPE_CHECKING:
    from app.core.rows import CohortFlow, LeakState
    from engine.data.splits import Part


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    text = "make and look at cohorts with patient-wise splits"
    kinds = add_family(verbs, "cohort", text, ["isoline cohort list -w ward7"], _list)
    create = add_asking(
        kinds,
        "create",
        "make a cohort and its patient-wise split",
        [
            "isoline cohort create main --label MI --label NORM --folds 5 -w ward7",
            'isoline cohort create adults --rule "age 18.." --rule "paced no or unknown" -w ward7',
        ],
        _create,
        "name",
    )
    _add_choice(create)
    create.add_argument("--folds", type=int, metavar="K", help="patient folds, each scored once (default: 5)")
    create.add_argument("--holdout", type=float, metavar="SHARE", help="share of patients kept as test part instead")
    create.add_argument(
        "--official", action="store_true", help="the official parts of a public corpus instead (see: isoline datasets)"
    )
    create.add_argument("--seed", type=int, default=0, metavar="N", help="the split is a function of it (default: 0)")
    create.add_argument("--no-search", action="store_true", help="do not search it for copies that stand in two parts")
    flow = add_asking(
        kinds,
        "flow",
        "tell who a cohort leaves out at which step; without NAME, who one of these rules would",
        ["isoline cohort flow main -w ward7", 'isoline cohort flow --rule "age 18..89" --rule "sex female" -w ward7'],
        _flow,
    )
    flow.add_argument("name", metavar="NAME", nargs="?", help="a cohort that there is")
    _add_choice(flow)
    flow.add_argument("--official", action="store_true", help="as for a cohort of the official parts of a corpus")
    add_asking(kinds, "list", "list the cohorts", ["isoline cohort list -w ward7"], _list)
    examples = ["isoline cohort show main -w ward7", "isoline cohort show main --csv split.csv -w ward7"]
    show = add_asking(kinds, "show", "show one cohort and its split", examples, _show, "name")
    show.add_argument("--csv", type=Path, metavar="FILE", help="also write what went into which part, as a table")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    """Which recordings: the options `--label`, `--dataset`, `--rule`."""
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="L",
        help="keep recordings where this label is known; repeatable",
    )
    parser.add_argument("--dataset", metavar="NAME", help="keep recordings of this collection")
    parser.add_argument(
        "--rule",
        action="append",
        default=[],
        metavar="RULE",
        help="'age 18..89', 'sex female', 'paced no', 'leads I II V1', 'measured V1', 'quality good limited', "
        "'without FINDING', 'device NAME', 'setting WORD', 'format WORD', 'rate 250..', 'seconds 10..', 'year 2015..'; "
        "with ' or unknown' those of whom it is not known stay; repeatable, applied in this order",
    )


def _create(arguments: argparse.Namespace) -> int:
    if (arguments.folds is not None) + (arguments.holdout is not None) + arguments.official > 1:
        raise UsageError("cohort", "--folds, --holdout and --official exclude each other", "Give one of them")
    folds = None if arguments.holdout is not None or arguments.official else (arguments.folds or 5)
    with opened(arguments) as workspace:
        row = workspace.create_cohort(
            arguments.name,
            labels=arguments.label,
            dataset=arguments.dataset,
            folds=folds,
            holdout=arguments.holdout,
            official=arguments.official,
            seed=arguments.seed,
            rules=arguments.rule,
            search=not arguments.no_search,
        )
        flow = workspace.cohort_flow(row.name)
        if row.leaks == "searching":
            follow(workspace, workspace.leak_state(row.name).job_id, "Search for copies")
        row, leaks = workspace.cohort(row.name), workspace.leak_state(row.name)
    if wants_json(arguments):
        print(printing.as_json(row))
        return EXIT_DONE
    size = f"{counted(row.records, 'recording')} of {counted(row.patients, 'patient')}"
    print(f"Cohort {row.name}: {size}, {row.split_kind}")
    print(f"Split {row.split_id}, sha256 {row.split_sha256}")
    print("\n".join(leak_lines(leaks)))
    if flow.steps:
        print("\n" + flow_in_words(flow))
    return EXIT_DONE


def leak_lines(state: LeakState) -> list[str]:
    """What is known of leaks into a cohort, for people: its own parts first."""
    mark = "LEAK   " if state.verdict == "leaks" else "Leaks  "
    lines = [f"{mark}{printing.visible(state.sentence)}"]
    if state.verdict == "not searched":
        lines[0] += f". Next: isoline leakage {quote(state.cohort)}"
    for one in state.searches:
        if one.against:
            told = "; ".join(one.findings) or "none found"
            when = f"{one.job_id}, {one.finished[:10]}"
            lines.append(f"{'LEAK   ' if one.findings else 'Leaks  '}{one.against}: {printing.visible(told)} ({when})")
    return lines


def _flow(arguments: argparse.Namespace) -> int:
    asked = arguments.label or arguments.rule or arguments.dataset or arguments.official
    if arguments.name and asked:
        raise UsageError("cohort flow", "a cohort's rules are fixed", "Give NAME alone, or no NAME and what to ask for")
    with opened(arguments) as workspace:
        if arguments.name:
            flow = workspace.cohort_flow(arguments.name)
        else:
            flow = workspace.eligible(arguments.label, arguments.dataset, arguments.rule, arguments.official)
    print(printing.as_json(flow) if wants_json(arguments) else flow_in_words(flow))
    return EXIT_DONE


def flow_in_words(flow: CohortFlow) -> str:
    """Who was left out at which step, as a table for people."""
    cells: list[tuple[str, str, str]] = [("considered", f"{flow.considered:,}", f"{flow.considered_patients:,}")]
    for step in flow.steps:
        cells.append((step.rule, "", ""))
        cells += [(f"  {reason}", f"-{count:,}", "") for reason, count in step.excluded.items()]
    cells.append(("eligible", f"{flow.records:,}", f"{flow.patients:,}"))
    if flow.torn:
        cells.append(("in several official parts: no cohort can be made", "", f"{flow.torn:,}"))
    return printing.table(("Step", "Recordings", "Patients"), cells, right=("Recordings", "Patients"))


def parts_in_words(parts: Sequence[Part]) -> str:
    """What went where, as a table for people: of every label how many have it, and their share of the known."""
    labels = list(parts[0].positives) if parts else []
    heads = ("Part", "Recordings", "Patients", *labels)
    cells = [
        (part.name, f"{part.records:,}", f"{part.patients:,}", *(_positives(part, label) for label in labels))
        for part in parts
    ]
    return printing.table(heads, cells, right=heads[1:])


def _positives(part: Part, label: str) -> str:
    known = part.positives[label] + part.negatives[label]
    return f"{part.positives[label]:,} ({part.positives[label] / known:.1%})" if known else "0"


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        rows = workspace.cohorts()
    if wants_json(arguments):
        print(printing.as_json(rows))
    elif not rows:
        print("No cohorts. Next: isoline cohort create NAME")
    else:
        cells = [(r.name, r.records, r.patients, r.split_kind, r.split_id, r.seed, r.openings, r.leaks) for r in rows]
        headers = ("Name", "Records", "Patients", "Split", "Split id", "Seed", "Openings", "Leaks")
        print(printing.table(headers, cells, right=("Records", "Patients", "Seed", "Openings")))
    return EXIT_DONE


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        row, members = workspace.cohort(arguments.name), workspace.cohort_members(arguments.name)
        parts, flow = workspace.cohort_parts(arguments.name), workspace.cohort_flow(arguments.name)
        leaks = workspace.leak_state(arguments.name)
        if arguments.csv is not None:
            workspace.refuse_identifiers("the split table", arguments.csv, texts_of(parts))
            write_file("the split table", arguments.csv, split_csv(parts).encode())
    if wants_json(arguments):
        told = {"cohort": row, "parts": parts, "flow": flow, "leaks": leaks, "members": members}
        print(printing.as_json(told))
        return EXIT_DONE
    pairs: list[tuple[str, object]] = [
        ("Cohort", row.name),
        ("Recordings", f"{row.records:,} of {counted(row.patients, 'patient')}"),
        ("Split", f"{row.split_kind}, seed {row.seed}"),
        ("Split id", row.split_id),
        ("sha256", row.split_sha256),
        ("Openings", row.openings),
        ("Made", printing.moment(row.created)),
    ]
    print(printing.fields(pairs))
    print("\n".join(leak_lines(leaks)))
    print("\nWhat went where (no patient is in two parts), with the share of positives:\n")
    print(parts_in_words(parts))
    print("\n" + flow_in_words(flow))
    return EXIT_DONE
