"""What a dossier says of the looks that somebody took at a model's worst mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from app.core import reviews
from app.core.review_rows import verdicts_told
from app.governance.dossier import ModelSection

WRONG = " The figures count a mistake against a wrong label as the model's own."


def limits_of_reviews(session: Session, sections: Sequence[ModelSection]) -> Iterator[str]:
    """What was made of mistakes, for each model of which somebody looked at any; in whole sentences."""
    for section in sections:
        found = reviews.failures(session, section.evaluation_job)
        seen = [one.review for one in found if one.review is not None]
        if seen:
            judged = f"{len(seen):,}: {verdicts_told(seen)}"
            more = WRONG if any(one.verdict == "label wrong" for one in seen) else ""
            whose = f"Of the {len(found):,} worst mistakes of '{section.card.name}'"
            yield f"{whose} those who read the traces judged {judged}.{more}"
