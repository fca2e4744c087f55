"""One file as an import reads it: recording, checks, de-identification, and what may be told of it.

Runs in a process of its own (see `engine.data.reading_pool`); what it hands back holds no identifier any more.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from engine.contract.config import ImportConfig
from engine.contract.errors import WorldError, crash_line
from engine.signal.deidentify import Removed, deidentify, year_of
from engine.signal.leads import CANONICAL
from engine.signal.quality import assess, impossible_amplitude
from engine.signal.readers import read_recording
from engine.signal.recording import Recording

REPORT_IT = "Report it with the log"


@dataclass(frozen=True)
class ReadFile:
    """What came of one file.

    Attributes:
        index: its position in the run's list.
        recording: de-identified; None where the file was refused.
        told: what an event may say of the recording.
        reason: why it was refused.
        next_step: what the user can do then.
    """

    index: int
    recording: Recording | None = None
    told: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    next_step: str = ""


@dataclass(frozen=True)
class Reading:
    """How an import reads its files; called with position and source of each."""

    config: ImportConfig
    key: bytes | None = field(default=None, repr=False)

    def __call__(self, index: int, source: str) -> ReadFile:
        """Read one file; whatever goes wrong with it is told and raises nothing."""
        try:
            recording = read_recording(source, mapping=self.config.mapping)
            refuse_impossible(recording)
            clean, removed = deidentify(recording, self.config.deidentify, self.key)
            return ReadFile(index, clean, describe(clean, removed))
        except WorldError as error:
            return ReadFile(index, reason=error.reason, next_step=error.next_step)
        except MemoryError:
            return ReadFile(
                index, reason="reading it takes more memory than a file may", next_step="Cut it into shorter recordings"
            )
        except Exception as error:  # a bug of a reader must not keep the other files out
            return ReadFile(index, reason=crash_line(error), next_step=REPORT_IT)


def refuse_impossible(recording: Recording) -> None:
    """Refuse a recording whose amplitude no ECG can have. Raises WorldError."""
    swing = impossible_amplitude(recording)
    if swing is not None:
        raise WorldError(
            "recording",
            f"its leads swing by {swing:.2g} mV a second, which no ECG does: the gain in the file must be wrong",
            "Correct the gain in the header",
        )


def describe(recording: Recording, removed: Removed | None = None) -> dict[str, Any]:
    """What an event may say of a de-identified recording: no name, no path, no full date, no age above 89."""
    quality = assess(recording)
    return {
        "rate_hz": recording.rate_hz,
        "seconds": recording.seconds,
        "present": [lead for lead, there in zip(CANONICAL, recording.present, strict=True) if there],
        "derived": list(recording.derived),
        "format": recording.format,
        "file_sha256": recording.file_sha256,
        "signal_sha256": recording.signal_sha256,
        "age": recording.age_years,
        "age_over_89": recording.age_over_89 or recording.age_years == 90.0,
        "sex": recording.sex,
        "quality": quality.verdict,
        "quality_reasons": list(quality.reasons),
        "quality_evidence": quality.evidence,
        **_origin(recording),
        **_removed(removed),
    }


def _origin(recording: Recording) -> dict[str, Any]:
    """Where it comes from and what came with it, as far as the file says it."""
    device = {name: value for name, value in asdict(recording.acquisition).items() if value not in ("", None)}
    told: dict[str, Any] = {
        "patient": recording.patient,
        "acquired": recording.acquired,
        "year": year_of(recording.acquired),
        "device": device,
        "statements": [
            {part: value for part, value in asdict(statement).items() if value not in ("", None)}
            for statement in recording.statements
            if statement.code or statement.text
        ],
        "measurements": dict(recording.measurements),
        "extra_leads": list(recording.extra.leads) if recording.extra else [],
        "reader": recording.reader,
        "transformations": list(recording.transformations),
    }
    return {name: value for name, value in told.items() if value}


def _removed(removed: Removed | None) -> dict[str, Any]:
    if removed is None:
        return {}
    marks: dict[str, list[str]] = {}
    for mark, kind in sorted(removed.marks.items()):
        marks.setdefault(kind, []).append(f"{mark & (2**64 - 1):016x}")
    return {"removed": removed.counts, "marks": marks, "unsearchable": removed.unsearchable}
