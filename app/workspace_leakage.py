"""The part of the workspace that looks for leaks. No logic of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.core import exposure, leak_state, leakage, leaving
from app.core.home import Home
from app.core.rows import Exposure, LeakState
from engine.contract.results import LeakageResults
from engine.data.circularity import Circularity
from engine.data.packs import PackHead


class Sentinel:
    """What a `Workspace` can do against leaks."""

    _home: Home

    def leakage(self, cohort: str, against: Sequence[str] = ()) -> str:
        """Queue the search for patients and recordings, copies included, that stand on two sides; gives back the job.

        Args:
            cohort: its parts are held against each other.
            against: other cohorts, models (what they were pretrained on) and fingerprint packs (paths).

        Raises:
            UsageError: a word that names nothing to check against.
            WorldError: a pack that cannot be used.
        """
        with self._home.db.write() as session:
            return leakage.check(session, self._home, cohort, against)

    def last_leakage(self, cohort: str) -> tuple[str, LeakageResults] | None:
        """The last finished search of a cohort, by its job; None when it was never searched."""
        with self._home.db.read() as session:
            return leakage.latest(session, cohort)

    def leak_state(self, cohort: str) -> LeakState:
        """What is known of leaks into a cohort: which sides were searched, when, and what was found."""
        with self._home.db.read() as session:
            return leak_state.state_of(session, cohort)

    def exposures(self, cohort: str, models: Sequence[str]) -> list[Exposure]:
        """What is known of whether models have seen the recordings that they are scored on, by cohort.

        Raises:
            UsageError: unknown cohort or model.
        """
        with self._home.db.read() as session:
            return exposure.of_models(session, cohort, models)

    def refuse_identifiers(self, what: str, path: Path, texts: Mapping[str, str]) -> None:
        """Let no file leave whose texts (by the place where they stand) or name hold an identifier seen at import.

        Raises:
            WorldError: with the kinds and places, never the identifier.
        """
        leaving.refuse_file(self._home, what, path, texts)

    def names_somebody(self, text: str) -> bool:
        """Whether a text holds an identifier seen at import."""
        with self._home.db.read() as session:
            return bool(leaving.search(session, self._home.key, {"text": text}))

    def label_circularity(self, cohort: str) -> list[Circularity]:
        """For each label of a cohort, how far it is the cart's own statement, the worst first."""
        with self._home.db.read() as session:
            return leakage.labels(session, cohort)

    def export_fingerprints(
        self,
        cohort: str,
        out: Path,
        corpus: str = "",
        licence: str = "",
        note: str = "",
        on_progress: Callable[[int, int, str], None] | None = None,
    ) -> tuple[Path, PackHead]:
        """Write the fingerprints of a cohort as a pack that others can check against; gives back the file and its head.

        Raises:
            UsageError: unknown cohort.
            WorldError: the file cannot be written.
        """
        return leakage.export(self._home, cohort, Path(out), corpus, licence, note, on_progress)
