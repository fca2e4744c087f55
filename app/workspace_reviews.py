"""The part of the workspace that keeps what was made of a model's worst mistakes."""

from __future__ import annotations

from app.core import reviews
from app.core.home import Home
from app.core.review_rows import FailureVerdict, Review, ReviewedFailure, Reviews, ReviewsElsewhere
from app.core.reviews import ReviewedEvaluation


class FailureReviews:
    """Marks on mistakes of evaluations. Mixed into `Workspace`, which has `_home`."""

    _home: Home

    def reviewed_evaluations(self) -> list[ReviewedEvaluation]:
        """Evaluations that have mistakes to look at, the newest first, with how many were."""
        with self._home.db.read() as session:
            return reviews.overview(session)

    def failures(self, job_id: str, label: str = "") -> list[ReviewedFailure]:
        """The worst mistakes of an evaluation, of one label or all, each with what was made of it.

        Raises:
            UsageError: no evaluation that is done, or a label that it does not score.
        """
        with self._home.db.read() as session:
            return reviews.failures(session, job_id, label)

    def failure_reviews(self, job_id: str) -> Reviews:
        """What was made of mistakes of an evaluation, by label and recording. Raises UsageError for an unknown job."""
        with self._home.db.read() as session:
            return reviews.of_job(session, job_id)

    def reviews_elsewhere(self, job_id: str) -> ReviewsElsewhere:
        """What was made of recordings as mistakes of other evaluations. Raises UsageError for an unknown job."""
        with self._home.db.read() as session:
            return reviews.elsewhere(session, job_id)

    def review_failure(self, job_id: str, label: str, record: str, verdict: FailureVerdict, note: str = "") -> Review:
        """Keep what somebody made of a mistake; it takes the place of an earlier mark.

        Raises:
            UsageError: no such mistake, an unknown verdict, or too long a note.
            WorldError: the note holds an identifier seen at import.
        """
        with self._home.db.write() as session:
            return reviews.review(session, self._home, job_id, label, record, verdict, note)

    def clear_review(self, job_id: str, label: str, record: str) -> None:
        """Take a mark on a mistake back. Raises UsageError where there is none."""
        with self._home.db.write() as session:
            reviews.clear(session, job_id, label, record)
