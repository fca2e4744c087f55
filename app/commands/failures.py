"""Verbs on a model's worst mistakes: `failure list|review|clear`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app import printing
from app.commands.parsing import Verbs, add_asking, add_family, opened, wants_json
from app.core.words import counted
from engine.contract.errors import EXIT_DONE

if TYPE_CHECKING:
    from app.core.review_rows import FailureVerdict, ReviewedFailure

VERDICTS: dict[str, FailureVerdict] = {
    "model-wrong": "model wrong",
    "label-wrong": "label wrong",
    "recording-poor": "recording poor",
    "cannot-tell": "cannot tell",
}
"""As typed: those of `app.core.review_rows`, which every start of the program would have to load."""


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    kinds = add_family(
        verbs,
        "failure",
        "list the recordings that a model gets most wrong, and keep what you make of each",
        [
            "isoline failure -w ward7",
            "isoline failure list J0007 --label AF --not-reviewed -w ward7",
            'isoline failure review J0007 r6f2a91c03b7d label-wrong --label AF --note "flutter, not AF" -w ward7',
            "isoline failure clear J0007 r6f2a91c03b7d --label AF -w ward7",
        ],
        _overview,
    )
    text = "list the worst mistakes of an evaluation, false positives first, with what was made of them"
    asked = add_asking(kinds, "list", text, ["isoline failure list J0007 -w ward7"], _list, "job")
    asked.add_argument("--label", default="", metavar="L", help="only of this label")
    asked.add_argument("--not-reviewed", action="store_true", help="only those that nobody has looked at")
    _add_marks(kinds)


def _add_marks(kinds: Any) -> None:
    example = "isoline failure review J0007 r6f2a91c03b7d model-wrong --label AF -w ward7"
    mark = add_asking(kinds, "review", "keep what you make of a mistake", [example], _review, "job", "recording")
    mark.add_argument("verdict", choices=tuple(VERDICTS), metavar="VERDICT", help=f"one of: {', '.join(VERDICTS)}")
    mark.add_argument("--label", required=True, metavar="L", help="of which label the mistake is; needed")
    mark.add_argument("--note", default="", metavar="TEXT", help="a short note; refused where it names somebody")
    example = "isoline failure clear J0007 r6f2a91c03b7d --label AF -w ward7"
    clear = add_asking(kinds, "clear", "take back what was made of a mistake", [example], _clear, "job", "recording")
    clear.add_argument("--label", required=True, metavar="L", help="of which label the mistake is; needed")


def _overview(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        rows = workspace.reviewed_evaluations()
    if wants_json(arguments):
        told = [{"job": r.job.job_id, "name": r.job.name, "failures": r.failures, "reviewed": r.reviewed} for r in rows]
        print(printing.as_json(told))
        return EXIT_DONE
    if not rows:
        print("No evaluation has mistakes to look at. Next: isoline evaluate MODEL --cohort C --label L --wait")
        return EXIT_DONE
    heads = ("Job", "Evaluation", "Worst mistakes", "Reviewed")
    cells = [(r.job.job_id, r.job.name, f"{r.failures:,}", f"{r.reviewed:,}") for r in rows]
    print(printing.table(heads, cells, right=heads[2:]))
    return EXIT_DONE


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        every = workspace.failures(arguments.job, arguments.label)
    rows = [one for one in every if one.review is None] if arguments.not_reviewed else every
    if wants_json(arguments):
        print(printing.as_json([_plain(one) for one in rows]))
        return EXIT_DONE
    if not every:
        print("No recording lies on the wrong side of most others.")
        return EXIT_DONE
    print("\n\n".join(block for block in (_table(rows), _counts(every)) if block))
    return EXIT_DONE


def _table(rows: Sequence[ReviewedFailure]) -> str:
    """Mistakes and marks, one a line; nothing where all were filtered out."""
    heads = ("Label", "Mistake", "Recording", "Score", "Beyond", "Reviewed", "Verdict", "Note")
    cells = [
        (
            one.failure.label,
            one.failure.kind,
            one.failure.record,
            f"{one.failure.score:.3g}",
            f"{100 * one.failure.share:.0f} %",
            *_looked(one),
        )
        for one in rows
    ]
    return printing.table(heads, cells, right=("Score", "Beyond")) if cells else ""


def _looked(one: ReviewedFailure) -> tuple[str, str, str]:
    """Day, verdict and note; in brackets what another evaluation's look at the same recording and label found."""
    if one.review is not None:
        return one.review.reviewed[:10], one.review.verdict, one.review.note
    other = one.elsewhere
    return ("-", "-", "") if other is None else ("-", f"({other.review.verdict} in {other.job_id})", other.review.note)


def _counts(every: Sequence[ReviewedFailure]) -> str:
    from app.core.review_rows import told

    explained = (
        "Beyond: the share of the recordings with the label that a false positive outscores, or of those without it "
        "that outscore a false negative."
    )
    return f"{told(one.review for one in every)}.\n{printing.paragraph(explained)}"


def _plain(one: ReviewedFailure) -> dict[str, Any]:
    review, other = one.review, one.elsewhere
    there = None if other is None else {"job": other.job_id, **vars(other.review)}
    return {**one.failure.model_dump(), "review": review and vars(review), "elsewhere": there}


def _review(arguments: argparse.Namespace) -> int:
    about = (arguments.job, arguments.label, arguments.recording)
    with opened(arguments) as workspace:
        kept = workspace.review_failure(*about, VERDICTS[arguments.verdict], arguments.note)
        every = workspace.failures(arguments.job, arguments.label)
    return _done(arguments, kept.verdict, kept.reviewed, every)


def _clear(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        workspace.clear_review(arguments.job, arguments.label, arguments.recording)
        every = workspace.failures(arguments.job, arguments.label)
    return _done(arguments, None, None, every)


def _done(
    arguments: argparse.Namespace, verdict: str | None, reviewed: str | None, every: Sequence[ReviewedFailure]
) -> int:
    """Say what stands now, and how many are left."""
    left = sum(one.review is None for one in every)
    if wants_json(arguments):
        about = {"job": arguments.job, "label": arguments.label, "recording": arguments.recording}
        print(printing.as_json({**about, "verdict": verdict, "reviewed": reviewed, "not_reviewed": left}))
        return EXIT_DONE
    what = f"{arguments.recording}, {arguments.label}: {verdict or 'not reviewed any more'}."
    print(f"{what} {counted(left, 'mistake')} of this label not yet reviewed.")
    return EXIT_DONE
