"""The verb `threshold`: what a threshold finds and misses, at any prevalence, and whom it gets wrong."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from app import printing
from app.commands.parsing import Verbs, add_asking, opened, wants_json
from app.core.words import counted
from engine.contract.errors import EXIT_DONE, UsageError
from engine.contract.estimate import Estimate
from engine.contract.evaluation import EvaluateResults
from engine.contract.operating import NAMES, Measure

if TYPE_CHECKING:
    from app.core.scored_records import Mistake, ScoredRecord, ScoredRecords
    from app.workspace import Workspace

EXAMPLES = (
    "isoline threshold J0007 --label AF -w ward7",
    "isoline threshold J0007 --label AF --at 0.35 --prevalence 0.02 --near 20 -w ward7",
)
OPTIMISTIC = (
    "A threshold that is picked on the tested recordings looks better than it will be. Take the evaluation's own, "
    "or test what you pick on other recordings."
)
NEAR = 10


def add(verbs: Verbs) -> None:
    """Register the verb of this file."""
    text = "tell what a threshold of an evaluation finds and misses, and the recordings next to it"
    asked = add_asking(verbs, "threshold", text, EXAMPLES, _threshold, "job")
    asked.add_argument("--label", required=True, metavar="L", help="of which label; needed")
    asked.add_argument(
        "--at",
        type=float,
        metavar="SCORE",
        help="positive from this score on (default: the evaluation's own threshold)",
    )
    asked.add_argument(
        "--prevalence",
        type=float,
        metavar="SHARE",
        help="re-weight to this share of positives, as 0.02 (default: the share of the tested recordings)",
    )
    asked.add_argument(
        "--near", type=int, default=NEAR, metavar="N", help=f"nearest missed and false alarms to list (default: {NEAR})"
    )


def _threshold(arguments: argparse.Namespace) -> int:
    if arguments.near < 0:
        raise UsageError(f"--near {arguments.near}", "it is less than 0", f"Write --near {NEAR}, or 0 for none")
    with opened(arguments) as workspace:
        about = (arguments.job, arguments.label)
        scored = workspace.scored(*about)
        at, source = _own(workspace, *about) if arguments.at is None else (arguments.at, "as asked")
        measures = workspace.measures_at(*about, at, arguments.prevalence)
    if wants_json(arguments):
        print(printing.as_json(_told(arguments, scored, (at, source), measures)))
        return EXIT_DONE
    rows = [(NAMES[name], printing.estimate(one)) for name, one in measures.items()]
    blocks = [_head(arguments, scored, (at, source)), printing.table(("At this threshold", "Value (interval)"), rows)]
    blocks += [_near(scored, at, arguments.near)] if arguments.near else []
    blocks += [printing.paragraph(OPTIMISTIC)] if arguments.at is not None else []
    print("\n\n".join(blocks))
    return EXIT_DONE


_KINDS: tuple[Mistake, ...] = ("missed", "false alarm")


def _own(workspace: Workspace, job_id: str, label: str) -> tuple[float, str]:
    """The evaluation's threshold, the middle one where each fold has its own; and where it comes from."""
    results = workspace.results(job_id)
    labels = results.labels if isinstance(results, EvaluateResults) else []
    point = next((one.operating for one in labels if one.label == label), None)
    if point is None or not point.own:
        reason = "the evaluation has none" if point is None else point.not_estimable
        raise UsageError(f"threshold of {label}", reason, "Name one: --at 0.5")
    middle = " (the middle one of the folds')" if len(point.own) > 1 else ""
    return point.own[len(point.own) // 2], f"{point.how}{middle}"


def _told(
    arguments: argparse.Namespace,
    scored: ScoredRecords,
    threshold: tuple[float, str],
    measures: dict[Measure, Estimate],
) -> dict[str, Any]:
    at, source = threshold
    missed, alarms = (scored.nearest(at, kind, arguments.near) for kind in _KINDS)
    return {
        "job": arguments.job,
        "label": arguments.label,
        "threshold": at,
        "threshold_from": source,
        "prevalence": arguments.prevalence,
        "measures": measures,
        "missed": scored.wrong(at, True),
        "false_alarms": scored.wrong(at, False),
        **_counts(scored),
        "nearest_missed": [_plain(one) for one in missed],
        "nearest_false_alarms": [_plain(one) for one in alarms],
    }


def _head(arguments: argparse.Namespace, scored: ScoredRecords, threshold: tuple[float, str]) -> str:
    at, source = threshold
    counts = _counts(scored)
    with_label, without = counts["with_label"], counts["without_label"]
    tested = with_label / (with_label + without) if with_label + without else 0.0
    share = arguments.prevalence
    where = f"{share:.4g}, taken as exactly known" if share is not None else f"{tested:.4g}, as tested"
    left = [
        f"{number:,} {words}"
        for number, words in (
            (counts["unknown_label"], "of unknown label"),
            (counts["without_score"], "without a score"),
        )
        if number
    ]
    told = f"{with_label:,} with the label, {without:,} without" + "".join(f"; {one}" for one in left)
    return printing.fields(
        [("Label", arguments.label), ("Threshold", f"{at:.4g}, {source}"), ("Prevalence", where), ("Recordings", told)]
    )


def _near(scored: ScoredRecords, at: float, most: int) -> str:
    """The nearest of both kinds, one a line."""
    missed, alarms = scored.wrong(at, True), scored.wrong(at, False)
    if not missed and not alarms:
        return "Nobody is missed, and nobody raises a false alarm."
    rows = [
        (kind, one.record, f"{one.score:.4g}", f"{one.score - at:+.2g}")
        for kind in _KINDS
        for one in scored.nearest(at, kind, most)
    ]
    heads = ("Mistake", "Recording", "Score", "From the threshold")
    told = f"{missed:,} missed, {counted(alarms, 'false alarm')}. Nearest to the threshold:"
    return f"{told}\n{printing.table(heads, rows, right=heads[2:])}"


def _counts(scored: ScoredRecords) -> dict[str, int]:
    return {
        "with_label": len(scored.places(True)),
        "without_label": len(scored.places(False)),
        "unknown_label": scored.unknown,
        "without_score": scored.silent,
    }


def _plain(one: ScoredRecord) -> dict[str, Any]:
    return {"recording": one.record, "score": one.score}
