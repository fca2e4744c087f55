"""A mistake and what was made of it in words, for cards, tips, copies and screen readers."""

from __future__ import annotations

from app.core.review_rows import Elsewhere, FailureVerdict, ReviewedFailure
from engine.contract.gallery import Failure

VERDICT_SIGNS: dict[FailureVerdict, tuple[str, str]] = {
    "model wrong": ("square", "bad"),
    "label wrong": ("diamond", "accent"),
    "recording poor": ("pulse", "warn"),
    "cannot tell": ("question", "muted"),
}
"""Sign and colour of each verdict: a shape of its own beside every colour."""

VERDICT_TIPS: dict[FailureVerdict, str] = {
    "model wrong": "The label is right, and the model got it wrong",
    "label wrong": "The trace shows what the model says: the label is wrong",
    "recording poor": "Noise, a lead off or an artefact: nobody could judge by this recording",
    "cannot tell": "Looked at, and it remains open",
}


def kind_text(failure: Failure) -> str:
    """The kind of a mistake as a heading: "False positive"."""
    return failure.kind.capitalize()


def score_text(failure: Failure) -> str:
    """The score with three figures and a true minus sign."""
    return f"{failure.score:.3g}".replace("-", "\N{MINUS SIGN}")


def share_text(failure: Failure) -> str:
    """How far on the wrong side: "scores above 93 % of the recordings with the label"."""
    share = f"{100 * failure.share:.0f} %"
    if failure.kind == "false positive":
        return f"scores above {share} of the recordings with the label"
    return f"scores below {share} of the recordings without it"


def short_share(failure: Failure) -> str:
    """The same for a card: "above 93 % of positives"."""
    share = f"{100 * failure.share:.0f} %"
    return f"above {share} of positives" if failure.kind == "false positive" else f"below {share} of negatives"


def there_text(elsewhere: Elsewhere) -> str:
    """What another evaluation's look found: "In J0019: label wrong"."""
    return f"In {elsewhere.job_id}: {elsewhere.review.verdict}"


def whole_text(row: ReviewedFailure) -> str:
    """All that a card says of the mistake and the look at it, in sentences."""
    failure = row.failure
    told = f"{kind_text(failure)}, recording {failure.record}, score {score_text(failure)}, {share_text(failure)}."
    if row.review is None:
        other = "" if row.elsewhere is None else f" {there_text(row.elsewhere)}. {row.elsewhere.review.note}".rstrip()
        return f"{told} Not yet reviewed.{other}"
    note = f" Note: {row.review.note}" if row.review.note else ""
    return f"{told} {row.review.verdict.capitalize()}, {row.review.reviewed[:10]}.{note}"
