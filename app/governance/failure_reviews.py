"""What a dossier says of the looks that somebody took at a model's worst mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from app.core import reviews
from app.core.review_rows import clause
from app.governance.dossier import ModelSection


def limits_of_reviews(session: Session, sections: Sequence[ModelSection]) -> Iterator[str]:
    """What was made of mistakes, for each model of which somebody looked at any; in whole sentences."""
    for section in sections:
        found = reviews.failures(session, section.evaluation_job)
        told = clause(found)
        if not told:
            continue
        yield f"By those who looked at the traces, of '{section.card.name}' {told}." + (
            " The figures count mistakes against wrong labels as the model's own."
            if any(one.review is not None and one.review.verdict == "label wrong" for one in found)
            else ""
        )
