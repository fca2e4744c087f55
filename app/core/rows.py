"""What the workspace hands out: frozen rows. ORM objects never leave `app.core`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import COLLAPSE_NOTE, DERIVED_STAMP, LEAK_NOTE, RESEARCH_STAMP
from engine.data.eligibility import Step

JobState = Literal["queued", "running", "done", "failed", "stopped", "interrupted"]
LeakVerdict = Literal["not searched", "searching", "none found", "leaks"]


@dataclass(frozen=True)
class RecordRow:
    """One recording. `source_name` is the file's own name: it may identify a patient and stays in the workspace.

    Attributes:
        patient: pseudonym; `patient_known` tells whether file or table named the patient.
        acquired: year of the recording, or its shifted date and time; empty when the file gives none.
        device: stand-in of the device's serial number.
        notch_hz: of the acquisition's mains filter; 0 when the file says that there was none.
        paced: whether the file flags a pacemaker; None when it does not say.
        statements: what came with the file: code, system, source; text where it was allowed.
        extra_leads: leads of the file beyond the twelve.
        reader: what read the file, with its version.
        transformations: what was done to the samples, in order.
        removed: by kind, how many identifiers were taken out.
        job_id: the import that brought it.
    """

    record_id: str
    source_name: str
    dataset: str
    patient: str
    age: float | None
    age_text: str
    sex: Literal["female", "male", "unknown"]
    rate_hz: float
    seconds: float
    leads: tuple[str, ...]
    derived_leads: tuple[str, ...]
    format: str
    quality: Literal["good", "limited", "unusable", "unknown"]
    quality_reasons: tuple[str, ...]
    file_sha256: str
    signal_sha256: str
    labels: dict[str, float] = field(default_factory=dict)
    imported: str = ""
    patient_known: bool = False
    acquired: str = ""
    year: int | None = None
    maker: str = ""
    model: str = ""
    firmware: str = ""
    device: str = ""
    high_pass_hz: float | None = None
    low_pass_hz: float | None = None
    notch_hz: float | None = None
    paced: bool | None = None
    setting: str = ""
    statements: tuple[dict[str, Any], ...] = ()
    measurements: dict[str, float] = field(default_factory=dict)
    extra_leads: tuple[str, ...] = ()
    reader: str = ""
    transformations: tuple[str, ...] = ()
    removed: dict[str, int] = field(default_factory=dict)
    quality_evidence: dict[str, Any] = field(default_factory=dict)
    job_id: str = ""


@dataclass(frozen=True)
class SignalView:
    """Samples of one recording for painting and export: [leads, samples] float32 millivolts, NaN where missing."""

    record_id: str
    signal_CT: NDArray[np.float32]
    rate_hz: float
    leads: tuple[str, ...]
    derived_leads: tuple[str, ...]


@dataclass(frozen=True)
class FileOutcome:
    """What became of one input file. Told on the spot; the path never reaches an event, a log or a report."""

    file: str
    format: str
    status: Literal["imported", "duplicate", "refused"]
    reason: str
    next_step: str
    record_id: str | None
    folder: str = ""


@dataclass(frozen=True)
class LabelSummary:
    """Counts of one label over the records of the workspace. Unknown is not negative."""

    label: str
    positives: int
    negatives: int
    unknown: int
    positive_patients: int
    negative_patients: int


@dataclass(frozen=True)
class CohortRow:
    """A named set of recordings with one patient-wise split; `openings` counts how often its test part was scored.

    `labels`, `dataset` and `rules` are what was asked for when it was made.
    """

    name: str
    records: int
    patients: int
    split_id: str
    split_kind: str
    split_sha256: str
    seed: int
    openings: int
    created: str
    leaks: LeakVerdict = "not searched"
    """Whether copies, of whatever patient, stand in two parts: see `LeakState`."""
    labels: tuple[str, ...] = ()
    dataset: str | None = None
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeakSearch:
    """What the latest search says of one side that a cohort was held against.

    Attributes:
        against: a cohort, a model or a corpus; empty for the cohort's own parts.
        job_id: the search.
        finished: when it ended.
        size: recordings on that side.
        unchecked: recordings that could not be compared.
        copies: recordings of the cohort that have a changed copy there.
        findings: a sentence for each leak; empty where nothing was found.
        notes: what else there is to say.
    """

    against: str
    job_id: str
    finished: str
    size: int
    unchecked: int = 0
    copies: int = 0
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeakState:
    """What is known of leaks into a cohort; `verdict`, `sentence` and `job_id` are of its own parts."""

    cohort: str
    verdict: LeakVerdict
    sentence: str
    job_id: str = ""
    searches: tuple[LeakSearch, ...] = ()


@dataclass(frozen=True)
class Exposure:
    """What is known of whether a model has seen the recordings that it is scored on.

    Attributes:
        model: its name.
        training: what is known of what it was trained on, in words.
        findings: a sentence for each thing that was found.
        unsearched: a sentence for each thing that nobody has looked for, and how to.
        clear: a sentence for each thing that was looked for and not found.
        off_label: that some of the recordings are not whom its maker means it for.
    """

    model: str
    training: str
    findings: tuple[str, ...] = ()
    unsearched: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()
    off_label: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoreSummary:
    """What the store holds. `exact` counts recordings of which every lead is kept as the integers of its file."""

    recordings: int
    hours: float
    size_bytes: int
    rates: dict[str, int]
    exact: int


@dataclass(frozen=True)
class DerivedRow:
    """Recordings that were resampled once and kept: for which rate, clipped where, how many, how large."""

    key: str
    rate_hz: float | None
    clip_mv: float | None
    records: int
    size_bytes: int
    in_use: bool


OFFICIAL = "in the official split"
"""The step of a flow that leaves out who has no official part."""


@dataclass(frozen=True)
class CohortFlow:
    """Who was considered, who was left out at which step and why, who is left.

    Attributes:
        considered: recordings at the start.
        considered_patients: their patients.
        steps: one a rule, in the order in which they were applied.
        records: recordings that are left.
        patients: their patients.
        torn: patients whom an official split has in several parts; a cohort with any is refused.
    """

    considered: int
    considered_patients: int
    steps: tuple[Step, ...]
    records: int
    patients: int
    torn: int = 0


@dataclass(frozen=True)
class ModelRow:
    """A registered model version; immutable but for somebody's word that it may run where isolation is incomplete."""

    name: str
    version: str
    source: str
    sha256: str
    created: str
    card: dict[str, Any]
    job_id: str = ""
    allow_incomplete: bool = False

    @property
    def marks(self) -> tuple[str, ...]:
        """What must be said wherever the model is named: licence, derived from which model, leaking, collapsed."""
        lineage = self.card.get("lineage") or {}
        derived = self.card.get("stamp", RESEARCH_STAMP) != RESEARCH_STAMP or lineage.get("parent_sha256")
        parent = lineage.get("parent_name") or "another model"
        told = [f"{DERIVED_STAMP} (from {parent})"] if derived else []
        told += [note for note in (LEAK_NOTE, COLLAPSE_NOTE) if note in self.card.get("notes", ())]
        if lineage.get("collapsed") and COLLAPSE_NOTE not in told:
            told.append(COLLAPSE_NOTE)
        if self.card.get("non_commercial"):
            told.append("licence forbids commercial use")
        return tuple(told)


@dataclass(frozen=True)
class ProgressRow:
    """Where a job stands."""

    done: int = 0
    total: int = 0
    unit: str = ""
    message: str = ""
    seconds_left: float | None = None


@dataclass(frozen=True)
class JobRow:
    """One job in the queue or in the past.

    Attributes:
        fault: short name of what went wrong ("out_of_memory"), empty when nothing did or it has no name.
        cohort: name of the cohort whose recordings it reads, empty for all.
        model: name of the model that it examines or goes on from.
    """

    job_id: str
    kind: str
    name: str
    state: JobState
    created: str
    started: str
    finished: str
    progress: ProgressRow
    message: str
    next_step: str
    fault: str = ""
    cohort: str = ""
    model: str = ""

    @property
    def active(self) -> bool:
        """Whether it waits or works."""
        return self.state in ("queued", "running")

    @property
    def resumable(self) -> bool:
        """Whether *Resume* makes sense."""
        return self.state in ("interrupted", "stopped", "failed")


@dataclass(frozen=True)
class JobDetail:
    """All that the database knows of a job; needs no run folder."""

    job: JobRow
    config: dict[str, Any]
    results: dict[str, Any] | None
    events: int
    warnings: tuple[str, ...]
    versions: dict[str, str]
    console_tail: str
    checkpoints: tuple[str, ...]
    collapsed: str = ""
    """Why the run counts as collapsed by its last look; empty when it does not."""


@dataclass(frozen=True)
class MetricSeries:
    """One curve of a run: steps and values of the same length."""

    name: str
    steps: tuple[int, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class AuditRow:
    """One event of the append-only trail."""

    seq: int
    time: str
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True)
class AuditVerdict:
    """Whether the chain holds, and its head."""

    intact: bool
    events: int
    head: str
    fault: str = ""


@dataclass(frozen=True)
class ReportRow:
    """An exported PDF and its hash."""

    file: str
    sha256: str
    created: str
    comparison_job: str
    audit_seq: int


@dataclass(frozen=True)
class Check:
    """One line of a verification: what was checked, whether it matches, what was found."""

    what: str
    ok: bool
    found: str


@dataclass(frozen=True)
class Verification:
    """Outcome of `isoline verify`."""

    file: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every line matches."""
        return bool(self.checks) and all(check.ok for check in self.checks)
